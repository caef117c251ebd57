//! Which languages an installation speaks: the built-in ones, and those of its configuration.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, PoisonError},
};

use serde_json::Value;

use crate::{Lang, texts::own};

/// The languages of an installation, in the order of the menu; the first one is for those who
/// understand none.
#[derive(Clone, Copy)]
pub struct Languages(&'static [Lang]);

/// Files of texts by language, as the configuration has them.
pub type Files = BTreeMap<String, Value>;

/// Pages borrow texts without counting, so each state of the files that was in force stays for as
/// long as the process lives, once. It is what somebody corrected by hand, some kilobytes at a time.
static KNOWN: Mutex<Vec<(Files, Languages)>> = Mutex::new(Vec::new());

impl Languages {
    /// The built-in languages with the operator's words, and his own languages. What is wrong in a
    /// file was said when the configuration was checked; here it is left out.
    pub fn of(files: Files) -> Self {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, languages)) = known.iter().find(|(read, _)| *read == files) {
            return *languages;
        }
        let built_in = [Lang::EN, Lang::DE];
        let mut all = built_in.to_vec();
        for (tag, file) in &files {
            let Some(read) = own::read(tag, file).language else {
                continue;
            };
            let language = Lang::new(Box::leak(Box::new(read)));
            match all.iter_mut().find(|lang| lang.tag() == tag) {
                Some(lang) => *lang = language,
                None => all.push(language),
            }
        }
        let languages = Self(all.leak());
        known.push((files, languages));
        languages
    }

    pub fn all(self) -> &'static [Lang] {
        self.0
    }

    /// The language of a tag such as `de`, or `de-AT` where only `de` is spoken.
    pub fn find(self, tag: &str) -> Option<Lang> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        let called = |name: &str| {
            let mut all = self.0.iter();
            all.find(|lang| lang.tag().eq_ignore_ascii_case(name))
        };
        called(tag).or_else(|| called(primary)).copied()
    }

    /// Best match of an `Accept-Language` header; the first language when nothing fits.
    pub fn accepted(self, header: &str) -> Lang {
        let found = sdk::language::preferred(header, |tag| self.find(tag));
        found.unwrap_or(self.0.first().copied().unwrap_or_default())
    }
}

impl Default for Languages {
    fn default() -> Self {
        Self(&[Lang::EN, Lang::DE])
    }
}

impl fmt::Debug for Languages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0).finish()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::texts::{Applications, Shared};

    fn files() -> Files {
        Files::from([
            (
                "de".to_owned(),
                json!({"shared": {"log_in": "Einloggen", "range": "{first} bis {last} von {total}"}}),
            ),
            (
                "fr".to_owned(),
                json!({
                    "language": {"name": "Français"},
                    "shared": {"log_in": "Se connecter"},
                    "applications": {"subscription_count": ["{n} abonnement", "{n} abonnements"]},
                    "times": {"thousands": "\u{202f}"},
                }),
            ),
            (
                "ar".to_owned(),
                json!({"language": {"name": "العربية", "direction": "rtl"}}),
            ),
        ])
    }

    #[test]
    fn the_preferred_language_that_is_spoken_wins() {
        let spoken = Languages::of(files());
        for (header, built_in, expected) in [
            ("de-AT,de;q=0.9,en;q=0.8", "de", "de"),
            ("fr-CH,en;q=0.4,de;q=0.7", "de", "fr"),
            ("pl", "en", "en"),
            ("de;q=0, en;q=0.1", "en", "en"),
            ("", "en", "en"),
        ] {
            assert_eq!(
                Languages::default().accepted(header).tag(),
                built_in,
                "{header}"
            );
            assert_eq!(spoken.accepted(header).tag(), expected, "{header}");
        }
    }

    #[test]
    fn own_words_stand_in_front_of_the_compiled_ones() {
        let spoken = Languages::of(files());
        let german = Shared(spoken.find("de").unwrap());
        assert_eq!(german.log_in(), "Einloggen");
        assert_eq!(german.range(1, 20, 45), "1 bis 20 von 45");
        assert_eq!(german.log_out(), "Abmelden", "as it was");
        assert_eq!(Shared(Lang::DE).log_in(), "Anmelden");
    }

    #[test]
    fn a_language_of_its_own_says_the_rest_in_english() {
        let spoken = Languages::of(files());
        let french = spoken.find("fr-CA").unwrap();
        assert_eq!((french.tag(), french.name()), ("fr", "Français"));
        assert_eq!(Shared(french).log_in(), "Se connecter");
        assert_eq!(Shared(french).log_out(), "Log out");
        assert_eq!(Applications(french).subscription_count(1), "1 abonnement");
        let many = Applications(french).subscription_count(2000);
        assert_eq!(many, "2\u{202f}000 abonnements");
        assert!(spoken.find("ar").unwrap().is_right_to_left() && !french.is_right_to_left());
        let tags: Vec<_> = spoken.all().iter().map(|lang| lang.tag()).collect();
        assert_eq!(tags, ["en", "de", "ar", "fr"]);
    }

    #[test]
    fn the_same_files_are_read_once() {
        let (one, other) = (Languages::of(files()), Languages::of(files()));
        assert!(std::ptr::eq(one.all(), other.all()));
    }
}
