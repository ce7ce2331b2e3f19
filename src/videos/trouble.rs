//! Why a site gave nothing, told from what yt-dlp says: "no captions", "asked too often" and "wants a
//! sign-in" need different things done.

use std::io;
use std::path::Path;

use chrono::{DateTime, Utc};
use recap_mode::{Fault, FaultKind};
use url::Url;

use super::program::Failure;
use crate::net::Shown;

/// A link as it may be printed.
pub(super) fn shown(url: &Url) -> String {
    Shown::from(url).to_string()
}

/// Longest of yt-dlp's own words that is shown, in characters.
const SAID_CHARS_MAX: usize = 200;

/// What sort of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// yt-dlp is not there.
    NoProgram,
    /// The site wants a sign-in to be sure that nobody automatic asks.
    BotCheck,
    /// It was asked too often.
    TooMany,
    /// It is left alone for a while because of one of those two.
    Paused,
    /// Only those who proved their age see it.
    Age,
    /// Only its owner, or who was invited, sees it.
    Restricted,
    /// Only paying members see it.
    Members,
    /// It is gone, or never was.
    Gone,
    /// It is not shown in this country.
    Country,
    /// It is locked against copying.
    Drm,
    /// Nothing there that yt-dlp knows.
    Unsupported,
    /// It leads to a private address.
    Private,
    /// It is larger than it may be.
    TooLarge,
    /// It took too long.
    TimedOut,
    /// The way there is broken.
    Network,
    /// yt-dlp said that it was done and wrote nothing.
    NoFile,
    /// A file of ours could not be written or read.
    Disk,
    /// Anything else.
    Other,
}

impl Trouble {
    /// Whether a sign-in would help.
    pub(super) fn wants_sign_in(self) -> bool {
        matches!(self, Trouble::BotCheck | Trouble::Age | Trouble::Restricted | Trouble::Members)
    }
}

/// Why a site gave nothing.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", sentence(self))]
pub struct VideoError {
    /// What sort.
    pub trouble: Trouble,
    /// The link, without its secrets.
    pub link: String,
    /// What is known beyond that; yt-dlp's own words where they are all there is.
    pub said: String,
    /// When it is worth asking again, where that is known.
    pub until: Option<DateTime<Utc>>,
}

fn sentence(error: &VideoError) -> String {
    let VideoError { trouble, link, said, until } = error;
    let until = until.map_or("Try it again later".to_owned(), |until| {
        format!("It is asked again after {}", until.format("%H:%M UTC"))
    });
    match trouble {
        Trouble::NoProgram => format!(
            "{link} could not be looked at: {said}. Install yt-dlp (and Deno, which it needs for YouTube), or set yt_dlp to where \
             it is."
        ),
        Trouble::BotCheck => format!(
            "{link} was not given out: the site wants a sign-in to be sure that nobody automatic asks. {until}; if it stays so, \
             give Recap your cookies of that site, or a token provider (setting youtube_pot_url)."
        ),
        Trouble::TooMany => {
            format!("{link} was not given out: the site was asked too often (429). {until}.")
        }
        Trouble::Paused => {
            format!("{link} was not asked for: the site turned Recap away a while ago. {until}.")
        }
        Trouble::Age => {
            format!(
                "{link} is shown to adults who are signed in. Give Recap your cookies of that site."
            )
        }
        Trouble::Restricted => {
            format!("{link} is private. If you may see it, give Recap your cookies of that site.")
        }
        Trouble::Members => format!(
            "{link} is for paying members. If you are one, give Recap your cookies of that site."
        ),
        Trouble::Gone => format!("{link} is not there: it was removed, or never was."),
        Trouble::Country => format!("{link} is not shown in the country that this machine is in."),
        Trouble::Drm => format!(
            "{link} is locked against copying (DRM). If you have its transcript, give it as a file."
        ),
        Trouble::Unsupported => format!(
            "{link} holds no video, audio or feed that could be found. Give the show's feed, the link of the audio itself, or a \
             transcript file."
        ),
        Trouble::Private => format!(
            "{link} was not fetched: it leads to a private address. If it is yours, type that link itself, or set \
             allow_private_addresses."
        ),
        Trouble::TooLarge => format!("{link} was not fetched in full: {said}."),
        Trouble::TimedOut => {
            format!("{link} did not answer in full within {said}. Try it again later.")
        }
        Trouble::Network => format!("{link} could not be reached: {said}. Try it again later."),
        Trouble::NoFile => format!("{link} gave nothing: {said}. Try it again later."),
        Trouble::Disk => format!("What came from {link} could not be kept: {said}."),
        Trouble::Other => format!(
            "{link} could not be looked at. yt-dlp says: {said} If others work, try it again later; if none do, yt-dlp may be too \
             old."
        ),
    }
}

