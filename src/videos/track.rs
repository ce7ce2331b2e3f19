//! Which one of a video's many tracks of captions is taken: the spoken language's own before anything
//! else, and never a machine's translation that nobody asked for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use url::Url;

/// By whom a track was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrackKind {
    /// A person.
    Manual,
    /// A machine that listened.
    Automatic,
    /// A machine that translated another track.
    Translated,
}

/// One track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// Its name there: `en`, `en-US`, `en-orig`.
    pub tag: String,
    /// By whom.
    pub kind: TrackKind,
}

impl Track {
    /// BCP 47 tag of its language.
    pub fn language(&self) -> &str {
        self.tag.strip_suffix("-orig").unwrap_or(&self.tag)
    }
}

/// A track with how well it fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The track.
    pub track: Track,
    /// Whether it is in the language that is spoken, as far as that is known.
    pub is_spoken: bool,
}

/// The links of a track, as yt-dlp names them.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub(super) struct TrackFile {
    #[serde(default)]
    pub(super) url: Option<String>,
}

/// Tracks by name.
pub(super) type Tracks = BTreeMap<String, Vec<TrackFile>>;

/// What yt-dlp lists among subtitles and is none.
const NO_CAPTIONS: [&str; 4] = ["live_chat", "rechat", "danmaku", "comments"];

/// The tracks of a video, by who made them.
pub(super) fn tracks(manual: &Tracks, automatic: &Tracks) -> Vec<Track> {
    let real = |tag: &&String| !NO_CAPTIONS.contains(&tag.as_str()) && !tag.is_empty();
    let by_hand =
        manual.keys().filter(real).map(|tag| Track { tag: tag.clone(), kind: TrackKind::Manual });
    let by_machine = automatic.iter().filter(|(tag, _)| real(tag)).map(|(tag, files)| Track {
        tag: tag.clone(),
        kind: if files.iter().any(is_translation) {
            TrackKind::Translated
        } else {
            TrackKind::Automatic
        },
    });
    by_hand.chain(by_machine).collect()
}

/// A translation is asked for by its language in the link.
fn is_translation(file: &TrackFile) -> bool {
    file.url
        .as_deref()
        .and_then(|url| Url::parse(url).ok())
        .is_some_and(|url| url.query_pairs().any(|(name, _)| name == "tlang"))
}

/// The language of a tag without region and script, in today's code.
pub(super) fn primary(tag: &str) -> String {
    let first = tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    match first.as_str() {
        "iw" => "he".to_owned(),
        "in" => "id".to_owned(),
        "ji" => "yi".to_owned(),
        _ => first,
    }
}

/// The best of the tracks, where `spoken` is what is known of the language, and `translation` one that
/// the person asked for expressly.
pub(super) fn choose(
    tracks: &[Track],
    spoken: Option<&str>,
    translation: Option<&str>,
) -> Option<Choice> {
    // The original of automatic captions tells what is spoken better than a feed does.
    let original = tracks.iter().find(|track| track.tag.ends_with("-orig"));
    let spoken = original.map(Track::language).or(spoken).map(str::to_owned);
    let fits = |track: &Track| {
        spoken.as_deref().is_none_or(|tag| primary(tag) == primary(track.language()))
    };
    if let Some(wanted) = translation
        && spoken.as_deref().is_none_or(|tag| primary(tag) != primary(wanted))
        && let Some(track) = tracks
            .iter()
            .filter(|track| primary(track.language()) == primary(wanted))
            .min_by_key(|track| (track.kind, track.tag.len()))
    {
        return Some(Choice { track: track.clone(), is_spoken: false });
    }
    tracks
        .iter()
        .filter(|track| track.kind != TrackKind::Translated)
        .min_by_key(|track| {
            let is_exact =
                spoken.as_deref().is_some_and(|tag| tag.eq_ignore_ascii_case(track.language()));
            let is_original = track.tag.ends_with("-orig");
            (!fits(track), track.kind, !is_exact, !is_original, track.tag.len(), track.tag.clone())
        })
        .map(|track| Choice { track: track.clone(), is_spoken: fits(track) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tracks written as `m:en` (manual), `a:en` (automatic), `t:de` (translated).
    fn listed(names: &str) -> Vec<Track> {
        let (mut manual, mut automatic) = (Tracks::new(), Tracks::new());
        for name in names.split_whitespace() {
            let (kind, tag) = name.split_once(':').unwrap();
            let tlang = if kind == "t" { "&tlang=x" } else { "" };
            let url = Some(format!("https://example.org/timedtext?lang=x{tlang}"));
            let map = if kind == "m" { &mut manual } else { &mut automatic };
            map.insert(tag.to_owned(), vec![TrackFile { url }]);
        }
        tracks(&manual, &automatic)
    }

    #[track_caller]
    fn check(names: &str, spoken: Option<&str>, translation: Option<&str>, want: &str) {
        let got = choose(&listed(names), spoken, translation);
        let got = got.map_or("none".to_owned(), |choice| {
            let kind = match choice.track.kind {
                TrackKind::Manual => "m",
                TrackKind::Automatic => "a",
                TrackKind::Translated => "t",
            };
            let other = if choice.is_spoken { "" } else { " (other)" };
            format!("{kind}:{}{other}", choice.track.tag)
        });
        assert_eq!(got, want, "{names}, spoken {spoken:?}");
    }

    #[test]
    fn the_spoken_language_s_own_track_comes_before_anything_else() {
        check("m:en a:pt-orig a:pt t:en", Some("pt"), None, "a:pt-orig");
        check("m:en m:pt a:pt-orig t:en", Some("pt"), None, "m:pt");
        check("m:en a:pt-orig t:en", None, None, "a:pt-orig");
        check("a:en-orig a:en t:de t:fr", None, None, "a:en-orig");
        check("a:en t:de", Some("en"), None, "a:en");
        check("t:de t:fr", Some("en"), None, "none");
        check("", Some("en"), None, "none");
    }

    #[test]
    fn a_region_does_not_hide_a_track() {
        check("m:en-US", Some("en"), None, "m:en-US");
        check("m:en-GB m:en", Some("en-GB"), None, "m:en-GB");
        check("m:en-GB m:en", Some("en"), None, "m:en");
        check("m:pt-BR a:pt-orig", Some("pt"), None, "m:pt-BR");
        check("m:iw", Some("he"), None, "m:iw");
        check("m:zh-Hans m:zh-Hant", Some("zh-Hant"), None, "m:zh-Hant");
    }

    #[test]
    fn another_language_is_the_last_resort_and_says_so() {
        check("m:en", Some("pt"), None, "m:en (other)");
        check("m:en m:de", None, None, "m:de");
    }

    #[test]
    fn a_translation_is_taken_where_it_is_asked_for_and_nowhere_else() {
        check("a:pt-orig t:de t:en", Some("pt"), Some("de"), "t:de (other)");
        check("a:pt-orig m:de t:de", Some("pt"), Some("de"), "m:de (other)");
        check("a:pt-orig t:en", Some("pt"), Some("de"), "a:pt-orig");
        check("a:de-orig t:en", Some("de"), Some("de"), "a:de-orig");
    }

    #[test]
    fn what_people_chatted_is_no_caption() {
        check("m:live_chat m:danmaku", None, None, "none");
        check("m:live_chat m:fr", None, None, "m:fr");
    }
}
