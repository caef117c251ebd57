//! The token endpoint, at its standard URL and at the per-method, per-API ones.

mod authenticate;
mod device;
mod first_refresh;
mod groups;
mod issue;
mod password;
mod request;
mod routes;

pub use authenticate::{api_of, authenticate, is_client_id};
pub use first_refresh::first_refresh;
pub use groups::groups_of;
pub use issue::{
    NextRefresh, TokenAnswer, UserFlow, UserGrant, discard, issue_to_client, keep, make, replace,
};
pub use request::{Endpoint, Proof, TokenRequest, parse_body, receive};
pub use routes::{compatible_routes, refuse, standard_routes};

use crate::{kong::KongError, oauth::Refusal, portal_api::PortalApiError, tokens::UnsupportedMode};

/// Why no token was issued.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("refused: {0:?}")]
    Refused(Refusal),
    #[error(transparent)]
    Braked(#[from] crate::brake::Braked),
    #[error("portal-api failed")]
    PortalApi(#[from] PortalApiError),
    #[error("the database failed")]
    Database(#[from] sea_orm::DbErr),
    #[error(transparent)]
    Kong(#[from] KongError),
    #[error(transparent)]
    Mode(#[from] UnsupportedMode),
    #[error("a log-in method failed: {0}")]
    Provider(String),
    /// A state machine was given something it did not ask for.
    #[error("the grant went astray")]
    Internal,
}

impl From<Refusal> for TokenError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<crate::interaction::InteractionError> for TokenError {
    fn from(error: crate::interaction::InteractionError) -> Self {
        use crate::interaction::InteractionError;
        match error {
            InteractionError::PortalApi(error) => Self::PortalApi(error),
            InteractionError::Database(error) => Self::Database(error),
            InteractionError::Provider(text) => Self::Provider(text),
        }
    }
}

impl From<crate::brake::BrakeError> for TokenError {
    fn from(error: crate::brake::BrakeError) -> Self {
        match error {
            crate::brake::BrakeError::Braked(braked) => Self::Braked(braked),
            crate::brake::BrakeError::Database(error) => Self::Database(error),
        }
    }
}
