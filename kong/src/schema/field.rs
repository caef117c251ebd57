use serde_json::{Map, Value};

use super::Faults;
use crate::Kind;

/// A check of one text beyond its type.
pub type TextCheck = fn(&str) -> Result<(), String>;
/// A check of a whole, completed record.
pub type RecordCheck = fn(&Map<String, Value>, &mut Faults);

/// What a value must look like.
#[derive(Clone)]
pub enum Type {
    Text {
        one_of: &'static [&'static str],
        check: Option<TextCheck>,
        /// Empty texts are refused unless this is set.
        may_be_empty: bool,
        /// May be a reference to a secret that is kept elsewhere.
        referenceable: bool,
    },
    Integer {
        between: Option<(i64, i64)>,
        one_of: &'static [i64],
    },
    Number {
        between: Option<(f64, f64)>,
    },
    Boolean,
    List(Box<Type>),
    /// A list whose duplicates are dropped and whose order means nothing.
    Set(Box<Type>),
    /// Values by name; the check is of the names.
    Map(Option<TextCheck>, Box<Type>),
    Record(Record),
    Reference(Kind),
    /// Anything; a check of the record says what.
    Json,
    /// Nothing but null is possible; the text says why.
    OnlyNull(&'static str),
}

/// One named field.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent marks of a field, each with a word of its own"
)]
#[derive(Clone)]
pub struct Field {
    pub name: &'static str,
    pub value: Type,
    pub required: bool,
    pub default: Option<Value>,
    pub unique: bool,
    /// Filled in by the gateway when absent.
    pub auto: bool,
    /// Masked in logs.
    pub secret: bool,
    /// At least this many elements, for lists, sets and maps.
    pub len_min: usize,
    /// What tools are told of the field beyond its type: `uuid`, `timestamp`.
    pub marked: Option<&'static str>,
}

/// A set of fields with rules that concern several of them.
#[derive(Clone, Default)]
pub struct Record {
    pub fields: Vec<Field>,
    pub check: Option<RecordCheck>,
}

impl Type {
    pub fn text() -> Self {
        Self::Text {
            one_of: &[],
            check: None,
            may_be_empty: false,
            referenceable: false,
        }
    }

    pub fn text_or_empty() -> Self {
        Self::Text {
            one_of: &[],
            check: None,
            may_be_empty: true,
            referenceable: false,
        }
    }

    pub fn checked(check: TextCheck) -> Self {
        Self::Text {
            one_of: &[],
            check: Some(check),
            may_be_empty: false,
            referenceable: false,
        }
    }

    pub fn one_of(values: &'static [&'static str]) -> Self {
        Self::Text {
            one_of: values,
            check: None,
            may_be_empty: false,
            referenceable: false,
        }
    }

    /// A text in whose place a [`reference`](super::reference) is possible.
    #[must_use]
    pub fn referenceable(mut self) -> Self {
        if let Self::Text { referenceable, .. } = &mut self {
            *referenceable = true;
        }
        self
    }

    pub fn integer(from: i64, to: i64) -> Self {
        Self::Integer {
            between: Some((from, to)),
            one_of: &[],
        }
    }

    pub fn any_integer() -> Self {
        Self::Integer {
            between: None,
            one_of: &[],
        }
    }

    pub fn list(element: Self) -> Self {
        Self::List(Box::new(element))
    }

    pub fn set(element: Self) -> Self {
        Self::Set(Box::new(element))
    }
}

impl Field {
    pub fn new(name: &'static str, value: Type) -> Self {
        Self {
            name,
            value,
            required: false,
            default: None,
            unique: false,
            auto: false,
            secret: false,
            len_min: 0,
            marked: None,
        }
    }

    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    #[must_use]
    pub fn default(mut self, value: impl Into<Value>) -> Self {
        self.default = Some(value.into());
        self
    }

    #[must_use]
    pub fn unique(mut self) -> Self {
        self.unique = true;
        self
    }

    #[must_use]
    pub fn auto(mut self) -> Self {
        self.auto = true;
        self
    }

    #[must_use]
    pub fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    #[must_use]
    pub fn mark(mut self, mark: &'static str) -> Self {
        self.marked = Some(mark);
        self
    }

    #[must_use]
    pub fn len_min(mut self, length: usize) -> Self {
        self.len_min = length;
        self
    }
}

impl Record {
    pub fn new(fields: Vec<Field>) -> Self {
        Self {
            fields,
            check: None,
        }
    }

    #[must_use]
    pub fn with_check(mut self, check: RecordCheck) -> Self {
        self.check = Some(check);
        self
    }

    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}
