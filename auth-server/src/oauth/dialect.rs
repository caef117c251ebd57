//! Refusals at the token endpoint, in the words of the standard and in those of old clients.
//!
//! The per-method, per-API URLs answer as wicked did (10.3, 10.4), the standard ones as the RFCs
//! say. Both tables stand here, side by side, and nothing else knows the difference.

use http::StatusCode;

use super::{ErrorCode, OAuthError};
use crate::apis::NotAdmitted;

/// Which table is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `{B}/oauth2/…`
    Standard,
    /// `{B}/{method}/api/{api}/…`
    Compatible,
}

/// Why a token request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    GrantTypeMissing,
    GrantTypeUnknown,
    ClientIdMissing,
    SecretMissing {
        grant: Grant,
    },
    SecretOrVerifierMissing,
    SecretWrong {
        grant: Grant,
    },
    SecretNotAllowed {
        grant: Grant,
    },
    /// The client is not known, or its subscription is for another API.
    ClientUnknown {
        grant: Grant,
    },
    /// A grant for confidential clients, asked for by an application that cannot keep a secret.
    ClientNotConfidential,
    /// The password grant is for trusted subscriptions.
    ClientNotTrusted,
    MethodNotAllowed,
    FlowNotEnabled,
    CodeMissing,
    CodeInvalid,
    CodeOfAnotherClient,
    RedirectUriWrong,
    VerifierMissing,
    VerifierMalformed,
    VerifierUnexpected,
    VerifierWrong,
    DeviceCodeMissing,
    DevicePending,
    DeviceTooFast,
    DeviceExpired,
    DeviceDenied,
    RefreshTokenMissing,
    RefreshTokenInvalid,
    RefreshTokenOfAnotherClient,
    UserGone,
    UsernameMissing,
    PasswordMissing,
    /// Name or password is wrong, or the account may not be used this way.
    UserRefused,
    /// The user is not registered for the API.
    NotRegistered,
    /// The API is for members of a group.
    NotAdmitted(NotAdmitted),
    ConsentWithdrawn,
    ScopeUnknown(String),
    ScopeMissing,
    /// A refresh asks for more than was granted.
    ScopeTooWide,
    /// Users who are passed through need a scope service, and it them.
    PassthroughUnsupported,
    ScopeServiceDenied,
    /// The service that checked name and password says no, or nothing that is understood.
    RefreshNotAllowed,
    RefreshCheckFailed,
    /// `resource` is none of the client's API.
    ResourceWrong,
    TooLarge,
    Malformed(&'static str),
}

/// The grants of the token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    AuthorizationCode,
    ClientCredentials,
    DeviceCode,
    Password,
    RefreshToken,
}

impl Refusal {
    /// The answer in `dialect`.
    pub fn answer(&self, dialect: Dialect) -> OAuthError {
        let (status, code) = match dialect {
            _ if *self == Self::TooLarge => (413, ErrorCode::InvalidRequest),
            // RFC 8628 3.5: like all refusals of the grant.
            _ if *self == Self::DeviceDenied => (400, ErrorCode::AccessDenied),
            Dialect::Standard => {
                let code = self.standard();
                (code.status().as_u16(), code)
            }
            Dialect::Compatible => self.compatible(),
        };
        OAuthError::new(code, self.description())
            .with_status(StatusCode::from_u16(status).expect("the tables hold valid statuses"))
    }

    const fn standard(&self) -> ErrorCode {
        match self {
            Self::GrantTypeMissing
            | Self::CodeMissing
            | Self::DeviceCodeMissing
            | Self::RefreshTokenMissing
            | Self::VerifierMissing
            | Self::VerifierMalformed
            | Self::UsernameMissing
            | Self::PasswordMissing
            | Self::TooLarge
            | Self::Malformed(_) => ErrorCode::InvalidRequest,
            Self::GrantTypeUnknown => ErrorCode::UnsupportedGrantType,
            Self::ClientIdMissing
            | Self::SecretMissing { .. }
            | Self::SecretOrVerifierMissing
            | Self::SecretWrong { .. }
            | Self::SecretNotAllowed { .. }
            | Self::ClientUnknown { .. } => ErrorCode::InvalidClient,
            Self::ClientNotConfidential
            | Self::ClientNotTrusted
            | Self::MethodNotAllowed
            | Self::FlowNotEnabled => ErrorCode::UnauthorizedClient,
            Self::NotRegistered | Self::ScopeServiceDenied | Self::DeviceDenied => {
                ErrorCode::AccessDenied
            }
            Self::PassthroughUnsupported | Self::RefreshCheckFailed => ErrorCode::ServerError,
            Self::DevicePending => ErrorCode::AuthorizationPending,
            Self::DeviceTooFast => ErrorCode::SlowDown,
            Self::DeviceExpired => ErrorCode::ExpiredToken,
            Self::ResourceWrong => ErrorCode::InvalidTarget,
            Self::CodeInvalid
            | Self::CodeOfAnotherClient
            | Self::RedirectUriWrong
            | Self::VerifierUnexpected
            | Self::VerifierWrong
            | Self::RefreshTokenInvalid
            | Self::RefreshTokenOfAnotherClient
            | Self::UserGone
            | Self::UserRefused
            | Self::NotAdmitted(_)
            | Self::RefreshNotAllowed
            | Self::ConsentWithdrawn => ErrorCode::InvalidGrant,
            Self::ScopeUnknown(_) | Self::ScopeMissing | Self::ScopeTooWide => {
                ErrorCode::InvalidScope
            }
        }
    }

