//! The part of the auth server's account that pages of the portal show: sessions and tokens.

use http::{Method, StatusCode};
use sdk::types::{Secret, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::oauth::OAuth;
use crate::failure::Failure;

/// Where the person is logged in.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnSession {
    pub id: String,
    pub created_at: Timestamp,
    pub last_seen_at: Timestamp,
    pub expires_at: Timestamp,
    #[serde(default)]
    pub methods: Vec<String>,
    pub address: Option<String>,
    pub user_agent: Option<String>,
    #[serde(default)]
    pub current: bool,
}

/// A token for a program of the person's.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnToken {
    pub id: String,
    pub name: String,
    #[serde(default)]
    pub last4: String,
    #[serde(default)]
    pub scopes: Vec<String>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    /// In the answer that made it, and never again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
}

#[derive(Deserialize)]
struct Items<T> {
    items: Vec<T>,
}

/// A refusal as the auth server words it.
#[derive(Default, Deserialize)]
struct Problem {
    #[serde(default)]
    message: String,
    #[serde(default)]
    detail: String,
}

impl OAuth {
    pub async fn sessions(&self, token: &Secret) -> Result<Vec<OwnSession>, Failure> {
        let list: Items<OwnSession> = self.account(Method::GET, "sessions", token, None).await?;
        Ok(list.items)
    }

    /// One session, or all others.
    pub async fn end_sessions(&self, token: &Secret, one: Option<&str>) -> Result<(), Failure> {
        let path = match one {
            Some(id) => format!("sessions/{}", crate::links::segment(id)),
            None => "sessions".to_owned(),
        };
        self.account::<Option<Value>>(Method::DELETE, &path, token, None)
            .await?;
        Ok(())
    }

    pub async fn tokens_of(&self, token: &Secret) -> Result<Vec<OwnToken>, Failure> {
        let list: Items<OwnToken> = self.account(Method::GET, "tokens", token, None).await?;
        Ok(list.items)
    }

    pub async fn create_token(&self, token: &Secret, wanted: &Value) -> Result<OwnToken, Failure> {
        self.account(Method::POST, "tokens", token, Some(wanted))
            .await
    }

    pub async fn end_token(&self, token: &Secret, id: &str) -> Result<(), Failure> {
        let path = format!("tokens/{}", crate::links::segment(id));
        self.account::<Option<Value>>(Method::DELETE, &path, token, None)
            .await?;
        Ok(())
    }

    async fn account<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        token: &Secret,
        body: Option<&Value>,
    ) -> Result<T, Failure> {
        let (status, bytes) = self
            .call(method, &format!("account/{path}"), token, body)
            .await?;
        let away = |what: String| Failure::AuthServer(anyhow::anyhow!("account: {what}").into());
        if status.is_success() {
            let bytes = if bytes.is_empty() {
                b"null"
            } else {
                bytes.as_ref()
            };
            return serde_json::from_slice(bytes).map_err(|error| away(error.to_string()));
        }
        let problem: Problem = serde_json::from_slice(&bytes).unwrap_or_default();
        let text = [problem.detail, problem.message];
        let text = text.into_iter().find(|text| !text.is_empty());
        Err(match status {
            StatusCode::NOT_FOUND => Failure::NotFound,
            StatusCode::UNAUTHORIZED => Failure::LoginNeeded,
            StatusCode::FORBIDDEN => Failure::Forbidden,
            status if status.is_client_error() => Failure::BadRequest(text.unwrap_or_default()),
            status => away(status.to_string()),
        })
    }
}
