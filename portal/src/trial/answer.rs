//! What a call brought, as pages and scripts show it.

use askama::Template;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use ui::{Html, Icon, Lang, format, texts};

use super::{
    call::Call,
    credential::Carried,
    send::{Answer, Silence},
};
use crate::reference::{Language, highlight};

/// Longer bodies are shown up to here.
const SHOWN: usize = 256 << 10;
/// Longer ones are shown without colours, which cost more than the text.
const PAINTED: usize = 64 << 10;

/// Request and answer, side by side.
#[derive(Template)]
#[template(path = "trial/answer.html")]
pub struct AnswerView {
    t: texts::Trial,
    method: String,
    url: String,
    request_headers: Vec<(String, String)>,
    request_body: Option<Html>,
    curl: Html,
    outcome: Result<Came, &'static str>,
}

struct Came {
    status: u16,
    reason: &'static str,
    class: &'static str,
    time: String,
    size: String,
    headers: Vec<(String, String)>,
    body: Option<Html>,
    /// In place of the body, or beside it.
    note: Option<String>,
    /// What the gateway says about the plan's limits, and the id of the call.
    facts: Vec<(&'static str, String)>,
}

impl AnswerView {
    pub fn new(
        lang: Lang,
        call: &Call,
        credential: Option<&Carried>,
        outcome: &Result<Answer, Silence>,
    ) -> Self {
        let t = texts::Trial(lang);
        Self {
            method: call.method.to_string(),
            url: call.url.to_string(),
            request_headers: request_headers(call, credential, |carried| carried.masked.clone()),
            request_body: (!call.body.is_empty()).then(|| painted(&call.body)),
            curl: highlight::code(Language::Curl, &curl(call, credential)),
            outcome: match outcome {
                Ok(answer) => Ok(Came::new(answer, t)),
                Err(silence) => Err(silent(*silence, t)),
            },
            t,
        }
    }

    pub fn html(&self) -> Html {
        Html::of(self)
    }
}

impl Came {
    fn new(answer: &Answer, t: texts::Trial) -> Self {
        let (body, note) = body(answer, t);
        let lang = t.0;
        Self {
            status: answer.status.as_u16(),
            reason: answer.status.canonical_reason().unwrap_or_default(),
            class: match answer.status.as_u16() {
                200..=299 => "code-status code-status-2",
                400..=499 => "code-status code-status-4",
                500.. => "code-status code-status-5",
                _ => "code-status",
            },
            time: t.milliseconds(format::number(lang, millis(answer))),
            size: t.bytes(format::number(lang, answer.body.len() as u64)),
            facts: facts(&answer.headers, t),
            headers: headers(&answer.headers),
            body,
            note,
        }
    }
}

/// The same for scripts.
pub fn json(call: &Call, credential: Option<&Carried>, answer: &Answer) -> Value {
    let object = |pairs: Vec<(String, String)>| -> Vec<Value> {
        let pairs = pairs.into_iter();
        pairs
            .map(|(name, value)| json!({"name": name, "value": value}))
            .collect()
    };
    let masked = request_headers(call, credential, |carried| carried.masked.clone());
    let body = std::str::from_utf8(&answer.body).ok();
    json!({
        "request": {
            "method": call.method.as_str(), "url": call.url.as_str(), "headers": object(masked),
            "body": call.body, "curl": curl(call, credential),
        },
        "status": answer.status.as_u16(),
        "headers": object(headers(&answer.headers)),
        "body": body,
        "size": answer.body.len(),
        "durationMs": millis(answer),
    })
}

pub fn silent(silence: Silence, t: texts::Trial) -> &'static str {
    match silence {
        Silence::Away => t.away(),
        Silence::Late => t.late(),
        Silence::TooLong => t.too_long(),
    }
}

fn millis(answer: &Answer) -> u64 {
    u64::try_from(answer.duration.as_millis()).unwrap_or(u64::MAX)
}

fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .take(100)
        .map(|(name, value)| (name.to_string(), text(value)))
        .collect()
}

fn request_headers(
    call: &Call,
    credential: Option<&Carried>,
    shown: impl Fn(&Carried) -> String,
) -> Vec<(String, String)> {
    let carried = credential.map(|carried| (carried.name.to_string(), shown(carried)));
    let own = call.headers.iter();
    let own = own.map(|(name, value)| (name.to_string(), text(value)));
    carried.into_iter().chain(own).collect()
}

fn facts(headers: &HeaderMap, t: texts::Trial) -> Vec<(&'static str, String)> {
    let of = |names: &[HeaderName]| {
        let found = names.iter().find_map(|name| headers.get(name));
        found.map(text)
    };
    let name = HeaderName::from_static;
    [
        (
            t.remaining(),
            of(&[
                name("ratelimit-remaining"),
                name("x-ratelimit-remaining-minute"),
                name("x-ratelimit-remaining-hour"),
                name("x-ratelimit-remaining-day"),
            ]),
        ),
        (
            t.correlation_id(),
            of(&[
                name("correlation-id"),
                name("x-correlation-id"),
                name("x-request-id"),
            ]),
        ),
    ]
    .into_iter()
    .filter_map(|(label, value)| Some((label, value?)))
    .collect()
}

/// What can be read of the body, and why there is no more of it.
fn body(answer: &Answer, t: texts::Trial) -> (Option<Html>, Option<String>) {
    if answer.body.is_empty() {
        return (None, Some(t.no_body().to_owned()));
    }
    let Ok(text) = std::str::from_utf8(&answer.body) else {
        return (None, Some(t.not_text().to_owned()));
    };
    let json: Option<Value> = (text.len() <= PAINTED)
        .then(|| serde_json::from_str(text).ok())
        .flatten();
    if let Some(value) = json {
        return (Some(highlight::json(&value)), None);
    }
    let mut end = text.len().min(SHOWN);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let note = (end < text.len()).then(|| t.cut().to_owned());
    (Some(painted(&text[..end])), note)
}

fn painted(text: &str) -> Html {
    if text.len() > PAINTED {
        return highlight::plain(text);
    }
    match serde_json::from_str::<Value>(text) {
        Ok(value) => highlight::json(&value),
        Err(_) => highlight::plain(text),
    }
}

/// The call for a shell, with a variable in place of the secret.
fn curl(call: &Call, credential: Option<&Carried>) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
    let mut lines = vec![format!(
        "curl -X {} {}",
        call.method,
        quoted(call.url.as_str())
    )];
    if let Some(carried) = credential {
        let is_bearer = carried.placeholder == "$TOKEN";
        let value = if is_bearer { "Bearer " } else { "" };
        // Double quotes, so that the shell puts the reader's variable in.
        let (name, placeholder) = (&carried.name, carried.placeholder);
        lines.push(format!("  -H \"{name}: {value}{placeholder}\""));
    }
    let own = call.headers.iter();
    lines.extend(
        own.map(|(name, value)| format!("  -H {}", quoted(&format!("{name}: {}", text(value))))),
    );
    if !call.body.is_empty() {
        lines.push(format!("  --data-raw {}", quoted(&call.body)));
    }
    lines.join(" \\\n")
}
