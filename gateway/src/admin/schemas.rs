use kong::{ApiError, Kind, plugins, schema};
use serde_json::json;

use super::{Answer, Reply, body::Input};
use crate::store::{self, not_found};

/// `GET /schemas/{entity}`
pub fn entity(name: &str) -> Answer {
    let kind: Kind = name.parse().map_err(|_| not_found())?;
    Ok(Reply::ok(schema::entity::of(kind).render()))
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
