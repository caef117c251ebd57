use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderName, HeaderValue, Method};
use ring::hmac;
use serde::Deserialize;

use super::{
    Verdict,
    authentication::{self, Credential},
    request_fields::RequestFields,
    transformer::Change,
};
use crate::{live::KeyEntry, proxy::Exchange, worker::Worker};

#[derive(Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "the flags are Kong's")]
pub struct Config {
    key_names: Vec<String>,
    key_in_header: bool,
    key_in_query: bool,
    key_in_body: bool,
    hide_credentials: bool,
    anonymous: Option<String>,
    realm: Option<String>,
    run_on_preflight: bool,
    digest_key: Option<String>,
}

/// A client shows an API key.
pub struct KeyAuth {
    config: Config,
    headers: Vec<HeaderName>,
    digest_key: Option<hmac::Key>,
    challenge: HeaderValue,
}

/// Where a key was found: by which of the names, and the key.
enum Found {
    Header(usize, HeaderValue),
    Query(usize, String),
    Body(usize, String),
}

enum Search {
    Nothing,
    /// Several keys under one name: which one counts would be a guess.
    Ambiguous,
    Key(Found),
}

impl KeyAuth {
    pub fn new(config: Config) -> Result<Self, String> {
        let headers = config.key_names.iter().map(|name| super::header_name(name));
        let digest_key = match &config.digest_key {
            Some(text) => {
                let bytes = URL_SAFE_NO_PAD
                    .decode(text)
                    .map_err(|_| "digest_key is not base64url")?;
                Some(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
            }
            None => None,
        };
        Ok(Self {
            headers: headers.collect::<Result<_, _>>()?,
            digest_key,
            challenge: authentication::challenge("Key", config.realm.as_deref())?,
            config,
        })
    }

    pub const fn reads_body(&self) -> bool {
        self.config.key_in_body
    }

    pub fn names(&self) -> &[String] {
        &self.config.key_names
    }

    pub fn access(&self, exchange: &mut Exchange<'_>, worker: &Worker) -> Verdict {
        let anonymous = self.config.anonymous.as_deref();
        if !self.config.run_on_preflight && exchange.head.method == Method::OPTIONS
            || authentication::is_satisfied(exchange, anonymous)
        {
            return Verdict::Continue;
        }
        let found = match self.search(exchange) {
            Search::Key(found) => found,
            Search::Nothing => return self.refuse(exchange, worker, "No API key found in request"),
            Search::Ambiguous => return self.refuse(exchange, worker, "Duplicate API key found"),
        };
        let key = match &found {
            Found::Header(_, value) => value.as_bytes(),
            Found::Query(_, value) | Found::Body(_, value) => value.as_bytes(),
        };
        let accepted = self.look_up(key, worker).and_then(|entry| {
            // A key whose consumer is just being deleted is worth nothing.
            Some((worker.live().directory.consumer(entry.consumer()?)?, entry))
        });
        let Some((consumer, entry)) = accepted else {
            return self.refuse(exchange, worker, "Unauthorized");
        };
        if self.config.hide_credentials {
            self.hide(exchange, &found);
        }
        let credential = Credential {
            id: entry.id(),
            identifier: entry.identifier(),
        };
        authentication::accept(exchange, consumer, credential);
        Verdict::Continue
    }

    fn refuse(
        &self,
        exchange: &mut Exchange<'_>,
        worker: &Worker,
        message: &'static str,
    ) -> Verdict {
        let answer = authentication::unauthorized(message, &self.challenge);
        authentication::refuse(exchange, worker, self.config.anonymous.as_deref(), answer)
    }

    /// The first name with a text wins; within a name the header comes first, then the query, then
    /// the body.
    fn search(&self, exchange: &Exchange<'_>) -> Search {
        let fields = exchange
            .kept_body()
            .filter(|_| self.config.key_in_body)
            .and_then(|body| RequestFields::parse(&exchange.head.headers, body));
        for (position, header) in self.headers.iter().enumerate() {
            if self.config.key_in_header {
                let mut values = exchange.head.headers.get_all(header).iter();
                match (values.next(), values.next()) {
                    (Some(_), Some(_)) => return Search::Ambiguous,
                    (Some(value), None) if !value.is_empty() => {
                        return Search::Key(Found::Header(position, value.clone()));
                    }
                    _ => {}
                }
            }
            if self.config.key_in_query
                && let Some(query) = exchange.query()
            {
                let name = self.config.key_names[position].as_str();
                let mut values =
                    url::form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
                match (values.next(), values.next()) {
                    (Some(_), Some(_)) => return Search::Ambiguous,
                    (Some((_, value)), None) if !value.is_empty() => {
                        return Search::Key(Found::Query(position, Cow::into_owned(value)));
                    }
                    _ => {}
                }
            }
            if let Some(fields) = &fields {
                let mut values = fields.texts(&self.config.key_names[position]);
                match (values.pop(), values.is_empty()) {
                    (Some(_), false) => return Search::Ambiguous,
                    (Some(value), true) if !value.is_empty() => {
                        return Search::Key(Found::Body(position, value));
                    }
                    _ => {}
                }
            }
        }
        Search::Nothing
    }

    fn look_up(&self, key: &[u8], worker: &Worker) -> Option<KeyEntry> {
        let directory = &worker.live().directory;
        let by_digest = self.digest_key.as_ref().and_then(|digest_key| {
            let digest: [u8; 32] = hmac::sign(digest_key, key).as_ref().try_into().ok()?;
            directory.key_by_digest(&digest)
        });
        let entry = by_digest.or_else(|| directory.key_in_clear(key))?;
        let expired = entry
            .expires_at()
            .is_some_and(|at| at <= service::clock::now().timestamp());
        (!expired).then_some(entry)
    }

    fn hide(&self, exchange: &mut Exchange<'_>, found: &Found) {
        let position = match found {
            Found::Header(position, _) | Found::Query(position, _) | Found::Body(position, _) => {
                *position
            }
        };
        if self.config.key_in_header {
            exchange.head.headers.remove(&self.headers[position]);
        }
        if self.config.key_in_query {
            exchange.remove_query_parameter(&self.config.key_names[position]);
        }
        let Some(body) = exchange.kept_body().filter(|_| self.config.key_in_body) else {
            return;
        };
        let name = &self.config.key_names[position];
        if let Some(mut fields) = RequestFields::parse(&exchange.head.headers, body)
            && fields.is_there(name)
        {
            fields.change(Change::Remove, name, "");
            exchange.set_body(fields.write());
        }
    }
}
