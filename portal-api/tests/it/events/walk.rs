//! Making the calls of a table, and looking at the events after each.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use http::Method;
use serde_json::{Value, json};
use service::ServiceName;

use super::{OLD_KINDS, setup};
use crate::{
    authorization::{ALL_SCOPES, ROUTES, Right, filled},
    support::{ADMIN, Client, DEVELOPER, TestApi},
};

/// A call and what it makes. `<name>` in a text stands for something that an earlier answer or event
/// had, `<+name>` in an event keeps it.
#[derive(Clone, Debug)]
pub struct Row {
    by: &'static str,
    call: String,
    body: Value,
    headers: Vec<(&'static str, String)>,
    keeps: Vec<(&'static str, &'static str)>,
    keeps_text: Option<&'static str>,
    refused: Option<u16>,
    is_patient: bool,
    /// `[[kind, data], …]`, in this order.
    events: Value,
}

/// `by` is a user or a service; `body` may be `null`.
pub fn row(by: &'static str, call: impl Into<String>, body: Value, events: Value) -> Row {
    Row {
        by,
        call: call.into(),
        body,
        headers: Vec::new(),
        keeps: Vec::new(),
        keeps_text: None,
        refused: None,
        is_patient: false,
        events,
    }
}

/// A call to find something out.
pub fn look(by: &'static str, call: impl Into<String>) -> Row {
    row(by, call, Value::Null, json!([]))
}

impl Row {
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Remembers a part of the answer.
    pub fn keep(mut self, name: &'static str, pointer: &'static str) -> Self {
        self.keeps.push((name, pointer));
        self
    }

    /// Remembers an answer that is no JSON, or is kept as it is.
    pub fn keep_text(mut self, name: &'static str) -> Self {
        self.keeps_text = Some(name);
        self
    }

    pub fn refused(mut self, status: u16) -> Self {
        self.refused = Some(status);
        self
    }

    /// What the row waits for comes later than the answer.
    pub fn patient(mut self) -> Self {
        self.is_patient = true;
        self
    }
}

pub struct Walk<'a> {
    pub api: &'a TestApi,
    pub known: BTreeMap<String, Value>,
    last_seq: i64,
    done: BTreeSet<(String, String)>,
    /// Everything that was not as it should be: one fault rarely comes alone.
    wrong: Vec<String>,
}

impl<'a> Walk<'a> {
    /// Registers one listener for everything, and one as the programs of wicked do.
    pub async fn begin(api: &'a TestApi) -> Self {
        let admin = api.user(ADMIN, ALL_SCOPES);
        let all = json!({"id": "everything", "mode": "pull", "events": ["*"], "sensitive": true});
        let old = json!({"id": "old-one", "url": "http://127.0.0.1:9/"});
        for listener in [all, old] {
            let path = format!("/webhooks/listeners/{}", listener["id"].as_str().unwrap());
            admin.put(&path, listener).await.expect(200);
        }
        Self::go_on(api, setup::known(api))
    }

    /// Goes on after a restart.
    pub fn go_on(api: &'a TestApi, known: BTreeMap<String, Value>) -> Self {
        Self {
            api,
            known,
            last_seq: 0,
            done: BTreeSet::new(),
            wrong: Vec::new(),
        }
    }

    /// What is known, for after a restart.
    pub fn leave(self) -> BTreeMap<String, Value> {
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
        self.known
    }

    /// The routes that were called.
    pub fn end(self) -> BTreeSet<(String, String)> {
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
        self.done
    }

    pub async fn through(&mut self, rows: Vec<Row>) {
        for row in rows {
            self.step(&row).await;
        }
    }

