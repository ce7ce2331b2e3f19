//! Whole runs without a daemon, with stand-ins for those who hear and write.

use std::path::Path;

use recap_mode::{SystemClock, SystemEntropy};

use super::*;
use crate::videos::Programs;

/// Tools of a person at home who has set nothing up.
pub(super) async fn tools(data: &Path) -> Tools {
    let (net, clock) = (Net::new(), Arc::new(SystemClock));
    let feeds = FeedCache::open(data, net.clone(), clock.clone(), Arc::new(SystemEntropy));
    let programs = Programs { yt_dlp: "/nowhere/yt-dlp".into(), js_runtime: None, pot_url: None };
    let deadline = Duration::from_secs(600);
    Tools {
        videos: Videos::new(net.clone(), clock.clone(), Arc::default(), programs, data.join("c")),
        net,
        clock,
        trust: TrustRule::Typed,
        feeds: Arc::new(feeds),
        cookies: None,
        recognisers: Vec::new(),
        models: Vec::new(),
        keep: Keep::open(data),
        prices: BTreeMap::new(),
        meter: Arc::default(),
        scope: "owner".to_owned(),
        has_own_engines: false,
        wish: Wish {
            sources: vec![
                TranscriptSource::Podcast,
                TranscriptSource::Captions,
                TranscriptSource::Speech,
            ],
            spoken: None,
            caption_translation: None,
            cookies: CookieMode::Never,
            granularity: Granularity::Auto,
            length: Length::Normal,
            language: None,
            rules: String::new(),
        },
        sound: SoundLimits {
            bytes_max: 100 * 1024 * 1024,
            hours_max: 24,
            deadline,
            ffmpeg: Some("ffmpeg".into()),
        },
        places: Places::alone().await,
        fetch_timeout: deadline,
        stage_timeout: deadline,
        feed_limits: Limits { bytes_max: 1_000_000, deadline, period: deadline },
    }
}

#[tokio::test]
async fn a_stage_that_never_ends_is_ended_and_may_be_tried_again() {
    // A listener that nobody accepts from: the connection stands, and no answer comes.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("http://{}/feed", silent.local_addr().unwrap())).unwrap();
    let data = tempfile::tempdir().unwrap();
    let tools = Tools { stage_timeout: Duration::from_millis(200), ..tools(data.path()).await };
    let order = Order::Link { url, episode: EpisodeChoice::Newest };
    let outcome = run(&tools, &order, &Workspace::in_memory(None), &|_| ()).await;
    let error = outcome.unwrap_err();
    assert!(matches!(error, PipelineError::Stuck { stage: Stage::Transcript, .. }), "{error}");
    assert!(error.may_pass());
}

/// A transcript of a hundred lines of four seconds, each with words of its own.
fn vtt() -> String {
    const CROPS: [&str; 10] = [
        "barley", "clover", "fennel", "garlic", "lentils", "millet", "parsnips", "radishes",
        "spinach", "turnips",
    ];
    const PLACES: [&str; 10] = [
        "orchard",
        "meadow",
        "terrace",
        "cellar",
        "paddock",
        "hillside",
        "riverbank",
        "garden",
        "greenhouse",
        "valley",
    ];
    let time = |seconds: usize| format!("00:{:02}:{:02}.000", seconds / 60, seconds % 60);
    let mut text = "WEBVTT\n\n".to_owned();
    for n in 0..100 {
        let (from, to) = (time(n * 4), time(n * 4 + 4));
        let (crop, place) = (CROPS[n % 10], PLACES[n / 10]);
        text += &format!("{from} --> {to}\nAnd then we grow {crop} in the {place}.\n\n");
    }
    text
}

/// A model that leaves out the lines 31 to 61.
struct Lazy;

#[async_trait::async_trait]
impl TextModel for Lazy {
    fn name(&self) -> &str {
        "lazy"
    }

    fn model(&self) -> &str {
        "m-1"
    }

    async fn window_tokens(&self) -> Result<u64, ModelError> {
        Ok(32_000)
    }

    async fn ask(
        &self,
        _: &crate::models::text::Prompt,
    ) -> Result<crate::models::text::Answer, ModelError> {
        let topic = |first: usize, last: usize| {
            json!({"title": "Growing", "first_line": first, "last_line": last, "points": [
                {"text": "It grows.", "first_line": first, "last_line": first}]})
        };
        let text =
            json!({"overview": "Growing.", "topics": [topic(0, 30), topic(62, 99)]}).to_string();
        let (model, usage) = ("m-1".to_owned(), Usage::default());
        Ok(crate::models::text::Answer { text, model, usage })
    }
}

#[tokio::test]
async fn what_no_model_answered_for_is_a_gap_of_the_coverage() {
    let data = tempfile::tempdir().unwrap();
    let tools = Tools { models: vec![Arc::new(Lazy)], ..tools(data.path()).await };
    let order = Order::Upload { name: "talk.vtt".to_owned() };
    let brought = Workspace::in_memory(Some(Brought::Bytes(vtt().into_bytes())));
    let made = run(&tools, &order, &brought, &|_| ()).await.unwrap();
    let recap = made.into_recap("x".parse().unwrap(), None, tools.clock.now());
    let gaps: Vec<_> =
        recap.coverage.gaps.iter().map(|gap| (gap.first_cue, gap.last_cue, gap.start_ms)).collect();
    assert_eq!(gaps, [(31, 61, 124_000)]);
    assert_eq!((recap.coverage.cues, recap.coverage.time), (0.69, 0.69));
    assert!(recap.notes.iter().any(|note| note.contains("For 31 lines")), "{:?}", recap.notes);
    assert_eq!(recap.flaws(), Vec::<String>::new());
}

