//! JSON of a caller, read more strictly than usual: a name that is given twice, a text with
//! U+0000 and nesting without end are refused, and every refusal says where.

use std::{cell::RefCell, fmt};

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::ApiError;

/// Deeper than any body of the contract; keeps whatever walks the value from running out of stack.
const MAX_DEPTH: usize = 32;

/// The value in `bytes`; refused with the member at which reading stopped.
pub fn parse(bytes: &[u8]) -> Result<Value, ApiError> {
    let place = Place::default();
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = Reader {
        place: &place,
        depth: 0,
    }
    .deserialize(&mut reader)
    .and_then(|value| reader.end().map(|()| value));
    read.map_err(|error| refusal(&place, &error))
}

fn refusal(place: &Place, error: &serde_json::Error) -> ApiError {
    let field = place.name();
    if let Some(rule) = *place.rule.borrow() {
        let message = match rule {
            DUPLICATE => format!("`{field}` is given twice."),
            DEPTH => format!("`{field}` is nested more than {MAX_DEPTH} levels deep."),
            _ => format!("`{field}`: the character U+0000 cannot be used in a text."),
        };
        return ApiError::invalid(&field, rule, message);
    }
    if field.is_empty() {
        return ApiError::bad_request(
            "malformed-json",
            format!("The body is not valid JSON: {error}."),
        );
    }
    ApiError::invalid(
        &field,
        "malformed",
        format!("The body is not valid JSON at `{field}`: {error}."),
    )
}

const DUPLICATE: &str = "duplicate";
const DEPTH: &str = "depth";
const NULL_CHARACTER: &str = "null-character";

/// Where reading is, and which of our own rules was broken there.
#[derive(Default)]
struct Place {
    path: RefCell<Vec<String>>,
    rule: RefCell<Option<&'static str>>,
}

impl Place {
    /// The members from the top, as error messages name them; long ones are cut.
    fn name(&self) -> String {
        let name = self.path.borrow().join(".");
        name.chars().take(200).collect()
    }

    fn broken<E: de::Error>(&self, rule: &'static str) -> E {
        *self.rule.borrow_mut() = Some(rule);
        E::custom(rule)
    }

    fn check_text<E: de::Error>(&self, text: &str) -> Result<(), E> {
        if text.contains('\0') {
            return Err(self.broken(NULL_CHARACTER));
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct Reader<'p> {
    place: &'p Place,
    depth: usize,
}

impl<'p> Reader<'p> {
    fn deeper<E: de::Error>(self) -> Result<Reader<'p>, E> {
        if self.depth == MAX_DEPTH {
            return Err(self.place.broken(DEPTH));
        }
        Ok(Reader {
            depth: self.depth + 1,
            ..self
        })
    }

    fn text<E: de::Error>(self, text: String) -> Result<Value, E> {
        self.place.check_text(&text)?;
        Ok(Value::String(text))
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        self.text(text.to_owned())
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Value, E> {
        self.text(text)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut list = Vec::new();
        while let Some(value) = entries.next_element_seed(inner)? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut members = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            self.place.path.borrow_mut().push(name.clone());
            self.place.check_text(&name)?;
            if members.contains_key(&name) {
                return Err(self.place.broken(DUPLICATE));
            }
            // After an error the path stays as it is: that is where it happened.
            let value = entries.next_value_seed(inner)?;
            self.place.path.borrow_mut().pop();
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &[u8]) -> (String, &'static str) {
        let Err(ApiError::Refused(problem)) = parse(body) else {
            panic!("{} is read", String::from_utf8_lossy(body));
        };
        let error = problem.errors.first();
        error.map_or((String::new(), problem.kind), |error| {
            (error.field.clone(), error.rule)
        })
    }

    #[test]
    fn values_are_read_as_they_are() {
        let text = r#"{"b":[1,-2,0.5,"x",null,true],"a":{}}"#;
        assert_eq!(parse(text.as_bytes()).unwrap().to_string(), text);
    }

    #[test]
    fn a_refusal_names_the_member() {
        let deep = format!("{{\"a\":{}", "[".repeat(200));
        let cases: [(&[u8], (&str, &str)); 7] = [
            (br#"{"a":1,"a":2}"#, ("a", "duplicate")),
            (br#"{"a":{"b":1,"b":2}}"#, ("a.b", "duplicate")),
            (b"{\"a\":\"\xff\"}", ("a", "malformed")),
            (br#"{"a":1e999}"#, ("a", "malformed")),
            (br#"{"a":{"b":"\u0000"}}"#, ("a.b", "null-character")),
            (deep.as_bytes(), ("a", "depth")),
            (b"{", ("", "malformed-json")),
        ];
        for (body, (field, rule)) in cases {
            assert_eq!(refused(body), (field.to_owned(), rule));
        }
    }
}
