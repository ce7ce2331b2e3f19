//! Claims about whole feeds.

use proptest::prelude::*;

use super::*;

const NAMESPACES: &str = concat!(
    "xmlns:itunes=\"http://www.itunes.com/dtds/podcast-1.0.dtd\" ",
    "xmlns:podcast=\"https://podcastindex.org/namespace/1.0\" ",
    "xmlns:content=\"http://purl.org/rss/1.0/modules/content/\" ",
    "xmlns:media=\"http://search.yahoo.com/mrss/\" ",
    "xmlns:atom=\"http://www.w3.org/2005/Atom\" ",
    "xmlns:psc=\"http://podlove.org/simple-chapters\" ",
    "xmlns:dc=\"http://purl.org/dc/elements/1.1/\"",
);

fn base() -> Url {
    Url::parse("https://example.org/shows/feed.xml").unwrap()
}

fn read(text: &str) -> Feed {
    parse(text.as_bytes(), None, &base()).unwrap()
}

fn rss(channel: &str) -> Feed {
    read(&format!(
        "<?xml version=\"1.0\"?><rss version=\"2.0\" {NAMESPACES}><channel>{channel}</channel></rss>"
    ))
}

/// The one item of an RSS feed with these elements.
fn item(elements: &str) -> Item {
    let mut feed = rss(&format!("<item>{elements}</item>"));
    assert_eq!((feed.items.len(), &feed.warnings), (1, &vec![]), "{elements}");
    feed.items.remove(0)
}

fn atom(entry: &str) -> Item {
    let mut feed =
        read(&format!("<feed xmlns=\"http://www.w3.org/2005/Atom\"><entry>{entry}</entry></feed>"));
    assert_eq!((feed.items.len(), &feed.warnings), (1, &vec![]), "{entry}");
    feed.items.remove(0)
}

fn link(text: &str) -> Option<Link> {
    Link::parse(text)
}

fn url(text: &str) -> Option<Url> {
    Some(Url::parse(text).unwrap())
}

#[test]
fn everything_of_a_podcast_is_read() {
    let feed = rss(
        "<title>Rivers &amp; Bees</title><link>https://rivers.example/</link><language>en_GB</language>
        <atom:link rel=\"self\" href=\"https://rivers.example/feed\"/>
        <image><url>/small.png</url><title>Not the show's</title><link>https://no.example/</link></image>
        <itunes:image href=\"/big.png\"/><podcast:guid> 917393e3-1b1e </podcast:guid>
        <itunes:new-feed-url>https://new.example/feed</itunes:new-feed-url>
        <itunes:owner><itunes:name>Owner</itunes:name></itunes:owner>
        <item><title>One</title><itunes:title>Itunes one</itunes:title><link>/one</link>
          <guid isPermaLink=\"false\"> ep-1 </guid><pubDate>Tues, 29 Feb 2024 10:00:00 EST</pubDate>
          <description>Short &lt;b&gt;words&lt;/b&gt;</description>
          <content:encoded><![CDATA[<p>Long &amp; <i>good</i></p><p>Two</p>]]></content:encoded>
          <enclosure url=\"one.mp3\" length=\"1234\" type=\"Audio/MPEG; x=y\"/>
          <itunes:duration>62:03</itunes:duration><itunes:image href=\"/one.png\"/>
          <itunes:season>2</itunes:season><itunes:episode>7</itunes:episode>
          <podcast:transcript url=\"/one.vtt\" type=\"text/vtt\" language=\"en\" rel=\"captions\"/>
          <podcast:transcript url=\"/one.txt\"/>
          <podcast:chapters url=\"/one.json\" type=\"application/json+chapters\"/>
          <podcast:person role=\"Guest\" href=\"https://a.example\">Ada  Example</podcast:person>
          <podcast:person role=\"no such role\">Bob</podcast:person>
          <psc:chapters><psc:chapter start=\"00:01:00.500\" title=\"B\"/><psc:chapter start=\"0\" title=\"A\"/>
            <psc:chapter start=\"-1\" title=\"no\"/></psc:chapters></item>",
    );
    let want = Feed {
        title: "Rivers & Bees".to_owned(),
        link: url("https://rivers.example/"),
        language: Some("en-GB".to_owned()),
        image_url: link("https://example.org/big.png"),
        podcast_guid: Some("917393e3-1b1e".to_owned()),
        new_feed_url: url("https://new.example/feed"),
        items: vec![Item {
            guid: Some("ep-1".to_owned()),
            title: "One".to_owned(),
            link: link("https://example.org/one"),
            published_at: "2024-02-29T15:00:00Z".parse().ok(),
            duration_ms: Some(3_723_000),
            description: "Long & good\n\nTwo".to_owned(),
            media: Some(Media {
                url: link("https://example.org/shows/one.mp3").unwrap(),
                media_type: "audio/mpeg".into(),
                size_bytes: Some(1234),
            }),
            image_url: link("https://example.org/one.png"),
            transcripts: vec![
                TranscriptLink {
                    url: link("https://example.org/one.vtt").unwrap(),
                    media_type: "text/vtt".to_owned(),
                    language: Some("en".to_owned()),
                    rel: Some("captions".to_owned()),
                },
                TranscriptLink {
                    url: link("https://example.org/one.txt").unwrap(),
                    media_type: String::new(),
                    language: None,
                    rel: None,
                },
            ],
            chapters_url: link("https://example.org/one.json"),
            chapters: vec![
                Chapter { start_ms: 0, title: "A".to_owned() },
                Chapter { start_ms: 60_500, title: "B".to_owned() },
            ],
            season: Some(2),
            number: Some(7),
            persons: vec![
                Person { name: "Ada Example".to_owned(), role: Some("guest".to_owned()) },
                Person { name: "Bob".to_owned(), role: Some("no such role".to_owned()) },
            ],
            youtube_video: None,
            guid_is_shared: false,
        }],
        warnings: vec![],
    };
    assert_eq!(feed, want);
}

