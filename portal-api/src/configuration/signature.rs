//! How git hosts prove that a push notice is theirs. All of them share a secret with us; most sign
//! the body with it, GitLab sends it along.

use http::{HeaderMap, HeaderName, HeaderValue};
use ring::hmac;
use subtle::ConstantTimeEq;

/// Headers with an HMAC-SHA256 of the body in hex, with or without `sha256=` in front: GitHub;
/// Gitea and Forgejo; Gogs; Bitbucket.
const DIGESTS: [&str; 5] = [
    "x-hub-signature-256",
    "x-gitea-signature",
    "x-forgejo-signature",
    "x-gogs-signature",
    "x-hub-signature",
];
/// Header with the secret itself: GitLab.
const TOKEN: &str = "x-gitlab-token";

/// A notice whose body is still on its way.
pub struct Check {
    proof: Proof,
    body: hmac::Context,
}

enum Proof {
    /// What the body has to give.
    Digest(Vec<u8>),
    /// Proved already, or not.
    Token(bool),
}

impl Check {
    /// `None` if the headers prove nothing that could be right.
    pub fn new(headers: &HeaderMap, secret: &str) -> Option<Self> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        Some(Self {
            proof: proof(headers, secret)?,
            body: hmac::Context::with_key(&key),
        })
    }

    pub fn update(&mut self, part: &[u8]) {
        self.body.update(part);
    }

    /// Whether the sender knows the secret.
    pub fn finish(self) -> bool {
        match self.proof {
            Proof::Token(right) => right,
            Proof::Digest(expected) => {
                let found = self.body.sign();
                found.as_ref().ct_eq(&expected).into()
            }
        }
    }
}

fn proof(headers: &HeaderMap, secret: &str) -> Option<Proof> {
    let digest = DIGESTS
        .iter()
        .find_map(|name| headers.get(HeaderName::from_static(name)));
    if let Some(digest) = digest {
        return sha256(digest).map(Proof::Digest);
    }
    let token = headers.get(TOKEN)?;
    // Digests of both, so that the time tells nothing of the length either.
    let hashed = |text: &[u8]| service::crypto::sha256(text);
    let right = hashed(token.as_bytes()).ct_eq(&hashed(secret.as_bytes()));
    Some(Proof::Token(right.into()))
}

fn sha256(value: &HeaderValue) -> Option<Vec<u8>> {
    let text = value.to_str().ok()?;
    let digits = match text.split_once('=') {
        Some(("sha256", digits)) => digits,
        Some(_) => return None,
        None => text,
    };
    hex::decode(digits).ok().filter(|digest| digest.len() == 32)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};
    use ring::hmac;

    use super::Check;

    const SECRET: &str = "shared with the host";
    const BODY: &[u8] = br#"{"ref": "refs/heads/main"}"#;

    fn is_right(header: &str, value: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(
            header.parse::<HeaderName>().unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
        let Some(mut check) = Check::new(&headers, SECRET) else {
            return false;
        };
        let (first, second) = BODY.split_at(7);
        check.update(first);
        check.update(second);
        check.finish()
    }

    fn digest(secret: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        hex::encode(hmac::sign(&key, BODY))
    }

    #[test]
    fn each_host_proves_itself_in_its_own_way() {
        let digest = digest(SECRET);
        let prefixed = format!("sha256={digest}");
        for (header, value) in [
            ("X-Hub-Signature-256", prefixed.as_str()),
            ("X-Gitea-Signature", &digest),
            ("X-Forgejo-Signature", &digest),
            ("X-Gogs-Signature", &digest),
            ("X-Hub-Signature", &prefixed),
            ("X-Gitlab-Token", SECRET),
        ] {
            assert!(is_right(header, value), "{header}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let wrong = digest("another secret");
        let sha1 = format!("sha1={}", digest(SECRET));
        for (header, value) in [
            ("X-Hub-Signature-256", wrong.as_str()),
            ("X-Hub-Signature-256", "sha256="),
            ("X-Hub-Signature-256", "sha256=zz"),
            ("X-Hub-Signature", &sha1),
            ("X-Gitea-Signature", ""),
            ("X-Gitlab-Token", "shared"),
            ("X-Gitlab-Token", ""),
            ("Authorization", SECRET),
        ] {
            assert!(!is_right(header, value), "{header}: {value}");
        }
    }
}
