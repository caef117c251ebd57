//! Decisions about credentials, without I/O (portal-api 29.2 and A5).

use chrono::{DateTime, TimeDelta, Utc};
use config::{
    Configuration,
    apis::{Api, Auth},
    auth_servers::TokenMode,
    globals::{GatewayType, Reveal},
};
use sdk::types::{Secret, credentials::Kind};

use super::row;
use crate::ApiError;

pub const MAX_NAME: usize = 128;
pub const MAX_NOTE: usize = 1024;
/// Living credentials of one subscription; a program that makes one per start is stopped here.
pub const MAX_VALID: usize = 50;

/// How a credential came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Made with the subscription or its approval.
    Subscription,
    /// Made on its own, by the operations on credentials.
    Own,
}

/// What is kept of a secret beside its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keeping {
    /// It is shown again with the subscription.
    pub classic: bool,
    /// The ciphertext is stored.
    pub sealed: bool,
}

pub fn keeping(origin: Origin, reveal: Reveal, needed_by_kong: bool) -> Keeping {
    let classic = match reveal {
        Reveal::Classic => origin == Origin::Subscription,
        Reveal::Always => true,
        Reveal::Never => false,
    };
    Keeping {
        classic,
        sealed: classic || needed_by_kong,
    }
}

/// The kind of credential that an API takes.
pub fn kind_of(auth: &str) -> Kind {
    if auth.starts_with(Auth::OAuth2.as_str()) {
        Kind::Client
    } else {
        Kind::Key
    }
}

/// Whether a Kong has to be given the clear text of credentials of this API.
pub fn is_needed_by_kong(configuration: &Configuration, api: &Api, kind: Kind) -> bool {
    match kind {
        Kind::Key => configuration.globals.gateway_type == GatewayType::Kong,
        Kind::Client => api
            .auth_methods
            .iter()
            .filter_map(|method| configuration.auth_server(&method.server))
            .any(|server| server.token_mode == TokenMode::KongOauth2),
    }
}

/// Whether the credential opens anything at `now`.
pub fn is_valid(credential: &row::Model, now: DateTime<Utc>) -> bool {
    credential.revoked_at.is_none() && credential.expires_at.is_none_or(|end| end > now)
}

/// Whether its secret may be shown again to those with a role.
pub fn is_readable(credential: &row::Model, reveal: Reveal) -> bool {
    credential.classic && reveal != Reveal::Never
}

/// The credential that stands for the whole subscription in the old form with one key: a readable
/// one before others, then the newest.
pub fn main(credentials: &[row::Model], now: DateTime<Utc>) -> Option<&row::Model> {
    credentials
        .iter()
        .filter(|credential| is_valid(credential, now))
        .max_by_key(|credential| (credential.classic, credential.created_at))
}

/// A key chosen by the caller: `[A-Za-z0-9._-]`, 20 to 128 characters; administrators may keep
/// shorter ones of old installations (portal-api D14).
pub fn check_chosen_key(key: &Secret, by_admin: bool) -> Result<(), ApiError> {
    let text = key.expose();
    let shortest = if by_admin { 1 } else { 20 };
    let is_allowed = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-');
    if (shortest..=128).contains(&text.len()) && text.bytes().all(is_allowed) {
        return Ok(());
    }
    let message = "`apikey` has 20 to 128 characters out of A-Z, a-z, 0-9, `.`, `_` and `-`.";
    Err(ApiError::invalid("apikey", "characters", message))
}

/// First and last characters that tell credentials apart; a short secret shows less of itself.
pub fn hints(secret: &Secret) -> (&str, &str) {
    let text = secret.expose();
    let prefix = text.len().min(32) / 4;
    let last = if text.len() >= 16 { 4 } else { 0 };
    (
        text.get(..prefix).unwrap_or_default(),
        text.get(text.len() - last..).unwrap_or_default(),
    )
}

