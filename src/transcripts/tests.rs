//! Claims about the whole room: bytes in, transcript or sentence out.

use std::fmt::Write;
use std::time::Instant;

use proptest::prelude::*;

use super::*;
use crate::domain::transcript::Times;

/// Each cue as `start-end speaker|text`, in milliseconds.
fn shown(reading: &Reading) -> Vec<String> {
    let transcript = &reading.transcript;
    let name = |cue| transcript.speaker_name(cue).map(|n| format!("{n}|")).unwrap_or_default();
    let cues = transcript.cues.iter();
    cues.map(|c| format!("{}-{} {}{}", c.start_ms, c.end_ms, name(c), c.text)).collect()
}

#[track_caller]
fn check(source: &str, format: Format, want: &[&str]) {
    let reading = read(source.as_bytes(), &Hint::default()).expect(source);
    assert_eq!(reading.format, format, "{source}");
    assert_eq!(shown(&reading), want, "{source}");
    holds(&reading);
}

#[track_caller]
fn refused(bytes: &[u8], want: Refusal) {
    let got = read(bytes, &Hint::default()).expect_err("a refusal");
    assert_eq!(got, want);
    let sentence = got.to_string();
    assert!(sentence.ends_with('.') && sentence.len() > 20, "{sentence}");
}

/// What every transcript keeps, whatever it was read from.
#[track_caller]
fn holds(reading: &Reading) {
    let transcript = &reading.transcript;
    assert!(!transcript.cues.is_empty() && transcript.cues.len() <= CUES_MAX);
    assert!(transcript.cues.windows(2).all(|pair| pair[0].start_ms <= pair[1].start_ms));
    for cue in &transcript.cues {
        assert!(cue.start_ms <= cue.end_ms, "{cue:?}");
        assert!(!cue.text.is_empty() && cue.text.len() <= CUE_TEXT_BYTES_MAX);
        assert_eq!(cue.text.split_whitespace().collect::<Vec<_>>().join(" "), cue.text);
        assert!(!cue.text.contains(|c: char| c.is_control()), "{cue:?}");
        if let Some(key) = &cue.speaker {
            assert!(transcript.speakers.contains_key(key), "{key}");
        }
    }
    assert!(reading.skipped.first.len() <= SKIPS_NAMED_MAX.min(reading.skipped.count));
}

#[test]
fn webvtt_is_read_with_all_its_liberties() {
    let f = Format::Vtt;
    check("WEBVTT\n\n00:01.000 --> 00:02.500\nGood day\n", f, &["1000-2500 Good day"]);
    check(
        "\u{feff}WEBVTT\r\n\r\n100:00:01.000 --> 100:00:02.000\r\nlate\r\n",
        f,
        &["360001000-360002000 late"],
    );
    check(
        "WEBVTT\n\nNOTE none\nof this\n\nSTYLE\n::cue{}\n\nREGION\nid:a\n\nid one\n\
           00:01.000 --> 00:02.000 align:start\n<i>soft</i> &amp; <b.loud>hard</b>\n",
        f,
        &["1000-2000 soft & hard"],
    );
    check("WEBVTT\n\n00:00:01,000 --> 00:00:02,000\ncomma\n", f, &["1000-2000 comma"]);
    check("WEBVTT\n\n00:01.000 -> 00:02.000\nshort arrow\n", f, &["1000-2000 short arrow"]);
    check(
        "WEBVTT\n\n00:01.000 --> 00:02.000\none\n\nafter a gap\n\n00:03.000 --> 00:04.000\ntwo\n",
        f,
        &["1000-2000 one after a gap", "3000-4000 two"],
    );
    check(
        "WEBVTT\n\n00:01.000 --> 00:02.000\n1 < 2 and </b unclosed\n",
        f,
        &["1000-2000 1 < 2 and </b unclosed"],
    );
    check(
        "WEBVTT\n00:01.000 --> 00:02.000\na\n00:02.000 --> 00:03.000\nb",
        f,
        &["1000-2000 a", "2000-3000 b"],
    );
}

