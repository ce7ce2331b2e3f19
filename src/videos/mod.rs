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
#[derive(Clone, Debug)]
pub struct Programs {
    /// yt-dlp: a path, or a name to be looked for where programs are.
    pub yt_dlp: PathBuf,
    /// A JavaScript runtime as yt-dlp takes it (`deno:/path`, `node`); `None` lets it look for one.
    pub js_runtime: Option<String>,
    /// A server of proof-of-origin tokens.
    pub pot_url: Option<Url>,
}

/// When a person's cookies are shown.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CookieMode {
    /// Not at all.
    #[default]
    Never,
    /// Where the site wants a sign-in and says so; this spares the account.
    WhenNeeded,
    /// Each time.
    Always,
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
        let once = async |asker: &Asker| {
            let folder = program::Folder::make()?;
            let mut args = self.common(&folder, asker)?;
            args.extend(more.iter().map(OsString::from));
            // Nothing after this is taken for an option.
            args.push("--".into());
            args.push(url.as_str().into());
            self.run(url, asker, args, bytes_max, deadline).await
        };
        let without = Asker { cookies: None, ..asker.clone() };
        match asker.cookie_mode {
            CookieMode::Never => once(&without).await,
            CookieMode::Always => once(asker).await,
            CookieMode::WhenNeeded => match once(&without).await {
                Err(error) if error.trouble.wants_sign_in() && asker.cookies.is_some() => {
                    self.pauses.end(url);
                    once(asker).await
                }
                outcome => outcome,
            },
        }
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
            "--no-netrc",
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
