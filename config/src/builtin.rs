//! The APIs and plans that every installation has: portal-api itself, and an echo service for
//! trying out (portal-api 24).

use serde_json::{Map, Value, json};

use crate::apis::{Api, Context, read_built_in};

const PORTAL_API_DEFINITION: &str = include_str!("builtin/portal-api.json");
const ECHO_DEFINITION: &str = include_str!("builtin/echo.json");

/// Scope of `portal-api` and what it allows.
const SCOPES: &[(&str, &str)] = &[
    ("read_plans", "Read plans"),
    ("read_groups", "Read user groups"),
    ("read_content", "Read content pages"),
    (
        "health",
        "See the state of the system and of its configuration",
    ),
    ("read_templates", "Read mail and chat templates"),
    (
        "read_auth_servers",
        "Read auth servers and their log-in methods",
    ),
    ("read_apis", "Read APIs"),
    ("read_users", "Read users"),
    ("write_users", "Create, change and delete users"),
    ("login", "Check mail addresses and passwords"),
    ("read_applications", "Read applications"),
    (
        "write_applications",
        "Create, change and delete applications",
    ),
    (
        "read_subscriptions",
        "Read subscriptions and their credentials",
    ),
    (
        "write_subscriptions",
        "Subscribe, unsubscribe and change subscriptions",
    ),
    ("read_auditlog", "Read the audit log"),
    ("write_auditlog", "Shorten the audit log"),
    (
        "read_approvals",
        "Read subscription requests that wait for approval",
    ),
    (
        "read_verifications",
        "Read pending verifications of mail addresses and passwords",
    ),
    ("write_verifications", "Start and end such verifications"),
    (
        "webhooks",
        "Register webhook listeners and read their events",
    ),
    ("read_registrations", "Read registrations"),
    (
        "write_registrations",
        "Register, change and delete registrations",
    ),
    ("read_namespaces", "Read namespaces of pools"),
    (
        "write_namespaces",
        "Create, change and delete namespaces of pools",
    ),
    (
        "read_grants",
        "Read what users have granted to applications",
    ),
    ("write_grants", "Grant and revoke"),
    ("restart_api", "Reload the configuration"),
    ("write_apis", "Change APIs and plans in the configuration"),
];

const ECHO_SCOPES: &[(&str, &str)] = &[
    ("get", "Send GET"),
    ("put", "Send PUT"),
    ("post", "Send POST"),
    ("patch", "Send PATCH"),
    ("delete", "Send DELETE"),
];

/// In the form of `plans.json`.
pub fn plans() -> Value {
    json!({"plans": [
        {
            "id": "__internal_api_basic",
            "name": "Portal API Basic Plan",
            "desc": "100 calls per hour",
            "needsApproval": false,
            "requiredGroup": "",
            "config": {"plugins": [
                {"name": "rate-limiting", "config": {"hour": 100, "fault_tolerant": true}}
            ]}
        },
        {
            "id": "__internal_api_unlimited",
            "name": "Portal API Unlimited Plan",
            "desc": "No limit on calls",
            "needsApproval": true,
            "requiredGroup": "admin",
            "config": {"plugins": []}
        }
    ]})
}

/// `portal-api` and `echo`; `echo_url` is where the echo service listens.
pub fn apis(context: &Context, echo_url: &str) -> Vec<Api> {
    let globals = context.globals;
    let api_url = globals.view(crate::globals::Viewer::Anonymous);
    let api_url = api_url.pointer("/network/apiUrl").and_then(Value::as_str);
    let portal_api = entry(
        "portal-api",
        "Portal API",
        "Users, applications, subscriptions and everything else the portal shows, for your own programs",
        globals.api_user_group.as_deref(),
        SCOPES,
        context,
    );
    let echo = entry(
        "echo",
        "Echo API",
        "Answers with the method, path and headers of the call; for trying out OAuth 2.0",
        globals.echo_user_group.as_deref(),
        ECHO_SCOPES,
        context,
    );
    let built_in = [
        (
            portal_api,
            "/wicked/v1",
            api_url.unwrap_or("http://portal-api:3001"),
            PORTAL_API_DEFINITION,
        ),
        (echo, "/wicked-echo/v1", echo_url, ECHO_DEFINITION),
    ];
    built_in
        .into_iter()
        .filter_map(|(entry, path, upstream, definition)| {
            let definition = serde_json::from_str(definition).expect("a test parses it");
            let config = gateway(entry["id"].as_str().unwrap_or_default(), path, upstream);
            read_built_in(&entry, &config, Some(&definition), context)
        })
        .collect()
}

fn entry(
    id: &str,
    name: &str,
    desc: &str,
    group: Option<&str>,
    scopes: &[(&str, &str)],
    context: &Context,
) -> Value {
    let scopes: Map<String, Value> = scopes
        .iter()
        .map(|(id, description)| ((*id).to_owned(), json!({"description": description})))
        .collect();
    let methods = &context.globals.portal_auth_methods;
    json!({
        "id": id,
        "name": name,
        "desc": desc,
        "auth": "oauth2",
        "authMethods": methods.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "registrationPool": "wicked",
        "requiredGroup": group.unwrap_or_default(),
        "plans": ["__internal_api_basic", "__internal_api_unlimited"],
        "internal": true,
        "tags": [],
        "settings": {
            "enable_client_credentials": true,
            "enable_implicit_grant": true,
            "enable_authorization_code": true,
            "enable_password_grant": true,
            "token_expiration": "1800",
            "scopes": scopes
        }
    })
}

fn gateway(id: &str, path: &str, upstream: &str) -> Value {
    json!({
        "api": {
            "name": id,
            "upstream_url": upstream,
            "routes": [{"paths": [path], "strip_path": true, "preserve_host": false}]
        },
        "plugins": [{
            "name": "correlation-id",
            "config": {"header_name": "Correlation-Id", "generator": "uuid"}
        }]
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    #[test]
    fn the_definitions_of_built_in_apis_are_openapi() {
        for text in [super::PORTAL_API_DEFINITION, super::ECHO_DEFINITION] {
            let definition: Value = serde_json::from_str(text).unwrap();
            assert!(definition["openapi"].as_str().unwrap().starts_with("3."));
        }
    }
}
