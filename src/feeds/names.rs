//! XML namespaces that feeds use, by their addresses; an undeclared prefix falls back on what it
//! usually stands for.

use super::xml::is_same;

/// What a namespace means to a reader of feeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ns {
    /// RSS of any version, and no namespace.
    Plain,
    Atom,
    Rdf,
    Content,
    Dc,
    DcTerms,
    Itunes,
    GooglePlay,
    Podcast,
    Media,
    Youtube,
    /// Podlove Simple Chapters.
    Psc,
    Xml,
    Xhtml,
    /// Nothing of ours.
    Other,
}

/// Addresses without their scheme and closing `/` or `#`, in lower case.
const ADDRESSES: &[(&str, Ns)] = &[
    ("purl.org/rss/1.0", Ns::Plain),
    ("purl.org/net/rss1.1", Ns::Plain),
    ("my.netscape.com/rdf/simple/0.9", Ns::Plain),
    ("channel.netscape.com/rdf/simple/0.9", Ns::Plain),
    ("my.netscape.com/publish/formats/rss-0.91.dtd", Ns::Plain),
    ("blogs.law.harvard.edu/tech/rss", Ns::Plain),
    ("cyber.law.harvard.edu/rss/rss.html", Ns::Plain),
    ("backend.userland.com/rss", Ns::Plain),
    ("backend.userland.com/rss2", Ns::Plain),
    ("backend.userland.com/rss091", Ns::Plain),
    ("backend.userland.com/rss092", Ns::Plain),
    ("www.w3.org/2005/atom", Ns::Atom),
    ("purl.org/atom/ns", Ns::Atom),
    ("www.w3.org/1999/02/22-rdf-syntax-ns", Ns::Rdf),
    ("purl.org/rss/1.0/modules/content", Ns::Content),
    ("purl.org/dc/elements/1.1", Ns::Dc),
    ("purl.org/dc/elements/1.0", Ns::Dc),
    ("purl.org/dc/terms", Ns::DcTerms),
    ("www.itunes.com/dtds/podcast-1.0.dtd", Ns::Itunes),
    ("www.google.com/schemas/play-podcasts/1.0", Ns::GooglePlay),
    ("www.google.com/schemas/play-podcasts/1.0/play-podcasts.xsd", Ns::GooglePlay),
    ("podcastindex.org/namespace/1.0", Ns::Podcast),
    // The address before the namespace had one of its own; many feeds still declare it.
    ("github.com/podcastindex-org/podcast-namespace/blob/main/docs/1.0.md", Ns::Podcast),
    ("search.yahoo.com/mrss", Ns::Media),
    ("www.youtube.com/xml/schemas/2015", Ns::Youtube),
    ("podlove.org/simple-chapters", Ns::Psc),
    ("www.w3.org/xml/1998/namespace", Ns::Xml),
    ("www.w3.org/1999/xhtml", Ns::Xhtml),
    ("www.w3.org/2000/svg", Ns::Other),
    ("www.w3.org/1998/math/mathml", Ns::Other),
];

const PREFIXES: &[(&str, Ns)] = &[
    ("rss", Ns::Plain),
    ("atom", Ns::Atom),
    ("atom10", Ns::Atom),
    ("a10", Ns::Atom),
    ("rdf", Ns::Rdf),
    ("content", Ns::Content),
    ("dc", Ns::Dc),
    ("dcterms", Ns::DcTerms),
    ("itunes", Ns::Itunes),
    ("googleplay", Ns::GooglePlay),
    ("podcast", Ns::Podcast),
    ("media", Ns::Media),
    ("psc", Ns::Psc),
    ("xml", Ns::Xml),
    ("xhtml", Ns::Xhtml),
    ("yt", Ns::Youtube),
];