#[test]
fn podcast_elements_are_known_by_any_address_and_prefix() {
    let check = |declaration: &str, prefix: &str| {
        let text = format!(
            "<rss {declaration}><channel><item><guid>a</guid><{prefix}:transcript url=\"/a.vtt\"/></item></channel></rss>"
        );
        assert_eq!(read(&text).items[0].transcripts.len(), 1, "{text}");
    };
    check("xmlns:podcast=\"https://podcastindex.org/namespace/1.0\"", "podcast");
    check("xmlns:PC=\"HTTPS://PodcastIndex.org/namespace/1.0/\"", "pc");
    let older = "https://github.com/Podcastindex-org/podcast-namespace/blob/main/docs/1.0.md";
    check(&format!("xmlns:p20='{older}'"), "p20");
    check("", "podcast");
    check("", "Podcast");
    let other = "<rss xmlns:podcast=\"urn:other\"><channel><item><guid>a</guid><podcast:transcript url=\"/a\"/></item></channel></rss>";
    assert!(
        read(other).items[0].transcripts.is_empty(),
        "a prefix that is declared means what it says"
    );
}

#[test]
fn media_rss_takes_no_transcripts_away_and_stands_in_for_an_enclosure() {
    let found = item(
        "<podcast:transcript url=\"/a.srt\"/><media:group><media:content url=\"/a.jpg\" medium=\"image\"/>
         <media:content url=\"/a.mp4\" type=\"video/mp4\" fileSize=\"9\" duration=\"61\"><media:title>M</media:title>
         <media:thumbnail url=\"/t.jpg\"/></media:content></media:group>",
    );
    let media = found.media.unwrap();
    assert_eq!((media.url.path(), media.size_bytes), ("/a.mp4", Some(9)));
    assert_eq!(
        (found.title.as_str(), found.duration_ms, found.transcripts.len()),
        ("M", Some(61_000), 1)
    );
    assert_eq!(found.image_url, link("https://example.org/t.jpg"));
}

#[test]
fn of_several_media_the_first_audio_or_video_is_taken() {
    let check = |elements: &str, want: &str| {
        let media = item(elements).media;
        assert_eq!(media.as_ref().map_or("", |m| m.url.path()), want, "{elements}");
    };
    check("<enclosure url=\"/a.jpg\" type=\"image/jpeg\"/><enclosure url=\"/a.mp3\"/>", "/a.mp3");
    check(
        "<enclosure url=\"/a\" type=\"audio/mpeg\"/><enclosure url=\"/b\" type=\"video/mp4\"/>",
        "/a",
    );
    check("<media:content url=\"/m.mp3\"/><enclosure url=\"/e.mp3\"/>", "/e.mp3");
    check("<enclosure url=\"/a.pdf\" type=\"application/pdf\"/>", "/a.pdf");
    check(
        "<media:content url=\"/player\"/><media:content url=\"/p.swf\" type=\"application/x-shockwave-flash\"/>",
        "",
    );
    check("<media:content url=\"/a\" medium=\"audio\"/>", "/a");
    check("<enclosure url=\"ftp://example.org/a.mp3\"/><enclosure length=\"1\"/>", "");
}

#[test]
fn what_lies_within_other_elements_is_not_the_item_s() {
    let feed = rss(
        "<title>Show</title><textInput><title>Search</title><link>https://no.example</link></textInput>
         <podcast:liveItem><title>Live</title><guid>live</guid><enclosure url=\"/live.mp3\"/></podcast:liveItem>
         <item><podcast:alternateEnclosure><podcast:source uri=\"/x\"/><title>No</title></podcast:alternateEnclosure>
         <source url=\"/y\">Other show</source><author><name>N</name><title>No</title></author><title>One</title></item>",
    );
    assert_eq!((feed.title.as_str(), feed.link.as_ref(), feed.items.len()), ("Show", None, 1));
    assert_eq!((feed.items[0].title.as_str(), feed.items[0].guid.as_ref()), ("One", None));
    let copied =
        atom("<source><title>Other</title><id>no</id></source><title>Own</title><id>yes</id>");
    assert_eq!((copied.title.as_str(), copied.guid.as_deref()), ("Own", Some("yes")));
}

#[test]
fn titles_are_plain_text_however_they_are_written() {
    let check = |found: &Item, want: &str| assert_eq!(found.title, want);
    check(&item("<title>AT&amp;T &amp;amp; bees</title>"), "AT&T & bees");
    check(&item("<title>R&D & so</title>"), "R&D & so");
    check(&item("<title>caf&eacute; &alpha; &#8217; &#146;</title>"), "café α ’ ’");
    check(&item("<title><![CDATA[<b>Bold</b> &amp; Vec<String>]]></title>"), "Bold & Vec<String>");
    check(&item("<title> two \n lines\t</title>"), "two lines");
    check(&item("<title>1 < 2 <b>and</b> <3</title>"), "1 < 2 and <3");
    check(&item("<title>cafÃ©</title>"), "café");
    check(
        &item("<media:title>M</media:title><dc:title>D</dc:title><itunes:title>I</itunes:title>"),
        "I",
    );
    check(&item("<title/><dc:title>D</dc:title>"), "D");
    check(&atom("<title>a &amp;amp; &lt;b></title>"), "a &amp; <b>");
    check(&atom("<title type=\"html\">a &amp;amp; &lt;b>bold&lt;/b></title>"), "a & bold");
    let xhtml = "<div xmlns=\"http://www.w3.org/1999/xhtml\">a &amp; <b>b</b> &lt;i&gt;</div>";
    check(&atom(&format!("<title type=\"xhtml\">{xhtml}</title>")), "a & b <i>");
    check(
        &atom("<title type=\"application/octet-stream\">SGVsbG8gPGI+YmVlczwvYj4</title>"),
        "Hello bees",
    );
    check(&atom("<title type=\"application/octet-stream\">test</title>"), "test");
}

