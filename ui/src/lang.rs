//! Languages of the pages.

use std::fmt;

use crate::format;

/// A language that every text exists in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    #[default]
    En,
    De,
}

impl Lang {
    /// All languages, in the order of the menu.
    pub const ALL: [Self; 2] = [Self::En, Self::De];

    /// Tag for the `lang` attribute, the cookie and the menu form.
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
        }
    }

    /// The language's name in itself.
    pub fn name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::De => "Deutsch",
        }
    }

    /// The language of a tag such as `de` or `de-AT`.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        Self::ALL
            .into_iter()
            .find(|lang| primary.eq_ignore_ascii_case(lang.tag()))
    }

    /// Best match of an `Accept-Language` header; English when nothing fits.
    pub fn accepted(header: &str) -> Self {
        sdk::language::preferred(header, Self::from_tag).unwrap_or_default()
    }

    /// Picks singular or plural and puts the number, written as the language writes it, in place
    /// of `{n}`.
    pub fn plural(self, count: usize, english: [&str; 2], german: [&str; 2]) -> String {
        let forms = match self {
            Self::En => english,
            Self::De => german,
        };
        let number = format::number(self, u64::try_from(count).unwrap_or(u64::MAX));
        forms[usize::from(count != 1)].replace("{n}", &number)
    }
}

impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_language_that_we_speak_wins() {
        for (header, expected) in [
            ("de-AT,de;q=0.9,en;q=0.8", Lang::De),
            ("fr,en;q=0.4,de;q=0.7", Lang::De),
            ("fr", Lang::En),
            ("de;q=0, en;q=0.1", Lang::En),
            ("", Lang::En),
        ] {
            assert_eq!(Lang::accepted(header), expected, "{header}");
        }
    }
}
