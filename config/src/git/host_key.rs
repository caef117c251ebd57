//! Whether an ssh host is the one that the operator means: its key against lines as `ssh-keyscan`
//! prints them and `known_hosts` has them.

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::hmac;
use sha2::{Digest, Sha256};

/// Whether one of the `lines` names `key` as that of `host`. A line `@revoked` outweighs others.
pub fn is_known(lines: &str, host: &str, port: u16, key: &[u8]) -> bool {
    let name = match port {
        22 => host.to_ascii_lowercase(),
        _ => format!("[{}]:{port}", host.to_ascii_lowercase()),
    };
    let mut known = false;
    for line in lines.lines() {
        let (is_revoked, line) = match line.trim().strip_prefix("@revoked") {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let mut words = line.split_whitespace();
        let (Some(hosts), Some(_), Some(text)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        let is_it = hosts.split(',').any(|pattern| names(pattern, &name))
            && STANDARD.decode(text).is_ok_and(|bytes| bytes == key);
        if is_it && is_revoked {
            return false;
        }
        known |= is_it;
    }
    known
}

/// `host`, `[host]:port`, or its hash `|1|salt|digest`.
fn names(pattern: &str, name: &str) -> bool {
    let Some(hashed) = pattern.strip_prefix("|1|") else {
        return pattern.eq_ignore_ascii_case(name);
    };
    let Some((salt, digest)) = hashed.split_once('|') else {
        return false;
    };
    let (Ok(salt), Ok(digest)) = (STANDARD.decode(salt), STANDARD.decode(digest)) else {
        return false;
    };
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &salt);
    hmac::verify(&key, name.as_bytes(), &digest).is_ok()
}

/// As `ssh` shows it to people.
pub fn fingerprint(key: &[u8]) -> String {
    let digest = STANDARD.encode(Sha256::digest(key));
    format!("SHA256:{}", digest.trim_end_matches('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"the key";

    #[test]
    fn a_host_is_known_by_name_port_and_key() {
        let text = STANDARD.encode(KEY);
        let lines = format!(
            "# a comment\n\ngit.example,192.0.2.1 ssh-ed25519 {text} who\n[git.example]:2222 ssh-rsa {text}\n"
        );
        assert!(is_known(&lines, "git.example", 22, KEY));
        assert!(is_known(&lines, "GIT.example", 2222, KEY));
        assert!(is_known(&lines, "192.0.2.1", 22, KEY));
        assert!(!is_known(&lines, "git.example", 23, KEY));
        assert!(!is_known(&lines, "git.example", 22, b"another key"));
        assert!(!is_known(&lines, "evil.example", 22, KEY));
        let revoked = format!("{lines}@revoked git.example ssh-ed25519 {text}\n");
        assert!(!is_known(&revoked, "git.example", 22, KEY));
    }

    #[test]
    fn a_hashed_name_is_recognised() {
        let salt = b"0123456789abcdefghij";
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, salt);
        let digest = STANDARD.encode(hmac::sign(&key, b"git.example"));
        let hashed = format!("|1|{}|{digest}", STANDARD.encode(salt));
        let line = format!("{hashed} ssh-ed25519 {}", STANDARD.encode(KEY));
        assert!(is_known(&line, "git.example", 22, KEY));
        assert!(!is_known(&line, "other.example", 22, KEY));
        assert!(!is_known(
            "|1|x ssh-rsa AAAA\n|1|x|y ssh-rsa AAAA",
            "git.example",
            22,
            KEY
        ));
    }
}