#[test]
fn links_are_made_absolute_against_the_nearest_base() {
    let feed = read(
        "<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:base=\"https://a.example/x/\" xml:lang=\"de\">
         <link rel=\"self\" href=\"f.xml\"/><link href=\"home\"/><logo>logo.png</logo>
         <entry xml:base=\"y/\"><id>1</id><link href=\"p\"/>
           <link rel=\"http://www.iana.org/assignments/relation/enclosure\" href=\"e.mp3\" length=\"5\" type=\"audio/mpeg\"/></entry>
         <entry><id>2</id><link rel=\"alternate\" type=\"application/json\" href=\"q.json\"/><link type=\"text/html\" href=\"q\"/></entry>
         </feed>",
    );
    assert_eq!(
        (feed.link, feed.image_url),
        (url("https://a.example/x/home"), link("https://a.example/x/logo.png"))
    );
    assert_eq!(feed.language.as_deref(), Some("de"));
    assert_eq!(feed.items[0].link, link("https://a.example/x/y/p"));
    assert_eq!(
        feed.items[0].media.as_ref().map(|m| m.url.as_str()),
        Some("https://a.example/x/y/e.mp3")
    );
    assert_eq!(feed.items[1].link, link("https://a.example/x/q"));
}

#[test]
fn a_guid_is_a_link_where_rss_says_so() {
    let check =
        |elements: &str, want: Option<Link>| assert_eq!(item(elements).link, want, "{elements}");
    check("<guid>https://e.example/1</guid>", link("https://e.example/1"));
    check(
        "<guid>https://e.example/1</guid><link>https://e.example/2</link>",
        link("https://e.example/2"),
    );
    check("<guid isPermaLink=\"false\">https://e.example/1</guid>", None);
    check("<guid>abc</guid>", None);
}

#[test]
fn only_links_to_the_web_leave_a_feed() {
    for bad in
        ["file:///etc/passwd", "javascript:alert(1)", "data:text/plain,x", "ftp://example.org/x"]
    {
        let feed = rss(&format!(
            "<link>{bad}</link><itunes:image href=\"{bad}\"/><itunes:new-feed-url>{bad}</itunes:new-feed-url><item>
             <guid>{bad}</guid><link>{bad}</link><enclosure url=\"{bad}\"/><podcast:transcript url=\"{bad}\"/>
             <podcast:chapters url=\"{bad}\"/><media:thumbnail url=\"{bad}\"/></item>"
        ));
        assert_eq!((feed.link, feed.image_url, feed.new_feed_url), (None, None, None));
        let want = Item { guid: Some(bad.to_owned()), ..Item::default() };
        assert_eq!(feed.items, vec![want]);
    }
}

#[test]
fn older_and_other_forms_of_feeds_are_read() {
    let rdf = read(
        "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" xmlns=\"http://purl.org/rss/1.0/\"
          xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><channel rdf:about=\"x\"><title>Show</title>
          <items><rdf:Seq><rdf:li resource=\"a\"/></rdf:Seq></items></channel>
          <image><title>No</title><url>/i.png</url></image>
          <item rdf:about=\"urn:a\"><title>A</title><dc:date>2024-02-29T10:00+01:00</dc:date></item></rdf:RDF>",
    );
    assert_eq!(
        (rdf.title.as_str(), rdf.image_url.as_ref().map(Link::path)),
        ("Show", Some("/i.png"))
    );
    assert_eq!(rdf.items[0].guid.as_deref(), Some("urn:a"));
    assert_eq!(rdf.items[0].published_at, "2024-02-29T09:00:00Z".parse().ok());

    let old_atom = read(
        "<feed version=\"0.3\" xmlns=\"http://purl.org/atom/ns#\"><title mode=\"base64\">U2hvdw==</title>
         <entry><id>a</id><modified>2024-01-02T00:00:00Z</modified><issued>2024-01-01T00:00:00Z</issued></entry></feed>",
    );
    assert_eq!(old_atom.title, "Show");
    assert_eq!(old_atom.items[0].published_at, "2024-01-01T00:00:00Z".parse().ok());

    let alone =
        read("<entry xmlns=\"http://www.w3.org/2005/Atom\"><title>A</title><id>a</id></entry>");
    assert_eq!((alone.items.len(), alone.items[0].title.as_str()), (1, "A"));

    let shouting =
        read("<RSS><CHANNEL><TITLE>Show</TITLE><ITEM><GUID>a</GUID></ITEM></CHANNEL></RSS>");
    assert_eq!((shouting.title.as_str(), shouting.items.len()), ("Show", 1));

    let homemade = read(
        "<rss xmlns=\"http://mine.example/ns\"><channel><item><title>A</title></item></channel></rss>",
    );
    assert_eq!(homemade.items[0].title, "A");
}

