use http::{HeaderName, HeaderValue, Method, header::HOST};
use serde::Deserialize;

use super::Verdict;
use crate::proxy::Exchange;

#[derive(Deserialize)]
pub struct Config {
    http_method: Option<String>,
    remove: Entries,
    rename: Entries,
    replace: Entries,
    add: Entries,
    append: Entries,
}

#[derive(Deserialize)]
struct Entries {
    headers: Vec<String>,
    querystring: Vec<String>,
    #[serde(default)]
    uri: Option<String>,
}

/// Changes method, path, headers and query on the way to the backend.
pub struct RequestTransformer {
    method: Option<Method>,
    uri: Option<String>,
    headers: Vec<(Change, HeaderName, Option<HeaderValue>)>,
    query: Vec<(Change, String, String)>,
}

/// In the order in which they are made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Remove,
    Rename,
    Replace,
    Add,
    Append,
}

impl RequestTransformer {
    pub fn new(config: Config) -> Result<Self, String> {
        let groups = [
            (Change::Remove, &config.remove),
            (Change::Rename, &config.rename),
            (Change::Replace, &config.replace),
            (Change::Add, &config.add),
            (Change::Append, &config.append),
        ];
        let mut headers = Vec::new();
        let mut query = Vec::new();
        for (change, entries) in groups {
            for entry in &entries.headers {
                let (name, value) = split(change, entry);
                let value = if change == Change::Remove {
                    None
                } else {
                    Some(super::header_value(value)?)
                };
                headers.push((change, super::header_name(name)?, value));
            }
            for entry in &entries.querystring {
                let (name, value) = split(change, entry);
                query.push((change, name.to_owned(), value.to_owned()));
            }
        }
        Ok(Self {
            method: match config.http_method {
                Some(method) => Some(method.parse().map_err(|_| "not a method".to_owned())?),
                None => None,
            },
            uri: config.replace.uri,
            headers,
            query,
        })
    }

    pub fn access(&self, exchange: &mut Exchange<'_>) -> Verdict {
        if let Some(uri) = &self.uri {
            let normal = kong::path::normalise(uri.as_bytes()).into_owned();
            exchange.backend_path = Some(normal);
        }
        if let Some(method) = &self.method {
            exchange.head.method = method.clone();
        }
        for (change, name, value) in &self.headers {
            change_header(exchange, *change, name, value.as_ref());
        }
        if !self.query.is_empty() {
            self.change_query(exchange);
        }
        Verdict::Continue
    }

    fn change_query(&self, exchange: &mut Exchange<'_>) {
        let query = exchange.query().unwrap_or_default();
        let mut pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        for (change, name, value) in &self.query {
            let is_there = pairs.iter().any(|(known, _)| known == name);
            match change {
                Change::Remove => pairs.retain(|(known, _)| known != name),
                Change::Rename if is_there => {
                    pairs.retain(|(known, _)| known != value);
                    for (known, _) in pairs.iter_mut().filter(|(known, _)| known == name) {
                        known.clone_from(value);
                    }
                }
                Change::Replace if is_there => {
                    pairs.retain(|(known, _)| known != name);
                    pairs.push((name.clone(), value.clone()));
                }
                Change::Add if !is_there => pairs.push((name.clone(), value.clone())),
                Change::Append => pairs.push((name.clone(), value.clone())),
                Change::Rename | Change::Replace | Change::Add => {}
            }
        }
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&pairs)
            .finish();
        exchange.set_query((!query.is_empty()).then_some(query));
    }
}

fn split(change: Change, entry: &str) -> (&str, &str) {
    match change {
        Change::Remove => (entry, ""),
        _ => entry.split_once(':').unwrap_or((entry, "")),
    }
}

fn change_header(
    exchange: &mut Exchange<'_>,
    change: Change,
    name: &HeaderName,
    value: Option<&HeaderValue>,
) {
    // The backend's host is set when the request is sent, not among these headers.
    if *name == HOST {
        if let (Change::Replace, Some(value)) = (change, value) {
            exchange.backend_host = Some(value.clone());
        }
        return;
    }
    let headers = &mut exchange.head.headers;
    let Some(value) = value else {
        headers.remove(name);
        return;
    };
    match change {
        Change::Rename => {
            let values: Vec<HeaderValue> = headers.get_all(name).iter().cloned().collect();
            let Ok(target) = HeaderName::from_bytes(value.as_bytes()) else {
                return;
            };
            if !values.is_empty() {
                headers.remove(name);
                headers.remove(&target);
                for value in values {
                    headers.append(target.clone(), value);
                }
            }
        }
        Change::Replace if headers.contains_key(name) => {
            headers.insert(name.clone(), value.clone());
        }
        Change::Add if !headers.contains_key(name) => {
            headers.insert(name.clone(), value.clone());
        }
        Change::Append => {
            headers.append(name.clone(), value.clone());
        }
        Change::Remove | Change::Replace | Change::Add => {}
    }
}
