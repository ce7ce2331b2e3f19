//! What a person may rely on in their library.

use recap_mode::{ManualClock, SeededEntropy};
use serde_json::json;

use super::*;
use crate::domain::recap::tests::sample;
use crate::store::DOCUMENT_BYTES_MAX;

struct House {
    data: tempfile::TempDir,
    library: Arc<Library>,
}

fn house() -> House {
    let data = tempfile::tempdir().unwrap();
    let library = open(data.path());
    House { data, library }
}

fn open(data: &Path) -> Arc<Library> {
    let clock = Arc::new(ManualClock::at("2026-11-20T10:00:00Z".parse().unwrap()));
    Library::open(data, clock, Arc::new(SeededEntropy::new(7))).unwrap()
}

impl House {
    async fn with(recaps: &[(&str, &str)]) -> House {
        let house = house();
        for (id, title) in recaps {
            house.library.save(&Scope::owner(), sample(id, title)).await.unwrap();
        }
        house
    }

    fn file(&self, name: &str) -> PathBuf {
        self.data.path().join("history/owner").join(name)
    }

    fn ids(&self, query: ListQuery) -> Vec<String> {
        let page =
            self.library.list_now(&Scope::owner(), &ListQuery { limit: 50, ..query }).unwrap();
        page.recaps.iter().map(|head| head.id.to_string()).collect()
    }
}

fn id(text: &str) -> RecapId {
    text.parse().unwrap()
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_overlap_in_every_order() {
    let house = House::with(&[("a", "Cee"), ("b", "bee"), ("c", "Ay"), ("d", "ay")]).await;
    for sort in [SortKey::CreatedAt, SortKey::PublishedAt, SortKey::Title, SortKey::DurationMs] {
        for order in [ListOrder::Asc, ListOrder::Desc] {
            let mut seen = Vec::new();
            let mut cursor = None;
            loop {
                let query = ListQuery { sort, order, limit: 1, cursor, ..ListQuery::default() };
                let page = house.library.list_now(&Scope::owner(), &query).unwrap();
                assert_eq!(page.total, 4);
                seen.extend(page.recaps.iter().map(|head| head.id.to_string()));
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(seen, house.ids(ListQuery { sort, order, ..ListQuery::default() }));
            assert_eq!(seen.len(), 4);
        }
    }
    let by_title =
        ListQuery { sort: SortKey::Title, order: ListOrder::Asc, ..ListQuery::default() };
    assert_eq!(house.ids(by_title), ["c", "d", "b", "a"]);
    assert_eq!(
        house.ids(ListQuery { title: Some("AY".to_owned()), ..ListQuery::default() }).len(),
        2
    );
}

#[tokio::test]
async fn an_edit_changes_its_line_and_keeps_what_only_the_person_knows() {
    let house = House::with(&[("a", "Bread")]).await;
    let path = house.file("a.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let text = text.replace("\"notes\": []", "\"notes\": [],\n  \"my_mark\": [ 1,2 ]");
    std::fs::write(&path, &text).unwrap();
    let change = json!({"topics": {"t1": {"points": {"p1": {"text": "We wait a night."}}}}});
    let found = house.library.patch(&Scope::owner(), &id("a"), None, change).await.unwrap();
    assert_eq!(found.recap.topics[0].points[0].text, "We wait a night.");
    assert_ne!(
        crate::domain::recap::text_hash("We wait a night."),
        found.recap.topics[0].points[0].made
    );
    let after = std::fs::read_to_string(&path).unwrap();
    let changed: Vec<(&str, &str)> =
        text.lines().zip(after.lines()).filter(|(a, b)| a != b).collect();
    assert_eq!(changed.len(), 2, "the point and updated_at: {changed:?}");
    assert!(after.contains("\"my_mark\": [ 1,2 ]"));
}

#[tokio::test]
async fn an_edit_over_a_newer_one_is_stale_also_when_that_was_made_with_an_editor() {
    let house = House::with(&[("a", "Bread")]).await;
    let owner = Scope::owner();
    let first = house.library.find(&owner, &id("a")).await.unwrap();
    let path = house.file("a.json");
    let by_hand = std::fs::read_to_string(&path).unwrap().replace("Waiting", "Patience");
    std::fs::write(&path, &by_hand).unwrap();
    let mine = Some(vec![first.etag.quoted()]);
    let stale = house.library.patch(&owner, &id("a"), mine.clone(), json!({"title": "Mine"})).await;
    assert!(matches!(stale, Err(LibraryError::Stale { .. })), "{stale:?}");
    assert!(matches!(
        house.library.delete(&owner, &id("a"), mine).await,
        Err(LibraryError::Stale { .. })
    ));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), by_hand);
    let fresh = Some(vec![house.library.find(&owner, &id("a")).await.unwrap().etag.quoted()]);
    let done =
        house.library.patch(&owner, &id("a"), fresh, json!({"title": "Mine"})).await.unwrap();
    assert_eq!(
        (done.recap.title.as_str(), done.recap.topics[0].title.as_str()),
        ("Mine", "Patience")
    );
}

