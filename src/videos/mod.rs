//! Towards video sites: what yt-dlp, run as a child process, tells of a video, its captions and its
//! sound. The child reads no configuration, writes into a folder of ours alone and gets out through the
//! address guard's proxy. Which episode a video is, and what becomes of its captions, is not known here.

mod info;
mod pauses;
mod program;
mod track;
mod trouble;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use recap_mode::Clock;
use url::Url;

use crate::domain::scope_settings::CookieMode;
use crate::net::{Net, Trust};

pub use info::{Listed, Live, Video};
pub use pauses::Pauses;
pub use program::Found;
pub use track::{Choice, Track, TrackKind};
use trouble::shown;
pub use trouble::{Trouble, VideoError};

/// Time for what is told of a video, or for one track: yt-dlp can hang on pages that limit its rate
/// (ORIGINAL.md section 6).
const LOOK_TIME: Duration = Duration::from_secs(90);

/// Most that yt-dlp may tell of one video: with the links of hundreds of tracks it is some 3 MB.
const INFO_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Most that comes through the proxy for that: pages and players have some 20 MB.
const LOOK_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Largest file of captions.
const CAPTIONS_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Videos of a channel that are listed where its feed does not answer: as many as such a feed has.
const LISTED_MAX: usize = 15;

/// Where yt-dlp and what it needs are, as the settings say.
#[derive(Clone, Debug, PartialEq)]
pub struct Programs {
    /// yt-dlp: a path, or a name to be looked for where programs are.
    pub yt_dlp: PathBuf,
    /// A JavaScript runtime as yt-dlp takes it (`deno:/path`, `node`); `None` lets it look for one.
    pub js_runtime: Option<String>,
    /// A server of proof-of-origin tokens.
    pub pot_url: Option<Url>,
}

/// On whose behalf a site is asked.
#[derive(Clone, Debug, Default)]
pub struct Asker {
    /// Which private addresses are fine.
    pub trust: Trust,
    /// When cookies are shown.
    pub cookie_mode: CookieMode,
    /// A file of cookies in Netscape's form; it is copied and never written to.
    pub cookies: Option<PathBuf>,
}

impl Asker {
    /// How a call is made at first: with cookies only where they are always shown.
    fn at_first(&self) -> Asker {
        match self.cookie_mode {
            CookieMode::Always => self.clone(),
            CookieMode::Never | CookieMode::WhenNeeded => Asker { cookies: None, ..self.clone() },
        }
    }

    /// How it is made once more, with cookies, where they are needed and there are any.
    fn after<T>(&self, outcome: &Result<T, VideoError>) -> Option<&Asker> {
        let is_needed = self.cookie_mode == CookieMode::WhenNeeded
            && outcome.as_ref().is_err_and(|error| error.trouble.wants_sign_in());
        (is_needed && self.cookies.is_some()).then_some(self)
    }
}

/// A link that yt-dlp is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VideoLink {
    /// A YouTube video by its id, from which the link is made anew.
    Youtube(String),
    /// Any other page.
    Page(Url),
}

impl VideoLink {
    /// The link as yt-dlp gets it: made of what was parsed, never of what was typed.
    pub fn url(&self) -> Url {
        match self {
            VideoLink::Youtube(id) => {
                let mut url = youtube("watch");
                url.query_pairs_mut().append_pair("v", id);
                url
            }
            VideoLink::Page(url) => url.clone(),
        }
    }
}

fn youtube(path: &str) -> Url {
    match Url::parse(&format!("https://www.youtube.com/{path}")) {
        Ok(url) => url,
        Err(_) => unreachable!("a fixed host and a path of letters make a link"),
    }
}

/// Captions as they came.
#[derive(Clone, Debug)]
pub struct Captions {
    /// Which track.
    pub track: Track,
    /// The file.
    pub bytes: Vec<u8>,
}

/// Asks video sites. Cheap to make: what lasts is in [`Pauses`].
#[derive(Clone)]
pub struct Videos {
    net: Arc<Net>,
    clock: Arc<dyn Clock>,
    pauses: Arc<Pauses>,
    programs: Programs,
    cache: PathBuf,
}

impl Videos {
    /// `cache` is a folder that may be deleted at any time; yt-dlp keeps players there.
    pub fn new(
        net: Arc<Net>,
        clock: Arc<dyn Clock>,
        pauses: Arc<Pauses>,
        programs: Programs,
        cache: PathBuf,
    ) -> Videos {
        Videos { net, clock, pauses, programs, cache }
    }

