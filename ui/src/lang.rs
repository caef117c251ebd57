//! Languages of the pages.

use std::{borrow::Cow, fmt};

use crate::texts::own::{Own, Text};

/// A language that pages can be read in: a pointer to what is the same for all pages.
#[derive(Clone, Copy)]
pub struct Lang(&'static Language);

/// What there is of a language.
pub struct Language {
    /// For the `lang` attribute, the cookie and the menu form: `de`, `pt-br`.
    pub(crate) tag: Cow<'static, str>,
    /// In itself.
    pub(crate) name: Cow<'static, str>,
    pub(crate) right_to_left: bool,
    pub(crate) base: Base,
    /// What the operator says in other words; of a language of his own all that he says.
    pub(crate) own: Option<Own>,
}

/// The texts that are compiled in, and stand where an operator has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    En,
    De,
}

static ENGLISH: Language = Language {
    tag: Cow::Borrowed("en"),
    name: Cow::Borrowed("English"),
    right_to_left: false,
    base: Base::En,
    own: None,
};

static GERMAN: Language = Language {
    tag: Cow::Borrowed("de"),
    name: Cow::Borrowed("Deutsch"),
    right_to_left: false,
    base: Base::De,
    own: None,
};

impl Lang {
    pub const EN: Self = Self(&ENGLISH);
    pub const DE: Self = Self(&GERMAN);

    pub(crate) const fn new(language: &'static Language) -> Self {
        Self(language)
    }

    /// Tag for the `lang` attribute, the cookie and the menu form.
    pub fn tag(self) -> &'static str {
        &self.0.tag
    }

    /// The language's name in itself.
    pub fn name(self) -> &'static str {
        &self.0.name
    }

    pub fn is_right_to_left(self) -> bool {
        self.0.right_to_left
    }

    /// The compiled texts that it falls back to.
    pub const fn base(self) -> Base {
        self.0.base
    }

    fn own(self, key: &str) -> Option<&'static Text> {
        self.0.own.as_ref()?.get(key)
    }

    const fn compiled<T: Copy>(self, english: T, german: T) -> T {
        match self.0.base {
            Base::En => english,
            Base::De => german,
        }
    }

    /// A text without values.
    pub fn plain(self, key: &str, english: &'static str, german: &'static str) -> &'static str {
        match self.own(key) {
            Some(text) => text.plain(),
            None => self.compiled(english, german),
        }
    }

    /// The operator's text with values in their places, if he has one.
    pub fn filled(self, key: &str, values: &[(&str, &dyn fmt::Display)]) -> Option<String> {
        Some(self.own(key)?.filled(values))
    }

    /// Picks singular or plural and puts the number, written as the language writes it, in place
    /// of `{n}`.
    pub fn plural(
        self,
        key: &str,
        count: usize,
        english: [&'static str; 2],
        german: [&'static str; 2],
    ) -> String {
        let number = crate::format::number(self, u64::try_from(count).unwrap_or(u64::MAX));
        match self.own(key) {
            Some(text) => text.counted(count, &number),
            None => self.compiled(english, german)[usize::from(count != 1)].replace("{n}", &number),
        }
    }
}

impl Default for Lang {
    fn default() -> Self {
        Self::EN
    }
}

impl PartialEq for Lang {
    fn eq(&self, other: &Self) -> bool {
        self.0.tag == other.0.tag
    }
}

impl Eq for Lang {}

impl fmt::Debug for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lang").field(&self.tag()).finish()
    }
}

impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag())
    }
}