#[tokio::test]
async fn a_whole_recap_can_be_put_but_not_an_unsound_one() {
    let house = House::with(&[("a", "Bread")]).await;
    let owner = Scope::owner();
    let value = serde_json::to_value(sample("a", "Bread")).unwrap();
    let mut other_id = value.clone();
    other_id["id"] = "b".into();
    let mut no_title = value.clone();
    no_title["topics"][0]["title"] = "".into();
    let mut far_cue = value.clone();
    far_cue["topics"][0]["points"][0]["cue"] = 99.into();
    let before = std::fs::read(house.file("a.json")).unwrap();
    for bad in [other_id, no_title, far_cue, json!({}), json!([]), json!(null)] {
        let refused = house.library.put(&owner, &id("a"), None, bad).await;
        assert!(matches!(refused, Err(LibraryError::Refused(_))), "{refused:?}");
    }
    assert_eq!(std::fs::read(house.file("a.json")).unwrap(), before);
    let mut better = value;
    better["overview"] = "Short.".into();
    assert_eq!(
        house.library.put(&owner, &id("a"), None, better).await.unwrap().recap.overview,
        "Short."
    );
    let missing = house.library.put(&owner, &id("zz"), None, json!({})).await;
    assert!(matches!(missing, Err(LibraryError::NotFound(_))));
}

#[tokio::test]
async fn a_deleted_recap_s_episode_is_skipped_and_undo_brings_both_back() {
    let house = House::with(&[("a", "Bread")]).await;
    let owner = Scope::owner();
    let before = std::fs::read(house.file("a.json")).unwrap();
    let deleted = house.library.delete(&owner, &id("a"), None).await.unwrap();
    let episode = deleted.episode.unwrap();
    assert!(deleted.can_be_undone);
    assert!(house.library.skip_list(&owner).await.unwrap().holds(&episode));
    assert!(house.ids(ListQuery::default()).is_empty());
    assert!(matches!(
        house.library.delete(&owner, &id("a"), None).await,
        Err(LibraryError::NotFound(_))
    ));
    house.library.restore(&owner, &id("a")).await.unwrap();
    assert!(!house.library.skip_list(&owner).await.unwrap().holds(&episode));
    assert_eq!(std::fs::read(house.file("a.json")).unwrap(), before);
    assert_eq!(house.ids(ListQuery::default()), ["a"]);
    assert!(matches!(
        house.library.restore(&owner, &id("a")).await,
        Err(LibraryError::NotFound(_))
    ));
}

