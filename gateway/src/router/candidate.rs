use std::cmp::Ordering;

use http::{HeaderName, Method};
use regex::{Regex, bytes};

use super::{Match, Question, bits, host::HostRule};

/// What selects requests for one route.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    pub methods: Vec<Method>,
    pub hosts: Vec<HostRule>,
    pub paths: Vec<PathRule>,
    pub headers: Vec<HeaderRule>,
    /// In lower case.
    pub snis: Vec<String>,
    pub regex_priority: i64,
    pub created_at: i64,
}

/// One path of a route.
#[derive(Clone, Debug)]
pub enum PathRule {
    Prefix(Box<[u8]>),
    /// Anchored at the start.
    Pattern(bytes::Regex),
}

/// Values that one header may have.
#[derive(Clone, Debug)]
pub struct HeaderRule {
    pub name: HeaderName,
    pub values: HeaderValues,
}

#[derive(Clone, Debug)]
pub enum HeaderValues {
    /// In lower case.
    OneOf(Vec<String>),
    /// Searched in the value in lower case.
    Pattern(Regex),
}

impl Rule {
    /// Compiles the fields of a route. Fails only for what the schema refuses.
    pub fn new(route: &kong::Route) -> Result<Self, regex::Error> {
        let methods = route.methods.iter().flatten();
        let headers = route.headers.iter().flatten().filter_map(|(name, values)| {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            Some(HeaderValues::new(values).map(|values| HeaderRule { name, values }))
        });
        Ok(Self {
            methods: methods.filter_map(|method| method.parse().ok()).collect(),
            hosts: route
                .hosts
                .iter()
                .flatten()
                .map(|host| HostRule::new(host))
                .collect(),
            paths: route
                .paths
                .iter()
                .flatten()
                .map(|path| PathRule::new(path))
                .collect::<Result<_, _>>()?,
            headers: headers.collect::<Result<_, _>>()?,
            snis: route
                .snis
                .iter()
                .flatten()
                .map(|sni| sni.trim_end_matches('.').to_ascii_lowercase())
                .collect(),
            regex_priority: route.regex_priority,
            created_at: route.created_at.unwrap_or_default(),
        })
    }
}

impl Rule {
    /// Those of its paths that are patterns.
    pub fn patterns(&self) -> impl Iterator<Item = &bytes::Regex> {
        self.paths.iter().filter_map(|path| match path {
            PathRule::Pattern(pattern) => Some(pattern),
            PathRule::Prefix(_) => None,
        })
    }
}

impl PathRule {
    pub fn new(path: &str) -> Result<Self, regex::Error> {
        Ok(match path.strip_prefix('~') {
            Some(pattern) => Self::Pattern(bytes::Regex::new(&format!("^(?:{pattern})"))?),
            None => Self::Prefix(path.as_bytes().into()),
        })
    }

    /// Length of the part that matched.
    pub fn matches(&self, path: &[u8]) -> Option<usize> {
        match self {
            Self::Prefix(prefix) => path.starts_with(prefix).then_some(prefix.len()),
            Self::Pattern(pattern) => pattern.find(path).map(|found| found.end()),
        }
    }
}

impl HeaderValues {
    fn new(values: &[String]) -> Result<Self, regex::Error> {
        if let [only] = values
            && let Some(pattern) = only.strip_prefix("~*")
        {
            return Ok(Self::Pattern(Regex::new(pattern)?));
        }
        Ok(Self::OneOf(
            values.iter().map(|value| value.to_lowercase()).collect(),
        ))
    }
}

impl HeaderRule {
    fn matches(&self, question: &Question<'_>) -> bool {
        let mut received = question
            .headers
            .get_all(&self.name)
            .iter()
            .filter_map(|value| value.to_str().ok());
        match &self.values {
            HeaderValues::OneOf(values) => received.any(|received| {
                values
                    .iter()
                    .any(|value| value.eq_ignore_ascii_case(received))
            }),
            HeaderValues::Pattern(pattern) => {
                received.any(|received| pattern.is_match(&received.to_ascii_lowercase()))
            }
        }
    }
}

