//! The compiled router agrees with one that looks at everything.

use http::{HeaderMap, HeaderName, HeaderValue};
use kong::Route;
use proptest::{prelude::*, sample::select, sample::subsequence};

use super::super::{
    Match, Question, RequestHost, Router, bits,
    candidate::{Candidate, PathRule, Rule},
};

/// The rules of gateway 4.3, word by word: lists are made by looking at all candidates.
fn find(rules: &[Rule], question: &Question<'_>) -> Option<Match> {
    let mut all: Vec<Candidate> = rules
        .iter()
        .enumerate()
        .flat_map(|(route, rule)| Candidate::all_of(route, rule))
        .collect();
    all.sort_by(Candidate::order);
    let host = host_hit(&all, question);
    let path = path_hit(&all, question.path);
    let has_header = |candidate: &Candidate, name: &HeaderName| {
        candidate.headers.iter().any(|header| header.name == *name)
    };
    let has_method = |candidate: &Candidate| candidate.methods.contains(question.method);
    let has_sni = |candidate: &Candidate| {
        let mut snis = candidate.snis.iter();
        question
            .tls
            .is_some_and(|asked| snis.any(|sni| sni == asked))
    };
    let mut names = question.headers.keys();
    let found = [
        (
            bits::HEADERS,
            names.any(|name| all.iter().any(|one| has_header(one, name))),
        ),
        (bits::HOST, host.is_some()),
        (bits::PATH, path.is_some()),
        (bits::METHOD, all.iter().any(has_method)),
        (bits::SNI, all.iter().any(has_sni)),
    ];
    let asked: u8 = found
        .iter()
        .map(|(bit, found)| bit * u8::from(*found))
        .sum();
    if asked == 0 {
        return None;
    }
    let mut categories: Vec<u8> = all.iter().map(|candidate| candidate.bits).collect();
    categories.sort_unstable_by_key(|bits| (bits.count_ones(), *bits));
    categories.dedup();
    categories.reverse();
    let start = categories.iter().position(|bits| *bits == asked);
    for category in &categories[start.unwrap_or(0)..] {
        let members = || (0..all.len()).filter(|one| all[*one].bits == *category);
        let list = |fits: &dyn Fn(usize) -> bool| members().filter(|one| fits(*one)).collect();
        let reduced: Option<Vec<usize>> = if category & bits::HEADERS != 0 {
            let mut names = question.headers.keys();
            names.find_map(|name| non_empty(list(&|one| has_header(&all[one], name))))
        } else {
            let text = host.as_deref().unwrap_or(question.host.text);
            let of_host = list(&|one| all[one].hosts.iter().any(|host| host.text == text));
            let of_path = match path {
                Some(Path::Pattern(position)) => list(&|one| one == position),
                Some(Path::Prefix(length)) => list(&|one| match &all[one].path {
                    Some(PathRule::Prefix(prefix)) => **prefix == question.path[..length],
                    _ => false,
                }),
                None => Vec::new(),
            };
            let of_method = list(&|one| has_method(&all[one]));
            let of_sni = list(&|one| has_sni(&all[one]));
            let lists = [of_host, of_path, of_method, of_sni];
            lists.into_iter().filter_map(non_empty).min_by_key(Vec::len)
        };
        let matches = |one: usize| all[one].matches(question);
        let reduced = reduced.into_iter().flatten().find_map(matches);
        if let Some(found) = reduced.or_else(|| members().find_map(matches)) {
            return Some(found);
        }
    }
    None
}

fn non_empty(list: Vec<usize>) -> Option<Vec<usize>> {
    (!list.is_empty()).then_some(list)
}

/// The entry that the request's host is found by.
fn host_hit(all: &[Candidate], question: &Question<'_>) -> Option<String> {
    let hosts = || all.iter().flat_map(|candidate| &candidate.hosts);
    let mut matching = hosts().filter(|host| host.matches(&question.host));
    if matching.clone().any(|host| !host.is_wildcard()) {
        return Some(question.host.text.to_owned());
    }
    matching.next().map(|host| host.text.clone())
}

