//! `recap models`, and the process that hears, by the command line.

use std::path::Path;
use std::process::{Command, Output};

fn recap(data: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_recap"))
        .arg("--data")
        .arg(data)
        .args(arguments)
        .env_remove("RECAP_DATA")
        .output()
        .unwrap()
}

#[test]
fn weights_are_listed_checked_and_fetched_by_name() {
    let data = tempfile::tempdir().unwrap();
    let check = |arguments: &[&str], code: i32, said: &str| {
        let ended = recap(data.path(), arguments);
        let text = [ended.stdout, ended.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        assert_eq!(ended.status.code(), Some(code), "{arguments:?}: {text}");
        assert!(text.contains(said), "{arguments:?}: {text}");
    };
    check(&["models", "list"], 0, "none yet");
    check(&["models", "list"], 0, "large-v3-turbo-q5_0");
    check(&["models", "list", "--json"], 0, "\"installed\": []");
    check(&["models", "check"], 0, "There are no weights here");
    check(&["models", "get", "huge"], 2, "There are: tiny, tiny.en, base");
    check(&["models", "get", "../etc/passwd"], 2, "There are no weights called");
    // Nobody listens at this port, and no other address is asked.
    check(&["models", "get", "tiny", "--from", "http://127.0.0.1:9/"], 3, "could not be fetched");
    check(&["models", "get", "tiny", "--from", "ftp://example.org/"], 3, "only http and https");
    std::fs::create_dir_all(data.path().join("models")).unwrap();
    std::fs::write(data.path().join("models/ggml-tiny.bin"), b"<!doctype html>").unwrap();
    check(&["models", "list"], 0, "it is no ggml file");
    check(&["models", "check"], 1, "ggml-tiny.bin cannot be used as weights");
}

#[test]
fn the_process_that_hears_is_hidden_and_says_where_it_was_not_built_in() {
    let data = tempfile::tempdir().unwrap();
    let help = recap(data.path(), &["--help"]);
    assert!(!String::from_utf8_lossy(&help.stdout).contains("transcribe-worker"));
    let ended = recap(data.path(), &["transcribe-worker", "--weights", "/no/such/file"]);
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(2), "{said}");
    let want = if cfg!(feature = "whisper") { "could not be read" } else { "--features whisper" };
    assert!(said.contains(want), "{said}");
}
