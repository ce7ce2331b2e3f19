//! The library over HTTP.

use serde_json::{Value, json};

use crate::support::{House, TALK, single, until};

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_over_somebody_else_s_newer_one_is_a_412_also_when_that_was_made_with_an_editor() {
    let house = House::new().await;
    let id = house.a_recap().await;
    let path = format!("/api/recaps/{id}");
    let first = house.get(&path).await;
    let etag = first.headers()["etag"].to_str().unwrap().to_owned();
    assert!(etag.starts_with('"') && etag.ends_with('"'), "a strong tag: {etag}");
    let unchanged =
        house.client.get(house.url(&path)).header("if-none-match", &etag).send().await.unwrap();
    assert_eq!(unchanged.status(), 304);
    let file = house.file(&format!("{id}.json"));
    let by_hand = std::fs::read_to_string(&file).unwrap().replacen(
        "\"title\": \"Talk\"",
        "\"title\": \"By hand\"",
        1,
    );
    std::fs::write(&file, &by_hand).unwrap();
    let patch = |etag: &str, title: &str| {
        house
            .client
            .patch(house.url(&path))
            .header("if-match", etag)
            .json(&json!({"title": title}))
            .send()
    };
    let stale = patch(&etag, "Mine").await.unwrap();
    assert_eq!(stale.status(), 412);
    assert_eq!(stale.json::<Value>().await.unwrap()["error"]["kind"], "stale");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), by_hand);
    let now = house.get(&path).await.headers()["etag"].to_str().unwrap().to_owned();
    let done = patch(&now, "Mine").await.unwrap();
    assert_eq!(done.status(), 200);
    assert_ne!(done.headers()["etag"].to_str().unwrap(), now);
    assert_eq!(done.json::<Value>().await.unwrap()["title"], "Mine");
}

