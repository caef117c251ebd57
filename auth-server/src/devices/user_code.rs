//! The code that a person types in.

use service::random;

/// Consonants that are not mistaken for each other and make no words (RFC 8628 6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const LENGTH: usize = 8;

/// A new code: 34 bits, which a few tries per address in ten minutes do not find.
pub fn generate() -> String {
    let mut code = String::with_capacity(LENGTH);
    while code.len() < LENGTH {
        let mut byte = [0];
        random::fill(&mut byte);
        // Of 256 values the last 16 would make some letters more frequent.
        if let Some(letter) = (byte[0] < 240).then(|| LETTERS[usize::from(byte[0]) % 20]) {
            code.push(char::from(letter));
        }
    }
    code
}

/// What was typed, however it was written; nothing when it is no code.
pub fn read(typed: &str) -> Option<String> {
    if typed.len() > 64 {
        return None;
    }
    let code: String = typed
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_uppercase())
        .collect();
    let is_code = code.len() == LENGTH && code.bytes().all(|letter| LETTERS.contains(&letter));
    is_code.then_some(code)
}

/// As it is shown.
pub fn show(code: &str) -> String {
    let (left, right) = code.split_at(LENGTH / 2);
    format!("{left}-{right}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_written() {
        let code = generate();
        let shown = show(&code);
        assert_eq!(shown.len(), 9);
        for typed in [
            shown.to_lowercase(),
            code.clone(),
            format!(" {} ", shown.replace('-', " ")),
        ] {
            assert_eq!(read(&typed), Some(code.clone()));
        }
        for wrong in ["", "BCDF-GHJ", "BCDF-GHJA", "BCDF-GHJK-L"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert_eq!(read(&"B".repeat(100)), None);
        assert_ne!(generate(), code);
    }
}
