//! Rules for new passwords (portal-api 9.1, static-config 8.5).

use std::ops::RangeInclusive;

use crate::ApiError;

struct Policy {
    length: RangeInclusive<usize>,
    demands: Demands,
}

/// What a password has to be made of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Demands {
    Nothing,
    UpperAndLower,
    Digit,
    Special,
    /// Whatever is not guessed first.
    Unknown,
}

/// Whoever guesses offline, at a slow hash, needs more than this many guesses.
const ENOUGH: zxcvbn::Score = zxcvbn::Score::Three;

/// The rules behind a name of `globals.passwordStrategy`; unknown names are the default.
fn policy(strategy: &str) -> Policy {
    let (length, demands) = match strategy {
        "PW_8_24_UPPER_LOWER" => (8..=24, Demands::UpperAndLower),
        "PW_8_24_UPPER_LOWER_DIGIT" => (8..=24, Demands::Digit),
        "PW_8_24_UPPER_LOWER_DIGIT_SPECIAL" => (8..=24, Demands::Special),
        "PW_12_128" => (12..=128, Demands::Unknown),
        _ => (6..=24, Demands::Nothing),
    };
    Policy { length, demands }
}

impl Policy {
    /// Each of the old rules has those before it.
    fn demands(&self, class: Demands) -> bool {
        match self.demands {
            Demands::Unknown => class == Demands::Unknown,
            of_classes => class <= of_classes,
        }
    }
}

/// Refuses a new password that breaks a rule of `strategy`; the message names the rule.
pub fn check(strategy: &str, password: &str) -> Result<(), ApiError> {
    match broken_rule(&policy(strategy), password) {
        None => Ok(()),
        Some((rule, message)) => Err(ApiError::invalid("password", rule, message)),
    }
}

fn broken_rule(policy: &Policy, password: &str) -> Option<(&'static str, String)> {
    let has = |test: fn(&char) -> bool| password.chars().any(|c| test(&c));
    // As wicked counted: a character outside the basic plane is two.
    let length = password.encode_utf16().count();
    if !policy.length.contains(&length) {
        let (least, most) = (policy.length.start(), policy.length.end());
        return Some((
            "length",
            format!("A password has {least} to {most} characters."),
        ));
    }
    if has(|c| matches!(c, '\n' | '\r' | '\u{2028}' | '\u{2029}')) {
        return Some(("line-break", "A password has no line breaks.".to_owned()));
    }
    if policy.demands(Demands::UpperAndLower)
        && !(has(char::is_ascii_uppercase) && has(char::is_ascii_lowercase))
    {
        let message = "A password has capital letters (A-Z) and small letters (a-z).";
        return Some(("upper-lower", message.to_owned()));
    }
    if policy.demands(Demands::Digit) && !has(char::is_ascii_digit) {
        return Some((
            "digit",
            "A password has at least one digit (0-9).".to_owned(),
        ));
    }
    if policy.demands(Demands::Special) && !has(|c| !c.is_ascii_alphanumeric()) {
        let message = "A password has at least one character that is neither letter nor digit.";
        return Some(("special", message.to_owned()));
    }
    if policy.demands(Demands::Unknown) && zxcvbn::zxcvbn(password, &[]).score() < ENOUGH {
        let message = "This password, or what it is made of, is guessed at once. Take some words that have nothing to do with each other.";
        return Some(("known", message.to_owned()));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_strategy_names_the_rule_that_failed() {
        let cases = [
            ("PW_6_24", "abcdef", None),
            ("PW_6_24", "abcde", Some("length")),
            ("no such strategy", "abcde", Some("length")),
            ("PW_6_24", "abcdefghijklmnopqrstuvwxy", Some("length")),
            ("PW_6_24", "abc\ndef", Some("line-break")),
            ("PW_6_24", "\u{1f512}\u{1f512}\u{1f512}", None),
            ("PW_8_24_UPPER_LOWER", "abcdefgh", Some("upper-lower")),
            ("PW_8_24_UPPER_LOWER", "ABCdefgh", None),
            ("PW_8_24_UPPER_LOWER", "ÄBCDEFGH", Some("upper-lower")),
            ("PW_8_24_UPPER_LOWER_DIGIT", "ABCdefgh", Some("digit")),
            ("PW_8_24_UPPER_LOWER_DIGIT", "ABCdefg1", None),
            (
                "PW_8_24_UPPER_LOWER_DIGIT_SPECIAL",
                "ABCdefg1",
                Some("special"),
            ),
            ("PW_8_24_UPPER_LOWER_DIGIT_SPECIAL", "ABCdef1!", None),
            ("PW_12_128", "abcdefghijk", Some("length")),
            ("PW_12_128", "password1234", Some("known")),
            ("PW_12_128", "P@ssw0rd2024", Some("known")),
            ("PW_12_128", "qwertyuiop12", Some("known")),
            ("PW_12_128", "aaaaaaaaaaaaaaaaaaaa", Some("known")),
            ("PW_12_128", "harbour crane wet sixpence", None),
            ("PW_12_128", "kX9-vemp-Q2ud", None),
        ];
        for (strategy, password, expected) in cases {
            let broken = broken_rule(&policy(strategy), password).map(|(rule, _)| rule);
            assert_eq!(broken, expected, "{strategy}: {password}");
        }
    }
}
