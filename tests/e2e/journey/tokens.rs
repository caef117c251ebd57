//! Access tokens of the auth server at an API behind the gateway.

use std::time::{Duration, Instant};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{Client, Person};
use crate::support::{Installation, eventually};

pub async fn of_applications_are_checked(installation: &Installation, ada: &Person<'_>) {
    let (client_id, client_secret) = ada.subscribe_client("ada-orders", "orders", "free").await;
    let client = Client::new(client_id, client_secret, "");
    let token = client.own_token(installation).await;
    let url = installation.gateway() + "/orders/v1/orders";
    let call = async |token: &str| {
        let request = installation.http.get(&url).bearer_auth(token);
        request
            .header("x-authenticated-scope", "write_orders")
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    let works = async |gateway: &str| {
        let call = installation.http.get(format!("{gateway}/orders/v1/orders"));
        call.bearer_auth(&token).send().await.unwrap().status() == 200
    };
    installation
        .at_every_gateway("the token works", works)
        .await;

    let mut parts: Vec<&str> = token.split('.').collect();
    let unsigned = format!("{}.{}.", parts[0], parts[1]);
    assert_eq!(call(&unsigned).await, 401, "no signature");
    let none = format!("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{}.", parts[1]);
    assert_eq!(call(&none).await, 401, "alg none");
    let reversed: String = parts[2].chars().rev().collect();
    parts[2] = &reversed;
    assert_eq!(call(&parts.join(".")).await, 401, "a wrong signature");
    let foreign = installation.url("api") + "/users";
    let answer = installation
        .http
        .get(foreign)
        .bearer_auth(&token)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 401, "the token is not for portal-api");

    // Scopes come from the token, never from the client.
    let write = installation
        .http
        .post(&url)
        .bearer_auth(&token)
        .header("x-authenticated-scope", "write_orders");
    let order = serde_json::json!({"items": [{"product": "tea", "quantity": 1}]});
    assert_eq!(write.json(&order).send().await.unwrap().status(), 403);
}

/// Log-in, consent, code, token, call: the backend learns who the user is and what he allowed.
pub async fn of_users_reach_the_backend(installation: &Installation, ada: &Person<'_>) -> Client {
    // An address that answers, so that the browser can be sent there.
    let redirect_uri = installation.portal() + "/about-to-return";
    ada.create_application_at("ada-web", &redirect_uri).await;
    let (id, secret) = ada.client("ada-web", "orders", "free").await;
    let client = Client::new(id, secret, &redirect_uri);
    let token = client.token_of(installation, ada).await;

    let order = json!({"items": [{"product": "tea", "quantity": 1}]});
    let place = async || {
        let call = installation
            .http
            .post(installation.gateway() + "/orders/v1/orders")
            .bearer_auth(&token)
            .header("x-authenticated-userid", "sub=1")
            .json(&order);
        let answer = call.send().await.unwrap();
        let status = answer.status().as_u16();
        (status != 401).then_some((status, answer.json::<Value>().await.unwrap()))
    };
    let (status, placed) = eventually("the token is known", place).await;
    assert_eq!(status, 201, "{placed}");
    // The sample backend takes the customer from X-Authenticated-Userid, and lets nobody order
    // without write_orders in X-Authenticated-Scope.
    let claims = token.split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    assert_eq!(placed["customer"], claims["sub"]);
    client
}

/// A user is deleted: what applications were given for him ends at the gateway, too.
pub async fn end_with_their_user(installation: &Installation, client: &Client) {
    let bob = Person::sign_up(installation, "bob@example.org", "Bob").await;
    let token = client.token_of(installation, &bob).await;
    let call = async || {
        let url = installation.gateway() + "/orders/v1/orders";
        let call = installation.http.get(url).bearer_auth(&token);
        call.send().await.unwrap().status().as_u16()
    };
    eventually("the token works", async || {
        (call().await == 200).then_some(())
    })
    .await;
    let users = installation.url("api") + "/users";
    let finding = installation
        .http
        .get(&users)
        .query(&[("email", &bob.email)]);
    let finding = finding.bearer_auth(installation.service_token());
    let found: Value = finding.send().await.unwrap().json().await.unwrap();
    let url = format!("{users}/{}", found[0]["id"].as_str().unwrap());
    let deleting = installation.http.delete(url);
    let answer = deleting.bearer_auth(installation.service_token());
    assert_eq!(answer.send().await.unwrap().status(), 204);
    let began = Instant::now();
    eventually("the token is refused", async || {
        (call().await == 401).then_some(())
    })
    .await;
    let took = began.elapsed();
    assert!(took < Duration::from_secs(5), "only after {took:?}");
}

/// Tokens that say nothing themselves open the same doors, and end as soon.
pub async fn that_say_nothing_work_alike(installation: &Installation, ada: &Person<'_>) {
    let redirect_uri = installation.portal() + "/about-to-return";
    ada.create_application_at("ada-web", &redirect_uri).await;
    let (id, secret) = ada.client("ada-web", "orders", "free").await;
    let client = Client::new(id, secret, &redirect_uri);
    let user = client.token_of(installation, ada).await;
    let form = [
        ("grant_type", "client_credentials"),
        ("scope", "read_orders"),
    ];
    // Of another application: asking again and again uses up its limit.
    let (id, secret) = ada.subscribe_client("ada-orders", "orders", "free").await;
    let shop = Client::new(id, secret, "");
    let own = shop.token(installation, &form).await;
    for token in [&user, &own] {
        assert!(token.starts_with("wgt_"), "{token}");
    }
    let call = async |token: &str| {
        let url = installation.gateway() + "/orders/v1/orders";
        let call = installation.http.get(url).bearer_auth(token);
        call.send().await.unwrap().status().as_u16()
    };
    for token in [&user, &own] {
        eventually("the token works", async || {
            (call(token).await == 200).then_some(())
        })
        .await;
    }
    assert_eq!(call("wgt_forged").await, 401);
    let revoking = installation
        .http
        .post(installation.gateway() + "/auth/oauth2/revoke")
        .basic_auth(&shop.id, Some(&shop.secret))
        .form(&[("token", &own)]);
    assert_eq!(revoking.send().await.unwrap().status(), 200);
    eventually("the revoked token is refused", async || {
        (call(&own).await == 401).then_some(())
    })
    .await;
    assert_eq!(call(&user).await, 200);
    end_with_their_user(installation, &client).await;
}
