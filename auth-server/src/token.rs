//! The token endpoint, at its standard URL and at the per-method, per-API ones.

mod authenticate;
mod issue;
mod request;
mod routes;

pub use authenticate::{api_of, authenticate, is_client_id};
pub use issue::{TokenAnswer, UserGrant, issue_to_client, issue_to_user};
pub use request::{Endpoint, TokenRequest};
pub use routes::{compatible_routes, refuse, standard_routes};

use crate::{oauth::Refusal, portal_api::PortalApiError};

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
    /// A state machine was given something it did not ask for.
    #[error("the grant went astray")]
    Internal,
}

impl From<Refusal> for TokenError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
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
