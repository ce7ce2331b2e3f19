//! Changing a recap by JSON merge patch (RFC 7396), where topics and points are named by their ids.

use serde_json::{Map, Value};

/// What a patch may touch; everything else of a recap says what was, and is not edited.
const EDITABLE: [&str; 4] = ["title", "overview", "topics", "notes"];

/// Applies `patch` to a recap's JSON. Arrays whose items carry an `id` take an object of ids: a
/// member changes that item, `null` removes it. `transcript` takes `speakers` alone.
///
/// # Errors
/// A sentence that names what may not be changed or is not there.
pub(super) fn apply(recap: &mut Value, patch: &Value) -> Result<(), String> {
    let Value::Object(patch) = patch else {
        return Err("A patch is a JSON object of the fields to change.".to_owned());
    };
    for (key, change) in patch {
        if change.is_null() {
            return Err(format!(
                "`{}` cannot be removed; to remove a topic or a point, give null for its id.",
                key.chars().take(60).collect::<String>()
            ));
        }
        match key.as_str() {
            key if EDITABLE.contains(&key) => member(recap, key, change)?,
            "transcript" => {
                let only_names = change
                    .as_object()
                    .is_some_and(|names| names.keys().all(|key| key == "speakers"));
                if !only_names {
                    return Err(
                        "Of a transcript only `speakers` can be changed: it says what was said."
                            .to_owned(),
                    );
                }
                member(recap, key, change)?;
            }
            other => {
                return Err(format!(
                    "`{}` of a recap cannot be changed; title, overview, topics, notes and transcript.speakers can.",
                    other.chars().take(60).collect::<String>()
                ));
            }
        }
    }
    Ok(())
}

fn member(target: &mut Value, key: &str, change: &Value) -> Result<(), String> {
    let Value::Object(map) = target else {
        return Err(format!("`{key}` cannot be changed there."));
    };
    if change.is_null() {
        map.shift_remove(key);
        return Ok(());
    }
    let slot = map.entry(key).or_insert(Value::Null);
    merge(slot, change)
}

fn merge(target: &mut Value, change: &Value) -> Result<(), String> {
    match (target, change) {
        (Value::Array(items), Value::Object(by_id)) => {
            for (id, change) in by_id {
                let at = items
                    .iter()
                    .position(|item| item.get("id").and_then(Value::as_str) == Some(id))
                    .ok_or_else(|| {
                        format!(
                            "There is no `{}` in this recap.",
                            id.chars().take(60).collect::<String>()
                        )
                    })?;
                if change.is_null() {
                    items.remove(at);
                } else if change.get("id").is_some_and(|new| new.as_str() != Some(id)) {
                    return Err(format!("The id of `{id}` cannot be changed."));
                } else {
                    merge(&mut items[at], change)?;
                }
            }
            Ok(())
        }
        (target @ Value::Object(_), Value::Object(changes)) => {
            changes.iter().try_for_each(|(key, change)| member(target, key, change))
        }
        (target, Value::Object(changes)) => {
            *target = Value::Object(Map::new());
            changes.iter().try_for_each(|(key, change)| member(target, key, change))
        }
        (target, change) => {
            *target = change.clone();
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn recap() -> Value {
        json!({"id": "x", "title": "A", "mine": 1, "topics": [
            {"id": "t1", "title": "One", "points": [{"id": "p1", "text": "a", "mine": 2}, {"id": "p2", "text": "b"}]},
            {"id": "t2", "title": "Two", "points": []}],
            "transcript": {"speakers": {"s1": "X"}, "cues": []}})
    }

    #[test]
    fn topics_and_points_are_changed_by_id_and_the_rest_stays() {
        let mut value = recap();
        let patch = json!({"title": "B", "topics": {"t1": {"points": {"p1": {"text": "z"}, "p2": null}}},
            "transcript": {"speakers": {"s1": "Ada", "s2": "Bo"}}});
        apply(&mut value, &patch).unwrap();
        assert_eq!(
            value,
            json!({"id": "x", "title": "B", "mine": 1, "topics": [
            {"id": "t1", "title": "One", "points": [{"id": "p1", "text": "z", "mine": 2}]},
            {"id": "t2", "title": "Two", "points": []}],
            "transcript": {"speakers": {"s1": "Ada", "s2": "Bo"}, "cues": []}})
        );
    }

    #[test]
    fn what_is_no_edit_is_refused_with_a_sentence() {
        for (patch, word) in [
            (json!([]), "object"),
            (json!({"id": "y"}), "`id`"),
            (json!({"episode": {}}), "`episode`"),
            (json!({"credits": 5}), "`credits`"),
            (json!({"transcript": {"cues": []}}), "speakers"),
            (json!({"transcript": null}), "cannot be removed"),
            (json!({"topics": null}), "cannot be removed"),
            (json!({"topics": {"t9": {"title": "x"}}}), "`t9`"),
            (json!({"topics": {"t1": {"id": "t5"}}}), "cannot be changed"),
        ] {
            let refusal = apply(&mut recap(), &patch).unwrap_err();
            assert!(refusal.contains(word), "{patch}: {refusal}");
        }
    }
}