    /// Which programs there are, and whether they are new enough.
    pub async fn found(&self) -> Found {
        program::look(&self.programs, self.clock.now()).await
    }

    /// What is behind a link.
    ///
    /// # Errors
    /// Each of [`VideoError`].
    pub async fn look(&self, link: &VideoLink, asker: &Asker) -> Result<Video, VideoError> {
        let url = link.url();
        let more = ["--no-playlist", "--dump-single-json", "--ignore-no-formats-error"];
        let out = self.ask(&url, asker, LOOK_BYTES_MAX, LOOK_TIME, &more).await?;
        info::read(&out, &url)
    }

    /// One track of a video's captions.
    ///
    /// # Errors
    /// Each of [`VideoError`].
    pub async fn captions(
        &self,
        video: &Video,
        track: &Track,
        asker: &Asker,
    ) -> Result<Captions, VideoError> {
        let outcome = self.captions_once(video, track, &asker.at_first()).await;
        match asker.after(&outcome) {
            Some(again) => {
                self.pauses.end(&video.url);
                self.captions_once(video, track, again).await
            }
            None => outcome,
        }
    }

    async fn captions_once(
        &self,
        video: &Video,
        track: &Track,
        asker: &Asker,
    ) -> Result<Captions, VideoError> {
        let folder = program::Folder::make()?;
        let info = folder.write("info.json", &video.raw)?;
        let kind = match track.kind {
            TrackKind::Manual => "--write-subs",
            TrackKind::Automatic | TrackKind::Translated => "--write-auto-subs",
        };
        let mut args = self.common(&folder, asker)?;
        args.extend(
            ["--skip-download", kind, "--sub-format", "json3/vtt/srt/ttml/best"]
                .map(OsString::from),
        );
        // Languages are regular expressions there; a track is asked for by its very name.
        args.push(format!("--sub-langs=^{}$", regex::escape(&track.tag)).into());
        args.extend(output(&folder, &info));
        self.run(&video.url, asker, args, LOOK_BYTES_MAX, LOOK_TIME).await?;
        let file = folder.only("track.").ok_or_else(|| VideoError {
            trouble: Trouble::NoFile,
            link: shown(&video.url),
            said: "it wrote no captions".to_owned(),
            until: None,
        })?;
        let bytes = program::read_bounded(&file, CAPTIONS_BYTES_MAX)?;
        Ok(Captions { track: track.clone(), bytes })
    }

    /// The sound of a video, or the video where it has none apart, moved to `to`.
    ///
    /// # Errors
    /// Each of [`VideoError`]; what came before one is lost.
    pub async fn sound(
        &self,
        video: &Video,
        to: &Path,
        bytes_max: u64,
        deadline: Duration,
        asker: &Asker,
    ) -> Result<(), VideoError> {
        let outcome = self.sound_once(video, to, bytes_max, deadline, &asker.at_first()).await;
        match asker.after(&outcome) {
            Some(again) => {
                self.pauses.end(&video.url);
                self.sound_once(video, to, bytes_max, deadline, again).await
            }
            None => outcome,
        }
    }

    async fn sound_once(
        &self,
        video: &Video,
        to: &Path,
        bytes_max: u64,
        deadline: Duration,
        asker: &Asker,
    ) -> Result<(), VideoError> {
        // Beside where it goes: it may be larger than the folder of temporaries takes.
        let folder = program::Folder::make_in(to.parent().unwrap_or(to))?;
        let info = folder.write("info.json", &video.raw)?;
        let mut args = self.common(&folder, asker)?;
        args.extend(
            ["--format", "bestaudio[protocol^=http]/bestaudio/best", "--no-part"]
                .map(OsString::from),
        );
        args.push(format!("--max-filesize={bytes_max}").into());
        args.extend(output(&folder, &info));
        self.run(&video.url, asker, args, bytes_max, deadline).await?;
        let file = folder.only("track.").ok_or_else(|| VideoError {
            trouble: Trouble::TooLarge,
            link: shown(&video.url),
            said: format!("its sound is larger than {} MiB", bytes_max / (1024 * 1024)),
            until: None,
        })?;
        std::fs::rename(file, to)?;
        Ok(())
    }

    /// The newest videos of a channel or playlist, in the site's order.
    ///
    /// # Errors
    /// Each of [`VideoError`].
    pub async fn listing(&self, url: &Url, asker: &Asker) -> Result<Vec<Listed>, VideoError> {
        let end = format!("--playlist-end={LISTED_MAX}");
        let more = ["--flat-playlist", "--dump-single-json", &end];
        let out = self.ask(url, asker, LOOK_BYTES_MAX, LOOK_TIME, &more).await?;
        info::read_listing(&out, url)
    }

