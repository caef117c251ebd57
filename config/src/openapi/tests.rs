use serde_json::{Value, json};

use super::{NotADefinition, OAuthScheme, Rewriting, Security, rewrite};
use crate::apis::Flow;

fn rewriting(security: Security) -> Rewriting {
    Rewriting {
        schema: "https".into(),
        host: "api.example.org".into(),
        paths: vec!["/pets/v1".into(), "/pets".into()],
        security,
    }
}

fn oauth2() -> Security {
    let scheme = |flow| OAuthScheme {
        label: "Mail".into(),
        flow,
        authorize_url: "https://api.example.org/auth/local/api/pets/authorize".into(),
        token_url: "https://api.example.org/auth/local/api/pets/token".into(),
    };
    Security::OAuth2 {
        schemes: vec![
            scheme(Flow::AuthorizationCode),
            scheme(Flow::ClientCredentials),
        ],
        scopes: vec![("read".into(), "Read pets".into())],
    }
}

fn document(version: Value) -> Value {
    let mut document = version;
    document["security"] = json!([{"own": []}]);
    document["paths"] = json!({
        "/a": {"get": {"security": [{"own": ["read", "foreign"]}], "responses": {}}},
        "/b": {"servers": [{"url": "http://inside"}], "get": {"security": []}}
    });
    document["x-note"] = json!({"security": "kept"});
    document["schemas"] = json!({"S": {"properties": {"security": {"type": "string"}}}});
    document
}

#[test]
fn swagger_2_with_keys_gets_host_path_scheme_and_key() {
    let rewriting = rewriting(Security::Key("X-ApiKey".into()));
    let result = rewrite(
        document(json!({"swagger": "2.0", "host": "inside"})),
        &rewriting,
    )
    .unwrap();
    assert_eq!(
        (&result["host"], &result["basePath"], &result["schemes"]),
        (
            &json!("api.example.org"),
            &json!("/pets/v1"),
            &json!(["https"])
        )
    );
    assert_eq!(
        result["securityDefinitions"],
        json!({"key": {"type": "apiKey", "in": "header", "name": "X-ApiKey"}})
    );
    assert_eq!(result["security"], json!([{"key": []}]));
    assert!(result["paths"]["/a"]["get"].get("security").is_none());
    assert_eq!(
        result["schemas"]["S"]["properties"]["security"]["type"],
        "string"
    );
}

#[test]
fn swagger_2_with_oauth2_gets_a_scheme_per_flow() {
    let result = rewrite(document(json!({"swagger": "2.0"})), &rewriting(oauth2())).unwrap();
    assert_eq!(
        result["securityDefinitions"],
        json!({
            "Mail, accessCode": {
                "authorizationUrl": "https://api.example.org/auth/local/api/pets/authorize",
                "tokenUrl": "https://api.example.org/auth/local/api/pets/token",
                "type": "oauth2", "flow": "accessCode", "scopes": {"read": "Read pets"}
            },
            "Mail, application": {
                "tokenUrl": "https://api.example.org/auth/local/api/pets/token",
                "type": "oauth2", "flow": "application", "scopes": {"read": "Read pets"}
            }
        })
    );
    assert_eq!(
        result["security"],
        json!([{"Mail, accessCode": []}, {"Mail, application": []}])
    );
}

#[test]
fn openapi_3_gets_a_server_per_path_and_keeps_scopes_of_operations() {
    let own = json!({"openapi": "3.1.0", "servers": [{"url": "http://inside"}],
        "components": {"schemas": {}, "securitySchemes": {"own": {}}}});
    let result = rewrite(document(own), &rewriting(oauth2())).unwrap();
    assert_eq!(
        result["servers"],
        json!([{"url": "https://api.example.org/pets/v1"}, {"url": "https://api.example.org/pets"}])
    );
    let schemes = &result["components"]["securitySchemes"];
    assert_eq!(schemes.as_object().unwrap().len(), 2);
    assert_eq!(
        schemes["Mail, clientCredentials"]["flows"],
        json!({"clientCredentials": {
            "tokenUrl": "https://api.example.org/auth/local/api/pets/token",
            "scopes": {"read": "Read pets"}
        }})
    );
    assert_eq!(
        result["paths"]["/a"]["get"]["security"],
        json!([{"Mail, authorizationCode": ["read"]}, {"Mail, clientCredentials": ["read"]}])
    );
    let other = &result["paths"]["/b"];
    assert!(other.get("servers").is_none() && other["get"].get("security").is_none());
}

#[test]
fn a_public_api_keeps_its_own_security() {
    let result = rewrite(
        document(json!({"openapi": "3.0.3"})),
        &rewriting(Security::Untouched),
    );
    let result = result.unwrap();
    assert_eq!(result["security"], json!([{"own": []}]));
    assert_eq!(
        result["servers"][0]["url"],
        "https://api.example.org/pets/v1"
    );
}

#[test]
fn other_documents_are_refused() {
    for document in [
        json!({}),
        json!([]),
        json!({"openapi": "4.0"}),
        json!({"swagger": 2}),
    ] {
        let result = rewrite(document, &rewriting(Security::Untouched));
        assert_eq!(result, Err(NotADefinition));
    }
}