/// What an address stands for; `None` for one that is not known.
pub(super) fn by_address(address: &str) -> Option<Ns> {
    let folded = address.trim().to_ascii_lowercase();
    if folded.is_empty() {
        return Some(Ns::Plain);
    }
    let bare = folded.strip_prefix("http://").or(folded.strip_prefix("https://"));
    let bare = bare.unwrap_or(&folded).trim_end_matches(['/', '#']);
    ADDRESSES.iter().find(|(known, _)| *known == bare).map(|(_, ns)| *ns)
}

/// What a prefix usually stands for where it is not declared.
pub(super) fn by_prefix(prefix: &str) -> Ns {
    let found = PREFIXES.iter().find(|(known, _)| known.eq_ignore_ascii_case(prefix));
    found.map_or(Ns::Other, |(_, ns)| *ns)
}

/// The declarations in force, innermost last.
#[derive(Default)]
pub(super) struct Declared {
    bindings: Vec<(usize, String, Ns)>,
}

/// Most declarations in force at once: a feed has a dozen, a hostile one any number.
const DECLARED_MAX: usize = 512;

impl Declared {
    /// Takes one `xmlns` (empty prefix) or `xmlns:prefix` of an element at this depth.
    pub(super) fn bind(&mut self, depth: usize, prefix: &str, address: &str) {
        if self.bindings.len() >= DECLARED_MAX {
            return;
        }
        let ns = match by_address(address) {
            Some(ns) => ns,
            // Home-made RSS declares all kinds of default addresses, and is RSS all the same.
            None if prefix.is_empty() => Ns::Plain,
            None => Ns::Other,
        };
        self.bindings.push((depth, prefix.to_owned(), ns));
    }

    /// Forgets what elements at this depth or deeper declared.
    pub(super) fn leave(&mut self, depth: usize) {
        while self.bindings.last().is_some_and(|(at, ..)| *at >= depth) {
            self.bindings.pop();
        }
    }

    /// What a prefix (empty: an element without one) stands for here.
    pub(super) fn resolve(&self, prefix: &str) -> Ns {
        let found = self.bindings.iter().rev().find(|(_, bound, _)| is_same(bound, prefix));
        match found {
            Some((_, _, ns)) => *ns,
            None if prefix.is_empty() => Ns::Plain,
            None => by_prefix(prefix),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_known_in_any_case_and_with_either_scheme() {
        for address in [
            "https://podcastindex.org/namespace/1.0",
            "http://PodcastIndex.org/namespace/1.0/",
            "https://github.com/Podcastindex-org/podcast-namespace/blob/main/docs/1.0.md",
        ] {
            assert_eq!(by_address(address), Some(Ns::Podcast), "{address}");
        }
        let itunes = by_address(" http://www.itunes.com/DTDs/Podcast-1.0.dtd");
        assert_eq!(itunes, Some(Ns::Itunes));
        assert_eq!(by_address(""), Some(Ns::Plain));
        assert_eq!(by_address("urn:mine"), None);
    }

    #[test]
    fn the_innermost_declaration_holds_and_an_undeclared_prefix_falls_back() {
        let mut declared = Declared::default();
        assert_eq!(declared.resolve(""), Ns::Plain);
        assert_eq!(declared.resolve("itunes"), Ns::Itunes);
        assert_eq!(declared.resolve("mine"), Ns::Other);
        declared.bind(1, "p", "https://podcastindex.org/namespace/1.0");
        declared.bind(2, "p", "urn:other");
        assert_eq!(declared.resolve("p"), Ns::Other);
        declared.leave(2);
        assert_eq!(declared.resolve("p"), Ns::Podcast);
        declared.leave(1);
        assert_eq!(declared.resolve("p"), Ns::Other);
    }

    #[test]
    fn declarations_beyond_the_bound_are_left_out() {
        let mut declared = Declared::default();
        for n in 0..200_000 {
            declared.bind(1, &format!("p{n}"), "urn:x");
        }
        assert_eq!(declared.bindings.len(), DECLARED_MAX);
    }
}
