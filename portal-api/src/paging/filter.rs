//! Which rows of a list are meant, and in which order.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sea_orm::{
    EntityTrait, Order, QueryFilter, Select,
    prelude::*,
    sea_query::{BinOper, Expr, ExprTrait, Func, LikeExpr},
};
use serde_json::Value;

use crate::{ApiError, extract::null_character};

/// Most values of one `in`.
const MAX_VALUES: usize = 200;
const MAX_TEXT: usize = 1024;
/// Longest text that is looked for in lists by offset.
const MAX_SUBSTRING: usize = 8192;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Time,
}

/// A field by which a caller may filter and order.
#[derive(Clone, Debug)]
pub struct Field {
    name: String,
    pub expression: Expr,
    pub kind: Kind,
}

/// The fields of a list. Names in a query only ever choose among them.
#[derive(Debug, Default)]
pub struct Fields(Vec<Field>);

impl Fields {
    pub fn new() -> Self {
        Self::default()
    }

    /// `expression` has to be a text.
    #[must_use]
    pub fn with(self, name: &str, expression: Expr) -> Self {
        self.and(name, expression, Kind::Text)
    }

    /// `expression` has to be a time stamp.
    #[must_use]
    pub fn with_time(self, name: &str, expression: Expr) -> Self {
        self.and(name, expression, Kind::Time)
    }

    fn and(mut self, name: &str, expression: Expr, kind: Kind) -> Self {
        self.0.push(Field {
            name: name.to_owned(),
            expression,
            kind,
        });
        self
    }

    pub fn find(&self, name: &str) -> Option<&Field> {
        self.0.iter().find(|field| field.name == name)
    }
}

/// The order of a list: never null, so that every row has a place.
#[derive(Clone, Debug)]
pub struct Sort {
    pub expression: Expr,
    pub order: Order,
    pub kind: Kind,
}

impl Sort {
    /// By a text that is never null.
    pub const fn by(expression: Expr, order: Order) -> Self {
        Self {
            expression,
            order,
            kind: Kind::Text,
        }
    }

    /// By a time that is never null.
    pub const fn by_time(expression: Expr, order: Order) -> Self {
        Self {
            expression,
            order,
            kind: Kind::Time,
        }
    }

    /// As a caller wishes; texts that are missing come first.
    pub fn chosen(field: &Field, order: Order) -> Self {
        let expression = match field.kind {
            Kind::Text => Func::coalesce([field.expression.clone(), Expr::val("")]).into(),
            Kind::Time => field.expression.clone(),
        };
        Self {
            expression,
            order,
            kind: field.kind,
        }
    }
}

/// All entries have to match, as substrings without regard to case. A text that no field can have,
/// and a field that the list does not have as a text, match nothing.
pub fn substrings<E: EntityTrait>(
    select: Select<E>,
    wanted: &BTreeMap<String, String>,
    fields: &Fields,
) -> Select<E> {
    let mut filtered = select.clone();
    for (name, text) in wanted {
        let field = fields.find(name).filter(|field| field.kind == Kind::Text);
        match field {
            Some(field) if is_possible(text) => {
                filtered = filtered.filter(contains(field.expression.clone(), text));
            }
            // Nothing else is asked: there is no end to the fields that a list does not have.
            _ => return select.filter(Expr::val(false)),
        }
    }
    filtered
}

/// Whether a text may be part of a stored one: PostgreSQL takes every character but U+0000, and
/// SQLite no pattern above 50,000 bytes.
fn is_possible(text: &str) -> bool {
    text.len() <= MAX_SUBSTRING && !text.contains('\0')
}

/// SQLite folds ASCII only, so there other letters match in the case in which they are stored or in
/// small letters.
fn contains(expression: Expr, text: &str) -> Expr {
    let escaped = text
        .to_lowercase()
        .replace('\\', r"\\")
        .replace('%', r"\%")
        .replace('_', r"\_");
    let pattern = LikeExpr::new(format!("%{escaped}%")).escape('\\');
    Expr::expr(Func::lower(expression)).like(pattern)
}

/// What a field is compared with, in lists by cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    Contains(String),
    Eq(String),
    In(Vec<String>),
    Lt(String),
    Gt(String),
}

/// A field and what it has to fulfil.
pub type Condition = (String, Test);

/// Reads a structured filter: a JSON object of texts or of objects of operators.
pub fn read(text: &str) -> Result<Vec<Condition>, ApiError> {
    let refused = |message: &str| ApiError::invalid("filter", "format", message);
    let Ok(Value::Object(members)) = serde_json::from_str(text) else {
        return Err(refused("`filter` has to be a JSON object."));
    };
    let mut conditions = Vec::new();
    for (field, wanted) in members {
        match wanted {
            Value::Object(operators) => {
                for (operator, value) in operators {
                    conditions.push((field.clone(), test(&operator, &value)?));
                }
            }
            other => conditions.push((field, Test::Contains(plain(&other)?))),
        }
    }
    if conditions.len() > 50 {
        return Err(refused("`filter` has too many conditions."));
    }
    Ok(conditions)
}

