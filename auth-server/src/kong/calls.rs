//! The calls of Kong's token end points (15.2).

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use http::{StatusCode, header};
use kong::{Oauth2, admin::Oauth2Token};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use service::{
    backoff::Backoff,
    http::{BodyError, read_at_most},
};
use url::Url;
use uuid::Uuid;

use crate::{apis::ApiPolicy, configuration::KongAddresses, scopes, token::UserFlow};

use super::{Kong, KongError, Place};

/// How long a Kong that refuses connections is waited for, as when it is just being restarted.
const PATIENCE: Duration = Duration::from_secs(2);
/// Longest answer that is read.
const MAX_ANSWER: usize = 64 * 1024;
/// "For ever": access tokens of an API whose `token_expiration` is 0.
const UNLIMITED: TimeDelta = TimeDelta::days(36_500);
/// What the adapter gives applications that have no redirect URI.
const NO_REDIRECT: &str = "https://dummy.org";

/// What tokens of a user are wanted for.
pub struct Order<'a> {
    pub by: UserFlow,
    pub api: &'a ApiPolicy,
    pub client_id: &'a str,
    /// As presented; of public clients Kong has one that nobody else knows.
    pub secret: Option<&'a str>,
    /// `authenticated_userid`
    pub user: &'a str,
    /// With those of the user's groups.
    pub scope: &'a [String],
}

/// A token that Kong made.
pub struct Passed {
    pub access_token: String,
    pub refresh_token: Option<String>,
    pub expires_in: u64,
    pub expires_at: DateTime<Utc>,
}

/// A token of a user, as Kong keeps it.
pub struct Kept {
    pub id: Uuid,
    pub token: Passed,
    pub scope: Vec<String>,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    #[serde(default)]
    refresh_token: Option<String>,
    /// Kong writes a number, and its versions of long ago a text.
    expires_in: Value,
}

impl Answer {
    fn passed(self, now: DateTime<Utc>) -> Result<Passed, KongError> {
        let expires_in = match &self.expires_in {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        let expires_in = expires_in.ok_or_else(|| unreadable("`expires_in` is no number"))?;
        if !super::is_token(&self.access_token) {
            return Err(unreadable("`access_token` is no token"));
        }
        Ok(Passed {
            access_token: self.access_token,
            refresh_token: self.refresh_token.filter(|token| super::is_token(token)),
            expires_in,
            expires_at: end(expires_in, now),
        })
    }
}

/// When something that Kong lets live for so many seconds ends.
pub fn end(seconds: u64, since: DateTime<Utc>) -> DateTime<Utc> {
    let lives = match i64::try_from(seconds) {
        Ok(0) | Err(_) => UNLIMITED,
        Ok(seconds) => TimeDelta::try_seconds(seconds).unwrap_or(UNLIMITED),
    };
    since + lives.min(UNLIMITED)
}

impl Kong {
    /// A token for the client itself.
    pub async fn token_for_client(
        &self,
        addresses: &KongAddresses,
        api: &str,
        (client_id, secret): (&str, Option<&str>),
        scope: &[String],
        now: DateTime<Utc>,
    ) -> Result<Passed, KongError> {
        let secret = if let Some(secret) = secret {
            secret.to_owned()
        } else {
            // The client has proved in another way who it is.
            let credential = self.credential(addresses, client_id).await?;
            credential.client_secret.clone().ok_or_else(no_secret)?
        };
        let body = with_scope(
            json!({
                "grant_type": "client_credentials",
                "client_id": client_id,
                "client_secret": secret,
            }),
            scope,
        );
        self.token(addresses, api, &body, now).await
    }

    /// Tokens for a user.
    pub async fn tokens_for_user(
        &self,
        addresses: &KongAddresses,
        order: &Order<'_>,
        now: DateTime<Utc>,
    ) -> Result<Kept, KongError> {
        let credential = self.credential(addresses, order.client_id).await?;
        let call = Call {
            kong: self,
            addresses,
            order,
            credential: &credential,
            now,
        };
        let passed = match order.by {
            UserFlow::Code | UserFlow::Device | UserFlow::Exchange => call.by_code().await?,
            UserFlow::Implicit => call.implicit().await?,
            // Tokens with another scope: by what Kong allows for this API.
            UserFlow::Refresh if order.api.code => call.by_code().await?,
            UserFlow::Password | UserFlow::Refresh => call.password().await?,
        };
        self.kept(addresses, passed).await
    }

    /// Exchanges a refresh token. Kong copies user and scope, and ends both old tokens.
    pub async fn refresh(
        &self,
        addresses: &KongAddresses,
        order: &Order<'_>,
        refresh_token: &str,
        now: DateTime<Utc>,
    ) -> Result<Kept, KongError> {
        let credential = self.credential(addresses, order.client_id).await?;
        let body = json!({
            "grant_type": "refresh_token",
            "client_id": order.client_id,
            "client_secret": secret(order, &credential)?,
            "refresh_token": refresh_token,
        });
        let passed = self.token(addresses, &order.api.id, &body, now).await?;
        self.kept(addresses, passed).await
    }