    const fn compatible(&self) -> (u16, ErrorCode) {
        use ErrorCode::{
            AccessDenied, AuthorizationPending, ExpiredToken, InvalidClient, InvalidGrant,
            InvalidRequest, InvalidScope, InvalidTarget, ServerError, SlowDown, UnauthorizedClient,
            UnsupportedGrantType,
        };
        match self {
            // wicked had no devices; these are the standard's codes.
            Self::DevicePending => (400, AuthorizationPending),
            Self::DeviceTooFast => (400, SlowDown),
            Self::DeviceExpired => (400, ExpiredToken),
            Self::ResourceWrong => (400, InvalidTarget),
            Self::DeviceDenied => (400, AccessDenied),
            Self::GrantTypeMissing
            | Self::CodeMissing
            | Self::DeviceCodeMissing
            | Self::CodeOfAnotherClient
            | Self::RefreshTokenMissing
            | Self::RefreshTokenInvalid
            | Self::UserGone
            | Self::VerifierMissing
            | Self::VerifierMalformed
            | Self::VerifierUnexpected
            | Self::TooLarge
            | Self::Malformed(_)
            | Self::UsernameMissing
            | Self::PasswordMissing
            | Self::ClientNotTrusted
            | Self::ClientUnknown {
                grant: Grant::ClientCredentials | Grant::Password,
            } => (400, InvalidRequest),
            Self::SecretMissing {
                grant: Grant::Password,
            }
            | Self::SecretWrong {
                grant: Grant::Password,
            } => (401, InvalidRequest),
            Self::GrantTypeUnknown => (400, UnsupportedGrantType),
            Self::ClientIdMissing
            | Self::SecretOrVerifierMissing
            | Self::SecretMissing {
                grant: Grant::ClientCredentials,
            }
            | Self::SecretWrong { .. }
            | Self::RefreshTokenOfAnotherClient => (400, InvalidClient),
            Self::SecretMissing {
                grant: Grant::AuthorizationCode,
            }
            | Self::SecretNotAllowed {
                grant: Grant::AuthorizationCode,
            } => (400, UnauthorizedClient),
            Self::SecretMissing { .. }
            | Self::SecretNotAllowed { .. }
            | Self::ClientUnknown { .. }
            | Self::FlowNotEnabled
            | Self::ClientNotConfidential => (401, UnauthorizedClient),
            Self::MethodNotAllowed => (500, UnauthorizedClient),
            Self::CodeInvalid => (401, InvalidGrant),
            Self::RedirectUriWrong | Self::VerifierWrong | Self::UserRefused => (400, InvalidGrant),
            Self::NotRegistered | Self::NotAdmitted(_) | Self::ScopeServiceDenied => {
                (403, AccessDenied)
            }
            Self::RefreshNotAllowed => (403, ServerError),
            Self::PassthroughUnsupported | Self::RefreshCheckFailed => (500, ServerError),
            Self::ConsentWithdrawn => (403, UnauthorizedClient),
            Self::ScopeUnknown(_) | Self::ScopeMissing | Self::ScopeTooWide => (400, InvalidScope),
        }
    }

