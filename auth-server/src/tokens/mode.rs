//! Token modes (`tokens.mode` of the server's definition, `settings.token_mode` of an API).

/// How access tokens are made and who keeps them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenMode {
    /// Signed here, verified by anybody with the key set.
    Jwt,
    /// A random text; what it stands for is kept here, and told to whoever may ask.
    Opaque,
    /// Made and kept by Kong's own plugin; passed on here.
    KongOauth2,
}

/// A mode that this server cannot serve.
#[derive(Debug, thiserror::Error)]
#[error(
    "token mode `{0}` is not offered by this server; it knows `jwt`, `opaque` and `kong-oauth2`"
)]
pub struct UnsupportedMode(String);

impl TokenMode {
    /// The mode in force; nothing written means `jwt`.
    pub fn parse(text: Option<&str>) -> Result<Self, UnsupportedMode> {
        match text {
            None | Some("jwt") => Ok(Self::Jwt),
            Some("opaque") => Ok(Self::Opaque),
            Some("kong-oauth2") => Ok(Self::KongOauth2),
            Some(other) => Err(UnsupportedMode(other.to_owned())),
        }
    }
}
