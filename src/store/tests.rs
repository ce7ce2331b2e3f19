//! The promises of the store, each as a claim.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use recap_mode::{SeededEntropy, SystemEntropy};
use serde::{Deserialize, Serialize};

use super::*;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Notes {
    #[serde(default)]
    count: u64,
    #[serde(default)]
    names: BTreeMap<String, u64>,
}

impl Document for Notes {
    fn kept_copy(&self) -> Option<Notes> {
        Some(self.clone())
    }
}

fn store_at(root: &Path) -> Arc<Store> {
    Store::open(root, Arc::new(SystemEntropy)).unwrap()
}

fn slot() -> Slot<Notes> {
    Slot::new(&Scope::owner(), FileName::parse("notes.json").unwrap())
}

fn file(root: &Path) -> PathBuf {
    root.join("owner/notes.json")
}

fn write(root: &Path, text: &str) {
    fs::create_dir_all(root.join("owner")).unwrap();
    fs::write(file(root), text).unwrap();
}

async fn add_one(store: &Arc<Store>) -> Result<u64, StoreError> {
    store
        .mutate(&slot(), |notes: &mut Notes| {
            notes.count += 1;
            Ok(notes.count)
        })
        .await
}

#[tokio::test]
async fn a_missing_file_is_the_default_and_a_change_makes_it() {
    let root = tempfile::tempdir().unwrap();
    let store = store_at(root.path());
    assert_eq!(store.read(&slot()).await.unwrap().value, Notes::default());
    assert_eq!(add_one(&store).await.unwrap(), 1);
    assert_eq!(
        fs::read_to_string(file(root.path())).unwrap(),
        "{\n  \"count\": 1,\n  \"names\": {}\n}\n"
    );
}

#[tokio::test]
async fn a_write_changes_its_own_line_and_leaves_the_person_s_text_alone() {
    let root = tempfile::tempdir().unwrap();
    let store = store_at(root.path());
    write(root.path(), "{\n\t\"mine\": [ 1,2 ],\n\t\"count\": 1\n}\n");
    add_one(&store).await.unwrap();
    assert_eq!(
        fs::read_to_string(file(root.path())).unwrap(),
        "{\n\t\"mine\": [ 1,2 ],\n\t\"count\": 2\n}\n"
    );
}

#[tokio::test]
async fn what_is_kept_of_a_file_counts_only_for_its_very_bytes() {
    let root = tempfile::tempdir().unwrap();
    let store = store_at(root.path());
    add_one(&store).await.unwrap();
    add_one(&store).await.unwrap();
    let ours = fs::read_to_string(file(root.path())).unwrap();
    // As many bytes, in the moment after the write: no time of change and no length tells it.
    for (theirs, counts) in [
        (ours.replace('2', "7"), (7, 8)),
        (ours.replace("names", "mines"), (2, 3)),
        (ours.replace("  \"count\": 2", "\t\"count\":2 "), (2, 3)),
    ] {
        write(root.path(), &theirs);
        assert_eq!(store.read(&slot()).await.unwrap().value.count, counts.0);
        assert_eq!(add_one(&store).await.unwrap(), counts.1);
        let old = format!("\"count\":{}", if theirs.contains("\":2") { "" } else { " " });
        let (was, is) = (format!("{old}{}", counts.0), format!("{old}{}", counts.1));
        let now = fs::read_to_string(file(root.path())).unwrap();
        assert_eq!(now, theirs.replace(&was, &is), "their form is kept");
    }
    write(root.path(), "{ \"count\": 1,, }");
    assert!(add_one(&store).await.is_err());
}

#[test]
fn little_is_kept_of_many_files_and_of_large_ones() {
    let mut own = OwnFiles::default();
    let value: Arc<dyn Any + Send + Sync> = Arc::new(Notes::default());
    let has = |own: &OwnFiles, name: &str| own.files[Path::new(name)].value.is_some();
    let half = Draft::Text("x".repeat(KEPT_BYTES_MAX / 2));
    let (one, all) = (Draft::Text("x".into()), Draft::Text("x".repeat(KEPT_BYTES_MAX + 1)));
    own.note(Path::new("a"), &half, Some(value.clone()));
    own.note(Path::new("a"), &half, Some(value.clone()));
    own.note(Path::new("b"), &half, Some(value.clone()));
    assert!(has(&own, "a") && has(&own, "b") && own.kept_bytes == KEPT_BYTES_MAX);
    own.note(Path::new("c"), &one, Some(value.clone()));
    assert!(!has(&own, "a") && has(&own, "c") && own.kept_bytes == 1);
    own.note(Path::new("d"), &all, Some(value.clone()));
    assert!(!has(&own, "d") && own.kept_bytes == 1);
    for n in 0..OWN_FILES_MAX + 10 {
        own.note(Path::new(&n.to_string()), &one, None);
    }
    assert!(own.files.len() <= OWN_FILES_MAX && own.kept_bytes == 0);
}

