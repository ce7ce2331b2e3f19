//! The command line as a person or a script uses it.

use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

use crate::support::{TALK, tree};

fn recap(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_recap"));
    command.env_clear().env("RECAP_DATA", data).timeout(std::time::Duration::from_secs(60));
    command
}

struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn run(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn saved(data: &Path) -> String {
    let file = data.join("talk.txt");
    std::fs::write(&file, TALK).unwrap();
    let ran = run(recap(data).arg("summarize").arg(&file).arg("--save"));
    assert_eq!(ran.code, 0, "{}", ran.err);
    let list = run(recap(data).args(["list", "--json"]));
    let heads: Value = serde_json::from_str(&list.out).unwrap();
    heads[0]["id"].as_str().unwrap().to_owned()
}

#[test]
fn summarize_reads_a_file_or_standard_input_and_writes_each_form() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("my-talk.en.txt");
    std::fs::write(&file, TALK).unwrap();
    for (format, begins) in [
        ("md", "# My talk\n"),
        ("txt", "My talk\n"),
        ("html", "<!doctype html>"),
        ("json", "{\n  \"format\": 1,\n  \"id\": "),
    ] {
        let ran = run(recap(data.path()).arg("summarize").arg(&file).args(["--format", format]));
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "no progress in a pipe");
        assert!(ran.out.starts_with(begins), "{format}: {}", ran.out);
        assert!(ran.out.contains("eighteen hours") && !ran.out.contains('\u{1b}'));
    }
    let piped = run(recap(data.path()).args(["summarize", "-"]).write_stdin(TALK));
    assert!(piped.out.starts_with("# Standard input\n"), "{}", piped.out);
    let missing = "no-such-file.vtt";
    let several = run(recap(data.path()).arg("summarize").arg(&file).arg(missing).arg(&file));
    assert_eq!((several.code, several.out.matches("# My talk").count()), (2, 2), "{}", several.err);
    assert!(several.err.contains(missing));
    assert_eq!(
        run(recap(data.path()).arg("summarize").arg(&file).arg(&file).args(["-o", "x"])).code,
        2
    );
    let target = data.path().join("out.md");
    let ran = run(recap(data.path()).arg("summarize").arg(&file).arg("-o").arg(&target));
    assert_eq!((ran.code, ran.out.as_str()), (0, ""));
    assert!(std::fs::read_to_string(&target).unwrap().contains("eighteen hours"));
    assert!(!data.path().join("history").exists(), "nothing is saved without --save");
}

#[test]
fn how_finely_and_how_much_is_a_wish_that_a_recap_follows() {
    let data = tempfile::tempdir().unwrap();
    let talk = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-history/show/long.vtt");
    let made = |wishes: &[&str]| {
        let ran = run(recap(data.path()).arg("summarize").arg(&talk).args(wishes));
        assert_eq!(ran.code, 0, "{wishes:?}: {}", ran.err);
        let count = |start: &str| ran.out.lines().filter(|line| line.starts_with(start)).count();
        (count("## "), count("- "))
    };
    let ((coarse, _), (auto, normal), (fine, _)) =
        (made(&["--granularity", "coarse"]), made(&[]), made(&["--granularity", "fine"]));
    assert!(coarse < auto && auto < fine, "{coarse} {auto} {fine}");
    let (brief, long) = (made(&["--length", "brief"]), made(&["--length", "long"]));
    assert!(brief.1 < normal && normal < long.1, "{} {normal} {}", brief.1, long.1);
    assert_eq!((brief.0, long.0), (auto, auto), "the topics are the same");
    // What the library has chosen holds where nothing is said, and what is said goes before it.
    let owner = data.path().join("history/owner");
    std::fs::create_dir_all(&owner).unwrap();
    std::fs::write(owner.join("settings.json"), r#"{"granularity": "coarse", "length": "long"}"#)
        .unwrap();
    assert_eq!(made(&[]).0, coarse);
    assert_eq!(made(&["--granularity", "auto", "--length", "normal"]), (auto, normal));
    let ran = run(recap(data.path()).arg("summarize").arg(&talk).args(["--length", "short"]));
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("brief, normal, long"), "{}", ran.err);
}