#[tokio::test]
async fn a_broken_skip_list_stops_a_deletion_and_loses_nothing() {
    let house = House::with(&[("a", "Bread")]).await;
    std::fs::write(house.file("skip-list.json"), "{ half").unwrap();
    let refused = house.library.delete(&Scope::owner(), &id("a"), None).await;
    assert!(matches!(refused, Err(LibraryError::Store(StoreError::Malformed(_)))), "{refused:?}");
    assert!(house.file("a.json").exists());
    assert_eq!(std::fs::read_to_string(house.file("skip-list.json")).unwrap(), "{ half");
}

#[tokio::test]
async fn a_hand_edit_shows_in_lists_and_a_broken_one_keeps_the_last_good_head() {
    let house = House::with(&[("a", "Bread")]).await;
    let owner = Scope::owner();
    house.library.find(&owner, &id("a")).await.unwrap();
    assert_eq!(house.ids(ListQuery::default()), ["a"]);
    let path = house.file("a.json");
    let change = Change {
        scope: owner.clone(),
        name: FileName::parse("a.json").unwrap(),
        kind: ChangeKind::Changed,
    };
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("\"title\": \"Bread\"", "\"title\": \"Rye\"")).unwrap();
    assert_eq!(house.library.note_change_now(&change).now, None);
    let head = |house: &House| {
        house
            .library
            .list_now(&owner, &ListQuery { limit: 9, ..ListQuery::default() })
            .unwrap()
            .recaps[0]
            .title
            .clone()
    };
    assert_eq!(head(&house), "Rye");
    std::fs::write(&path, &text[..text.len() - 30]).unwrap();
    let problem = house.library.note_change_now(&change).now.expect("the file is cut off");
    assert!(problem.line > 10, "{problem}");
    assert_eq!(house.library.problems_now(&owner).unwrap(), [problem]);
    assert_eq!(head(&house), "Rye");
    let found = house.library.find(&owner, &id("a")).await.unwrap();
    assert!(found.problem.is_some());
    std::fs::write(&path, &text).unwrap();
    assert_eq!(house.library.note_change_now(&change).now, None);
    assert_eq!(house.library.problems_now(&owner).unwrap(), []);
}

#[tokio::test]
async fn the_head_cache_may_be_deleted_broken_or_old_and_lists_stay_right() {
    let house = House::with(&[("a", "Bread"), ("b", "Bees")]).await;
    assert_eq!(house.ids(ListQuery::default()).len(), 2);
    house.library.keep_heads_now();
    let cache = house.data.path().join("cache/heads/owner.jsonl");
    let list = |data: &Path| {
        open(data)
            .list_now(&Scope::owner(), &ListQuery { limit: 9, ..ListQuery::default() })
            .unwrap()
            .total
    };
    assert!(cache.exists());
    std::fs::remove_file(house.file("a.json")).unwrap();
    assert_eq!(list(house.data.path()), 1, "the cache is checked against the disk");
    for damage in [
        "",
        "{",
        "[]",
        "{\"format\":9,\"count\":0}\n",
        "{\"format\":2,\"count\":9}\n",
        "{\"format\":2,\"count\":18446744073709551615}\n",
    ] {
        std::fs::write(&cache, damage).unwrap();
        assert_eq!(list(house.data.path()), 1);
    }
    std::fs::remove_file(&cache).unwrap();
    assert_eq!(list(house.data.path()), 1);
}

