//! The auth server's standard endpoints, called with the portal's own client.

use anyhow::Context;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use http::{Method, StatusCode};
use reqwest::RequestBuilder;
use sdk::types::Secret;
use serde::{Deserialize, de::DeserializeOwned};
use service::{
    http::read_at_most,
    keys::{self, MissingKey, PortalClient},
};
use url::Url;

use crate::{Settings, failure::Failure, login::Attempt, session::Tokens};

/// Letters of a client id that tell it from the other one.
const MARK: usize = 8;
/// No answer of the endpoints is longer.
const MAX_ANSWER: usize = 64 << 10;

/// An application at the auth server.
pub struct Client<'a> {
    pub id: &'a str,
    /// Public ones have none.
    pub secret: Option<&'a Secret>,
}

pub struct OAuth {
    /// The one that the portal is; during a rotation of the master key also the one that it was or
    /// will be. Codes and refresh tokens are good for the client that asked for them.
    clients: Vec<PortalClient>,
    internal: Url,
}

/// Answer of the token endpoint.
#[derive(Deserialize)]
struct TokenAnswer {
    access_token: Secret,
    #[serde(default)]
    refresh_token: Option<Secret>,
    #[serde(default)]
    expires_in: Option<i64>,
}

/// What the auth server knows about the person.
#[derive(Debug, Deserialize)]
pub struct Profile {
    pub sub: String,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub email: Option<String>,
}

/// Error answer of an OAuth endpoint (RFC 6749, 5.2).
#[derive(Debug, Default, Deserialize)]
struct OAuthError {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
}

/// Why there are no tokens.
pub enum TokenError {
    /// The server decided against it.
    Refused {
        status: StatusCode,
        code: String,
        description: String,
    },
    /// The server did not decide.
    Away(anyhow::Error),
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Refused {
                status,
                code,
                description,
            } => Self::LoginRefused {
                status,
                code,
                description,
            },
            TokenError::Away(error) => Self::AuthServer(error.into()),
        }
    }
}

impl OAuth {
    pub fn new(settings: &Settings) -> Result<Self, MissingKey> {
        Ok(Self {
            clients: keys::portal_clients(&settings.keys)?,
            internal: settings.auth_url.clone(),
        })
    }

    /// By this the client is found again that begins something now.
    pub fn mark(&self) -> &str {
        &self.client("").client_id[..MARK]
    }

    fn client(&self, mark: &str) -> &PortalClient {
        let mut clients = self.clients.iter();
        let marked = clients.find(|client| !mark.is_empty() && client.client_id.starts_with(mark));
        marked.unwrap_or(&self.clients[0])
    }

    /// Where the browser goes to log in. With `prompt` it first makes an account (`create`), or has to
    /// log in again (`login`).
    pub fn authorize_url(
        &self,
        issuer: &Url,
        callback: &Url,
        attempt: &Attempt,
        method: &str,
        prompt: Option<&str>,
    ) -> Url {
        let client_id = &self.client(&attempt.client).client_id;
        let mut url = authorize(issuer, callback, attempt, client_id, method);
        url.query_pairs_mut().append_pair("auth_method", method);
        if let Some(prompt) = prompt {
            url.query_pairs_mut().append_pair("prompt", prompt);
        }
        url
    }

    /// Exchanges the code of an application.
    pub async fn exchange_for(
        &self,
        client: &Client<'_>,
        code: &str,
        callback: &Url,
        attempt: &Attempt,
    ) -> Result<Tokens, TokenError> {
        let mut form = code_form(code, callback, attempt).to_vec();
        let url = endpoint(&self.internal, "oauth2/token");
        let request = correlated(service::http::client().post(url));
        let request = if let Some(secret) = client.secret {
            request.basic_auth(encoded(client.id), Some(encoded(secret.expose())))
        } else {
            form.push(("client_id", client.id));
            request
        };
        tokens(request.form(&form)).await
    }

    /// Exchanges a code.
    pub async fn exchange(
        &self,
        code: &str,
        callback: &Url,
        attempt: &Attempt,
    ) -> Result<Tokens, TokenError> {
        let form = code_form(code, callback, attempt);
        self.tokens(&attempt.client, &form).await
    }

