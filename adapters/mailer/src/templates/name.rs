//! Names of templates: `<mail>[.<language>][.html|.subject]`.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Text,
    Html,
    Subject,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Name {
    pub mail: String,
    /// Empty for the installation's own.
    pub language: String,
    pub form: Form,
}

impl Name {
    pub fn parse(file: &str) -> Option<Self> {
        let mut parts = file.split('.');
        let mut name = Self {
            mail: parts.next()?.to_owned(),
            language: String::new(),
            form: Form::Text,
        };
        for part in parts {
            match part {
                "html" if name.form == Form::Text => name.form = Form::Html,
                "subject" if name.form == Form::Text => name.form = Form::Subject,
                part if name.language.is_empty() && is_language(part) => {
                    part.clone_into(&mut name.language);
                }
                _ => return None,
            }
        }
        Some(name)
    }
}

/// `de`, `pt-br`.
fn is_language(text: &str) -> bool {
    let is_part = |part: &str, most: usize| {
        (2..=most).contains(&part.len()) && part.bytes().all(|c| c.is_ascii_lowercase())
    };
    match text.split_once('-') {
        Some((main, region)) => is_part(main, 3) && is_part(region, 4),
        None => is_part(text, 3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn language_and_form_may_stand_in_any_order() {
        let name = |language: &str, form| {
            Some(Name {
                mail: "welcome".to_owned(),
                language: language.to_owned(),
                form,
            })
        };
        let cases = [
            ("welcome", name("", Form::Text)),
            ("welcome.de", name("de", Form::Text)),
            ("welcome.html.de", name("de", Form::Html)),
            ("welcome.pt-br.html", name("pt-br", Form::Html)),
            ("welcome.subject", name("", Form::Subject)),
            ("welcome.de.en", None),
            ("welcome.html.html", None),
            ("welcome.DE", None),
        ];
        for (file, expected) in cases {
            assert_eq!(Name::parse(file), expected, "{file}");
        }
    }
}
