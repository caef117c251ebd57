//! The browser session: everything the portal remembers about a visitor, in the visitor's cookie.

mod cookie;

use chrono::{DateTime, TimeDelta, Utc};
use sdk::types::Secret;
use serde::{Deserialize, Serialize};
use ui::{Kind, Message};

use crate::{
    login::Attempt,
    trial::{Begun, PersonToken},
};
pub use cookie::{Jar, read};

/// Idle time after which a session ends.
pub const IDLE: TimeDelta = TimeDelta::minutes(45);
/// A session that is used is written again when its cookie is older than this.
const RENEW: TimeDelta = TimeDelta::minutes(5);
const MAX_ATTEMPTS: usize = 5;
const MAX_MESSAGES: usize = 5;

/// What the cookie holds. Never credentials of applications.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// Changes at log-in, so that a session planted before is worth nothing after.
    pub sid: String,
    /// Proves that a form came from one of our pages.
    pub csrf: String,
    started: DateTime<Utc>,
    seen: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<SessionUser>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attempts: Vec<Attempt>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    messages: Vec<(Tone, String)>,
    /// A log-in for trials of an API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<Begun>,
    /// What came of the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial_token: Option<PersonToken>,
}

/// The person who is logged in, with the tokens to act for them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionUser {
    pub id: String,
    pub name: String,
    pub email: String,
    pub admin: bool,
    pub approver: bool,
    /// Owns APIs, or may change all of them.
    #[serde(default)]
    pub publisher: bool,
    /// The way of logging in.
    #[serde(default)]
    pub method: String,
    pub tokens: Tokens,
}

/// Tokens of one person and when they have to be renewed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tokens {
    /// The beginning of the id of the client that asked for them.
    #[serde(default)]
    pub client: String,
    pub access: Secret,
    pub refresh: Option<Secret>,
    pub issued: DateTime<Utc>,
    pub expires: DateTime<Utc>,
}

/// Serialisable form of [`ui::Kind`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Tone {
    Good,
    Info,
    Waiting,
    Bad,
}

impl Session {
    pub fn new(now: DateTime<Utc>) -> Self {
        Self {
            sid: service::random::token(16),
            csrf: service::random::token(24),
            started: now,
            seen: now,
            user: None,
            attempts: Vec::new(),
            messages: Vec::new(),
            trial: None,
            trial_token: None,
        }
    }

    /// A fresh session for somebody who logged in.
    pub fn of(user: SessionUser, now: DateTime<Utc>) -> Self {
        Self {
            user: Some(user),
            ..Self::new(now)
        }
    }

    /// Whether the session may still be used; at `limit` after its beginning it ends in any case.
    pub fn is_alive(&self, now: DateTime<Utc>, limit: TimeDelta) -> bool {
        now - self.seen < IDLE
            && now - self.started < limit
            && self.started <= now + TimeDelta::minutes(1)
    }

    /// Time since the person logged in.
    pub fn age(&self, now: DateTime<Utc>) -> TimeDelta {
        now - self.started
    }

    /// Moves the idle limit on, but not with every request: a cookie is not cheap.
    pub fn touch(&mut self, now: DateTime<Utc>) {
        if now - self.seen >= RENEW {
            self.seen = now;
        }
    }

    /// Remembers a log-in that was begun; the oldest one makes room.
    pub fn begin(&mut self, attempt: Attempt, now: DateTime<Utc>) {
        self.attempts.retain(|open| open.is_open(now));
        while self.attempts.len() >= MAX_ATTEMPTS {
            self.attempts.remove(0);
        }
        self.attempts.push(attempt);
    }

    /// Takes the attempt out that `state` belongs to; each can be used once.
    pub fn finish(&mut self, state: &str, now: DateTime<Utc>) -> Option<Attempt> {
        let index = self.attempts.iter().position(|open| open.is(state))?;
        Some(self.attempts.remove(index)).filter(|attempt| attempt.is_open(now))
    }

    /// Leaves a sentence for the next page.
    pub fn leave(&mut self, kind: Kind, text: String) {
        let tone = match kind {
            Kind::Good => Tone::Good,
            Kind::Info => Tone::Info,
            Kind::Waiting => Tone::Waiting,
            Kind::Bad => Tone::Bad,
        };
        if self.messages.len() < MAX_MESSAGES {
            self.messages.push((tone, text));
        }
    }

    /// Takes the sentences of the last action.
    pub fn take_messages(&mut self) -> Vec<Message> {
        let taken = std::mem::take(&mut self.messages).into_iter();
        taken
            .map(|(tone, text)| Message {
                kind: match tone {
                    Tone::Good => Kind::Good,
                    Tone::Info => Kind::Info,
                    Tone::Waiting => Kind::Waiting,
                    Tone::Bad => Kind::Bad,
                },
                text,
            })
            .collect()
    }

    /// Drops what can be spared when the cookie gets too large.
    fn shed(&mut self) -> bool {
        if !self.messages.is_empty() {
            self.messages.clear();
            return true;
        }
        if !self.attempts.is_empty() {
            self.attempts.remove(0);
            return true;
        }
        self.trial_token.take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000, 0).unwrap() + TimeDelta::minutes(minutes)
    }

    #[test]
    fn a_session_ends_when_idle_and_after_its_time() {
        let limit = TimeDelta::hours(12);
        let mut session = Session::new(at(0));
        assert!(session.is_alive(at(44), limit) && !session.is_alive(at(45), limit));
        for minute in (0..=720).step_by(5) {
            session.touch(at(minute));
        }
        assert!(!session.is_alive(at(720), limit));
        assert!(session.is_alive(at(720), TimeDelta::hours(13)));
    }

    #[test]
    fn an_attempt_works_once_and_in_time() {
        let mut session = Session::new(at(0));
        for number in 0..7 {
            session.begin(Attempt::sample(&number.to_string(), at(0)), at(0));
        }
        assert!(session.finish("1", at(1)).is_none(), "five are kept");
        assert!(session.finish("2", at(1)).is_some());
        assert!(session.finish("2", at(1)).is_none(), "each works once");
        assert!(session.finish("3", at(11)).is_none(), "ten minutes");
    }
}
