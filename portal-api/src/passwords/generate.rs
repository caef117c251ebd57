//! Passwords that this program chooses: shown once, typed off a screen.

use sdk::types::Secret;

use super::policy;

/// Without characters that look alike.
const ALPHABET: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const STRICTEST: &str = "PW_8_24_UPPER_LOWER_DIGIT_SPECIAL";

/// 16 random characters in groups of four (92 bits), which every password rule accepts.
pub fn generate() -> Secret {
    loop {
        let characters: Vec<u8> = std::iter::repeat_with(random_character).take(16).collect();
        let groups: Vec<_> = characters.chunks(4).map(String::from_utf8_lossy).collect();
        let password = groups.join("-");
        if policy::check(STRICTEST, &password).is_ok() {
            return Secret::new(password);
        }
    }
}

fn random_character() -> u8 {
    // Bytes beyond the last full round through the alphabet would favour its first characters.
    let limit = u8::try_from(256 / ALPHABET.len() * ALPHABET.len() - 1).expect("it is below 256");
    loop {
        let mut byte = [0];
        service::random::fill(&mut byte);
        if byte[0] <= limit {
            return ALPHABET[usize::from(byte[0]) % ALPHABET.len()];
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn generated_passwords_differ_and_have_four_groups() {
        let (one, other) = (super::generate(), super::generate());
        assert_ne!(one.expose(), other.expose());
        assert_eq!(one.expose().split('-').count(), 4);
        assert_eq!(one.expose().len(), 19);
    }
}
