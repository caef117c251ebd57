//! What workers see of it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use arc_swap::{ArcSwap, ArcSwapOption};
use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode};

use crate::proxy::Answer;

const PLACE: &[u8] = b"/.well-known/acme-challenge/";
/// Bytes of a token: 128 bits at least (RFC 8555, 8.1), and not without end.
const TOKEN: std::ops::RangeInclusive<usize> = 16..=256;

/// Names with the end of their certificates, as far as there are some.
type Names = BTreeMap<String, Option<i64>>;

#[derive(Default)]
pub struct State {
    /// Of the account's key.
    thumbprint: ArcSwapOption<String>,
    names: ArcSwap<Names>,
    failures: AtomicU64,
}

impl State {
    pub fn answer_for(&self, thumbprint: String) {
        self.thumbprint.store(Some(Arc::new(thumbprint)));
    }

    pub fn show(&self, names: Names) {
        self.names.store(Arc::new(names));
    }

    pub fn names(&self) -> Arc<Names> {
        self.names.load_full()
    }

    pub fn count_failure(&self) {
        self.failures.fetch_add(1, Relaxed);
    }

    pub fn failures(&self) -> u64 {
        self.failures.load(Relaxed)
    }

    /// What the authority wants to hear from a name of ours; all else goes its usual way.
    pub fn answer(&self, method: &Method, host: &str, path: &[u8]) -> Option<Answer> {
        let token = path.strip_prefix(PLACE)?;
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let is_token = TOKEN.contains(&token.len()) && token.iter().all(is_plain);
        if *method != Method::GET || !is_token || !self.names.load().contains_key(host) {
            return None;
        }
        let thumbprint = self.thumbprint.load_full()?;
        let answer = [token, b".", thumbprint.as_bytes()].concat();
        let text = HeaderValue::from_static("text/plain");
        Some(Answer::empty(StatusCode::OK).body(text, Bytes::from(answer)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_authoritys_questions_about_own_names_are_answered() {
        let state = State::default();
        state.show([("a.example".to_owned(), None)].into());
        let place = "/.well-known/acme-challenge/";
        let token = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0";
        let ask = |method, host, path: &str| state.answer(method, host, path.as_bytes()).is_some();
        let path = format!("{place}{token}");
        assert!(!ask(&Method::GET, "a.example", &path), "without an account");
        state.answer_for("thumb".to_owned());
        assert!(ask(&Method::GET, "a.example", &path));
        for (method, host, path) in [
            (&Method::POST, "a.example", path.clone()),
            (&Method::GET, "b.example", path.clone()),
            (&Method::GET, "a.example", format!("/x{path}")),
            (&Method::GET, "a.example", format!("{path}/x")),
            (
                &Method::GET,
                "a.example",
                format!("{place}<script>aaaaaaaaaaaaaaa"),
            ),
            (&Method::GET, "a.example", format!("{place}short")),
            (
                &Method::GET,
                "a.example",
                format!("{place}{}", "x".repeat(257)),
            ),
        ] {
            assert!(!ask(method, host, &path), "{method} {host} {path}");
        }
    }
}
