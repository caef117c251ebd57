//! The list of somebody who checks tokens.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use super::{Feed, MAX_NAME, Revocation, Revoked};

/// Entries per issuer. Beyond that single tokens give way to sessions, and those to users: one entry
/// of a user stands for all of his tokens.
const MAX_ENTRIES: usize = 100_000;

/// What an access token says about itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Names<'a> {
    pub iss: &'a str,
    pub jti: Option<&'a str>,
    pub sid: Option<&'a str>,
    pub sub: Option<&'a str>,
    pub iat: Option<i64>,
}

/// Tokens that no longer count, by issuer. Clones share the names.
#[derive(Clone, Debug, Default)]
pub struct RevocationList {
    issuers: HashMap<Arc<str>, OfIssuer>,
}

#[derive(Clone, Debug, Default)]
struct OfIssuer {
    seq: i64,
    /// Unix seconds.
    heard_at: i64,
    tokens: HashMap<Arc<str>, i64>,
    sessions: HashMap<Arc<str>, i64>,
    users: HashMap<Arc<str>, NotBefore>,
}

#[derive(Clone, Copy, Debug)]
struct NotBefore {
    time: i64,
    expires_at: i64,
}

/// The feed goes on from a point that this list has not reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the list goes up to {known}; send everything after that")]
pub struct Gap {
    pub known: i64,
}

impl RevocationList {
    /// Takes over what an auth server told at `now` (Unix seconds), and forgets what has ended.
    /// One that begins at 0 tells everything, so it always fits.
    pub fn apply(&mut self, feed: &Feed, now: i64) -> Result<(), Gap> {
        let known = self.seq(&feed.issuer);
        if feed.after != 0 && feed.after != known {
            return Err(Gap { known });
        }
        let list = self
            .issuers
            .entry(Arc::from(feed.issuer.as_str()))
            .or_default();
        list.seq = feed.seq;
        list.heard_at = now;
        if !feed.revocations.is_empty() {
            list.forget_ended(now);
            for revocation in &feed.revocations {
                list.insert(revocation);
            }
            list.shrink(MAX_ENTRIES);
        }
        Ok(())
    }

    /// Up to where the list of an issuer goes; 0 if nothing was heard of it.
    pub fn seq(&self, issuer: &str) -> i64 {
        self.issuers.get(issuer).map_or(0, |list| list.seq)
    }

    /// Whether there is nothing on it.
    pub fn is_empty(&self) -> bool {
        self.issuers.values().all(|list| list.len() == 0)
    }

    /// Whether a token ended before its time. One that names no user, session or id is not on it.
    pub fn contains(&self, token: Names) -> bool {
        let Some(list) = self.issuers.get(token.iss) else {
            return false;
        };
        let is_in = |list: &HashMap<Arc<str>, i64>, name: Option<&str>| {
            name.is_some_and(|name| list.contains_key(name))
        };
        is_in(&list.tokens, token.jti)
            || is_in(&list.sessions, token.sid)
            || token.sub.is_some_and(|sub| {
                list.users
                    .get(sub)
                    .is_some_and(|user| token.iat.is_none_or(|issued| issued < user.time))
            })
    }

    /// Everything, one feed per issuer, in a form that [`Self::apply`] takes.
    pub fn feeds(&self) -> impl Iterator<Item = Feed> {
        self.issuers.iter().map(|(issuer, list)| Feed {
            issuer: issuer.to_string(),
            after: 0,
            seq: list.seq,
            revocations: list.revocations(),
        })
    }

    /// Number of entries, and seconds since something was heard, by issuer.
    pub fn ages(&self, now: i64) -> impl Iterator<Item = (&str, usize, i64)> {
        self.issuers
            .iter()
            .map(move |(issuer, list)| (&**issuer, list.len(), (now - list.heard_at).max(0)))
    }
}

impl OfIssuer {
    fn len(&self) -> usize {
        self.tokens.len() + self.sessions.len() + self.users.len()
    }

    fn insert(&mut self, revocation: &Revocation) {
        let expires_at = revocation.expires_at;
        let name = revocation.what.name();
        if name.len() > MAX_NAME {
            tracing::error!(
                "a revocation with a name of {} bytes is left out",
                name.len()
            );
            return;
        }
        let name = Arc::from(name);
        match &revocation.what {
            Revoked::Token { .. } => {
                self.tokens.insert(name, expires_at);
            }
            Revoked::Session { .. } => {
                self.sessions.insert(name, expires_at);
            }
            Revoked::User { not_before, .. } => {
                let user = self.users.entry(name).or_insert(NotBefore {
                    time: *not_before,
                    expires_at,
                });
                user.time = user.time.max(*not_before);
                user.expires_at = user.expires_at.max(expires_at);
            }
        }
    }

    fn forget_ended(&mut self, now: i64) {
        self.tokens.retain(|_, ends| *ends > now);
        self.sessions.retain(|_, ends| *ends > now);
        self.users.retain(|_, user| user.expires_at > now);
    }

    fn shrink(&mut self, limit: usize) {
        if self.len() <= limit {
            return;
        }
        tracing::warn!(
            entries = self.len(),
            "more access tokens were revoked than are remembered; some count until they end"
        );
        let excess = |list: &Self| list.len().saturating_sub(limit);
        let count = excess(self);
        drop_soonest(&mut self.tokens, count, |ends| *ends);
        let count = excess(self);
        drop_soonest(&mut self.sessions, count, |ends| *ends);
        let count = excess(self);
        drop_soonest(&mut self.users, count, |user| user.expires_at);
    }

