//! Choosing a password: the rule is shown before somebody types. portal-api decides.

use askama::Template;

use crate::{Field, FieldKind, Html, Lang, texts};

/// A rule of `globals.passwordStrategy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordRule {
    Any6To24,
    UpperLower,
    UpperLowerDigit,
    UpperLowerDigitSpecial,
    /// Long ones that are not among those which are guessed first.
    Long,
}

impl PasswordRule {
    /// The rule with this name; unknown ones mean the first.
    pub fn named(name: Option<&str>) -> Self {
        match name {
            Some("PW_8_24_UPPER_LOWER") => Self::UpperLower,
            Some("PW_8_24_UPPER_LOWER_DIGIT") => Self::UpperLowerDigit,
            Some("PW_8_24_UPPER_LOWER_DIGIT_SPECIAL") => Self::UpperLowerDigitSpecial,
            Some("PW_12_128") => Self::Long,
            _ => Self::Any6To24,
        }
    }

    const fn min_length(self) -> usize {
        match self {
            Self::Any6To24 => 6,
            Self::Long => 12,
            _ => 8,
        }
    }

    const fn max_length(self) -> usize {
        match self {
            Self::Long => 128,
            _ => 24,
        }
    }

    const fn needs_upper_and_lower(self) -> bool {
        !matches!(self, Self::Any6To24 | Self::Long)
    }

    const fn needs_digit(self) -> bool {
        matches!(self, Self::UpperLowerDigit | Self::UpperLowerDigitSpecial)
    }

    const fn needs_special(self) -> bool {
        matches!(self, Self::UpperLowerDigitSpecial)
    }

    /// Known passwords are refused.
    const fn refuses_known(self) -> bool {
        matches!(self, Self::Long)
    }

    /// Whether a password follows the rule, as far as it can be told by looking at its characters;
    /// length counts UTF-16 units (portal-api 9.1).
    pub fn holds(self, password: &str) -> bool {
        let length = password.encode_utf16().count();
        let has = |test: fn(&char) -> bool| password.chars().any(|c| test(&c));
        (self.min_length()..=self.max_length()).contains(&length)
            && !password.contains(['\r', '\n'])
            && (!self.needs_upper_and_lower()
                || (has(char::is_ascii_uppercase) && has(char::is_ascii_lowercase)))
            && (!self.needs_digit() || has(char::is_ascii_digit))
            && (!self.needs_special() || has(|c| !c.is_ascii_alphanumeric()))
    }
}

/// Two fields for a new password, and the rule it has to follow.
#[derive(Template)]
#[template(path = "component/new_password.html")]
pub struct NewPassword<'a> {
    pub lang: Lang,
    pub label: &'a str,
    pub error: Option<&'a str>,
    pub rule: PasswordRule,
}

impl NewPassword<'_> {
    /// The fields as HTML: `password` and `password2`.
    pub fn html(&self) -> Html {
        Html::of(self)
    }

    fn first(&self) -> Html {
        field("password", self.label, self.error)
    }

    fn second(&self) -> Html {
        field("password2", texts::Passwords(self.lang).again(), None)
    }

    fn rules(&self) -> Vec<String> {
        let t = texts::Passwords(self.lang);
        let mut rules = vec![t.length(self.rule.min_length(), self.rule.max_length())];
        if self.rule.needs_upper_and_lower() {
            rules.push(t.upper_lower().to_owned());
        }
        if self.rule.needs_digit() {
            rules.push(t.digit().to_owned());
        }
        if self.rule.needs_special() {
            rules.push(t.special().to_owned());
        }
        if self.rule.refuses_known() {
            rules.push(t.unknown().to_owned());
        }
        rules
    }
}

fn field(name: &'static str, label: &str, error: Option<&str>) -> Html {
    Field {
        kind: FieldKind::Password,
        error: error.map(str::to_owned),
        autocomplete: "new-password",
        autofocus: error.is_some(),
        ..Field::required(name, label)
    }
    .html()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_asks_for_its_classes() {
        let special = PasswordRule::named(Some("PW_8_24_UPPER_LOWER_DIGIT_SPECIAL"));
        assert!(special.holds("Abcdef1!") && !special.holds("Abcdefg1"));
        let digit = PasswordRule::named(Some("PW_8_24_UPPER_LOWER_DIGIT"));
        assert!(digit.holds("Abcdefg1") && !digit.holds("abcdefg1"));
        let first = PasswordRule::named(Some("no such rule"));
        assert!(first.holds("secret") && !first.holds("short") && !first.holds(&"x".repeat(25)));
        let long = PasswordRule::named(Some("PW_12_128"));
        assert!(long.holds(&"x".repeat(128)) && long.holds("nur kleine wörter"));
        assert!(!long.holds("elf zeichen") && !long.holds(&"x".repeat(129)));
    }
}