/// Names whose document is longer than what is held in memory.
fn many_names() -> BTreeMap<String, u64> {
    (0..40_000).map(|n| (format!("a name of some length {n:08}"), n)).collect()
}

#[tokio::test]
async fn a_long_document_is_changed_as_a_short_one_is() {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir().unwrap();
    let store = store_at(root.path());
    let fill = |notes: &mut Notes| {
        notes.names = many_names();
        Ok::<_, StoreError>(())
    };
    store.mutate(&slot(), fill).await.unwrap();
    let path = file(root.path());
    let first = Stamp::of(&fs::metadata(&path).unwrap());
    assert!(first.size_bytes > draft::HELD_BYTES_MAX as u64);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
    store.mutate(&slot(), fill).await.unwrap();
    assert_eq!(Stamp::of(&fs::metadata(&path).unwrap()), first, "nothing changed");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o660)).unwrap();
    assert_eq!(add_one(&store).await.unwrap(), 1);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    let want = Notes { count: 1, names: many_names() };
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(serde_json::from_str::<Notes>(&text).unwrap(), want);
    // A hand changes it, and what it wrote around the change stays.
    write(root.path(), &text.replacen("\"count\": 1", "\"count\":  5", 1));
    assert_eq!(add_one(&store).await.unwrap(), 6);
    assert!(fs::read_to_string(&path).unwrap().starts_with("{\n  \"count\":  6,\n"));
    let beside = fs::read_dir(root.path().join("owner")).unwrap();
    let left = beside.filter(|entry| {
        replace::is_temporary(&entry.as_ref().unwrap().file_name().to_string_lossy())
    });
    assert_eq!(left.count(), 0);
}

#[tokio::test]
async fn what_was_saved_while_a_long_document_was_drafted_is_changed_instead() {
    let root = tempfile::tempdir().unwrap();
    let store = store_at(root.path());
    let path = file(root.path());
    let (scope, name) = (Scope::owner(), slot().name);
    let mut tries = 0;
    let there = path.clone();
    let done = store.transact(&scope, move |tx| {
        let mut notes = tx.value::<Notes>(&name)?;
        notes.names.extend(many_names());
        tx.write(&name, &notes)?;
        tries += 1;
        if tries == 1 {
            fs::write(&there, "{\"names\": {\"theirs\": 1}}").unwrap();
        }
        Ok::<_, StoreError>(tries)
    });
    assert_eq!(done.await.unwrap(), 2);
    let notes: Notes = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!((notes.names["theirs"], notes.names.len()), (1, 40_001));
    // One that is given up leaves nothing.
    let name = slot().name;
    let refused: Result<(), StoreError> = store
        .transact(&scope, move |tx| {
            let mut notes = tx.value::<Notes>(&name)?;
            notes.count = 7;
            tx.write(&name, &notes)?;
            Err(StoreError::Panicked("on purpose".to_owned()))
        })
        .await;
    assert!(refused.is_err());
    let text = fs::read(&path).unwrap();
    assert_eq!(serde_json::from_slice::<Notes>(&text).unwrap().count, 0);
    let files: Vec<_> = fs::read_dir(root.path().join("owner"))
        .unwrap()
        .map(|it| it.unwrap().file_name())
        .collect();
    assert!(files.iter().all(|file| !replace::is_temporary(&file.to_string_lossy())), "{files:?}");
}

#[tokio::test]
async fn nothing_is_written_where_nothing_changed() {
    let root = tempfile::tempdir().unwrap();
    let store = store_at(root.path());
    write(root.path(), "{ \"count\" : 1}");
    let before = Stamp::of(&fs::metadata(file(root.path())).unwrap());
    store.mutate(&slot(), |_| Ok::<_, StoreError>(())).await.unwrap();
    assert_eq!(Stamp::of(&fs::metadata(file(root.path())).unwrap()), before);
}

