//! The index: which words stand in which documents. No I/O.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, HashMap, HashSet},
    ops::Bound,
};

use super::words::{Misspelt, tolerance, words};

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
/// Documents of one kind that a question brings; all are counted, and nobody looks at more.
const MAX_HITS: usize = 500;

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
}

/// What a question brought.
#[derive(Debug, Default)]
pub struct Found {
    /// Best first, and of each kind the best ones only.
    pub hits: Vec<Hit>,
    /// How many there are of each kind.
    pub counts: BTreeMap<Kind, usize>,
    /// The question as it was understood, if that differs.
    pub corrected: Option<String>,
    /// The words that matched.
    pub terms: HashSet<String>,
}

/// A document and what a word counts in it, in four bytes: there are millions of them.
#[derive(Clone, Copy)]
struct Posting(u32);

impl Posting {
    fn new(document: usize, weight: u8) -> Option<Self> {
        let document = u32::try_from(document).ok().filter(|id| *id < 1 << 24)?;
        Some(Self(document << 8 | u32::from(weight)))
    }

    fn document(self) -> usize {
        (self.0 >> 8) as usize
    }

    fn weight(self) -> f32 {
        f32::from(self.0.to_le_bytes()[0])
    }
}

/// A document as it is kept: its texts in one piece.
struct Kept {
    kind: Kind,
    method: Option<&'static str>,
    part: u32,
    /// Title, address, path and text, one after the other.
    texts: Box<str>,
    /// Where the first three end.
    ends: [u32; 3],
}

impl Kept {
    /// Nothing, if its texts are too long to be those of a document.
    fn new(document: &Document, part: u32) -> Option<Self> {
        let path = document.call.as_ref().map_or("", |(_, path)| path);
        let mut texts = String::new();
        let mut ends = [0; 3];
        let first = [&document.title, &document.url, path];
        for (text, end) in first.into_iter().zip(&mut ends) {
            texts.push_str(text);
            *end = u32::try_from(texts.len()).ok()?;
        }
        texts.push_str(&document.text);
        Some(Self {
            kind: document.kind,
            method: document.call.as_ref().map(|(method, _)| *method),
            part,
            texts: texts.into(),
            ends,
        })
    }

    fn texts(&self) -> [&str; 4] {
        let [title, url, path] = self.ends.map(|end| end as usize);
        [
            &self.texts[..title],
            &self.texts[title..url],
            &self.texts[url..path],
            &self.texts[path..],
        ]
    }

    fn url(&self) -> &str {
        self.texts()[1]
    }

    fn document(&self, api: Option<&(String, String)>) -> Document {
        let [title, url, path, text] = self.texts().map(str::to_owned);
        Document {
            kind: self.kind,
            title,
            url,
            text,
            api: api.cloned(),
            call: self.method.map(|method| (method, path)),
            fields: Vec::new(),
        }
    }
}

#[derive(Default)]
pub struct Index {
    documents: Vec<Kept>,
    parts: HashMap<String, u32>,
    /// Id and name of the API that a part is about, by its number.
    apis: Vec<Option<(String, String)>>,
    terms: BTreeMap<Box<str>, Vec<Posting>>,
    /// Of all documents, for one question after the other.
    scores: Vec<Score>,
}

/// How well a document fits a question.
#[derive(Clone, Copy, Default)]
struct Score {
    /// Words that it has.
    matched: u8,
    sum: f32,
    /// Of what the word at hand stands for.
    best: f32,
}

/// The best documents of a kind, and how many there are.
#[derive(Default)]
struct Best {
    count: usize,
    documents: Vec<(usize, f32)>,
}

/// The words that a word of the question stands for, and how well each fits.
struct Meant<'a> {
    terms: Vec<(&'a str, &'a [Posting], f32)>,
    /// What was probably meant, if the word itself occurs nowhere.
    instead: Option<&'a str>,
}

impl Best {
    fn cut(&mut self, order: impl Fn(&(usize, f32), &(usize, f32)) -> Ordering) {
        if self.documents.len() > MAX_HITS {
            self.documents.select_nth_unstable_by(MAX_HITS, order);
            self.documents.truncate(MAX_HITS);
        }
    }
}

impl Index {
    pub fn has(&self, part: &str) -> bool {
        self.parts.contains_key(part)
    }