    /// What a token of Kong's is, if it exists and has not ended.
    pub async fn find(
        &self,
        addresses: &KongAddresses,
        token: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Oauth2Token>, KongError> {
        let row = self.admin(addresses).oauth2_token(token).await?;
        let began = |row: &Oauth2Token| DateTime::from_timestamp(row.created_at, 0);
        // Asked by an id, Kong would answer, too.
        Ok(row
            .filter(|row| row.access_token == token)
            .filter(|row| began(row).is_some_and(|began| end(row.expires_in, began) > now)))
    }

    /// Whose token a row is.
    pub async fn client_of(
        &self,
        addresses: &KongAddresses,
        row: &Oauth2Token,
    ) -> Result<Option<String>, KongError> {
        let id = row.credential.id.to_string();
        let credential: Option<Oauth2> = self.admin(addresses).get(&id).await?;
        Ok(credential.map(|credential| credential.client_id))
    }

    async fn token(
        &self,
        addresses: &KongAddresses,
        api: &str,
        body: &Value,
        now: DateTime<Utc>,
    ) -> Result<Passed, KongError> {
        let answer = self.post(addresses, "token", api, body).await?;
        read(answer)?.passed(now)
    }

    /// The row of a token that was just made: only by its id it can be ended later.
    async fn kept(&self, addresses: &KongAddresses, token: Passed) -> Result<Kept, KongError> {
        let row = self
            .admin(addresses)
            .oauth2_token(&token.access_token)
            .await?;
        let row = row.ok_or_else(|| KongError::Setup("it has not kept the token".to_owned()))?;
        Ok(Kept {
            id: row.id,
            scope: scopes::split(row.scope.as_deref().unwrap_or_default()),
            token,
        })
    }

    /// A call that proves by the provision key that it comes from us. An installation that was taken
    /// over may have another key than ours: it is read once ours is refused.
    async fn provisioned(
        &self,
        addresses: &KongAddresses,
        end_point: &str,
        api: &str,
        mut body: Value,
    ) -> Result<Value, KongError> {
        let tried = self.provision_key(api);
        body["provision_key"] = json!(tried);
        let refused = match self.post(addresses, end_point, api, &body).await {
            Err(KongError::Refused { code, .. }) if code == "invalid_provision_key" => {
                KongError::Setup("the provision key of the API is another one".to_owned())
            }
            answer => return answer,
        };
        let plugins = self.admin(addresses).plugins_of(api).await?;
        let present = plugins.into_iter().flatten().find_map(|plugin| {
            let is_for_all = plugin.consumer.is_none() && plugin.name == "oauth2";
            let key = plugin.config.get("provision_key").and_then(Value::as_str);
            key.filter(|_| is_for_all).map(str::to_owned)
        });
        let Some(present) = present.filter(|present| *present != tried) else {
            return Err(refused);
        };
        body["provision_key"] = json!(present);
        let answer = self.post(addresses, end_point, api, &body).await?;
        self.provision_keys.put(api.to_owned(), present);
        Ok(answer)
    }

    async fn post(
        &self,
        addresses: &KongAddresses,
        end_point: &str,
        api: &str,
        body: &Value,
    ) -> Result<Value, KongError> {
        let place = self.place(addresses, api).await?;
        let send = || {
            let mut request = self.http.post(place.url(end_point)).json(body);
            if place.pretends_tls {
                request = request.header("x-forwarded-proto", "https");
            }
            if let Some(host) = &place.host {
                request = request.header(header::HOST, host);
            }
            request.send()
        };
        let began = tokio::time::Instant::now();
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_millis(400));
        let response = loop {
            match send().await {
                Ok(response) => break response,
                // Nothing was sent, so nothing can happen twice.
                Err(error) if error.is_connect() && began.elapsed() < PATIENCE => {
                    backoff.wait().await;
                }
                Err(error) => return Err(KongError::Away(error.without_url().to_string())),
            }
        };
        answer(response, api).await
    }

    async fn place(&self, addresses: &KongAddresses, api: &str) -> Result<Arc<Place>, KongError> {
        if let Some(place) = self.places.get(api) {
            return Ok(place);
        }
        let routes = self.admin(addresses).routes_of(api).await?;
        let routes =
            routes.ok_or_else(|| KongError::Setup(format!("it does not have the API `{api}`")))?;
        let place = Place::find(&addresses.proxy, &routes).ok_or_else(|| {
            KongError::Setup(format!(
                "no route of API `{api}` leads to its token end points"
            ))
        })?;
        let place = Arc::new(place);
        self.places.put(api.to_owned(), place.clone());
        Ok(place)
    }