impl VideoError {
    /// A site that is left alone until then.
    pub(super) fn paused(url: &Url, until: DateTime<Utc>) -> VideoError {
        VideoError {
            trouble: Trouble::Paused,
            link: shown(url),
            said: String::new(),
            until: Some(until),
        }
    }

    /// Whether it may pass by itself.
    pub fn may_pass(&self) -> bool {
        use Trouble::{BotCheck, Disk, Network, NoFile, Paused, TimedOut, TooMany};
        matches!(self.trouble, BotCheck | TooMany | Paused | TimedOut | Network | NoFile | Disk)
    }
}

impl From<io::Error> for VideoError {
    fn from(error: io::Error) -> VideoError {
        VideoError {
            trouble: Trouble::Disk,
            link: "the video".to_owned(),
            said: error.to_string(),
            until: None,
        }
    }
}

impl From<VideoError> for Fault {
    fn from(error: VideoError) -> Fault {
        let kind = match error.trouble {
            Trouble::Private | Trouble::Unsupported => FaultKind::Invalid,
            Trouble::TooLarge => FaultKind::TooLarge,
            Trouble::Disk => FaultKind::Internal,
            _ => FaultKind::Upstream,
        };
        Fault::new(kind, error.to_string())
    }
}

/// What yt-dlp's words mean: the first row of which all parts stand in them, in lower case.
const SIGNS: [(&[&str], Trouble); 27] = [
    (&["not a bot"], Trouble::BotCheck),
    (&["http error 429"], Trouble::TooMany),
    (&["too many requests"], Trouble::TooMany),
    (&["rate-limited"], Trouble::TooMany),
    (&["confirm your age"], Trouble::Age),
    (&["age-restricted"], Trouble::Age),
    (&["inappropriate for some users"], Trouble::Age),
    (&["members-only"], Trouble::Members),
    (&["join this channel"], Trouble::Members),
    (&["private video"], Trouble::Restricted),
    (&["only available for registered users"], Trouble::Restricted),
    (&["sign in if you've been granted"], Trouble::Restricted),
    (&["in your country"], Trouble::Country),
    (&["geo restriction"], Trouble::Country),
    (&["geo-restricted"], Trouble::Country),
    (&["drm protect"], Trouble::Drm),
    (&["video unavailable"], Trouble::Gone),
    (&["has been removed"], Trouble::Gone),
    (&["account", "terminated"], Trouble::Gone),
    (&["http error 404"], Trouble::Gone),
    (&["http error 410"], Trouble::Gone),
    (&["unsupported url"], Trouble::Unsupported),
    (&["file is larger than max-filesize"], Trouble::TooLarge),
    (&["no space left"], Trouble::Disk),
    (&["timed out"], Trouble::Network),
    (&["unable to download", "http error 5"], Trouble::Network),
    (&["connection"], Trouble::Network),
];

/// What a failed run means.
pub(super) fn of(failure: Failure, url: &Url, program: &Path) -> VideoError {
    let link = shown(url);
    let (trouble, said) = match failure {
        Failure::NotThere => {
            (Trouble::NoProgram, format!("there is no program “{}”", program.display()))
        }
        Failure::NotStarted(error) => {
            (Trouble::NoProgram, format!("“{}” does not start ({error})", program.display()))
        }
        Failure::TimedOut(time) => (Trouble::TimedOut, format!("{} seconds", time.as_secs())),
        Failure::TooMuch(mib) => {
            (Trouble::TooLarge, format!("yt-dlp had more than {mib} MiB to tell"))
        }
        Failure::Ended(stderr) => told(&stderr),
    };
    VideoError { trouble, link, said, until: None }
}