#[test]
fn voices_become_speakers_in_order_of_appearance() {
    let source = "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Zoe>Hi</v>\n\n00:02.000 --> 00:03.000\n\
                  <v.loud Al>Ho</v><v Zoe>Hey</v>\n";
    check(source, Format::Vtt, &["1000-2000 Zoe|Hi", "2000-3000 Al|Ho", "2000-3000 Zoe|Hey"]);
    let reading = read(source.as_bytes(), &Hint::default()).expect("a transcript");
    let keys: Vec<_> = reading.transcript.cues.iter().filter_map(|c| c.speaker.clone()).collect();
    assert_eq!(keys, ["s1", "s2", "s1"]);
    let raw = written(source.as_bytes(), &Hint::default()).expect("a transcript");
    assert_eq!(raw.cues.len(), 2, "as written, a cue stays one");
}

#[test]
fn rolling_captions_are_said_once() {
    let source = "WEBVTT\nKind: captions\nLanguage: de\n\n\
        00:00:00.000 --> 00:00:02.000 align:start\n \nso<00:00:00.480><c> we</c><00:00:00.9><c> begin</c>\n\n\
        00:00:02.000 --> 00:00:02.010 align:start\nso we begin\n \n\n\
        00:00:02.010 --> 00:00:04.000 align:start\nso we begin\nwith<00:00:03.0><c> bread</c>\n\n\
        00:00:04.000 --> 00:00:04.010 align:start\nwith bread\n \n\n\
        00:00:04.010 --> 00:00:06.000 align:start\nwith bread\nand salt\n";
    check(
        source,
        Format::Vtt,
        &["0-2000 so we begin", "2010-4000 with bread", "4010-6000 and salt"],
    );
    let hint = Hint { language: Some("en".into()), ..Hint::default() };
    let reading = read(source.as_bytes(), &hint).expect("a transcript");
    assert_eq!(reading.transcript.language.as_deref(), Some("de"), "the file knows better");
    assert_eq!(written(source.as_bytes(), &hint).expect("a transcript").cues.len(), 5);
}

#[test]
fn captions_that_grow_are_said_once() {
    let srt = "1\n00:00:01,000 --> 00:00:02,000\nwe had\n\n2\n00:00:02,000 --> 00:00:03,000\n\
               we had a plan\n\n3\n00:00:03,000 --> 00:00:04,000\nwe had a plan once\n";
    check(srt, Format::Srt, &["1000-2000 we had", "2000-3000 a plan", "3000-4000 once"]);
}

#[test]
fn a_word_said_twice_stays_twice() {
    let srt = "1\n00:00:01,000 --> 00:00:02,000\nYes.\n\n2\n00:00:02,000 --> 00:00:03,000\nYes.\n\n\
               3\n00:00:09,000 --> 00:00:10,000\nBread.\n";
    check(srt, Format::Srt, &["1000-2000 Yes.", "2000-3000 Yes.", "9000-10000 Bread."]);
}

#[test]
fn srt_is_read_as_it_comes() {
    let f = Format::Srt;
    let two = &["1000-2000 one", "2000-3000 two"][..];
    check(
        "1\n00:00:01,000 --> 00:00:02,000\none\n\n2\n00:00:02,000 --> 00:00:03,000\ntwo\n",
        f,
        two,
    );
    check("00:00:01.000 --> 00:00:02.000\none\n\n00:00:02.000 --> 00:00:03.000\ntwo", f, two);
    check("1\r\n0:0:1,0-->0:0:2,0\r\none\r\n2\r\n0:0:2,0-->0:0:3,0\r\ntwo\r\n", f, two);
    check(
        "1\n00:00:01,000 --> 00:00:02,000\n{\\an8}<font color=\"red\">top</font>\n\nbelow\n",
        f,
        &["1000-2000 top below"],
    );
    check(
        "1\n00:00:01,000 --> 00:00:02,000\nIn the year\n1984\n",
        f,
        &["1000-2000 In the year 1984"],
    );
}

