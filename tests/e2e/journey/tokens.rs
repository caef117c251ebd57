//! Access tokens of the auth server at an API behind the gateway.

use std::time::{Duration, Instant};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{Client, Person};
use crate::support::{Installation, eventually};

/// The two commands below a new client, in a shell.
pub async fn as_the_page_shows(ada: &Person<'_>) {
    ada.create_application("ada-orders").await;
    let page = ada.subscribe("ada-orders", "orders", "free").await;
    let run = async |command: &str, variables: &[(&str, &str)]| {
        let output = tokio::process::Command::new("sh")
            .args(["-c", command])
            .envs(variables.iter().copied())
            .output();
        String::from_utf8(output.await.unwrap().stdout).unwrap()
    };
    let [command, call] = ["#call-1", "#call-2"].map(|id| page.all(id).remove(0));
    let [id, secret] = ["#secret-1", "#secret-2"].map(|id| page.all(id).remove(0));
    eventually("the commands give an answer of the API", async || {
        let said = run(&command, &[("CLIENT_ID", &id), ("CLIENT_SECRET", &secret)]).await;
        let answer: Value = serde_json::from_str(&said).ok()?;
        assert_eq!(answer["scope"], "read_orders write_orders", "{command}");
        let token = answer["access_token"].as_str().unwrap();
        let orders: Value = serde_json::from_str(&run(&call, &[("TOKEN", token)]).await).ok()?;
        orders.is_array().then_some(())
    })
    .await;
    assert!(page.text().contains("Get a token"));
}

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

/// The public key is no secret of an HMAC, and the header does not make it one of another kind:
/// neither at the gateway nor at portal-api.
pub async fn signed_by_rsa_choose_no_other_algorithm(
    installation: &Installation,
    ada: &Person<'_>,
    client: &Client,
) {
    let keys = installation.gateway() + "/auth/oauth2/jwks";
    let keys = installation.http.get(keys).send().await.unwrap();
    let keys: Value = keys.json().await.unwrap();
    let key = &keys["keys"][0];
    assert_eq!((&key["kty"], &key["alg"]), (&json!("RSA"), &json!("RS256")));
    let (id, secret) = ada
        .subscribe_client("ada-rows", "portal-api", "__internal_api_basic")
        .await;
    let rows = Client::new(id, secret, "");
    let form = [("grant_type", "client_credentials")];
    let for_portal_api = rows.token(installation, &form).await;
    let for_orders = client.own_token(installation).await;
    let modulus = key["n"].as_str().unwrap();
    let secrets = [
        key.to_string().into_bytes(),
        URL_SAFE_NO_PAD.decode(modulus).unwrap(),
        modulus.as_bytes().to_vec(),
    ];
    let targets = [
        (
            installation.gateway() + "/orders/v1/orders",
            for_orders.as_str(),
        ),
        (installation.url("api") + "/apis", for_portal_api.as_str()),
    ];
    for (url, token) in targets {
        let call = async |token: &str| {
            let call = installation.http.get(&url).bearer_auth(token);
            call.send().await.unwrap().status().as_u16()
        };
        // Without a scope some of it is forbidden, and the token is known all the same.
        eventually("the token is believed", async || {
            (call(token).await != 401).then_some(())
        })
        .await;
        for secret in &secrets {
            let forged = with_algorithm(token, "HS256", |signed| {
                let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret);
                ring::hmac::sign(&key, signed).as_ref().to_vec()
            });
            assert_eq!(call(&forged).await, 401, "{url}");
        }
        let elliptic = with_algorithm(token, "ES256", |_| vec![1; 64]);
        let padded = with_algorithm(token, "PS256", |_| vec![1; 256]);
        for forged in [elliptic, padded] {
            assert_eq!(call(&forged).await, 401, "{url}");
        }
    }
}

/// The token with another algorithm in its header, signed anew.
fn with_algorithm(token: &str, name: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let (header, rest) = token.split_once('.').unwrap();
    let (claims, _) = rest.split_once('.').unwrap();
    let mut header: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    assert_eq!(header["alg"], "RS256");
    header["alg"] = name.into();
    let header = URL_SAFE_NO_PAD.encode(header.to_string());
    let signed = format!("{header}.{claims}");
    let signature = URL_SAFE_NO_PAD.encode(sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}
