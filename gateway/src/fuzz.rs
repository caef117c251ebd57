//! What strangers and tools send, given to the code that reads it, without sockets in between: the
//! fuzz targets of `fuzz/` call this, and a test feeds it their seeds.
//!
//! Whatever comes in is either taken or refused with 4xx. Anything else is a panic here.

mod requests;
mod routes;

use kong::{ApiError, Kind};
use serde_json::Value;

use crate::{
    admin::Input,
    document::{self, Document},
    live::{Live, Routing},
    maintenance::Maintenance,
    store::{Key, Tables},
};

pub use requests::Requests;
pub use routes::routes;

/// A moment, so that every run is the same.
const NOW: i64 = 1_790_000_000_000;

/// A declarative document; or, after a line such as `POST services json`, the body of a call of the
/// Admin API.
pub fn document(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    if let Some(call) = text.strip_prefix("POST ") {
        entity(call);
        return;
    }
    let Ok(value) = document::parse(text) else {
        return;
    };
    let mut tables = Tables::default();
    match document::load(&mut tables, Document::new(value), NOW) {
        Err(faulty) => {
            expect_refusal(&faulty.error(true));
        }
        Ok(loaded) => {
            loaded.show();
            compile(&tables);
            reload(&tables);
        }
    }
}

fn expect_refusal(error: &ApiError) {
    assert!((400..500).contains(&error.status), "{}", error.status);
    serde_json::to_string(error).expect("an error is JSON");
}

/// What is taken can be served.
fn compile(tables: &Tables) {
    let routing = Routing::compile(tables, &Routing::default());
    let again = Routing::compile(tables, &routing);
    assert_eq!(routing.routes.len(), again.routes.len());
    Live::new(tables, Maintenance::default());
}

/// What is written out is the same when it is read again.
fn reload(tables: &Tables) {
    let text = document::write(tables, NOW / 1000);
    let value = document::parse(&text).expect("a written document is one");
    let mut again = Tables::default();
    if let Err(faulty) = document::load(&mut again, Document::new(value), NOW) {
        let error = faulty.error(false);
        panic!(
            "a written document is refused: {}",
            Value::Object(*error.fields)
        );
    }
    let ids = |tables: &Tables| -> Vec<_> { tables.rows().map(|row| (row.kind, row.id)).collect() };
    assert_eq!(ids(tables), ids(&again));
}

fn entity(call: &str) {
    let (line, body) = call.split_once('\n').unwrap_or((call, ""));
    let (collection, form) = line.split_once(' ').unwrap_or((line, "json"));
    let Some(kind) = Kind::from_collection(collection) else {
        return;
    };
    let input = || match form {
        "form" => {
            let pairs = url::form_urlencoded::parse(body.as_bytes());
            Some(Input::Form(pairs.into_owned().collect()))
        }
        _ => match serde_json::from_str(body) {
            Ok(Value::Object(fields)) => Some(Input::Json(fields)),
            _ => None,
        },
    };
    let Some(fields) = input().map(|input| input.for_kind(kind)) else {
        return;
    };
    let mut tables = Tables::default();
    let row = match tables.create(kind, fields.clone(), NOW) {
        Ok(row) => row,
        Err(error) => return expect_refusal(&error),
    };
    compile(&tables);
    // What was taken once is taken again.
    let key = Key::Id(row.id);
    if let Err(error) = tables.merge(kind, &key, fields, NOW) {
        panic!("a change to the same is refused: {error}");
    }
    // The names of a certificate keep it.
    if let Err(error) = tables.delete(kind, row.id) {
        expect_refusal(&error);
    }
}
