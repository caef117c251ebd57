use http::{Method, header::HOST};
use serde::Deserialize;

use super::{
    Verdict,
    transformer::{Change, HeaderChange, split},
};
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
    headers: Vec<HeaderChange>,
    query: Vec<(Change, String, String)>,
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
                headers.push(HeaderChange::new(change, entry)?);
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
        for change in &self.headers {
            change_header(exchange, change);
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

fn change_header(exchange: &mut Exchange<'_>, change: &HeaderChange) {
    if change.name != HOST {
        change.apply(&mut exchange.head.headers);
        return;
    }
    // The backend's host is set when the request is sent, not among these headers.
    if let (Change::Replace, Some(value)) = (change.change, change.value()) {
        exchange.backend_host = Some(value.clone());
    }
}