#[test]
fn labels_said_again_become_speakers_and_hold_on() {
    let srt = "1\n00:00:01,000 --> 00:00:02,000\nMira: Welcome\n\n2\n00:00:02,000 --> 00:00:03,000\n\
               to the show.\n\n3\n00:00:03,000 --> 00:00:04,000\nOle: Here is one rule: eat.\n\n\
               4\n00:00:04,000 --> 00:00:05,000\nMira: Ah.\n\n5\n00:00:05,000 --> 00:00:06,000\nOle: Yes.\n";
    check(
        srt,
        Format::Srt,
        &[
            "1000-2000 Mira|Welcome",
            "2000-3000 Mira|to the show.",
            "3000-4000 Ole|Here is one rule: eat.",
            "4000-5000 Mira|Ah.",
            "5000-6000 Ole|Yes.",
        ],
    );
}

#[test]
fn sbv_keeps_its_milliseconds() {
    check(
        "0:00:00.378,0:00:11.300\none[br]more\n\n0:00:11.300,0:00:12.000\ntwo\n",
        Format::Sbv,
        &["378-11300 one more", "11300-12000 two"],
    );
}

#[test]
fn youtube_json_joins_its_words_and_ends_where_the_next_begins() {
    check(
        r#"{"wireMagic":"pb3","events":[{"tStartMs":0,"dDurationMs":9000,"wWinId":1},
        {"tStartMs":100,"dDurationMs":4000,"segs":[{"utf8":"hello"},{"utf8":" you","tOffsetMs":9}]},
        {"tStartMs":2000,"aAppend":1,"segs":[{"utf8":"\n"}]},
        {"tStartMs":"2100","dDurationMs":1000.4,"segs":[{"utf8":"there"}]},
        {"segs":[{"utf8":"lost"}]}]}"#,
        Format::YouTubeJson,
        &["100-2100 hello you", "2100-3100 there"],
    );
}

#[test]
fn timed_text_of_every_generation_is_read() {
    let f = Format::TimedText;
    check(
        "<?xml version=\"1.0\" encoding=\"utf-8\" ?><transcript><text start=\"1.5\" dur=\"1\">it&amp;#39;s\
           </text><text start=\"3\">end</text></transcript>",
        f,
        &["1500-2500 it's", "3000-3400 end"],
    );
    check("<timedtext><text t=\"1500\" d=\"500\">two</text></timedtext>", f, &["1500-2000 two"]);
    check(
        "<timedtext format=\"3\"><body><w t=\"0\"/><p t=\"10\" d=\"90\"><s>a</s><s t=\"5\"> b</s><br/>c &lt; d\
           </p><p t=\"200\" d=\"50\">\u{200b}</p></body></timedtext>",
        f,
        &["10-100 a b c < d"],
    );
    check(
        "<tt xml:lang=\"fr\"><body><div><p begin=\"00:00:01.000\" end=\"2.5s\">oui</p></div></body></tt>",
        f,
        &["1000-2500 oui"],
    );
}

#[test]
fn podcast_ttml_has_a_span_for_each_word_and_an_agent() {
    check(
        "<tt><p begin=\"9.5\" end=\"10\" ttm:agent=\"A\"><span>so</span><span>it</span></p></tt>",
        Format::TimedText,
        &["9500-10000 A|so it"],
    );
}

#[test]
fn rare_labels_and_signs_are_no_speakers() {
    let mut srt = String::new();
    for n in 0..400 {
        let label = if n % 200 == 7 { "Remember: " } else { "" };
        write!(srt, "00:{:02}:{:02},0 --> 00:50:00,0\n{label}cue {n}\n\n", n / 60, n % 60)
            .expect("a transcript");
    }
    let reading = read(srt.as_bytes(), &Hint::default()).expect("a transcript");
    assert!(reading.transcript.speakers.is_empty());
    check("00:00:01,0 --> 00:00:02,0\nExit: left\n", Format::Srt, &["1000-2000 Exit: left"]);
}