enum Path {
    /// Position of the candidate.
    Pattern(usize),
    Prefix(usize),
}

fn path_hit(all: &[Candidate], path: &[u8]) -> Option<Path> {
    let pattern = all.iter().position(|candidate| match &candidate.path {
        Some(rule @ PathRule::Pattern(_)) => rule.matches(path).is_some(),
        _ => false,
    });
    if let Some(position) = pattern {
        return Some(Path::Pattern(position));
    }
    let prefixes = all.iter().filter_map(|candidate| match &candidate.path {
        Some(rule @ PathRule::Prefix(_)) => rule.matches(path),
        _ => None,
    });
    prefixes.max().map(Path::Prefix)
}

const HOSTS: &[&str] = &[
    "a.org",
    "b.org",
    "*.org",
    "*.a.org",
    "a.*",
    "a.org:80",
    "a.org:8080",
    "*.org:8080",
];
const PATHS: &[&str] = &[
    "/",
    "/x",
    "/x/y",
    "/x/1",
    r"~/x/\d+",
    "~/x",
    "~/x/.*$",
    r"~/(?<id>\w+)/y",
];
const HEADERS: &[(&str, &str)] = &[("k", "1"), ("k", "2"), ("l", r"~*^v\d$"), ("m", "1")];

fn some_of(known: &'static [&'static str]) -> impl Strategy<Value = Option<Vec<String>>> {
    let chosen = subsequence(known, 0..=2.min(known.len()));
    chosen.prop_map(|chosen| {
        let chosen: Vec<String> = chosen.into_iter().map(str::to_owned).collect();
        (!chosen.is_empty()).then_some(chosen)
    })
}

prop_compose! {
    fn route()(
        hosts in some_of(HOSTS),
        paths in some_of(PATHS),
        methods in some_of(&["GET", "POST", "PUT"]),
        snis in some_of(&["s", "t"]),
        headers in subsequence(HEADERS, 0..=2),
        priority in -1_i64..2,
        age in 0_i64..3,
    ) -> Route {
        let mut route = Route {
            hosts, paths, methods, snis,
            regex_priority: priority,
            created_at: Some(age),
            ..Route::default()
        };
        for (name, value) in headers {
            let known = route.headers.get_or_insert_default();
            known.entry(name.to_owned()).or_default().push(value.to_owned());
        }
        route
    }
}

prop_compose! {
    fn request()(
        method in select(&["GET", "POST", "DELETE"][..]),
        host in select(&["a.org", "b.org", "x.a.org", "a.net", "c.net", "a.org:8080", "c.org:8080"][..]),
        path in select(&["/", "/x", "/x/1", "/x/1/z", "/x/y/z", "/q/y", "/q"][..]),
        headers in subsequence(&[("k", "1"), ("k", "3"), ("l", "V1"), ("n", "1")][..], 0..=3),
        sni in select(&[None, Some("s"), Some("u")][..]),
    ) -> (&'static str, &'static str, &'static str, HeaderMap, Option<&'static str>) {
        let headers = headers.into_iter().map(|(name, value)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        });
        (method, host, path, headers.collect(), sni)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn no_request_goes_another_way(
        routes in prop::collection::vec(route(), 1..12),
        requests in prop::collection::vec(request(), 8),
    ) {
        let rules: Vec<Rule> = routes.iter().map(|route| Rule::new(route).unwrap()).collect();
        let router = Router::new(&rules);
        for (method, host, path, headers, sni) in &requests {
            let question = Question {
                method: &method.parse().unwrap(),
                host: RequestHost::new(host, 80),
                path: path.as_bytes(),
                headers,
                tls: *sni,
            };
            prop_assert_eq!(router.find(&question), find(&rules, &question), "{:?}", (host, path));
        }
    }
}
