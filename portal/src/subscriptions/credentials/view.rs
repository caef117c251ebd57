//! A credential as pages show it.

use chrono::{DateTime, TimeDelta, Utc};
use sdk::types::{Credential, Owner};
use ui::{Lang, format, texts};

/// An end that is nearer than this is shown as time running out.
const SOON: TimeDelta = TimeDelta::days(30);

/// A credential as a row.
pub struct CredentialView {
    pub id: String,
    pub name: String,
    pub note: Option<String>,
    pub origin: String,
    /// Prefix and last four of a key, or the client id.
    pub shown: String,
    pub state: State,
    /// How long an ending one still works.
    pub ends_in: String,
    pub last_used: String,
    pub addresses: Option<String>,
    pub expires: String,
    /// Why it was revoked.
    pub reason: Option<String>,
    /// Its secret may be shown again.
    pub is_readable: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Active,
    /// Works, but not for long.
    Ending,
    Revoked,
    Expired,
}

impl CredentialView {
    /// `owners` are the people who work on the application.
    pub fn new(credential: Credential, owners: &[Owner], now: DateTime<Utc>, lang: Lang) -> Self {
        let t = texts::Applications(lang);
        let when = format::ago(lang, credential.created_at.0, now);
        let maker = credential.created_by.as_deref();
        let maker = maker.map(|id| owners.iter().find(|owner| owner.user_id == id));
        let created = match maker {
            Some(Some(owner)) => t.created_by(when, &owner.email),
            Some(None) => t.created_by_another(when),
            None => t.created_ago(when),
        };
        let end = credential.expires_at.map(|end| end.0);
        let state = match (credential.revoked_at, end) {
            (Some(_), _) => State::Revoked,
            (None, Some(end)) if end <= now => State::Expired,
            (None, Some(end)) if end - now < SOON => State::Ending,
            (None, _) => State::Active,
        };
        Self {
            shown: match &credential.client_id {
                Some(client_id) => client_id.clone(),
                None => format!("{}…{}", credential.prefix, credential.last4),
            },
            state,
            ends_in: end
                .filter(|_| state == State::Ending)
                .map(|end| format::until(lang, end, now))
                .unwrap_or_default(),
            last_used: credential
                .last_used_at
                .map_or_else(|| t.not_yet().to_owned(), |at| format::ago(lang, at.0, now)),
            addresses: credential
                .last_used_addresses
                .filter(|count| *count > 0)
                .map(|count| t.from_addresses(usize::try_from(count).unwrap_or(usize::MAX))),
            expires: end.map_or_else(
                || t.never().to_owned(),
                |end| match state {
                    State::Ending => format::moment(lang, end),
                    _ => format::date(lang, end.date_naive()),
                },
            ),
            origin: if credential.classic {
                format!("{created}, {}", t.created_by_subscribing())
            } else {
                created
            },
            reason: credential.revoked_reason,
            is_readable: credential.classic && !matches!(state, State::Revoked | State::Expired),
            note: credential.note.filter(|note| !note.is_empty()),
            id: credential.id,
            name: credential.name,
        }
    }

    pub fn is_alive(&self) -> bool {
        matches!(self.state, State::Active | State::Ending)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn credential(end: Option<&str>, revoked: bool) -> Credential {
        let mut json = json!({"id": "c", "kind": "key", "name": "ci", "classic": true,
            "prefix": "wg_", "last4": "1234", "createdAt": "2026-11-20T10:00:00Z"});
        if let Some(end) = end {
            json["expiresAt"] = end.into();
        }
        if revoked {
            json["revokedAt"] = "2026-11-21T10:00:00Z".into();
        }
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn an_end_that_is_near_is_counted_down() {
        let now = "2026-11-22T10:00:00Z".parse().unwrap();
        for (end, revoked, state, ends_in) in [
            (None, false, State::Active, ""),
            (Some("2027-11-22T10:00:00Z"), false, State::Active, ""),
            (
                Some("2026-11-23T09:41:00Z"),
                false,
                State::Ending,
                "23 h 41 min",
            ),
            (Some("2026-11-22T09:59:00Z"), false, State::Expired, ""),
            (Some("2026-11-23T09:41:00Z"), true, State::Revoked, ""),
        ] {
            let view = CredentialView::new(credential(end, revoked), &[], now, Lang::EN);
            assert_eq!((view.state, view.ends_in.as_str()), (state, ends_in));
            assert_eq!(view.is_readable, view.is_alive());
        }
    }

    #[test]
    fn whoever_made_it_is_named_if_he_works_on_the_application() {
        let now = "2026-11-22T10:00:00Z".parse().unwrap();
        let lena = json!({"userId": "2", "email": "lena@example.org", "role": "owner"});
        let lena: Owner = serde_json::from_value(lena).unwrap();
        for (maker, named) in [
            (Some("2"), "by lena@example.org"),
            (Some("3"), "by somebody else"),
            (None, "Created"),
        ] {
            let made = Credential {
                created_by: maker.map(str::to_owned),
                ..credential(None, false)
            };
            let view = CredentialView::new(made, std::slice::from_ref(&lena), now, Lang::EN);
            assert!(view.origin.contains(named), "{}", view.origin);
        }
    }
}