#[test]
fn podcast_json_is_read_with_its_speakers() {
    let f = Format::PodcastJson;
    check(
        r#"{"version":"1.0.0","segments":[{"speaker":"Ada","startTime":0.5,"endTime":1,"body":"Hi"},
        {"speaker":"Bo","startTime":"2","endTime":1,"body":"Ho"},
        {"startTime":-3,"endTime":0.2,"body":"early"}]}"#,
        f,
        &["0-200 early", "500-1000 Ada|Hi", "2000-2000 Bo|Ho"],
    );
    check(r#"[{"text":"list","start":1.0,"duration":2.0}]"#, f, &["1000-3000 list"]);
}

#[test]
fn words_timed_one_by_one_are_joined_to_lines() {
    let mut json = String::from("{\"segments\":[");
    for n in 0..30 {
        let stop = if n % 10 == 9 { "." } else { "" };
        let comma = if n > 0 { "," } else { "" };
        let _ =
            write!(json, "{comma}{{\"startTime\":{n},\"endTime\":{n}.5,\"body\":\"w{n}{stop}\"}}");
    }
    let reading = read(format!("{json}]}}").as_bytes(), &Hint::default()).expect("a transcript");
    assert_eq!(shown(&reading)[0], "0-9500 w0 w1 w2 w3 w4 w5 w6 w7 w8 w9.");
    assert_eq!(reading.transcript.cues.len(), 3);
}

#[test]
fn html_is_read_with_and_without_times() {
    let f = Format::Html;
    check(
        "<cite>Ada:</cite>\n<time>0:05</time>\n<p>Hi &amp; ho</p>\n<cite>Bo:</cite>\n<time>1:00:09</time>\n<p>Ja</p>",
        f,
        &["5000-3609000 Ada|Hi & ho", "3609000-3609400 Bo|Ja"],
    );
    check(
        "<!DOCTYPE html><html lang=\"en\"><head><title>no</title><style>p{}</style></head><body>\
           <nav>Home</nav><p>Ada: Ten to one (10:1) is no time.</p><p>Bo: Well.</p><script>x()</script></body></html>",
        f,
        &["0-2800 Ada|Ten to one (10:1) is no time.", "2800-3200 Bo|Well."],
    );
    check(
        "<p>[00:10] Ada: one</p><p>[00:20] Bo: two</p>",
        f,
        &["10000-20000 Ada|one", "20000-20400 Bo|two"],
    );
}

#[test]
fn lrc_lines_sung_again_stand_where_they_are_sung() {
    check(
        "[ti:Song]\n[offset:+500]\n[00:01.50][00:09.50]la <00:01.80>la\n[00:05.00]lo\n",
        Format::Lrc,
        &["1000-4500 la la", "4500-9000 lo", "9000-9800 la la"],
    );
}

#[test]
fn plain_text_with_times_is_read_in_the_forms_people_use() {
    let want = &["1000-60000 Ada|one more", "60000-60400 Bo|two"][..];
    for source in [
        "[00:00:01] Ada: one\nmore\n[00:01:00] Bo: two\n",
        "(0:01) Ada: one more\n(1:00) Bo: two\n",
        "Ada (00:01):\none more\n\nBo (01:00):\ntwo\n",
        "Ada [00:01]: one more\nBo [01:00]: two",
        "Ada 00:01\none more\n\nBo 01:00\ntwo",
        "00:01\nAda: one more\n\n01:00\nBo: two\n",
        "00:00:01 Ada: one more\n00:01:00 Bo: two\n",
    ] {
        check(source, Format::Text, want);
    }
    check(
        "[00:01.000 --> 00:02.000]  one\n[00:02.000 --> 00:03.000]  two",
        Format::Text,
        &["1000-2000 one", "2000-3000 two"],
    );
}

