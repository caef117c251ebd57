//! Code samples in the operator's words: a Mustache template by language, in `portal.samples` of
//! `globals.json`, takes the place of ours (portal-ui 19.5).

use std::collections::BTreeMap;

use sdk::template::Template;
use serde_json::{Value, json};

use super::{
    Language, Request, SampleView, highlight,
    sample::{quoted, sample_text, shell},
};

/// The templates by language.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Samples(BTreeMap<&'static str, Template>);

impl Samples {
    /// Reads texts, or lists of lines. What cannot be used is left out and said to operators.
    pub fn of(configured: Option<&Value>) -> Self {
        let configured = configured.and_then(Value::as_object).into_iter().flatten();
        let templates = configured.filter_map(|(name, value)| {
            let refused = |why: &str| {
                tracing::warn!("`portal.samples.{name}` has no effect: {why}");
                None
            };
            let Some(language) = Language::from_value(name) else {
                let names = Language::ALL.map(Language::value).join(", ");
                return refused(&format!("languages are {names}"));
            };
            let Some(text) = text(value) else {
                return refused("it has to be a text, or a list of lines");
            };
            match Template::parse(&text) {
                Ok(template) => Some((language.value(), template)),
                Err(error) => refused(&error.to_string()),
            }
        });
        Self(templates.collect())
    }

    /// The request in a language, without colours.
    pub fn text(&self, request: &Request, language: Language) -> String {
        match self.0.get(language.value()) {
            Some(template) => {
                let text = template.render_text(&model(request, language));
                text.trim_end().to_owned()
            }
            None => sample_text(request, language),
        }
    }

    /// The same as pages show it.
    pub fn view(&self, request: &Request, language: Language) -> SampleView {
        SampleView {
            language,
            code: highlight::code(language, &self.text(request, language)),
        }
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(lines) => {
            let lines: Option<Vec<&str>> = lines.iter().map(Value::as_str).collect();
            Some(lines?.join("\n"))
        }
        _ => None,
    }
}

/// What a template may name. `quoted` is a text as the language writes one, with its quotes.
fn model(request: &Request, language: Language) -> Value {
    let literal = |text: &str| match language {
        Language::Curl => shell(text),
        _ => quoted(text),
    };
    let headers = request.headers.iter().map(|(name, value)| {
        json!({
            "name": name, "value": value,
            "quoted": {"name": literal(name), "value": literal(value)},
        })
    });
    let body = request.json();
    json!({
        "method": request.method,
        "methodLower": request.method.to_lowercase(),
        "url": request.url,
        "headers": headers.collect::<Vec<_>>(),
        "quoted": {"url": literal(&request.url), "body": body.as_deref().map(literal)},
        "body": body,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::Credential;

    fn request() -> Request {
        let credential = Credential::Key("X-ApiKey".to_owned());
        let url = "https://api.example.org/pets?tag=it's".to_owned();
        let mut request = Request::new("post", url, &credential);
        request.body = Some(json!({"name": "Mimi"}));
        request
    }

    #[test]
    fn a_template_takes_the_place_of_one_language() {
        let own = Samples::of(Some(&json!({
            "curl": "http {{method}} {{quoted.url}}{{#headers}} '{{name}}:{{value}}'{{/headers}}",
            "python": ["import httpx", "httpx.{{methodLower}}({{quoted.url}}, content={{quoted.body}})"],
            "cobol": "MOVE",
            "go": 7,
            "php": "{{#headers}}",
        })));
        let text = |language| own.text(&request(), language);
        assert_eq!(
            text(Language::Curl),
            r"http POST 'https://api.example.org/pets?tag=it'\''s' 'X-ApiKey:$API_KEY'"
        );
        assert_eq!(
            text(Language::Python),
            "import httpx\nhttpx.post(\"https://api.example.org/pets?tag=it's\", \
             content=\"{\\n  \\\"name\\\": \\\"Mimi\\\"\\n}\")"
        );
        for language in [Language::Go, Language::Php, Language::Rust] {
            assert_eq!(text(language), sample_text(&request(), language));
        }
    }
}
