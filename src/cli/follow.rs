//! `recap follow`, `unfollow`, `subs`, `check-now`, `import-opml` and `export-opml`: whom a scope follows,
//! beside a running daemon or without one.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use recap_mode::{Scope, SystemClock, SystemEntropy};

use crate::app::{rules_of, trust_of, videos_cache};
use crate::domain::episode::EpisodeId;
use crate::domain::filters::Filters;
use crate::domain::subscription::{Subscription, SubscriptionId, Subscriptions};
use crate::export::clock;
use crate::feed_cache::FeedCache;
use crate::feeds::opml;
use crate::following::view::{Preview, SubscriptionView};
use crate::following::{DiscoverError, Follower, Following, Rules, Which, exportable, importable};
use crate::history::{FollowError, Library};
use crate::net::Net;

use super::{Failure, ScopeArg, Setting, safe, say, say_json, small_runtime};

/// Largest list of feeds that is read.
const OPML_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Everything that following takes, without a daemon.
pub(super) struct Hands {
    library: Arc<Library>,
    following: Following,
    follower: Follower,
    rules: Rules,
    runtime: tokio::runtime::Runtime,
}

impl Hands {
    pub(super) fn new(setting: &Setting, scope: &Scope) -> Result<Hands, Failure> {
        let (data, config) = (setting.data()?, setting.config()?);
        let (time, chance) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        let library = Library::open(&data, time.clone(), chance.clone())?;
        let net = Net::new();
        let cache = Arc::new(FeedCache::open(&data, net.clone(), time.clone(), chance));
        // A tenant's things reach no private address, by whatever way they are worked on.
        let trust = trust_of(&config, *scope == Scope::owner());
        Ok(Hands {
            following: Following::new(
                library.clone(),
                cache,
                net,
                time,
                (Arc::default(), videos_cache(&data)),
            ),
            library,
            follower: Follower { scope: scope.clone(), trust, open_items_max: usize::MAX },
            rules: rules_of(&config),
            runtime: small_runtime()?,
        })
    }

    fn subscriptions(&self) -> Result<Subscriptions, Failure> {
        Ok(self.runtime.block_on(self.library.subscriptions(&self.follower.scope))?)
    }

    fn views(&self, list: &[Subscription]) -> Result<Vec<SubscriptionView>, Failure> {
        let state = self.runtime.block_on(self.library.feed_state(&self.follower.scope))?;
        let healths = self.following.healths(list, &state, &self.follower, &self.rules);
        let lines = list.iter().zip(healths);
        Ok(lines.map(|(one, health)| SubscriptionView::new(one, health)).collect())
    }

    /// The subscription that a person names: by id, by link, or by a part of its title.
    fn named(&self, text: &str) -> Result<Subscription, Failure> {
        let list = self.subscriptions()?.subscriptions;
        let by_id = list.iter().find(|one| one.id.as_ref().is_some_and(|id| id.as_str() == text));
        let exact = by_id.or_else(|| list.iter().find(|one| one.url == text));
        if let Some(one) = exact {
            return Ok(one.clone());
        }
        let lower = text.to_lowercase();
        let exact: Vec<&Subscription> =
            list.iter().filter(|one| one.title.to_lowercase() == lower).collect();
        if let [one] = exact.as_slice() {
            return Ok((*one).clone());
        }
        let holds = |one: &&Subscription| {
            let shown = if one.title.is_empty() { &one.url } else { &one.title };
            shown.to_lowercase().contains(&lower)
        };
        let alike: Vec<&Subscription> = list.iter().filter(holds).collect();
        match alike.as_slice() {
            [one] => Ok((*one).clone()),
            [] => Err(Failure::input(format!(
                "Nothing that is followed is called “{}”. `recap subs` lists it.",
                safe(text)
            ))),
            many => {
                let names: Vec<String> = many.iter().map(|one| safe(one.name())).collect();
                Err(Failure::input(format!(
                    "“{}” may be {}. Give the id, as `recap subs` prints it.",
                    safe(text),
                    names.join(" or ")
                )))
            }
        }
    }