#[test]
fn text_without_times_is_cut_into_sentences_at_a_hundred_and_fifty_words_a_minute() {
    let source = "We met Dr. Ode at 10:30 in Rome. Was it cold? It was.\n\nThen we left.";
    check(
        source,
        Format::Text,
        &[
            "0-3200 We met Dr. Ode at 10:30 in Rome.",
            "3200-4400 Was it cold?",
            "4400-5200 It was.",
            "5200-6400 Then we left.",
        ],
    );
    let reading = read(source.as_bytes(), &Hint::default()).expect("a transcript");
    assert_eq!(reading.transcript.times, Times::About);
    let timed = read(b"[00:01] a\n[00:02] b", &Hint::default()).expect("a transcript");
    assert_eq!(timed.transcript.times, Times::Exact);
}

#[test]
fn times_out_of_order_are_sorted_and_ends_mended() {
    let source = "WEBVTT\n\n00:05.000 --> 00:04.000\nb\n\n00:05.000 --> 00:06.000\nc\n\n\
                  00:01.000 --> 00:02.000\na\n\n00:07.000 --> 00:06.000\nd\n";
    check(source, Format::Vtt, &["1000-2000 a", "5000-7000 b", "5000-6000 c", "7000-7000 d"]);
    assert_eq!(read(source.as_bytes(), &Hint::default()).expect("a transcript").mended, 2);
}

#[test]
fn what_cannot_be_read_is_counted_and_named() {
    let source = "WEBVTT\n\n00:01.000 --> 00:02.000\nok\n\n00:xx.000 --> 00:03.000\nlost\n";
    let reading = read(source.as_bytes(), &Hint::default()).expect("a transcript");
    assert_eq!(reading.skipped.count, 1);
    assert_eq!(reading.skipped.first[0].line, 6);
    assert_eq!(shown(&reading), ["1000-2000 ok lost"], "the words are not lost");
    let srt = "1\n00:00:01,0 --> 00:00:02,0\nok\n\n2\n00:00:x --> 00:00:03,0\nlost\n";
    let reading = read(srt.as_bytes(), &Hint::default()).expect("a transcript");
    assert_eq!((reading.skipped.count, reading.skipped.first[0].line), (1, 6));
    assert_eq!(shown(&reading), ["1000-2000 ok lost"]);
    let mut many = String::from(source);
    for _ in 0..SKIPS_NAMED_MAX + 5 {
        many.push_str("\n00:xx.000 --> 00:03.000\nlost\n");
    }
    let reading = read(many.as_bytes(), &Hint::default()).expect("a transcript");
    assert_eq!((reading.skipped.count, reading.skipped.first.len()), (26, SKIPS_NAMED_MAX));
}

#[test]
fn encodings_are_told_in_their_order() {
    let source = "WEBVTT\n\n00:01.000 --> 00:02.000\nGrüße aus Žďár, что нового?\n";
    let want = "1000-2000 Grüße aus Žďár, что нового?";
    let utf16 = |big: bool, mark: bool| -> Vec<u8> {
        let units = mark.then_some(0xfeff).into_iter().chain(source.encode_utf16());
        units.flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
    };
    for bytes in [
        source.as_bytes().to_vec(),
        utf16(false, true),
        utf16(true, true),
        utf16(false, false),
        utf16(true, false),
    ] {
        let reading = read(&bytes, &Hint::default()).expect("a transcript");
        assert_eq!(shown(&reading), [want], "{}", reading.encoding);
    }
    let text = |label: &str, words: &str| {
        let encoding = encoding_rs::Encoding::for_label(label.as_bytes()).expect("a transcript");
        let source = format!("1\n00:00:01,000 --> 00:00:02,000\n{words}\n");
        encoding.encode(&source).0.into_owned()
    };
    let russian = "Сегодня мы говорим о хлебе и соли";
    let bytes = text("windows-1251", russian);
    let with = |charset: &str| Hint { charset: Some(charset.into()), ..Hint::default() };
    for hint in [with("windows-1251"), Hint::default(), with("utf-8"), with("no such thing")] {
        let reading = read(&bytes, &hint).expect("a transcript");
        assert_eq!(reading.transcript.cues[0].text, russian, "{hint:?}");
    }
    // One broken byte in valid UTF-8 is damage, not another encoding.
    let mut damaged = source.as_bytes().to_vec();
    damaged.push(0xff);
    let reading = read(&damaged, &with("iso-8859-1")).expect("a transcript");
    assert_eq!((reading.encoding.as_str(), reading.skipped.count), ("UTF-8", 1));
    let xml = "<?xml version=\"1.0\" encoding=\"iso-8859-2\"?><transcript><text start=\"1\">";
    let bytes = [xml.as_bytes(), b"\xb9koda</text></transcript>"].concat();
    assert_eq!(
        read(&bytes, &Hint::default()).expect("a transcript").transcript.cues[0].text,
        "škoda"
    );
}

