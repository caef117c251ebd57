//! Log-in methods that cannot work, or let in whom they should not (static-config 13, 14).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    auth_servers::TokenMode, configuration::Configuration, globals::GatewayType, path::JsonPath,
    problem::Report,
};

/// What a type reads of `config`.
struct Members {
    /// Without these it does not work.
    needed: &'static [&'static str],
    /// These may be there, too.
    others: &'static [&'static [&'static str]],
}

/// The members of every type; nothing for those that there are not.
fn members(kind: &str) -> Option<Members> {
    let (needed, others): (&'static [_], &'static [&'static [_]]) = match kind {
        "local" => (&[], &[&["trustUsers", "disableSignup"]]),
        "github" => (CLIENT, &[PROVIDER]),
        "facebook" => (CLIENT, &[PROVIDER, &["trustUsers"]]),
        "google" => (CLIENT, OPENID),
        "twitter" => (CLIENT, &[PROVIDER, &["consumerKey", "consumerSecret"]]),
        "oidc" => (&["clientId", "clientSecret", "issuer"], OPENID),
        "oauth2" | "adfs" => (
            &[
                "clientId",
                "clientSecret",
                "endpoints/authorizeEndpoint",
                "endpoints/tokenEndpoint",
            ],
            OAUTH2,
        ),
        "saml" => (
            &[
                "profile/sub",
                "profile/email",
                "idpOptions/sso_login_url",
                "idpOptions/certificates",
            ],
            &[&[
                "spOptions",
                "trustUsers",
                "groupField",
                "defaultGroups",
                "removeGroups",
            ]],
        ),
        "ldap" => (
            &["url", "filter", "profile/sub", "profile/email"],
            &[&[
                "ldapUser",
                "ldapPassword",
                "base",
                "trustUsers",
                "certificate",
                "startTls",
                "groupField",
                "defaultGroups",
                "removeGroups",
                "forgotPasswordUrl",
                "usernamePrompt",
                "passwordPrompt",
            ]],
        ),
        "external" => (
            &["validateUserPassUrl"],
            &[&[
                "allowRefreshUrl",
                "forgotPasswordUrl",
                "usernamePrompt",
                "passwordPrompt",
            ]],
        ),
        _ => return None,
    };
    Some(Members { needed, others })
}

const CLIENT: &[&str] = &["clientId", "clientSecret"];
const PROVIDER: &[&str] = &["endpoints", "params", "forwardState"];
/// Of every provider that tells who somebody is.
const PERSON: &[&str] = &[
    "doesNotSupportPrompt",
    "customIdField",
    "emailField",
    "nameField",
    "firstNameField",
    "lastNameField",
    "trustUsers",
    "groupField",
    "defaultGroups",
    "removeGroups",
    "errorLink",
    "errorLinkDescription",
];
const OPENID: &[&[&str]] = &[&["issuer", "scope", "params", "forwardState"], PERSON];
const OAUTH2: &[&[&str]] = &[
    PROVIDER,
    PERSON,
    &[
        "retrieveProfile",
        "certificate",
        "issuer",
        "audience",
        "resource",
        "verifyCert",
        "publicCert",
    ],
];
/// Filled in for every method, or written.
const TEMPLATES: &[&str] = &[
    "authorizeEndpoint",
    "tokenEndpoint",
    "profileEndpoint",
    "verifyEmailEndpoint",
    "grantsEndpoint",
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
        "dummy" => {
            let message = "it lets anybody in, and only where ALLOW_DUMMY_LOGIN is set";
            report.warn(file, &place.key("type"), message);
        }
        "saml" => {
            let is_on = |name: &str| {
                ["spOptions", "idpOptions"].iter().any(|options| {
                    let flag = member(&format!("{options}/{name}"));
                    flag.is_some_and(|flag| flag != &Value::Bool(false) && flag != "false")
                })
            };
            let has_key = member("spOptions/private_key").is_some();
            if is_on("sign_get_request") && !has_key {
                let why = "it is needed for `sign_get_request`";
                missing(file, place, "spOptions/private_key", why, report);
            }
        }
        "twitter" if member("consumerKey").is_some() && member("clientId").is_none() => {
            let message = "X takes keys of OAuth 2.0 only, as `clientId` and `clientSecret`; \
                the method is skipped";
            let place = place.key("config").key("consumerKey");
            report.warn(file, &place, message);
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
            let url = member("url").and_then(Value::as_str).unwrap_or_default();
            let flag = member("startTls");
            let is_off = matches!(flag, Some(Value::Bool(false)))
                || flag.and_then(Value::as_str) == Some("false");
            if url.starts_with("ldap:") && is_off {
                let message = "passwords go to the directory without TLS";
                report.warn(file, &place.key("config").key("startTls"), message);
            }
            let filter = member("filter").and_then(Value::as_str);
            let is_bare = |filter: &str| !filter.starts_with('$') && !filter.contains("%username%");
            if filter.is_some_and(is_bare) {
                let message = "`%username%` has to stand where the name belongs";
                report.warn(file, &place.key("config").key("filter"), message);
            }
        }
        _ => {}
    }
    let Some(known) = members(kind) else {
        return;
    };
    for path in known.needed {
        if member(path).is_none() {
            let why = "the method cannot be used without it";
            missing(file, place, path, why, report);
        }
    }
    unknown(file, place, (kind, &known), method, report);
}

/// A misspelt member has no effect, and nobody would notice.
fn unknown(
    file: &str,
    place: &JsonPath,
    (kind, known): (&str, &Members),
    method: &Value,
    report: &Report,
) {
    let needed = known
        .needed
        .iter()
        .filter_map(|path| path.split('/').next());
    let names: Vec<&str> = needed
        .chain(known.others.iter().copied().flatten().copied())
        .chain(TEMPLATES.iter().copied())
        .collect();
    let config = method.get("config").and_then(Value::as_object);
    for name in config.into_iter().flat_map(|config| config.keys()) {
        if !names.contains(&name.as_str()) {
            let message = format!("methods of type `{kind}` have no `{name}`; it has no effect");
            report.warn(file, &place.key("config").key(name), message);
        }
    }
}

fn missing(file: &str, place: &JsonPath, path: &str, why: &str, report: &Report) {
    let config = place.key("config");
    let place = path.split('/').fold(config, |place, key| place.key(key));
    let name = path.replace('/', ".");
    report.warn(file, &place, format!("`{name}` is missing; {why}"));
}
