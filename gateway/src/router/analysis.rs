use std::collections::{HashMap, HashSet};

use http::{HeaderName, Method};

use super::{
    Question, bits,
    candidate::{Candidate, PathRule},
    host::HostRule,
};

/// What all routes together look at, to find out which attributes a request could be matched by.
#[derive(Default)]
pub struct Analysis {
    header_names: HashSet<HeaderName>,
    /// Plain host name → ports under which it is listed (`None`: any).
    plain_hosts: HashMap<String, Vec<Option<u16>>>,
    /// In sort order.
    wildcard_hosts: Vec<HostRule>,
    /// Positions of candidates with a pattern, in sort order.
    patterns: Vec<usize>,
    prefixes: HashSet<Box<[u8]>>,
    /// Lengths of the prefixes, longest first.
    prefix_lengths: Vec<usize>,
    methods: Vec<Method>,
    snis: HashSet<String>,
}

/// What was found for one request.
pub struct Findings<'a> {
    pub bits: u8,
    /// The entry of the first wildcard host that matches.
    pub wildcard_host: Option<&'a str>,
    pub path: Option<PathHit<'a>>,
}

/// The path by which the request is looked up first.
#[derive(Clone, Copy)]
pub enum PathHit<'a> {
    /// Position of the candidate with the pattern.
    Pattern(usize),
    Prefix(&'a [u8]),
}

impl Analysis {
    /// `candidates` are sorted.
    pub fn new(candidates: &[Candidate]) -> Self {
        let mut analysis = Self::default();
        for (position, candidate) in candidates.iter().enumerate() {
            analysis
                .header_names
                .extend(candidate.headers.iter().map(|header| header.name.clone()));
            for host in &candidate.hosts {
                match host.plain() {
                    Some(name) => {
                        analysis
                            .plain_hosts
                            .entry(name.to_owned())
                            .or_default()
                            .push(host.port);
                    }
                    None => analysis.wildcard_hosts.push(host.clone()),
                }
            }
            match &candidate.path {
                Some(PathRule::Prefix(prefix)) => {
                    analysis.prefixes.insert(prefix.clone());
                }
                Some(PathRule::Pattern(_)) => analysis.patterns.push(position),
                None => {}
            }
            analysis.snis.extend(candidate.snis.iter().cloned());
            for method in &candidate.methods {
                if !analysis.methods.contains(method) {
                    analysis.methods.push(method.clone());
                }
            }
        }
        let mut lengths: Vec<usize> = analysis
            .prefixes
            .iter()
            .map(|prefix| prefix.len())
            .collect();
        lengths.sort_unstable_by(|one, other| other.cmp(one));
        lengths.dedup();
        analysis.prefix_lengths = lengths;
        analysis
    }

    pub fn of<'a>(&'a self, question: &Question<'a>, candidates: &[Candidate]) -> Findings<'a> {
        let mut findings = Findings {
            bits: 0,
            wildcard_host: None,
            path: None,
        };
        if !self.header_names.is_empty()
            && question
                .headers
                .keys()
                .any(|name| self.header_names.contains(name))
        {
            findings.bits |= bits::HEADERS;
        }
        if self.is_plain_host(question) {
            findings.bits |= bits::HOST;
        } else if let Some(rule) = self
            .wildcard_hosts
            .iter()
            .find(|rule| rule.matches(&question.host))
        {
            findings.bits |= bits::HOST;
            findings.wildcard_host = Some(&rule.text);
        }
        findings.path = self.path_hit(question.path, candidates);
        if findings.path.is_some() {
            findings.bits |= bits::PATH;
        }
        if self.methods.contains(question.method) {
            findings.bits |= bits::METHOD;
        }
        if question.tls.is_some_and(|sni| self.snis.contains(sni)) {
            findings.bits |= bits::SNI;
        }
        findings
    }

    fn is_plain_host(&self, question: &Question<'_>) -> bool {
        if self.plain_hosts.is_empty() {
            return false;
        }
        let host = &question.host;
        let name = host.name.trim_start_matches('[').trim_end_matches(']');
        self.plain_hosts.get(name).is_some_and(|ports| {
            ports
                .iter()
                .any(|port| port.is_none_or(|port| port == host.port))
        })
    }

    fn path_hit<'a>(&self, path: &'a [u8], candidates: &[Candidate]) -> Option<PathHit<'a>> {
        let matches = |position: &&usize| {
            candidates[**position]
                .path
                .as_ref()
                .is_some_and(|rule| rule.matches(path).is_some())
        };
        if let Some(position) = self.patterns.iter().find(matches) {
            return Some(PathHit::Pattern(*position));
        }
        self.prefix_lengths
            .iter()
            .filter_map(|length| path.get(..*length))
            .find(|prefix| self.prefixes.contains(*prefix))
            .map(PathHit::Prefix)
    }
}
