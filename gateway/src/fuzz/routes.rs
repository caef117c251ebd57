use http::{HeaderMap, HeaderName, HeaderValue, Method};
use kong::entity::PathHandling;

use crate::router::{Question, RequestHost, Router, Rule, backend_path};

/// Lines such as `+ H=a.org,*.b P=/x,~/y M=GET K=k:1 S=s N=5` are routes, all others are requests:
/// `GET a.org /x k:1`.
pub fn routes(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let (mut rules, mut requests) = (Vec::new(), Vec::new());
    for line in text.lines() {
        match line.strip_prefix("+ ") {
            Some(route) => rules.extend(rule(route)),
            None => requests.push(line),
        }
    }
    let router = Router::new(&rules);
    for request in requests {
        ask(&router, &rules, request);
    }
}

fn rule(line: &str) -> Option<Rule> {
    let mut route = kong::Route::default();
    for attribute in line.split(' ') {
        let (kind, value) = attribute.split_once('=')?;
        let list = || Some(value.split(',').map(str::to_owned).collect::<Vec<_>>());
        match kind {
            "H" => route.hosts = list(),
            "P" => route.paths = list(),
            "M" => route.methods = list(),
            "S" => route.snis = list(),
            "N" => route.regex_priority = value.parse().ok()?,
            "K" => {
                let (name, values) = value.split_once(':')?;
                let values = values.split(',').map(str::to_owned).collect();
                let headers = route.headers.get_or_insert_default();
                headers.insert(name.to_owned(), values);
            }
            _ => return None,
        }
    }
    // The schema refuses what is no pattern, and so does the router.
    Rule::new(&route).ok()
}

fn ask(router: &Router, rules: &[Rule], request: &str) -> Option<()> {
    let mut words = request.split(' ');
    let method: Method = words.next()?.parse().ok()?;
    let host = words.next()?.to_ascii_lowercase();
    let sent = words.next()?;
    let mut headers = HeaderMap::new();
    for word in words {
        let (name, value) = word.split_once(':')?;
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_str(value).ok()?);
    }
    kong::path::hides_dot_segment(sent.as_bytes());
    let path = kong::path::normalise(sent.as_bytes());
    // Once more changes nothing but what a second decoding would.
    let encoded = kong::path::encode(&path);
    assert!(encoded.is_ascii());
    let host = RequestHost::new(&host, 443);
    for tls in [None, Some(host.name)] {
        let question = Question {
            method: &method,
            host,
            path: &path,
            headers: &headers,
            tls,
        };
        let Some(found) = router.find(&question) else {
            continue;
        };
        assert!(found.route < rules.len());
        assert!(found.prefix.is_none_or(|length| length <= path.len()));
        for handling in [PathHandling::V0, PathHandling::V1] {
            for strips in [false, true] {
                let backend = backend_path("/base", handling, strips, &path, found.prefix);
                assert!(backend.starts_with(b"/base"));
            }
        }
    }
    Some(())
}
