//! From what a person typed to a feed: a feed itself, a page that names one, a channel, a playlist, a
//! video, an Apple Podcasts link.

use std::sync::Arc;

use recap_mode::{Fault, FaultKind};
use url::Url;

use crate::feed_cache::{ACCEPT_FEEDS, CheckError, Checked, FeedKey, Read};
use crate::feeds::place::{self, Place as Typed};
use crate::feeds::{self, apple, page};
use crate::net::{FetchError, Fetched, Request, Shown, Trust};

use super::{Follower, Following, Rules};

/// Feeds of one page that are tried, in its order.
const TRIES_MAX: usize = 3;

/// Largest page that is read: those of channels have some 1.5 MB.
const PAGE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// What YouTube takes for "no tracking, please": without it, its European servers send a page that
/// asks for consent in place of the channel's.
const YOUTUBE_COOKIE: &str = "SOCS=CAI";

/// A feed that was found.
#[derive(Clone, Debug)]
pub struct Discovered<T = Arc<Read>> {
    /// What was asked to find it: the typed link itself, or a page or service that knows the feed.
    pub asked: Url,
    /// The feed's own link.
    pub feed_url: Url,
    /// What stands in it, or what was made of that.
    pub read: T,
}

/// What is made of a feed that was found under its link, by the thread that read it.
pub(super) type Make<T> = Arc<dyn Fn(Arc<Read>, &Url) -> T + Send + Sync>;

impl<T> Discovered<T> {
    /// The feed's link where it is not what was typed.
    pub fn other_feed_url(&self) -> Option<Url> {
        (self.feed_url != self.asked).then(|| self.feed_url.clone())
    }
}

/// Why no feed was found.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// It is no link, or one to a closed place.
    #[error("{0}")]
    Refused(String),
    /// A page without a feed.
    #[error(
        "{link} is a web page that names no feed. Look for the show's RSS link on it, and give that."
    )]
    NoFeed {
        /// The page.
        link: Shown,
    },
    /// A page of YouTube's without a channel.
    #[error(
        "No channel was found at {link}: it may not exist, or YouTube sent another page to this machine. Give the channel's own \
         link (youtube.com/channel/UC…), or try again later."
    )]
    NoChannel {
        /// The page.
        link: Shown,
    },
    /// It could not be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// What came is no feed.
    #[error(transparent)]
    Check(#[from] CheckError),
}

impl DiscoverError {
    /// The fetch that failed, where one did.
    pub fn fetch(&self) -> Option<&FetchError> {
        match self {
            DiscoverError::Fetch(error) | DiscoverError::Check(CheckError::Fetch(error)) => {
                Some(error)
            }
            _ => None,
        }
    }
}

impl From<DiscoverError> for Fault {
    fn from(error: DiscoverError) -> Fault {
        match error {
            DiscoverError::Fetch(error) | DiscoverError::Check(CheckError::Fetch(error)) => {
                error.into()
            }
            DiscoverError::Check(error @ CheckError::Panicked(_)) => {
                Fault::internal("reading a feed", error)
            }
            error => Fault::new(FaultKind::Invalid, error.to_string()),
        }
    }
}

/// What the cache does with a feed that it read under this link.
fn made_of<T>(make: &Make<T>, url: &Url) -> impl FnOnce(Read) -> T + Send + use<T> {
    let (make, url) = (make.clone(), url.clone());
    move |read| make(Arc::new(read), &url)
}

impl Following {
    /// Finds the feed behind what was typed, and reads it. It is kept, so that following what was
    /// looked at first fetches nothing twice.
    ///
    /// # Errors
    /// Each of [`DiscoverError`].
    pub async fn discover(
        &self,
        follower: &Follower,
        text: &str,
        rules: &Rules,
    ) -> Result<Discovered, DiscoverError> {
        let make: Make<Arc<Read>> = Arc::new(|read, _| read);
        self.discover_for(follower, text, rules, &make).await
    }