#[test]
fn what_is_no_transcript_is_named() {
    refused(b"", Refusal::Empty);
    refused(b" \n\t\xef\xbb\xbf", Refusal::Empty);
    refused(&[0; 5000], Refusal::Binary("a file of bytes"));
    refused(b"ID3\x04rest", Refusal::Binary("an audio file"));
    refused(b"\xff\xfb\x90\x64rest", Refusal::Binary("an audio file"));
    refused(b"\0\0\0\x18ftypmp42", Refusal::Binary("a video file"));
    refused(b"PK\x03\x04rest", Refusal::Binary("a zip archive or an office document"));
    refused(b"%PDF-1.7", Refusal::Binary("a PDF document"));
    refused(b"\x89PNG\r\n", Refusal::Binary("an image"));
    refused(b"\x1f\x8b\x08rest", Refusal::Binary("a gzip archive"));
    refused(
        b"<?xml version='1.0'?><!-- a --><rss><channel/></rss>",
        Refusal::NotATranscript("a feed"),
    );
    refused(b"<opml version='2.0'/>", Refusal::NotATranscript("an OPML list of feeds"));
    refused(b"#EXTM3U\n#EXTINF:1,\na.mp3", Refusal::NotATranscript("a playlist"));
    refused(b"{\"a\": 1}", Refusal::NotATranscript("JSON of another kind"));
    refused(b"[{\"a\": 1}]", Refusal::NotATranscript("JSON of another kind"));
    refused(
        b"{\"version\":\"1.2.0\",\"chapters\":[]}",
        Refusal::NotATranscript("a list of chapters"),
    );
    refused(b"{\"segments\": [\n{", Refusal::Broken { kind: "JSON", line: 2 });
    refused(b"WEBVTT\n\n", Refusal::NoCues("WebVTT"));
    let page = |n: usize| format!("<html><body><p>{}</p></body></html>", "word ".repeat(n));
    let few = Refusal::NotATranscript("a web page with hardly any words");
    refused(page(29).as_bytes(), few);
    assert!(read(page(30).as_bytes(), &Hint::default()).is_ok());
    refused(b"{\"segments\": []}", Refusal::NoCues("podcast JSON"));
}

#[test]
fn the_bounds_hold_on_both_sides() {
    let srt = |n: usize| {
        let mut srt = String::new();
        (0..n).for_each(|n| {
            write!(srt, "00:00:01,0 --> 00:00:02,0\ncue number {n}\n\n").expect("a transcript")
        });
        srt
    };
    let at = written(srt(CUES_MAX).as_bytes(), &Hint::default()).expect("a transcript");
    assert_eq!(at.cues.len(), CUES_MAX);
    refused(srt(CUES_MAX + 1).as_bytes(), Refusal::TooManyCues);
    let list = |n: usize| format!("[{}{{}}]", "{\"start\":1,\"text\":\"abc def ghi\"},".repeat(n));
    assert!(written(list(CUES_MAX).as_bytes(), &Hint::default()).is_ok());
    refused(list(CUES_MAX + 1).as_bytes(), Refusal::TooManyCues);
    let large = vec![b'a'; BYTES_MAX + 1];
    assert!(matches!(read(&large, &Hint::default()), Err(Refusal::TooLarge)));
    let nested = |n: usize| {
        format!("<tt>{}<p begin=\"1s\">x</p>{}</tt>", "<div>".repeat(n), "</div>".repeat(n))
    };
    assert!(read(nested(62).as_bytes(), &Hint::default()).is_ok());
    refused(nested(63).as_bytes(), Refusal::TooDeep("XML"));
    // Values that nobody asks for are passed over without recursion, however deep.
    let aside = |n: usize| format!("{{\"segments\":{}{}}}", "[".repeat(n), "]".repeat(n));
    refused(aside(100_000).as_bytes(), Refusal::NoCues("podcast JSON"));
    let deep = |n: usize| {
        let (open, close) = ("{\"name\":".repeat(n), "}".repeat(n));
        format!("[{{\"start\":1,\"text\":\"x\",\"speaker\":{open}\"A\"{close}}}]")
    };
    assert!(read(deep(120).as_bytes(), &Hint::default()).is_ok());
    refused(deep(130).as_bytes(), Refusal::TooDeep("JSON"));
}

