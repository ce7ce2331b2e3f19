//! The house rules that a compiler does not hold: arrows between rooms, what stands at the top, the
//! words that are not used.

#![expect(
    clippy::unwrap_used,
    reason = "a test, or what it stands on, ends where something is not as it must be"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below a folder of the project, with its text.
fn sources(folder: &str) -> Vec<(String, String)> {
    walkdir::WalkDir::new(root().join(folder))
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .map(|path| {
            let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect()
}

/// The room of a file: `src/history/heads.rs` is in `history`, `src/app.rs` in `app`.
fn room(file: &str) -> String {
    let inner = file.strip_prefix("src/").unwrap();
    inner.split('/').next().unwrap().trim_end_matches(".rs").to_owned()
}

/// The code of a file without its tests, which may reach further, and without comments.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]").next().unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The rooms that a file's code names as `crate::room`.
fn named_rooms(text: &str) -> BTreeSet<String> {
    code(text)
        .match_indices("crate::")
        .map(|(at, _)| {
            code(text)[at + "crate::".len()..]
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect()
        })
        .collect()
}

/// Who may name whom: `src/ARCHITECTURE.md` draws it.
fn arrows() -> BTreeMap<&'static str, &'static [&'static str]> {
    BTreeMap::from([
        ("domain", &["domain"][..]),
        ("letters", &["letters"]),
        ("transcripts", &["transcripts", "letters", "domain"]),
        ("outline", &["outline", "domain"]),
        ("store", &["store"]),
        ("net", &["net", "domain"]),
        ("models", &["models", "audio", "net", "domain"]),
        ("videos", &["videos", "net", "domain"]),
        ("audio", &["audio", "domain"]),
        ("turns", &["turns"]),
        ("feed_cache", &["feed_cache", "feeds", "net"]),
        ("following", &["following", "history", "feed_cache", "feeds", "net", "videos", "domain"]),
        ("feeds", &["feeds", "letters", "domain"]),
        ("history", &["history", "store", "domain"]),
        (
            "pipeline",
            &[
                "pipeline",
                "audio",
                "feed_cache",
                "feeds",
                "models",
                "transcripts",
                "outline",
                "net",
                "domain",
                "videos",
                "turns",
            ],
        ),
        ("export", &["export", "history", "domain"]),
        ("search", &["search", "history", "domain"]),
        ("events", &["events"]),
        ("config", &["config"]),
        ("secrets", &["secrets"]),
        ("jobs", &["jobs", "pipeline", "domain"]),
        (
            "app",
            &[
                "app",
                "config",
                "events",
                "feed_cache",
                "following",
                "history",
                "jobs",
                "net",
                "pipeline",
                "search",
                "turns",
                "domain",
                "engines",
                "models",
                "videos",
            ],
        ),
        (
            "make_recap",
            &[
                "make_recap",
                "app",
                "history",
                "jobs",
                "pipeline",
                "feeds",
                "net",
                "turns",
                "domain",
                "engines",
                "models",
            ],
        ),
        ("engines", &["engines", "audio", "config", "domain", "models", "net", "secrets"]),
        ("single", &["single", "secrets"]),
        (
            "http",
            &[
                "http",
                "app",
                "audio",
                "config",
                "domain",
                "export",
                "feeds",
                "following",
                "history",
                "jobs",
                "make_recap",
                "pipeline",
                "search",
                "transcripts",
                "engines",
                "videos",
            ],
        ),
        ("work", &["work", "app", "config", "domain", "following", "history", "make_recap", "net"]),
        (
            "daemon",
            &[
                "daemon",
                "app",
                "config",
                "events",
                "feed_cache",
                "following",
                "history",
                "http",
                "jobs",
                "make_recap",
                "net",
                "search",
                "turns",
                "work",
                "engines",
                "pipeline",
                "secrets",
                "videos",
            ],
        ),
        (
            "cli",
            &[
                "cli",
                "app",
                "config",
                "daemon",
                "domain",
                "export",
                "feed_cache",
                "feeds",
                "following",
                "history",
                "make_recap",
                "models",
                "net",
                "pipeline",
                "search",
                "secrets",
                "transcripts",
                "engines",
            ],
        ),
    ])
}

#[test]
fn every_arrow_points_down() {
    let arrows = arrows();
    let mut wrong = Vec::new();
    for (file, text) in sources("src")
        .iter()
        .filter(|(file, _)| !["src/lib.rs", "src/main.rs"].contains(&file.as_str()))
    {
        // Files of tests alone may look anywhere.
        if file.ends_with("/tests.rs") {
            continue;
        }
        let room = room(file);
        let Some(allowed) = arrows.get(room.as_str()) else {
            wrong.push(format!("{file}: the room `{room}` is not on the plan"));
            continue;
        };
        for named in named_rooms(text) {
            if !allowed.contains(&named.as_str()) {
                wrong.push(format!("{file} names crate::{named}"));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that the plan does not have:\n{}", wrong.join("\n"));
}

#[test]
fn the_plan_has_no_circle() {
    let arrows = arrows();
    fn visit<'a>(
        room: &'a str,
        arrows: &BTreeMap<&'a str, &'a [&'a str]>,
        path: &mut Vec<&'a str>,
    ) {
        assert!(!path.contains(&room), "a circle: {path:?} and again {room}");
        path.push(room);
        for next in arrows[room].iter().filter(|next| **next != room) {
            visit(next, arrows, path);
        }
        path.pop();
    }
    for room in arrows.keys() {
        visit(room, &arrows, &mut Vec::new());
    }
}

#[test]
fn the_check_of_arrows_can_fail() {
    assert_eq!(room("src/history/heads.rs"), "history");
    assert_eq!(room("src/app.rs"), "app");
    let text = "use crate::store::Store;\n// crate::cli\nfn f() { crate::net::g() }\n#[cfg(test)]\nuse crate::http;";
    assert_eq!(named_rooms(text), BTreeSet::from(["store".to_owned(), "net".to_owned()]));
}

#[test]
fn only_the_main_file_knows_which_modes_there_are() {
    for (file, text) in sources("src") {
        let code = code(&text);
        if file != "src/main.rs" {
            for word in
                ["recap_multi", "recap_whisper", "feature = \"", "crate::single", "recap::single"]
            {
                assert!(!code.contains(word), "{file} names {word}");
            }
        }
        assert!(
            !code.contains("if multi") && !code.contains("is_multi("),
            "{file} asks which mode it is"
        );
    }
    let main = code(&fs::read_to_string(root().join("src/main.rs")).unwrap());
    let named = |feature: &str| main.matches(&format!("feature = \"{feature}\"")).count();
    assert_eq!(named("multi"), 2, "one choice: with the feature and without");
    assert_eq!(named("whisper"), 1, "one place: what was built in is handed over");
    assert_eq!(main.matches("feature = \"").count(), 3, "there is a feature that nobody planned");
}

#[test]
fn the_store_is_used_by_history_alone_and_the_environment_read_by_config_alone() {
    for (file, text) in sources("src") {
        let code = code(&text);
        if !file.starts_with("src/history/") && !file.starts_with("src/store/") {
            assert!(!code.contains("crate::store"), "{file} reaches past history into the store");
        }
        if file != "src/config.rs" && !file.ends_with("/tests.rs") {
            for word in ["env::var", "env::vars"] {
                assert!(!code.contains(word), "{file} reads the environment");
            }
        }
    }
}

#[test]
fn the_top_holds_what_the_plan_names_and_nothing_else() {
    let listed = Command::new("git").args(["ls-files"]).current_dir(root()).output();
    let Ok(listed) = listed else {
        println!("git is not here; this test is skipped.");
        return;
    };
    let planned = [
        "Cargo.toml",
        "Cargo.lock",
        "LICENSE",
        "README.md",
        "src",
        "features",
        "tests",
        "sample-history",
        "startos",
    ];
    for line in String::from_utf8_lossy(&listed.stdout).lines() {
        let top = line.split('/').next().unwrap();
        assert!(
            top.starts_with('.') || planned.contains(&top),
            "{top} stands at the top and is not on the plan"
        );
    }
}

#[test]
fn names_say_what_things_are() {
    for folder in ["src", "features"] {
        for (file, text) in sources(folder) {
            for line in code(&text).lines() {
                let declares = ["struct ", "enum ", "trait ", "mod "].iter().any(|word| {
                    line.trim_start()
                        .trim_start_matches("pub ")
                        .trim_start_matches("pub(super) ")
                        .starts_with(word)
                });
                for ending in ["Manager", "Helper", "Util", "Utils", "Service", "Impl"] {
                    let named = line
                        .split(|c: char| !c.is_alphanumeric())
                        .any(|word| word.ends_with(ending) && word != "Service");
                    assert!(!(declares && named), "{file}: {line}");
                }
                assert!(!line.contains("fn get_"), "{file}: {line}");
            }
        }
    }
}

#[test]
fn every_module_says_what_it_is() {
    for folder in ["src", "features"] {
        for (file, text) in sources(folder) {
            let first = text.lines().next().unwrap_or_default();
            assert!(
                first.starts_with("//!") || first.starts_with("#![doc"),
                "{file} does not begin with what it is"
            );
        }
    }
}

#[test]
fn no_database_is_in_the_default_tree() {
    let tree = |features: &[&str]| {
        let cargo = option_env!("CARGO").unwrap_or("cargo");
        let out = Command::new(cargo)
            .args(["tree", "--edges", "normal", "--prefix", "none", "-p", "recap"])
            .args(features)
            .current_dir(root())
            .output()
            .unwrap();
        String::from_utf8_lossy(&out.stdout).into_owned()
    };
    let default = tree(&[]);
    assert!(default.contains("tokio v"), "the tree could not be read: {default}");
    assert!(!default.contains("rusqlite"));
    assert!(tree(&["--features", "multi"]).contains("rusqlite"), "the check can fail");
}

#[test]
fn what_the_architecture_names_is_there() {
    let text = fs::read_to_string(root().join("src/ARCHITECTURE.md")).unwrap();
    let mut named = 0;
    for word in text.split('`').skip(1).step_by(2) {
        let is_path = word.contains('/')
            && word.chars().all(|c| c.is_ascii_alphanumeric() || "/_.-".contains(c));
        if is_path
            && (word.starts_with("src/")
                || word.starts_with("tests/")
                || word.starts_with("features/"))
        {
            assert!(
                Path::new(&root().join(word)).exists(),
                "ARCHITECTURE.md names {word}, which is not there"
            );
            named += 1;
        }
    }
    assert!(named > 10, "only {named} paths were found to check");
}

#[test]
fn the_readme_s_settings_and_commands_are_those_that_there_are() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for setting in &recap::config::SETTINGS {
        let row = format!(
            "| `{}` | `{}` | `{}` | {}",
            setting.key,
            setting.variable(),
            setting.default_value(),
            setting.about
        );
        assert!(readme.contains(&row), "the README lacks the row: {row}");
    }
    let rows =
        readme.lines().filter(|line| line.starts_with("| `") && line.contains("`RECAP_")).count();
    assert_eq!(rows, recap::config::SETTINGS.len(), "the README has a setting that there is not");
    let help = Command::new(env!("CARGO_BIN_EXE_recap")).arg("--help").output().unwrap();
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let commands: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|command| *command != "help")
        .collect();
    assert!(commands.len() > 10, "{help}");
    for command in &commands {
        assert!(
            readme.contains(&format!("recap {command}"))
                || readme.contains(&format!("`{command} ")),
            "the README lacks {command}"
        );
    }
    for named in readme.split("recap ").skip(1) {
        let word: String =
            named.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
        let is_a_command = readme.contains(&format!("`recap {word}")) && !word.is_empty();
        assert!(
            !is_a_command || commands.contains(&word.as_str()),
            "the README names `recap {word}`, which is not there"
        );
    }
}

#[test]
fn the_readme_s_first_lines_are_what_it_is_and_two_commands() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let lines: Vec<&str> = readme.lines().collect();
    assert_eq!(lines[0], "# Recap");
    assert!(
        lines[5] == "```"
            && lines[6].starts_with("cargo run --release -- demo")
            && lines[7].starts_with("./tests/run"),
        "{:?}",
        &lines[..9]
    );
}

#[test]
fn the_sample_documents_are_well_and_each_of_their_fields_is_explained() {
    let data = tempfile::tempdir().unwrap();
    let owner = data.path().join("history/owner");
    fs::create_dir_all(&owner).unwrap();
    let readme = fs::read_to_string(root().join("sample-history/README.md")).unwrap();
    fn keys(value: &serde_json::Value, found: &mut BTreeSet<String>) {
        match value {
            serde_json::Value::Object(map) => {
                for (key, value) in map {
                    found.insert(key.clone());
                    // Speakers, tags, times and hashes are keyed by names of their own.
                    if !["speakers", "tags", "took_ms", "hashes", "usage", "months", "days"]
                        .contains(&key.as_str())
                    {
                        keys(value, found);
                    }
                }
            }
            serde_json::Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(root().join("sample-history/owner")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        keys(&serde_json::from_str(&text).unwrap(), &mut found);
        fs::write(owner.join(path.file_name().unwrap()), text).unwrap();
    }
    for key in &found {
        assert!(
            ["`{key}`", "`{key}.", ".{key}`"]
                .iter()
                .any(|form| readme.contains(&form.replace("{key}", key))),
            "sample-history/README.md does not explain {key}"
        );
    }
    let check = Command::new(env!("CARGO_BIN_EXE_recap"))
        .args(["check", "--data"])
        .arg(data.path())
        .output()
        .unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
    for kind in &recap::history::layout::TABLE {
        let name = kind.file.unwrap_or("2026-05-14-the-oven-in-the-square-k3ep5a.json");
        assert!(owner.join(name).exists(), "there is no sample of {name}");
    }
}
