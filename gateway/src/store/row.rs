use std::fmt;

use kong::{Kind, schema};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::{Map, Value};
use uuid::Uuid;

/// One entity as it is stored and answered: all fields present.
///
/// There may be hundreds of thousands, nearly all of them read once in a while. So the fields are kept
/// as JSON: a list of their values in the order of the schema, without their names and the id, which
/// takes a tenth of the room of a map.
pub struct Row {
    pub kind: Kind,
    pub id: Uuid,
    /// Its place in the document that it comes from: decides where times are equal.
    pub position: u32,
    packed: Box<[u8]>,
}

impl Row {
    pub fn new(kind: Kind, id: Uuid, position: u32, fields: &Map<String, Value>) -> Self {
        let names = schema::entity::of(kind).fields.iter();
        let has_shape = fields.len() == names.len()
            && names
                .zip(fields.keys())
                .all(|(field, name)| field.name == name);
        let has_id = fields.values().next().and_then(Value::as_str) == Some(&id.to_string());
        let packed = if has_shape && has_id {
            let values: Vec<&Value> = fields.values().skip(1).collect();
            serde_json::to_vec(&values)
        } else {
            serde_json::to_vec(fields)
        };
        Self {
            kind,
            id,
            position,
            packed: packed.expect("JSON can be written").into(),
        }
    }

    /// Whether the values stand alone.
    fn is_list(&self) -> bool {
        self.packed.first() == Some(&b'[')
    }

    pub fn fields(&self) -> Map<String, Value> {
        if !self.is_list() {
            return self.unpack();
        }
        let values: Vec<Value> = self.unpack();
        let names = schema::entity::of(self.kind).fields.iter();
        let names = names.map(|field| field.name.to_owned());
        let id = Value::from(self.id.to_string());
        names.zip(std::iter::once(id).chain(values)).collect()
    }

    fn unpack<T: serde::de::DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.packed).expect("it was written by `new`")
    }

    /// The value of one field.
    pub fn value(&self, field: &str) -> Value {
        if !self.is_list() {
            let mut fields: Map<String, Value> = self.unpack();
            return fields.remove(field).unwrap_or_default();
        }
        let fields = &schema::entity::of(self.kind).fields;
        match fields.iter().position(|known| known.name == field) {
            Some(0) => Value::from(self.id.to_string()),
            Some(position) => {
                let mut packed = serde_json::Deserializer::from_slice(&self.packed);
                let value = Nth(position - 1).deserialize(&mut packed);
                value.expect("it was written by `new`")
            }
            None => Value::Null,
        }
    }

    pub fn text(&self, field: &str) -> Option<String> {
        match self.value(field) {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The id that a reference field points to.
    pub fn reference(&self, field: &str) -> Option<Uuid> {
        self.value(field).get("id")?.as_str()?.parse().ok()
    }

    pub fn tags(&self) -> Vec<String> {
        serde_json::from_value(self.value("tags")).unwrap_or_default()
    }

    pub fn created_at(&self) -> i64 {
        let moment = self.value("created_at");
        let moment = moment.as_i64().or_else(|| whole_seconds(moment.as_f64()?));
        moment.unwrap_or_default()
    }

    /// The typed entity.
    pub fn parse<E: kong::Entity>(&self) -> Result<E, serde_json::Error> {
        serde_json::from_value(Value::Object(self.fields()))
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Row({} {})", self.kind.name(), self.id)
    }
}

/// Those of targets have milliseconds.
#[expect(
    clippy::cast_possible_truncation,
    reason = "seconds since 1970 fit, and the fraction is what is cut off"
)]
fn whole_seconds(moment: f64) -> Option<i64> {
    (0.0..1e12).contains(&moment).then_some(moment as i64)
}

/// One element of a list; nothing is built of the others.
struct Nth(usize);

impl<'de> DeserializeSeed<'de> for Nth {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Nth {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Value, A::Error> {
        for _ in 0..self.0 {
            values.next_element::<IgnoredAny>()?;
        }
        let value = values.next_element()?.unwrap_or_default();
        while values.next_element::<IgnoredAny>()?.is_some() {}
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn consumer(fields: &Value) -> Row {
        Row::new(Kind::Consumer, Uuid::nil(), 0, fields.as_object().unwrap())
    }

    #[test]
    fn fields_come_back_as_they_were() {
        let id = Uuid::nil().to_string();
        let whole = json!({"id": id, "username": "ä\"b", "custom_id": null, "tags": ["x", "y"],
            "created_at": 5, "updated_at": 6});
        let row = consumer(&whole);
        assert!(row.is_list());
        assert_eq!(Value::Object(row.fields()), whole);
        assert_eq!(
            row.fields().keys().collect::<Vec<_>>(),
            whole.as_object().unwrap().keys().collect::<Vec<_>>()
        );
        for (name, value) in whole.as_object().unwrap() {
            assert_eq!(row.value(name), *value);
        }
        assert_eq!(row.tags(), ["x", "y"]);
        assert_eq!((row.created_at(), row.text("custom_id")), (5, None));
        assert_eq!(row.value("unknown"), Value::Null);
        // Not the fields of the schema, or not in their order.
        for other in [
            json!({"id": id, "username": "a"}),
            json!({"username": "a", "id": id, "custom_id": null, "tags": null, "created_at": 1, "updated_at": 1}),
            json!({"id": "x", "username": "a", "custom_id": null, "tags": null, "created_at": 1, "updated_at": 1}),
        ] {
            let row = consumer(&other);
            assert!(!row.is_list());
            assert_eq!(row.text("username").as_deref(), Some("a"));
            assert_eq!(Value::Object(row.fields()), other);
        }
    }
}
