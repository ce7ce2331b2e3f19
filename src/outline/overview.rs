//! What an episode is about and what came out of it, in a given number of words.

use super::clean;
use super::language::Language;
use super::rank::{Pick, Section};
use super::sentences::Sentence;
use super::words::{self, Term};

/// An overview quotes at most so many sections: more read as a list.
const OVERVIEW_SECTIONS_MAX: usize = 5;
/// The best early sentence of the first and of each of the largest sections, in order.
pub(super) fn overview(
    sections: &[Section],
    picks: &[Vec<Pick>],
    sentences: &[Sentence],
    terms: &[Vec<Term>],
    language: &Language,
    words_max: usize,
) -> String {
    let mut largest: Vec<usize> = (0..sections.len()).filter(|i| !picks[*i].is_empty()).collect();
    let size = |i: &usize| {
        sentences[sections[*i].sentences.clone()].iter().map(|s| s.words).sum::<usize>()
    };
    // The first section says where we are; after it, the largest.
    largest.sort_by_key(|i| (*i > 0, std::cmp::Reverse(size(i))));
    let per_section = if largest.len() < 3 { 2 } else { 1 };
    largest.truncate(OVERVIEW_SECTIONS_MAX);
    let mut chosen: Vec<usize> = Vec::new();
    for i in largest {
        let first = sections[i].sentences.start;
        let mut order: Vec<&Pick> = picks[i].iter().collect();
        // Early ones introduce; later ones want their context.
        let rank = |pick: &Pick| pick.score / (1.0 + (pick.sentence - first) as f32 / 40.0);
        order.sort_by(|a, b| rank(b).total_cmp(&rank(a)).then(a.sentence.cmp(&b.sentence)));
        chosen.extend(order.iter().take(per_section).map(|pick| pick.sentence));
    }
    let mut kept: Vec<usize> = Vec::new();
    let mut words_left = words_max;
    for at in chosen {
        let text = clean::point(&sentences[at].text, sentences[at].is_cut, language);
        let size = text.split_whitespace().count().max(words::count(&text));
        let doubled = kept.iter().any(|other| terms[*other] == terms[at]);
        if size <= words_left && !doubled {
            words_left -= size;
            kept.push(at);
        }
    }
    kept.sort_unstable();
    let texts: Vec<String> = kept
        .iter()
        .map(|at| clean::point(&sentences[*at].text, sentences[*at].is_cut, language))
        .collect();
    texts.join(" ")
}
