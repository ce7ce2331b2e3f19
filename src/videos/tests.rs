//! The calls of yt-dlp, with a stand-in that records them.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use recap_mode::SystemClock;

use super::*;

/// A program that notes its arguments and whether its files are there, and does as `script` says.
struct StandIn {
    folder: tempfile::TempDir,
}

impl StandIn {
    fn saying(script: &str) -> StandIn {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().display();
        let text = format!(
            "#!/bin/sh\nfor arg in \"$@\"; do printf '%s\\n' \"$arg\" >> '{here}/args'; done\n\
             echo -- >> '{here}/args.calls'\n{script}\n"
        );
        let path = folder.path().join("yt-dlp");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        StandIn { folder }
    }

    fn videos(&self) -> Videos {
        let programs = Programs {
            yt_dlp: self.folder.path().join("yt-dlp"),
            js_runtime: None,
            pot_url: Some(Url::parse("http://127.0.0.1:4416/").unwrap()),
        };
        let cache = self.folder.path().join("cache");
        Videos::new(Net::new(), Arc::new(SystemClock), Arc::default(), programs, cache)
    }

    fn args(&self) -> Vec<String> {
        let text = fs::read_to_string(self.folder.path().join("args")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn calls(&self) -> usize {
        fs::read_to_string(self.folder.path().join("args.calls"))
            .unwrap_or_default()
            .lines()
            .count()
    }
}

fn bees() -> VideoLink {
    VideoLink::Youtube("-exec_like1".to_owned())
}

const INFO: &str = r#"{"id": "x", "extractor_key": "Youtube", "title": "Bees", "subtitles": {"en": [{"ext": "json3"}]}}"#;

#[tokio::test]
async fn a_video_is_asked_for_with_no_configuration_and_its_link_last() {
    let stand_in = StandIn::saying(&format!("printf '%s' '{INFO}'"));
    let video = stand_in.videos().look(&bees(), &Asker::default()).await.unwrap();
    assert_eq!(video.title, "Bees");
    let args = stand_in.args();
    assert!(args[0].starts_with("--proxy=http://127.0.0.1:"), "{args:?}");
    for wanted in [
        "--ignore-config",
        "--no-playlist",
        "--dump-single-json",
        "--js-runtimes=deno",
        "--js-runtimes=node",
        "--extractor-args=youtubepot-bgutilhttp:base_url=http://127.0.0.1:4416",
    ] {
        assert!(args.iter().any(|arg| arg == wanted), "{wanted} is missing in {args:?}");
    }
    assert!(!args.iter().any(|arg| arg.contains("cookies")), "{args:?}");
    let end = ["--", "https://www.youtube.com/watch?v=-exec_like1"];
    assert_eq!(args[args.len() - 2..], end);
}

#[tokio::test]
async fn one_track_is_asked_for_by_its_very_name() {
    let script = format!(
        "for arg in \"$@\"; do case \"$arg\" in\n\
         --dump-single-json) printf '%s' '{INFO}'; exit ;;\n\
         --paths=*) folder=\"${{arg#--paths=}}\" ;;\n\
         --load-info-json=*) test -s \"${{arg#--load-info-json=}}\" || exit 3 ;;\n\
         esac; done\nprintf 'WEBVTT' > \"$folder/track.en.vtt\""
    );
    let stand_in = StandIn::saying(&script);
    let videos = stand_in.videos();
    let video = videos.look(&bees(), &Asker::default()).await.unwrap();
    let track = Track { tag: "en.*-orig".to_owned(), kind: TrackKind::Automatic };
    let captions = videos.captions(&video, &track, &Asker::default()).await.unwrap();
    assert_eq!(captions.bytes, b"WEBVTT");
    let args = stand_in.args();
    assert!(args.iter().any(|arg| arg == r"--sub-langs=^en\.\*\-orig$"), "{args:?}");
    assert!(args.iter().any(|arg| arg == "--write-auto-subs"), "{args:?}");
    assert!(!args.iter().any(|arg| arg == "--write-subs"), "{args:?}");
}

#[tokio::test]
async fn cookies_are_shown_when_they_are_needed_and_stay_as_they_are() {
    let script = format!(
        "for arg in \"$@\"; do case \"$arg\" in --cookies=*) echo changed >> \"${{arg#--cookies=}}\"; \
         printf '%s' '{INFO}'; exit ;; esac; done\n\
         echo 'ERROR: [youtube] x: Sign in to confirm you are not a bot.' >&2; exit 1"
    );
    let stand_in = StandIn::saying(&script);
    let file = stand_in.folder.path().join("mine.txt");
    fs::write(&file, "# Netscape HTTP Cookie File\n").unwrap();
    let asker = |cookie_mode, cookies| Asker { cookie_mode, cookies, ..Asker::default() };
    let cases = [
        (CookieMode::Never, Some(file.clone()), false, 1),
        (CookieMode::WhenNeeded, None, false, 1),
        (CookieMode::WhenNeeded, Some(file.clone()), true, 2),
        (CookieMode::Always, Some(file.clone()), true, 1),
    ];
    for (mode, cookies, works, calls) in cases {
        let before = stand_in.calls();
        let outcome = stand_in.videos().look(&bees(), &asker(mode, cookies)).await;
        assert_eq!(outcome.is_ok(), works, "{mode:?}");
        assert_eq!(stand_in.calls() - before, calls, "{mode:?}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "# Netscape HTTP Cookie File\n");
}

#[tokio::test]
async fn a_site_that_was_asked_too_often_is_left_alone_and_no_captions_are_not_that() {
    let stand_in = StandIn::saying("echo 'ERROR: HTTP Error 429: Too Many Requests' >&2; exit 1");
    let videos = stand_in.videos();
    let error = videos.look(&bees(), &Asker::default()).await.unwrap_err();
    assert!(error.trouble == Trouble::TooMany && error.until.is_some() && error.may_pass());
    let error = videos.look(&bees(), &Asker::default()).await.unwrap_err();
    assert_eq!((error.trouble, stand_in.calls()), (Trouble::Paused, 1));
    let elsewhere = VideoLink::Page(Url::parse("https://video.example.org/x").unwrap());
    let error = videos.look(&elsewhere, &Asker::default()).await.unwrap_err();
    assert_eq!((error.trouble, stand_in.calls()), (Trouble::TooMany, 2));

    let silent = StandIn::saying(r#"printf '%s' '{"id": "x", "title": "No captions"}'"#);
    let video = silent.videos().look(&bees(), &Asker::default()).await.unwrap();
    assert_eq!(video.choose(None, None), None);
}

#[tokio::test]
async fn a_child_that_wants_a_private_address_is_refused_and_says_so() {
    let script = "proxy=$(printf '%s' \"$1\" | sed 's/.*127.0.0.1://')\n\
                  exec 3<>/dev/null\n\
                  python3 - \"$proxy\" <<'END'\n\
                  import socket, sys\n\
                  s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n\
                  s.sendall(b'CONNECT 127.0.0.1:22 HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n')\n\
                  print(s.recv(100))\n\
                  END\n\
                  echo 'ERROR: Tunnel connection failed' >&2; exit 1";
    let stand_in = StandIn::saying(script);
    let error = stand_in.videos().look(&bees(), &Asker::default()).await.unwrap_err();
    assert_eq!(error.trouble, Trouble::Private, "{error}");
}

#[tokio::test]
async fn without_yt_dlp_the_sentence_says_what_to_install() {
    let programs = Programs { yt_dlp: "/nowhere/yt-dlp".into(), js_runtime: None, pot_url: None };
    let videos =
        Videos::new(Net::new(), Arc::new(SystemClock), Arc::default(), programs, "/tmp".into());
    let error = videos.look(&bees(), &Asker::default()).await.unwrap_err();
    assert!(error.to_string().contains("Install yt-dlp"), "{error}");
}

#[test]
fn what_a_video_link_becomes_is_made_of_its_id() {
    assert_eq!(bees().url().as_str(), "https://www.youtube.com/watch?v=-exec_like1");
    let odd = VideoLink::Youtube("a&b=c #x".to_owned());
    assert_eq!(odd.url().as_str(), "https://www.youtube.com/watch?v=a%26b%3Dc+%23x");
}
