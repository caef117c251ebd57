use kong::{ApiError, Kind, plugins, schema};
use serde_json::{Value, json};

use super::{Answer, Reply, body::Input};
use crate::store::{self, not_found};

/// `GET /schemas/{entity}`
pub fn entity(name: &str) -> Answer {
    let kind: Kind = name.parse().map_err(|_| not_found())?;
    let mut schema = schema::entity::of(kind).render();
    if kind == Kind::Service
        && let Value::Object(schema) = &mut schema
    {
        let url = json!([{ "url": { "type": "string" } }]);
        schema.insert("shorthand_fields".to_owned(), url);
    }
    Ok(Reply::ok(schema))
}

/// `GET /schemas/plugins/{name}`
pub fn plugin(name: &str) -> Answer {
    plugins::find(name)
        .map(|plugin| Reply::ok(plugin.render()))
        .ok_or_else(not_found)
}

/// `GET /plugins/schema/{name}`, as older tools ask: the configuration alone.
pub fn plugin_config(name: &str) -> Answer {
    plugins::find(name)
        .map(|plugin| Reply::ok(plugin.config().render()))
        .ok_or_else(not_found)
}

/// `POST /schemas/{entity}/validate`: nothing is stored, references are not followed.
pub fn validate(name: &str, input: Input) -> Answer {
    let kind: Kind = name.parse().map_err(|_| not_found())?;
    let now = service::clock::now().timestamp();
    match store::examine(kind, input.for_kind(kind), now) {
        Ok(_) => Ok(Reply::ok(
            json!({ "message": "schema validation successful" }),
        )),
        Err(faults) => Err(ApiError::schema(faults.into_fields())),
    }
}
