//! The worked examples of the specification, in both orders of insertion.

use http::{HeaderMap, HeaderName, HeaderValue};

use kong::entity::PathHandling;

use super::*;

mod naive;

/// `name: attributes` → a rule. Attributes: `H=host`, `P=path`, `M=METHOD`, `Hd=name:value`,
/// `prio=n`, `age=n` (smaller is older).
fn rule(text: &str) -> (String, Rule) {
    let (name, attributes) = text.split_once(": ").expect("name: attributes");
    let mut route = kong::Route::default();
    for attribute in attributes.split(' ') {
        let (kind, value) = attribute.split_once('=').expect("kind=value");
        let list = || value.split(',').map(str::to_owned).collect::<Vec<_>>();
        match kind {
            "H" => route.hosts = Some(list()),
            "P" => route.paths = Some(list()),
            "M" => route.methods = Some(list()),
            "S" => route.snis = Some(list()),
            "Hd" => {
                let (name, values) = value.split_once(':').expect("name:value");
                let values = values.split(',').map(str::to_owned).collect();
                route
                    .headers
                    .get_or_insert_default()
                    .insert(name.to_owned(), values);
            }
            "prio" => route.regex_priority = value.parse().unwrap(),
            "age" => route.created_at = Some(value.parse().unwrap()),
            other => panic!("unknown attribute {other}"),
        }
    }
    (name.to_owned(), Rule::new(&route).unwrap())
}