#[tokio::test(flavor = "multi_thread")]
async fn deletion_skips_the_episode_and_can_be_undone() {
    let house = House::new().await;
    let id = house.a_recap().await;
    let path = format!("/api/recaps/{id}");
    let deleted: Value =
        house.client.delete(house.url(&path)).send().await.unwrap().json().await.unwrap();
    assert_eq!(deleted["can_be_undone"], true);
    assert_eq!(house.get(&path).await.status(), 404);
    let skipped = std::fs::read_to_string(house.file("skip-list.json")).unwrap();
    assert!(skipped.contains(deleted["episode"].as_str().unwrap()));
    let restored = house.client.post(house.url(&format!("{path}/restore"))).send().await.unwrap();
    assert_eq!(restored.status(), 200);
    assert_eq!(house.get(&path).await.status(), 200);
    let again = house.client.post(house.url(&format!("{path}/restore"))).send().await.unwrap();
    assert_eq!(again.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_hold_recaps_in_order_and_lists_can_be_narrowed_to_one() {
    let house = House::new().await;
    let (a, b) = (house.a_recap().await, house.a_recap().await);
    let made: Value = house
        .client
        .post(house.url("/api/folders"))
        .json(&json!({"name": "Food"}))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let folder = made["id"].as_str().unwrap();
    let place = |id: &str, body: Value| {
        house.client.put(house.url(&format!("/api/recaps/{id}/place"))).json(&body).send()
    };
    for id in [&a, &b] {
        assert_eq!(
            place(id, json!({"folder": folder, "position": 0})).await.unwrap().status(),
            204
        );
    }
    assert_eq!(house.json("/api/folders").await["folders"][0]["recaps"], json!([b, a]));
    assert_eq!(house.json(&format!("/api/recaps?folder={folder}")).await["total"], 2);
    assert_eq!(place(&a, json!({})).await.unwrap().status(), 204);
    assert_eq!(house.json(&format!("/api/recaps?folder={folder}")).await["total"], 1);
    assert_eq!(place("nope", json!({})).await.unwrap().status(), 404);
    assert_eq!(place(&a, json!({"folder": "f9"})).await.unwrap().status(), 404);
    let rename = house
        .client
        .patch(house.url(&format!("/api/folders/{folder}")))
        .json(&json!({"name": " "}))
        .send()
        .await
        .unwrap();
    assert_eq!(rename.status(), 400);
    assert_eq!(
        house
            .client
            .delete(house.url(&format!("/api/folders/{folder}")))
            .send()
            .await
            .unwrap()
            .status(),
        204
    );
    assert_eq!(house.json("/api/recaps").await["total"], 2, "its recaps stay");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_come_in_pages_and_a_value_that_is_not_taken_is_named() {
    let house = House::new().await;
    for _ in 0..3 {
        house.a_recap().await;
    }
    let mut seen = Vec::new();
    let mut path = "/api/recaps?limit=2&sort=title&order=asc".to_owned();
    loop {
        let page = house.json(&path).await;
        assert_eq!(page["total"], 3);
        seen.extend(
            page["recaps"]
                .as_array()
                .unwrap()
                .iter()
                .map(|recap| recap["id"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => path = format!("/api/recaps?limit=2&sort=title&order=asc&cursor={next}"),
            None => break,
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 3);
    for (query, word) in [
        ("sort=colour", "colour"),
        ("limit=x", "invalid digit"),
        ("limit=0", "1 to 200"),
        ("limit=201", "1 to 200"),
        ("cursor=%%%", "cursor"),
        ("cursor=bm8", "cursor"),
        ("page=2", "page"),
        ("episode=x", "episode"),
    ] {
        let answer = house.get(&format!("/api/recaps?{query}")).await;
        assert_eq!(answer.status(), 400, "{query}");
        let said = answer.text().await.unwrap();
        assert!(said.contains(word), "{query}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_library_goes_out_and_comes_into_another() {
    let (house, other) = (House::new().await, House::new().await);
    let id = house.a_recap().await;
    let answer = house.get("/api/library/export").await;
    assert_eq!(
        answer.headers()["content-disposition"],
        "attachment; filename=\"recap-library.json\""
    );
    let archive = answer.bytes().await.unwrap();
    let import = |bytes: bytes::Bytes| {
        other.client.post(other.url("/api/library/import")).body(bytes).send()
    };
    let report: Value = import(archive.clone()).await.unwrap().json().await.unwrap();
    assert_eq!((report["added"].as_u64(), report["kept"].as_u64()), (Some(1), Some(0)), "{report}");
    let report: Value = import(archive.clone()).await.unwrap().json().await.unwrap();
    assert_eq!((report["added"].as_u64(), report["kept"].as_u64()), (Some(0), Some(1)), "{report}");
    assert_eq!(
        other.json(&format!("/api/recaps/{id}")).await,
        house.json(&format!("/api/recaps/{id}")).await
    );
    let before = other.tree();
    for nonsense in [
        "",
        "[]",
        "{\"recap_library\": 1, \"recaps\": {\"../../x\": {}}}",
        "{\"recap_library\": 1, \"rec",
    ] {
        let answer = import(bytes::Bytes::from_static(nonsense.as_bytes())).await.unwrap();
        let status = answer.status().as_u16();
        assert!(
            status == 400 || answer.json::<Value>().await.unwrap()["refused"] == 1,
            "{nonsense}: {status}"
        );
    }
    assert_eq!(other.tree(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_finds_the_second_where_it_was_said() {
    let house = House::new().await;
    let id = house.a_recap().await;
    let found = house.json("/api/search?q=240+degrees").await;
    assert_eq!(found["hits"][0]["recap"], id);
    assert!(
        found["hits"][0]["places"]
            .as_array()
            .unwrap()
            .iter()
            .any(|place| place["start_ms"] == 48000),
        "{found}"
    );
    assert_eq!(house.json("/api/search?q=").await["total"], 0);
    let page = house.page("/search?q=degrees").await;
    assert!(page.contains(&format!("/recaps/{id}#c")), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recap_is_handed_out_as_a_file_in_each_form() {
    let house = House::new().await;
    let id = house.a_recap().await;
    for (format, kind) in [
        ("md", "text/markdown"),
        ("txt", "text/plain"),
        ("html", "text/html"),
        ("json", "application/json"),
    ] {
        let answer = house.get(&format!("/api/recaps/{id}/export?format={format}")).await;
        assert_eq!(answer.status(), 200);
        assert!(answer.headers()["content-type"].to_str().unwrap().starts_with(kind));
        assert!(
            answer.headers()["content-disposition"]
                .to_str()
                .unwrap()
                .contains(&format!("{id}.{format}"))
        );
        assert!(answer.text().await.unwrap().contains("eighteen hours"));
    }
    assert_eq!(house.get(&format!("/api/recaps/{id}/export?format=exe")).await.status(), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_title_stays_text_on_every_page() {
    let house = House::new().await;
    let id = house.a_recap().await;
    let evil = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'\n\nevent: done";
    let line = evil.replace('\n', " ");
    let refused = house
        .client
        .patch(house.url(&format!("/api/recaps/{id}")))
        .json(&json!({"title": evil}))
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 400, "a title has one line");
    let change = json!({"title": line, "overview": evil, "topics": {"t1": {"title": evil}}});
    let answer = house
        .client
        .patch(house.url(&format!("/api/recaps/{id}")))
        .json(&change)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    for path in [
        "/".to_owned(),
        format!("/recaps/{id}"),
        "/search?q=alert".to_owned(),
        format!("/search?q={}", "%3Cscript%3Ealert(1)%3C/script%3E"),
    ] {
        let page = house.page(&path).await;
        assert!(!page.contains("<script>alert") && !page.contains("<img src=x"), "{path}: {page}");
    }
    let done = house.process_text("<b>x</b>\n\nevent: forged\ndata: {}\n\n.txt", TALK).await;
    assert_eq!(done["stage"], "done");
    let path = format!("/api/jobs/{}/events", done["id"].as_str().unwrap());
    let frames = house.get(&path).await.text().await.unwrap();
    let names: Vec<&str> = frames.lines().filter(|line| line.starts_with("event:")).collect();
    assert_eq!(names, ["event: job"], "a name forged a frame: {frames}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_in_the_middle_of_an_edit_leaves_the_list_as_the_disk_is() {
    let house = House::new().await;
    let id = house.a_recap().await;
    for round in 0..24_u64 {
        let title = format!("Gone {round}");
        let edit = house
            .client
            .patch(house.url(&format!("/api/recaps/{id}")))
            .json(&json!({"title": title}))
            .timeout(std::time::Duration::from_millis(1 + round % 6));
        // Whether it came through is not told; what counts is that list and file agree.
        let _ = edit.send().await;
        until("agreement", async || {
            let text = std::fs::read_to_string(house.file(&format!("{id}.json"))).ok()?;
            let there: Value = serde_json::from_str(&text).ok()?;
            (house.json("/api/recaps").await["recaps"][0]["title"] == there["title"]).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_recap_can_be_restored_after_a_restart_and_a_second_deletion_deletes() {
    let house = House::new().await;
    let id = house.a_recap().await;
    let (path, file) = (format!("/api/recaps/{id}"), house.file(&format!("{id}.json")));
    let text = std::fs::read(&file).unwrap();
    let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_500_000_000);
    std::fs::File::options().write(true).open(&file).unwrap().set_modified(long_ago).unwrap();
    for _ in 0..2 {
        let deleted = house.client.delete(house.url(&path)).send().await.unwrap();
        assert_eq!(deleted.status(), 200);
        assert!(!file.exists(), "it says deleted and is there");
        // The same file comes back by hand, from a backup say, and is deleted again.
        std::fs::write(&file, &text).unwrap();
        until("the file by hand", async || {
            (house.json("/api/recaps").await["total"] == 1).then_some(())
        })
        .await;
    }
    assert_eq!(house.client.delete(house.url(&path)).send().await.unwrap().status(), 200);
    let data = house.stop().await;
    let house = House::over(data, json!({}), single).await;
    until("the look at the files", async || {
        house.data().join("cache/heads").exists().then_some(())
    })
    .await;
    let restored = house.client.post(house.url(&format!("{path}/restore"))).send().await.unwrap();
    assert_eq!(restored.status(), 200, "30 days count from the deletion");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_leaves_out_what_is_broken_and_says_so_and_the_page_still_shows_the_recaps() {
    let house = House::new().await;
    let id = house.a_recap().await;
    std::fs::write(house.file("_meta.json"), "{\"folders\": [").unwrap();
    std::fs::write(house.file("broken.json"), "{").unwrap();
    let archive: Value = house.json("/api/library/export").await;
    assert!(archive["recaps"][&id].is_object());
    assert_eq!(archive["omitted"].as_array().unwrap().len(), 2, "{}", archive["omitted"]);
    let page = house.page("/").await;
    assert!(page.contains(&format!("/recaps/{id}")), "{page}");
    let other = House::new().await;
    let half = archive.to_string();
    let half = half[..half.len() - 40].to_owned();
    let answer =
        other.client.post(other.url("/api/library/import")).body(half).send().await.unwrap();
    assert_eq!(answer.status(), 400);
    let said = answer.text().await.unwrap();
    let listed = other.json("/api/recaps").await["total"].as_u64().unwrap();
    assert!(said.contains(&format!("{listed} of its recaps were added")), "{said}");
}
