//! How well found sections agree with a record's own, as `../shared/corpus/score.py` measures it.

/// Figures of one record, or means of many.
#[derive(Clone, Copy, Default)]
pub struct Figures {
    /// Share of pairs of segments that only one of two divisions tells apart; lower is better.
    pub pk: f64,
    /// Share of pairs that have another number of boundaries between them; lower is better.
    pub window_diff: f64,
    /// Boundaries that are met within 20 seconds.
    pub f1: f64,
    /// Sections found.
    pub found: f64,
    /// Sections wanted.
    pub wanted: f64,
}

impl Figures {
    /// Of one record: boundaries as indexes of segments, ascending, and when each segment starts.
    pub fn of(wanted: &[usize], found: &[usize], starts: &[f64]) -> Self {
        let (pk, window_diff) = window_figures(wanted, found, starts.len());
        Self {
            pk,
            window_diff,
            f1: f1(wanted, found, starts, 20.0),
            found: found.len() as f64 + 1.0,
            wanted: wanted.len() as f64 + 1.0,
        }
    }

    /// The mean of some; all zero for none.
    pub fn mean(all: &[Self]) -> Self {
        let n = all.len().max(1) as f64;
        let mean = |figure: fn(&Self) -> f64| all.iter().map(figure).sum::<f64>() / n;
        Self {
            pk: mean(|it| it.pk),
            window_diff: mean(|it| it.window_diff),
            f1: mean(|it| it.f1),
            found: mean(|it| it.found),
            wanted: mean(|it| it.wanted),
        }
    }
}

fn window_figures(wanted: &[usize], found: &[usize], length: usize) -> (f64, f64) {
    let half = length as f64 / (wanted.len() + 1) as f64 / 2.0;
    let width = (half.round_ties_even() as usize).max(2);
    if length <= width {
        return (0.0, 0.0);
    }
    let before = |marks: &[usize], at: usize| marks.partition_point(|mark| *mark <= at);
    let (mut pk, mut differs) = (0, 0);
    for at in 0..length - width {
        let a = before(wanted, at + width) - before(wanted, at);
        let b = before(found, at + width) - before(found, at);
        pk += usize::from((a == 0) != (b == 0));
        differs += usize::from(a != b);
    }
    let pairs = (length - width) as f64;
    (pk as f64 / pairs, differs as f64 / pairs)
}

fn f1(wanted: &[usize], found: &[usize], starts: &[f64], tolerance: f64) -> f64 {
    if wanted.is_empty() && found.is_empty() {
        return 1.0;
    }
    let mut free: Vec<f64> = found.iter().map(|at| starts[*at]).collect();
    let mut met = 0;
    for want in wanted.iter().map(|at| starts[*at]) {
        let distance = |at: &f64| (at - want).abs();
        let near = free
            .iter()
            .enumerate()
            .filter(|(_, at)| distance(at) <= tolerance)
            .min_by(|(_, a), (_, b)| distance(a).total_cmp(&distance(b)));
        if let Some((at, _)) = near {
            free.remove(at);
            met += 1;
        }
    }
    2.0 * f64::from(met) / (wanted.len() + found.len()) as f64
}