/// `GET host/path; header: value` → the name of the route and the backend path with strip, below the
/// path of the service.
fn ask(router: &Router, names: &[String], service: &str, request: &str) -> String {
    let mut parts = request.split("; ");
    let (method, target) = parts.next().unwrap().split_once(' ').unwrap();
    let (host, path) = target.split_once('/').unwrap();
    let host = if host.is_empty() { "any.example" } else { host };
    let path = format!("/{path}");
    let mut headers = HeaderMap::new();
    let mut sni = None;
    for header in parts {
        let (name, value) = header.split_once(": ").unwrap();
        if name == "sni" {
            sni = Some(value.to_owned());
            continue;
        }
        headers.append(
            name.parse::<HeaderName>().unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    let path = kong::path::normalise(path.as_bytes());
    let question = Question {
        method: &method.parse().unwrap(),
        host: RequestHost::new(host, 80),
        path: &path,
        headers: &headers,
        tls: sni.as_deref(),
    };
    match router.find(&question) {
        Some(found) => {
            let path = backend_path(service, PathHandling::V0, true, &path, found.prefix);
            format!("{} {}", names[found.route], kong::path::encode(&path))
        }
        None => "404".to_owned(),
    }
}

fn check(written: &[&str], cases: &[(&str, &str)]) {
    check_below("/", written, cases);
}

fn check_below(service: &str, written: &[&str], cases: &[(&str, &str)]) {
    for reversed in [false, true] {
        let mut rules: Vec<(String, Rule)> = written.iter().map(|text| rule(text)).collect();
        if reversed {
            rules.reverse();
        }
        let (names, rules): (Vec<String>, Vec<Rule>) = rules.into_iter().unzip();
        let router = Router::new(&rules);
        for (request, expected) in cases {
            assert_eq!(
                ask(&router, &names, service, request),
                *expected,
                "{request}, reversed: {reversed}"
            );
        }
    }
}

#[test]
fn more_attributes_win_and_paths_are_prefixes() {
    check(
        &["A: P=/a", "B: P=/a/b", "C: M=POST"],
        &[
            ("GET /a/b/c", "B /c"),
            ("GET /ab", "A /b"),
            ("POST /a/x", "A /x"),
            ("POST /z", "C /z"),
            ("GET /z", "404"),
        ],
    );
    check(
        &[
            "A: H=api.org",
            "B: P=/v1",
            "C: H=api.org P=/v",
            "D: H=api.org M=GET",
        ],
        &[
            ("GET api.org/v1/x", "C /1/x"),
            ("POST api.org/x", "A /x"),
            ("GET api.org/x", "D /x"),
            ("GET other.org/v1/x", "B /x"),
        ],
    );
    check(
        &["A: P=/m M=GET,POST", "B: P=/m/long"],
        &[
            ("GET /m/long/1", "A /long/1"),
            ("PUT /m/long/1", "B /1"),
            ("PUT /m", "404"),
        ],
    );
    check(
        &["A: H=a.org M=GET", "B: P=/x M=GET", "C: H=a.org P=/x"],
        &[("GET a.org/x", "C /"), ("GET b.org/x", "B /")],
    );
    check(
        &["A: Hd=k:1", "B: H=a.org", "C: P=/x", "D: M=GET"],
        &[
            ("GET a.org/x; k: 1", "B /x"),
            ("GET q/x; k: 1", "A /x"),
            ("GET q/x", "C /"),
            ("GET q/y", "D /y"),
        ],
    );
}

#[test]
fn names_of_encrypted_connections_select_routes() {
    check(
        &["A: S=s.org P=/", "B: P=/"],
        &[
            ("GET /x; sni: s.org", "A /x"),
            ("GET /x; sni: o.org", "B /x"),
            ("GET /x", "B /x"),
        ],
    );
    // Without encryption the name fits always; that https is needed is said later.
    check(
        &["A: S=s.org P=/"],
        &[("GET /x", "A /x"), ("GET /x; sni: o.org", "404")],
    );
}

#[test]
fn patterns_come_before_prefixes() {
    check(
        &[
            "A: P=/api/long/path",
            r"B: P=~/api/\d+",
            "C: P=~/api/.* prio=5",
        ],
        &[("GET /api/long/path/x", "C /"), ("GET /api/12/y", "C /")],
    );
    check(
        &[
            "A: P=/api/long/path",
            r"B: P=~/api/\d+$ age=1",
            r"C: P=~/api/\w+ age=2",
        ],
        &[
            ("GET /api/12", "B /"),
            ("GET /api/12/z", "C /z"),
            ("GET /api", "404"),
            ("GET /API/12", "404"),
        ],
    );
    check(
        &[
            "A: P=/r prio=100",
            "B: P=/r/long",
            "C: P=~/r/long/x$ prio=-1",
        ],
        &[("GET /r/long/y", "B /y"), ("GET /r/long/x", "C /")],
    );
    check_below(
        "/svc",
        &[r"A: P=/users,~/users/(?<id>\d+)/profile", "B: P=/users/42"],
        &[
            ("GET /users/42/profile/img", "A /svc/img"),
            ("GET /users/42", "B /svc"),
            ("GET /users", "A /svc"),
        ],
    );
}

#[test]
fn hosts_match_with_wildcards_and_ports() {
    check(
        &[
            "A: H=*.ex.com",
            "B: H=a.ex.com",
            "C: H=shop.*",
            "D: H=*.ex.com:8443",
        ],
        &[
            ("GET a.ex.com/", "B /"),
            ("GET b.ex.com/", "A /"),
            ("GET ex.com/", "404"),
            ("GET shop.de/", "C /"),
            ("GET b.ex.com:8443/", "D /"),
            ("GET a.ex.com:8443/", "D /"),
            ("GET x.b.ex.com:9/", "A /"),
        ],
    );
    check(
        &["A: H=*.ex.com P=/p", "B: H=a.ex.com"],
        &[("GET a.ex.com/p/1", "A /1"), ("GET a.ex.com/q", "B /q")],
    );
    check(
        &["A: H=h.org P=/ age=1", "B: H=h.org P=/ age=2"],
        &[("GET h.org/q", "A /q")],
    );
    check(
        &["A: H=h.org,*.h.org P=/", "B: H=h.org P=/"],
        &[("GET h.org/", "B /")],
    );
    check(
        &["A: H=h.org:8000", "B: H=h.org", "C: H=p.org:80"],
        &[
            ("GET h.org:8000/", "A /"),
            ("GET h.org:9000/", "B /"),
            ("GET p.org/", "C /"),
            ("GET p.org:80/", "C /"),
        ],
    );
    check(
        &[r"A: H=*.w.org P=~/x/\d+", "B: H=a.w.org P=/x"],
        &[("GET a.w.org/x/1", "B /1"), ("GET b.w.org/x/1", "A /")],
    );
    check(
        &["A: H=*.w.org:8000 P=/", "B: H=a.w.org P=/"],
        &[("GET a.w.org:8000/", "A /")],
    );
}

#[test]
fn headers_match_by_value_or_pattern() {
    check(
        &[
            "A: P=/ Hd=version:v1,v2",
            r"B: P=/ Hd=version:v1 Hd=x-env:~*^prod-\d+$",
            "C: P=/long/path",
            "D: P=/long Hd=version:v3",
        ],
        &[
            ("GET /long/path; version: V1", "A /long/path"),
            ("GET /; version: v1; x-env: PROD-12", "B /"),
            ("GET /long/path/y; version: v9", "C /y"),
            ("GET /; version: v9", "404"),
            ("GET /long; version: v9; version: v3", "D /"),
            ("GET /long/p; version: v3", "D /p"),
        ],
    );
}

#[test]
fn the_path_is_normalised_before_it_is_matched() {
    check_below(
        "/s",
        &["A: P=/pub", "B: P=/adm"],
        &[
            ("GET /pub/../adm/x", "B /s/x"),
            ("GET /pub/%2e%2e/adm", "B /s"),
            ("GET /pub/..%2fadm", "A /s/..%2Fadm"),
            ("GET /pub//x", "A /s/x"),
            ("GET /pub/./x", "A /s/x"),
            ("GET /%70ub/x", "A /s/x"),
            ("GET /pub%2Fx", "A /s/%2Fx"),
            ("GET /pub/%41%7e", "A /s/A~"),
            ("GET /pub/%20%22", "A /s/%20%22"),
            ("GET /PUB", "404"),
            ("GET /pub/..", "404"),
            ("GET /../pub/x", "A /s/x"),
            ("GET /pub/%252e%252e/adm", "A /s/%252e%252e/adm"),
            ("GET /pub;x=/../adm", "B /s"),
            ("GET /pub\\..\\adm", "A /s/%5C..%5Cadm"),
            ("GET /pub../x", "A /s/x"),
            ("GET /pub/%C3%A9", "A /s/%C3%A9"),
        ],
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn the_backend_path_is_joined_as_the_table_says() {
    let both = [true, false].as_slice();
    let yes = [true].as_slice();
    let no = [false].as_slice();
    // service, route (empty: matches by host), strip, request, v0, v1
    let cases = [
        ("/", "/", both, "/route/req", "/route/req", "/route/req"),
        ("/", "/route", no, "/routereq", "/routereq", "/routereq"),
        ("/", "/route", yes, "/route", "/", "/"),
        ("/", "/route", yes, "/route/", "/", "/"),
        ("/", "/route", yes, "/routereq", "/req", "/req"),
        ("/", "/route/", yes, "/route/req", "/req", "/req"),
        ("/srv", "/rou", no, "/roureq", "/srv/roureq", "/srvroureq"),
        ("/srv", "/rou", yes, "/roureq", "/srv/req", "/srvreq"),
        ("/srv/", "/rou", no, "/rou", "/srv/rou", "/srv/rou"),
        ("/srv/", "/rou", yes, "/rou", "/srv", "/srv/"),
        ("/service", "/", both, "/", "/service", "/service"),
        (
            "/service",
            "/",
            both,
            "/route",
            "/service/route",
            "/serviceroute",
        ),
        (
            "/service",
            "/route",
            no,
            "/route/",
            "/service/route/",
            "/serviceroute/",
        ),
        ("/service", "/route", yes, "/route", "/service", "/service"),
        (
            "/service",
            "/route",
            yes,
            "/route/",
            "/service/",
            "/service/",
        ),
        (
            "/service",
            "/route",
            yes,
            "/routereq",
            "/service/req",
            "/servicereq",
        ),
        (
            "/service",
            "/route/",
            no,
            "/route/req",
            "/service/route/req",
            "/serviceroute/req",
        ),
        (
            "/service",
            "/route/",
            yes,
            "/route/",
            "/service/",
            "/service",
        ),
        (
            "/service",
            "/route/",
            yes,
            "/route/req",
            "/service/req",
            "/servicereq",
        ),
        ("/service/", "/", both, "/", "/service/", "/service/"),
        (
            "/service/",
            "/",
            both,
            "/route/",
            "/service/route/",
            "/service/route/",
        ),
        (
            "/service/",
            "/route",
            no,
            "/routereq",
            "/service/routereq",
            "/service/routereq",
        ),
        (
            "/service/",
            "/route",
            yes,
            "/route",
            "/service",
            "/service/",
        ),
        (
            "/service/",
            "/route",
            yes,
            "/route/",
            "/service/",
            "/service/",
        ),
        (
            "/service/",
            "/route/",
            yes,
            "/route/req",
            "/service/req",
            "/service/req",
        ),
        ("/service", "", both, "/", "/service", "/service"),
        (
            "/service",
            "",
            both,
            "/route/",
            "/service/route/",
            "/serviceroute/",
        ),
        (
            "/service/",
            "",
            both,
            "/route",
            "/service/route",
            "/service/route",
        ),
        (
            "/service",
            "/route",
            yes,
            "/route./req",
            "/service/req",
            "/servicereq",
        ),
        (
            "/service",
            "/route",
            yes,
            "/route%2E%2E/req",
            "/service/req",
            "/servicereq",
        ),
        (
            "/service",
            "/route",
            no,
            "/route%2E/req",
            "/service/route./req",
            "/serviceroute./req",
        ),
    ];
    for (service, route, strips, request, v0, v1) in cases {
        let path = kong::path::normalise(request.as_bytes());
        let prefix = (!route.is_empty()).then_some(route.len());
        for strip in strips {
            for (handling, expected) in [(PathHandling::V0, v0), (PathHandling::V1, v1)] {
                let got = backend_path(service, handling, *strip, &path, prefix);
                let got = String::from_utf8(got.into_owned()).unwrap();
                assert_eq!(
                    got, expected,
                    "{service} {route} strip {strip} {request} {handling:?}"
                );
            }
        }
    }
}
