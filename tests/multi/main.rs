//! Multi mode: for now, that it refuses to start with a sentence, and what a default build says.

#![expect(
    clippy::unwrap_used,
    reason = "a test, or what it stands on, ends where something is not as it must be"
)]

use assert_cmd::Command;

fn serve(data: &std::path::Path) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_recap"))
        .args(["serve", "--data"])
        .arg(data)
        .env("RECAP_MODE", "multi")
        .timeout(std::time::Duration::from_secs(20))
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
#[cfg(not(feature = "multi"))]
fn a_default_build_that_is_asked_for_multi_says_how_to_build_it() {
    let data = tempfile::tempdir().unwrap();
    let (code, said) = serve(data.path());
    assert_eq!(code, Some(2));
    assert!(said.contains("cargo build --release --features multi"), "{said}");
}

#[test]
#[cfg(feature = "multi")]
fn multi_refuses_with_a_sentence_until_it_is_built_and_leaves_a_newer_database_alone() {
    let data = tempfile::tempdir().unwrap();
    let (code, said) = serve(data.path());
    assert_eq!(code, Some(2));
    assert!(said.contains("cannot serve tenants yet"), "{said}");
    assert!(!data.path().join("recap.db").exists());
    std::fs::write(data.path().join("recap.db"), "no database, and long enough to be read as one")
        .unwrap();
    let (code, said) = serve(data.path());
    assert_eq!(code, Some(2));
    assert!(said.contains("recap.db cannot be opened") && said.contains("backup"), "{said}");
}
