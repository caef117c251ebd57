//! Values that expressions see and give.

use std::{collections::BTreeMap, io, sync::Arc};

use kong::plugins::expression::Variable;

/// Values are shared, not copied, when they are put together.
pub type Shared = Arc<Variable>;

pub fn object(members: BTreeMap<String, Shared>) -> Shared {
    Shared::new(Variable::Object(members))
}

/// The value as one text; nothing for what is none.
pub fn scalar(value: &Variable) -> Option<String> {
    match value {
        Variable::String(text) => Some(text.clone()),
        Variable::Number(number) => Some(number.to_string()),
        Variable::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// The value as JSON; nothing if that is longer than `limit`. Expressions can make long values of
/// short ones, so that is found out before they are written.
pub fn json(value: &Variable, limit: usize) -> Option<Vec<u8>> {
    struct Bounded {
        text: Vec<u8>,
        limit: usize,
    }

    impl io::Write for Bounded {
        fn write(&mut self, part: &[u8]) -> io::Result<usize> {
            if self.text.len() + part.len() > self.limit {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.text.extend_from_slice(part);
            Ok(part.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let text = Vec::new();
    let mut bounded = Bounded { text, limit };
    serde_json::to_writer(&mut bounded, value).ok()?;
    Some(bounded.text)
}
