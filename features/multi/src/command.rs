//! `recap admin`: what the operator does on the machine itself, also while the daemon runs. Who may
//! read and write the data folder may do all of it.

use std::fmt::Write as _;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use recap_mode::{Fault, FaultKind, Scope};

use crate::admin::{Cursor, PAGE_LINES_MAX};
use crate::multi::Multi;
use crate::tenants::Tenant;
use crate::tiers::Tier;

/// Look after tenants
#[derive(Parser)]
#[command(name = "recap admin", no_binary_name = true, disable_version_flag = true)]
struct Words {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// List who has an account, the newest first
    Tenants,
    /// List who tries it, the newest first
    Trials,
    /// Show one account and the latest of its journal
    Show {
        /// An address or an id
        tenant: String,
    },
    /// Give credits that stay
    Grant {
        /// An address or an id
        tenant: String,
        /// 1 to 1,000,000
        credits: i64,
        /// Why, for the journal
        #[arg(long)]
        reason: String,
    },
    /// Set what a tenant bought
    SetTier {
        /// An address or an id
        tenant: String,
        /// core, pro or max
        tier: Tier,
        /// Until when, such as 2027-01-31T00:00:00Z; without it, without an end
        #[arg(long)]
        until: Option<DateTime<Utc>>,
    },
    /// End every sign-in of a tenant
    EndSessions {
        /// An address or an id
        tenant: String,
    },
    /// Copy the database while the daemon runs; history/ is copied as the files it is
    Backup {
        /// A file that does not exist yet
        file: PathBuf,
    },
    /// Compute every balance anew from the journal, and name each difference
    Verify,
}

/// Does it; what to print.
///
/// # Errors
/// Words that say nothing; what each call refuses.
pub(crate) async fn run(multi: &Multi, words: &[String]) -> Result<String, Fault> {
    let parsed = Words::command().try_get_matches_from(words);
    let parsed = match parsed.and_then(|matches| Words::from_arg_matches(&matches)) {
        Ok(parsed) => parsed,
        Err(error) if !error.use_stderr() => return Ok(error.to_string()),
        Err(error) => return Err(Fault::invalid(error.to_string().trim_end().to_owned())),
    };
    let mut out = String::new();
    // Writing to a text does not fail.
    match parsed.what {
        What::Tenants => {
            let mut after: Option<Cursor> = None;
            loop {
                let page = multi.admin.tenants(after.as_ref(), PAGE_LINES_MAX)?;
                for tenant in &page.lines {
                    let _ = writeln!(out, "{}", line(multi, tenant));
                }
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        What::Trials => {
            let mut after: Option<Cursor> = None;
            loop {
                let page = multi.admin.trials(after.as_ref(), PAGE_LINES_MAX)?;
                for trial in &page.lines {
                    let became = trial.user_id.as_deref().unwrap_or("-");
                    let _ = writeln!(
                        out,
                        "{}  used {} of {}  since {}  became {became}",
                        trial.id,
                        trial.credits_used,
                        trial.credits_total,
                        minute(trial.created_at)
                    );
                }
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        What::Show { tenant } => {
            let tenant = find(multi, &tenant)?;
            let _ = writeln!(out, "{}", line(multi, &tenant));
            let scope = Scope::parse(&tenant.id).map_err(|_| crate::refusal::Refusal::NoTenant)?;
            let balance = multi.ledger.balance(&scope).await?;
            let _ = writeln!(
                out,
                "credits {}: purchased {}, replenish {}; granted {}, consumed {}",
                balance.total,
                balance.purchased,
                balance.replenish,
                balance.lifetime_granted,
                balance.lifetime_consumed
            );
            for entry in multi.ledger.journal(&scope, None, 20)?.entries {
                let _ = writeln!(
                    out,
                    "{:>5}  {}  {:<16} {:<9} {:+}  -> {}  {}",
                    entry.entry,
                    DateTime::from_timestamp_millis(entry.at).map(minute).unwrap_or_default(),
                    entry.kind.word(),
                    entry.bucket.word(),
                    entry.amount,
                    entry.purchased_after + entry.replenish_after,
                    entry.reason.or(entry.key).unwrap_or_default()
                );
            }
        }
        What::Grant { tenant, credits, reason } => {
            let tenant = find(multi, &tenant)?;
            let by = "command line".to_owned();
            let balance = multi.give(&tenant.id, credits, reason, by).await?;
            let _ = writeln!(out, "{} has {} credits now.", tenant.email.as_str(), balance.total);
        }
        What::SetTier { tenant, tier, until } => {
            let tenant = find(multi, &tenant)?;
            let tenant = multi.set_tier(&tenant.id, tier, until).await?;
            let _ = writeln!(out, "{}", line(multi, &tenant));
        }
        What::EndSessions { tenant } => {
            let tenant = find(multi, &tenant)?;
            let count = multi.sessions.end_all(&tenant.id).await?;
            let _ = writeln!(out, "{count} sign-ins of {} ended.", tenant.email.as_str());
        }
        What::Backup { file } => {
            multi.backup_to(&file)?;
            let _ = writeln!(out, "The database was copied to {}.", file.display());
        }
        What::Verify => {
            let mut said = multi.check()?;
            if said.is_empty() {
                said.extend(multi.ledger.verify()?.iter().map(ToString::to_string));
            }
            if !said.is_empty() {
                return Err(Fault::new(
                    FaultKind::Internal,
                    format!("recap.db is not as it must be:\n{}\n", said.join("\n")),
                )
                .hint("Stop Recap, keep a copy of the file, and restore a backup."));
            }
            let _ = writeln!(out, "Every balance is what its journal says.");
        }
    }
    Ok(out)
}

fn find(multi: &Multi, text: &str) -> Result<Tenant, Fault> {
    let found =
        if text.contains('@') { multi.tenants.by_address(text) } else { multi.tenants.by_id(text) };
    Ok(found?)
}

fn line(multi: &Multi, tenant: &Tenant) -> String {
    let tier = match tenant.is_admin {
        true => "admin",
        false => tenant.tier_at(multi.now()).word(),
    };
    let until = match tenant.tier_expires_at {
        Some(at) => format!("  until {}", minute(at)),
        None => String::new(),
    };
    format!(
        "{}  {}  {tier}{until}  since {}",
        tenant.id,
        tenant.email.as_str(),
        minute(tenant.created_at)
    )
}

fn minute(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M").to_string()
}
