//! The provider's token endpoint.

use ::http::StatusCode;
use sdk::types::Secret;
use serde_json::Value;
use url::Url;

use crate::configuration::RedirectSettings;

use super::{UpstreamError, http};

/// What the provider gave for a code or a password.
pub struct Tokens {
    pub access: Secret,
    pub id_token: Option<Secret>,
}

/// Where and how tokens are asked for.
pub struct TokenEndpoint {
    pub url: Url,
    /// The client authenticates in the header, not in the form.
    pub basic: bool,
}

impl TokenEndpoint {
    /// Asks with `form`. Nothing: the provider refuses the grant itself.
    pub async fn ask(
        &self,
        settings: &RedirectSettings,
        form: &[(&str, &str)],
    ) -> Result<Option<Tokens>, UpstreamError> {
        let mut form = form.to_vec();
        let (id, secret) = (&settings.client_id, settings.client_secret.expose());
        let mut request = service::http::client().post(self.url.clone());
        if self.basic {
            // RFC 6749 2.3.1: both are encoded as in a form before they are joined.
            let encode =
                |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
            let (id, secret): (String, String) = (encode(id), encode(secret));
            request = request.basic_auth(id, Some(secret));
        } else {
            // One way only (RFC 6749 2.3): whoever finds an id in the form looks for the secret there.
            form.extend([("client_id", id.as_str()), ("client_secret", secret)]);
        }
        let (status, answer) = http::send(request.form(&form)).await?;
        if let Some(error) = answer.get("error").filter(|error| !error.is_null()) {
            let code = error_code(error);
            return if matches!(code, "invalid_grant" | "bad_verification_code") {
                Ok(None)
            } else {
                let text = format!("the token endpoint says `{code}` (status {status})");
                Err(UpstreamError::Unbelievable(text))
            };
        }
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        match text("access_token") {
            Some(access) if status == StatusCode::OK => Ok(Some(Tokens {
                access: access.into(),
                id_token: text("id_token").map(Secret::from),
            })),
            _ => {
                let text = format!("the token endpoint gives no token (status {status})");
                Err(UpstreamError::Unbelievable(text))
            }
        }
    }
}

/// The error as a code; anything longer may hold what must not be logged.
fn error_code(error: &Value) -> &str {
    let code = error.as_str().unwrap_or_default();
    let is_code =
        |text: &str| text.len() <= 64 && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if is_code(code) { code } else { "?" }
}