#[test]
fn hostile_files_end_soon_with_a_transcript_or_a_sentence() {
    let n = 50_000;
    let vtt = |body: &str| format!("WEBVTT\n\n00:01.000 --> 00:02.000\n{body}\n");
    let attributes = "a=\"1\" ".repeat(200_000);
    let cases = [
        ("a word of ten megabytes", vtt(&"x".repeat(10_000_000))),
        ("open brackets", vtt(&"<".repeat(n))),
        ("open tags", vtt(&"<a ".repeat(n))),
        ("ampersands", vtt(&"&".repeat(n))),
        ("entities cut short", vtt(&"&#x".repeat(n))),
        ("zeros", vtt(&"a\0".repeat(n))),
        ("arrows", format!("WEBVTT\n\n{}", "-->\n".repeat(n))),
        ("arrows on one line", vtt(&"-->".repeat(n))),
        ("huge hours", "WEBVTT\n\n99999999999999999999:00:00.000 --> 00:02.000\nx".to_owned()),
        ("same lines", vtt(&"line\n".repeat(n)).repeat(2)),
        ("braces", format!("1\n00:00:01,0 --> 00:00:02,0\n{}", "{\\".repeat(n))),
        ("indexes", "1\n".repeat(n)),
        ("attributes in XML", format!("<timedtext><p {attributes} t=\"1\" d=\"5\">x</p></timedtext>")),
        ("attributes in HTML", format!("<html><p {attributes}>Ann: x said so</p></html>")),
        ("stray quotes", "<p a=\">x ".repeat(n)),
        ("comments", format!("<html>{}", "<!--".repeat(n))),
        ("scripts", format!("<html>{}", "<script></scrip".repeat(n))),
        ("depth in HTML", "<div>".repeat(n)),
        ("entity bomb", "<!DOCTYPE t [<!ENTITY a \"&b;&b;\">]><timedtext><p t=\"1\">&a;</p></timedtext>".into()),
        ("stamps on one line", format!("[ti:x]\n{}la", "[00:01.00]".repeat(20_000))),
        (
            "a long line sung often",
            format!("[ti:x]\n{}{}", "[00:01.00]".repeat(20_000), "la ".repeat(n * 6)),
        ),
        (
            "a long name kept often",
            format!("<cite>{}</cite><time>0:01</time>{}", "B".repeat(n * 6), "<p>x</p>".repeat(n)),
        ),
        ("labels", "Aa: b\n".repeat(n / 4)),
        ("brackets in text", "(".repeat(n)),
        ("stops", "A. ".repeat(n / 4)),
        ("empty events", format!("{{\"events\":[{}{{}}]}}", "{},".repeat(n))),
        ("empty segments", format!("{{\"events\":[{{\"tStartMs\":1,\"segs\":[{}{{\"utf8\":\"x\"}}]}}]}}", "{},".repeat(n))),
        ("odd values", "{\"events\":[1,null,\"x\"],\"segments\":{}}".into()),
        ("not a number", "{\"segments\":[{\"startTime\":\"NaN\",\"body\":\"x\"},{\"startTime\":1e400,\"body\":\"y\"}]}".into()),
        ("no end", "{\"segments\":[{\"startTime\":1e300,\"endTime\":-1e300,\"body\":\"y\"}]}".into()),
    ];
    for (name, source) in cases {
        let began = Instant::now();
        let outcome = read(source.as_bytes(), &Hint::default());
        let _ = written(source.as_bytes(), &Hint::default());
        match &outcome {
            Ok(reading) => holds(reading),
            Err(refusal) => assert!(refusal.to_string().ends_with('.'), "{name}"),
        }
        println!(
            "{name}: {:?}, {} ms",
            outcome.map(|r| r.transcript.cues.len()),
            began.elapsed().as_millis()
        );
    }
}

