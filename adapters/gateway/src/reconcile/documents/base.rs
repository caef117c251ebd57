//! The base document of a gateway without database: what others want to have on it. A load
//! replaces everything, so it has to be part of each document; where both name a thing, it wins.

use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;
use kong::Kind;
use serde_json::{Map, Value};
use service::http::read_at_most;

use crate::{
    desired::Desired,
    entity::{Entities, Fields, Key, reference, text},
    reconcile::{Notes, RunError, problems},
};

const MAX_SIZE: usize = 16 << 20;
const TIMEOUT: Duration = Duration::from_secs(10);

/// A base document, and the names it takes.
pub struct Base {
    document: Map<String, Value>,
    taken: BTreeSet<(&'static str, String)>,
}

/// Reads the document from a file or a URL. It is JSON.
pub async fn read(place: Option<&str>) -> Result<Option<Base>, RunError> {
    let Some(place) = place else { return Ok(None) };
    let failed = |reason: String| RunError::Setup(format!("KONG_BASE_CONFIG: {reason}"));
    let text = if place.starts_with("http://") || place.starts_with("https://") {
        fetch(place).await.map_err(failed)?
    } else {
        tokio::fs::read(place)
            .await
            .map(Bytes::from)
            .map_err(|error| failed(format!("{place}: {error}")))?
    };
    let document: Map<String, Value> =
        serde_json::from_slice(&text).map_err(|error| failed(format!("not JSON ({error})")))?;
    Ok(Some(Base {
        taken: names(&document),
        document,
    }))
}

async fn fetch(url: &str) -> Result<Bytes, String> {
    let failed = |error: reqwest::Error| error.without_url().to_string();
    let request = service::http::client().get(url).timeout(TIMEOUT);
    let response = request
        .send()
        .await
        .and_then(reqwest::Response::error_for_status)
        .map_err(failed)?;
    read_at_most(response, MAX_SIZE)
        .await
        .map_err(|error| error.to_string())
}

fn names(document: &Map<String, Value>) -> BTreeSet<(&'static str, String)> {
    let mut names = BTreeSet::new();
    let mut note = |list: &'static str, entity: &Value, field: &str| {
        if let Some(name) = entity.get(field).and_then(Value::as_str) {
            names.insert((list, name.to_owned()));
        }
    };
    let all = |name: &str| {
        let list = document.get(name).and_then(Value::as_array);
        list.into_iter().flatten()
    };
    for service in all("services") {
        note("services", service, "name");
        let routes = service.get("routes").and_then(Value::as_array);
        for route in routes.into_iter().flatten() {
            note("routes", route, "name");
        }
    }
    for route in all("routes") {
        note("routes", route, "name");
    }
    for consumer in all("consumers") {
        note("consumers", consumer, "username");
        note("custom_ids", consumer, "custom_id");
    }
    for plugin in all("plugins") {
        let is_bound = ["service", "route", "consumer"]
            .iter()
            .any(|field| plugin.get(field).is_some_and(|value| !value.is_null()));
        if !is_bound {
            note("plugins", plugin, "name");
        }
    }
    names
}

impl Base {
    pub const fn document(&self) -> &Map<String, Value> {
        &self.document
    }

    /// Takes out of `wanted` what the base has already.
    pub fn leave_out(&self, wanted: &mut Desired, actual: &Entities, notes: &mut Notes) {
        let colliding: Vec<(Key, Fields)> = wanted
            .entities
            .iter()
            .filter(|(key, fields)| self.has(key.kind, fields))
            .map(|(key, fields)| (*key, fields.clone()))
            .collect();
        for (key, fields) in colliding {
            let message = format!("{key}: the base document has one of this name");
            problems::leave_out(notes, wanted, actual, (key, fields), message);
        }
    }

    fn has(&self, kind: Kind, fields: &Fields) -> bool {
        let taken = |list: &'static str, field: &str| {
            let name = text(fields, field);
            name.is_some_and(|name| self.taken.contains(&(list, name.to_owned())))
        };
        match kind {
            Kind::Service => taken("services", "name"),
            Kind::Route => taken("routes", "name"),
            Kind::Consumer => taken("consumers", "username") || taken("custom_ids", "custom_id"),
            Kind::Plugin => {
                let is_bound = ["service", "consumer"]
                    .iter()
                    .any(|field| reference(fields, field).is_some());
                !is_bound && taken("plugins", "name")
            }
            _ => false,
        }
    }
}
