//! Expressions that say what is taken from requests and answers: `JMESPath`, bounded. They come from
//! the configuration, what they look at does not.

use jmespath::{Context, DEFAULT_RUNTIME, ErrorReason, Rcvar, RuntimeError, ast::Ast};

pub use jmespath::Variable;

const MAX_LENGTH: usize = 1000;
/// Each of these may nest the expression one deeper.
const OPERATORS: &[char] = &['.', '!', '|', '&', '(', '[', '{'];
const MAX_OPERATORS: usize = 100;

/// A parsed expression.
#[derive(Clone, Debug)]
pub struct Expression {
    text: String,
    tree: Ast,
}

impl Expression {
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_LENGTH {
            return Err(format!("an expression has at most {MAX_LENGTH} characters"));
        }
        if text.matches(OPERATORS).count() > MAX_OPERATORS {
            return Err(format!(
                "an expression has at most {MAX_OPERATORS} operators"
            ));
        }
        let tree = jmespath::parse(text).map_err(|error| {
            format!("no JMESPath expression (at character {})", error.column + 1)
        })?;
        let expression = Self {
            text: text.to_owned(),
            tree,
        };
        expression.check_functions()?;
        Ok(expression)
    }

    /// Which functions there are is known only when they are called.
    fn check_functions(&self) -> Result<(), String> {
        let nothing = Rcvar::new(Variable::Null);
        let mut context = Context::new(&self.text, &DEFAULT_RUNTIME);
        match jmespath::interpret(&nothing, &self.tree, &mut context).map_err(|error| error.reason)
        {
            Err(ErrorReason::Runtime(RuntimeError::UnknownFunction(name))) => {
                Err(format!("there is no function `{name}`"))
            }
            Err(ErrorReason::Runtime(
                RuntimeError::TooManyArguments { expected, .. }
                | RuntimeError::NotEnoughArguments { expected, .. },
            )) => Err(format!("a function takes {expected} argument(s)")),
            _ => Ok(()),
        }
    }

    /// What it gives for `data`; the reason says nothing of the data.
    pub fn evaluate(&self, data: &Rcvar) -> Result<Rcvar, String> {
        let mut context = Context::new(&self.text, &DEFAULT_RUNTIME);
        jmespath::interpret(data, &self.tree, &mut context)
            .map_err(|_| format!("`{}` cannot be computed", self.text))
    }
}

/// For schemas.
pub(super) fn check(text: &str) -> Result<(), String> {
    Expression::parse(text).map(drop)
}

/// A path with expressions in `{ }`.
#[derive(Clone, Debug)]
pub struct PathExpression(Vec<Piece>);

#[derive(Clone, Debug)]
pub enum Piece {
    Text(String),
    Value(Expression),
}

impl PathExpression {
    pub fn parse(path: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = path;
        while let Some(start) = rest.find('{') {
            let (before, after) = rest.split_at(start);
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            let end = closing(after).ok_or("a `}` is missing")?;
            pieces.push(Piece::Value(Expression::parse(&after[1..end])?));
            rest = &after[end + 1..];
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        let example: String = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text,
                Piece::Value(_) => "x",
            })
            .collect();
        crate::schema::text::service_path(&example)?;
        Ok(Self(pieces))
    }

    pub fn pieces(&self) -> &[Piece] {
        &self.0
    }
}

/// Where the brace at the start is closed.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    text.char_indices().find_map(|(position, character)| {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        (depth == 0).then_some(position)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluate(text: &str, data: &str) -> String {
        let data = Rcvar::new(Variable::from_json(data).unwrap());
        let value = Expression::parse(text).unwrap().evaluate(&data).unwrap();
        value.to_string()
    }

    #[test]
    fn expressions_choose_and_shape() {
        let data = r#"{"steps": {"pet": {"name": "Rex", "tags": [{"n": 1}, {"n": 2}]}}}"#;
        for (text, expected) in [
            ("steps.pet.name", r#""Rex""#),
            ("steps.pet.tags[].n", "[1,2]"),
            ("steps.none || 'x'", r#""x""#),
            ("{name: steps.pet.name}", r#"{"name":"Rex"}"#),
            ("length(steps.pet.tags)", "2"),
        ] {
            assert_eq!(evaluate(text, data), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        let long = "a".repeat(1001);
        let deep = "(".repeat(200);
        let many = "!".repeat(200) + "a";
        for text in ["", "a b", "nope(@)", "length()", "a[", &long, &deep, &many] {
            assert!(Expression::parse(text).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        /// Whatever is written, and whatever it looks at: nothing breaks.
        #[test]
        fn any_expression_gives_a_value_or_a_fault(
            text in "(steps|item|@|\\.|\\[[0-9*?-]{0,3}\\]|\\||&|!|\\(|\\)|length|`1`|'a'|\\{a: |\\}|,|==| ){0,12}"
        ) {
            if let Ok(expression) = Expression::parse(&text) {
                let data = Variable::from_json(r#"{"steps": [1, {"a": [null, "x"]}], "item": {}}"#);
                let _ = expression.evaluate(&Rcvar::new(data.unwrap()));
            }
            let _ = PathExpression::parse(&format!("/{{{text}}}"));
        }
    }

    #[test]
    fn paths_have_expressions_in_braces() {
        let path = PathExpression::parse("/pets/{path.id}/x-{values({a: item}) | [0]}").unwrap();
        assert_eq!(path.pieces().len(), 4);
        for path in ["pets", "/a{", "/a{}", "/a?b={x}", "/a b", "//x"] {
            assert!(PathExpression::parse(path).is_err(), "{path}");
        }
    }
}