    /// The client as Kong knows it.
    async fn credential(
        &self,
        addresses: &KongAddresses,
        client_id: &str,
    ) -> Result<Arc<Oauth2>, KongError> {
        if let Some(credential) = self.credentials.get(client_id) {
            return Ok(credential);
        }
        let found: Option<Oauth2> = self.admin(addresses).get(client_id).await?;
        let found = found.ok_or_else(|| {
            KongError::Setup(format!("it does not have the client `{client_id}`"))
        })?;
        let found = Arc::new(found);
        self.credentials.put(client_id.to_owned(), found.clone());
        Ok(found)
    }
}

/// Getting tokens for a user in one of Kong's ways.
struct Call<'a> {
    kong: &'a Kong,
    addresses: &'a KongAddresses,
    order: &'a Order<'a>,
    credential: &'a Oauth2,
    now: DateTime<Utc>,
}

impl Call<'_> {
    /// Kong's own code never leaves this server: it is made when ours has been redeemed, and redeemed
    /// at once.
    async fn by_code(&self) -> Result<Passed, KongError> {
        let target = self.authorize("code").await?;
        let code = parameter(target.query().unwrap_or_default(), "code")
            .ok_or_else(|| unreadable("there is no code in it"))?;
        let body = json!({
            "grant_type": "authorization_code",
            "client_id": self.order.client_id,
            "client_secret": secret(self.order, self.credential)?,
            "code": code,
            "redirect_uri": redirect_uri(self.credential),
        });
        let api = &self.order.api.id;
        self.kong.token(self.addresses, api, &body, self.now).await
    }

    async fn implicit(&self) -> Result<Passed, KongError> {
        let target = self.authorize("token").await?;
        let member = |name: &str| parameter(target.fragment()?, name);
        let missing = || unreadable("there is no token in it");
        let answer = Answer {
            access_token: member("access_token").ok_or_else(missing)?,
            refresh_token: None,
            expires_in: json!(member("expires_in").ok_or_else(missing)?),
        };
        answer.passed(self.now)
    }

    async fn password(&self) -> Result<Passed, KongError> {
        let body = with_scope(
            json!({
                "grant_type": "password",
                "client_id": self.order.client_id,
                "client_secret": secret(self.order, self.credential)?,
                "authenticated_userid": self.order.user,
            }),
            self.order.scope,
        );
        let api = &self.order.api.id;
        let answer = self.kong.provisioned(self.addresses, "token", api, body);
        read(answer.await?)?.passed(self.now)
    }

    /// Where Kong would send the browser.
    async fn authorize(&self, response_type: &str) -> Result<Url, KongError> {
        let body = with_scope(
            json!({
                "response_type": response_type,
                "client_id": self.order.client_id,
                "redirect_uri": redirect_uri(self.credential),
                "authenticated_userid": self.order.user,
            }),
            self.order.scope,
        );
        let api = &self.order.api.id;
        let answer = self
            .kong
            .provisioned(self.addresses, "authorize", api, body)
            .await?;
        let target = answer.get("redirect_uri").and_then(Value::as_str);
        target
            .and_then(|target| Url::parse(target).ok())
            .ok_or_else(|| unreadable("there is no `redirect_uri` in it"))
    }
}

fn secret<'a>(order: &Order<'a>, credential: &'a Oauth2) -> Result<&'a str, KongError> {
    order
        .secret
        .or(credential.client_secret.as_deref())
        .ok_or_else(no_secret)
}

fn no_secret() -> KongError {
    KongError::Setup("the client has no secret there".to_owned())
}

/// Kong insists on one that it knows. Ours was compared with the application's before.
fn redirect_uri(credential: &Oauth2) -> &str {
    let known = credential.redirect_uris.as_deref().unwrap_or_default();
    known.first().map_or(NO_REDIRECT, String::as_str)
}

fn with_scope(mut body: Value, scope: &[String]) -> Value {
    if !scope.is_empty() {
        body["scope"] = json!(scopes::join(scope));
    }
    body
}

fn read(answer: Value) -> Result<Answer, KongError> {
    // The parser's message may repeat what it read.
    serde_json::from_value(answer).map_err(|_| unreadable("it is no token"))
}

fn unreadable(what: &str) -> KongError {
    KongError::Setup(format!("its answer cannot be read: {what}"))
}

fn parameter(encoded: &str, name: &str) -> Option<String> {
    url::form_urlencoded::parse(encoded.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

async fn answer(response: reqwest::Response, api: &str) -> Result<Value, KongError> {
    let status = response.status();
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return Err(KongError::Away(format!("it answers with status {status}")));
    }
    let body = read_at_most(response, MAX_ANSWER)
        .await
        .map_err(|error| match error {
            BodyError::TooLong(_) => unreadable(&error.to_string()),
            BodyError::Broken(_) => KongError::Away(error.to_string()),
        })?;
    let body: Map<String, Value> = serde_json::from_slice(&body).unwrap_or_default();
    if status == StatusCode::OK {
        return Ok(Value::Object(body));
    }
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let redirected = || parameter(Url::parse(&text("redirect_uri")?).ok()?.query()?, "error");
    match text("error").or_else(redirected) {
        Some(code) => Err(KongError::Refused {
            status: status.as_u16(),
            code,
        }),
        // No route, no plugin, or something that stands before Kong.
        None => Err(KongError::Setup(format!(
            "it answers with status {status} where it should issue tokens of API `{api}`"
        ))),
    }
}
