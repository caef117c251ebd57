use std::collections::HashMap;

use http::{HeaderName, Method};

use super::{
    Match, Question,
    analysis::{Findings, PathHit},
    bits,
    candidate::{Candidate, PathRule},
};

/// The candidates that use the same set of attributes, with lists to look at first.
pub struct Category {
    pub bits: u8,
    /// Positions in sort order.
    all: Vec<usize>,
    by_header: HashMap<HeaderName, Vec<usize>>,
    by_host: HashMap<String, Vec<usize>>,
    by_prefix: HashMap<Box<[u8]>, Vec<usize>>,
    by_pattern: HashMap<usize, Vec<usize>>,
    by_method: Vec<(Method, Vec<usize>)>,
    by_sni: HashMap<String, Vec<usize>>,
}

impl Category {
    pub fn new(bits: u8, candidates: &[Candidate]) -> Self {
        let mut category = Self {
            bits,
            all: Vec::new(),
            by_header: HashMap::new(),
            by_host: HashMap::new(),
            by_prefix: HashMap::new(),
            by_pattern: HashMap::new(),
            by_method: Vec::new(),
            by_sni: HashMap::new(),
        };
        for (position, candidate) in candidates.iter().enumerate() {
            if candidate.bits == bits {
                category.add(position, candidate);
            }
        }
        category
    }

    fn add(&mut self, position: usize, candidate: &Candidate) {
        self.all.push(position);
        for header in &candidate.headers {
            self.by_header
                .entry(header.name.clone())
                .or_default()
                .push(position);
        }
        for host in &candidate.hosts {
            self.by_host
                .entry(host.text.clone())
                .or_default()
                .push(position);
        }
        match &candidate.path {
            Some(PathRule::Prefix(prefix)) => {
                self.by_prefix
                    .entry(prefix.clone())
                    .or_default()
                    .push(position);
            }
            Some(PathRule::Pattern(_)) => {
                self.by_pattern.entry(position).or_default().push(position);
            }
            None => {}
        }
        for sni in &candidate.snis {
            self.by_sni.entry(sni.clone()).or_default().push(position);
        }
        for method in &candidate.methods {
            match self.by_method.iter_mut().find(|(known, _)| known == method) {
                Some((_, list)) => list.push(position),
                None => self.by_method.push((method.clone(), vec![position])),
            }
        }
    }

    /// The first full match: in the reduced list, then among all.
    pub fn find(
        &self,
        question: &Question<'_>,
        findings: &Findings<'_>,
        candidates: &[Candidate],
    ) -> Option<Match> {
        let among = |list: &[usize]| {
            list.iter()
                .find_map(|position| candidates[*position].matches(question))
        };
        self.reduced(question, findings)
            .and_then(among)
            .or_else(|| among(&self.all))
    }

    fn reduced(&self, question: &Question<'_>, findings: &Findings<'_>) -> Option<&[usize]> {
        if self.bits & bits::HEADERS != 0 {
            let mut lists = question
                .headers
                .keys()
                .filter_map(|name| self.by_header.get(name));
            return lists.next().map(Vec::as_slice);
        }
        let by_host = (self.bits & bits::HOST != 0)
            .then(|| {
                self.by_host
                    .get(findings.wildcard_host.unwrap_or(question.host.text))
            })
            .flatten();
        let by_path = match findings.path {
            Some(PathHit::Prefix(prefix)) => self.by_prefix.get(prefix),
            Some(PathHit::Pattern(position)) => self.by_pattern.get(&position),
            None => None,
        };
        let by_method = self
            .by_method
            .iter()
            .find(|(method, _)| method == question.method)
            .map(|(_, list)| list);
        let by_sni = question.tls.and_then(|sni| self.by_sni.get(sni));
        [by_host, by_path, by_method, by_sni]
            .into_iter()
            .flatten()
            .min_by_key(|list| list.len())
            .map(Vec::as_slice)
    }
}