#[test]
fn a_json_feed_is_read_and_fields_of_the_wrong_kind_spoil_nothing() {
    let feed = read(
        r#"{"version": "https://jsonfeed.org/version/1.1", "title": "Show", "home_page_url": "/", "language": "en",
            "icon": "/i.png", "items": [
            {"id": 7, "title": "A", "content_html": "<p>x &amp; y</p>", "date_published": "2024-02-29T10:00:00Z",
             "attachments": [{"url": "/a.mp3", "mime_type": "audio/mpeg", "size_in_bytes": 5, "duration_in_seconds": 61.5}, 3]},
            {"id": {}, "title": ["x"], "url": 4, "content_text": "plain <b>", "attachments": {}}, null]}"#,
    );
    assert_eq!((feed.title.as_str(), feed.items.len(), feed.warnings.len()), ("Show", 3, 0));
    let first = &feed.items[0];
    assert_eq!(
        (first.guid.as_deref(), first.description.as_str(), first.duration_ms),
        (Some("7"), "x & y", Some(61_500))
    );
    assert_eq!(
        first.media.as_ref().map(|m| (m.url.path(), m.size_bytes)),
        Some(("/a.mp3", Some(5)))
    );
    let rest = Item { description: "plain <b>".to_owned(), ..Item::default() };
    assert_eq!(feed.items[1..], [rest, Item::default()]);
    let broken = br#"{"version": "https://jsonfeed.org/version/1", "items": [}"#;
    assert_eq!(parse(broken, None, &base()), Err(FeedError::Json { line: 1, column: 57 }));
}

#[test]
fn a_broken_feed_keeps_what_was_read_with_a_warning() {
    let check = |text: &str, guids: &[&str], warning: &str| {
        let feed = read(text);
        let found: Vec<&str> = feed.items.iter().filter_map(|item| item.guid.as_deref()).collect();
        assert_eq!(found, guids, "{text}");
        assert!(feed.warnings.iter().any(|w| w.contains(warning)), "{text}: {:?}", feed.warnings);
    };
    let head = "<rss><channel><item><guid>a</guid></item>\n";
    check(&format!("{head}<item><guid>b</guid></item>"), &["a", "b"], "breaks off");
    check(&format!("{head}<item><guid>b</guid><tit"), &["a", "b"], "broken at line 2");
    check(&format!("{head}<item><title>no key yet"), &["a"], "breaks off");
    check(
        &format!("{head}<item><guid>b</guid><title><![CDATA[open</title></item>"),
        &["a", "b"],
        "broken at line 2",
    );
    check(
        &format!("{head}<item><x y=\"z></x><guid>b</guid></item></channel></rss>"),
        &["a", "b"],
        "broken at line 2",
    );
    check(
        "<rss><channel><item><guid>a</guid><item><guid>b</guid></item>",
        &["a", "b"],
        "breaks off",
    );
    check("<rss><channel><item><guid>a<item><guid>b</item></rss><!-- open", &["a", "b"], "broken");
    let mut latin =
        b"<rss><channel><item><guid>a</guid><title>\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9 \xe9"
            .to_vec();
    latin.extend(b"</title></item></channel></rss>");
    let feed = parse(&latin, None, &base()).unwrap();
    assert_eq!(feed.items[0].title, "ééééé é");
    assert_eq!(feed.warnings.len(), 1);
}

#[test]
fn tags_that_nothing_closes_do_not_swallow_the_next() {
    let feed = rss(
        "<item><guid>a</guid><title>A<br>B</title><p>x<image></item><item><title>C</item><item><guid>d</guid></item>",
    );
    let titles: Vec<&str> = feed.items.iter().map(|item| item.title.as_str()).collect();
    assert_eq!(titles, ["A B", "C", ""]);
}

#[test]
fn no_entity_of_the_document_s_own_is_expanded() {
    let bomb: String = (1..40)
        .map(|n| format!("<!ENTITY e{n} \"&e{};&e{};&e{};\">", n - 1, n - 1, n - 1))
        .collect();
    let feed = read(&format!(
        "<?xml version=\"1.0\"?><!DOCTYPE rss SYSTEM \"http://127.0.0.1/x.dtd\" [<!ENTITY e0 \"ha\">{bomb}
         <!ENTITY file SYSTEM \"file:///etc/passwd\"><!ENTITY % p SYSTEM \"http://127.0.0.1/p\">%p;]>
         <rss><channel><title>&e39;&file;</title><link>https://a.example/?&e0;</link></channel></rss>"
    ));
    assert_eq!(feed.title, "&e39;&file;");
}

