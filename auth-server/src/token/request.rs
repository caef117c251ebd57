//! A token request: form or JSON, client credentials in the body or in the header.

use axum::{
    Form, Json,
    body::Bytes,
    extract::{FromRequest, Request},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, header};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    assertions,
    oauth::{Dialect, Refusal},
};

/// Longest request that is read.
const MAX_BODY: usize = 100 * 1024;

/// At which URL a request arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `{B}/oauth2/token`: the client id determines the API.
    Standard,
    /// `{B}/{method}/api/{api}/token`
    PerMethod { method: String, api: String },
}

impl Endpoint {
    pub const fn dialect(&self) -> Dialect {
        match self {
            Self::Standard => Dialect::Standard,
            Self::PerMethod { .. } => Dialect::Compatible,
        }
    }
}

/// What a client shows to prove who it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Proof<'a> {
    /// Public clients have none.
    Nothing,
    Secret(&'a str),
    /// A signed JWT (RFC 7523).
    Assertion(&'a str),
}

/// The members of a token request. Its `Debug` is left out: it holds secrets.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct TokenRequest {
    pub grant_type: Option<String>,
    pub client_id: Option<String>,
    pub client_secret: Option<String>,
    pub client_assertion: Option<String>,
    pub client_assertion_type: Option<String>,
    pub code: Option<String>,
    pub code_verifier: Option<String>,
    pub device_code: Option<String>,
    pub redirect_uri: Option<String>,
    pub refresh_token: Option<String>,
    pub username: Option<String>,
    pub password: Option<String>,
    pub scope: Option<String>,
    pub resource: Option<String>,
    /// Introspection and revocation use the same form.
    pub token: Option<String>,
    /// Of an exchange (RFC 8693).
    pub subject_token: Option<String>,
    pub subject_token_type: Option<String>,
}

impl TokenRequest {
    /// Reads body and header. Empty members count as absent.
    pub async fn read(request: Request, dialect: Dialect) -> Result<Self, Refusal> {
        let (headers, body) = receive(request).await?;
        Self::parse(&headers, &body, dialect).await
    }

    /// The same of a request that was received.
    pub async fn parse(
        headers: &HeaderMap,
        body: &Bytes,
        dialect: Dialect,
    ) -> Result<Self, Refusal> {
        let mut parsed = parse_body::<Self>(headers, body).await?;
        parsed.take_basic(headers, dialect);
        let mut request = parsed.without_empty();
        if let (None, Some(assertion)) = (&request.client_id, &request.client_assertion) {
            request.client_id = assertions::claimed_client(assertion);
        }
        Ok(request)
    }

    /// By what the client proves who it is.
    pub fn proof(&self) -> Result<Proof<'_>, Refusal> {
        match (
            &self.client_secret,
            &self.client_assertion,
            self.client_assertion_type.as_deref(),
        ) {
            (None, None, None) => Ok(Proof::Nothing),
            (Some(secret), None, None) => Ok(Proof::Secret(secret)),
            (None, Some(assertion), Some(assertions::TYPE)) => Ok(Proof::Assertion(assertion)),
            (None, ..) => Err(Refusal::Malformed(
                "`client_assertion` comes with `client_assertion_type`, which names JWTs.",
            )),
            // RFC 6749 2.3: one method per request.
            (Some(_), ..) => Err(Refusal::Malformed(
                "`client_secret` and `client_assertion` are two proofs; send one.",
            )),
        }
    }

    /// Whether the client tries to prove who it is.
    pub const fn has_proof(&self) -> bool {
        self.client_secret.is_some() || self.client_assertion.is_some()
    }

    /// `Authorization: Basic` with id and secret, where the body names no client; old clients leave the
    /// word out. At the standard URLs both are encoded like members of a form (RFC 6749 2.3.1), and the
    /// body may name the same client.
    fn take_basic(&mut self, headers: &HeaderMap, dialect: Dialect) {
        let credentials = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .map(|value| match value.split_once(' ') {
                Some((scheme, rest)) if scheme.eq_ignore_ascii_case("basic") => rest.trim(),
                _ => value.trim(),
            })
            .and_then(|encoded| STANDARD.decode(encoded).ok())
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let Some((id, secret)) = credentials.as_deref().and_then(|text| text.split_once(':'))
        else {
            return;
        };
        let (id, secret) = match dialect {
            Dialect::Standard => (decoded(id), decoded(secret)),
            Dialect::Compatible => (id.to_owned(), secret.to_owned()),
        };
        let is_free = match &self.client_id {
            None => true,
            Some(named) => dialect == Dialect::Standard && *named == id && !self.has_proof(),
        };
        if is_free {
            self.client_id = Some(id);
            self.client_secret = Some(secret);
        }
    }

    fn without_empty(self) -> Self {
        let some = |value: Option<String>| value.filter(|value| !value.is_empty());
        Self {
            grant_type: some(self.grant_type),
            client_id: some(self.client_id),
            client_secret: some(self.client_secret),
            client_assertion: some(self.client_assertion),
            client_assertion_type: some(self.client_assertion_type),
            code: some(self.code),
            code_verifier: some(self.code_verifier),
            device_code: some(self.device_code),
            redirect_uri: some(self.redirect_uri),
            refresh_token: some(self.refresh_token),
            username: some(self.username),
            password: some(self.password),
            scope: some(self.scope),
            resource: some(self.resource),
            token: some(self.token),
            subject_token: some(self.subject_token),
            subject_token_type: some(self.subject_token_type),
        }
    }
}

