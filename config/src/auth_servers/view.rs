//! Who sees what of an auth server's definition: its methods hold client secrets, directory
//! passwords and private keys.

use serde_json::{Map, Value, json};

use super::endpoints::is_endpoint;

const PUBLIC_METHOD: &[&str] = &[
    "name",
    "type",
    "enabled",
    "protected",
    "friendlyShort",
    "friendlyLong",
];

/// Everything but the methods' own settings.
pub fn admin(server: &Map<String, Value>) -> Map<String, Value> {
    let mut shown = server.clone();
    shown.insert("authMethods".to_owned(), methods(server));
    shown
}

/// Names, methods and where the server is reached; nothing about its backend.
pub fn public(server: &Map<String, Value>) -> Map<String, Value> {
    let keys = ["id", "name", "desc", "tokens", "authMethods"];
    let mut shown: Map<_, _> = server
        .iter()
        .filter(|(key, _)| keys.contains(&key.as_str()))
        .map(pair)
        .collect();
    shown.insert("authMethods".to_owned(), methods(server));
    let routes = server
        .get("config")
        .and_then(|config| config.pointer("/api/routes"));
    let config = routes.map_or_else(|| json!({}), |routes| json!({"api": {"routes": routes}}));
    shown.insert("config".to_owned(), config);
    shown
}

fn methods(server: &Map<String, Value>) -> Value {
    let methods = server.get("authMethods").and_then(Value::as_array);
    methods
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .map(method)
        .collect()
}

fn method(method: &Map<String, Value>) -> Value {
    let is_public = |(key, _): &(&String, &Value)| PUBLIC_METHOD.contains(&key.as_str());
    let mut shown: Map<_, _> = method.iter().filter(is_public).map(pair).collect();
    let config = method
        .get("config")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    let endpoints: Map<_, _> = config
        .filter(|(key, _)| is_endpoint(key))
        .map(pair)
        .collect();
    shown.insert("config".to_owned(), endpoints.into());
    shown.into()
}

fn pair((key, value): (&String, &Value)) -> (String, Value) {
    (key.clone(), value.clone())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{admin, public};

    #[test]
    fn secrets_and_backend_are_not_public() {
        let server = json!({
            "id": "default", "name": "N", "own": "x",
            "authMethods": [{"name": "github", "type": "github", "enabled": true, "own": "y",
                "config": {"clientSecret": "s3cret", "tokenEndpoint": "/t"}}],
            "config": {"api": {"upstream_url": "http://inside", "routes": [{"paths": ["/auth"]}]}}
        });
        let server = server.as_object().unwrap();
        assert_eq!(
            json!(public(server)),
            json!({
                "id": "default", "name": "N",
                "authMethods": [{"name": "github", "type": "github", "enabled": true,
                    "config": {"tokenEndpoint": "/t"}}],
                "config": {"api": {"routes": [{"paths": ["/auth"]}]}}
            })
        );
        let shown = json!(admin(server)).to_string();
        assert!(shown.contains("http://inside") && !shown.contains("s3cret"));
    }
}