    /// Puts an episode into the queue that stands in the feed of somebody who is followed, whatever was
    /// decided about it; `false` where none has it.
    pub(super) fn offer(&self, id: &EpisodeId) -> Result<bool, Failure> {
        for one in self.subscriptions()?.subscriptions {
            let offered = self.following.offer(&self.follower, &one, id, &self.rules);
            match self.runtime.block_on(offered) {
                Ok(_) => return Ok(true),
                // Not in this feed: the next one may have it.
                Err(FollowError::Refused(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(false)
    }

    fn round(&self, which: &Which) -> Result<u8, Failure> {
        let followers = [self.follower.clone()];
        let round = self.following.round(&followers, which, &self.rules, &|_, _| ());
        let mut reports = self.runtime.block_on(round);
        self.following.save_now();
        let Some(report) = reports.remove(&self.follower.scope) else {
            say("Nothing is followed.")?;
            return Ok(0);
        };
        say(&format!(
            "{} checked, {} unchanged, {} episodes found, {} failed.",
            report.checked, report.unchanged, report.found, report.failed_count
        ))?;
        for failed in &report.failed {
            say(&safe(&format!("  {}: {}", failed.name, failed.why)))?;
        }
        Ok(if report.failed_count > 0 && report.failed_count == report.checked { 3 } else { 0 })
    }
}

impl From<DiscoverError> for Failure {
    fn from(error: DiscoverError) -> Failure {
        let code = match &error {
            DiscoverError::Fetch(_) | DiscoverError::Check(_) => 3,
            _ => 2,
        };
        Failure { code, message: error.to_string() }
    }
}

#[derive(clap::Args)]
pub(super) struct Follow {
    /// Links: a feed, a page with one, a YouTube channel, playlist or video, an Apple Podcasts link
    #[arg(required = true, value_name = "LINK")]
    links: Vec<String>,
    /// Show title and newest episodes, and follow nothing
    #[arg(long)]
    preview: bool,
    /// Approve new episodes without asking
    #[arg(long)]
    auto_approve: bool,
    /// How many of the newest episodes are found at first
    #[arg(long, value_name = "N")]
    newest: Option<u32>,
    /// Only episodes with one of these words in the title
    #[arg(long, value_name = "WORD")]
    word: Vec<String>,
    /// No episodes with one of these words in the title
    #[arg(long, value_name = "WORD")]
    not_word: Vec<String>,
    /// No shorter ones
    #[arg(long, value_name = "MINUTES")]
    min_minutes: Option<u32>,
    /// No longer ones
    #[arg(long, value_name = "MINUTES")]
    max_minutes: Option<u32>,
    #[command(flatten)]
    scope: ScopeArg,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Follow {
    pub(super) fn run(self, setting: Setting) -> Result<u8, Failure> {
        let hands = Hands::new(&setting, &self.scope.scope)?;
        let mut worst = None;
        for link in &self.links {
            let done = if self.preview { self.look(&hands, link) } else { self.one(&hands, link) };
            if let Err(failure) = done {
                // The others are followed all the same; the exit code is that of the first failure.
                if self.links.len() == 1 {
                    return Err(failure);
                }
                failure.say();
                worst.get_or_insert(failure.code);
            }
        }
        hands.following.save_now();
        Ok(worst.unwrap_or(0))
    }

    fn one(&self, hands: &Hands, link: &str) -> Result<(), Failure> {
        let found = hands.runtime.block_on(hands.following.discover(
            &hands.follower,
            link,
            &hands.rules,
        ))?;
        let new = Subscription {
            id: None,
            url: link.trim().to_owned(),
            title: found.read.feed.title.clone(),
            feed_url: found.other_feed_url(),
            added_at: None,
            paused: false,
            auto_approve: self.auto_approve,
            auto_approve_per_day_max: None,
            newest_at_first: self.newest,
            filters: Filters {
                words: self.word.clone(),
                not_words: self.not_word.clone(),
                min_minutes: self.min_minutes,
                max_minutes: self.max_minutes,
                ..Filters::default()
            },
        };
        let id =
            hands.runtime.block_on(hands.library.follow(&hands.follower.scope, new, usize::MAX))?;
        let which = Which::One(hands.follower.scope.clone(), id.clone());
        let followers = [hands.follower.clone()];
        let round = hands.following.round(&followers, &which, &hands.rules, &|_, _| ());
        let reports = hands.runtime.block_on(round);
        let count = reports.get(&hands.follower.scope).map_or(0, |report| report.found);
        let one = hands.named(id.as_str())?;
        if self.json {
            return say_json(&hands.views(&[one])?.pop());
        }
        say(&safe(&format!("{id}  {}  ({count} episodes found)", one.name())))
    }

    fn look(&self, hands: &Hands, link: &str) -> Result<(), Failure> {
        let found = hands.runtime.block_on(hands.following.discover(
            &hands.follower,
            link,
            &hands.rules,
        ))?;
        let preview = Preview::new(&found, &hands.subscriptions()?);
        if self.json {
            return say_json(&preview);
        }
        say(&safe(&preview.title))?;
        say(&safe(&format!("  Feed: {}", preview.feed_url)))?;
        if let Some(image) = &preview.image_url {
            say(&safe(&format!("  Picture: {image}")))?;
        }
        say(&format!(
            "  {} episodes, {} with a transcript",
            preview.episode_count, preview.transcript_count
        ))?;
        for one in &preview.episodes {
            let day =
                one.published_at.map_or("----------".to_owned(), |at| at.date_naive().to_string());
            let length = one.duration_ms.map(clock).unwrap_or_default();
            say(&safe(&format!("  {day}  {length:>8}  {}", one.title)))?;
        }
        Ok(())
    }
}

#[derive(clap::Args)]
pub(super) struct Unfollow {
    /// Ids, links or parts of titles
    #[arg(required = true, value_name = "SUBSCRIPTION")]
    names: Vec<String>,
    #[command(flatten)]
    scope: ScopeArg,
}

impl Unfollow {
    pub(super) fn run(self, setting: Setting) -> Result<u8, Failure> {
        let hands = Hands::new(&setting, &self.scope.scope)?;
        let scope = &self.scope.scope;
        for name in &self.names {
            let one = hands.named(name)?;
            // A line that was added a moment ago has no id yet.
            let removed = hands.runtime.block_on(async {
                match &one.id {
                    Some(id) => hands.library.unfollow(scope, id).await.map(drop),
                    None => {
                        let url = one.url.clone();
                        hands
                            .library
                            .change_subscriptions(scope, move |list| {
                                list.subscriptions.retain(|one| one.id.is_some() || one.url != url);
                                Ok(())
                            })
                            .await
                    }
                }
            });
            removed?;
            say(&safe(&format!("“{}” is not followed any more.", one.name())))?;
        }
        Ok(0)
    }
}

#[derive(clap::Args)]
pub(super) struct Subs {
    /// One subscription, with its episodes and why each is where it is
    #[arg(value_name = "SUBSCRIPTION")]
    name: Option<String>,
    #[command(flatten)]
    scope: ScopeArg,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Subs {
    pub(super) fn run(self, setting: Setting) -> Result<u8, Failure> {
        let hands = Hands::new(&setting, &self.scope.scope)?;
        if let Some(name) = &self.name {
            return self.episodes(&hands, name);
        }
        let list = hands.subscriptions()?;
        let views = hands.views(&list.subscriptions)?;
        if self.json {
            say_json(&views)?;
            return Ok(0);
        }
        for view in views {
            let id = view.id.as_ref().map_or("(new)", SubscriptionId::as_str);
            let mut marks = Vec::new();
            if view.paused {
                marks.push("paused".to_owned());
            }
            if view.auto_approve {
                marks.push("approves by itself".to_owned());
            }
            if let Some(at) = view.health.checked_at {
                marks.push(format!("checked {}", at.format("%Y-%m-%d %H:%M UTC")));
            }
            let marks =
                if marks.is_empty() { String::new() } else { format!("  ({})", marks.join(", ")) };
            say(&safe(&format!("{id:<10}{}{marks}", view.title)))?;
            if let Some(problem) = &view.health.problem {
                say(&safe(&format!("          {problem}")))?;
            }
        }
        Ok(0)
    }
}

impl Subs {
    fn episodes(&self, hands: &Hands, name: &str) -> Result<u8, Failure> {
        let one = hands.named(name)?;
        let episodes = hands.runtime.block_on(hands.following.episodes(
            &hands.follower,
            &one,
            &hands.rules,
        ))?;
        if self.json {
            say_json(&episodes)?;
            return Ok(0);
        }
        if episodes.is_empty() {
            say("Its feed was not fetched yet; `recap check-now` does.")?;
        }
        for episode in episodes {
            let day = episode
                .published_at
                .map_or("----------".to_owned(), |at| at.date_naive().to_string());
            say(&safe(&format!("{:<21}{day}  {}", episode.id.to_string(), episode.title)))?;
            say(&safe(&format!("{:21}{}", "", episode.why)))?;
        }
        Ok(0)
    }
}

#[derive(clap::Args)]
pub(super) struct CheckNow {
    /// One subscription, by id, link or a part of its title [default: all]
    #[arg(value_name = "SUBSCRIPTION")]
    name: Option<String>,
    #[command(flatten)]
    scope: ScopeArg,
}

impl CheckNow {
    pub(super) fn run(self, setting: Setting) -> Result<u8, Failure> {
        let hands = Hands::new(&setting, &self.scope.scope)?;
        let scope = self.scope.scope.clone();
        let Some(name) = &self.name else { return hands.round(&Which::All(scope)) };
        // A line that was just added gets its id first.
        hands.runtime.block_on(hands.library.complete_subscriptions(&scope))?;
        let id = hands.named(name)?.id;
        let id = id.ok_or_else(|| Failure::here("The subscription went away meanwhile."))?;
        hands.round(&Which::One(scope, id))
    }
}

#[derive(clap::Args)]
pub(super) struct ImportOpml {
    /// An OPML file, the table of subscriptions that YouTube hands out, or - for standard input
    file: PathBuf,
    #[command(flatten)]
    scope: ScopeArg,
}

impl ImportOpml {
    pub(super) fn run(self, setting: Setting) -> Result<u8, Failure> {
        let hands = Hands::new(&setting, &self.scope.scope)?;
        let bytes = read_input(&self.file)?;
        let read = opml::read(&bytes, None).map_err(|error| {
            Failure::input(format!("{}: {error}", safe(&self.file.display().to_string())))
        })?;
        let found = importable(read.outlines);
        let count = found.subscriptions.len();
        let follow = hands.library.follow_many(&self.scope.scope, found.subscriptions, usize::MAX);
        let added = hands.runtime.block_on(follow)?;
        say(&format!("{added} are newly followed, {} were before.", count - added))?;
        for warning in &read.warnings {
            say(&safe(&format!("  {warning}")))?;
        }
        let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (title, why) in &found.left_out {
            reasons.entry(why).or_default().push(title);
        }
        for (why, titles) in reasons {
            let shown: Vec<String> =
                titles.iter().take(5).map(|title| format!("“{}”", safe(title))).collect();
            let more = if titles.len() > 5 {
                format!(" and {} more", titles.len() - 5)
            } else {
                String::new()
            };
            say(&format!("  Left out: {}{more}. {}", shown.join(", "), safe(why)))?;
        }
        Ok(0)
    }
}

fn read_input(path: &std::path::Path) -> Result<Vec<u8>, Failure> {
    use std::io::Read;
    let shown = safe(&path.display().to_string());
    let mut bytes = Vec::new();
    let read = if path.as_os_str() == "-" {
        std::io::stdin().lock().take(OPML_BYTES_MAX + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path)
            .and_then(|file| file.take(OPML_BYTES_MAX + 1).read_to_end(&mut bytes))
    };
    read.map_err(|error| Failure::input(format!("{shown} cannot be read: {error}.")))?;
    if bytes.len() as u64 > OPML_BYTES_MAX {
        return Err(Failure::input(format!(
            "{shown} is larger than {} MiB, which no list of feeds is.",
            OPML_BYTES_MAX / (1024 * 1024)
        )));
    }
    Ok(bytes)
}

#[derive(clap::Args)]
pub(super) struct ExportOpml {
    /// Write to this file in place of standard output
    file: Option<PathBuf>,
    /// Also links that hold a secret
    #[arg(long)]
    with_secrets: bool,
    #[command(flatten)]
    scope: ScopeArg,
}

impl ExportOpml {
    pub(super) fn run(self, setting: Setting) -> Result<u8, Failure> {
        let hands = Hands::new(&setting, &self.scope.scope)?;
        let list = hands.subscriptions()?;
        let (outlines, left_out) = exportable(&list.subscriptions, self.with_secrets);
        let text = opml::write("Followed with Recap", &outlines);
        match &self.file {
            None => say(text.trim_end_matches('\n'))?,
            Some(path) => std::fs::write(path, text).map_err(|error| {
                Failure::here(format!("{} cannot be written: {error}.", path.display()))
            })?,
        }
        if left_out > 0 {
            eprintln!("{left_out} private feeds were left out; --with-secrets takes them along.");
        }
        Ok(0)
    }
}