#[tokio::test]
async fn a_file_that_does_not_parse_is_never_written_over_and_its_last_good_copy_is_shown() {
    let root = tempfile::tempdir().unwrap();
    let store = store_at(root.path());
    write(root.path(), "{\"count\": 7}");
    store.read(&slot()).await.unwrap();
    for (broken, line, column, reason) in [
        ("{\n  \"count\": 7,\n}", 3, 1, "trailing comma"),
        ("{\"count\": \"seven\"}", 1, 17, "at count"),
        ("{\"count\": 1, \"count\": 2}", 1, 0, "duplicate field"),
        ("{\"x\": 1, \"x\": 2}", 1, 10, "stands twice"),
        ("", 1, 1, "empty"),
        ("{\"count\": 7} {}", 1, 14, "after the end"),
        ("\u{0}", 1, 1, "expected value"),
    ] {
        write(root.path(), broken);
        assert!(
            matches!(add_one(&store).await, Err(StoreError::Malformed(_))),
            "{broken:?} was written over"
        );
        assert_eq!(fs::read_to_string(file(root.path())).unwrap(), broken);
        let shown = store.read(&slot()).await.unwrap();
        let problem = shown.problem.expect("the problem is shown");
        assert_eq!(shown.value.count, 7);
        assert_eq!((problem.file.as_str(), problem.line), ("owner/notes.json", line), "{problem}");
        assert!(column == 0 || problem.column == column, "{broken:?}: {problem}");
        assert!(problem.reason.contains(reason), "{broken:?}: {problem}");
    }
    write(root.path(), "{\"count\": 8}");
    assert_eq!(add_one(&store).await.unwrap(), 9);
}

#[tokio::test]
async fn a_malformed_file_without_a_good_copy_is_an_error_with_its_place() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "{\"count\": }");
    let error = store_at(root.path()).read(&slot()).await.unwrap_err();
    assert!(error.to_string().starts_with("owner/notes.json, line 1, column 11"), "{error}");
}

#[tokio::test]
async fn a_refusal_inside_a_change_writes_nothing() {
    let root = tempfile::tempdir().unwrap();
    let store = store_at(root.path());
    let refused = store
        .mutate(&slot(), |notes: &mut Notes| {
            notes.count = 99;
            Err::<(), _>(StoreError::Panicked("no".to_owned()))
        })
        .await;
    assert!(refused.is_err());
    assert!(!file(root.path()).exists());
}

#[tokio::test]
async fn a_hand_edit_during_a_write_survives_and_the_change_is_made_on_it() {
    let root = tempfile::tempdir().unwrap();
    let store = store_at(root.path());
    write(root.path(), "{\"count\": 1}");
    let path = file(root.path());
    let runs = Arc::new(AtomicUsize::new(0));
    let seen = runs.clone();
    store
        .mutate(&slot(), move |notes: &mut Notes| {
            if seen.fetch_add(1, Ordering::SeqCst) == 0 {
                // The editor saves after we read and before we write.
                fs::write(&path, "{\"count\": 10, \"mine\": true}").unwrap();
            }
            notes.count += 1;
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
    assert_eq!(runs.load(Ordering::SeqCst), 2);
    assert_eq!(fs::read_to_string(file(root.path())).unwrap(), "{\"count\": 11, \"mine\": true}");
}

#[tokio::test]
async fn a_file_that_another_program_keeps_changing_is_left_to_it_with_a_sentence() {
    let root = tempfile::tempdir().unwrap();
    let store = store_at(root.path());
    write(root.path(), "{\"count\": 1}");
    let path = file(root.path());
    let turn = AtomicUsize::new(0);
    let answer = store
        .mutate(&slot(), move |notes: &mut Notes| {
            fs::write(
                &path,
                format!("{{\"count\": {}}}", 100 + turn.fetch_add(1, Ordering::SeqCst)),
            )
            .unwrap();
            notes.count += 1;
            Ok::<_, StoreError>(())
        })
        .await;
    assert!(matches!(answer, Err(StoreError::Contended { .. })), "{answer:?}");
    assert_eq!(fs::read_to_string(file(root.path())).unwrap(), "{\"count\": 102}");
}

#[test]
fn a_version_that_slipped_in_at_the_last_moment_is_put_back_by_the_exchange() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "old");
    let path = file(root.path());
    // What `replace` does after its own check, with an editor that saved in between.
    let temporary = root.path().join("owner/.notes.json.x.tmp");
    fs::write(&temporary, "ours").unwrap();
    fs::write(&path, "the editor's").unwrap();
    rustix::fs::renameat_with(
        rustix::fs::CWD,
        &temporary,
        rustix::fs::CWD,
        &path,
        rustix::fs::RenameFlags::EXCHANGE,
    )
    .unwrap();
    let outcome = replace::take_out_for_tests(&path, &temporary, b"old", b"ours");
    assert!(matches!(outcome, Err(StoreError::Changed { .. })));
    assert_eq!(fs::read_to_string(&path).unwrap(), "the editor's");
}