#[test]
fn bad_input_ends_with_a_sentence_and_its_exit_code_and_nothing_is_written() {
    let data = tempfile::tempdir().unwrap();
    let make = |name: &str, bytes: &[u8]| {
        let path = data.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_string_lossy().into_owned()
    };
    let huge = data.path().join("huge.vtt");
    std::fs::File::create(&huge).unwrap().set_len(64 * 1024 * 1024 + 1).unwrap();
    let folder = data.path().join("folder.vtt");
    std::fs::create_dir(&folder).unwrap();
    let many = format!(
        "WEBVTT\n\n{}",
        (0..200_001)
            .map(|n| format!(
                "{:02}:{:02}:{:02}.000 --> 99:00:00.000\nx\n\n",
                n / 3600,
                n / 60 % 60,
                n % 60
            ))
            .collect::<String>()
    );
    let before = tree(data.path()).len();
    for (input, code, word) in [
        (make("empty.vtt", b""), 2, "empty"),
        (make("nul.txt", &[0; 4096]), 2, ""),
        (make("picture.vtt", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), 2, "image"),
        (
            make(
                "sound.srt",
                &[b"ID3\x03\0\0".as_slice(), &[0xff, 0xfb, 0x90, 0].repeat(900)].concat(),
            ),
            2,
            "nobody here listens to sound",
        ),
        (make("deep.json", "[".repeat(200_000).as_bytes()), 2, ""),
        (make("many.vtt", many.as_bytes()), 2, "200,000"),
        (huge.to_string_lossy().into_owned(), 2, "larger than 64 MiB"),
        (folder.to_string_lossy().into_owned(), 2, "is a folder"),
        ("no-such-file.vtt".to_owned(), 2, "There is no file"),
        ("http://".to_owned(), 2, "is no link"),
        ("https://youtu.be/abc".to_owned(), 2, "the link of one"),
        ("http://127.0.0.1:9/feed".to_owned(), 3, "could not be fetched"),
    ] {
        let ran = run(recap(data.path()).args(["summarize", &input]));
        assert_eq!(ran.code, code, "{input}: {}", ran.err);
        assert_eq!(ran.out, "", "{input}");
        assert!(
            ran.err.starts_with("recap: ")
                && ran.err.contains(word)
                && ran.err.trim_end().ends_with('.'),
            "{input}: {}",
            ran.err
        );
        assert!(ran.err.lines().count() == 1, "one sentence: {}", ran.err);
    }
    let after: Vec<String> = tree(data.path()).into_iter().map(|(name, _)| name).collect();
    assert_eq!(after.len(), before + 6, "the inputs alone: {after:?}");
    let unwritable =
        run(recap(data.path()).args(["summarize", "-", "-o"]).arg(&folder).write_stdin(TALK));
    assert_eq!(unwritable.code, 2);
}

#[test]
fn a_wrong_extension_and_a_title_of_ten_megabytes_are_read() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("talk.mp3");
    std::fs::write(
        &file,
        format!(
            "WEBVTT {}\n\n00:00.000 --> 00:04.000\nGood bread needs time.\n",
            "x".repeat(10_000_000)
        ),
    )
    .unwrap();
    let ran = run(recap(data.path()).arg("summarize").arg(&file));
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("Good bread needs time."));
}

#[test]
fn the_library_is_listed_shown_searched_and_cleared_from_the_command_line() {
    let data = tempfile::tempdir().unwrap();
    let id = saved(data.path());
    assert!(run(recap(data.path()).arg("list")).out.contains("Talk"));
    assert!(run(recap(data.path()).args(["show", &id])).out.starts_with("# Talk"));
    let json = run(recap(data.path()).args(["show", &id, "--json"])).out;
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["id"], id);
    let found = run(recap(data.path()).args(["search", "240", "degrees"]));
    assert!(found.out.contains(&id) && found.out.contains("0:48"), "{}", found.out);
    let found: Value =
        serde_json::from_str(&run(recap(data.path()).args(["search", "sourdough", "--json"])).out)
            .unwrap();
    assert_eq!(found["total"], 0);
    let removed = run(recap(data.path()).args(["rm", &id]));
    assert!(removed.out.contains(&format!("recap rm --undo {id}")), "{}", removed.out);
    assert_eq!(run(recap(data.path()).args(["show", &id])).code, 2);
    assert_eq!(run(recap(data.path()).args(["rm", &id])).code, 2);
    assert_eq!(run(recap(data.path()).args(["rm", "--undo", &id])).code, 0);
    assert_eq!(run(recap(data.path()).args(["show", &id])).code, 0);
    for bad in ["../x", "_meta", ""] {
        assert_eq!(run(recap(data.path()).args(["show", bad])).code, 2, "{bad}");
    }
    let nowhere = run(recap(&data.path().join("nowhere")).arg("list"));
    assert!(nowhere.code == 2 && nowhere.err.contains("no library"), "{}", nowhere.err);
}

