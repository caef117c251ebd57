//! Which route a request belongs to.
//!
//! The rules are those of Kong's traditional router: routes fall into categories by the set of
//! attributes they use, categories with more attributes come first, and within a category the
//! candidates are sorted. A [`Router`] is compiled once per configuration and never changes; a
//! look-up allocates nothing.

mod analysis;
mod backend_path;
mod candidate;
mod category;
mod host;

use http::{HeaderMap, Method};

pub use backend_path::backend_path;
pub use candidate::Rule;
pub use host::RequestHost;

use analysis::Analysis;
use candidate::Candidate;
use category::Category;

/// Attributes by their bit; the sum orders categories of equal size.
pub mod bits {
    pub const HOST: u8 = 64;
    pub const HEADERS: u8 = 32;
    pub const PATH: u8 = 16;
    pub const METHOD: u8 = 8;
    pub const SNI: u8 = 4;
}

/// The values that routing reads.
pub struct Question<'a> {
    pub method: &'a Method,
    pub host: RequestHost<'a>,
    /// The normalised path.
    pub path: &'a [u8],
    pub headers: &'a HeaderMap,
    /// The name that an encrypted connection was opened for; nothing without encryption.
    pub tls: Option<&'a str>,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    /// Position of the route in the list that the router was compiled from.
    pub route: usize,
    /// Length of the part of the path that the route's path matched, if it has paths.
    pub prefix: Option<usize>,
}

/// All routes, compiled.
#[derive(Default)]
pub struct Router {
    candidates: Vec<Candidate>,
    analysis: Analysis,
    /// The most specific category first.
    categories: Vec<Category>,
}

impl Router {
    /// Compiles the rules; their order decides where nothing else does.
    pub fn new(rules: &[Rule]) -> Self {
        let mut candidates: Vec<Candidate> = rules
            .iter()
            .enumerate()
            .flat_map(|(route, rule)| Candidate::all_of(route, rule))
            .collect();
        candidates.sort_by(Candidate::order);
        let mut all_bits: Vec<u8> = candidates.iter().map(|candidate| candidate.bits).collect();
        all_bits.sort_unstable_by_key(|bits| std::cmp::Reverse((bits.count_ones(), *bits)));
        all_bits.dedup();
        Self {
            analysis: Analysis::new(&candidates),
            categories: all_bits
                .into_iter()
                .map(|bits| Category::new(bits, &candidates))
                .collect(),
            candidates,
        }
    }

    pub fn find(&self, question: &Question<'_>) -> Option<Match> {
        let findings = self.analysis.of(question, &self.candidates);
        if findings.bits == 0 {
            return None;
        }
        let start = self
            .categories
            .iter()
            .position(|category| category.bits == findings.bits)
            .unwrap_or(0);
        self.categories[start..]
            .iter()
            .find_map(|category| category.find(question, &findings, &self.candidates))
    }
}

#[cfg(test)]
mod tests;
