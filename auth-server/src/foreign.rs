//! Access tokens of other issuers that an API takes beside ours.
//!
//! A gateway asks about them as about opaque tokens of ours, so it has to know nothing of issuers and
//! their keys. A subscription stands behind each of them: the client that the issuer names is one of
//! ours, by its own id or by the API's list.

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use sdk::types::apis::ApiSettings;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    apis::ApiPolicy,
    clients::Client,
    federated::text,
    scopes,
    state::AppState,
    token::{TokenError, is_client_id},
    upstream::UpstreamError,
};

/// Longest token that is looked at.
const MAX_TOKEN: usize = 16 * 1024;
/// How far the issuer's clock may be from ours.
const LEEWAY: TimeDelta = TimeDelta::seconds(60);

/// An issuer that an API believes (`settings.trusted_issuers`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedIssuer {
    /// Stands before the ids of its users, so that none of them is taken for one of ours.
    name: String,
    /// `iss`, and where its description is.
    issuer: String,
    /// What has to be in `aud`; the API's id if it is not written.
    audience: Option<String>,
    /// Names the client; `azp` or `client_id` if it is not written.
    client_claim: Option<String>,
    #[serde(default = "sub")]
    user_claim: String,
    #[serde(default = "scope")]
    scope_claim: String,
    /// Clients of the issuer and ours. Others have the same id at both.
    #[serde(default)]
    clients: BTreeMap<String, String>,
}

fn sub() -> String {
    "sub".to_owned()
}

fn scope() -> String {
    "scope".to_owned()
}

impl TrustedIssuer {
    /// Those of an API. Of a list that cannot be read none counts.
    pub fn list(api: &str, settings: &ApiSettings) -> Vec<Self> {
        let Some(written) = settings.extra.0.get("trusted_issuers") else {
            return Vec::new();
        };
        let is_name = |name: &str| {
            (1..=64).contains(&name.len())
                && name
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
        };
        match Vec::<Self>::deserialize(written) {
            Ok(list) if list.iter().all(|one| is_name(&one.name)) => list,
            Ok(_) => {
                tracing::error!(
                    api.id = api,
                    "`trusted_issuers`: a `name` is letters, digits, `_`, `-`"
                );
                Vec::new()
            }
            Err(error) => {
                tracing::error!(api.id = api, "`trusted_issuers` cannot be read: {error}");
                Vec::new()
            }
        }
    }

    pub fn is(&self, issuer: &str) -> bool {
        self.issuer == issuer
    }

    /// Whether the token is for the API and counts now.
    fn admits(&self, api: &ApiPolicy, claims: &Map<String, Value>, now: DateTime<Utc>) -> bool {
        let moment = |name: &str| claims.get(name).and_then(Value::as_f64);
        #[expect(clippy::cast_precision_loss, reason = "seconds, for some time to come")]
        let seconds = |time: DateTime<Utc>| time.timestamp() as f64;
        let audience = self.audience.as_deref().unwrap_or(&api.id);
        let is_for_api = match claims.get("aud") {
            Some(Value::String(one)) => one == audience,
            Some(Value::Array(many)) => many.iter().any(|one| one == audience),
            _ => false,
        };
        let has = |name: &str| claims.contains_key(name);
        // ID tokens and the like are signed with the same keys; a bound token needs a proof that
        // nobody here checks.
        let is_other = has("nonce") || has("at_hash") || has("events") || has("cnf");
        is_for_api
            && !is_other
            && claims.get("iss").and_then(Value::as_str) == Some(self.issuer.as_str())
            && moment("exp").is_some_and(|end| end > seconds(now))
            && moment("nbf").is_none_or(|start| start <= seconds(now + LEEWAY))
            && moment("iat").is_none_or(|made| made <= seconds(now + LEEWAY))
    }