#[test]
fn legacy_encodings_are_read_by_declaration_or_header() {
    let check = |bytes: &[u8], charset: Option<&str>, want: &str| {
        assert_eq!(parse(bytes, charset, &base()).unwrap().title, want, "{charset:?}");
    };
    check(b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><rss><channel><title>caf\xe9</title></channel></rss>", None, "café");
    check(b"<?xml version=\"1.0\" encoding=\"windows-1251\"?><rss><channel><title>\xcf\xf7</title></channel></rss>", None, "Пч");
    check(b"<rss><channel><title>\xcf\xf7</title></channel></rss>", Some("windows-1251"), "Пч");
    let wide = |text: &str, order: fn(u16) -> [u8; 2]| -> Vec<u8> {
        text.encode_utf16().flat_map(order).collect()
    };
    let text = "<?xml version=\"1.0\" encoding=\"utf-16\"?><rss><channel><title>café</title></channel></rss>";
    for order in [u16::to_le_bytes, u16::to_be_bytes] {
        check(&wide(text, order), None, "café");
        assert!(looks_like_feed(&wide(text, order)));
        let marked = format!("\u{feff}{text}");
        check(&wide(&marked, order), Some("utf-8"), "café");
    }
}

#[test]
fn what_is_no_feed_is_told_in_a_sentence() {
    let check = |bytes: &[u8], want: FeedError| {
        let said = want.to_string();
        assert_eq!(parse(bytes, None, &base()), Err(want));
        assert!(said.ends_with(['.', '!']) && said.len() < 200, "{said}");
        assert!(!looks_like_feed(bytes), "{said}");
    };
    check(b"", FeedError::Empty);
    check(b" \r\n ", FeedError::Empty);
    check(b"<!DOCTYPE html><html><body>Not found</body></html>", FeedError::NotAFeed("a web page"));
    check(b"<opml version=\"2.0\"><body/></opml>", FeedError::NotAFeed("an OPML list of feeds"));
    check(b"<tt xmlns=\"http://www.w3.org/ns/ttml\"/>", FeedError::NotAFeed("a transcript"));
    check(b"WEBVTT\n\n00:01.000 --> 00:02.000\nHello", FeedError::NotAFeed("neither XML nor JSON"));
    check(b"{\"segments\": []}", FeedError::NotAFeed("JSON of another kind"));
    check(b"\x1f\x8b\x08\0", FeedError::NotAFeed("a gzip archive"));
    check(b"\0\x01\x02\xff\xfe\xfd", FeedError::NotAFeed("neither XML nor JSON"));
}

#[test]
fn a_feed_is_known_by_its_head_alone() {
    let behind = |length: usize| format!("<!--{}--><rss>", "x".repeat(length));
    assert!(looks_like_feed(behind(HEAD_BYTES_MAX - 12).as_bytes()));
    assert!(!looks_like_feed(behind(HEAD_BYTES_MAX).as_bytes()));
    for length in HEAD_BYTES_MAX - 8..HEAD_BYTES_MAX + 8 {
        // A letter of two bytes lies over the end of the head at every second length.
        let text = format!("<rss>{}{}", "x".repeat(length % 2), "é".repeat(length / 2));
        assert!(looks_like_feed(text.as_bytes()), "{length}");
    }
}

#[test]
fn elements_nest_to_the_bound_and_no_deeper() {
    let nested = |count: usize| {
        format!("<rss><channel>{}{}</channel></rss>", "<x>".repeat(count), "</x>".repeat(count))
    };
    assert!(parse(nested(DEPTH_MAX - 2).as_bytes(), None, &base()).is_ok());
    assert_eq!(parse(nested(DEPTH_MAX - 1).as_bytes(), None, &base()), Err(FeedError::TooDeep));
    assert_eq!(parse(nested(100_000).as_bytes(), None, &base()), Err(FeedError::TooDeep));
    let after_an_item =
        format!("<rss><channel><item><guid>a</guid></item>{}", "<x>".repeat(100_000));
    let feed = read(&after_an_item);
    assert_eq!((feed.items.len(), feed.warnings.len()), (1, 1));
    let in_words = item(&format!(
        "<guid>a</guid><description>{}words{}</description>",
        "<b>".repeat(1000),
        "</b>".repeat(1000)
    ));
    assert_eq!(in_words.description, "words");
}

#[test]
fn bounds_are_kept_on_both_sides() {
    let many = |count: usize| rss(&"<item><title>x</title></item>".repeat(count));
    let (full, over) = (many(ITEMS_MAX), many(ITEMS_MAX + 3));
    assert_eq!((full.items.len(), full.warnings.len()), (ITEMS_MAX, 0));
    assert_eq!(over.items.len(), ITEMS_MAX);
    assert!(
        over.warnings[0].contains("20003") && over.warnings[0].contains("3 left out"),
        "{:?}",
        over.warnings
    );

    let titled =
        |count: usize| item(&format!("<title>{}</title>", "é".repeat(count))).title.chars().count();
    assert_eq!(
        (titled(TITLE_CHARS_MAX), titled(TITLE_CHARS_MAX + 1)),
        (TITLE_CHARS_MAX, TITLE_CHARS_MAX + 1)
    );
    assert_eq!(titled(600_000), TITLE_CHARS_MAX + 1);
    let described =
        item(&format!("<description>{}</description>", "é ".repeat(200_000))).description;
    assert!(described.chars().count() <= DESCRIPTION_CHARS_MAX + 1);
    let keyed = |count: usize| {
        item(&format!("<guid>{}</guid>", "é".repeat(count))).guid.unwrap().chars().count()
    };
    assert_eq!((keyed(KEY_CHARS_MAX), keyed(KEY_CHARS_MAX + 1)), (KEY_CHARS_MAX, KEY_CHARS_MAX));

    let crowded = item(&format!(
        "{}{}<psc:chapters>{}</psc:chapters>",
        "<podcast:transcript url=\"/x\"/>".repeat(TRANSCRIPTS_MAX + 1),
        "<podcast:person>x</podcast:person>".repeat(PERSONS_MAX + 1),
        (0..=CHAPTERS_MAX).map(|n| format!("<psc:chapter start=\"{n}\"/>")).collect::<String>(),
    ));
    let counts = (crowded.transcripts.len(), crowded.persons.len(), crowded.chapters.len());
    assert_eq!(counts, (TRANSCRIPTS_MAX, PERSONS_MAX, CHAPTERS_MAX));
}

#[test]
fn two_hundred_thousand_attributes_are_passed_over() {
    for name in ["a", "xmlns:a"] {
        let attributes: String = (0..200_000).map(|n| format!(" {name}{n}=\"&amp;x\"")).collect();
        let feed = rss(&format!("<item url=\"x\"{attributes}><guid>a</guid></item>"));
        assert_eq!(feed.items[0].guid.as_deref(), Some("a"));
    }
}

#[test]
fn hostile_repetitions_end_soon() {
    for piece in [
        "<a b=\"",
        "<!--",
        "<![CDATA[",
        "<?x",
        "<!doctype [",
        "<",
        "&",
        "</a>",
        "&lt;a ",
        "<title>",
        "<item>",
        "]]>",
        "<podcast:alternateEnclosure>",
        "<description>x</description>",
        "<guid>g</guid><item>",
    ] {
        for around in [
            "<rss><channel><item><guid>a</guid></item>",
            "<rss><channel><item><guid>a</guid><title>",
        ] {
            let feed = read(&format!("{around}{}", piece.repeat(50_000)));
            assert!(!feed.items.is_empty(), "{piece}");
        }
    }
}

#[test]
fn blanks_before_tags_are_looked_through_once() {
    let blanks = " ".repeat(1_000_000);
    let title = format!("{blanks}{}", "<b>x".repeat(200_000));
    let feed = read(&format!("<rss><channel><item><guid>a</guid><title>{title}"));
    assert_eq!(feed.items.len(), 1);
}

#[test]
fn an_item_is_known_by_guid_else_enclosure_else_link_title_and_date() {
    let check = |elements: &str, want: &str| assert_eq!(item(elements).key(), want, "{elements}");
    let media = "<enclosure url=\"https://e.example/a.mp3?x=1\"/>";
    check(&format!("<guid> g </guid>{media}"), "g");
    check(&format!("<guid> </guid>{media}<title>T</title>"), "https://e.example/a.mp3?x=1");
    check(
        "<link>/l</link><title>T</title><pubDate>2024-02-29</pubDate>",
        "https://example.org/l\nT\n2024-02-29T00:00:00+00:00",
    );
    check("", "\n\n");
}

#[test]
fn a_show_is_known_by_its_guid_else_by_the_link_without_secrets() {
    let followed = Url::parse("https://me:secret@example.org/feed?a=b#c").unwrap();
    assert_eq!(rss("").show_key(&followed), "https://example.org/feed?a=b");
    assert_eq!(rss("<podcast:guid>g</podcast:guid>").show_key(&followed), "g");
    assert_eq!(
        rss("<podcast:guid> </podcast:guid>").show_key(&followed),
        "https://example.org/feed?a=b"
    );
}

#[test]
fn an_episode_holds_no_password() {
    let followed = Url::parse("https://me:secret@example.org/feed").unwrap();
    let text = "<rss><channel><title>Show</title><language>de</language><image><url>//me:secret@example.org/i.png</url></image><item><guid>g</guid><title>T</title>
        <link>p</link><enclosure url=\"https://me:secret@cdn.example/a.mp3\"/></item></channel></rss>";
    let feed = parse(text.as_bytes(), None, &followed).unwrap();
    let episode = feed.episode(&feed.items[0], &followed);
    assert!(!format!("{episode:?}").contains("secret"), "{episode:?}");
    assert_eq!(episode.id, EpisodeId::podcast("https://example.org/feed", "g"));
    assert_eq!(
        (episode.kind, episode.title.as_str(), episode.show.title.as_str()),
        (EpisodeKind::Podcast, "T", "Show")
    );
    assert_eq!(episode.show.feed_url, url("https://example.org/feed"));
    assert_eq!(episode.url, url("https://example.org/p"));
    assert_eq!(episode.media_url, url("https://cdn.example/a.mp3"));
    assert_eq!(
        episode.image_url,
        url("https://example.org/i.png"),
        "the show's where it has none of its own"
    );
    assert_eq!(episode.language.as_deref(), Some("de"));
}

#[test]
fn an_item_of_a_youtube_feed_is_a_video() {
    let feed = |entry: &str| {
        read(&format!(
            "<feed xmlns:yt=\"http://www.youtube.com/xml/schemas/2015\" {NAMESPACES} xmlns=\"http://www.w3.org/2005/Atom\">
             <title>Rivers</title><entry>{entry}</entry></feed>"
        ))
    };
    let followed =
        Url::parse("https://www.youtube.com/feeds/videos.xml?channel_id=UCabcdefghij_klmnopqrs-t")
            .unwrap();
    let whole = feed(
        "<id>yt:video:a-b_c0123Zz</id><yt:videoId>a-b_c0123Zz</yt:videoId><title>T</title>
         <link rel=\"alternate\" href=\"https://www.youtube.com/watch?v=a-b_c0123Zz\"/>
         <published>2024-02-29T10:00:00+00:00</published><media:group><media:title>M</media:title>
         <media:content url=\"https://www.youtube.com/v/a-b_c0123Zz?version=3\" type=\"application/x-shockwave-flash\"/>
         <media:thumbnail url=\"https://i.example/a-b_c0123Zz/hqdefault.jpg\"/>
         <media:description>One\nTwo &amp;amp; &lt;3</media:description></media:group>",
    );
    let episode = whole.episode(&whole.items[0], &followed);
    assert_eq!((episode.id.as_str(), episode.kind), ("yt:a-b_c0123Zz", EpisodeKind::Youtube));
    assert_eq!(episode.url, url("https://www.youtube.com/watch?v=a-b_c0123Zz"));
    assert_eq!(episode.image_url, url("https://i.example/a-b_c0123Zz/hqdefault.jpg"));
    assert_eq!((episode.media_url, episode.title.as_str()), (None, "T"));
    assert_eq!(whole.items[0].description, "One\nTwo & <3");

    let check = |entry: &str, is_video: bool| {
        let feed = feed(entry);
        let episode = feed.episode(&feed.items[0], &followed);
        let id = feed.episode_id(&feed.items[0], &feed.show_key(&followed));
        assert_eq!((episode.kind == EpisodeKind::Youtube, &id), (is_video, &episode.id), "{entry}");
        assert_eq!(id.as_str() == "yt:a-b_c0123Zz", is_video, "{entry}");
    };
    let id = "<id>yt:video:a-b_c0123Zz</id>";
    let link = |url: &str| format!("<link href=\"{url}\"/>");
    check(&format!("{id}{}", link("https://youtu.be/a-b_c0123Zz")), true);
    check(&format!("{id}{}", link("https://www.youtube.com/shorts/a-b_c0123Zz")), true);
    check(
        &format!(
            "<id>x</id><yt:videoId>a-b_c0123Zz</yt:videoId>{}",
            link("https://youtu.be/a-b_c0123Zz")
        ),
        true,
    );
    check(id, false);
    check(&format!("{id}{}", link("https://youtu.be/a-b_c0123Zy")), false);
    check(&format!("{id}{}", link("https://evil.example/watch?v=a-b_c0123Zz")), false);
    check(&format!("<id>x</id>{}", link("https://youtu.be/a-b_c0123Zz")), false);
    check(&format!("<id>yt:video:a-b_c0123Z</id>{}", link("https://youtu.be/a-b_c0123Z")), false);
    check(&format!("<id>yt:video:../../../aa</id>{}", link("https://youtu.be/../../../aa")), false);
}

#[test]
fn an_alternate_enclosure_stands_in_where_there_is_no_other() {
    let check = |elements: &str, want: &str| {
        let media = item(elements).media;
        let found = media.map(|m| format!("{} {} {:?}", m.url.path(), m.media_type, m.size_bytes));
        assert_eq!(found.as_deref().unwrap_or_default(), want, "{elements}");
    };
    let alternate = |kind: &str, sources: &str| {
        format!(
            "<podcast:alternateEnclosure type=\"{kind}\" length=\"9\">{sources}</podcast:alternateEnclosure>"
        )
    };
    let source = |uri: &str| format!("<podcast:source uri=\"{uri}\"/>");
    let opus = alternate("audio/opus", &(source("ipfs://x") + &source("/a.opus") + &source("/b")));
    check(&opus, "/a.opus audio/opus Some(9)");
    check(&format!("{}{opus}", alternate("video/mp4", &source("/v"))), "/v video/mp4 Some(9)");
    check(&format!("{opus}<enclosure url=\"/e.mp3\"/>"), "/e.mp3  None");
    check(&format!("{opus}<enclosure url=\"/e.jpg\"/>"), "/a.opus audio/opus Some(9)");
    check(&format!("{opus}<media:content url=\"/m.mp3\"/>"), "/m.mp3  None");
    check(&alternate("audio/opus", &source("javascript:1")), "");
    check("<podcast:source uri=\"/x.mp3\"/>", "");
}

#[test]
fn items_with_one_guid_are_told_apart_and_keep_their_ids() {
    let keys = |items: &str| {
        let feed = rss(items);
        let keys: Vec<String> = feed.items.iter().map(|item| item.key().into_owned()).collect();
        (keys, feed.warnings.len())
    };
    let check = |items: &str, want: &[&str], warnings: usize| {
        let want: Vec<String> = want.iter().map(|key| (*key).to_owned()).collect();
        assert_eq!(keys(items), (want, warnings), "{items}");
    };
    let dated = |title: &str, day: u32| {
        format!(
            "<item><guid>g</guid><title>{title}</title><pubDate>2024-02-0{day}</pubDate><enclosure url=\"https://e.example/{title}.mp3\"/></item>"
        )
    };
    let (a, b, c) = (dated("a", 1), dated("b", 2), dated("c", 3));
    check(&format!("{b}{a}"), &["https://e.example/b.mp3", "g"], 1);
    check(&format!("{a}{b}"), &["g", "https://e.example/b.mp3"], 1);
    // A newer one does not take the id of one that is known.
    check(&format!("{c}{b}{a}"), &["https://e.example/c.mp3", "https://e.example/b.mp3", "g"], 1);
    check(&format!("{a}{a}"), &["g", "g"], 0);
    let plain =
        |title: &str| format!("<item><guid>g</guid><title>{title}</title><link>/l</link></item>");
    check(&format!("{}{}", plain("a"), plain("b")), &["https://example.org/l\na\n", "g"], 1);
    check(&format!("{}{}", plain("a"), plain("a")), &["g", "g"], 0);
    check("<item><guid>g</guid></item><item><guid>h</guid></item><item/>", &["g", "h", "\n\n"], 0);
    let many: String = (0..20_000).map(|n| plain(&n.to_string())).collect();
    let feed = rss(&many);
    let distinct: std::collections::HashSet<_> = feed.items.iter().map(Item::key).collect();
    assert_eq!((distinct.len(), feed.warnings.len()), (20_000, 1));
    assert!(feed.warnings[0].starts_with("19999 items"), "{:?}", feed.warnings);
    let json = read(
        r#"{"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "g", "title": "a"}, {"id": "g", "title": "b"}]}"#,
    );
    assert_eq!((json.items[0].guid_is_shared, json.items[1].guid_is_shared), (true, false));
}

#[test]
fn of_several_descriptions_the_fullest_kind_is_kept() {
    let check = |elements: &str, want: &str| assert_eq!(item(elements).description, want);
    let (encoded, plain, summary) = (
        "<content:encoded>C</content:encoded>",
        "<description>D</description>",
        "<itunes:summary>S</itunes:summary>",
    );
    check(&format!("{summary}{plain}{encoded}"), "C");
    check(&format!("{encoded}{plain}{summary}"), "C");
    check(&format!("{summary}{plain}"), "D");
    check(&format!("<content:encoded> </content:encoded>{plain}"), "D");
    check(&format!("<content:encoded>&lt;p>&lt;/p></content:encoded>{plain}"), "D");
    check("<description>1</description><description>2</description>", "1");
    check(&format!("{}{encoded}", plain.repeat(20)), "C");
    check(&format!("{}{plain}{encoded}", "<description>&lt;p></description>".repeat(20)), "C");
    check(&format!("{}{plain}", "<description>&lt;p></description>".repeat(20)), "D");
}

#[test]
fn a_language_is_a_tag_or_nothing() {
    let check = |text: &str, want: Option<&str>| {
        assert_eq!(
            rss(&format!("<language>{text}</language>")).language.as_deref(),
            want,
            "{text}"
        );
    };
    check(" pt_BR ", Some("pt-BR"));
    check("zh-Hant-TW", Some("zh-Hant-TW"));
    for bad in ["", "../../etc", "en us", "1", "deutsch, österreichisch", &"x".repeat(36)] {
        check(bad, None);
    }
}

/// Pieces that random feeds are made of.
const PIECES: &[&str] = &[
    "<rss>",
    "<channel>",
    "<item>",
    "</item>",
    "<title>",
    "</title>",
    "<feed>",
    "<entry>",
    "<guid>",
    "</guid>",
    "<enclosure url='",
    "'/>",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "&amp;",
    "&",
    "<",
    ">",
    "\"",
    "é",
    "<link ",
    "href=\"x\"",
    "<content type='xhtml'>",
    "<description>",
    "xmlns='urn:x'",
    "</",
    "<pubDate>",
    "29 Feb 2024 ",
    "<psc:chapters>",
    "<psc:chapter start='1:2'/>",
    "<media:group>",
    "\0",
    "<?x",
    "<!DOCTYPE [",
    "&#x80;",
    "1h",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..600), charset in ".{0,12}") {
        let _ = parse(&bytes, Some(&charset), &base());
        let _ = looks_like_feed(&bytes);
        let _ = chapters(&bytes);
        let _ = parse(&[b"<rss><channel><item>", &bytes[..]].concat(), None, &base());
    }

    #[test]
    fn any_pieces_of_feeds_are_read_or_refused(picks in prop::collection::vec(0..PIECES.len(), 0..80)) {
        let text: String = picks.into_iter().map(|at| PIECES[at]).collect();
        let _ = parse(format!("<rss><channel>{text}").as_bytes(), None, &base());
        let _ = parse(format!("<rss><channel><item>{text}</item></channel></rss>").as_bytes(), None, &base());
    }

    #[test]
    fn any_text_is_a_date_and_a_length_or_none(text in "[0-9a-zA-Z:+\\-., /()äоT]{0,40}", any in ".{0,40}") {
        for text in [&text, &any] {
            let _ = date::parse(text);
            let _ = duration::parse(text);
        }
    }

    #[test]
    fn the_common_form_of_a_date_is_read_as_any_other(
        day in 0..33u32, month in 0..12usize, year in 0..3000u32, time in (0..26u32, 0..62u32, 0..62u32), zone in "[+-][01][0-9][0-6][0-9]|GMT",
    ) {
        let month = &"JanFebMarAprMayJunJulAugSepOctNovDec"[month * 3..month * 3 + 3];
        let (hour, minute, second) = time;
        let common = format!("Thu, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} {zone}");
        // The second blank keeps it from being taken for the common form.
        prop_assert_eq!(date::parse(&common), date::parse(&common.replace(", ", ",  ")));
    }

    #[test]
    fn html_of_any_kind_becomes_text(html in "[<>/a-c&;# !\\-\n\"=é]{0,200}") {
        let _ = text::lines(&text::from_html(&html, text::Tags::All), 50);
        let _ = text::line(&text::undoubled(&html), 50);
        let _ = text::from_html(&html, text::Tags::Known);
    }

    #[test]
    fn a_text_in_lines_holds_its_words_and_its_bound(text in "[a-c \n\r\té\u{0}…]{0,60}", max in 0..30usize) {
        let seen = |text: &str| -> Vec<String> {
            let shows = |c: &char| c.is_whitespace() || !c.is_control();
            let shown: String = text.chars().filter(shows).collect();
            shown.split_whitespace().map(str::to_owned).collect()
        };
        prop_assert_eq!(seen(&text::line(&text, 1_000)), seen(&text));
        prop_assert_eq!(seen(&text::lines(&text, 1_000)), seen(&text));
        let line = text::line(&text, max);
        prop_assert!(line.chars().count() <= max + 1);
        prop_assert!(!line.contains("  ") && !line.contains(" …") || text.contains('…'));
        prop_assert!(text::lines(&text, max).chars().count() <= max + 3);
    }
}
