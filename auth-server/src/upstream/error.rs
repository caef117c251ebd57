/// Why a provider did not say who somebody is. The texts hold no secret and nothing personal.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    #[error("the provider does not answer: {0}")]
    Away(String),
    /// It answered, but with nothing that proves anything.
    #[error("the provider's answer is not accepted: {0}")]
    Unbelievable(String),
    #[error("the database failed")]
    Database(#[from] sea_orm::DbErr),
    #[error(transparent)]
    Key(#[from] service::keys::MissingKey),
}

impl UpstreamError {
    pub fn unbelievable(text: impl Into<String>) -> Self {
        Self::Unbelievable(text.into())
    }
}