    pub async fn step(&mut self, row: &Row) {
        let (method, path) = row.call.split_once(' ').unwrap();
        let path = self.text(path);
        let body = Some(self.resolve(&row.body, None)).filter(|body| !body.is_null());
        let method: Method = method.parse().unwrap();
        let begun = Instant::now();
        loop {
            let mut client = self.client(row.by);
            for (name, value) in &row.headers {
                client = client.header(name, self.text(value));
            }
            let answer = client.send(method.clone(), &path, body.clone()).await;
            let is_as_wanted = match row.refused {
                Some(status) => answer.status == status,
                None => answer.status < 300,
            };
            if !is_as_wanted {
                let answer = format!("{} {}", answer.status, answer.text());
                self.wrong
                    .push(format!("{} by {}: {answer}", row.call, row.by));
                break;
            }
            if let Some(name) = row.keeps_text {
                self.known.insert(name.to_owned(), answer.text().into());
            }
            let found = |(name, pointer): &(&str, &str)| {
                let value = answer.json().pointer(pointer).cloned();
                value.map(|value| ((*name).to_owned(), value))
            };
            let kept: Option<Vec<_>> = row.keeps.iter().map(found).collect();
            if let Some(kept) = kept {
                self.known.extend(kept);
                break;
            }
            let is_early = begun.elapsed() < Duration::from_secs(20);
            assert!(row.is_patient && is_early, "{row:?}: {}", answer.text());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if method != Method::GET && row.refused.is_none() {
            self.done.insert(route(&method, &path));
        }
        let what = format!("{}: {} by {}", self.api.database(), row.call, row.by);
        self.expect(&what, &row.events, row.is_patient).await;
    }

    /// Compares the events since the last call with `expected`.
    pub async fn expect(&mut self, what: &str, expected: &Value, is_patient: bool) {
        let begun = Instant::now();
        let count = expected.as_array().unwrap().len();
        let mut told = self.queue("everything").await;
        while is_patient && told.len() < count && begun.elapsed() < Duration::from_secs(20) {
            tokio::time::sleep(Duration::from_millis(5)).await;
            told = self.queue("everything").await;
        }
        let old = self.queue("old-one").await;
        let mut shown = Vec::new();
        let mut for_old = Vec::new();
        for event in &told {
            self.check_frame(event);
            let kind = kind(event);
            shown.push(json!([kind, event["data"]]));
            if OLD_KINDS.contains(&kind.as_str()) {
                for_old.push(without_secrets(event, &kind));
            }
        }
        let shown = Value::Array(shown);
        let expected = self.resolve(expected, Some(&shown));
        if shown != expected {
            self.wrong
                .push(format!("{what}: told {shown:#} instead of {expected:#}"));
        }
        if old != for_old {
            self.wrong
                .push(format!("{what}: told a listener of wicked {old:?}"));
        }
        // Those that were looked at; others may have come meanwhile.
        let admin = self.api.user(ADMIN, ALL_SCOPES);
        for (listener, events) in [("everything", &told), ("old-one", &old)] {
            for event in events {
                let path = format!(
                    "/webhooks/events/{listener}/{}",
                    event["id"].as_str().unwrap()
                );
                admin.delete(&path).await.expect(204);
            }
        }
    }

    /// What every event has beside its data (events-and-adapters A2, B2).
    fn check_frame(&mut self, event: &Value) {
        let members: BTreeSet<_> = event.as_object().unwrap().keys().collect();
        let expected = ["action", "data", "entity", "id", "seq", "utc"];
        assert!(members.into_iter().eq(expected), "{event}");
        let id: uuid::Uuid = event["id"].as_str().unwrap().parse().unwrap();
        assert_eq!(id.get_version_num(), 7, "sortable by time");
        let age = service::clock::now().timestamp() - event["utc"].as_i64().unwrap();
        assert!((0..60).contains(&age), "{event}");
        let seq = event["seq"].as_i64().unwrap();
        assert!(seq > self.last_seq, "{seq} after {}", self.last_seq);
        self.last_seq = seq;
    }

    async fn queue(&self, listener: &str) -> Vec<Value> {
        let path = format!("/webhooks/events/{listener}");
        let admin = self.api.user(ADMIN, ALL_SCOPES);
        let events = admin.get(&path).await.expect(200).json();
        events.as_array().unwrap().clone()
    }

    /// A call that no row can make has been made.
    pub async fn did(&mut self, method: &str, route: &str, events: &Value) {
        self.done.insert((method.to_owned(), route.to_owned()));
        self.expect(&format!("{method} {route}"), events, false)
            .await;
    }

    pub fn client(&self, by: &str) -> Client<'a> {
        let services = [
            ServiceName::AuthServer,
            ServiceName::GatewayAdapter,
            ServiceName::PortalApi,
        ];
        let service = services.into_iter().find(|service| service.as_str() == by);
        match service {
            Some(service) => self.api.service(service),
            None if by == "nobody" => self.api.anonymous(),
            None => self.api.user(&self.text(by), ALL_SCOPES),
        }
    }

