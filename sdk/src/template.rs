//! Mustache, as far as the templates of mails and chat messages use it: variables with dots,
//! sections, inverted sections, comments, other delimiters. Partials and lambdas do not exist here.
//!
//! The caller says how values are escaped: plain text needs nothing, a chat platform its own rules,
//! and no library lets one choose that.

pub mod html;
mod parse;

use serde_json::Value;

pub use parse::TemplateError;

/// Rendered texts do not grow beyond this, whatever the template repeats.
const MAX_OUTPUT: usize = 1 << 20;

/// How a value becomes text: its name in the template, and the value.
pub type Escape<'a> = &'a dyn Fn(&str, &str) -> String;

/// A template that was read without faults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Node>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Text(String),
    Variable {
        name: String,
    },
    Section {
        name: String,
        inverted: bool,
        inner: Vec<Node>,
    },
}

impl Template {
    /// Reads a template; an error names what is not closed or not known.
    pub fn parse(source: &str) -> Result<Self, TemplateError> {
        parse::parse(source).map(Self)
    }

    /// Fills in `model`. Every value goes through `escape` (with its name first), also those in
    /// triple braces: who writes a template does not know what users call their applications.
    pub fn render(&self, model: &Value, escape: Escape<'_>) -> String {
        let mut output = String::new();
        render(&self.0, &mut vec![model], escape, &mut output);
        output
    }

    /// For plain text, where nothing needs escaping.
    pub fn render_text(&self, model: &Value) -> String {
        self.render(model, &|_, text| text.to_owned())
    }
}

fn render<'a>(
    nodes: &'a [Node],
    scopes: &mut Vec<&'a Value>,
    escape: Escape<'_>,
    output: &mut String,
) {
    for node in nodes {
        if output.len() > MAX_OUTPUT {
            return;
        }
        match node {
            Node::Text(text) => output.push_str(text),
            Node::Variable { name } => match look_up(scopes, name) {
                Some(Value::String(text)) => output.push_str(&escape(name, text)),
                Some(Value::Number(number)) => output.push_str(&number.to_string()),
                Some(Value::Bool(flag)) => output.push_str(&flag.to_string()),
                _ => {}
            },
            Node::Section {
                name,
                inverted,
                inner,
            } => {
                let value = look_up(scopes, name).filter(|value| is_truthy(value));
                match value {
                    None if *inverted => render(inner, scopes, escape, output),
                    Some(Value::Array(items)) if !inverted => {
                        for item in items {
                            scopes.push(item);
                            render(inner, scopes, escape, output);
                            scopes.pop();
                        }
                    }
                    Some(value) if !inverted => {
                        scopes.push(value);
                        render(inner, scopes, escape, output);
                        scopes.pop();
                    }
                    _ => {}
                }
            }
        }
    }
}

/// The first part of a dotted name is looked for from the inside out, the rest below it.
fn look_up<'a>(scopes: &[&'a Value], name: &str) -> Option<&'a Value> {
    if name == "." {
        return scopes.last().copied();
    }
    let mut parts = name.split('.');
    let first = parts.next()?;
    let value = scopes.iter().rev().find_map(|scope| scope.get(first))?;
    parts.try_fold(value, |value, part| value.get(part))
}

fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::Bool(true) | Value::Object(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn render(source: &str, model: &Value) -> String {
        Template::parse(source).unwrap().render_text(model)
    }

    #[test]
    fn values_sections_and_names_with_dots_are_filled_in() {
        let model = json!({"user": {"name": "Ada <3"}, "items": ["a", "b"], "none": [], "n": 3});
        let cases = [
            (
                "Hi {{user.name}}, {{{ user.name }}}, {{& user.name}}!",
                "Hi Ada <3, Ada <3, Ada <3!",
            ),
            ("{{#items}}[{{.}}]{{/items}}", "[a][b]"),
            ("{{#user}}{{name}} {{n}}{{/user}}", "Ada <3 3"),
            ("{{^none}}nothing{{/none}}{{^items}}x{{/items}}", "nothing"),
            ("a{{! a comment }}b{{missing.part}}c", "abc"),
            ("{{=<% %>=}}<% n %>{{n}}<%={{ }}=%>{{n}}", "3{{n}}3"),
        ];
        for (source, expected) in cases {
            assert_eq!(render(source, &model), expected, "{source}");
        }
    }

    #[test]
    fn tags_alone_on_a_line_leave_no_line_behind() {
        let model = json!({"on": true});
        assert_eq!(
            render("a\n  {{#on}}  \nb\n{{/on}}\r\n{{! x }}\nc", &model),
            "a\nb\nc"
        );
        assert_eq!(render("{{#on}} x {{/on}}", &model), " x ");
    }

    #[test]
    fn faults_name_the_line() {
        for source in [
            "a\n{{#open}}",
            "a\n{{/never}}",
            "a\n{{name",
            "a\n{{> partial}}",
            "a\n{{}}",
        ] {
            let error = Template::parse(source).unwrap_err();
            assert!(error.to_string().contains("line 2"), "{source}: {error}");
        }
    }

    #[test]
    fn every_value_is_escaped_also_in_triple_braces() {
        let template = Template::parse("<b>{{a}} {{{a}}}</b>").unwrap();
        let text = template.render(&json!({"a": "<"}), &|_, text| text.replace('<', "&lt;"));
        assert_eq!(text, "<b>&lt; &lt;</b>");
    }
}
