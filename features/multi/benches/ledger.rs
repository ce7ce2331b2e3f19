//! How fast a credit is debited, durable and journaled, with 64 callers at once: our way, our way
//! without sharing commits, and the document's way with Node and better-sqlite3 (`peer/`), in turns
//! in one run. `cargo bench` runs it. Asserts no time.

#![expect(clippy::unwrap_used, reason = "a benchmark ends where something is not as it must be")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use recap_mode::{Scope, SystemClock};
use recap_multi::database::{Database, DatabaseLimits};
use recap_multi::ledger::{CreditRules, DebitAnswer, Ledger, Period};
use serde::Deserialize;
use tokio::task::JoinSet;

const TENANTS: usize = 10_000;
const CALLERS: usize = 64;
const DEBITS_OF_A_CALLER: usize = 100;
/// Each way takes its turn this often; the middle one by throughput counts.
const TURNS: usize = 3;

/// One turn of one way.
#[derive(Deserialize)]
struct Turn {
    seconds: f64,
    cpu_micros: f64,
    /// From asking to the answer, for each debit.
    micros: Vec<u64>,
}

impl Turn {
    fn per_second(&self) -> f64 {
        self.micros.len() as f64 / self.seconds
    }

    fn mean(&self) -> f64 {
        self.micros.iter().sum::<u64>() as f64 / self.micros.len() as f64
    }

    fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.micros.clone();
        sorted.sort_unstable();
        sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)] as f64
    }
}

fn main() {
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let peer = install_peer();
    let (mut shared, mut alone, mut node) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 0..TURNS {
        let file = |way: &str| scratch.path().join(format!("{way}-{turn}.db"));
        shared.push(ours(&file("shared"), DatabaseLimits::default()));
        node.extend(peer.as_ref().and_then(|peer| theirs(peer, &file("node"))));
        alone.push(ours(
            &file("alone"),
            DatabaseLimits { batch_max: 1, ..DatabaseLimits::default() },
        ));
    }
    println!("| debits, {CALLERS} callers | per second | mean | p50 | p99 | max | CPU each |");
    println!("|---|---|---|---|---|---|---|");
    let shared = row("Recap: durable, journaled, one commit for all who wait", shared).unwrap();
    let alone = row("Recap: durable, journaled, a commit each", alone).unwrap();
    let node = row("Node with better-sqlite3: durable, no journal, the document's way", node);
    let compare = |other: &Turn, name: &str| {
        println!(
            "\nBeside {name}: {:.1} times the throughput; our p99 is {:.2} of its mean.",
            shared.per_second() / other.per_second(),
            shared.percentile(99) / other.mean()
        );
    };
    compare(&alone, "a commit each");
    match node {
        Some(node) => compare(&node, "Node"),
        None => println!("\nNode with better-sqlite3 was not measured: it does not install here."),
    }
    let looks = looks_per_second(&scratch.path().join("shared-0.db"));
    println!("\nA look at a balance with nothing due, one caller: {:.1} µs.", 1e6 / looks);
}

/// What a read of one row costs, its connection and its snapshot included.
fn looks_per_second(file: &Path) -> f64 {
    const LOOKS: usize = 100_000;
    let rules = CreditRules::new(1_000_000, Period::Weekly).unwrap();
    let ledger = Ledger::new(Database::open(file).unwrap(), Arc::new(SystemClock), rules);
    let tenants: Vec<Scope> =
        (0..TENANTS).map(|n| Scope::parse(&format!("tenant-{n}")).unwrap()).collect();
    let began = Instant::now();
    for user in tenants.iter().cycle().take(LOOKS) {
        ledger.balance_now(user).unwrap();
    }
    LOOKS as f64 / began.elapsed().as_secs_f64()
}

fn row(what: &str, mut turns: Vec<Turn>) -> Option<Turn> {
    turns.sort_by(|a, b| a.per_second().total_cmp(&b.per_second()));
    let middle = turns.len() / 2;
    let turn = turns.into_iter().nth(middle)?;
    let millis = |micros: f64| format!("{:.2} ms", micros / 1000.0);
    println!(
        "| {what} | {:.0} | {} | {} | {} | {} | {:.0} µs |",
        turn.per_second(),
        millis(turn.mean()),
        millis(turn.percentile(50)),
        millis(turn.percentile(99)),
        millis(turn.percentile(100)),
        turn.cpu_micros / turn.micros.len() as f64
    );
    Some(turn)
}

