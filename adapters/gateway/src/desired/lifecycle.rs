//! What callers of a deprecated API are told with each answer (RFC 9745, RFC 8594).

use chrono::{NaiveDate, NaiveTime};
use kong::Plugin;
use sdk::types::Api;
use serde_json::{Map, Value, json};

use super::{context::Context, global::plugin};

const PLUGIN: &str = "response-transformer";

/// Adds `Deprecation` and `Sunset` for the dates that are given; a `response-transformer` of the
/// API's own is extended.
pub fn announce(context: &Context, api: &Api, plugins: &mut Vec<Plugin>) {
    let Some(lifecycle) = &api.lifecycle else {
        return;
    };
    if !context.target.has_plugin(PLUGIN) {
        return;
    }
    let moment = |date: &Option<String>| {
        let date: NaiveDate = date.as_deref()?.parse().ok()?;
        Some(date.and_time(NaiveTime::MIN).and_utc())
    };
    let deprecated = moment(&lifecycle.deprecated_on);
    let sunset = moment(&lifecycle.sunset_on);
    let headers: Vec<Value> = [
        deprecated.map(|at| format!("Deprecation:@{}", at.timestamp())),
        sunset.map(|at| format!("Sunset:{}", at.format("%a, %d %b %Y %H:%M:%S GMT"))),
    ]
    .into_iter()
    .flatten()
    .map(Value::from)
    .collect();
    if headers.is_empty() {
        return;
    }
    if !plugins.iter().any(|plugin| plugin.name == PLUGIN) {
        plugins.push(plugin(PLUGIN, json!({})));
    }
    for plugin in plugins.iter_mut().filter(|plugin| plugin.name == PLUGIN) {
        let add = plugin.config.entry("add").or_insert(Value::Null);
        if add.is_null() {
            *add = Value::Object(Map::new());
        }
        let Value::Object(add) = add else { continue };
        match add.get_mut("headers") {
            Some(Value::Array(there)) => there.extend(headers.iter().cloned()),
            _ => {
                add.insert("headers".to_owned(), Value::Array(headers.clone()));
            }
        }
    }
}