    /// Adds a part with its documents, which may be none.
    pub fn add(&mut self, part: &str, documents: &[Document]) {
        if self.has(part) {
            return;
        }
        let Ok(number) = u32::try_from(self.apis.len()) else {
            return;
        };
        self.parts.insert(part.to_owned(), number);
        let api = documents.first().and_then(|document| document.api.clone());
        self.apis.push(api);
        for document in documents {
            if self.documents.len() >= MAX_DOCUMENTS {
                return;
            }
            let Some(kept) = Kept::new(document, number) else {
                continue;
            };
            let mut weights: HashMap<String, u8> = HashMap::new();
            for (weight, text) in &document.fields {
                for word in words(text) {
                    if weights.len() >= MAX_TERMS && !weights.contains_key(&word) {
                        continue;
                    }
                    let known = weights.entry(word).or_default();
                    *known = (*weight).max(*known);
                }
            }
            for (word, weight) in weights {
                let Some(posting) = Posting::new(self.documents.len(), weight) else {
                    continue;
                };
                match self.terms.get_mut(word.as_str()) {
                    Some(postings) => postings.push(posting),
                    None => drop(self.terms.insert(word.into(), vec![posting])),
                }
            }
            self.documents.push(kept);
        }
    }

    /// Gives back the room that was kept for more.
    pub fn shrink(&mut self) {
        self.documents.shrink_to_fit();
        self.terms.values_mut().for_each(Vec::shrink_to_fit);
    }

    /// The documents of `parts` that a question means. `exact`: as it was typed.
    pub fn find(&mut self, question: &str, parts: &[String], exact: bool) -> Found {
        let mut scores = std::mem::take(&mut self.scores);
        let found = self.scored(&mut scores, question, parts, exact);
        self.scores = scores;
        found
    }

    fn scored(
        &self,
        scores: &mut Vec<Score>,
        question: &str,
        parts: &[String],
        exact: bool,
    ) -> Found {
        let mut allowed = vec![false; self.apis.len()];
        for number in parts.iter().filter_map(|part| self.parts.get(part)) {
            allowed[*number as usize] = true;
        }
        let mut asked = words(question);
        asked.dedup();
        asked.truncate(MAX_WORDS);
        if asked.is_empty() {
            return Found::default();
        }
        let is_allowed = |posting: &Posting| {
            let document = self.documents.get(posting.document());
            document.is_some_and(|document| allowed[document.part as usize])
        };
        let meant: Vec<Meant> = asked
            .iter()
            .map(|word| self.meant(word, exact, &is_allowed))
            .collect();
        self.score(scores, &meant, &is_allowed);
        let (counts, hits) = self.best(scores);
        let instead = meant.iter().any(|meant| meant.instead.is_some());
        let understood = asked.iter().zip(&meant);
        let understood: Vec<&str> = understood
            .map(|(word, meant)| meant.instead.unwrap_or(word))
            .collect();
        let terms = meant.iter().flat_map(|meant| &meant.terms);
        Found {
            hits,
            counts,
            corrected: instead.then(|| understood.join(" ")),
            terms: terms.map(|(term, ..)| (*term).to_owned()).collect(),
        }
    }

    /// The best documents with how many of each kind there are.
    fn best(&self, scores: &[Score]) -> (BTreeMap<Kind, usize>, Vec<Hit>) {
        // All words, or as many of them as one document has.
        let most = scores.iter().map(|score| score.matched).max();
        let most = most.filter(|most| *most > 0);
        let order = |one: &(usize, f32), other: &(usize, f32)| -> Ordering {
            let by_score = other.1.total_cmp(&one.1);
            let url = |id: usize| self.documents[id].url();
            by_score.then_with(|| url(one.0).cmp(url(other.0)))
        };
        let mut kinds: BTreeMap<Kind, Best> = BTreeMap::new();
        for (id, score) in scores.iter().enumerate() {
            if Some(score.matched) != most {
                continue;
            }
            let best = kinds.entry(self.documents[id].kind).or_default();
            best.count += 1;
            best.documents.push((id, score.sum));
            if best.documents.len() > 2 * MAX_HITS {
                best.cut(order);
            }
        }
        let counts = kinds.iter().map(|(kind, best)| (*kind, best.count));
        let counts = counts.collect();
        let mut best = Vec::new();
        for (_, mut of_kind) in kinds {
            of_kind.cut(order);
            best.extend(of_kind.documents);
        }
        best.sort_by(order);
        let hits = best.into_iter().map(|(id, _)| {
            let kept = &self.documents[id];
            let api = self.apis[kept.part as usize].as_ref();
            kept.document(api)
        });
        (counts, hits.map(|document| Hit { document }).collect())
    }

