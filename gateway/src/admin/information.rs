use std::sync::Arc;

use kong::{ApiError, Kind, plugins};
use serde_json::{Map, Value, json};

use super::{Admin, Answer, Reply, body::Input, dispatch::Query};
use crate::settings::Mode;

/// The version of Kong that tools are told; what they may use depends on it.
const EMULATED: &str = "3.10.0";

/// `GET /`
pub async fn node(admin: &Arc<Admin>) -> Result<Value, ApiError> {
    let available: Map<String, Value> = plugins::all()
        .iter()
        .map(|plugin| {
            (
                plugin.name.to_owned(),
                json!({ "version": crate::VERSION, "priority": plugin.priority }),
            )
        })
        .collect();
    let in_use = admin
        .store
        .read(|tables| {
            let mut names: Vec<String> = tables
                .all(Kind::Plugin, None)
                .filter_map(|row| row.text("name"))
                .collect();
            names.sort_unstable();
            names.dedup();
            names
        })
        .await?;
    let trusted: Vec<String> = admin
        .shared
        .rules
        .trusted_peers
        .0
        .iter()
        .map(ToString::to_string)
        .collect();
    Ok(json!({
        "tagline": "Welcome to the Wicketgate gateway",
        "version": EMULATED,
        "edition": "community",
        "hostname": admin.shared.node_name,
        "node_id": admin.shared.node_id,
        "lua_version": "none",
        "plugins": { "available_on_server": available, "enabled_in_cluster": in_use },
        "configuration": {
            "database": match admin.mode {
                Mode::Persistent => "postgres",
                Mode::Memory | Mode::Fixed => "off",
            },
            "router_flavor": "traditional",
            "role": "traditional",
            "admin_listen": [admin.own_address.to_string()],
            "proxy_listen": [admin.proxy_address.to_string()],
            "trusted_ips": trusted,
        },
        "timers": { "running": 0, "pending": 0 },
        "pids": { "master": std::process::id(), "workers": [std::process::id()] },
        "wicketgate": { "version": crate::VERSION, "mode": admin.mode.as_str() },
    }))
}

/// `GET /status`
pub fn status(admin: &Admin) -> Value {
    let totals = admin.shared.connections();
    let mut status = json!({
        "server": {
            "connections_accepted": totals.accepted,
            "connections_active": totals.active,
            "connections_handled": totals.accepted,
            "connections_reading": 0,
            "connections_waiting": totals.active.saturating_sub(totals.working),
            "connections_writing": totals.working,
            "total_requests": totals.requests,
        },
        "memory": { "workers_lua_vms": [], "lua_shared_dicts": {} },
    });
    let (name, value) = match admin.mode {
        Mode::Persistent => ("database", json!({ "reachable": true })),
        Mode::Memory | Mode::Fixed => ("configuration_hash", json!(admin.documents.hash())),
    };
    if let Value::Object(status) = &mut status {
        status.insert(name.to_owned(), value);
    }
    status
}

/// `PUT /wicketgate/log-level`: until the next start.
pub fn set_log_level(input: Input) -> Answer {
    let Input::Json(fields) = input else {
        return Err(ApiError::plain(415, "expected application/json"));
    };
    let level = fields.get("level").and_then(Value::as_str);
    let level = level.filter(|level| !level.is_empty() && level.len() <= 1000);
    let level = level.ok_or_else(|| {
        let message =
            "level: expected debug, info, warn, error or a filter such as info,access=off";
        ApiError::plain(400, message)
    })?;
    service::log::set_level(level)
        .map_err(|reason| ApiError::plain(400, format!("level: {reason}")))?;
    tracing::warn!("the log level is `{level}` from now on");
    Ok(Reply::no_content())
}

/// The unit of the memory figures, of which there are none; a wrong one is a fault all the same.
pub fn check_unit(query: &Query) -> Result<(), ApiError> {
    let is_unit = |unit: &str| matches!(unit, "k" | "m" | "g" | "b" | "K" | "M" | "G" | "B");
    if query.get("unit").is_some_and(|unit| !is_unit(unit)) {
        return Err(ApiError::plain(400, "unit: can be b, k, m or g"));
    }
    let is_scale = |scale: &str| scale.parse::<u8>().is_ok();
    if query.get("scale").is_some_and(|scale| !is_scale(scale)) {
        return Err(ApiError::plain(400, "scale: has to be a small integer"));
    }
    Ok(())
}

/// `GET /endpoints`
pub fn endpoints() -> Value {
    let mut paths: Vec<String> = [
        "/",
        "/config",
        "/endpoints",
        "/plugins/enabled",
        "/proxy-cache",
        "/proxy-cache/{key}",
        "/proxy-cache/{plugins}/caches/{key}",
        "/schemas/{name}",
        "/schemas/{name}/validate",
        "/schemas/plugins/{name}",
        "/schemas/plugins/validate",
        "/status",
        "/tags",
        "/tags/{tags}",
        "/upstreams/{upstreams}/health",
    ]
    .map(str::to_owned)
    .into();
    for kind in Kind::ALL {
        let name = kind.collection();
        if kind != Kind::Target {
            paths.push(format!("/{name}"));
            paths.push(format!("/{name}/{{{name}}}"));
        }
        for (field, parent) in kind.parents() {
            let (owner, nested) = (parent.collection(), kind.nested());
            paths.push(format!("/{owner}/{{{owner}}}/{nested}"));
            paths.push(format!("/{owner}/{{{owner}}}/{nested}/{{{nested}}}"));
            if kind != Kind::Target {
                paths.push(format!("/{name}/{{{name}}}/{field}"));
            }
        }
    }
    paths.sort_unstable();
    json!({ "data": paths, "next": null })
}

/// `GET /plugins/enabled`
pub fn enabled_plugins() -> Value {
    let names: Vec<&str> = plugins::all().iter().map(|plugin| plugin.name).collect();
    json!({ "enabled_plugins": names })
}