/// A route with one of its paths.
pub struct Candidate {
    route: usize,
    pub bits: u8,
    pub path: Option<PathRule>,
    pub methods: Vec<Method>,
    pub hosts: Vec<HostRule>,
    pub headers: Vec<HeaderRule>,
    pub snis: Vec<String>,
    regex_priority: i64,
    created_at: i64,
}

impl Candidate {
    /// A route with several paths is several candidates.
    pub fn all_of(route: usize, rule: &Rule) -> Vec<Self> {
        let paths: Vec<Option<PathRule>> = if rule.paths.is_empty() {
            vec![None]
        } else {
            rule.paths.iter().cloned().map(Some).collect()
        };
        let used = [
            (!rule.hosts.is_empty(), bits::HOST),
            (!rule.headers.is_empty(), bits::HEADERS),
            (!rule.paths.is_empty(), bits::PATH),
            (!rule.methods.is_empty(), bits::METHOD),
            (!rule.snis.is_empty(), bits::SNI),
        ];
        let bits = used
            .into_iter()
            .filter(|(used, _)| *used)
            .map(|(_, bit)| bit)
            .sum();
        paths
            .into_iter()
            .map(|path| Self {
                route,
                bits,
                path,
                methods: rule.methods.clone(),
                hosts: rule.hosts.clone(),
                headers: rule.headers.clone(),
                snis: rule.snis.clone(),
                regex_priority: rule.regex_priority,
                created_at: rule.created_at,
            })
            .collect()
    }

    pub fn is_pattern(&self) -> bool {
        matches!(self.path, Some(PathRule::Pattern(_)))
    }

    /// The order inside a category (gateway 4.3).
    pub fn order(&self, other: &Self) -> Ordering {
        let key = |candidate: &Self| (candidate.rank(), candidate.headers.len());
        let priority = |candidate: &Self| {
            if candidate.is_pattern() {
                candidate.regex_priority
            } else {
                0
            }
        };
        key(other)
            .cmp(&key(self))
            .then_with(|| {
                if self.is_pattern() && other.is_pattern() {
                    priority(other).cmp(&priority(self))
                } else {
                    Ordering::Equal
                }
            })
            .then_with(|| other.prefix_length().cmp(&self.prefix_length()))
            .then_with(|| self.created_at.cmp(&other.created_at))
            .then_with(|| self.route.cmp(&other.route))
    }

    fn rank(&self) -> u8 {
        let wildcard_with_port = self
            .hosts
            .iter()
            .any(|host| host.is_wildcard() && host.port.is_some());
        let only_plain = !self.hosts.is_empty() && !self.hosts.iter().any(HostRule::is_wildcard);
        4 * u8::from(wildcard_with_port) + 2 * u8::from(only_plain) + u8::from(self.is_pattern())
    }

    fn prefix_length(&self) -> usize {
        match &self.path {
            Some(PathRule::Prefix(prefix)) => prefix.len(),
            _ => 0,
        }
    }

    fn has_sni(&self, sni: &str) -> bool {
        self.snis.iter().any(|known| known == sni)
    }

    /// Whether every attribute fits.
    pub fn matches(&self, question: &Question<'_>) -> Option<Match> {
        let fits = (self.methods.is_empty() || self.methods.contains(question.method))
            && (self.hosts.is_empty()
                || self.hosts.iter().any(|host| host.matches(&question.host)))
            && self.headers.iter().all(|header| header.matches(question))
            && (self.snis.is_empty() || question.tls.is_none_or(|sni| self.has_sni(sni)));
        if !fits {
            return None;
        }
        let prefix = match &self.path {
            Some(path) => Some(path.matches(question.path)?),
            None => None,
        };
        Some(Match {
            route: self.route,
            prefix,
        })
    }
}
