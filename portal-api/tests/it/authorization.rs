//! Who may call what, for every route there is. A route that is missing here fails the test, so
//! none can be added without saying who may use it.

use std::{collections::BTreeSet, fs, path::Path};

use http::Method;
use regex::Regex;
use serde_json::json;

use crate::support::{ADMIN, DEVELOPER, TestApi};

/// Everything that a user's token could hold.
pub const ALL_SCOPES: &str = "read_plans read_groups read_content health read_templates \
    read_auth_servers read_apis read_users write_users login read_applications \
    write_applications read_subscriptions write_subscriptions read_auditlog write_auditlog \
    read_approvals read_verifications write_verifications webhooks read_registrations \
    write_registrations read_namespaces write_namespaces read_grants write_grants restart_api \
    write_apis";

/// Who gets past the right check of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Everybody.
    Open,
    /// Whoever has the scope.
    Scope,
    /// Whoever has the scope and is somebody; what he gets is his own.
    User,
    /// Administrators, and those whom the thing belongs to.
    Admin,
    /// Calls from inside the network, whoever they are made for.
    Internal,
    /// Certain services, no person at all.
    Service,
}
use Right::{Admin, Internal, Open, Scope, Service, User};

/// Every route: what portal-api 7 and 29.3 say of it. Path parameters name things that exist and
/// belong to the administrator.
pub const ROUTES: &[(&str, &str, Right)] = &[
    ("GET", "/apis", Scope),
    ("GET", "/apis/desc", Scope),
    ("GET", "/apis/{api}", Scope),
    ("GET", "/apis/{api}/config", Scope),
    ("POST", "/apis/{api}/announcements", Admin),
    ("GET", "/apis/{api}/context", Scope),
    ("GET", "/apis/{api}/desc", Scope),
    ("GET", "/apis/{api}/docs", Scope),
    ("GET", "/apis/{api}/docs/{*path}", Scope),
    ("GET", "/apis/{api}/plans", Scope),
    ("GET", "/apis/{api}/subscribers", Admin),
    ("GET", "/apis/{api}/subscriptions", Admin),
    ("DELETE", "/apis/{api}/subscriptions", Admin),
    ("GET", "/apis/{api}/swagger", Scope),
    ("GET", "/apis/{api}/usage", Admin),
    ("GET", "/applications", Admin),
    ("POST", "/applications", User),
    ("GET", "/applications/roles", Scope),
    ("GET", "/applications/{application}", Admin),
    ("PATCH", "/applications/{application}", Admin),
    ("DELETE", "/applications/{application}", Admin),
    ("GET", "/applications/{application}/invitations", Admin),
    ("POST", "/applications/{application}/invitations", Admin),
    (
        "DELETE",
        "/applications/{application}/invitations/{id}",
        Admin,
    ),
    (
        "POST",
        "/applications/{application}/invitations/{id}/resend",
        Admin,
    ),
    ("PATCH", "/applications/{application}/owners/{user}", Admin),
    ("POST", "/applications/{application}/owners", Admin),
    ("DELETE", "/applications/{application}/owners", Admin),
    ("GET", "/applications/{application}/subscriptions", Admin),
    ("POST", "/applications/{application}/subscriptions", Admin),
    (
        "GET",
        "/applications/{application}/subscriptions/{api}",
        Admin,
    ),
    (
        "PATCH",
        "/applications/{application}/subscriptions/{api}",
        Admin,
    ),
    (
        "DELETE",
        "/applications/{application}/subscriptions/{api}",
        Admin,
    ),
    (
        "GET",
        "/applications/{application}/subscriptions/{api}/credentials",
        Admin,
    ),
    (
        "POST",
        "/applications/{application}/subscriptions/{api}/credentials",
        Admin,
    ),
    (
        "PATCH",
        "/applications/{application}/subscriptions/{api}/credentials/{id}",
        Admin,
    ),
    (
        "DELETE",
        "/applications/{application}/subscriptions/{api}/credentials/{id}",
        Admin,
    ),
    (
        "POST",
        "/applications/{application}/subscriptions/{api}/credentials/{id}/rotate",
        Admin,
    ),
    (
        "GET",
        "/applications/{application}/subscriptions/{api}/limits",
        Admin,
    ),
    (
        "GET",
        "/applications/{application}/subscriptions/{api}/usage",
        Admin,
    ),
    ("GET", "/applications/{application}/usage", Admin),
    ("GET", "/approvals", Admin),
    ("GET", "/approvals/{id}", Admin),
    ("PATCH", "/approvals/{id}", Admin),
    ("POST", "/approvals/{id}/approve", Admin),
    ("POST", "/approvals/{id}/comments", Admin),
    ("POST", "/approvals/{id}/decline", Admin),
    ("GET", "/auditlog", Admin),
    ("POST", "/auditlog/records", Service),
    ("DELETE", "/auditlog/{date}", Admin),
    ("GET", "/auth-servers", Scope),
    ("GET", "/auth-servers/{server}", Scope),
    ("GET", "/config/commits", Admin),
    ("POST", "/config/commits", Admin),
    ("GET", "/config/draft", Admin),
    ("PUT", "/config/draft", Admin),
    ("DELETE", "/config/draft", Admin),
    ("GET", "/config/files/{*path}", Admin),
    ("POST", "/config/fetch", Admin),
    ("POST", "/config/hook", Service),
    ("GET", "/config/status", Admin),
    ("GET", "/confighash", Open),
    ("GET", "/content", Scope),
    ("GET", "/content/toc", Scope),
    ("GET", "/content/{*path}", Scope),
    ("POST", "/export", Service),
    ("GET", "/gateway/snapshot", Service),
    ("GET", "/gateway/status", Admin),
    ("PUT", "/gateway/status", Service),
    ("GET", "/globals", Internal),
    ("GET", "/grants/{user}", Admin),
    ("DELETE", "/grants/{user}", Admin),
    (
        "GET",
        "/grants/{user}/applications/{application}/apis/{api}",
        Admin,
    ),
    (
        "PUT",
        "/grants/{user}/applications/{application}/apis/{api}",
        Admin,
    ),
    (
        "DELETE",
        "/grants/{user}/applications/{application}/apis/{api}",
        Admin,
    ),
    ("GET", "/groups", Scope),
    ("GET", "/health/ping", Service),
    ("GET", "/health/systemhealth", Service),
    ("POST", "/kill", Admin),
    ("POST", "/import", Service),
    ("POST", "/invitations/accept", User),
    ("PUT", "/leases/{name}", Service),
    ("DELETE", "/leases/{name}", Service),
    ("POST", "/login", Admin),
    ("GET", "/openapi.json", Open),
    ("GET", "/openapi.yaml", Open),
    ("GET", "/ping", Open),
    ("GET", "/plans", Scope),
    ("GET", "/pools", Open),
    ("GET", "/pools/{pool}", Open),
    ("GET", "/pools/{pool}/namespaces", Admin),
    ("GET", "/pools/{pool}/namespaces/{namespace}", Admin),
    ("PUT", "/pools/{pool}/namespaces/{namespace}", Admin),
    ("DELETE", "/pools/{pool}/namespaces/{namespace}", Admin),
    ("GET", "/randomId", Open),
    ("GET", "/registrations/pools/{pool}", Admin),
    ("GET", "/registrations/pools/{pool}/users/{user}", Admin),
    ("PUT", "/registrations/pools/{pool}/users/{user}", Admin),
    ("DELETE", "/registrations/pools/{pool}/users/{user}", Admin),
    ("GET", "/registrations/users/{user}", Admin),
    ("GET", "/registrations/pools/{pool}/invitations", Admin),
    ("POST", "/registrations/pools/{pool}/invitations", Admin),
    (
        "DELETE",
        "/registrations/pools/{pool}/invitations/{id}",
        Admin,
    ),
    (
        "POST",
        "/registrations/pools/{pool}/invitations/{id}/resend",
        Admin,
    ),
    ("POST", "/registrations/invitations/open", Admin),
    ("GET", "/subscriptions", Admin),
    ("GET", "/subscriptions/{client_id}", Admin),
    ("POST", "/subscriptions/{client_id}/verify", Service),
    ("GET", "/systemhealth", Admin),
    ("GET", "/teams", User),
    ("POST", "/teams", User),
    ("GET", "/teams/{team}", Admin),
    ("PATCH", "/teams/{team}", Admin),
    ("DELETE", "/teams/{team}", Admin),
    ("PUT", "/teams/{team}/members/{user}", Admin),
    ("DELETE", "/teams/{team}/members/{user}", Admin),
    ("GET", "/templates/auth", Admin),
    ("GET", "/templates/chatbot", Admin),
    ("GET", "/templates/email", Admin),
    ("GET", "/templates/email/{name}", Admin),
    ("GET", "/templates/texts", Scope),
    ("POST", "/unsubscribe", Open),
    ("GET", "/usage", Admin),
    ("POST", "/usage/records", Service),
    ("GET", "/users", Admin),
    ("POST", "/users", Admin),
    ("POST", "/users/machine", Internal),
    ("GET", "/users/{user}", Admin),
    ("PATCH", "/users/{user}", Admin),
    ("DELETE", "/users/{user}", Admin),
    ("GET", "/setup", Admin),
    ("PUT", "/setup", Admin),
    ("GET", "/users/{user}/applications", Admin),
    ("GET", "/users/{user}/export", Admin),
    ("GET", "/users/{user}/preferences", Admin),
    ("PUT", "/users/{user}/preferences", Admin),
    ("DELETE", "/users/{user}/password", Admin),
    ("GET", "/verifications", Admin),
    ("POST", "/verifications", Admin),
    ("POST", "/verifications/consume", Admin),
    ("GET", "/verifications/{id}", Admin),
    ("DELETE", "/verifications/{id}", Admin),
    ("GET", "/webhooks/events/{listener}", Admin),
    ("DELETE", "/webhooks/events/{listener}", Admin),
    ("POST", "/webhooks/events/{listener}/ack", Admin),
    ("DELETE", "/webhooks/events/{listener}/{event}", Admin),
    ("GET", "/applications/{application}/listeners", Admin),
    ("POST", "/applications/{application}/listeners", Admin),
    (
        "PUT",
        "/applications/{application}/listeners/{listener}",
        Admin,
    ),
    (
        "DELETE",
        "/applications/{application}/listeners/{listener}",
        Admin,
    ),
    (
        "POST",
        "/applications/{application}/listeners/{listener}/secret",
        Admin,
    ),
    (
        "DELETE",
        "/applications/{application}/listeners/{listener}/secret/{key}",
        Admin,
    ),
    (
        "POST",
        "/applications/{application}/listeners/{listener}/enable",
        Admin,
    ),
    (
        "POST",
        "/applications/{application}/listeners/{listener}/disable",
        Admin,
    ),
    (
        "POST",
        "/applications/{application}/listeners/{listener}/test",
        Admin,
    ),
    (
        "GET",
        "/applications/{application}/listeners/{listener}/stats",
        Admin,
    ),
    (
        "GET",
        "/applications/{application}/listeners/{listener}/deliveries",
        Admin,
    ),
    (
        "GET",
        "/applications/{application}/listeners/{listener}/deliveries/{event}",
        Admin,
    ),
    (
        "GET",
        "/applications/{application}/listeners/{listener}/dead",
        Admin,
    ),
    (
        "DELETE",
        "/applications/{application}/listeners/{listener}/dead",
        Admin,
    ),
    (
        "POST",
        "/applications/{application}/listeners/{listener}/dead/retry",
        Admin,
    ),
    (
        "DELETE",
        "/applications/{application}/listeners/{listener}/dead/{event}",
        Admin,
    ),
    (
        "POST",
        "/applications/{application}/listeners/{listener}/dead/{event}/retry",
        Admin,
    ),
    (
        "POST",
        "/applications/{application}/listeners/{listener}/replay",
        Admin,
    ),
    ("GET", "/webhooks/dead/{listener}", Admin),
    ("DELETE", "/webhooks/dead/{listener}", Admin),
    ("POST", "/webhooks/dead/{listener}/retry", Admin),
    ("DELETE", "/webhooks/dead/{listener}/{event}", Admin),
    ("POST", "/webhooks/dead/{listener}/{event}/retry", Admin),
    ("GET", "/webhooks/deliveries/{listener}", Admin),
    ("GET", "/webhooks/deliveries/{listener}/{event}", Admin),
    ("POST", "/webhooks/replay/{listener}", Admin),
    ("GET", "/webhooks/stream/{listener}", Admin),
    ("POST", "/webhooks/listeners/{listener}/disable", Admin),
    ("POST", "/webhooks/listeners/{listener}/enable", Admin),
    ("POST", "/webhooks/listeners/{listener}/secret", Admin),
    (
        "DELETE",
        "/webhooks/listeners/{listener}/secret/{key}",
        Admin,
    ),
    ("GET", "/webhooks/listeners/{listener}/stats", Admin),
    ("POST", "/webhooks/listeners/{listener}/test", Admin),
    ("GET", "/webhooks/listeners", Admin),
    ("PUT", "/webhooks/listeners/{listener}", Admin),
    ("DELETE", "/webhooks/listeners/{listener}", Admin),
];