/// The end of a credential: the wanted one, or what the installation allows at most.
pub fn expiry(
    wanted: Option<DateTime<Utc>>,
    max_age_days: Option<u64>,
    created: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, ApiError> {
    let longest = max_age_days
        .and_then(|days| TimeDelta::try_days(i64::try_from(days).ok()?))
        .and_then(|age| created.checked_add_signed(age));
    match (wanted, longest) {
        (Some(wanted), _) if wanted <= now => {
            let message =
                "`expiresAt` has to lie in the future; to end a credential at once, delete it.";
            Err(ApiError::invalid("expiresAt", "past", message))
        }
        (Some(wanted), Some(longest)) if wanted > longest => {
            let days = max_age_days.unwrap_or_default();
            let message = format!("`expiresAt`: credentials live at most {days} days here.");
            Err(ApiError::invalid("expiresAt", "max-age", message))
        }
        (wanted, longest) => Ok(wanted.or(longest)),
    }
}

/// When the old credential of a rotation ends; never later than it would have anyway.
pub fn overlap_end(
    seconds: u64,
    max_seconds: u64,
    expires_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, ApiError> {
    if seconds > max_seconds {
        let message = format!("`overlapSeconds` is at most {max_seconds}.");
        return Err(ApiError::invalid("overlapSeconds", "max", message));
    }
    let overlap = i64::try_from(seconds).ok().and_then(TimeDelta::try_seconds);
    let end = overlap
        .and_then(|overlap| now.checked_add_signed(overlap))
        .unwrap_or(now);
    Ok(expires_at.map_or(end, |expires_at| expires_at.min(end)))
}

/// A name that is neither empty nor too long.
pub fn check_name(name: &str) -> Result<String, ApiError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME {
        let message = format!("`name` has 1 to {MAX_NAME} characters.");
        return Err(ApiError::invalid("name", "length", message));
    }
    Ok(name.to_owned())
}

pub fn check_text(field: &'static str, text: Option<&str>) -> Result<(), ApiError> {
    if text.is_none_or(|text| text.chars().count() <= MAX_NOTE) {
        return Ok(());
    }
    let message = format!("`{field}` has at most {MAX_NOTE} characters.");
    Err(ApiError::invalid(field, "length", message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    pub fn credential(id: &str, classic: bool, created: i64, expires: Option<i64>) -> row::Model {
        row::Model {
            id: id.to_owned(),
            subscription_id: "s".to_owned(),
            kind: "key".to_owned(),
            name: id.to_owned(),
            note: None,
            classic,
            client_id: None,
            digest: id.to_owned(),
            sealed: None,
            prefix: String::new(),
            last4: String::new(),
            created_at: at(created),
            created_by: None,
            expires_at: expires.map(at),
            last_used_at: None,
            revoked_at: None,
            revoked_reason: None,
        }
    }

    #[test]
    fn what_is_kept_follows_the_table_of_the_specification() {
        use Origin::{Own, Subscription};
        let cases = [
            (Subscription, Reveal::Classic, false, true, true),
            (Subscription, Reveal::Never, false, false, false),
            (Subscription, Reveal::Never, true, false, true),
            (Own, Reveal::Classic, false, false, false),
            (Own, Reveal::Classic, true, false, true),
            (Own, Reveal::Always, false, true, true),
        ];
        for (origin, reveal, kong, classic, sealed) in cases {
            let kept = keeping(origin, reveal, kong);
            assert_eq!(
                kept,
                Keeping { classic, sealed },
                "{origin:?} {reveal:?} {kong}"
            );
        }
    }

    #[test]
    fn a_readable_credential_stands_for_the_subscription_while_it_is_valid() {
        let list = [
            credential("a", true, 1, Some(50)),
            credential("b", false, 2, None),
        ];
        assert_eq!(main(&list, at(10)).unwrap().id, "a");
        assert_eq!(main(&list, at(50)).unwrap().id, "b");
        assert!(main(&list[..1], at(60)).is_none());
    }

    #[test]
    fn an_expiry_lies_in_the_future_and_within_the_longest_age() {
        let age = |wanted: Option<i64>, days| expiry(wanted.map(at), days, at(0), at(100));
        assert_eq!(age(None, None).unwrap(), None);
        assert_eq!(age(None, Some(1)).unwrap(), Some(at(86_400)));
        assert_eq!(age(Some(200), Some(1)).unwrap(), Some(at(200)));
        assert!(age(Some(86_401), Some(1)).is_err());
        assert!(age(Some(100), None).is_err());
    }

    #[test]
    fn an_overlap_never_prolongs_a_credential() {
        assert_eq!(overlap_end(60, 100, None, at(0)).unwrap(), at(60));
        assert_eq!(overlap_end(60, 100, Some(at(30)), at(0)).unwrap(), at(30));
        assert_eq!(overlap_end(0, 100, None, at(7)).unwrap(), at(7));
        assert!(overlap_end(101, 100, None, at(0)).is_err());
    }

    #[test]
    fn chosen_keys_are_long_enough_unless_an_administrator_keeps_an_old_one() {
        let check = |key: &str, admin| check_chosen_key(&Secret::from(key), admin).is_ok();
        assert!(check(&"a".repeat(20), false));
        assert!(!check(&"a".repeat(19), false));
        assert!(check("short", true));
        assert!(!check("", true));
        assert!(!check(&"ä".repeat(20), true));
        assert!(!check(&"a".repeat(129), true));
    }

    #[test]
    fn hints_show_less_of_short_secrets() {
        assert_eq!(hints(&Secret::from("abcd")), ("a", ""));
        assert_eq!(
            hints(&Secret::from("wg_0123456789abcdefghij0123456789xyz")),
            ("wg_01234", "9xyz")
        );
    }
}
