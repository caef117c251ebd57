//! Submitted forms and their like in JSON: bounded, from one of our own pages or a client of this
//! session, proven by the session's token.

mod multipart;

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
};
use http::{HeaderMap, HeaderValue, header};
use serde_json::{Map, Value};
use subtle::ConstantTimeEq;
use url::form_urlencoded;

use crate::{failure::Failure, host, json, visitor::Visitor};

/// A form longer than this is none of ours.
const MAX_FIELDS: usize = 200;

/// Fields of a form in the order of the page. Having one means that the request was checked.
#[derive(Debug)]
pub struct Form {
    fields: Vec<(String, String)>,
}

impl Form {
    /// The field without white space around it; empty when absent.
    pub fn text(&self, name: &str) -> &str {
        let found = self.fields.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.trim())
    }

    /// The field as it was sent: white space in a password counts. The last one, if it is repeated.
    pub fn exact(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter().rev();
        fields
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The field, unless it is empty.
    pub fn optional(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    /// All values of a field that may be repeated.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.trim())
    }

    /// Fields whose names begin with `prefix`, without it; values as they were sent.
    pub fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.fields
            .iter()
            .filter_map(move |(key, value)| Some((key.strip_prefix(prefix)?, value.as_str())))
    }

    /// Whether the page, or the client, has this field at all.
    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(key, _)| key == name)
    }

    /// A checkbox or an old client's truth value.
    pub fn is_set(&self, name: &str) -> bool {
        matches!(self.text(name), "1" | "on" | "true" | "yes")
    }
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let visitor = Visitor::of(request.extensions())?;
        // Another site cannot make a browser show a token.
        let is_safe = visitor.by_token;
        if !is_safe
            && !from_here(
                request.headers(),
                &host::authority(&visitor.installation.external),
            )
        {
            return Err(Failure::StaleForm);
        }
        let header = request.headers().get(json::CSRF).cloned();
        let kind = request.headers().get(header::CONTENT_TYPE).cloned();
        let kind = kind.as_ref().and_then(|kind| kind.to_str().ok());
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| Failure::BadRequest(rejection.body_text()))?;
        let form = Self {
            fields: fields(kind.unwrap_or_default(), body).await?,
        };
        let expected = visitor.csrf();
        let given = header
            .as_ref()
            .map_or_else(|| form.text("_csrf").as_bytes(), |header| header.as_bytes());
        let proven: bool = given.ct_eq(expected.as_bytes()).into();
        if !is_safe && (expected.is_empty() || !proven) {
            return Err(Failure::StaleForm);
        }
        Ok(form)
    }
}

async fn fields(media_type: &str, body: Bytes) -> Result<Vec<(String, String)>, Failure> {
    if media_type.starts_with("application/json") {
        return of_json(&body);
    }
    match multer::parse_boundary(media_type) {
        Ok(boundary) => multipart::fields(body, boundary, MAX_FIELDS)
            .await
            .map_err(Failure::BadRequest),
        Err(_) => Ok(of_form(&body)),
    }
}

fn of_form(body: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(body)
        .take(MAX_FIELDS)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

/// The members of an object. A list is a field that is repeated, a truth value `true` or `false`.
fn of_json(body: &[u8]) -> Result<Vec<(String, String)>, Failure> {
    let refuse = |what: String| Failure::BadRequest(what);
    if body.is_empty() {
        return Ok(Vec::new());
    }
    let members: Map<String, Value> = serde_json::from_slice(body)
        .map_err(|error| refuse(format!("the body is no JSON object: {error}")))?;
    let mut fields = Vec::new();
    for (name, value) in members {
        let values = match value {
            // Present, and empty.
            Value::Array(none) if none.is_empty() => vec![Value::String(String::new())],
            Value::Array(values) => values,
            value => vec![value],
        };
        for value in values {
            let text = match value {
                Value::Null => continue,
                Value::String(text) => text,
                Value::Bool(flag) => flag.to_string(),
                Value::Number(number) => number.to_string(),
                Value::Array(_) | Value::Object(_) => {
                    return Err(refuse(format!("`{name}` is no text")));
                }
            };
            fields.push((name.clone(), text));
        }
        if fields.len() > MAX_FIELDS {
            return Err(refuse("there are too many members".to_owned()));
        }
    }
    Ok(fields)
}

/// Whether the browser says that the form was on a page of this site. Browsers without either
/// header are left to the token.
fn from_here(headers: &HeaderMap, authority: &str) -> bool {
    let text = |value: &HeaderValue| value.to_str().map(str::to_owned).unwrap_or_default();
    if let Some(site) = headers.get("sec-fetch-site").map(text) {
        return matches!(site.as_str(), "same-origin" | "none");
    }
    match headers.get(header::ORIGIN).map(text) {
        Some(origin) => origin
            .split_once("://")
            .is_some_and(|(_, host)| host == authority),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_other_sites_are_told_apart() {
        let headers = |name: &'static str, value: &'static str| {
            HeaderMap::from_iter([(name.parse().unwrap(), HeaderValue::from_static(value))])
        };
        let here = "localhost:3000";
        assert!(from_here(&headers("origin", "http://localhost:3000"), here));
        assert!(from_here(&headers("sec-fetch-site", "same-origin"), here));
        assert!(!from_here(&headers("sec-fetch-site", "cross-site"), here));
        assert!(!from_here(&headers("sec-fetch-site", "same-site"), here));
        assert!(!from_here(
            &headers("origin", "http://localhost:8000"),
            here
        ));
        assert!(!from_here(&headers("origin", "null"), here));
    }
}