#[test]
fn two_hundred_changes_by_four_writers_are_all_there() {
    let root = tempfile::tempdir().unwrap();
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                // Each thread opens its own store: they meet at the lock on disk alone, as two
                // programs do.
                let runtime =
                    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let store = store_at(root.path());
                    for _ in 0..50 {
                        add_one(&store).await.unwrap();
                    }
                });
            });
        }
    });
    let text = fs::read_to_string(file(root.path())).unwrap();
    assert_eq!(serde_json::from_str::<Notes>(&text).unwrap().count, 200);
    let left: Vec<_> =
        fs::read_dir(root.path().join("owner")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "only the document and the lock remain: {left:?}");
}

#[tokio::test]
async fn a_held_lock_is_waited_for_and_then_answered_with_busy() {
    let root = tempfile::tempdir().unwrap();
    let mut store = Arc::into_inner(store_at(root.path())).unwrap();
    store.lock_wait = Duration::from_millis(60);
    let store = Arc::new(store);
    fs::create_dir_all(root.path().join("owner")).unwrap();
    let held =
        lock::ScopeLock::take(&Scope::owner(), &root.path().join("owner"), Duration::ZERO).unwrap();
    assert!(matches!(add_one(&store).await, Err(StoreError::Busy { .. })));
    drop(held);
    assert_eq!(add_one(&store).await.unwrap(), 1);
}

#[tokio::test]
async fn a_link_to_a_file_elsewhere_stays_a_link() {
    let root = tempfile::tempdir().unwrap();
    let store = store_at(root.path());
    fs::create_dir_all(root.path().join("owner")).unwrap();
    let elsewhere = root.path().join("dotfiles.json");
    fs::write(&elsewhere, "{\"count\": 3}").unwrap();
    std::os::unix::fs::symlink(&elsewhere, file(root.path())).unwrap();
    add_one(&store).await.unwrap();
    assert!(fs::symlink_metadata(file(root.path())).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "{\"count\": 4}");
}

#[tokio::test]
async fn the_rights_of_a_file_stay_as_the_person_set_them() {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir().unwrap();
    let store = store_at(root.path());
    write(root.path(), "{\"count\": 3}");
    fs::set_permissions(file(root.path()), fs::Permissions::from_mode(0o664)).unwrap();
    add_one(&store).await.unwrap();
    assert_eq!(fs::metadata(file(root.path())).unwrap().permissions().mode() & 0o777, 0o664);
}

#[tokio::test]
async fn a_hand_edit_is_noticed_within_a_second_and_our_own_write_is_not_echoed() {
    let root = tempfile::tempdir().unwrap();
    let store = store_at(root.path());
    write(root.path(), "{\"count\": 1}");
    let mut changes = store.changes();
    let _watching = store.watch(Duration::from_secs(3600)).unwrap();
    // The watch thread looks around first; edits until it answers stand for a person's patience.
    let edit = |n: u64| fs::write(file(root.path()), format!("{{\"count\": {n}}}")).unwrap();
    let mut n = 10;
    let first = loop {
        n += 1;
        edit(n);
        if let Ok(change) = tokio::time::timeout(Duration::from_millis(500), changes.recv()).await {
            break change.unwrap();
        }
        assert!(n < 40, "no edit was noticed");
    };
    assert_eq!((first.name.as_str(), first.kind), ("notes.json", ChangeKind::Changed));
    add_one(&store).await.unwrap();
    fs::remove_file(file(root.path())).unwrap();
    let second =
        tokio::time::timeout(Duration::from_secs(5), changes.recv()).await.unwrap().unwrap();
    assert_eq!(second.kind, ChangeKind::Removed, "our own write was echoed");
}

#[tokio::test]
async fn a_folder_made_and_filled_in_one_go_is_noticed() {
    let root = tempfile::tempdir().unwrap();
    let store = store_at(root.path());
    let mut changes = store.changes();
    let _watching = store.watch(Duration::from_millis(100)).unwrap();
    // As above: the thread's first look takes what is there for known.
    for n in 0..30 {
        let folder = root.path().join(format!("anon/t{n}"));
        fs::create_dir_all(&folder).unwrap();
        for name in [".hidden.json", "notes.json~", "notes.txt", "notes.json"] {
            fs::write(folder.join(name), "{}").unwrap();
        }
        if let Ok(change) = tokio::time::timeout(Duration::from_millis(500), changes.recv()).await {
            let change = change.unwrap();
            assert_eq!(
                (change.scope.to_string(), change.name.as_str()),
                (format!("anon/t{n}"), "notes.json")
            );
            return;
        }
    }
    panic!("no new folder was noticed");
}