/// Headers and the whole body, as far as it is taken.
pub async fn receive(request: Request) -> Result<(HeaderMap, Bytes), Refusal> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, MAX_BODY).await;
    Ok((parts.headers, body.map_err(|_| Refusal::TooLarge)?))
}

/// The members of a form, or of a JSON object.
pub async fn parse_body<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<T, Refusal> {
    if is_json(headers) {
        let parsed = Json::<T>::from_bytes(body).map(|Json(parsed)| parsed);
        return parsed.map_err(|_| Refusal::Malformed("The body is no JSON object of texts."));
    }
    let mut request = Request::new(body.clone().into());
    *request.method_mut() = http::Method::POST;
    let content_type = headers.get(header::CONTENT_TYPE).cloned();
    request.headers_mut().insert(
        header::CONTENT_TYPE,
        content_type.unwrap_or_else(|| {
            header::HeaderValue::from_static("application/x-www-form-urlencoded")
        }),
    );
    let parsed = Form::<T>::from_request(request, &()).await;
    parsed
        .map(|Form(parsed)| parsed)
        .map_err(|_| Refusal::Malformed("The body is no form, or a parameter stands in it twice."))
}

/// A part of `Authorization: Basic`. A plus is left alone: no id and no secret has a blank, and many
/// clients encode nothing.
fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("application/json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(content_type: &str, authorization: Option<&str>, body: &str) -> TokenRequest {
        read_in(Dialect::Standard, content_type, authorization, body).await
    }

    async fn read_in(
        dialect: Dialect,
        content_type: &str,
        authorization: Option<&str>,
        body: &str,
    ) -> TokenRequest {
        let mut builder = Request::builder()
            .method("POST")
            .header("content-type", content_type);
        if let Some(value) = authorization {
            builder = builder.header("authorization", value);
        }
        let request = builder.body(body.to_owned().into()).unwrap();
        TokenRequest::read(request, dialect)
            .await
            .unwrap_or_else(|refusal| panic!("{refusal:?}"))
    }

    #[tokio::test]
    async fn form_and_json_are_read_alike() {
        let form = read(
            "application/x-www-form-urlencoded",
            None,
            "grant_type=a&code=b%20c",
        )
        .await;
        let json = read(
            "application/json",
            None,
            r#"{"grant_type":"a","code":"b c"}"#,
        )
        .await;
        for request in [form, json] {
            assert_eq!(request.grant_type.as_deref(), Some("a"));
            assert_eq!(request.code.as_deref(), Some("b c"));
        }
    }

    /// Header, body, and the credentials that count.
    type Case<'a> = (&'a str, &'a str, (Option<&'a str>, Option<&'a str>));

    #[tokio::test]
    async fn the_header_counts_only_when_the_body_names_no_other_client() {
        let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
        let plain = basic("id:se:cret");
        let (id, secret) = (Some("id"), Some("se:cret"));
        let cases: &[Case] = &[
            (&plain, "grant_type=x", (id, secret)),
            (&plain, "client_id=other", (Some("other"), None)),
            (&plain, "client_id=id", (id, secret)),
            (&plain, "client_id=id&client_secret=own", (id, Some("own"))),
            (&plain.replace("Basic", "bAsIc"), "", (id, secret)),
            // Old clients leave the word out.
            (&STANDARD.encode("id:s"), "", (id, Some("s"))),
            ("Basic ???", "client_secret=", (None, None)),
            ("Basic aWQ", "", (None, None)),
            (&basic("i%64:s%3A%25+/="), "", (id, Some("s:%+/="))),
        ];
        let form = "application/x-www-form-urlencoded";
        for (header, body, expected) in cases {
            let request = read(form, Some(header), body).await;
            let got = (
                request.client_id.as_deref(),
                request.client_secret.as_deref(),
            );
            assert_eq!(got, *expected, "{header} {body}");
        }
        // The old URLs decode nothing, and a client in the body is all there is (10.1).
        let old = Dialect::Compatible;
        let request = read_in(old, form, Some(&basic("i%64:s%25")), "").await;
        assert_eq!(request.client_id.as_deref(), Some("i%64"));
        assert_eq!(request.client_secret.as_deref(), Some("s%25"));
        let request = read_in(old, form, Some(&plain), "client_id=id").await;
        assert_eq!(request.client_secret, None);
    }
}