fn ours(file: &Path, limits: DatabaseLimits) -> Turn {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let database = Database::open_with(file, limits).unwrap();
    let rules = CreditRules::new(1_000_000, Period::Weekly).unwrap();
    let ledger = Ledger::new(database.clone(), Arc::new(SystemClock), rules);
    let tenants: Arc<[Scope]> =
        (0..TENANTS).map(|n| Scope::parse(&format!("tenant-{n}")).unwrap()).collect();
    runtime.block_on(async {
        let many = tenants.clone();
        // The seeds share their commits in each of the ways: they are not what is measured.
        let seeds = Database::open(file).unwrap();
        let seeder = Ledger::new(seeds, Arc::new(SystemClock), rules);
        at_once(move |caller| {
            let (seeder, many) = (seeder.clone(), many.clone());
            async move {
                for user in many.iter().skip(caller).step_by(CALLERS) {
                    seeder.seed_signup(user, None).await.unwrap();
                }
                Vec::new()
            }
        })
        .await;
        for n in 0..200 {
            let job = format!("warm-{n}").parse().unwrap();
            ledger.gate_and_debit(&tenants[n], &job).await.unwrap();
        }
        let (used, began) = (cpu_micros(), Instant::now());
        let many = tenants.clone();
        let paying = ledger.clone();
        let micros = at_once(move |caller| {
            let (paying, many) = (paying.clone(), many.clone());
            async move {
                let mut micros = Vec::with_capacity(DEBITS_OF_A_CALLER);
                for n in 0..DEBITS_OF_A_CALLER {
                    let user = &many[(caller + n * CALLERS) % TENANTS];
                    let job = format!("{caller}-{n}").parse().unwrap();
                    let asked = Instant::now();
                    let answer = paying.gate_and_debit(user, &job).await.unwrap();
                    micros.push(asked.elapsed().as_micros() as u64);
                    assert!(matches!(answer, DebitAnswer::Taken(_)));
                }
                micros
            }
        })
        .await;
        let seconds = began.elapsed().as_secs_f64();
        let cpu_micros = cpu_micros() - used;
        assert_eq!(ledger.verify().unwrap(), []);
        Turn { seconds, cpu_micros, micros }
    })
}

/// All callers at once, and what they measured.
async fn at_once<F, T>(caller: F) -> Vec<u64>
where
    F: Fn(usize) -> T,
    T: Future<Output = Vec<u64>> + Send + 'static,
{
    let mut callers = JoinSet::new();
    for number in 0..CALLERS {
        callers.spawn(caller(number));
    }
    callers.join_all().await.concat()
}

/// CPU time of this process so far, by Linux's own count in ticks of 10 ms.
fn cpu_micros() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: f64 = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<f64>().ok())
        .sum();
    ticks * 10_000.0
}

/// The folder with the peer and its dependency; installed once into the build folder.
fn install_peer() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ledger-peer");
    std::fs::create_dir_all(&folder).unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peer");
    for name in ["package.json", "peer.mjs"] {
        std::fs::copy(source.join(name), folder.join(name)).unwrap();
    }
    let mut install = Command::new("npm");
    install.args(["install", "--silent", "--no-audit", "--no-fund"]).current_dir(&folder);
    // Where Node's headers are on the machine, nothing is fetched from its own site.
    if Path::new("/usr/include/node/node.h").exists() {
        install.env("npm_config_nodedir", "/usr");
    }
    let done = install.output().is_ok_and(|output| output.status.success());
    done.then_some(folder)
}

fn theirs(peer: &Path, file: &Path) -> Option<Turn> {
    let numbers = [TENANTS, CALLERS, DEBITS_OF_A_CALLER].map(|number| number.to_string());
    let output =
        Command::new("node").arg("peer.mjs").arg(file).args(numbers).current_dir(peer).output();
    let output = output.ok().filter(|output| output.status.success())?;
    serde_json::from_slice(&output.stdout).ok()
}