    fn description(&self) -> String {
        match self {
            Self::GrantTypeMissing => "`grant_type` is missing.",
            Self::GrantTypeUnknown => "This `grant_type` is not offered.",
            Self::ClientIdMissing => "`client_id` is missing.",
            Self::SecretMissing { .. } => "`client_secret` is missing.",
            Self::SecretOrVerifierMissing => "Neither `client_secret` nor `code_verifier` is sent.",
            Self::SecretWrong { .. } | Self::ClientUnknown { .. } => {
                "`client_id` is unknown, not for this API, or `client_secret` is wrong."
            }
            Self::SecretNotAllowed { .. } => "A public client must not send `client_secret`.",
            Self::ClientNotConfidential => "This grant is for applications of type `confidential`.",
            Self::ClientNotTrusted => "The password grant is for trusted subscriptions.",
            Self::UsernameMissing => "`username` is missing.",
            Self::PasswordMissing => "`password` is missing.",
            Self::UserRefused => "`username` or `password` is wrong, or a new password is due.",
            Self::NotRegistered => "The user is not registered for this API.",
            Self::NotAdmitted(reason) => reason.description(),
            Self::MethodNotAllowed => "The API does not accept this login method.",
            Self::FlowNotEnabled => "The API does not allow this grant.",
            Self::CodeMissing => "`code` is missing.",
            Self::CodeInvalid | Self::CodeOfAnotherClient => {
                "`code` is not valid for this client, has been used or has expired."
            }
            Self::RedirectUriWrong => "`redirect_uri` differs from the one of the request.",
            Self::VerifierMissing => "`code_verifier` is missing.",
            Self::VerifierMalformed => "`code_verifier` needs 43 to 128 characters.",
            Self::VerifierUnexpected => "`code_verifier` is sent, but there was no challenge.",
            Self::VerifierWrong => "`code_verifier` does not fit the challenge.",
            Self::DeviceCodeMissing => "`device_code` is missing.",
            Self::DevicePending => "Nobody has agreed yet.",
            Self::DeviceTooFast => "Wait 5 seconds longer between two requests from now on.",
            Self::DeviceExpired => "`device_code` has expired.",
            Self::DeviceDenied => "The user did not agree.",
            Self::RefreshTokenMissing => "`refresh_token` is missing.",
            Self::RefreshTokenInvalid | Self::RefreshTokenOfAnotherClient => {
                "`refresh_token` is not valid for this client, was replaced or has ended."
            }
            Self::UserGone => "The user of this token no longer exists.",
            Self::ConsentWithdrawn => "The user's consent no longer covers the scope.",
            Self::ScopeUnknown(scope) => return format!("The API has no scope `{scope}`."),
            Self::ScopeMissing => "The API demands a scope, and none is left.",
            Self::PassthroughUnsupported => {
                "For this API tokens are neither given for a password nor refreshed."
            }
            Self::ScopeServiceDenied => "The API does not let this user in.",
            Self::RefreshNotAllowed => "The token of this user may not be refreshed.",
            Self::RefreshCheckFailed => "Nobody says whether this token may be refreshed.",
            Self::ScopeTooWide => "`scope` goes beyond what was granted.",
            Self::ResourceWrong => "`resource` is no address of this client's API.",
            Self::TooLarge => "The request is longer than 100 kB.",
            Self::Malformed(what) => what,
        }
        .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_dialects_give_the_stated_status_and_code() {
        let unknown = |grant| Refusal::ClientUnknown { grant };
        let cases = [
            (
                Refusal::GrantTypeMissing,
                400,
                "invalid_request",
                400,
                "invalid_request",
            ),
            (
                Refusal::ClientIdMissing,
                400,
                "invalid_client",
                401,
                "invalid_client",
            ),
            (
                unknown(Grant::ClientCredentials),
                400,
                "invalid_request",
                401,
                "invalid_client",
            ),
            (
                unknown(Grant::RefreshToken),
                401,
                "unauthorized_client",
                401,
                "invalid_client",
            ),
            (
                Refusal::MethodNotAllowed,
                500,
                "unauthorized_client",
                400,
                "unauthorized_client",
            ),
            (
                Refusal::FlowNotEnabled,
                401,
                "unauthorized_client",
                400,
                "unauthorized_client",
            ),
            (
                Refusal::SecretWrong {
                    grant: Grant::AuthorizationCode,
                },
                400,
                "invalid_client",
                401,
                "invalid_client",
            ),
            (
                Refusal::CodeInvalid,
                401,
                "invalid_grant",
                400,
                "invalid_grant",
            ),
            (
                Refusal::RefreshTokenInvalid,
                400,
                "invalid_request",
                400,
                "invalid_grant",
            ),
            (
                Refusal::ConsentWithdrawn,
                403,
                "unauthorized_client",
                400,
                "invalid_grant",
            ),
        ];
        check(&cases);
    }

    #[test]
    fn the_password_grant_has_codes_of_its_own() {
        check(&[
            (
                Refusal::SecretWrong {
                    grant: Grant::Password,
                },
                401,
                "invalid_request",
                401,
                "invalid_client",
            ),
            (
                Refusal::ClientNotTrusted,
                400,
                "invalid_request",
                400,
                "unauthorized_client",
            ),
            (
                Refusal::NotRegistered,
                403,
                "access_denied",
                403,
                "access_denied",
            ),
        ]);
    }

    type Case = (Refusal, u16, &'static str, u16, &'static str);

    fn check(cases: &[Case]) {
        for &(ref refusal, old_status, old_code, status, code) in cases {
            let old = refusal.answer(Dialect::Compatible);
            assert_eq!(
                (old.status.as_u16(), old.code.as_str()),
                (old_status, old_code)
            );
            let new = refusal.answer(Dialect::Standard);
            assert_eq!((new.status.as_u16(), new.code.as_str()), (status, code));
        }
    }
}