    fn revocations(&self) -> Vec<Revocation> {
        let name = |name: &Arc<str>| name.to_string();
        let tokens = self.tokens.iter().map(|(jti, ends)| Revocation {
            what: Revoked::Token { jti: name(jti) },
            expires_at: *ends,
        });
        let sessions = self.sessions.iter().map(|(sid, ends)| Revocation {
            what: Revoked::Session { sid: name(sid) },
            expires_at: *ends,
        });
        let users = self.users.iter().map(|(sub, user)| Revocation {
            what: Revoked::User {
                sub: name(sub),
                not_before: user.time,
            },
            expires_at: user.expires_at,
        });
        tokens.chain(sessions).chain(users).collect()
    }
}

/// Takes out the `count` entries that end first: what they say matters for the shortest time.
fn drop_soonest<K: Eq + Hash, V>(
    entries: &mut HashMap<K, V>,
    count: usize,
    ends: impl Fn(&V) -> i64,
) {
    if count == 0 {
        return;
    }
    if count >= entries.len() {
        entries.clear();
        return;
    }
    let mut sorted: Vec<i64> = entries.values().map(&ends).collect();
    sorted.sort_unstable();
    let last = sorted[count - 1];
    let mut left = count;
    entries.retain(|_, entry| {
        let goes = left > 0 && ends(entry) <= last;
        left -= usize::from(goes);
        !goes
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(jti: &str, expires_at: i64) -> Revocation {
        Revocation {
            what: Revoked::Token {
                jti: jti.to_owned(),
            },
            expires_at,
        }
    }

    fn user(sub: &str, not_before: i64, expires_at: i64) -> Revocation {
        Revocation {
            what: Revoked::User {
                sub: sub.to_owned(),
                not_before,
            },
            expires_at,
        }
    }

    fn feed(after: i64, seq: i64, revocations: Vec<Revocation>) -> Feed {
        Feed {
            issuer: "i".to_owned(),
            after,
            seq,
            revocations,
        }
    }

    fn names<'a>(jti: &'a str, sid: &'a str, sub: &'a str, iat: i64) -> Names<'a> {
        Names {
            iss: "i",
            jti: Some(jti),
            sid: Some(sid),
            sub: Some(sub),
            iat: Some(iat),
        }
    }

    #[test]
    fn a_token_is_refused_by_id_by_session_and_by_user() {
        let mut list = RevocationList::default();
        let session = Revocation {
            what: Revoked::Session {
                sid: "gone".to_owned(),
            },
            expires_at: 900,
        };
        let told = vec![token("t1", 900), session, user("ada", 100, 900)];
        list.apply(&feed(0, 3, told), 0).unwrap();
        assert!(list.contains(names("t1", "s", "bob", 500)));
        assert!(list.contains(names("t2", "gone", "bob", 500)));
        assert!(list.contains(names("t2", "s", "ada", 99)), "issued before");
        assert!(!list.contains(names("t2", "s", "ada", 100)), "issued since");
        assert!(!list.contains(names("t2", "s", "bob", 50)));
        let elsewhere = Names {
            iss: "another",
            ..names("t1", "gone", "ada", 0)
        };
        assert!(!list.contains(elsewhere), "another issuer's names");
        let timeless = Names {
            iat: None,
            ..names("t2", "s", "ada", 0)
        };
        assert!(list.contains(timeless), "nobody knows how old it is");
    }

    #[test]
    fn the_later_time_counts_in_whatever_order_it_comes() {
        let mut list = RevocationList::default();
        list.apply(&feed(0, 1, vec![user("ada", 100, 900)]), 0)
            .unwrap();
        list.apply(&feed(1, 2, vec![user("ada", 50, 850)]), 0)
            .unwrap();
        assert!(list.contains(names("t", "s", "ada", 99)));
    }

    #[test]
    fn what_does_not_join_on_is_refused_and_the_beginning_always_fits() {
        let mut list = RevocationList::default();
        let late = feed(5, 6, vec![token("t", 10)]);
        assert_eq!(list.apply(&late, 0), Err(Gap { known: 0 }));
        list.apply(&feed(0, 5, Vec::new()), 0).unwrap();
        list.apply(&late, 0).unwrap();
        assert_eq!(list.seq("i"), 6);
        list.apply(&feed(0, 2, Vec::new()), 0).unwrap();
        assert_eq!(list.seq("i"), 2, "the auth server began anew");
    }

    #[test]
    fn entries_end_by_themselves() {
        let mut list = RevocationList::default();
        list.apply(&feed(0, 1, vec![token("old", 10)]), 0).unwrap();
        list.apply(&feed(1, 2, vec![token("new", 20)]), 10).unwrap();
        let told: Vec<Feed> = list.feeds().collect();
        assert_eq!(told, [feed(0, 2, vec![token("new", 20)])]);
        assert_eq!(list.ages(40).collect::<Vec<_>>(), [("i", 1, 30)]);
    }

    #[test]
    fn a_full_list_gives_up_single_tokens_first() {
        let mut list = OfIssuer::default();
        for (name, ends) in [("a", 30), ("b", 10), ("c", 10), ("d", 20)] {
            list.insert(&token(name, ends));
        }
        list.insert(&user("ada", 1, 5));
        list.shrink(3);
        assert_eq!(list.len(), 3);
        assert!(list.tokens.contains_key("a") && list.tokens.contains_key("d"));
        assert!(list.users.contains_key("ada"));
        list.shrink(1);
        assert_eq!((list.tokens.len(), list.users.len()), (0, 1));
    }
}
