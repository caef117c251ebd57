use std::{net::SocketAddr, rc::Rc, sync::Arc};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Uri,
    header::{CONTENT_TYPE, PROXY_AUTHORIZATION},
};
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use uuid::Uuid;

use super::NOW;
use crate::{
    document::{self, Document},
    live::Live,
    maintenance::Maintenance,
    plugins::{self, Verdict, basic_auth::rehash, usage},
    proxy::{self, Connection, Exchange, Source},
    settings::{Bound, Settings},
    store::Tables,
    worker::{Shared, Worker},
};

/// A gateway without sockets, with a route for each way to say who one is, and one for all else.
pub struct Requests {
    runtime: Runtime,
    worker: Rc<Worker>,
    connection: Rc<Connection>,
    _folder: TempDir,
}

/// The routes that nobody may pass without a consumer.
const LOCKED: &[&str] = &["key", "jwt", "hmac", "basic"];

impl Default for Requests {
    fn default() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("the operating system gives a runtime");
        let folder = tempfile::tempdir().expect("a folder");
        let worker = {
            let _entered = runtime.enter();
            Rc::new(Worker::new(0, Arc::new(shared(folder.path()))))
        };
        let here = SocketAddr::from(([127, 0, 0, 1], 8000));
        Self {
            runtime,
            worker,
            connection: Rc::new(Connection::new(here, here, 8000, 0, None)),
            _folder: folder,
        }
    }
}

fn shared(folder: &std::path::Path) -> Shared {
    let mut tables = Tables::default();
    let loaded = document::load(&mut tables, Document::new(configuration()), NOW);
    if let Err(faulty) = loaded {
        panic!("{}", serde_json::Value::Object(*faulty.error(false).fields));
    }
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    let bound = Bound::new(free, free, free).expect("free ports");
    let settings = Settings::new(bound, folder.to_owned());
    let live = Arc::new(Live::new(&tables, Maintenance::default()));
    let (intake, _) = usage::Intake::new();
    let (rehashed, _) = rehash::channel();
    Shared::new(&settings, live, intake, rehashed, Uuid::nil()).expect("settings are valid")
}

fn configuration() -> serde_json::Value {
    let route = |name: &str| json!([{"name": name, "paths": [format!("/{name}")]}]);
    let service = |name: &str, plugins| json!({"name": name, "url": "http://backend", "routes": route(name), "plugins": plugins});
    json!({
        "_format_version": "3.0",
        "services": [
            service("key", json!([{"name": "key-auth", "config": {"key_in_body": true, "hide_credentials": true}}, {"name": "acl", "config": {"allow": ["readers"]}}])),
            service("jwt", json!([
                {"name": "jwt", "config": {
                    "cookie_names": ["t"], "claims_to_verify": ["exp", "nbf"], "maximum_expiration": 3600,
                }},
                {"name": "wicketgate-identity", "config": {"required_scopes": ["read"], "remove_token": true}},
            ])),
            service("hmac", json!([{"name": "hmac-auth", "config": {
                "clock_skew": 1_000_000_000, "validate_request_body": true, "hide_credentials": true,
            }}])),
            service("basic", json!([{"name": "basic-auth", "config": {"hide_credentials": true}}])),
            service("open", json!([
                {"name": "correlation-id", "config": {"echo_downstream": true, "generator": "tracker"}},
                {"name": "bot-detection", "config": {"deny": ["^evil"]}},
                {"name": "cors", "config": {"origins": ["https://a.example", ".*\\.b\\.example"], "credentials": true}},
                {"name": "ip-restriction", "config": {"allow": ["127.0.0.0/8"]}},
                {"name": "request-size-limiting", "config": {"allowed_payload_size": 1}},
                {"name": "rate-limiting", "config": {"second": 4_000_000_000_u32, "limit_by": "header", "header_name": "x-who"}},
                {"name": "response-ratelimiting", "config": {"limits": {"v": {"year": 3}}, "limit_by": "ip"}},
                {"name": "request-transformer", "config": {
                    "remove": {"headers": ["x-a"], "querystring": ["a"], "body": ["a"]},
                    "rename": {"headers": ["x-b:x-c"], "querystring": ["b:c"], "body": ["b:c"]},
                    "replace": {"headers": ["x-d:$(headers[\"x-e\"] or 'no')"], "querystring": ["d:$(query_params.e)"]},
                    "add": {"headers": ["x-f:$(uri_captures[1])"], "body": ["f:1"]},
                    "append": {"headers": ["x-g:1"], "querystring": ["g:1"], "body": ["g:1"]},
                }},
                {"name": "response-transformer", "config": {
                    "remove": {"json": ["a"]}, "add": {"json": ["b:1"], "json_types": ["number"], "headers": ["x:1"]},
                }},
                {"name": "proxy-cache", "config": {"strategy": "memory", "cache_control": true, "vary_headers": ["x-a"]}},
                {"name": "request-termination", "config": {"trigger": "x-end", "echo": true}},
            ])),
            service("away", json!([{"name": "redirect", "config": {
                "location": "https://shop.example/start?a=1", "keep_incoming_path": true,
            }}])),
            service("data", json!([{"name": "data-service", "config": {"database": "sample", "operations": [
                {"path": "/products", "sql": "select id, name, price from products where (:category is null or category = :category) \
                  and price <= :most and available = :available order by id limit :limit", "parameters": [
                    {"name": "category", "max_length": 20, "pattern": "[a-z]+"},
                    {"name": "most", "type": "number", "minimum": 0, "default": 100.0},
                    {"name": "available", "type": "boolean", "default": true},
                    {"name": "limit", "type": "integer", "minimum": 1, "maximum": 5, "default": 2},
                ]},
                {"path": "/products/{id}", "rows": "one", "sql": "select id, name from products where id = :id",
                 "parameters": [{"name": "id", "in": "path", "type": "integer"}]},
                {"method": "POST", "path": "/echo", "rows": "one", "sql": "select :id as id, :text || :day || :at as text",
                 "parameters": [
                    {"name": "id", "in": "body", "type": "uuid", "required": true}, {"name": "text", "in": "body", "enum": ["a", "b"]},
                    {"name": "day", "in": "body", "type": "date"}, {"name": "at", "in": "body", "type": "date-time"},
                ]},
            ]}}])),
            service("facade", json!([{"name": "compose", "config": {
                "backends": {"b": {"url": "http://backend"}},
                "operations": [{"method": "POST", "path": "/both/{name}", "steps": [
                    {"name": "one", "backend": "b", "path": "/one/{path.name}", "query": {"q": "query.q"}, "headers": {"x-v": "body.v"}},
                ]}],
            }}])),
        ],
        "consumers": [{
            "username": "ada",
            "acls": [{"group": "readers"}],
            "keyauth_credentials": [{"key": "the-key"}],
            "basicauth_credentials": [{"username": "ada", "password": "p"}],
            "hmacauth_credentials": [{"username": "ada", "secret": "s"}],
            "jwt_secrets": [{"key": "k", "secret": "secret", "algorithm": "HS256"}],
        }],
    })
}