#[test]
fn every_route_says_who_may_use_it() {
    let listed: BTreeSet<(String, String)> = ROUTES
        .iter()
        .map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned()))
        .collect();
    assert_eq!(written(), listed);
}

/// The routes as they stand in the source.
pub fn written() -> BTreeSet<(String, String)> {
    let route = Regex::new(r"\.route\(\s*([^,]*?),").unwrap();
    let method = Regex::new(r"\b(get|put|post|patch|delete)\(").unwrap();
    let mut found = BTreeSet::new();
    for source in sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))) {
        for matched in route.captures_iter(&source) {
            let Some(path) = matched[1]
                .strip_prefix('"')
                .and_then(|path| path.strip_suffix('"'))
            else {
                panic!("write the path of the route as a text: {}", &matched[0]);
            };
            let rest = &source[matched.get(0).unwrap().end()..];
            for verb in method.captures_iter(until_closed(rest)) {
                found.insert((verb[1].to_uppercase(), path.to_owned()));
            }
        }
    }
    found
}

/// All source files but those of the sample backends, which are behind the gateway.
fn sources(folder: &Path) -> Vec<String> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "echo") {
                texts.extend(sources(&path));
            }
        } else {
            texts.push(fs::read_to_string(path).unwrap());
        }
    }
    texts
}

