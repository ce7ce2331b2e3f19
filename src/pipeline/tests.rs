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
