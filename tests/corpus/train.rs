//! A logistic regression over the joints of sectioned transcripts: how much each fact says that a
//! section begins.
//!
//! What it learns is printed as the table that `outline::cues` ships. The same records give the same
//! table: nothing here draws lots, and all sums are taken in the order of the file.

use std::collections::BTreeMap;

use recap::outline::cues::Cues;
use recap::outline::joints::{FACTS, Joint};

/// One transcript to learn from.
#[derive(Clone, Copy)]
pub struct Example<'a> {
    /// The series that it is from.
    pub set: &'a str,
    /// In order; the first is the start of the talk.
    pub joints: &'a [Joint],
    /// By joint: whether a section begins there; `None` where that is not told (close to one).
    pub begins: &'a [Option<bool>],
}

/// The base and one weight a fact.
const SIZE: usize = 1 + FACTS.len();
/// How much a weight of a standardised fact is held back from being large. A set's examples weigh
/// some thousands, so that this holds back only what few of them show.
const HOLD: f64 = 20.0;
/// Newton's method has long converged by then.
const ROUNDS_MAX: usize = 30;

/// A joint in numbers: one for the base, standardised facts.
struct Sample {
    facts: [f64; SIZE],
    begins: bool,
    weight: f64,
}

/// Learns what facts are worth from examples.
pub fn fit(examples: &[Example<'_>]) -> Cues {
    let (mean, deviation) = spread(examples);
    let samples = samples(examples, &mean, &deviation);
    let weights = newton(&samples);
    let mut base = weights[0];
    let mut facts = [0.0; FACTS.len()];
    for (at, fact) in facts.iter_mut().enumerate() {
        let weight = weights[1 + at] / deviation[at];
        base -= weight * mean[at];
        *fact = weight as f32;
    }
    Cues { base: base as f32, facts }
}

fn told<'a>(example: &Example<'a>) -> impl Iterator<Item = (&'a Joint, bool)> {
    let all = example.joints.iter().zip(example.begins).skip(1);
    all.filter_map(|(joint, begins)| begins.map(|begins| (joint, begins)))
}

/// Mean and standard deviation of each fact.
fn spread(examples: &[Example<'_>]) -> ([f64; FACTS.len()], [f64; FACTS.len()]) {
    let (mut sum, mut square, mut n) = ([0.0; FACTS.len()], [0.0; FACTS.len()], 0.0);
    for (joint, _) in examples.iter().flat_map(told) {
        for (at, fact) in joint.facts.iter().enumerate() {
            sum[at] += f64::from(*fact);
            square[at] += f64::from(*fact) * f64::from(*fact);
        }
        n += 1.0;
    }
    let mean = sum.map(|sum| sum / n);
    let mut deviation = [1.0; FACTS.len()];
    for at in 0..FACTS.len() {
        deviation[at] = (square[at] / n - mean[at] * mean[at]).max(1e-4).sqrt();
    }
    (mean, deviation)
}

fn samples(examples: &[Example<'_>], mean: &[f64], deviation: &[f64]) -> Vec<Sample> {
    let mut of_set: BTreeMap<&str, f64> = BTreeMap::new();
    for example in examples {
        *of_set.entry(example.set).or_default() += 1.0;
    }
    let mut out = Vec::new();
    for example in examples {
        // A set of many records counts for more, but not by as much; a long record for as much as
        // a short one.
        let weight = 1_000.0 / of_set[example.set].sqrt() / told(example).count().max(1) as f64;
        for (joint, begins) in told(example) {
            let mut facts = [1.0; SIZE];
            for at in 0..FACTS.len() {
                facts[1 + at] = (f64::from(joint.facts[at]) - mean[at]) / deviation[at];
            }
            out.push(Sample { facts, begins, weight });
        }
    }
    out
}

fn newton(samples: &[Sample]) -> [f64; SIZE] {
    let mut weights = [0.0; SIZE];
    for _ in 0..ROUNDS_MAX {
        let mut gradient = weights.map(|weight| -HOLD * weight);
        let mut curve = [[0.0; SIZE]; SIZE];
        for (at, row) in curve.iter_mut().enumerate() {
            row[at] = HOLD;
        }
        // The base is free: how rare sections are is to be learned.
        gradient[0] = 0.0;
        curve[0][0] = 1e-6;
        for sample in samples {
            let odds: f64 = sample.facts.iter().zip(&weights).map(|(f, w)| f * w).sum();
            let p = 1.0 / (1.0 + (-odds).exp());
            let miss = f64::from(u8::from(sample.begins)) - p;
            let bend = sample.weight * p * (1.0 - p);
            for (at, fact) in sample.facts.iter().enumerate() {
                gradient[at] += sample.weight * miss * fact;
                let scaled = bend * fact;
                for (other, value) in curve[at][..=at].iter_mut().zip(&sample.facts) {
                    *other += scaled * value;
                }
            }
        }
        let step = solve(curve, gradient);
        for (weight, step) in weights.iter_mut().zip(&step) {
            *weight += step.clamp(-1.0, 1.0);
        }
        if step.iter().all(|step| step.abs() < 1e-6) {
            break;
        }
    }
    weights
}

/// Solves a symmetric, positive system of which the lower half is given (Cholesky).
fn solve(mut curve: [[f64; SIZE]; SIZE], mut wanted: [f64; SIZE]) -> [f64; SIZE] {
    for row in 0..SIZE {
        for column in 0..=row {
            let product: f64 = (0..column).map(|k| curve[row][k] * curve[column][k]).sum();
            let rest = curve[row][column] - product;
            curve[row][column] =
                if row == column { rest.max(1e-12).sqrt() } else { rest / curve[column][column] };
        }
    }
    for row in 0..SIZE {
        let known: f64 = (0..row).map(|k| curve[row][k] * wanted[k]).sum();
        wanted[row] = (wanted[row] - known) / curve[row][row];
    }
    for row in (0..SIZE).rev() {
        let known: f64 = (row + 1..SIZE).map(|k| curve[k][row] * wanted[k]).sum();
        wanted[row] = (wanted[row] - known) / curve[row][row];
    }
    wanted
}