/// `text` up to the parenthesis that closes the call it stands in.
fn until_closed(text: &str) -> &str {
    let mut depth = 1;
    for (index, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &text[..index];
        }
    }
    text
}

#[tokio::test]
async fn everybody_else_is_refused() {
    let api = TestApi::start().await;
    let admin = api.user(ADMIN, ALL_SCOPES);
    admin
        .post("/applications", json!({"id": "market", "name": "Market"}))
        .await
        .expect(201);
    let team = json!({"id": "crew", "name": "Crew"});
    admin.post("/teams", team).await.expect(201);
    let mut wrong = Vec::new();
    for (method, path, right) in ROUTES {
        let method: Method = method.parse().unwrap();
        let path = filled(path);
        let body = (!matches!(method, Method::GET | Method::DELETE)).then(|| json!({}));
        // The auth server speaks for users, so these calls count as internal.
        let by_nobody_special = !matches!(right, Open | Internal);
        let callers = [
            ("anonymous", api.anonymous(), *right != Open),
            (
                "a user without scope",
                api.user(DEVELOPER, ""),
                by_nobody_special,
            ),
            (
                "another user",
                api.user(DEVELOPER, ALL_SCOPES),
                matches!(right, Admin | Service),
            ),
            (
                "an administrator",
                api.user(ADMIN, ALL_SCOPES),
                *right == Service,
            ),
        ];
        for (who, caller, refused) in callers {
            // Administrators would really do it; that they may is tested with each resource.
            if who == "an administrator" && !refused {
                continue;
            }
            let answer = caller.send(method.clone(), &path, body.clone()).await;
            let is_refused = matches!(answer.status, 401 | 403);
            if is_refused != refused || answer.status >= 500 {
                wrong.push(format!(
                    "{method} {path} as {who}: {} {}",
                    answer.status,
                    answer.text()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The path with parameters of things that exist and are not the other user's.
pub fn filled(path: &str) -> String {
    [
        ("{api}", "petstore"),
        ("{application}", "market"),
        ("{user}", ADMIN),
        ("{team}", "crew"),
        ("{server}", "default"),
        (
            "{pool}",
            if path.contains("namespaces") {
                "tenants"
            } else {
                "wicked"
            },
        ),
        ("{namespace}", "acme"),
        ("{*path}", "help"),
        (
            "{name}",
            if path.contains("leases") {
                "adapter"
            } else {
                "verify_email"
            },
        ),
        ("{listener}", "crm-sync"),
        ("{event}", "none"),
        ("{date}", "2001-01-01"),
        ("{id}", "none"),
        ("{client_id}", "none"),
    ]
    .iter()
    .fold(path.to_owned(), |path, (name, value)| {
        path.replace(name, value)
    })
}