fn test(operator: &str, value: &Value) -> Result<Test, ApiError> {
    Ok(match operator {
        "eq" => Test::Eq(plain(value)?),
        "lt" => Test::Lt(plain(value)?),
        "gt" => Test::Gt(plain(value)?),
        "in" => {
            let values = value.as_array().filter(|values| values.len() <= MAX_VALUES);
            let values = values.ok_or_else(|| {
                let message = format!("`filter`: `in` takes a list of up to {MAX_VALUES} texts.");
                ApiError::invalid("filter", "type", message)
            })?;
            Test::In(values.iter().map(plain).collect::<Result<_, _>>()?)
        }
        _ => {
            let message = "`filter`: the operators are `eq`, `in`, `lt` and `gt`.";
            return Err(ApiError::invalid("filter", "operator", message));
        }
    })
}

fn plain(value: &Value) -> Result<String, ApiError> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        _ => {
            let message = "`filter`: values are texts, numbers, `true` or `false`.";
            return Err(ApiError::invalid("filter", "type", message));
        }
    };
    if text.len() > MAX_TEXT {
        let message = format!("`filter`: a value has at most {MAX_TEXT} characters.");
        return Err(ApiError::invalid("filter", "length", message));
    }
    if text.contains('\0') {
        return Err(null_character());
    }
    Ok(text)
}

/// The rows that fulfil all conditions; a field that the list does not have is refused.
pub fn conditions<E: EntityTrait>(
    mut select: Select<E>,
    wanted: &[Condition],
    fields: &Fields,
) -> Result<Select<E>, ApiError> {
    for (name, test) in wanted {
        let field = fields.find(name).ok_or_else(|| unknown("filter", name))?;
        select = select.filter(compare(field, test)?);
    }
    Ok(select)
}

/// 400 for a name that is no field of the list.
pub fn unknown(parameter: &str, name: &str) -> ApiError {
    let name: String = name.chars().take(64).collect();
    let message = format!("`{parameter}`: this list has no field `{name}`.");
    ApiError::invalid(parameter, "unknown", message)
}

fn compare(field: &Field, wanted: &Test) -> Result<Expr, ApiError> {
    let left = field.expression.clone();
    let value = |text: &str| operand(field.kind, text);
    Ok(match wanted {
        Test::Contains(text) if field.kind == Kind::Text => contains(left, text),
        Test::Contains(text) | Test::Eq(text) => left.eq(value(text)?),
        Test::Lt(text) => left.lt(value(text)?),
        Test::Gt(text) => left.gt(value(text)?),
        Test::In(texts) => {
            let values: Result<Vec<_>, _> = texts.iter().map(|text| value(text)).collect();
            left.is_in(values?)
        }
    })
}

/// The text of a caller or a cursor as what it is compared with.
pub fn operand(kind: Kind, text: &str) -> Result<sea_orm::Value, ApiError> {
    match kind {
        Kind::Text => Ok(text.into()),
        Kind::Time => moment(text).map(Into::into).ok_or_else(|| {
            let message = "`filter`: times are ISO 8601, such as 2026-01-31T10:00:00Z.";
            ApiError::invalid("filter", "format", message)
        }),
    }
}

fn moment(text: &str) -> Option<DateTime<Utc>> {
    let date = || {
        let date = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        Some(date.and_time(chrono::NaiveTime::MIN).and_utc())
    };
    let time = || Some(DateTime::parse_from_rfc3339(text).ok()?.to_utc());
    date()
        .or_else(time)
        .filter(|moment| (1970..=9999).contains(&chrono::Datelike::year(moment)))
}

/// A text member of a JSON column; the operator is the same in both databases.
pub fn json_text(column: impl ColumnTrait, member: &str) -> Expr {
    Expr::col(column).binary(BinOper::Custom("->>"), Expr::val(member))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_are_a_closed_list() {
        let conditions = read(r#"{"name":"ada","id":{"in":["a","b"],"gt":"a"},"n":{"eq":7}}"#);
        let expected = vec![
            ("name".to_owned(), Test::Contains("ada".to_owned())),
            (
                "id".to_owned(),
                Test::In(vec!["a".to_owned(), "b".to_owned()]),
            ),
            ("id".to_owned(), Test::Gt("a".to_owned())),
            ("n".to_owned(), Test::Eq("7".to_owned())),
        ];
        assert_eq!(conditions.unwrap(), expected);
        for refused in [
            "name",
            "[]",
            r#"{"name":{"like":"x"}}"#,
            r#"{"name":{"in":"x"}}"#,
            r#"{"name":{"eq":{}}}"#,
            r#"{"name":[]}"#,
        ] {
            assert!(read(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn times_are_compared_as_times() {
        assert!(operand(Kind::Time, "2026-01-31").is_ok());
        assert!(operand(Kind::Time, "2026-01-31T10:00:00+01:00").is_ok());
        assert!(operand(Kind::Time, "1'; drop table users").is_err());
        assert!(operand(Kind::Text, "1'; drop table users").is_ok());
    }
}
