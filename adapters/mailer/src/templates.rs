//! The texts of mails: of the configuration, in several languages, with and without HTML; our own
//! where the configuration has none that can be read.
//!
//! A template is called `<mail>[.<language>]` (plain text), `….html` or `….subject`. All are read
//! when the configuration changes, so that a fault shows before somebody needs the mail.

mod html;
mod name;
mod own;

use std::collections::BTreeMap;

use sdk::template::{
    Template,
    html::{escape, is_document},
};
use serde_json::{Value, json};

use crate::mails::Mail;
use name::{Form, Name};

/// Frame around HTML that is no document of its own.
const LAYOUT: &str = "layout";

/// Templates ready for use.
#[derive(Debug, Default)]
pub struct Templates {
    /// By name of the mail and language; the installation's own language is empty.
    variants: BTreeMap<(String, String), Variant>,
    problems: Vec<String>,
}

/// The templates of one mail in one language.
#[derive(Debug, Default)]
struct Variant {
    subject: Option<Template>,
    text: Option<Template>,
    html: Option<Html>,
}

#[derive(Debug)]
struct Html {
    template: Template,
    /// Whether it is a document, with a head of its own.
    is_document: bool,
}

/// A mail as it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// As the template says; absent where it says nothing.
    pub subject: Option<String>,
    pub text: String,
    pub html: Option<String>,
}

impl Html {
    fn content(&self, model: &Value) -> String {
        self.template.render(model, &|name, value| match name {
            // Parts of a digest; they are HTML already.
            "html" => value.to_owned(),
            _ => escape(value),
        })
    }
}

impl Templates {
    /// Reads templates by name, without `.mustache`. One with faults is left out and named in
    /// [`Self::problems`].
    pub fn read(sources: &BTreeMap<String, String>) -> Self {
        let mut templates = Self::default();
        for (file, source) in sources {
            let Some(name) = Name::parse(file) else {
                templates.problem(file, "the name is none of a template");
                continue;
            };
            if name.mail != LAYOUT && Mail::named(&name.mail).is_none() {
                templates.problem(file, "there is no such mail");
                continue;
            }
            templates.add(file, name, source);
        }
        templates
    }

    fn add(&mut self, file: &str, name: Name, source: &str) {
        // The front line; also in HTML, where it stands before the markup.
        let (front, body) = match source.strip_prefix("Subject:") {
            Some(rest) => {
                let (line, body) = rest.split_once('\n').unwrap_or((rest, ""));
                (Some(line.trim()), body.trim_start_matches(['\r', '\n']))
            }
            None => (None, source),
        };
        let mut read = |text: &str| match Template::parse(text) {
            Ok(template) => Some(template),
            Err(error) => {
                self.problems.push(format!("{file}.mustache: {error}"));
                None
            }
        };
        let (front, body_template) = (front.and_then(&mut read), read(body));
        let variant = self.variants.entry((name.mail, name.language)).or_default();
        if let Some(front) = front {
            variant.subject.get_or_insert(front);
        }
        match name.form {
            Form::Subject => variant.subject = read_subject(source).or(variant.subject.take()),
            Form::Text => variant.text = body_template,
            Form::Html => {
                variant.html = body_template.map(|template| Html {
                    template,
                    is_document: is_document(body),
                });
            }
        }
    }

    fn problem(&mut self, file: &str, what: &str) {
        self.problems.push(format!("{file}.mustache: {what}"));
    }

    /// What is wrong with the templates of the configuration.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// Fills in `model`, in `language` if there is such a text.
    pub fn render(&self, mail: Mail, language: Option<&str>, model: &Value) -> Rendered {
        self.fill(mail, language, model, Self::render_html)
    }

    /// The same as part of another mail: its HTML has no frame, and is never missing.
    pub fn part(&self, mail: Mail, language: Option<&str>, model: &Value) -> Rendered {
        let mut part = self.fill(mail, language, model, |_, html, _, model| {
            html.content(model)
        });
        part.html = part.html.filter(|html| !is_document(html));
        part.html.get_or_insert_with(|| {
            let text = escape(part.text.trim());
            format!("<p class=\"text\">{text}</p>")
        });
        part
    }

