//! The index: which words stand in which documents. No I/O.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ops::Bound,
};

use super::words::{distance, tolerance, words};

/// More is not kept; a portal of that size needs a search engine.
const MAX_DOCUMENTS: usize = 200_000;
/// Different words of one document.
const MAX_TERMS: usize = 400;
/// Words of a question.
const MAX_WORDS: usize = 8;
/// Words that one beginning stands for.
const MAX_PREFIXED: usize = 200;
/// Words that one misspelt word may mean.
const MAX_MEANT: usize = 10;

/// What a document is, in the order in which results are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Operation,
    Api,
    Guide,
    Page,
    Help,
}

impl Kind {
    pub const ALL: [Self; 5] = [
        Self::Operation,
        Self::Api,
        Self::Guide,
        Self::Page,
        Self::Help,
    ];

    /// In addresses and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operation => "operation",
            Self::Api => "api",
            Self::Guide => "guide",
            Self::Page => "page",
            Self::Help => "help",
        }
    }
}

/// Something that can be found.
#[derive(Clone, Debug)]
pub struct Document {
    pub kind: Kind,
    pub title: String,
    pub url: String,
    /// The beginning of its text.
    pub text: String,
    /// Id and name of the API that it belongs to.
    pub api: Option<(String, String)>,
    /// Of an operation.
    pub call: Option<(&'static str, String)>,
    /// Texts to find it by, and how much each of them counts.
    pub fields: Vec<(u8, String)>,
}

/// A document as results show it.
#[derive(Clone, Debug)]
pub struct Hit {
    pub document: Document,
    score: f32,
}

/// What a question brought.
#[derive(Debug, Default)]
pub struct Found {
    /// Best first.
    pub hits: Vec<Hit>,
    /// The question as it was understood, if that differs.
    pub corrected: Option<String>,
    /// The words that matched.
    pub terms: HashSet<String>,
}

#[derive(Clone, Copy)]
struct Posting {
    document: u32,
    weight: u8,
}

#[derive(Default)]
pub struct Index {
    documents: Vec<Document>,
    /// Which part each document belongs to.
    part_of: Vec<u32>,
    parts: HashMap<String, u32>,
    terms: BTreeMap<String, Vec<Posting>>,
}

/// The words that a word of the question stands for, and how well each fits.
struct Meant<'a> {
    terms: Vec<(&'a str, &'a [Posting], f32)>,
    /// What was probably meant, if the word itself occurs nowhere.
    instead: Option<&'a str>,
}

impl Index {
    pub fn has(&self, part: &str) -> bool {
        self.parts.contains_key(part)
    }

    /// Adds a part with its documents, which may be none.
    pub fn add(&mut self, part: &str, documents: Vec<Document>) {
        if self.has(part) {
            return;
        }
        let number = u32::try_from(self.parts.len()).unwrap_or(u32::MAX);
        self.parts.insert(part.to_owned(), number);
        for mut document in documents {
            let Ok(id) = u32::try_from(self.documents.len()) else {
                return;
            };
            if self.documents.len() >= MAX_DOCUMENTS {
                return;
            }
            let mut weights: HashMap<String, u8> = HashMap::new();
            for (weight, text) in std::mem::take(&mut document.fields) {
                for word in words(&text) {
                    if weights.len() >= MAX_TERMS && !weights.contains_key(&word) {
                        continue;
                    }
                    let known = weights.entry(word).or_default();
                    *known = weight.max(*known);
                }
            }
            for (word, weight) in weights {
                let posting = Posting {
                    document: id,
                    weight,
                };
                self.terms.entry(word).or_default().push(posting);
            }
            self.documents.push(document);
            self.part_of.push(number);
        }
    }

    /// The documents of `parts` that a question means. `exact`: as it was typed.
    pub fn find(&self, question: &str, parts: &[String], exact: bool) -> Found {
        let allowed: HashSet<u32> = parts
            .iter()
            .filter_map(|part| self.parts.get(part).copied())
            .collect();
        let mut asked = words(question);
        asked.dedup();
        asked.truncate(MAX_WORDS);
        if asked.is_empty() {
            return Found::default();
        }
        let is_allowed = |posting: &Posting| {
            let part = self.part_of.get(posting.document as usize);
            part.is_some_and(|part| allowed.contains(part))
        };
        let meant: Vec<Meant> = asked
            .iter()
            .map(|word| self.meant(word, exact, &is_allowed))
            .collect();
        let scores = self.scores(&meant, &is_allowed);
        // All words, or as many of them as one document has.
        let most = scores.values().map(|(matched, _)| *matched).max();
        let mut hits: Vec<Hit> = scores
            .into_iter()
            .filter(|(_, (matched, _))| Some(*matched) == most)
            .map(|(id, (_, score))| Hit {
                document: self.documents[id as usize].clone(),
                score,
            })
            .collect();
        hits.sort_by(|one, other| {
            let by_score = other.score.total_cmp(&one.score);
            by_score.then_with(|| one.document.url.cmp(&other.document.url))
        });
        let instead = meant.iter().any(|meant| meant.instead.is_some());
        let understood = asked.iter().zip(&meant);
        let understood: Vec<&str> = understood
            .map(|(word, meant)| meant.instead.unwrap_or(word))
            .collect();
        let terms = meant.iter().flat_map(|meant| &meant.terms);
        Found {
            hits,
            corrected: instead.then(|| understood.join(" ")),
            terms: terms.map(|(term, ..)| (*term).to_owned()).collect(),
        }
    }

