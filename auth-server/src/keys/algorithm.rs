//! How tokens are signed (`tokens.algorithm` of the server's definition).

use jsonwebtoken::Algorithm;

/// A signature algorithm of our own keys. Others' keys may use more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigningAlgorithm {
    /// ECDSA over P-256: small and quick.
    Es256,
    /// RSA with 2048 bits and PKCS #1 padding, for clients that know nothing else.
    Rs256,
}

/// An algorithm that this server does not sign with.
#[derive(Debug, thiserror::Error)]
#[error("tokens.algorithm: `{0}` is unknown; this server signs with `ES256` and `RS256`")]
pub struct UnsupportedAlgorithm(String);

impl SigningAlgorithm {
    /// The algorithm with this name; nothing written means `ES256`.
    pub fn parse(text: Option<&str>) -> Result<Self, UnsupportedAlgorithm> {
        match text {
            None | Some("ES256") => Ok(Self::Es256),
            Some("RS256") => Ok(Self::Rs256),
            Some(other) => Err(UnsupportedAlgorithm(other.to_owned())),
        }
    }

    /// Its name in definitions, rows, key sets and headers (RFC 7518, 3.1).
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }
}

impl From<SigningAlgorithm> for Algorithm {
    fn from(algorithm: SigningAlgorithm) -> Self {
        match algorithm {
            SigningAlgorithm::Es256 => Self::ES256,
            SigningAlgorithm::Rs256 => Self::RS256,
        }
    }
}