fn told(stderr: &str) -> (Trouble, String) {
    let errors: Vec<&str> = stderr
        .lines()
        .filter_map(|line| line.trim().strip_prefix("ERROR:"))
        .map(str::trim)
        .collect();
    let lower = errors.join("\n").to_lowercase();
    let found = SIGNS.iter().find(|(parts, _)| parts.iter().all(|part| lower.contains(part)));
    let trouble = found.map_or(Trouble::Other, |(_, trouble)| *trouble);
    let last = errors.last().copied().or_else(|| stderr.lines().next_back()).unwrap_or_default();
    (trouble, own_words(last))
}

/// yt-dlp's words without its advice and without links, which may hold a secret.
fn own_words(line: &str) -> String {
    let line = line.split("please report this issue").next().unwrap_or_default();
    let line = line.split("; see ").next().unwrap_or_default();
    let kept: Vec<&str> = line
        .split_whitespace()
        .filter(|word| !word.contains("://") && !word.contains("www."))
        .collect();
    let kept: String =
        kept.join(" ").chars().filter(|c| !c.is_control()).take(SAID_CHARS_MAX).collect();
    let kept = kept.trim_end_matches([';', ',', ' ', '.']);
    if kept.is_empty() { "nothing.".to_owned() } else { format!("{kept}.") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(stderr: &str, want: Trouble) {
        let (trouble, _) = told(stderr);
        assert_eq!(trouble, want, "{stderr}");
    }

    #[test]
    fn each_trouble_is_told_from_the_others() {
        check(
            "ERROR: [youtube] x: Sign in to confirm you’re not a bot. Use --cookies",
            Trouble::BotCheck,
        );
        check(
            "ERROR: Unable to download video subtitles for 'en': HTTP Error 429: Too Many Requests",
            Trouble::TooMany,
        );
        check("WARNING: HTTP Error 429\nERROR: [youtube] x: Video unavailable", Trouble::Gone);
        check("ERROR: [youtube] x: Sign in to confirm your age. This video may", Trouble::Age);
        check(
            "ERROR: [youtube] x: Private video. Sign in if you've been granted access",
            Trouble::Restricted,
        );
        check("ERROR: Join this channel to get access to members-only content", Trouble::Members);
        check(
            "ERROR: The uploader has not made this video available in your country",
            Trouble::Country,
        );
        check("ERROR: Unsupported URL: https://example.org/", Trouble::Unsupported);
        check("ERROR: [generic] Unable to download webpage: HTTP Error 503: x", Trouble::Network);
        check("ERROR: [Errno 28] No space left on device", Trouble::Disk);
        check("ERROR: This video is DRM protected", Trouble::Drm);
        check("Traceback: what is this", Trouble::Other);
        check("", Trouble::Other);
    }

    #[test]
    fn no_link_of_yt_dlp_s_words_is_shown() {
        let (_, said) = told(
            "ERROR: cannot open https://example.org/?key=sesame now; please report this issue on x",
        );
        assert_eq!(said, "cannot open now.");
        let (_, said) = told(&format!("ERROR: {}\u{7}", "x ".repeat(1_000)));
        assert!(said.chars().count() <= SAID_CHARS_MAX + 1, "{said}");
    }

    #[test]
    fn each_trouble_is_a_sentence_with_what_to_do() {
        let url = Url::parse("https://www.youtube.com/watch?v=abcdefghijk").unwrap();
        for trouble in [Trouble::NoProgram, Trouble::BotCheck, Trouble::TooMany, Trouble::Other] {
            let said = "why".to_owned();
            let error = VideoError { trouble, link: shown(&url), said, until: None };
            let said = error.to_string();
            assert!(
                said.ends_with('.') && said.contains("https://www.youtube.com/watch"),
                "{said}"
            );
        }
    }
}
