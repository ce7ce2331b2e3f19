//! A YouTube channel whose feed does not answer: for hours at a time such feeds say 404 or 500, while the
//! channel is there. Its newest videos are then listed by yt-dlp.

use aws_lc_rs::digest::{Context, SHA256};
use url::Url;

use super::{Following, Rules};
use crate::domain::link::Link;
use crate::feed_cache::{CheckError, Read};
use crate::feeds::place;
use crate::feeds::{Feed, Item};
use crate::videos::{Asker, Listed, Videos};

/// Whether a failure is of the kind that YouTube's feeds have while their channels are there.
pub(super) fn is_passing(error: &CheckError) -> bool {
    match error {
        CheckError::Fetch(error) => error.status().is_some_and(|it| it == 404 || it >= 500),
        _ => false,
    }
}

impl Following {
    /// The newest videos behind a feed, as if it had told them; `None` where it is no feed of YouTube's, or
    /// nobody can list them. `known` is the feed as it was last read.
    pub(super) async fn listed(
        &self,
        feed_url: &Url,
        known: Option<&Feed>,
        rules: &Rules,
    ) -> Option<Read> {
        let page = place::listing_page(&rules.bases.youtube, feed_url)?;
        let videos = Videos::new(
            self.net.clone(),
            self.clock.clone(),
            self.pauses.clone(),
            rules.programs.clone(),
            self.videos_cache.clone(),
        );
        match videos.listing(&page, &Asker::default()).await {
            Ok(listed) if !listed.is_empty() => Some(as_read(feed_url, known, listed)),
            Ok(_) => None,
            Err(error) => {
                tracing::info!(%error, "a channel whose feed does not answer could not be listed either");
                None
            }
        }
    }
}

fn as_read(feed_url: &Url, known: Option<&Feed>, listed: Vec<Listed>) -> Read {
    let mut hash = Context::new(&SHA256);
    for one in &listed {
        hash.update(one.id.as_bytes());
        hash.update(&[0]);
    }
    let hash = base16ct::lower::encode_string(hash.finish().as_ref());
    let items = listed.into_iter().filter_map(|one| {
        // The id decides what is fetched later, so it is no other than such ids are.
        let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        let is_id = one.id.len() == 11 && one.id.bytes().all(fits);
        is_id.then(|| Item {
            guid: Some(format!("yt:video:{}", one.id)),
            link: Link::parse(&format!("https://www.youtube.com/watch?v={}", one.id)),
            title: one.title,
            published_at: one.published_at,
            duration_ms: one.duration_ms,
            youtube_video: Some(one.id),
            ..Item::default()
        })
    });
    let feed = Feed {
        title: known.map(|feed| feed.title.clone()).unwrap_or_default(),
        link: known.and_then(|feed| feed.link.clone()),
        language: known.and_then(|feed| feed.language.clone()),
        image_url: known.and_then(|feed| feed.image_url.clone()),
        items: items.collect(),
        ..Feed::default()
    };
    Read { feed, hash, url: feed_url.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_videos_stand_as_the_feed_would_have_told_them() {
        let url = Url::parse("https://www.youtube.com/feeds/videos.xml?channel_id=x").unwrap();
        let one = |id: &str| Listed {
            id: id.to_owned(),
            title: "A door".to_owned(),
            duration_ms: Some(60_000),
            published_at: None,
        };
        let known = Feed { title: "Sheds".to_owned(), ..Feed::default() };
        let read =
            as_read(&url, Some(&known), vec![one("aaaaaaaaaaa"), one("../../etc/x"), one("")]);
        assert_eq!((read.feed.title.as_str(), read.feed.items.len()), ("Sheds", 1));
        let item = &read.feed.items[0];
        assert_eq!(item.guid.as_deref(), Some("yt:video:aaaaaaaaaaa"));
        assert_eq!(item.youtube_video.as_deref(), Some("aaaaaaaaaaa"));
        assert_ne!(read.hash, as_read(&url, None, vec![one("bbbbbbbbbbb")]).hash);
    }
}