    fn fill(
        &self,
        mail: Mail,
        language: Option<&str>,
        model: &Value,
        render_html: impl Fn(&Self, &Html, &str, &Value) -> String,
    ) -> Rendered {
        let found = self.variant(mail.template(), language, |variant| {
            variant.text.is_some() || variant.html.is_some()
        });
        let Some((language, variant)) = found else {
            return Rendered {
                subject: None,
                text: own::text(mail).render_text(model),
                html: None,
            };
        };
        let html = variant
            .html
            .as_ref()
            .map(|html| render_html(self, html, language, model));
        let text = match (&variant.text, &html) {
            (Some(text), _) => text.render_text(model),
            (None, Some(html)) => html::to_text(html),
            (None, None) => String::new(),
        };
        let subject = variant.subject.as_ref();
        Rendered {
            subject: subject.map(|subject| subject.render_text(model)),
            text,
            html,
        }
    }

    fn render_html(&self, html: &Html, language: &str, model: &Value) -> String {
        let content = html.content(model);
        let layout = self.variant(LAYOUT, Some(language), |variant| variant.html.is_some());
        let layout = layout.and_then(|(_, variant)| variant.html.as_ref());
        let Some(layout) = layout.filter(|_| !html.is_document) else {
            return content;
        };
        let mut model = model.clone();
        model["content"] = json!(content);
        model["language"] = json!(if language.is_empty() { "en" } else { language });
        layout.template.render(&model, &|name, value| match name {
            "content" => value.to_owned(),
            _ => escape(value),
        })
    }

    /// The variant in the language (`pt-br`), else in its main form (`pt`), else the
    /// installation's own.
    fn variant(
        &self,
        mail: &str,
        language: Option<&str>,
        is_usable: impl Fn(&Variant) -> bool,
    ) -> Option<(&str, &Variant)> {
        let language = language.unwrap_or_default().to_ascii_lowercase();
        let broad = language.split('-').next().unwrap_or_default().to_owned();
        [language, broad, String::new()]
            .into_iter()
            .filter_map(|language| self.variants.get_key_value(&(mail.to_owned(), language)))
            .find(|(_, variant)| is_usable(variant))
            .map(|((_, language), variant)| (language.as_str(), variant))
    }
}

/// A file that holds nothing but a subject.
fn read_subject(source: &str) -> Option<Template> {
    let line = source.trim_start_matches("Subject:").lines().next()?;
    Template::parse(line.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &[(&str, &str)]) -> Templates {
        let sources = files
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect();
        Templates::read(&sources)
    }

    #[test]
    fn the_language_of_the_receiver_is_found_or_what_comes_closest() {
        let templates = read(&[
            ("welcome", "Subject: Hi {{n}}\n\nWelcome <{{n}}>"),
            ("welcome.de", "Subject: Hallo\n\nWillkommen"),
            ("welcome.pt-br", "Bem-vindo"),
            ("welcome.pt-br.subject", "Ola\n"),
            ("welcome.html", "<p>{{n}}</p>"),
            ("layout.html", "<!doctype html><b>{{{content}}}</b>"),
        ]);
        assert!(
            templates.problems().is_empty(),
            "{:?}",
            templates.problems()
        );
        let model = json!({"n": "<Ada>"});
        let render = |language| templates.render(Mail::Welcome, language, &model);
        let own = render(None);
        assert_eq!(own.subject.as_deref(), Some("Hi <Ada>"));
        assert_eq!(own.text, "Welcome <<Ada>>");
        assert_eq!(
            own.html.as_deref(),
            Some("<!doctype html><b><p>&lt;Ada&gt;</p></b>")
        );
        let german = render(Some("de-AT"));
        assert_eq!(german.text, "Willkommen");
        assert_eq!(german.html, None, "HTML in another language is left out");
        assert_eq!(render(Some("pt-br")).subject.as_deref(), Some("Ola"));
        assert_eq!(render(Some("fr")), own);
    }

    #[test]
    fn faults_are_named_and_something_readable_is_sent_all_the_same() {
        let templates = read(&[
            ("verify_email", "{{#open}}"),
            ("verify_email.html", "<p>{{{verificationLink}}}</p>"),
            ("lost_password", "{{/never}}"),
            ("nonsense", ""),
            ("welcome.x", ""),
        ]);
        assert_eq!(templates.problems().len(), 4, "{:?}", templates.problems());
        let model = json!({"verificationLink": "https://x.example/?a=1&b=2"});
        let mail = templates.render(Mail::VerifyEmail, None, &model);
        assert_eq!(mail.text, "https://x.example/?a=1&b=2\n");
        let mail = templates.render(Mail::LostPassword, None, &model);
        assert!(mail.text.contains("https://x.example/?a=1&b=2"));
    }
}
