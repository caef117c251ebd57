//! End points for operators: they need a service token for this service, or the bearer token that
//! the operator has set (events-and-adapters F1).

use axum::{
    Router,
    extract::Request,
    middleware::{self, Next},
    response::IntoResponse,
};
use http::{HeaderMap, StatusCode, header};

use crate::{ServiceName, crypto::sha256, keys::Keys, problem::Problem, token::Verifier};

/// Checks calls to the end points for operators. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Operators {
    verifier: Verifier,
    /// The digest, so that comparing it tells nothing about the token.
    token: Option<[u8; 32]>,
}

impl Operators {
    /// `token` is the setting `<SERVICE>_ADMIN_TOKEN`; without it only other services get in.
    pub fn new(me: ServiceName, keys: Keys, token: Option<&str>) -> Self {
        Self {
            verifier: Verifier::new(me, keys),
            token: token.map(|token| sha256(token.as_bytes())),
        }
    }

    /// `router` for those who pass [`Self::check`], and 403 for everybody else.
    pub fn only<S: Clone + Send + Sync + 'static>(self, router: Router<S>) -> Router<S> {
        router.route_layer(middleware::from_fn(move |request: Request, next: Next| {
            let operators = self.clone();
            async move {
                match operators.check(request.headers()) {
                    Ok(()) => next.run(request).await,
                    Err(problem) => problem.into_response(),
                }
            }
        }))
    }

    /// 403 for everybody else.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let bearer = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let is_allowed = bearer.is_some_and(|bearer| {
            self.token == Some(sha256(bearer.as_bytes())) || self.verifier.verify(bearer).is_ok()
        });
        if is_allowed {
            return Ok(());
        }
        Err(Problem::new(
            StatusCode::FORBIDDEN,
            "operators-only",
            "Send the operator's token of this service as bearer token.",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{keys::MasterKey, token::Identity};

    #[test]
    fn operators_and_services_get_in_and_nobody_else() {
        let keys = Keys::from_master(MasterKey::generate());
        let operators = Operators::new(ServiceName::Mailer, keys.clone(), Some("hush"));
        let call = |bearer: &str| {
            let mut headers = HeaderMap::new();
            let value = format!("Bearer {bearer}").parse().unwrap();
            headers.insert(header::AUTHORIZATION, value);
            operators.check(&headers)
        };
        let portal_api = Identity::new(ServiceName::PortalApi, keys);
        assert!(call("hush").is_ok());
        assert!(call(&portal_api.token_for(ServiceName::Mailer).unwrap()).is_ok());
        assert!(call(&portal_api.token_for(ServiceName::Chatbot).unwrap()).is_err());
        assert!(call("wrong").is_err() && call("").is_err());
        assert!(operators.check(&HeaderMap::new()).is_err());
    }
}