impl Requests {
    /// A request as text: its line, headers, an empty line, the body. It passes the plugins of its
    /// route, or is refused.
    pub fn run(&self, input: &[u8]) {
        let Some((request, body)) = read(input) else {
            return;
        };
        let (mut head, ()) = request.into_parts();
        let uri = std::mem::take(&mut head.uri);
        let traffic = &self.worker.shared.rules.traffic;
        if proxy::check(&head, &uri, &self.connection, traffic).is_err() {
            return;
        }
        let path = kong::path::normalise(uri.path().as_bytes()).into_owned();
        let shown = head.headers.get(PROXY_AUTHORIZATION).cloned();
        proxy::clean_request(&mut head.headers, false, &[]);
        let routing = self.worker.routing();
        let named = routing.routes.iter().find(|target| {
            let name = target.label.as_bytes();
            path.get(1..).is_some_and(|path| path.starts_with(name))
        });
        let Some(target) = named else { return };
        let client = self.connection.peer.ip();
        let mut exchange = Exchange::new(head, &uri, &path, &self.connection, client, 1, target);
        exchange.matched = Some(target.label.len() + 1);
        exchange.proxy_authorization = shown;
        exchange.body = (!body.is_empty()).then_some(Source::Kept(body));
        let run = proxy::run_plugins(&mut exchange, target, &self.worker);
        let verdict = self.runtime.block_on(run);
        match verdict {
            Verdict::Continue => {
                let is_known = exchange.consumer.is_some();
                assert!(
                    is_known || !LOCKED.contains(&&*target.label),
                    "unknown, and let in"
                );
            }
            Verdict::Answer(answer) => {
                assert_ne!(
                    answer.status, 500,
                    "a client must not be able to cause this"
                );
            }
        }
        let transformer = plugins::response_transformer(target, exchange.consumer.as_deref());
        let mut edits = std::mem::take(&mut exchange.response);
        edits.transform(transformer);
        let json = HeaderValue::from_static("application/json");
        let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, json)]);
        if let Some(transformer) = edits.apply(&mut headers)
            && let Some(Source::Kept(body)) = exchange.body
        {
            transformer.change_body(body);
        }
    }
}

/// As far as a server would take it.
fn read(input: &[u8]) -> Option<(Request<()>, Bytes)> {
    let end = input.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = match end {
        Some(end) => (&input[..end], &input[end + 2..]),
        None => (input, &[][..]),
    };
    let mut lines = head.split(|byte| *byte == b'\n');
    let line = std::str::from_utf8(lines.next()?).ok()?;
    let (method, target) = line.split_once(' ')?;
    let mut request = Request::new(());
    *request.method_mut() = method.parse().ok()?;
    *request.uri_mut() = target.parse::<Uri>().ok()?;
    // A text may end with its last line.
    for line in lines.filter(|line| !line.is_empty()) {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
        request.headers_mut().append(name, value);
    }
    Some((request, Bytes::copy_from_slice(body)))
}