    /// Operations that are refused tell nobody.
    pub async fn refusals(&mut self) {
        for (method, path, right) in ROUTES {
            if *method == "GET" || matches!(right, Right::Open | Right::Internal) {
                continue;
            }
            let verb: Method = method.parse().unwrap();
            let body = (verb != Method::DELETE).then(|| json!({}));
            let caller = self.api.user(DEVELOPER, "");
            let answer = caller.send(verb, &filled(path), body).await;
            assert!(matches!(answer.status, 401 | 403), "{method} {path}");
        }
        self.expect("refused calls", &json!([]), false).await;
    }

    /// With names replaced by what they stand for; `actual` is what stands at the same place.
    fn resolve(&mut self, value: &Value, actual: Option<&Value>) -> Value {
        match value {
            Value::String(text) => {
                if let (Some(name), Some(actual)) = (
                    text.strip_prefix("<+")
                        .and_then(|rest| rest.strip_suffix('>')),
                    actual,
                ) {
                    self.known.insert(name.to_owned(), actual.clone());
                    return actual.clone();
                }
                let name = text
                    .strip_prefix('<')
                    .and_then(|rest| rest.strip_suffix('>'));
                match name.and_then(|name| self.known.get(name)) {
                    Some(known) => known.clone(),
                    None => self.text(text).into(),
                }
            }
            Value::Array(all) => {
                let each = all.iter().enumerate();
                each.map(|(index, one)| self.resolve(one, actual.and_then(|all| all.get(index))))
                    .collect()
            }
            Value::Object(all) => {
                let each = all.iter();
                each.map(|(name, one)| {
                    let actual = actual.and_then(|all| all.get(name));
                    (name.clone(), self.resolve(one, actual))
                })
                .collect()
            }
            other => other.clone(),
        }
    }

    fn text(&self, text: &str) -> String {
        self.known
            .iter()
            .fold(text.to_owned(), |text, (name, value)| {
                let name = format!("<{name}>");
                match value {
                    Value::String(value) => text.replace(&name, value),
                    other => text.replace(&name, &other.to_string()),
                }
            })
    }
}

fn kind(event: &Value) -> String {
    let part = |name: &str| event[name].as_str().unwrap();
    format!("{}.{}", part("entity"), part("action"))
}

/// As a listener sees it that may not see secrets.
fn without_secrets(event: &Value, kind: &str) -> Value {
    let mut event = event.clone();
    if matches!(
        kind,
        "verification_email.add" | "verification_lostpassword.add"
    ) {
        let data = event["data"].as_object_mut().unwrap();
        assert!(data.remove("id").is_some() && data.remove("link").is_some());
    }
    event
}

/// The route that serves a path: the one with the fewest parameters that fits.
fn route(method: &Method, path: &str) -> (String, String) {
    let path = path.split('?').next().unwrap();
    let parts: Vec<_> = path.split('/').collect();
    let fits = |pattern: &str| {
        let pattern: Vec<_> = pattern.split('/').collect();
        let is_same = |(wanted, part): (&&str, &&str)| wanted.starts_with('{') || wanted == part;
        pattern.len() == parts.len() && pattern.iter().zip(&parts).all(is_same)
    };
    let (method, pattern, _) = ROUTES
        .iter()
        .filter(|(verb, pattern, _)| *verb == method.as_str() && fits(pattern))
        .min_by_key(|(_, pattern, _)| pattern.matches('{').count())
        .unwrap_or_else(|| panic!("no route for {method} {path}"));
    ((*method).to_owned(), (*pattern).to_owned())
}
