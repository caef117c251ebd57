//! How somebody has shown who he is (`amr`, RFC 8176), and what that is worth (`acr`).

use serde::{Deserialize, Serialize};

/// One proof.
pub const ACR_SINGLE: &str = "urn:wicketgate:acr:single-factor";
/// Two of different kinds.
pub const ACR_MULTI: &str = "urn:wicketgate:acr:multi-factor";

/// How somebody has shown who he is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// To somebody else, who does not say how; or nobody knows any more.
    #[default]
    Elsewhere,
    Password,
    /// With a code of an app or of paper.
    PasswordAndCode,
    PasswordAndPasskey,
    /// Which has asked its owner for a finger or a number.
    Passkey,
}

impl Proof {
    const ALL: [Self; 5] = [
        Self::Elsewhere,
        Self::Password,
        Self::PasswordAndCode,
        Self::PasswordAndPasskey,
        Self::Passkey,
    ];

    /// As stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Elsewhere => "elsewhere",
            Self::Password => "password",
            Self::PasswordAndCode => "password+code",
            Self::PasswordAndPasskey => "password+passkey",
            Self::Passkey => "passkey",
        }
    }

    pub fn parse(stored: Option<&str>) -> Self {
        let stored = stored.unwrap_or_default();
        let mut all = Self::ALL.into_iter();
        all.find(|one| one.as_str() == stored).unwrap_or_default()
    }

    /// The names of RFC 8176; none where it is not known.
    pub const fn amr(self) -> &'static [&'static str] {
        match self {
            Self::Elsewhere => &[],
            Self::Password => &["pwd"],
            Self::PasswordAndCode => &["pwd", "otp", "mfa"],
            Self::PasswordAndPasskey => &["pwd", "pop", "user", "mfa"],
            Self::Passkey => &["pop", "user", "mfa"],
        }
    }

    pub const fn is_multi_factor(self) -> bool {
        matches!(
            self,
            Self::PasswordAndCode | Self::PasswordAndPasskey | Self::Passkey
        )
    }

    /// What it is worth; nothing where it is not known.
    pub const fn acr(self) -> Option<&'static str> {
        match self {
            Self::Elsewhere => None,
            Self::Password => Some(ACR_SINGLE),
            _ => Some(ACR_MULTI),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_survives_being_stored_and_says_what_it_is_worth() {
        for proof in Proof::ALL {
            assert_eq!(Proof::parse(Some(proof.as_str())), proof);
            assert_eq!(proof.is_multi_factor(), proof.amr().contains(&"mfa"));
            assert_eq!(proof.is_multi_factor(), proof.acr() == Some(ACR_MULTI));
        }
        assert_eq!(Proof::parse(None), Proof::Elsewhere);
        assert_eq!(Proof::Elsewhere.acr(), None);
    }
}
