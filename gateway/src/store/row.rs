use std::{borrow::Cow, fmt, ops::Deref};

use kong::{Kind, schema};
use serde_json::{Map, Value};
use triomphe::ThinArc;
use uuid::Uuid;

use super::cell::{self, Cell};

/// One entity as it is stored and answered: all fields present. Clones are the same one, shared by
/// tables, answers and compiled snapshots.
///
/// There may be hundreds of thousands, nearly all of them read once in a while. So an entity is one
/// piece of memory, with its values in the order of the schema, without their names and the id.
#[derive(Clone)]
pub struct Row(ThinArc<Head, u8>);

/// What a row is known by.
pub struct Head {
    pub kind: Kind,
    /// Whether the fields are those of the schema. Else they are written as JSON.
    has_shape: bool,
    pub id: Uuid,
    /// Its place in the document that it comes from: decides where times are equal.
    pub position: u32,
}

impl Deref for Row {
    type Target = Head;

    fn deref(&self) -> &Head {
        &self.0.header.header
    }
}

impl Row {
    pub fn new(kind: Kind, id: Uuid, position: u32, fields: &Map<String, Value>) -> Self {
        let names = schema::entity::of(kind).fields.iter();
        let has_shape = fields.len() == names.len()
            && names
                .zip(fields.keys())
                .all(|(field, name)| field.name == name)
            && fields.values().next().and_then(Value::as_str) == Some(&id.to_string());
        let packed = if has_shape {
            cell::write(fields.values().skip(1), kind.is_credential())
        } else {
            serde_json::to_vec(fields).expect("JSON can be written")
        };
        let head = Head {
            kind,
            has_shape,
            id,
            position,
        };
        Self(ThinArc::from_header_and_slice(head, &packed))
    }

    /// The same with the fields of the schema and no others.
    pub fn shaped(self) -> Self {
        if self.has_shape {
            return self;
        }
        let mut known = self.unshaped();
        known.insert("id".to_owned(), self.id.to_string().into());
        let names = schema::entity::of(self.kind).fields.iter();
        let fields = names.map(|field| {
            let value = known.remove(field.name).unwrap_or_default();
            (field.name.to_owned(), value)
        });
        Self::new(self.kind, self.id, self.position, &fields.collect())
    }

    /// One without fields, to look for others in their order.
    pub fn sought(kind: Kind, id: Uuid) -> Self {
        let head = Head {
            kind,
            has_shape: false,
            id,
            position: 0,
        };
        Self(ThinArc::from_header_and_slice(head, b"{}"))
    }

    /// Whether it is the very same one, and not another with the same id.
    pub fn is(&self, other: &Self) -> bool {
        self.0.as_ptr() == other.0.as_ptr()
    }

    pub fn fields(&self) -> Map<String, Value> {
        if !self.has_shape {
            return self.unshaped();
        }
        let names = schema::entity::of(self.kind).fields.iter();
        let names = names.map(|field| field.name.to_owned());
        let values = cell::read(self.packed()).map(Cell::into_value);
        let id = Value::from(self.id.to_string());
        names.zip(std::iter::once(id).chain(values)).collect()
    }

    fn packed(&self) -> &[u8] {
        &self.0.slice
    }

    fn unshaped(&self) -> Map<String, Value> {
        serde_json::from_slice(self.packed()).expect("it was written by `new`")
    }

    /// The cell of a field but the id.
    fn cell(&self, field: &str) -> Option<Cell<'_>> {
        if !self.has_shape {
            return None;
        }
        let mut fields = schema::entity::of(self.kind).fields.iter();
        let position = fields.position(|known| known.name == field)?;
        cell::read(self.packed()).nth(position.checked_sub(1)?)
    }

    /// The value of one field.
    pub fn value(&self, field: &str) -> Value {
        if !self.has_shape {
            return self.unshaped().remove(field).unwrap_or_default();
        }
        if field == "id" {
            return Value::from(self.id.to_string());
        }
        self.cell(field).map_or(Value::Null, Cell::into_value)
    }

    pub fn text(&self, field: &str) -> Option<String> {
        match self.value(field) {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The same of a row that is no credential and has its [shape](Self::shaped), where it stands.
    pub fn name(&self, field: &str) -> Option<&str> {
        match self.cell(field)? {
            Cell::Text(Cow::Borrowed(text)) => Some(text),
            _ => None,
        }
    }

    /// The id that a reference field points to.
    pub fn reference(&self, field: &str) -> Option<Uuid> {
        match self.cell(field) {
            Some(Cell::Reference(id)) => Some(id),
            Some(Cell::Null) => None,
            _ => self.value(field).get("id")?.as_str()?.parse().ok(),
        }
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
        assert!(row.has_shape);
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
        assert_eq!(
            (row.name("username"), row.name("custom_id")),
            (Some("ä\"b"), None)
        );
        let digest = "00ff".repeat(16);
        let row = consumer(
            &json!({"id": id, "username": digest, "custom_id": null, "tags": null,
            "created_at": 5, "updated_at": 6}),
        );
        assert_eq!(row.name("username"), Some(&*digest));
        assert_eq!(row.value("unknown"), Value::Null);
        assert_eq!(row.value("id"), id);
        assert!(row.is(&row.clone()) && !row.is(&consumer(&whole)));
        // Not the fields of the schema, or not in their order.
        for other in [
            json!({"id": id, "username": "a"}),
            json!({"username": "a", "id": id, "custom_id": null, "tags": null, "created_at": 1, "updated_at": 1}),
            json!({"id": "x", "username": "a", "custom_id": null, "tags": null, "created_at": 1, "updated_at": 1}),
        ] {
            let row = consumer(&other);
            assert!(!row.has_shape);
            assert_eq!(row.text("username").as_deref(), Some("a"));
            assert_eq!(row.name("username"), None);
            assert_eq!(Value::Object(row.fields()), other);
            let shaped = row.shaped();
            assert_eq!(shaped.name("username"), Some("a"));
            assert_eq!(shaped.value("tags"), Value::Null);
            assert_eq!(shaped.value("id"), id);
        }
    }
}