#[tokio::test]
async fn a_trial_s_things_become_the_tenant_s_and_what_the_tenant_has_stays() {
    let root = tempfile::tempdir().unwrap();
    let store = store_at(root.path());
    let (from, to) = (Scope::parse("anon/t1").unwrap(), Scope::parse("tenant").unwrap());
    for (scope, name, text) in [
        ("anon/t1", "a.json", "{\"count\": 1}"),
        ("anon/t1", "b.json", "1"),
        ("tenant", "b.json", "2"),
    ] {
        fs::create_dir_all(root.path().join(scope)).unwrap();
        fs::write(root.path().join(scope).join(name), text).unwrap();
    }
    for _ in 0..2 {
        store.adopt(&from, &to).await.unwrap();
        assert_eq!(
            fs::read_to_string(root.path().join("tenant/a.json")).unwrap(),
            "{\"count\": 1}"
        );
        assert_eq!(fs::read_to_string(root.path().join("tenant/b.json")).unwrap(), "2");
        assert_eq!(fs::read_to_string(root.path().join("anon/t1/b.json")).unwrap(), "1");
    }
    store.erase(&from).await.unwrap();
    assert!(!root.path().join("anon/t1").exists());
    assert_eq!(store.scopes_now(), [Scope::owner(), to.clone()]);
    // A folder of which nothing is left goes, with the lock in it.
    fs::create_dir_all(root.path().join("anon/t1")).unwrap();
    fs::write(root.path().join("anon/t1/c.json"), "3").unwrap();
    fs::write(root.path().join("anon/t1/.lock"), "").unwrap();
    store.adopt(&from, &to).await.unwrap();
    assert_eq!(fs::read_to_string(root.path().join("tenant/c.json")).unwrap(), "3");
    assert_eq!(store.scopes_now(), [Scope::owner(), to]);
}

#[tokio::test]
async fn temporaries_of_a_killed_process_are_swept_and_those_of_a_living_one_are_not() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "{}");
    let folder = root.path().join("owner");
    let temporary = folder.join(".notes.json.00000000.tmp");
    fs::write(&temporary, "half").unwrap();
    let store = Store::open(root.path(), Arc::new(SeededEntropy::new(1))).unwrap();
    {
        let scope = Scope::owner();
        let _held = lock::ScopeLock::take(&scope, &folder, Duration::from_secs(1)).unwrap();
        assert_eq!(store.sweep_now(), 0, "somebody may be writing it");
    }
    assert_eq!(store.sweep_now(), 1);
    assert!(!temporary.exists() && file(root.path()).exists());
}

#[tokio::test]
async fn a_document_of_a_newer_form_is_left_alone() {
    let root = tempfile::tempdir().unwrap();
    let store = store_at(root.path());
    for (text, is_newer) in [
        ("{\"format\": 2, \"notes\": []}", true),
        ("{\"x\": {\"format\": 7}, \"format\": 12}", true),
        ("{\"format\": 1}", false),
        ("{\"x\": {\"format\": 7}}", false),
        ("{\"x\": {\"format\": 7}, \"format\": 1}", false),
        ("{\"x\": \"\\\"format\\\": 9\"}", false),
    ] {
        write(root.path(), text);
        let read = store.mutate(&slot(), |_| Ok::<_, StoreError>(())).await;
        assert_eq!(read.is_err(), is_newer, "{text}: {read:?}");
        assert_eq!(fs::read_to_string(file(root.path())).unwrap(), text);
    }
}

#[test]
fn a_file_name_that_exists_cannot_leave_its_folder() {
    for good in ["a.json", "_meta.json", "2026-01-02-ä-abc.json"] {
        assert!(FileName::parse(good).is_ok(), "{good:?} was refused");
    }
    for bad in [
        "",
        ".json",
        "a",
        "../a.json",
        "a/b.json",
        "a\\b.json",
        ".a.json",
        "a\0.json",
        "a\n.json",
        "c:a.json",
    ] {
        assert!(FileName::parse(bad).is_err(), "{bad:?} was taken");
    }
    assert!(FileName::parse(&format!("{}.json", "x".repeat(196))).is_err());
}