/// A recogniser that hears the lines of [`vtt`], so many milliseconds later than they say.
struct Ears {
    name: &'static str,
    later_ms: u64,
}

#[async_trait::async_trait]
impl Recogniser for Ears {
    fn name(&self) -> &str {
        self.name
    }

    fn model(&self) -> &str {
        "tiny"
    }

    fn piece_ms_max(&self) -> u64 {
        600_000
    }

    async fn hear(
        &self,
        piece: &crate::models::speech::Piece,
        _: &crate::models::speech::Known,
    ) -> Result<crate::models::speech::HeardPiece, ModelError> {
        if self.later_ms == u64::MAX {
            return Err(ModelError::new(crate::models::ModelFault::Refused, "It broke."));
        }
        let text = vtt();
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("And")).collect();
        let segments = lines.iter().enumerate().filter_map(|(n, line)| {
            let start_ms = (n as u64 * 4_000 + self.later_ms).checked_sub(piece.start_ms)?;
            (start_ms + 4_000 <= piece.duration_ms()).then(|| crate::models::speech::Segment {
                start_ms,
                end_ms: start_ms + 4_000,
                text: (*line).to_owned(),
                speaker: None,
            })
        });
        let segments = segments.collect();
        Ok(crate::models::speech::HeardPiece { segments, ..Default::default() })
    }
}

/// A feed with one episode that is said to last so many seconds, its transcript and its sound.
async fn publisher(seconds: u64) -> Url {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let feed = format!(
        "<?xml version=\"1.0\"?><rss version=\"2.0\" xmlns:podcast=\"https://podcastindex.org/namespace/1.0\" \
         xmlns:itunes=\"http://www.itunes.com/dtds/podcast-1.0.dtd\"><channel><title>Growing</title><item><title>Crops</title>\
         <guid>one</guid><itunes:duration>{seconds}</itunes:duration><enclosure url=\"{base}/sound.wav\" length=\"1\" \
         type=\"audio/wav\"/><podcast:transcript url=\"{base}/talk.vtt\" type=\"text/vtt\"/></item></channel></rss>"
    );
    // Noise with the rhythm of speech, or nobody would be heard in it.
    let mut state = 1_u64;
    let samples = (0..400 * 16_000_u64).flat_map(|at| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let noise = (state >> 40) as f32 / 8_388_608.0 - 1.0;
        let syllable = ((at / 16 % 250) as f32 / 250.0 * std::f32::consts::PI).sin();
        ((noise * (30.0 + 6_000.0 * syllable)) as i16).to_le_bytes()
    });
    let samples: Vec<u8> = samples.collect();
    let size = samples.len() as u32;
    let mut wav = Vec::from(b"RIFF");
    wav.extend_from_slice(&(36 + size).to_le_bytes());
    wav.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0data");
    wav.extend_from_slice(&size.to_le_bytes());
    wav.extend_from_slice(&samples);
    let get = axum::routing::get;
    let served = |kind: &'static str, bytes: Vec<u8>| {
        get(move || async move { ([(http::header::CONTENT_TYPE, kind)], bytes) })
    };
    let doors = axum::Router::new()
        .route("/feed", served("application/rss+xml", feed.into_bytes()))
        .route("/talk.vtt", served("text/vtt", vtt().into_bytes()))
        .route("/sound.wav", served("audio/wav", wav));
    #[expect(clippy::disallowed_methods, reason = "the stand-in ends with the test's runtime")]
    tokio::spawn(async move { axum::serve(listener, doors).await });
    Url::parse(&format!("{base}/feed")).unwrap()
}

/// What is said of the times of a transcript of 400 s whose sound is said to last so many seconds.
async fn judged(seconds: u64, ears: Option<Ears>) -> (Times, Option<String>) {
    let data = tempfile::tempdir().unwrap();
    let recognisers: Vec<Arc<dyn Recogniser>> =
        ears.into_iter().map(|ears| Arc::new(ears) as Arc<dyn Recogniser>).collect();
    let tools = Tools { recognisers, ..tools(data.path()).await };
    let order = Order::Link { url: publisher(seconds).await, episode: EpisodeChoice::Newest };
    let made = run(&tools, &order, &Workspace::in_memory(None), &|_| ()).await.unwrap();
    let note = made.notes.iter().find(|note| note.contains("fit the sound")).cloned();
    assert!(made.notes.iter().all(|note| !note.contains("no times")), "{:?}", made.notes);
    (made.transcript.times, note)
}

#[tokio::test]
async fn a_transcript_that_does_not_fit_its_sound_has_times_that_are_about_right() {
    let ears = |later_ms| Some(Ears { name: "whisper", later_ms });
    // Lengths that fit cost nothing more.
    assert_eq!(judged(400, ears(60_000)).await, (Times::Exact, None));
    // Nobody can hear whether the lengths are right, or only somebody who is paid.
    let other = Some(Ears { name: "cloud", later_ms: 0 });
    for ears in [None, other, ears(u64::MAX)] {
        let (times, note) = judged(380, ears).await;
        assert_eq!(times, Times::About);
        let note = note.unwrap();
        assert!(note.contains("may not fit the sound: it ends 20 seconds behind"), "{note}");
    }
    // The feed's length is wrong, and the times are right.
    assert_eq!(judged(380, ears(0)).await, (Times::Exact, None));
    assert_eq!(judged(380, ears(2_000)).await, (Times::Exact, None));
    let (times, note) = judged(380, ears(60_000)).await;
    assert_eq!(times, Times::About);
    let note = note.unwrap();
    assert!(note.contains("at 2:06 its times are 60 seconds too early"), "{note}");
}
