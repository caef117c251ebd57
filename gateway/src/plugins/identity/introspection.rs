//! `source: introspection`: the auth server is asked what a token stands for (RFC 7662), because it
//! says nothing itself. Answers are remembered for a moment; a token that its auth server has ended
//! since is refused all the same, by the list that is told to this gateway.

use std::{
    collections::HashMap,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use http::{HeaderValue, StatusCode, header::AUTHORIZATION};
use ring::digest::{Context, SHA256};
use serde_json::{Map, Value};
use service::revocations::Names;
use tokio::{runtime::Handle, sync::Semaphore};

use super::{Config, Identity, OnMissing};
use crate::{
    plugins::{
        Credential, Verdict,
        authentication::{self, accept, bearer},
        jwt::Origin,
    },
    proxy::{Answer, Exchange},
    worker::Worker,
};

/// Longer tokens are refused before anybody is asked.
const MAX_TOKEN: usize = 16 * 1024;
/// Longer answers are none.
const MAX_ANSWER: usize = 64 * 1024;
/// Without an answer in this time the call is refused.
const PATIENCE: Duration = Duration::from_secs(2);
/// Questions under way at a time; further calls wait, within the same patience.
const AT_ONCE: usize = 256;
/// Seconds for which an answer is remembered, unless something else is written.
const REMEMBERED_FOR: f64 = 5.0;
/// Remembered answers per worker.
const CAPACITY: usize = 4096;

/// Whom to ask, and how.
pub struct Question {
    url: String,
    authorization: HeaderValue,
    remembered_for: Duration,
}

impl Question {
    pub fn new(config: &Config) -> Result<Self, String> {
        let url = config.introspection_url.clone();
        let token = config.introspection_token.as_deref().unwrap_or_default();
        let mut authorization = crate::plugins::header_value(&format!("Bearer {token}"))?;
        authorization.set_sensitive(true);
        let remembered_for = config.cache_ttl.unwrap_or(REMEMBERED_FOR);
        Ok(Self {
            url: url.ok_or("introspection_url is missing")?,
            authorization,
            remembered_for: Duration::from_secs_f64(remembered_for.clamp(0.0, 60.0)),
        })
    }
}

/// What a token stands for, or nothing.
type Meaning = Option<Rc<Map<String, Value>>>;

/// Answers that one worker remembers, by the digest of address and token.
#[derive(Default)]
pub struct Asked(HashMap<[u8; 32], (Instant, Meaning)>);

impl Asked {
    fn get(&self, digest: &[u8; 32]) -> Option<Meaning> {
        let (until, meaning) = self.0.get(digest)?;
        (*until > Instant::now()).then(|| meaning.clone())
    }

    fn insert(&mut self, digest: [u8; 32], until: Instant, meaning: Meaning) {
        if self.0.len() >= CAPACITY {
            let now = Instant::now();
            self.0.retain(|_, (until, _)| *until > now);
            if self.0.len() >= CAPACITY {
                self.0.clear();
            }
        }
        self.0.insert(digest, (until, meaning));
    }
}

/// Asks on the runtime that all workers share, whose connections outlive theirs.
pub struct Introspector {
    runtime: Handle,
    slots: Arc<Semaphore>,
}

impl Introspector {
    /// On the runtime of the caller.
    pub fn here() -> Self {
        Self {
            runtime: Handle::current(),
            slots: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// The members of the answer; nothing if there is none in time.
    async fn ask(&self, question: &Question, token: String) -> Option<Map<String, Value>> {
        let slots = self.slots.clone();
        let (url, authorization) = (question.url.clone(), question.authorization.clone());
        let asking = self
            .runtime
            .spawn(tokio::time::timeout(PATIENCE, async move {
                let _slot = slots.acquire_owned().await.ok()?;
                match call(&url, authorization, &token).await {
                    Ok(members) => Some(members),
                    Err(reason) => {
                        tracing::warn!("the auth server was asked in vain about a token: {reason}");
                        None
                    }
                }
            }));
        match asking.await {
            Ok(Ok(members)) => members,
            Ok(Err(_)) => {
                tracing::warn!("the auth server does not answer what a token stands for");
                None
            }
            Err(_) => None,
        }
    }
}

async fn call(
    url: &str,
    authorization: HeaderValue,
    token: &str,
) -> Result<Map<String, Value>, String> {
    let text = |error: reqwest::Error| error.without_url().to_string();
    let request = service::http::client()
        .post(url)
        .header(AUTHORIZATION, authorization)
        .form(&[("token", token)])
        .timeout(PATIENCE);
    let response = request.send().await.map_err(text)?;
    if !response.status().is_success() {
        return Err(format!("status {}", response.status()));
    }
    let body = service::http::read_at_most(response, MAX_ANSWER).await;
    let body = body.map_err(|error| error.to_string())?;
    serde_json::from_slice(&body).map_err(|error| error.to_string())
}

impl Identity {
    /// The access phase of a plugin that [`asks`](Self::asks).
    pub async fn ask(&self, exchange: &mut Exchange<'_>, worker: &Worker) -> Verdict {
        self.remove_headers(exchange);
        let Some(question) = &self.question else {
            return Answer::internal_error().into();
        };
        let mut headers = exchange.head.headers.get_all(AUTHORIZATION).iter();
        let token = match (headers.next(), headers.next()) {
            (Some(_), Some(_)) => return self.unauthorized("Multiple tokens provided"),
            (value, _) => value.and_then(|value| bearer(value.to_str().ok()?)),
        };
        let Some(token) = token else {
            return match self.config.on_missing {
                OnMissing::Deny => {
                    authentication::unauthorized("Unauthorized", &self.challenge).into()
                }
                OnMissing::Pass => Verdict::Continue,
            };
        };
        if token.len() > MAX_TOKEN {
            return self.unauthorized("Bad token: too long");
        }
        let token = token.to_owned();
        let meaning = match self.meaning(question, token, worker).await {
            Ok(Some(meaning)) => meaning,
            Ok(None) => return self.unauthorized("The token is not active"),
            Err(answer) => return answer.into(),
        };
        let text = |member: &str| meaning.get(member).and_then(Value::as_str);
        let consumer = text("subscription").and_then(|id| worker.live().directory.consumer_of(id));
        let Some(consumer) = consumer else {
            return self.unauthorized("No credentials found for this token");
        };
        let credential = Credential {
            id: consumer.id(),
            identifier: text("client_id").and_then(|id| HeaderValue::from_str(id).ok()),
        };
        accept(exchange, consumer, credential);
        self.pass_on(exchange, &meaning, Origin::Header(AUTHORIZATION))
    }

    /// What a token stands for now.
    async fn meaning(
        &self,
        question: &Question,
        token: String,
        worker: &Worker,
    ) -> Result<Meaning, Answer> {
        let digest = digest(&question.url, &token);
        let known = worker.asked().get(&digest);
        let meaning = if let Some(meaning) = known {
            meaning
        } else {
            let members = worker.shared.introspector.ask(question, token).await;
            let Some(members) = members else {
                let text = "Tokens cannot be checked right now";
                return Err(Answer::new(StatusCode::SERVICE_UNAVAILABLE, text));
            };
            let is_active = members.get("active") == Some(&Value::Bool(true));
            let meaning = is_active.then(|| Rc::new(members));
            let until = Instant::now() + question.remembered_for;
            worker.asked().insert(digest, until, meaning.clone());
            meaning
        };
        Ok(meaning.filter(|meaning| counts(meaning, worker)))
    }
}

/// Whether a token still counts that did when its auth server was asked.
fn counts(members: &Map<String, Value>, worker: &Worker) -> bool {
    let now = service::clock::now().timestamp();
    let number = |member: &str| members.get(member).and_then(Value::as_i64);
    let text = |member: &str| members.get(member).and_then(Value::as_str);
    let names = Names {
        iss: text("iss").unwrap_or_default(),
        jti: text("jti"),
        sid: text("sid"),
        sub: text("sub"),
        iat: number("iat"),
    };
    number("exp").is_none_or(|exp| exp > now) && !worker.live().revoked.load().contains(names)
}

fn digest(url: &str, token: &str) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(url.as_bytes());
    context.update(&[0]);
    context.update(token.as_bytes());
    let digest = context.finish();
    digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
}
