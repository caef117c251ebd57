//! An example request, from which samples in all languages are written.

use serde_json::Value;

/// What the caller has to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// An API key in this header.
    Key(String),
    /// An access token.
    Token,
    None,
}

/// One request with example values.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Option<Value>,
}

impl Request {
    /// Placeholders in headers stand for what only the reader has.
    pub fn new(method: &str, url: String, credential: &Credential) -> Self {
        let headers = match credential {
            Credential::Key(header) => vec![(header.clone(), "$API_KEY".to_owned())],
            Credential::Token => vec![("Authorization".to_owned(), "Bearer $TOKEN".to_owned())],
            Credential::None => Vec::new(),
        };
        Self {
            method: method.to_uppercase(),
            url,
            headers,
            body: None,
        }
    }

    pub(super) fn json(&self) -> Option<String> {
        self.body
            .as_ref()
            .and_then(|body| serde_json::to_string_pretty(body).ok())
    }
}
