//! The session cookie: sealed, and split where one cookie would be too long for browsers.

use std::borrow::Cow;

use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, HeaderValue};
use service::keys::Key;

use super::{IDLE, Session};

/// Bound into the seal, so that no other sealed text can be used as a session.
const CONTEXT: &[u8] = b"portal.cookie.sid";
const PART: usize = 3800;
const MAX_PARTS: usize = 4;
const MAX_TOTAL: usize = 12_000;

/// Names and attributes of the cookie of one installation.
#[derive(Clone, Copy, Debug)]
pub struct Jar {
    /// Browsers send the cookie over https only, and to no other host (`__Host-`).
    pub secure: bool,
}

impl Jar {
    fn name(self, part: usize) -> Cow<'static, str> {
        let base = if self.secure {
            "__Host-portal.cookie.sid"
        } else {
            "portal.cookie.sid"
        };
        match part {
            0 => base.into(),
            part => format!("{base}.{part}").into(),
        }
    }

    fn set(self, part: usize, value: &str, max_age: i64) -> HeaderValue {
        let secure = if self.secure { "; Secure" } else { "" };
        let text = format!(
            "{}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure}",
            self.name(part)
        );
        HeaderValue::try_from(text).expect("base64url is a header value")
    }

    /// Cookies that keep `session`, and remove parts of a longer one before.
    pub fn write(self, key: &Key, session: &mut Session, had: &HeaderMap) -> Vec<HeaderValue> {
        let sealed = seal(key, session);
        let parts = sealed.as_bytes().chunks(PART);
        let mut cookies: Vec<_> = parts
            .enumerate()
            .map(|(index, part)| {
                let text = std::str::from_utf8(part).expect("base64url is ASCII");
                self.set(index, text, IDLE.num_seconds())
            })
            .collect();
        cookies.extend(self.clear_from(cookies.len(), had));
        cookies
    }

    /// Cookies that end the session.
    pub fn clear(self, had: &HeaderMap) -> Vec<HeaderValue> {
        self.clear_from(0, had)
    }

    fn clear_from(self, first: usize, had: &HeaderMap) -> Vec<HeaderValue> {
        (first..MAX_PARTS)
            .filter(|part| ui::cookie(had, &self.name(*part)).is_some())
            .map(|part| self.set(part, "", 0))
            .collect()
    }
}

/// The session of a request; nothing if there is none that is ours, whole and alive.
pub fn read(
    jar: Jar,
    key: &Key,
    headers: &HeaderMap,
    now: DateTime<Utc>,
    limit: TimeDelta,
) -> Option<Session> {
    let sealed: String = (0..MAX_PARTS)
        .map_while(|part| ui::cookie(headers, &jar.name(part)))
        .collect();
    if sealed.is_empty() || sealed.len() > MAX_TOTAL {
        return None;
    }
    let json = key.open(&sealed, CONTEXT).ok()?;
    let session: Session = serde_json::from_slice(&json).ok()?;
    session.is_alive(now, limit).then_some(session)
}

fn seal(key: &Key, session: &mut Session) -> String {
    loop {
        let json = serde_json::to_vec(session).expect("a session is always JSON");
        let sealed = key.seal(&json, CONTEXT);
        if sealed.len() <= MAX_TOTAL || !session.shed() {
            return sealed;
        }
    }
}

#[cfg(test)]
mod tests {
    use http::header;
    use service::keys::{Keys, MasterKey, Purpose};

    use super::*;
    use crate::session::{SessionUser, Tokens};

    const LIMIT: TimeDelta = TimeDelta::hours(12);

    fn key() -> Key {
        Keys::from_master(MasterKey::generate())
            .derive(&Purpose::Cookie)
            .unwrap()
    }

    fn echo(cookies: &[HeaderValue]) -> HeaderMap {
        let pairs: Vec<&str> = cookies
            .iter()
            .map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap())
            .collect();
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, pairs.join("; ").parse().unwrap());
        headers
    }

    fn session_with_token(length: usize, now: DateTime<Utc>) -> Session {
        let tokens = Tokens {
            client: String::new(),
            access: "t".repeat(length).into(),
            refresh: None,
            issued: now,
            expires: now,
        };
        let user = SessionUser {
            id: "1".into(),
            name: "Ada".into(),
            email: "ada@example.org".into(),
            admin: false,
            approver: false,
            publisher: false,
            method: "local".into(),
            tokens,
        };
        Session {
            user: Some(user),
            ..Session::new(now)
        }
    }

    #[test]
    fn a_long_session_comes_back_whole_from_several_cookies() {
        let (key, jar) = (key(), Jar { secure: true });
        let now = service::clock::now();
        let mut session = session_with_token(6000, now);
        let cookies = jar.write(&key, &mut session, &HeaderMap::new());
        assert!(cookies.len() > 1);
        for cookie in &cookies {
            let text = cookie.to_str().unwrap();
            assert!(text.len() < 4096 && text.starts_with("__Host-") && text.contains("; Secure"));
        }
        assert_eq!(read(jar, &key, &echo(&cookies), now, LIMIT), Some(session));
    }

    #[test]
    fn a_shorter_session_removes_the_parts_of_the_longer_one() {
        let (key, jar) = (key(), Jar { secure: false });
        let now = service::clock::now();
        let long = jar.write(&key, &mut session_with_token(6000, now), &HeaderMap::new());
        let short = jar.write(&key, &mut Session::new(now), &echo(&long));
        assert_eq!(short.len(), long.len());
        assert!(
            short
                .last()
                .unwrap()
                .to_str()
                .unwrap()
                .contains("Max-Age=0")
        );
    }

    #[test]
    fn a_session_sealed_with_another_key_is_none() {
        let jar = Jar { secure: false };
        let now = service::clock::now();
        let cookies = jar.write(&key(), &mut Session::new(now), &HeaderMap::new());
        assert_eq!(read(jar, &key(), &echo(&cookies), now, LIMIT), None);
    }
}
