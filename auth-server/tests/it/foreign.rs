//! Tokens of other issuers, which an API takes.

use serde_json::{Value, json};

use crate::support::{Kind, Provider, SECRET, TestServer};

/// A server whose API `shipping` believes a provider, with two applications.
async fn server() -> (TestServer, Provider) {
    let provider = Provider::start(Kind::Oidc).await;
    let trusted = json!([{"name": "corp", "issuer": provider.issuer(), "audience": "urn:shipping",
        "clients": {"mobile app": "shop-shipping"}}]);
    let server = TestServer::start_beside(|portal| {
        portal.add_api(
            json!({"id": "shipping", "auth": "oauth2", "authMethods": ["default:local"],
            "settings": {"token_mode": "opaque", "enable_client_credentials": true,
                "scopes": {"read": {}, "write": {}}, "trusted_issuers": trusted}}),
        );
    })
    .await;
    for (application, api) in [("shop", "shipping"), ("app", "shipping"), ("app", "orders")] {
        server
            .portal
            .add_client(application, api, "confidential", false);
    }
    (server, provider)
}

fn claims(provider: &Provider, changes: &Value) -> Value {
    let now = service::clock::now().timestamp();
    let mut claims = json!({"iss": provider.issuer(), "sub": "turing", "aud": ["account", "urn:shipping"],
        "azp": "mobile app", "scope": "read admin", "iat": now, "exp": now + 300});
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => {
                claims.as_object_mut().unwrap().remove(name);
            }
            value => claims[name] = value.clone(),
        }
    }
    claims
}

async fn ask(server: &TestServer, token: &str) -> Value {
    let (service, form) = (server.service_token(), [("token", token)]);
    let answer = server.post_as("/oauth2/introspect", &service, &form);
    answer.await.expect(200).json()
}

#[tokio::test]
async fn a_token_of_a_trusted_issuer_stands_for_a_subscription() {
    let (server, provider) = server().await;
    let token = |changes: Value| provider.sign(claims(&provider, &changes).as_object().unwrap());
    let told = ask(&server, &token(json!({}))).await;
    assert_eq!(told["active"], true);
    assert_eq!(told["client_id"], "shop-shipping");
    assert_eq!(told["iss"], "http://localhost:8000/auth");
    assert_eq!(told["authenticated_userid"], "sub=corp:turing");
    // Only what the API knows.
    assert_eq!(
        (&told["scope"], &told["aud"]),
        (&json!("read"), &json!("shipping"))
    );
    assert!(told["subscription"].is_string() && told.get("jti").is_none());
    // A client that acts for itself, with one id at both.
    let own = json!({"azp": null, "client_id": "app-shipping", "sub": "app-shipping", "scope": ["write"]});
    let told = ask(&server, &token(own)).await;
    assert_eq!(
        (&told["client_id"], &told["scope"]),
        (&json!("app-shipping"), &json!("write"))
    );
    assert!(told.get("authenticated_userid").is_none());
    // A client asks about tokens of its own API only.
    let body = token(json!({}));
    let as_client = async |client: &str| {
        let form = [("client_id", client), SECRET, ("token", body.as_str())];
        server
            .post("/oauth2/introspect", &form)
            .await
            .expect(200)
            .json()
    };
    assert_eq!(as_client("app-shipping").await["active"], true);
    assert_eq!(as_client("app-orders").await, json!({"active": false}));
}

#[tokio::test]
async fn what_others_have_signed_or_meant_otherwise_is_inactive() {
    let (server, provider) = server().await;
    let now = service::clock::now().timestamp();
    for changes in [
        json!({"aud": "urn:other"}),
        json!({"aud": null}),
        json!({"exp": now - 1}),
        json!({"exp": null}),
        json!({"nbf": now + 120}),
        json!({"azp": "unknown"}),
        json!({"azp": "app-orders"}),
        json!({"azp": null}),
        json!({"sub": "turing;namespace=acme"}),
        json!({"iss": "https://nobody.example"}),
        json!({"iss": "http://localhost:8000/auth"}),
        json!({"nonce": "n"}),
        json!({"cnf": {"jkt": "x"}}),
    ] {
        let token = provider.sign(claims(&provider, &changes).as_object().unwrap());
        assert_eq!(
            ask(&server, &token).await,
            json!({"active": false}),
            "{changes}"
        );
    }
    let good = claims(&provider, &json!({}));
    let token = provider.sign(good.as_object().unwrap());
    let (rest, _) = token.rsplit_once('.').unwrap();
    for token in [format!("{rest}."), rest.to_owned(), format!("{rest}.AAAA")] {
        assert_eq!(ask(&server, &token).await["active"], false);
    }
    provider.forge();
    let forged = provider.sign(good.as_object().unwrap());
    assert_eq!(ask(&server, &forged).await["active"], false);
}
