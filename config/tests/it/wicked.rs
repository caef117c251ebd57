//! A configuration as wicked wrote it years ago loads without a change.

use config::{Configuration, Environment, Tree, apis::Auth};
use serde_json::json;

fn old_configuration() -> Tree {
    let mut tree = Tree::default();
    let mut add = |path: &str, document: serde_json::Value| tree.insert(path, document.to_string());
    add(
        "globals.json",
        json!({
            "version": 6, "title": "Old Portal", "validatedUserGroup": "dev",
            "api": {"headerName": "X-ApiKey"},
            "network": {
                "schema": "$PORTAL_NETWORK_SCHEMA", "portalHost": "$PORTAL_NETWORK_PORTALHOST",
                "apiHost": "$PORTAL_NETWORK_APIHOST", "apiUrl": "$PORTAL_API_URL"
            },
            "sessionStore": {"type": "file"},
            "initialUsers": [{"id": "1", "email": "Admin@Example.org", "password": "wicked", "groups": ["admin"]}],
            "chatbot": {"useChatbot": true, "hookUrls": ["https://chat.example.org/hook"], "events": {}}
        }),
    );
    add(
        "env/default.json",
        json!({"PORTAL_NETWORK_SCHEMA": {"value": "https"}}),
    );
    add(
        "groups/groups.json",
        json!({"groups": [{"id": "admin", "name": "Admins", "adminGroup": true}, {"id": "dev"}], "_links": {}}),
    );
    add(
        "plans/plans.json",
        json!({"plans": [{"id": "basic", "name": "Basic"}]}),
    );
    add(
        "apis/apis.json",
        json!({"apis": [
            {"id": "weather", "name": "Weather", "auth": "key-auth", "plans": ["basic"], "deprecated": true},
            {"id": "rain", "auth": "oauth2", "plans": ["basic"], "authMethods": ["default:local"],
             "settings": {"scopes": ["read"]}}
        ]}),
    );
    for id in ["weather", "rain"] {
        add(
            &format!("apis/{id}/config.json"),
            json!({"api": {"upstream_url": "http://b", "uris": format!("/{id}"), "strip_uri": true}}),
        );
    }
    tree.insert("index.jade", "h1 Hello");
    tree
}

#[test]
fn an_old_configuration_is_upgraded_while_it_is_read() {
    let loaded = Configuration::from_tree(&old_configuration(), "old", &Environment::default());
    let loaded = loaded.unwrap_or_else(|problems| panic!("{problems}"));
    let configuration = loaded.configuration;
    let weather = configuration.api("weather").unwrap();
    assert_eq!(weather.gateway.paths().collect::<Vec<_>>(), ["/weather"]);
    assert!(weather.lifecycle.is_deprecated());
    let rain = configuration.api("rain").unwrap();
    assert_eq!((rain.auth, rain.oauth2.token_seconds), (Auth::OAuth2, 3600));
    assert_eq!(rain.oauth2.scopes, [("read".to_owned(), "read".to_owned())]);
    assert!(configuration.pool("wicked").is_some());
    assert_eq!(configuration.globals.network.api_host, "api.portal.com");
}

#[test]
fn the_well_known_password_is_not_taken_over() {
    let loaded =
        Configuration::from_tree(&old_configuration(), "old", &Environment::default()).unwrap();
    let user = &loaded.configuration.globals.initial_users[0];
    assert_eq!(
        (user.email.as_str(), user.password.as_deref()),
        ("admin@example.org", None)
    );
    assert!(
        loaded
            .notices
            .iter()
            .any(|notice| notice.path.to_string() == "initialUsers[0].password")
    );
}