    /// Number of matched words and score of each document.
    fn scores(
        &self,
        meant: &[Meant],
        is_allowed: &impl Fn(&Posting) -> bool,
    ) -> HashMap<u32, (usize, f32)> {
        let mut scores: HashMap<u32, (usize, f32)> = HashMap::new();
        let all = self.documents.len().max(1);
        for meant in meant {
            let mut best: HashMap<u32, f32> = HashMap::new();
            for (_, postings, quality) in &meant.terms {
                #[expect(clippy::cast_precision_loss, reason = "a rank needs no precision")]
                let rarity = (1.0 + all as f32 / postings.len() as f32).ln();
                for posting in postings.iter().filter(|posting| is_allowed(posting)) {
                    let score = f32::from(posting.weight) * quality * rarity;
                    let known = best.entry(posting.document).or_default();
                    *known = known.max(score);
                }
            }
            for (document, score) in best {
                let known = scores.entry(document).or_default();
                known.0 += 1;
                known.1 += score;
            }
        }
        scores
    }

    fn meant<'a>(
        &'a self,
        word: &str,
        exact: bool,
        is_allowed: &impl Fn(&Posting) -> bool,
    ) -> Meant<'a> {
        let occurs = |postings: &[Posting]| postings.iter().any(is_allowed);
        let from = (Bound::Included(word), Bound::Unbounded);
        let beginning = self
            .terms
            .range::<str, _>(from)
            .take_while(|(term, _)| term.starts_with(word))
            .take(MAX_PREFIXED)
            // A single letter begins too much.
            .filter(|(term, _)| term.as_str() == word || word.chars().count() > 1)
            .filter(|(_, postings)| occurs(postings));
        let terms: Vec<_> = beginning
            .map(|(term, postings)| {
                let quality = if term == word { 1.0 } else { 0.7 };
                (term.as_str(), postings.as_slice(), quality)
            })
            .collect();
        let max = tolerance(word);
        if !terms.is_empty() || exact || max == 0 {
            return Meant {
                terms,
                instead: None,
            };
        }
        let mut near: Vec<(usize, usize, &str, &[Posting])> = self
            .terms
            .iter()
            .filter_map(|(term, postings)| {
                let errors = distance(word, term, max)?;
                let count = postings
                    .iter()
                    .filter(|posting| is_allowed(posting))
                    .count();
                (count > 0).then_some((
                    errors,
                    usize::MAX - count,
                    term.as_str(),
                    postings.as_slice(),
                ))
            })
            .collect();
        near.sort_by_key(|(errors, rarity, term, _)| (*errors, *rarity, *term));
        let least = near.first().map(|(errors, ..)| *errors);
        near.retain(|(errors, ..)| Some(*errors) == least);
        near.truncate(MAX_MEANT);
        Meant {
            instead: near.first().map(|(_, _, term, _)| *term),
            terms: near
                .into_iter()
                .map(|(_, _, term, postings)| (term, postings, 0.5))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(kind: Kind, title: &str, text: &str) -> Document {
        Document {
            kind,
            title: title.to_owned(),
            url: format!("/{title}"),
            text: text.to_owned(),
            api: None,
            call: None,
            fields: vec![(8, title.to_owned()), (1, text.to_owned())],
        }
    }

    fn index() -> Index {
        let mut index = Index::default();
        let of = |title, text| document(Kind::Api, title, text);
        index.add(
            "open",
            vec![
                of("Shipments", "Books parcels and returns"),
                of("Returns", "Labels for a return shipment"),
                of("Weather", "Forecasts"),
            ],
        );
        index.add("closed", vec![of("Payroll", "Salaries of employees")]);
        index
    }

    fn titles(question: &str, exact: bool) -> (Vec<String>, Option<String>) {
        let found = index().find(question, &["open".to_owned()], exact);
        let titles = found.hits.into_iter().map(|hit| hit.document.title);
        (titles.collect(), found.corrected)
    }

    #[test]
    fn titles_count_more_than_texts() {
        assert_eq!(titles("returns", false).0, ["Returns", "Shipments"]);
        assert_eq!(titles("ship", false).0, ["Shipments", "Returns"]);
        assert_eq!(titles("parcels returns", false).0, ["Shipments"]);
        assert_eq!(titles("", false).0, Vec::<String>::new());
    }

    #[test]
    fn typing_errors_are_forgiven_and_said() {
        assert_eq!(
            titles("wether", false),
            (vec!["Weather".to_owned()], Some("weather".to_owned()))
        );
        assert_eq!(titles("shpiments", false).1.as_deref(), Some("shipments"));
        assert_eq!(titles("wether", true), (Vec::new(), None));
        assert_eq!(titles("weather", false).1, None);
    }

    #[test]
    fn what_one_may_not_see_is_neither_found_nor_suggested() {
        assert_eq!(titles("payroll", false), (Vec::new(), None));
        assert_eq!(titles("payrol", false), (Vec::new(), None));
        let all = ["open".to_owned(), "closed".to_owned()];
        assert_eq!(index().find("payrol", &all, false).hits.len(), 1);
    }
}
