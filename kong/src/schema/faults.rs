use serde_json::{Map, Value};

/// Faults by field, in the shape of the error body: nested records nest, list elements are keyed
/// by position, rules of the whole entity stand under `@entity`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults(Map<String, Value>);

impl Faults {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Notes a fault of `field`; a dotted field goes to its place in the tree. The first fault of
    /// a field stays.
    pub fn field(&mut self, field: &str, fault: impl Into<String>) {
        let mut place = &mut self.0;
        let mut rest = field;
        while let Some((first, tail)) = rest.split_once('.') {
            let below = place
                .entry(first)
                .or_insert_with(|| Value::Object(Map::new()));
            match below {
                Value::Object(below) => place = below,
                // The whole record is at fault already.
                _ => return,
            }
            rest = tail;
        }
        place
            .entry(rest)
            .or_insert_with(|| Value::String(fault.into()));
    }

    /// Notes the faults found inside `field`.
    pub fn below(&mut self, field: &str, faults: Self) {
        if !faults.is_empty() {
            self.0.insert(field.to_owned(), Value::Object(faults.0));
        }
    }

    /// Notes a broken rule that concerns several fields.
    pub fn entity(&mut self, fault: impl Into<String>) {
        let list = self
            .0
            .entry("@entity")
            .or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(list) = list {
            list.push(Value::String(fault.into()));
        }
    }

    /// Whether this field (not nested) has a fault.
    pub fn contains(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }

    pub fn into_fields(self) -> Map<String, Value> {
        self.0
    }
}