    /// The client of the issuer and ours.
    fn client(&self, claims: &Map<String, Value>) -> Option<(String, String)> {
        let theirs = match &self.client_claim {
            Some(name) => text(claims, name),
            None => text(claims, "azp").or_else(|| text(claims, "client_id")),
        }?;
        let ours = self.clients.get(&theirs).cloned();
        let ours = ours.unwrap_or_else(|| theirs.clone());
        is_client_id(&ours).then_some((theirs, ours))
    }

    /// The user as the backend sees him; nothing for a client that acts for itself.
    fn user(&self, claims: &Map<String, Value>, client: &str) -> Result<Option<String>, ()> {
        let Some(id) = text(claims, &self.user_claim).filter(|id| id != client) else {
            return Ok(None);
        };
        // A semicolon would begin another member, such as a tenant (F1).
        let is_plain = id
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b';');
        if is_plain {
            Ok(Some(format!("{}:{id}", self.name)))
        } else {
            Err(())
        }
    }

    /// What the API knows of the issuer's scopes, as far as the subscription allows it.
    fn scope(&self, api: &ApiPolicy, client: &Client, claims: &Map<String, Value>) -> Vec<String> {
        let named: Vec<String> = match claims.get(&self.scope_claim) {
            Some(Value::String(text)) => scopes::split(text),
            Some(Value::Array(list)) => {
                let texts = list.iter().filter_map(Value::as_str);
                texts.map(str::to_owned).collect()
            }
            _ => Vec::new(),
        };
        let defined = api.scope_ids();
        let is_given = |scope: &String| named.contains(scope) && client.scope_limit.allows(scope);
        defined.into_iter().filter(is_given).collect()
    }
}

/// What a token of a trusted issuer stands for, as the members of an introspection, with its client
/// and API; nothing if no API takes it.
pub async fn find(
    state: &AppState,
    token: &str,
    now: DateTime<Utc>,
) -> Result<Option<(Map<String, Value>, Arc<Client>, ApiPolicy)>, TokenError> {
    let Some(issuer) = claimed_issuer(token) else {
        return Ok(None);
    };
    let apis = state.portal_api.apis_that_trust(&issuer).await?;
    if apis.is_empty() {
        return Ok(None);
    }
    let claims = match state.descriptions.signed_claims(&issuer, token).await {
        Ok(claims) => claims,
        Err(UpstreamError::Away(why)) => return Err(TokenError::Provider(why)),
        Err(error) => {
            tracing::info!(issuer, "a token is refused: {error}");
            return Ok(None);
        }
    };
    for (api, trusted) in apis {
        if !trusted.admits(&api, &claims, now) {
            continue;
        }
        let Some((theirs, ours)) = trusted.client(&claims) else {
            continue;
        };
        let client = state.portal_api.client(&ours).await?;
        let Some(client) = client.filter(|client| client.api_id == api.id) else {
            continue;
        };
        let Ok(user) = trusted.user(&claims, &theirs) else {
            return Ok(None);
        };
        let mut members = Map::new();
        let mut insert = |name: &str, value: Value| members.insert(name.to_owned(), value);
        insert("iss", json!(state.configuration().issuer));
        insert("sub", json!(user.as_deref().unwrap_or(&ours)));
        insert("aud", json!(api.audience));
        insert("client_id", json!(ours));
        for name in ["exp", "iat"] {
            if let Some(value) = claims.get(name) {
                insert(name, value.clone());
            }
        }
        let scope = trusted.scope(&api, &client, &claims);
        if !scope.is_empty() {
            insert("scope", json!(scopes::join(&scope)));
        }
        if let Some(user) = user {
            insert("authenticated_userid", json!(format!("sub={user}")));
        }
        return Ok(Some((members, client, api)));
    }
    Ok(None)
}

/// Who is said to have signed the token; only to find out whether anybody takes his.
fn claimed_issuer(token: &str) -> Option<String> {
    if token.len() > MAX_TOKEN {
        return None;
    }
    let payload = token.split('.').nth(1)?;
    let claims: Map<String, Value> =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    text(&claims, "iss")
}