#[test]
fn check_names_each_bad_file_with_its_place_and_ends_with_1() {
    let data = tempfile::tempdir().unwrap();
    let id = saved(data.path());
    let well = run(recap(data.path()).arg("check"));
    assert_eq!((well.code, well.out.as_str()), (0, "1 file is well.\n"), "{}", well.err);
    let owner = data.path().join("history/owner");
    std::fs::write(owner.join("skip-list.json"), "{\n  \"episodes\": [,]\n}").unwrap();
    std::fs::write(owner.join("settings.json"), "{\"a\": 1, \"a\": 2}").unwrap();
    let path = owner.join(format!("{id}.json"));
    let text =
        std::fs::read_to_string(&path).unwrap().replacen("\"title\": \"Talk\"", "\"title\": 5", 1);
    std::fs::write(&path, text).unwrap();
    std::fs::write(data.path().join("config.json"), "{\"listen\": 5}").unwrap();
    std::fs::write(data.path().join("secrets.json"), "{").unwrap();
    let bad = run(recap(data.path()).arg("check"));
    assert_eq!(bad.code, 1);
    for part in [
        "history/owner/skip-list.json, line 2, column 16",
        "history/owner/settings.json, line 1, column 10: the key \"a\" stands twice",
        &format!("history/owner/{id}.json, line 4, column "),
        "invalid type: integer `5`",
        "listen: 5 is not allowed",
        "secrets.json",
        "5 of 5 files cannot be used",
    ] {
        assert!(bad.out.contains(part), "{part} is not in {}", bad.out);
    }
    let json: Value =
        serde_json::from_str(&run(recap(data.path()).args(["check", "--json"])).out).unwrap();
    assert_eq!(json["problems"].as_array().unwrap().len(), 5);
}

#[test]
fn the_configuration_is_shown_with_its_sources_and_without_secrets() {
    let data = tempfile::tempdir().unwrap();
    std::fs::write(data.path().join("config.json"), "{\"jobs_max\": 3}").unwrap();
    let set = run(recap(data.path()).arg("set-password").write_stdin("correct horse battery"));
    assert_eq!(set.code, 0, "{}", set.err);
    let shown = run(recap(data.path()).arg("config").env("RECAP_RESCAN_SECS", "7"));
    let line = |key: &str| shown.out.lines().find(|line| line.starts_with(key)).unwrap().to_owned();
    assert!(line("jobs_max").contains("3") && line("jobs_max").contains("config.json"));
    assert!(line("rescan_secs").contains("7") && line("rescan_secs").contains("variable"));
    assert!(line("operator_password").contains("********"));
    let json = run(recap(data.path()).args(["config", "--json"])).out;
    assert!(!shown.out.contains("argon2") && !json.contains("argon2") && !json.contains("horse"));
    std::fs::write(data.path().join("config.json"), "{\"jobs\": 3}").unwrap();
    let refused = run(recap(data.path()).arg("serve"));
    assert_eq!(refused.code, 2);
    assert!(
        refused.out.starts_with("Data folder: ") && refused.err.contains("`jobs`"),
        "{}",
        refused.err
    );
    let short = run(recap(data.path()).arg("set-password").write_stdin("short"));
    assert_eq!(short.code, 2);
}

