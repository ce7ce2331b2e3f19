//! What the sections of talks are learned from, and how well they are found: the commands `train` and
//! `sections`.

use std::collections::BTreeMap;
use std::path::Path;

use recap::domain::outline::Granularity;
use recap::outline::cues::Cues;
use recap::outline::joints::{FACTS, Joint};
use recap::outline::sections::{self, Reading};

use crate::measure::Figures;
use crate::outline::{Record, records, transcript};
use crate::train::{Example, fit};

/// Each record is left out of the training once, with those that share its fold.
const FOLDS: usize = 5;
/// A joint so close to a section's beginning is no example of where none begins.
const NEAR_SECONDS: f64 = 8.0;
/// A section's beginning belongs to the nearest joint, if one is so close: as far as counts as met.
const FAR_SECONDS: f64 = 20.0;
/// A joint before the beginning is this much farther than one after: better late than early, where
/// the last words of the section before would be in it.
const EARLY: f64 = 1.5;
/// A set that is shown, but not in the mean: the five others are what the goals are set for.
const SPANISH: &str = "btct-es";

/// How the weights come about that a record is divided with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Training {
    /// Those that ship.
    Shipped,
    /// From all records of other folds.
    Folds,
    /// From all records of other sets.
    SetLeftOut,
}

/// A record that has been read.
struct Talk {
    set: String,
    fold: usize,
    reading: Reading,
    /// In seconds, by segment.
    starts: Vec<f64>,
    wanted: Vec<usize>,
    wanted_fine: Option<Vec<usize>>,
    begins: Vec<Option<bool>>,
}

/// The source of the table that ships, learned from a file; one set can be left out.
pub fn table(file: &Path, without: Option<&str>) -> Result<String, String> {
    let talks = talks(file)?;
    if let Some(set) = without.filter(|set| talks.iter().all(|talk| talk.set != **set)) {
        return Err(format!("{} has no set {set}.", file.display()));
    }
    let cues = learn(talks.iter().filter(|talk| without != Some(talk.set.as_str())));
    let shown = file.file_name().unwrap_or_default().to_string_lossy();
    let mut out = format!(
        "//! Made by `cargo run --release --example corpus -- train {shown}`; never by hand.\n\n\
         use super::Cues;\n\n\
         pub(super) const CUES: Cues = Cues {{\n    base: {:.4},\n    facts: [\n",
        cues.base
    );
    // In columns, as rustfmt has them.
    let worths = cues.facts.map(|worth| format!("{worth:.4},"));
    let width = worths.iter().map(String::len).max().unwrap_or(0);
    for (worth, name) in worths.iter().zip(FACTS) {
        out.push_str(&format!("        {worth:<width$} // {name}\n"));
    }
    out.push_str("    ],\n};\n");
    Ok(out)
}

/// A table of how well each set is divided, and the mean of the five English ones.
/// A fine division is held against the finer one of the record's own, where it has one.
pub fn figures(
    file: &Path,
    training: Training,
    granularity: Granularity,
) -> Result<String, String> {
    let talks = talks(file)?;
    let fine = granularity == Granularity::Fine;
    let mut learned: BTreeMap<String, Cues> = BTreeMap::new();
    let mut of_set: BTreeMap<&str, Vec<Figures>> = BTreeMap::new();
    for talk in &talks {
        let wanted = if fine { talk.wanted_fine.as_ref() } else { Some(&talk.wanted) };
        let Some(wanted) = wanted else {
            continue;
        };
        let cues = match training {
            Training::Shipped => Cues::DEFAULT,
            Training::Folds => *learned
                .entry(talk.fold.to_string())
                .or_insert_with(|| learn(talks.iter().filter(|other| other.fold != talk.fold))),
            Training::SetLeftOut => *learned
                .entry(talk.set.clone())
                .or_insert_with(|| learn(talks.iter().filter(|other| other.set != talk.set))),
        };
        let starts = sections::starts(&talk.reading, &cues, granularity);
        let found = Figures::of(wanted, &starts[1..], &talk.starts);
        of_set.entry(&talk.set).or_default().push(found);
    }
    let mut out = String::from("set             records    Pk    WD    F1  found wanted\n");
    let mut english = Vec::new();
    for (set, all) in &of_set {
        let mean = Figures::mean(all);
        out.push_str(&row(set, all.len(), &mean));
        if *set != SPANISH {
            english.push(mean);
        }
    }
    out.push_str(&row("mean, English", english.len(), &Figures::mean(&english)));
    Ok(out)
}

fn row(name: &str, count: usize, figures: &Figures) -> String {
    let Figures { pk, window_diff, f1, found, wanted } = figures;
    format!(
        "{name:<16}{count:>7} {pk:>5.3} {window_diff:>5.3} {f1:>5.3} {found:>6.1} {wanted:>6.1}\n"
    )
}

fn learn<'a>(talks: impl Iterator<Item = &'a Talk>) -> Cues {
    let examples: Vec<Example<'_>> = talks
        .map(|talk| Example { set: &talk.set, joints: &talk.reading.joints, begins: &talk.begins })
        .collect();
    fit(&examples)
}

/// The records of a file that are divided.
fn talks(file: &Path) -> Result<Vec<Talk>, String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut out = Vec::new();
    records(file, |record| {
        if !record.gold_boundaries.is_empty() {
            let count = seen.entry(record.set.clone()).or_default();
            out.push(talk(record, *count % FOLDS));
            *count += 1;
        }
    })?;
    Ok(out)
}

fn talk(record: Record, fold: usize) -> Talk {
    let reading = sections::reading(&transcript(&record), Some(&record.lang));
    let starts: Vec<f64> = record.segments.iter().map(|segment| segment.start_seconds).collect();
    let begins = begins(&reading.joints, &record.gold_boundaries, &starts);
    Talk {
        set: record.set,
        fold,
        reading,
        starts,
        wanted: record.gold_boundaries,
        wanted_fine: record.fine_boundaries,
        begins,
    }
}

/// By joint: whether a section begins there.
fn begins(joints: &[Joint], wanted: &[usize], starts: &[f64]) -> Vec<Option<bool>> {
    let mut out = vec![Some(false); joints.len()];
    for start in wanted.iter().map(|segment| starts[*segment]) {
        let after = |joint: &Joint| starts[joint.cue] - start;
        for (begins, joint) in out.iter_mut().zip(joints) {
            if after(joint).abs() <= NEAR_SECONDS && *begins == Some(false) {
                *begins = None;
            }
        }
        let distance = |joint: &Joint| match after(joint) {
            early if early < 0.0 => -early * EARLY,
            late => late,
        };
        let nearest = joints
            .iter()
            .enumerate()
            .skip(1)
            .min_by(|(_, a), (_, b)| distance(a).total_cmp(&distance(b)));
        if let Some((at, _)) = nearest.filter(|(_, joint)| after(joint).abs() <= FAR_SECONDS) {
            out[at] = Some(true);
        }
    }
    out
}