    /// Renews tokens.
    pub async fn refresh(&self, token: &Secret, client: &str) -> Result<Tokens, TokenError> {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", token.expose()),
        ];
        self.tokens(client, &form).await
    }

    /// Exchanges a personal token for a short access token of its user (RFC 8693).
    pub async fn exchange_personal(&self, token: &str) -> Result<Tokens, TokenError> {
        let form = [
            (
                "grant_type",
                "urn:ietf:params:oauth:grant-type:token-exchange",
            ),
            ("subject_token", token),
            (
                "subject_token_type",
                "urn:ietf:params:oauth:token-type:access_token",
            ),
        ];
        self.tokens("", &form).await
    }

    /// A token for a client that is not the portal, in its own name.
    pub async fn client_token(
        &self,
        client_id: &str,
        client_secret: &Secret,
        scope: &str,
    ) -> Result<Secret, TokenError> {
        let mut form = vec![("grant_type", "client_credentials")];
        if !scope.is_empty() {
            form.push(("scope", scope));
        }
        let url = endpoint(&self.internal, "oauth2/token");
        let request = correlated(service::http::client().post(url))
            .basic_auth(encoded(client_id), Some(encoded(client_secret.expose())))
            .form(&form);
        let answer: TokenAnswer = read(request, "token endpoint").await?;
        Ok(answer.access_token)
    }

    /// Ends a family of tokens. The log-out goes on without it, so a failure is only logged.
    pub async fn revoke(&self, token: &Secret, client: &str) {
        let request = self.post("oauth2/revoke", self.client(client)).form(&[
            ("token", token.expose()),
            ("token_type_hint", "refresh_token"),
        ]);
        match request.send().await {
            Ok(response) if response.status().is_success() => {}
            Ok(response) => tracing::warn!(
                "the auth server did not revoke a token: {}",
                response.status()
            ),
            Err(error) => tracing::warn!(
                "the auth server did not revoke a token: {}",
                error.without_url()
            ),
        }
    }

    /// Asks who an access token stands for.
    pub async fn profile(&self, access: &Secret) -> Result<Profile, TokenError> {
        let url = endpoint(&self.internal, "userinfo");
        let request = correlated(service::http::client().get(url)).bearer_auth(access.expose());
        read(request, "userinfo").await
    }

    /// A call with a person's token; status and body of the answer.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        token: &Secret,
        body: Option<&serde_json::Value>,
    ) -> Result<(StatusCode, Bytes), Failure> {
        let away = |error: anyhow::Error| Failure::AuthServer(error.into());
        let url = endpoint(&self.internal, path);
        let mut request =
            correlated(service::http::client().request(method, url)).bearer_auth(token.expose());
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await;
        let response = response.map_err(|error| away(error.without_url().into()))?;
        let status = response.status();
        let body = read_at_most(response, MAX_ANSWER).await;
        Ok((status, body.map_err(|error| away(error.into()))?))
    }

    async fn tokens(&self, client: &str, form: &[(&str, &str)]) -> Result<Tokens, TokenError> {
        let client = self.client(client);
        let tokens = tokens(self.post("oauth2/token", client).form(form)).await?;
        Ok(Tokens {
            client: client.client_id[..MARK].to_owned(),
            ..tokens
        })
    }

    fn post(&self, path: &str, client: &PortalClient) -> RequestBuilder {
        let url = endpoint(&self.internal, path);
        correlated(service::http::client().post(url))
            .basic_auth(&client.client_id, Some(&client.client_secret))
    }
}

/// Where the browser goes for a token of an application that is to stand for the person.
pub fn authorize_for(
    issuer: &Url,
    callback: &Url,
    attempt: &Attempt,
    client_id: &str,
    scope: &str,
) -> Url {
    let mut url = authorize(issuer, callback, attempt, client_id, "try");
    if !scope.is_empty() {
        url.query_pairs_mut().append_pair("scope", scope);
    }
    url
}

fn authorize(
    issuer: &Url,
    callback: &Url,
    attempt: &Attempt,
    client_id: &str,
    purpose: &str,
) -> Url {
    let mut url = endpoint(issuer, "oauth2/authorize");
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", client_id)
        .append_pair("redirect_uri", callback.as_str())
        .append_pair("state", &attempt.state_of(purpose))
        .append_pair("code_challenge", &attempt.challenge())
        .append_pair("code_challenge_method", "S256");
    url
}

fn code_form<'a>(
    code: &'a str,
    callback: &'a Url,
    attempt: &'a Attempt,
) -> [(&'static str, &'a str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", callback.as_str()),
        ("code_verifier", attempt.verifier()),
    ]
}

async fn tokens(request: RequestBuilder) -> Result<Tokens, TokenError> {
    let answer: TokenAnswer = read(request, "token endpoint").await?;
    let now = service::clock::now();
    Ok(Tokens {
        client: String::new(),
        access: answer.access_token,
        refresh: answer.refresh_token,
        issued: now,
        expires: expiry(now, answer.expires_in),
    })
}

/// Lifetimes are bounded, so that a strange answer cannot make a time that does not exist.
fn expiry(now: DateTime<Utc>, seconds: Option<i64>) -> DateTime<Utc> {
    now + TimeDelta::seconds(seconds.unwrap_or(300).clamp(0, 86_400))
}

fn endpoint(base: &Url, path: &str) -> Url {
    base.join(path).expect("a literal path can be joined")
}

/// As RFC 6749, 2.3.1 wants names and secrets in a header.
fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn correlated(request: RequestBuilder) -> RequestBuilder {
    match service::http::current_correlation_id() {
        Some(id) => request.header(service::http::CORRELATION_ID, id),
        None => request,
    }
}

async fn read<T: DeserializeOwned>(
    request: RequestBuilder,
    what: &'static str,
) -> Result<T, TokenError> {
    let response = request
        .send()
        .await
        .map_err(|error| TokenError::Away(anyhow::Error::new(error.without_url()).context(what)))?;
    let status = response.status();
    let body = read_at_most(response, MAX_ANSWER)
        .await
        .context(what)
        .map_err(TokenError::Away)?;
    if status.is_client_error() {
        let error: OAuthError = serde_json::from_slice(&body).unwrap_or_default();
        return Err(TokenError::Refused {
            status,
            code: error.error,
            description: error.error_description,
        });
    }
    if !status.is_success() {
        return Err(TokenError::Away(anyhow::anyhow!(
            "{what} answered {status}"
        )));
    }
    serde_json::from_slice(&body)
        .context(what)
        .map_err(TokenError::Away)
}