#[test]
fn schemas_completions_help_and_version_are_printed() {
    let data = tempfile::tempdir().unwrap();
    saved(data.path());
    let all: Value = serde_json::from_str(&run(recap(data.path()).arg("schema")).out).unwrap();
    for name in ["recap", "skip-list", "_meta", "config"] {
        let one = run(recap(data.path()).args(["schema", name]));
        assert_eq!(
            serde_json::from_str::<Value>(&one.out).unwrap(),
            all[format!("{name}.schema.json")]
        );
    }
    assert!(data.path().join("history/.schema/recap.schema.json").exists());
    assert_eq!(run(recap(data.path()).args(["schema", "x"])).code, 2);
    for shell in ["bash", "zsh", "fish"] {
        assert!(run(recap(data.path()).args(["completions", shell])).out.contains("summarize"));
    }
    let help = run(recap(data.path()).arg("--help"));
    assert!(help.code == 0 && help.out.contains("Exit codes: 0 done"));
    assert_eq!(
        run(recap(data.path()).arg("--version")).out,
        format!("recap {}\n", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(run(recap(data.path()).arg("nonsense")).code, 2);
    let plain = run(recap(data.path()).arg("nonsense").env("NO_COLOR", "1"));
    assert!(!plain.err.contains('\u{1b}'));
}

#[test]
fn a_history_folder_in_place_of_the_data_folder_is_refused_with_the_right_command() {
    let data = tempfile::tempdir().unwrap();
    saved(data.path());
    let ran = run(recap(data.path()).args(["list", "--data"]).arg(data.path().join("history")));
    assert_eq!(ran.code, 2);
    assert!(
        ran.err.trim_end().ends_with(&format!("--data {}", data.path().display())),
        "{}",
        ran.err
    );
}

#[test]
fn a_scope_is_a_name_and_never_a_path() {
    let data = tempfile::tempdir().unwrap();
    saved(data.path());
    for bad in ["../owner", "anon", "a/b", ""] {
        assert_eq!(run(recap(data.path()).args(["list", "--scope", bad])).code, 2, "{bad}");
    }
    assert_eq!(run(recap(data.path()).args(["list", "--scope", "anon/t1"])).out, "");
}

#[test]
fn the_demo_makes_a_recap_and_ends_with_0() {
    let elsewhere = tempfile::tempdir().unwrap();
    let ran = run(recap(elsewhere.path()).args(["demo", "--once"]));
    assert_eq!(ran.code, 0, "{}", ran.err);
    for part in
        ["Everything in the shed", "Finding topics in", "The recap is in the library", "Sharpening"]
    {
        assert!(ran.out.contains(part), "{part} is not in {}", ran.out);
    }
    assert_eq!(tree(elsewhere.path()), [], "it keeps to its scratch folder");
    let scratch = ran.out.split_whitespace().find(|word| word.contains("recap-demo-")).unwrap();
    assert!(!Path::new(scratch).exists(), "which goes away");
}

#[test]
fn eight_programs_that_change_the_same_queue_lose_nothing() {
    let data = tempfile::tempdir().unwrap();
    let owner = data.path().join("history/owner");
    std::fs::create_dir_all(&owner).unwrap();
    let items: Vec<Value> = (0..64)
        .map(|n| serde_json::json!({"id": format!("pod:{n:04x}"), "state": "found", "title": format!("Episode {n}"), "mine": n}))
        .collect();
    let queue = serde_json::json!({"format": 1, "items": items}).to_string();
    std::fs::write(owner.join("auto-queue.json"), queue).unwrap();
    let workers: Vec<_> = (0..8)
        .map(|worker| {
            let data = data.path().to_owned();
            std::thread::spawn(move || {
                for n in (worker..64).step_by(8) {
                    let what = if n % 16 < 8 { "approve" } else { "skip" };
                    let ran = run(recap(&data).args([what, &format!("pod:{n:04x}")]));
                    assert_eq!(ran.code, 0, "{what} {n}: {}", ran.err);
                }
            })
        })
        .collect();
    for worker in workers {
        worker.join().unwrap();
    }
    let text = std::fs::read_to_string(owner.join("auto-queue.json")).unwrap();
    let queue: Value = serde_json::from_str(&text).unwrap();
    for (n, item) in queue["items"].as_array().unwrap().iter().enumerate() {
        let want = if n % 16 < 8 { "approved" } else { "skipped" };
        assert_eq!(
            (&item["state"], &item["mine"]),
            (&Value::from(want), &Value::from(n)),
            "{item}"
        );
    }
    let skipped = std::fs::read_to_string(owner.join("skip-list.json")).unwrap();
    let skipped: Value = serde_json::from_str(&skipped).unwrap();
    assert_eq!(skipped["episodes"].as_array().unwrap().len(), 32);
}

#[test]
fn whom_one_follows_is_changed_from_the_command_line_without_a_daemon() {
    let data = tempfile::tempdir().unwrap();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let publisher = runtime.block_on(crate::support::publisher::Publisher::new());
    publisher.show("/feed", "The Bakery", 5);
    let link = publisher.url("/feed");
    let seen = run(recap(data.path()).args(["follow", "--preview", &link]));
    assert!(seen.code == 0 && seen.out.contains("5 episodes, 5 with a transcript"), "{}", seen.out);
    let ran = run(recap(data.path()).args(["follow", "--newest", "2", &link]));
    assert!(
        ran.code == 0 && ran.out.contains("The Bakery  (2 episodes found)"),
        "{}{}",
        ran.out,
        ran.err
    );
    let again = run(recap(data.path()).args(["follow", &link]));
    assert!(again.code == 2 && again.err.contains("followed already"), "{}", again.err);
    let queue = run(recap(data.path()).arg("queue"));
    assert_eq!(queue.out.lines().count(), 2, "{}", queue.out);
    let ran = run(recap(data.path()).args(["skip", "Episode 4"]));
    assert_eq!(ran.code, 0, "{}", ran.err);
    let ran = run(recap(data.path()).args(["approve", "--all"]));
    assert!(ran.out.contains("1 approved"), "{}", ran.out);
    // What was there before is listed with why, and may be wanted all the same.
    let listed = run(recap(data.path()).args(["subs", "bakery"]));
    assert!(listed.out.contains("It was there before you followed the show."), "{}", listed.out);
    let old = listed.out.lines().find(|line| line.contains("Episode 1")).unwrap();
    let ran = run(recap(data.path()).args(["approve", old.split_whitespace().next().unwrap()]));
    assert!(ran.out.contains("1 approved"), "{}{}", ran.out, ran.err);
    let ran = run(recap(data.path()).args(["approve", "pod:0000"]));
    assert!(ran.code == 2 && ran.err.contains("in no feed that is followed"), "{}", ran.err);
    let refused = run(recap(data.path()).args(["retry", "Episode 5"]));
    assert!(refused.code == 2 && refused.err.contains("is approved"), "{}", refused.err);
    let ran = run(recap(data.path()).args(["skip", "--undo", "Episode 4"]));
    assert_eq!(ran.code, 0, "{}", ran.err);
    publisher.show("/feed", "The Bakery", 6);
    let ran = run(recap(data.path()).arg("check-now"));
    assert!(ran.out.contains("1 checked, 0 unchanged, 1 episodes found"), "{}", ran.out);
    let opml = data.path().join("list.opml");
    let ran = run(recap(data.path()).arg("export-opml").arg(&opml));
    assert_eq!(ran.code, 0, "{}", ran.err);
    let ran = run(recap(data.path()).args(["unfollow", "bakery"]));
    assert!(ran.out.contains("not followed any more"), "{}{}", ran.out, ran.err);
    assert_eq!(run(recap(data.path()).arg("subs")).out, "");
    let ran = run(recap(data.path()).arg("import-opml").arg(&opml));
    assert!(ran.out.contains("1 are newly followed"), "{}", ran.out);
    publisher.status("/feed", 500);
    let ran = run(recap(data.path()).arg("check-now"));
    assert!(ran.code == 3 && ran.out.contains("1 failed"), "{} {}", ran.code, ran.out);
    let closed = run(recap(data.path()).args(["follow", "https://open.spotify.com/show/x"]));
    assert!(closed.code == 2 && closed.err.contains("Spotify"), "{}", closed.err);
}
