//! Decisions about verifications, without I/O.

use chrono::TimeDelta;
use sdk::types::{
    Secret,
    verifications::{CreateVerification, Kind},
};
use serde_json::Value;

use crate::{ApiError, users::email};

pub const LIFETIME: TimeDelta = TimeDelta::hours(1);
const PLACEHOLDER: &str = "{{id}}";
const MAX_LINK: usize = 2048;

/// Kind and link of a request, checked in the order of the contract.
pub fn check(request: &CreateVerification) -> Result<(Kind, &str), ApiError> {
    let kind = kind(&request.kind).ok_or_else(|| {
        ApiError::invalid(
            "type",
            "choice",
            "`type` has to be `email` or `lostpassword`.",
        )
    })?;
    let link = request
        .link
        .as_deref()
        .filter(|link| !link.is_empty())
        .ok_or_else(|| {
            ApiError::invalid(
                "link",
                "required",
                "`link` is missing: the address that the mail shows.",
            )
        })?;
    if link.len() > MAX_LINK {
        return Err(ApiError::invalid(
            "link",
            "length",
            format!("`link` is limited to {MAX_LINK} characters."),
        ));
    }
    if !link.contains(PLACEHOLDER) {
        return Err(ApiError::invalid(
            "link",
            "placeholder",
            "`link` has to contain {{id}} where the id belongs.",
        ));
    }
    // An address that nobody has is no error, so that nobody learns of it; none at all is one.
    if request.email.trim().is_empty() {
        return Err(ApiError::invalid(
            "email",
            "required",
            "`email` is missing: whose address is to be confirmed?",
        ));
    }
    if request.email.len() > email::MAX_LENGTH {
        return Err(ApiError::invalid(
            "email",
            "length",
            format!("`email` is limited to {} characters.", email::MAX_LENGTH),
        ));
    }
    Ok((kind, link))
}

pub fn kind(text: &str) -> Option<Kind> {
    [Kind::Email, Kind::LostPassword]
        .into_iter()
        .find(|kind| kind.as_str() == text)
}

/// What a verification is used for.
#[derive(Debug, PartialEq, Eq)]
pub enum Use {
    Password(Secret),
    Validated(bool),
}

/// Reads the body of `PATCH /users/{user}` with a verification id: `password` or `validated` and
/// nothing else; of both the password counts.
pub fn patch(body: &Value) -> Result<Use, ApiError> {
    let refused = || {
        ApiError::bad_request(
            "not-by-verification",
            "With a verification id only `password` (a text) or `validated` (true or false) can be \
             changed.",
        )
    };
    let members = body.as_object().ok_or_else(refused)?;
    if members
        .keys()
        .any(|name| name != "password" && name != "validated")
    {
        return Err(refused());
    }
    match (members.get("password"), members.get("validated")) {
        (Some(password), _) => password
            .as_str()
            .map(|text| Use::Password(text.into()))
            .ok_or_else(refused),
        (None, Some(validated)) => validated.as_bool().map(Use::Validated).ok_or_else(refused),
        (None, None) => Err(refused()),
    }
}

/// What consuming a verification of this kind does. A password belongs to the one kind and not to
/// the other.
pub fn consume(kind: Kind, password: Option<Secret>) -> Result<Use, ApiError> {
    match (kind, password) {
        (Kind::Email, None) => Ok(Use::Validated(true)),
        (Kind::LostPassword, Some(password)) => Ok(Use::Password(password)),
        (Kind::Email, Some(_)) => Err(ApiError::invalid(
            "password",
            "absent",
            "This verification confirms an address; it cannot set a password.",
        )),
        (Kind::LostPassword, None) => Err(ApiError::invalid(
            "password",
            "required",
            "Send the new `password`.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_wrong_member_is_named() {
        let request = |kind: &str, link: Option<&str>| CreateVerification {
            kind: kind.to_owned(),
            email: "ada@example.org".to_owned(),
            link: link.map(str::to_owned),
            language: None,
        };
        assert!(check(&request("phone", None)).is_err());
        assert!(check(&request("email", None)).is_err());
        assert!(check(&request("email", Some("https://portal.example/verify"))).is_err());
        let good = request("lostpassword", Some("https://portal.example/verify/{{id}}"));
        assert_eq!(check(&good).unwrap().0, Kind::LostPassword);
    }

    #[test]
    fn a_verification_changes_password_or_validated_only() {
        assert_eq!(
            patch(&json!({"validated": true})).unwrap(),
            Use::Validated(true)
        );
        let both = json!({"validated": true, "password": "new"});
        assert_eq!(patch(&both).unwrap(), Use::Password("new".into()));
        for refused in [
            json!({}),
            json!([]),
            json!({"password": 1}),
            json!({"password": "x", "groups": []}),
        ] {
            assert!(patch(&refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn consuming_is_bound_to_the_kind() {
        assert_eq!(consume(Kind::Email, None).unwrap(), Use::Validated(true));
        assert!(consume(Kind::Email, Some("x".into())).is_err());
        assert!(consume(Kind::LostPassword, None).is_err());
    }
}
