//! Random identifiers and secrets, from the operating system's generator.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::rand::{SecureRandom, SystemRandom};

/// Fills `target` with random bytes.
pub fn fill(target: &mut [u8]) {
    SystemRandom::new()
        .fill(target)
        .expect("the operating system's random generator works, or nothing here may go on");
}

/// A random id in the compatible form: 20 bytes as 40 lower-case hex digits (portal-api 1).
pub fn hex_id() -> String {
    let mut bytes = [0; 20];
    fill(&mut bytes);
    hex::encode(bytes)
}

/// A secret of `bytes` random bytes as base64url without padding.
pub fn token(bytes: usize) -> String {
    let mut random = vec![0; bytes];
    fill(&mut random);
    URL_SAFE_NO_PAD.encode(random)
}

/// A secret of Standard Webhooks: its text, and the bytes that it stands for.
pub fn webhook_secret() -> (String, [u8; 32]) {
    let mut bytes = [0; 32];
    fill(&mut bytes);
    (format!("whsec_{}", STANDARD.encode(bytes)), bytes)
}

#[cfg(test)]
mod tests {
    #[test]
    fn ids_have_the_compatible_form_and_differ() {
        let (a, b) = (super::hex_id(), super::hex_id());
        assert_eq!(a.len(), 40);
        assert!(
            a.bytes()
                .all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c))
        );
        assert_ne!(a, b);
    }
}