    async fn ask(
        &self,
        url: &Url,
        asker: &Asker,
        bytes_max: u64,
        deadline: Duration,
        more: &[&str],
    ) -> Result<Vec<u8>, VideoError> {
        let outcome = self.ask_once(url, &asker.at_first(), bytes_max, deadline, more).await;
        match asker.after(&outcome) {
            Some(again) => {
                self.pauses.end(url);
                self.ask_once(url, again, bytes_max, deadline, more).await
            }
            None => outcome,
        }
    }

    async fn ask_once(
        &self,
        url: &Url,
        asker: &Asker,
        bytes_max: u64,
        deadline: Duration,
        more: &[&str],
    ) -> Result<Vec<u8>, VideoError> {
        let folder = program::Folder::make()?;
        let mut args = self.common(&folder, asker)?;
        args.extend(more.iter().map(OsString::from));
        // Nothing after this is taken for an option.
        args.push("--".into());
        args.push(url.as_str().into());
        self.run(url, asker, args, bytes_max, deadline).await
    }

    /// What every call has: no configuration, no surprises, the way out.
    fn common(&self, folder: &program::Folder, asker: &Asker) -> Result<Vec<OsString>, VideoError> {
        let mut args: Vec<OsString> = [
            "--ignore-config",
            "--no-progress",
            "--color=never",
            "--socket-timeout=20",
            "--retries=2",
            "--extractor-retries=1",
            "--fragment-retries=3",
            "--no-mtime",
            "--no-exec",
            "--no-mark-watched",
        ]
        .map(OsString::from)
        .to_vec();
        let mut cache = OsString::from("--cache-dir=");
        cache.push(&self.cache);
        args.push(cache);
        let runtimes: &[&str] = match &self.programs.js_runtime {
            Some(one) => &[one.as_str()],
            None => &program::RUNTIMES,
        };
        args.extend(runtimes.iter().map(|name| format!("--js-runtimes={name}").into()));
        if let Some(url) = &self.programs.pot_url {
            let base = url.as_str().trim_end_matches('/');
            args.push(format!("--extractor-args=youtubepot-bgutilhttp:base_url={base}").into());
        }
        if let Some(cookies) = &asker.cookies {
            // yt-dlp writes back what sites set; the person's own file stays as it is.
            let mut option = OsString::from("--cookies=");
            option.push(folder.copy(cookies, "cookies.txt")?);
            args.push(option);
        }
        Ok(args)
    }

    async fn run(
        &self,
        url: &Url,
        asker: &Asker,
        mut args: Vec<OsString>,
        bytes_max: u64,
        deadline: Duration,
    ) -> Result<Vec<u8>, VideoError> {
        let now = self.clock.now();
        if let Some(until) = self.pauses.until(url, now) {
            return Err(VideoError::paused(url, until));
        }
        let proxy = self.net.proxy(asker.trust.clone(), bytes_max).await?;
        args.insert(0, format!("--proxy={}", proxy.url()).into());
        let outcome = program::run(&self.programs.yt_dlp, &args, INFO_BYTES_MAX, deadline).await;
        let mut error = match outcome {
            Ok(out) => {
                self.pauses.end(url);
                return Ok(out);
            }
            Err(failure) => trouble::of(failure, url, &self.programs.yt_dlp),
        };
        if proxy.has_refused() {
            error.trouble = Trouble::Private;
        } else if proxy.is_used_up() {
            error.trouble = Trouble::TooLarge;
            error.said = format!("more than {} MiB came", bytes_max / (1024 * 1024));
        }
        if matches!(error.trouble, Trouble::TooMany | Trouble::BotCheck) {
            error.until = Some(self.pauses.begin(url, now));
        }
        Err(error)
    }
}

fn output(folder: &program::Folder, info: &Path) -> Vec<OsString> {
    let mut load = OsString::from("--load-info-json=");
    load.push(info);
    let mut home = OsString::from("--paths=");
    home.push(folder.path());
    vec![load, home, "--output=track.%(ext)s".into()]
}

/// How old a person's file of cookies is: they end by themselves after weeks or months.
pub fn cookies_written_at(file: &Path) -> Option<DateTime<Utc>> {
    std::fs::metadata(file).and_then(|meta| meta.modified()).ok().map(Into::into)
}

#[cfg(test)]
mod tests;
