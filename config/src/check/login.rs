//! Log-in methods that cannot work, or let in whom they should not (static-config 13, 14).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    auth_servers::TokenMode, configuration::Configuration, globals::GatewayType, path::JsonPath,
    problem::Report,
};

/// Type → members of `config` without which it does not work.
const NEEDED: &[(&str, &[&str])] = &[
    ("github", &["clientId", "clientSecret"]),
    ("google", &["clientId", "clientSecret"]),
    ("twitter", &["consumerKey", "consumerSecret"]),
    ("oauth2", PROVIDER),
    ("adfs", PROVIDER),
    (
        "saml",
        &["profile/sub", "profile/email", "spOptions", "idpOptions"],
    ),
    ("ldap", &["url", "filter", "profile/sub", "profile/email"]),
    ("external", &["validateUserPassUrl"]),
];
const PROVIDER: &[&str] = &[
    "clientId",
    "clientSecret",
    "endpoints/authorizeEndpoint",
    "endpoints/tokenEndpoint",
];

pub fn check(configuration: &Configuration, documents: &BTreeMap<String, Value>, report: &Report) {
    for server in &configuration.auth_servers {
        let file = format!("auth-servers/{}.json", server.id);
        let Some(document) = documents.get(&file) else {
            continue;
        };
        let is_embedded = configuration.globals.gateway_type == GatewayType::Embedded;
        if server.token_mode == TokenMode::KongOauth2 && is_embedded {
            let message = "`kong-oauth2` needs Kong (`gateway.type`); take `jwt` or `opaque`";
            let place = JsonPath::default().key("tokens").key("mode");
            report.warn(&file, &place, message);
        }
        if server
            .gateway
            .routes
            .first()
            .is_some_and(|route| route.strip_path)
        {
            let message = "the auth server knows its pages by their whole path; write `false`";
            let api = JsonPath::default().key("config").key("api");
            let place = api.key("routes").index(0).key("strip_path");
            report.warn(&file, &place, message);
        }
        let methods = document.get("authMethods").and_then(Value::as_array);
        for (index, method) in methods.into_iter().flatten().enumerate() {
            let place = JsonPath::default().key("authMethods").index(index);
            let name = method.get("name").and_then(Value::as_str);
            let is_on = name.and_then(|name| server.method(name));
            if is_on.is_some_and(|method| method.enabled) {
                self::method(&file, &place, method, report);
            }
        }
    }
}

fn method(file: &str, place: &JsonPath, method: &Value, report: &Report) {
    let kind = method
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let member = |path: &str| {
        let value = method.pointer(&format!("/config/{path}"))?;
        let is_empty = value.is_null() || value.as_str() == Some("");
        (!is_empty).then_some(value)
    };
    match kind {
        "facebook" => {
            let message = "log-in with facebook does not exist; the method is skipped";
            report.warn(file, &place.key("type"), message);
        }
        "dummy" => {
            let message = "everybody gets in with any password: for tests only";
            report.warn(file, &place.key("type"), message);
        }
        "oauth2" | "adfs" => {
            let is_asked =
                member("retrieveProfile").is_some_and(|flag| flag != &Value::Bool(false));
            let (needed, why) = if is_asked {
                (
                    "endpoints/profileEndpoint",
                    "it is needed for `retrieveProfile`",
                )
            } else {
                ("certificate", "without it nobody can tell who made a token")
            };
            if member(needed).is_none() {
                missing(file, place, needed, why, report);
            }
        }
        "ldap" => {
            let filter = member("filter").and_then(Value::as_str);
            let is_bare = |filter: &str| !filter.starts_with('$') && !filter.contains("%username%");
            if filter.is_some_and(is_bare) {
                let message = "`%username%` has to stand where the name belongs";
                report.warn(file, &place.key("config").key("filter"), message);
            }
        }
        _ => {}
    }
    let needed = NEEDED.iter().find(|(name, _)| *name == kind);
    for path in needed.into_iter().flat_map(|(_, members)| *members) {
        if member(path).is_none() {
            missing(
                file,
                place,
                path,
                "the method cannot be used without it",
                report,
            );
        }
    }
}

fn missing(file: &str, place: &JsonPath, path: &str, why: &str, report: &Report) {
    let config = place.key("config");
    let place = path.split('/').fold(config, |place, key| place.key(key));
    let name = path.replace('/', ".");
    report.warn(file, &place, format!("`{name}` is missing; {why}"));
}