    /// As [`Following::discover`], for who wants no more of the feed than what is made of it.
    ///
    /// # Errors
    /// Those of [`Following::discover`].
    pub(super) async fn discover_for<T: Send + 'static>(
        &self,
        follower: &Follower,
        text: &str,
        rules: &Rules,
        make: &Make<T>,
    ) -> Result<Discovered<T>, DiscoverError> {
        let typed =
            place::place(text).map_err(|error| DiscoverError::Refused(error.to_string()))?;
        let youtube = &rules.bases.youtube;
        let base_trust = follower.trust.untyped().and(&[youtube, &rules.bases.apple]);
        match typed {
            Typed::Closed(sentence) => Err(DiscoverError::Refused(sentence)),
            Typed::Link(url) => self.behind_link(follower, url, rules, make).await,
            Typed::YoutubeChannel(id) => {
                let feed_url = place::channel_feed(youtube, &id);
                self.known_feed(youtube.clone(), feed_url, &base_trust, rules, make).await
            }
            Typed::YoutubePlaylist(id) => {
                let feed_url = place::playlist_feed(youtube, &id);
                self.known_feed(youtube.clone(), feed_url, &base_trust, rules, make).await
            }
            Typed::YoutubePage(url) => {
                let page_url = place::youtube_page(youtube, &url);
                self.behind_youtube_page(page_url, &base_trust, rules, make).await
            }
            Typed::YoutubeVideo(id) => {
                let page_url = place::video_page(youtube, &id);
                self.behind_youtube_page(page_url, &base_trust, rules, make).await
            }
            Typed::Apple(id) => {
                let lookup = place::apple_lookup(&rules.bases.apple, id);
                let accept = "application/json, text/javascript;q=0.9, */*;q=0.5";
                let fetched = self.get(&lookup, accept, None, &base_trust, rules).await?;
                let show = apple::lookup(&fetched.bytes)
                    .map_err(|error| DiscoverError::Refused(error.to_string()))?;
                drop(fetched);
                // Apple named it, not the person.
                let trust = follower.trust.untyped();
                self.known_feed(lookup, show.feed_url, &trust, rules, make).await
            }
        }
    }

    async fn get(
        &self,
        url: &Url,
        accept: &'static str,
        cookie: Option<&'static str>,
        trust: &Trust,
        rules: &Rules,
    ) -> Result<Fetched, FetchError> {
        let bytes_max = if cookie.is_some() { PAGE_BYTES_MAX } else { rules.limits.bytes_max };
        let request = Request {
            url: url.clone(),
            accept,
            cookie,
            bytes_max,
            deadline: rules.limits.deadline,
            trust: trust.clone(),
        };
        self.net.fetch(&request).await
    }

    /// A feed that is kept already, once its server has said that it is as it was or sent the new one.
    async fn kept<T: Send + 'static>(
        &self,
        url: &Url,
        trust: &Trust,
        rules: &Rules,
        make: &Make<T>,
    ) -> Result<Option<T>, DiscoverError> {
        let key = FeedKey::of(url, trust);
        if self.cache.entry(&key).is_none_or(|entry| entry.feed_hash.is_none()) {
            return Ok(None);
        }
        match self.cache.check_for(url, trust, &rules.limits, made_of(make, url)).await? {
            Checked::Changed(made) => Ok(Some(made)),
            Checked::Unchanged => {
                let (cache, url, make) = (self.cache.clone(), url.clone(), make.clone());
                let shown = Shown::from(&url);
                let read = move || cache.read_now(&key).map(|read| make(read, &url));
                let made = tokio::task::spawn_blocking(read).await;
                Ok(made.map_err(|_| CheckError::Panicked(shown))?)
            }
        }
    }

    async fn known_feed<T: Send + 'static>(
        &self,
        asked: Url,
        feed_url: Url,
        trust: &Trust,
        rules: &Rules,
        make: &Make<T>,
    ) -> Result<Discovered<T>, DiscoverError> {
        if let Some(read) = self.kept(&feed_url, trust, rules, make).await? {
            return Ok(Discovered { asked, feed_url, read });
        }
        let fetched = self.get(&feed_url, ACCEPT_FEEDS, None, trust, rules).await?;
        let (period, make) = (rules.limits.period, made_of(make, &feed_url));
        let read = self.cache.adopt(&feed_url, trust, fetched, period, make).await?;
        Ok(Discovered { asked, feed_url, read })
    }

    async fn behind_link<T: Send + 'static>(
        &self,
        follower: &Follower,
        url: Url,
        rules: &Rules,
        make: &Make<T>,
    ) -> Result<Discovered<T>, DiscoverError> {
        let trust = follower.trust.for_link(&url).and(&[&rules.bases.youtube, &rules.bases.apple]);
        if let Some(read) = self.kept(&url, &trust, rules, make).await? {
            return Ok(Discovered { asked: url.clone(), feed_url: url, read });
        }
        let fetched = self.get(&url, ACCEPT_FEEDS, None, &trust, rules).await?;
        if feeds::looks_like_feed(&fetched.bytes) {
            let (period, make) = (rules.limits.period, made_of(make, &url));
            let read = self.cache.adopt(&url, &trust, fetched, period, make).await?;
            return Ok(Discovered { asked: url.clone(), feed_url: url, read });
        }
        let (bytes, charset, base) = (fetched.bytes, fetched.charset, fetched.url);
        let media_type = fetched.media_type;
        let found = tokio::task::spawn_blocking(move || {
            let links = page::feed_links(&bytes, charset.as_deref(), &base);
            let is_page = !links.is_empty() || media_type.contains("html");
            (
                links,
                if is_page { None } else { Some(feeds::parse(&bytes, charset.as_deref(), &base)) },
            )
        })
        .await;
        let Ok((links, not_a_page)) = found else {
            return Err(CheckError::Panicked(Shown::from(&url)).into());
        };
        if let Some(Err(cause)) = not_a_page {
            return Err(CheckError::Feed { link: Shown::from(&url), cause }.into());
        }
        let mut last = None;
        for link in links.into_iter().take(TRIES_MAX) {
            match self.known_feed(url.clone(), link.url, &trust, rules, make).await {
                Ok(found) => return Ok(found),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or(DiscoverError::NoFeed { link: Shown::from(&url) }))
    }

    async fn behind_youtube_page<T: Send + 'static>(
        &self,
        page_url: Url,
        trust: &Trust,
        rules: &Rules,
        make: &Make<T>,
    ) -> Result<Discovered<T>, DiscoverError> {
        let accept = "text/html, */*;q=0.5";
        let fetched = self.get(&page_url, accept, Some(YOUTUBE_COOKIE), trust, rules).await?;
        let bytes = fetched.bytes;
        let channel = tokio::task::spawn_blocking(move || page::youtube_channel(&bytes))
            .await
            .map_err(|_| CheckError::Panicked(Shown::from(&page_url)))?
            .ok_or_else(|| DiscoverError::NoChannel { link: Shown::from(&page_url) })?;
        let feed_url = place::channel_feed(&rules.bases.youtube, &channel);
        self.known_feed(page_url, feed_url, trust, rules, make).await
    }
}