#[test]
fn every_public_fixture_that_has_words_is_read() {
    let Some(folder) = corpus() else { return };
    let (mut read_count, mut refused_count) = (0, 0);
    for (name, bytes) in folder {
        match read(&bytes, &Hint::default()) {
            Ok(reading) => {
                holds(&reading);
                read_count += 1;
            }
            Err(Refusal::NoCues(_) | Refusal::Empty) => refused_count += 1,
            Err(refusal) => panic!("{name}: {refusal}"),
        }
    }
    println!("{read_count} fixtures read, {refused_count} without words");
    assert!(read_count > refused_count);
}

/// The fixtures of the corpus, unpacked with tar, or `None` with a sentence.
#[expect(clippy::disallowed_methods, reason = "where the corpus lies is told to tests alone")]
fn corpus() -> Option<Vec<(String, Vec<u8>)>> {
    let beside = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let folder = std::env::var_os("RECAP_CORPUS").map_or(beside, Into::into);
    let archive = folder.join("transcripts.tar.gz");
    if !archive.exists() {
        println!("The corpus is not at {}; this test is skipped.", folder.display());
        return None;
    }
    let out = std::process::Command::new("tar").arg("-xzOf").arg(&archive).output().ok()?;
    let list = std::process::Command::new("tar").arg("-tvzf").arg(&archive).output().ok()?;
    let (mut from, mut files) = (0, Vec::new());
    for line in String::from_utf8_lossy(&list.stdout).lines() {
        let size: usize = line.split_whitespace().nth(2)?.parse().ok()?;
        if line.starts_with('-') {
            files.push((line.to_owned(), out.stdout.get(from..from + size)?.to_vec()));
            from += size;
        }
    }
    Some(files)
}

/// Pieces from which files nearly right are made.
fn piece() -> impl Strategy<Value = String> {
    let fixed = [
        "WEBVTT\n\n",
        "00:01.000 --> 00:02.000\n",
        "00:00:03,5 --> 00:00:01,0\n",
        "1\n",
        "\n",
        "\r\n",
        "NOTE x\n",
        "<v Al>",
        "</v>",
        "Ann: ",
        "[00:05] ",
        "(1:02) ",
        "0:00:01.0,0:00:02.0\n",
        "&amp;",
        "&#0;",
        "<p>",
        "<time>0:01</time>",
        "<cite>B:</cite>",
        "{\\an8}",
        "\0",
        "\u{200b}",
        "words. ",
        "語。",
        "[ti:x]\n",
        "[00:01.20]",
        "<",
        ">",
        "-->",
        "{\"segments\":[",
        "{\"text\":\"x\"}",
        "]}",
        "<timedtext>",
        "<p t=\"1\">",
        "99:59:59.999",
    ];
    prop_oneof![prop::sample::select(fixed.to_vec()).prop_map(str::to_owned), "\\PC{0,12}"]
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(reading) = read(&bytes, &Hint::default()) {
            holds(&reading);
        }
        let _ = written(&bytes, &Hint::default());
    }

    #[test]
    fn files_nearly_right_are_read_or_refused(pieces in prop::collection::vec(piece(), 0..60)) {
        let source = pieces.concat();
        if let Ok(reading) = read(source.as_bytes(), &Hint::default()) {
            holds(&reading);
        }
        let _ = written(source.as_bytes(), &Hint::default());
    }
}