#[tokio::test]
async fn a_file_that_was_broken_while_nobody_watched_is_noticed_at_the_next_start() {
    let house = House::with(&[("a", "Bread"), ("b", "Bees")]).await;
    assert_eq!(house.ids(ListQuery::default()).len(), 2);
    house.library.keep_heads_now();
    let path = house.file("a.json");
    let text = std::fs::read_to_string(&path).unwrap();
    // Far behind the front of the file, which a list would read.
    std::fs::write(&path, text.replace("\"text\": \"Then the oven.\"", "\"text\": Then the oven."))
        .unwrap();
    let next = open(house.data.path());
    let problems = next.problems_now(&Scope::owner()).unwrap();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].file, "owner/a.json");
    let all = ListQuery { limit: 9, ..ListQuery::default() };
    assert_eq!(next.list_now(&Scope::owner(), &all).unwrap().total, 2, "its head is still good");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exported_library_comes_back_whole_and_an_import_keeps_what_is_there() {
    let house = House::with(&[("a", "Bread"), ("b", "Bees")]).await;
    let owner = Scope::owner();
    let folder = house.library.arrange(&owner, |meta| meta.create_folder("Food")).await.unwrap();
    house
        .library
        .arrange(&owner, move |meta| meta.place(&id("a"), Some(&folder), 0))
        .await
        .unwrap();
    let mut archive = Vec::new();
    house.library.export_now(&owner, &mut archive).unwrap();

    let other = House::with(&[("b", "Mine already")]).await;
    let runtime = tokio::runtime::Handle::current();
    let (library, bytes) = (other.library.clone(), archive.clone());
    let report = tokio::task::spawn_blocking(move || {
        library.import_now(&Scope::owner(), &bytes[..], &runtime)
    })
    .await
    .unwrap()
    .unwrap();
    assert_eq!((report.added, report.kept, report.refused), (1, 1, 0));
    assert_eq!(other.library.find(&owner, &id("b")).await.unwrap().recap.title, "Mine already");
    assert_eq!(other.library.find(&owner, &id("a")).await.unwrap().recap, sample("a", "Bread"));
    assert_eq!(other.library.meta(&owner).await.unwrap().folder_of(&id("a")).unwrap().name, "Food");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_from_elsewhere_cannot_write_outside_and_nonsense_is_refused() {
    let house = house();
    let sound = serde_json::to_value(sample("good", "Bread")).unwrap();
    let mut recaps = serde_json::Map::new();
    for key in
        ["../../x", "..", "a/b", "a\\b", "_meta", "skip-list", ".hidden", "a\u{0}", "other", "CON:"]
    {
        recaps.insert(key.to_owned(), sound.clone());
    }
    recaps.insert("junk".to_owned(), json!({"format": 1}));
    recaps.insert("good".to_owned(), sound);
    let archive = json!({"recap_library": 1, "recaps": recaps, "role": "admin"}).to_string();
    let import = |text: String| {
        let (library, runtime) = (house.library.clone(), tokio::runtime::Handle::current());
        tokio::task::spawn_blocking(move || {
            library.import_now(&Scope::owner(), text.as_bytes(), &runtime)
        })
    };
    let report = import(archive).await.unwrap().unwrap();
    assert_eq!((report.added, report.refused), (1, 11), "{:?}", report.reasons);
    let files: Vec<String> = walkdir::WalkDir::new(house.data.path())
        .into_iter()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(files.len(), 2, "the recap and the lock: {files:?}");
    for nonsense in [
        "",
        "[]",
        "{}",
        "{\"recaps\": {}}",
        "{\"recap_library\": 2}",
        "{\"recap_library\": 1, \"recaps\": {\"a\":",
    ] {
        let refused = import(nonsense.to_owned()).await.unwrap();
        assert!(matches!(refused, Err(LibraryError::Archive { .. })), "{nonsense}: {refused:?}");
    }
}

#[tokio::test]
async fn a_file_that_is_too_large_or_no_file_is_a_problem_and_harms_nothing_else() {
    let house = House::with(&[("a", "Bread")]).await;
    std::fs::File::create(house.file("huge.json"))
        .unwrap()
        .set_len(DOCUMENT_BYTES_MAX + 1)
        .unwrap();
    std::fs::create_dir(house.file("folder.json")).unwrap();
    std::fs::write(house.file("empty.json"), "").unwrap();
    let (files, problems) = house.library.check_now(&Scope::owner()).unwrap();
    assert_eq!(files, 3);
    let named: Vec<&str> = problems.iter().map(|problem| problem.file.as_str()).collect();
    assert_eq!(named, ["owner/empty.json", "owner/huge.json"]);
    assert_eq!(house.ids(ListQuery::default()), ["a"]);
}