    /// Number of matched words and score of each document.
    fn score(
        &self,
        scores: &mut Vec<Score>,
        meant: &[Meant],
        is_allowed: &impl Fn(&Posting) -> bool,
    ) {
        scores.clear();
        scores.resize(self.documents.len(), Score::default());
        for meant in meant {
            for (_, postings, quality) in &meant.terms {
                #[expect(clippy::cast_precision_loss, reason = "a rank needs no precision")]
                let rarity = (1.0 + scores.len() as f32 / postings.len() as f32).ln();
                for posting in postings.iter().filter(|posting| is_allowed(posting)) {
                    let known = &mut scores[posting.document()].best;
                    *known = known.max(posting.weight() * quality * rarity);
                }
            }
            for score in scores.iter_mut().filter(|score| score.best > 0.0) {
                score.matched += 1;
                score.sum += std::mem::take(&mut score.best);
            }
        }
    }

    fn meant<'a>(
        &'a self,
        word: &str,
        exact: bool,
        is_allowed: &impl Fn(&Posting) -> bool,
    ) -> Meant<'a> {
        let occurs = |postings: &[Posting]| postings.iter().any(is_allowed);
        let from: (Bound<&str>, Bound<&str>) = (Bound::Included(word), Bound::Unbounded);
        let beginning = self
            .terms
            .range::<str, _>(from)
            .take_while(|(term, _)| term.starts_with(word))
            .take(MAX_PREFIXED)
            // A single letter begins too much.
            .filter(|(term, _)| &***term == word || word.chars().count() > 1)
            .filter(|(_, postings)| occurs(postings));
        let terms: Vec<_> = beginning
            .map(|(term, postings)| {
                let quality = if **term == *word { 1.0 } else { 0.7 };
                (&**term, postings.as_slice(), quality)
            })
            .collect();
        let max = tolerance(word);
        if !terms.is_empty() || exact || max == 0 {
            return Meant {
                terms,
                instead: None,
            };
        }
        let misspelt = Misspelt::new(word, max);
        let mut near: Vec<(usize, usize, &str, &[Posting])> = Vec::new();
        for (term, postings) in &self.terms {
            let Some(errors) = misspelt.distance(term) else {
                continue;
            };
            let seen = postings.iter().filter(|posting| is_allowed(posting));
            let count = seen.count();
            if count > 0 {
                near.push((errors, usize::MAX - count, term, postings));
            }
        }
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
            &[
                of("Shipments", "Books parcels and returns"),
                of("Returns", "Labels for a return shipment"),
                of("Weather", "Forecasts"),
            ],
        );
        index.add("closed", &[of("Payroll", "Salaries of employees")]);
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
    fn of_many_documents_the_best_are_shown_and_all_are_counted() {
        let mut index = Index::default();
        let many = (0..MAX_HITS + 100).map(|number| {
            let api = Some(("a".to_owned(), "An API".to_owned()));
            Document {
                api,
                call: Some(("get", format!("/things/{number}"))),
                ..document(Kind::Operation, &format!("Thing {number:04}"), "Ä – text")
            }
        });
        index.add("many", &many.collect::<Vec<_>>());
        index.add("page", &[document(Kind::Page, "Other", "thing")]);
        let parts = ["many".to_owned(), "page".to_owned()];
        for question in ["thing", "thign"] {
            let found = index.find(question, &parts, false);
            assert_eq!(found.hits.len(), MAX_HITS + 1);
            assert_eq!(found.counts[&Kind::Operation], MAX_HITS + 100);
            assert_eq!(found.counts[&Kind::Page], 1);
            let first = &found.hits[0].document;
            assert_eq!(
                (first.title.as_str(), first.url.as_str()),
                ("Thing 0000", "/Thing 0000")
            );
            assert_eq!(first.text, "Ä – text");
            assert_eq!(first.call, Some(("get", "/things/0".to_owned())));
            assert_eq!(first.api.as_ref().unwrap().1, "An API");
        }
        let page = index.find("thing", &parts[1..], false);
        assert_eq!((page.hits.len(), page.counts.len()), (1, 1));
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
