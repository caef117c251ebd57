//! The formats of stored passwords (portal-api 9.2). New ones are Argon2id; the bcrypt hashes of
//! wicked, and those it took over from Meteor, are read and replaced at the next login.

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version,
    password_hash::SaltString,
};
use ring::digest::{SHA256, digest};
use unicode_normalization::UnicodeNormalization;

/// A bcrypt hash of a higher cost would occupy a core for minutes.
const MAX_BCRYPT_COST: u32 = 15;
const MAX_MEMORY_KIB: u32 = 256 * 1024;
const MAX_PASSES: u32 = 16;

/// What one Argon2id hash costs. The default is the first choice of the OWASP cheat sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    pub memory_kib: u32,
    pub passes: u32,
}

impl Default for Cost {
    fn default() -> Self {
        Self {
            memory_kib: 19 * 1024,
            passes: 2,
        }
    }
}

impl Cost {
    /// For tests: protects nothing.
    pub const CHEAPEST: Self = Self {
        memory_kib: 8,
        passes: 1,
    };

    fn argon2(self) -> Argon2<'static> {
        let params = Params::new(self.memory_kib, self.passes, 1, None)
            .expect("costs are constants of this program");
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
    }
}

/// Outcome of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Wrong,
    Right,
    /// Right, but stored in an old format or at another cost: hash it again.
    Outdated,
}

impl Verdict {
    pub const fn is_right(self) -> bool {
        matches!(self, Self::Right | Self::Outdated)
    }
}

/// Hashes `password` with a random salt. Unicode is composed first, so that it does not matter on
/// which keyboard an accent was typed.
pub fn hash(password: &str, cost: Cost) -> String {
    let mut salt = [0; 16];
    service::random::fill(&mut salt);
    let salt = SaltString::encode_b64(&salt).expect("16 bytes make a salt");
    let password: String = password.nfc().collect();
    cost.argon2()
        .hash_password(password.as_bytes(), &salt)
        .expect("Argon2 takes every password and a valid salt")
        .to_string()
}

/// Compares in every format. A hash that cannot be read equals no password.
pub fn verify(password: &str, stored: &str, cost: Cost) -> Verdict {
    let composed: String = password.nfc().collect();
    if matches(&composed, stored) {
        return if is_current(stored, cost) {
            Verdict::Right
        } else {
            Verdict::Outdated
        };
    }
    // wicked did not compose, so an old hash may be one of the very characters that were typed.
    if composed != password && matches(password, stored) {
        return Verdict::Outdated;
    }
    Verdict::Wrong
}

fn matches(password: &str, stored: &str) -> bool {
    if !is_readable(stored) {
        return false;
    }
    if let Ok(hash) = argon2id(stored) {
        return Argon2::default()
            .verify_password(password.as_bytes(), &hash)
            .is_ok();
    }
    let is_bcrypt_of = |text: &str| bcrypt::verify(text, stored).unwrap_or(false);
    is_bcrypt_of(password) || is_bcrypt_of(&hex::encode(digest(&SHA256, password.as_bytes())))
}

fn argon2id(stored: &str) -> Result<PasswordHash<'_>, ()> {
    let hash = PasswordHash::new(stored).map_err(|_| ())?;
    if hash.algorithm == Algorithm::Argon2id.ident() {
        Ok(hash)
    } else {
        Err(())
    }
}

fn is_current(stored: &str, cost: Cost) -> bool {
    argon2id(stored)
        .ok()
        .and_then(|hash| Params::try_from(&hash).ok())
        .is_some_and(|params| params.m_cost() == cost.memory_kib && params.t_cost() == cost.passes)
}

/// Whether a stored text is a hash whose comparison is affordable.
pub fn is_readable(stored: &str) -> bool {
    if let Ok(hash) = argon2id(stored) {
        return Params::try_from(&hash).is_ok_and(|params| {
            params.m_cost() <= MAX_MEMORY_KIB && params.t_cost() <= MAX_PASSES
        });
    }
    bcrypt_cost(stored).is_some_and(|cost| (4..=MAX_BCRYPT_COST).contains(&cost))
}

/// The cost of `$2a$10$<22 characters of salt><31 of hash>`.
fn bcrypt_cost(stored: &str) -> Option<u32> {
    let mut parts = stored.strip_prefix('$')?.split('$');
    let version = parts.next()?;
    let cost = parts.next()?;
    let rest = parts.next()?;
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/');
    let is_well_formed = matches!(version, "2a" | "2b" | "2y")
        && cost.len() == 2
        && rest.len() == 53
        && rest.bytes().all(is_base64)
        && parts.next().is_none();
    is_well_formed.then(|| cost.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "$2a$10$abcdefghijklmnopqrstuuuhKnzQaTe2LLOD4y9gzDlfJhKCnIvr6";
    const METEOR: &str = "$2a$10$abcdefghijklmnopqrstuuERTX7HoGx.Xveg.iMdnHqKYISg4PRyu";
    const UNICODE: &str = "$2a$10$abcdefghijklmnopqrstuuLy3KcSYByppTxW6VA7WBBw/QKQeKCRC";

    #[test]
    fn hashes_of_wicked_and_of_meteor_are_read_and_called_outdated() {
        for stored in [PLAIN, METEOR] {
            assert_eq!(
                verify("super$3cret!", stored, Cost::CHEAPEST),
                Verdict::Outdated
            );
            assert_eq!(
                verify("super$3cret", stored, Cost::CHEAPEST),
                Verdict::Wrong
            );
        }
        assert_eq!(
            verify("p\u{e4}ssw\u{f6}rd \u{20ac}", UNICODE, Cost::CHEAPEST),
            Verdict::Outdated
        );
        let decomposed = "pa\u{308}sswo\u{308}rd \u{20ac}";
        assert_eq!(
            verify(decomposed, UNICODE, Cost::CHEAPEST),
            Verdict::Outdated
        );
    }

    #[test]
    fn later_versions_of_bcrypt_are_read() {
        for version in ["$2b$", "$2y$"] {
            let stored = PLAIN.replacen("$2a$", version, 1);
            assert_eq!(
                verify("super$3cret!", &stored, Cost::CHEAPEST),
                Verdict::Outdated
            );
        }
    }

    #[test]
    fn a_new_hash_is_current_until_the_cost_changes() {
        let stored = hash("correct horse", Cost::CHEAPEST);
        assert_eq!(
            verify("correct horse", &stored, Cost::CHEAPEST),
            Verdict::Right
        );
        assert_eq!(
            verify(
                "correct horse",
                &stored,
                Cost {
                    memory_kib: 16,
                    passes: 1
                }
            ),
            Verdict::Outdated
        );
        assert_eq!(
            verify("wrong horse", &stored, Cost::CHEAPEST),
            Verdict::Wrong
        );
    }

    #[test]
    fn hashes_that_would_occupy_a_core_for_minutes_are_refused() {
        assert!(is_readable(PLAIN));
        assert!(!is_readable(&PLAIN.replacen("$10$", "$31$", 1)));
        assert!(!is_readable(
            "$argon2id$v=19$m=4194304,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA"
        ));
        assert!(!is_readable("secret"));
        assert!(!is_readable(""));
    }
}
