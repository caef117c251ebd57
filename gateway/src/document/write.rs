use std::fmt::Write;

use kong::Kind;
use serde_json::Value;

use crate::store::{Tables, present};

/// All entities as a document that can be loaded again: YAML, each entity on a line of its own. `now`
/// in seconds.
pub fn write(tables: &Tables, now: i64) -> String {
    let mut text = "_format_version: \"3.0\"\n_transform: false\n".to_owned();
    for kind in Kind::ALL {
        let mut rows = tables.all(kind, None).peekable();
        if rows.peek().is_none() {
            continue;
        }
        let _ = writeln!(text, "{kind}:");
        for row in rows {
            let mut fields = present(row, now);
            fields.retain(|_, value| !value.is_null());
            fields.shift_remove("updated_at");
            // A flow mapping of YAML is written as JSON is.
            let _ = writeln!(text, "- {}", Value::Object(fields));
        }
    }
    text
}
