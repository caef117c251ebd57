//! Texts of the portal and the log-in pages in the operator's words (`templates/texts/<language>.json`).
//!
//! A fault refuses the configuration: a page with half a sentence helps nobody, and who wrote it is told
//! at once where.

use serde_json::{Map, Value};
use ui::texts::own;

use crate::{path::JsonPath, problem::Report, tree::Tree};

const FOLDER: &str = "templates/texts/";
/// Longest file of a language; all compiled texts are a third of it.
const MAX_LENGTH: usize = 512 * 1024;
/// Languages of an installation.
const MAX_FILES: usize = 30;

/// Language → texts by group and key.
pub fn read(tree: &Tree, report: &Report) -> Value {
    let mut languages = Map::new();
    for (name, bytes) in tree.below(FOLDER) {
        let file = format!("{FOLDER}{name}");
        let whole = JsonPath::default();
        let refuse = |message: &str| report.error(&file, &whole, message);
        let tag = name.strip_suffix(".json").filter(|tag| own::is_tag(tag));
        let Some(tag) = tag else {
            refuse("a file of texts is called like its language: `de.json`, `pt-br.json`");
            continue;
        };
        if languages.len() >= MAX_FILES {
            refuse("there are more than 30 languages");
            break;
        }
        if bytes.len() > MAX_LENGTH {
            refuse("the file is longer than 512 KiB");
            continue;
        }
        let texts: Value = match serde_json::from_slice(bytes) {
            Ok(texts) => texts,
            Err(error) => {
                report.error_at(&file, error.line(), format!("this is no JSON: {error}"));
                continue;
            }
        };
        let read = own::read(tag, &texts);
        for fault in read.faults {
            let place = fault.place.iter();
            let place = place.fold(JsonPath::default(), |path, step| path.key(step));
            report.error(&file, &place, fault.message);
        }
        if read.missing > 0 {
            let missing = read.missing;
            let message = format!("{missing} texts are missing and stand in English");
            report.warn(&file, &whole, message);
        }
        languages.insert(tag.to_owned(), texts);
    }
    languages.into()
}

#[cfg(test)]
mod tests {
    use crate::{Configuration, Environment, Tree};

    fn with(files: &[(&str, &str)]) -> Tree {
        let mut tree = Tree::sample();
        for (name, text) in files {
            tree.insert(format!("templates/texts/{name}"), (*text).to_owned());
        }
        tree
    }

    #[test]
    fn corrected_texts_and_new_languages_are_served() {
        let tree = with(&[
            ("de.json", r#"{"shared": {"log_in": "Einloggen"}}"#),
            ("fr.json", r#"{"language": {"name": "Français"}}"#),
        ]);
        let loaded = Configuration::from_tree(&tree, "test", &Environment::default()).unwrap();
        let served = &loaded.configuration.templates.texts.bytes;
        let served: serde_json::Value = serde_json::from_slice(served).unwrap();
        assert_eq!(served["de"]["shared"]["log_in"], "Einloggen");
        assert_eq!(served["fr"]["language"]["name"], "Français");
        let mut notices = loaded.notices.iter();
        let missing = notices.find(|one| one.file == "templates/texts/fr.json");
        assert!(missing.unwrap().message.contains("stand in English"));
    }

    #[test]
    fn faults_refuse_the_configuration_and_name_file_and_key() {
        let tree = with(&[
            ("DE.json", "{}"),
            ("de.json", "{\n\"shared\": {,}}"),
            (
                "en.json",
                r#"{"shared": {"range": "{first} of {total}", "logg_in": ""}}"#,
            ),
            ("notes.txt", ""),
        ]);
        let refused = Configuration::from_tree(&tree, "test", &Environment::default()).unwrap_err();
        let told: Vec<String> = refused.iter().map(ToString::to_string).collect();
        for expected in [
            "error: templates/texts/DE.json: a file of texts is called",
            "error: templates/texts/de.json:2: this is no JSON",
            "shared.logg_in: there is no such text",
            "shared.range: `{last}` is missing",
            "error: templates/texts/notes.txt: a file of texts is called",
        ] {
            assert!(
                told.iter().any(|text| text.contains(expected)),
                "{expected}: {told:#?}"
            );
        }
    }
}
