//! Token mode `opaque`: tokens that say nothing themselves.

use serde_json::{Value, json};

use crate::support::{Answer, Form, SECRET, TestServer, claims};

const CLIENT: (&str, &str) = ("client_id", "app-sealed");

async fn server() -> TestServer {
    let server = TestServer::start().await;
    let kind = "confidential";
    server.portal.add_client("app", "sealed", kind, true);
    server.portal.add_client("app", "orders", kind, true);
    server
}

async fn token(server: &TestServer, more: Form<'_>) -> Answer {
    let form: Vec<(&str, &str)> = [CLIENT, SECRET].iter().chain(more).copied().collect();
    server.token(&form).await.expect(200)
}

async fn of_user(server: &TestServer) -> Answer {
    let code = server.browser().code("app-sealed", &[]).await;
    server.redeem("app-sealed", &code).await
}

async fn described(server: &TestServer, token: &str) -> Value {
    let service = server.service_token();
    let form = [("token", token)];
    let answer = server.post_as("/oauth2/introspect", &service, &form).await;
    answer.expect(200).json()
}

fn inactive() -> Value {
    json!({"active": false})
}

#[tokio::test]
async fn a_token_says_nothing_and_the_server_says_what_a_signed_one_would() {
    let server = server().await;
    let answer = of_user(&server).await;
    let token = answer.member("access_token");
    assert!(token.starts_with("wgt_") && token.len() == 47, "{token}");
    assert_eq!(
        answer.json()["expires_in"],
        86400,
        "longer than a signed one"
    );
    let said = described(&server, &token).await;
    assert_eq!(said["active"], true);
    assert_eq!(said["aud"], "sealed");
    assert_eq!(said["sub"], "ada");
    assert_eq!(said["authenticated_userid"], "sub=ada");
    assert_eq!(said["scope"], "read write wicked:dev");
    assert_eq!(said["client_id"], "app-sealed");
    assert_eq!(said["subscription"], "sub-app-sealed");
    assert!(said["jti"].is_string() && said["sid"].is_string());
    let lifetime = said["exp"].as_i64().unwrap() - said["iat"].as_i64().unwrap();
    assert_eq!(lifetime, 86400);
    let bearer = format!("Bearer {token}");
    let profile = server.get_with("/profile", &bearer).await.expect(200);
    assert_eq!(profile.member("sub"), "ada");
    // Another API of the same server keeps its signed ones.
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "app-orders"),
        SECRET,
    ];
    let signed = server.token(&form).await.expect(200);
    assert_eq!(signed.member("access_token").split('.').count(), 3);
}

#[tokio::test]
async fn beside_it_an_id_token_says_who_the_user_is() {
    let server = server().await;
    let resource = "http://localhost:8000/sealed/v1";
    let more = [("scope", "openid read"), ("resource", resource)];
    let code = server.browser().code("app-sealed", &more).await;
    let answer = server.redeem("app-sealed", &code).await;
    let token = answer.member("access_token");
    let said = described(&server, &token).await;
    assert_eq!(said["aud"], json!(["sealed", resource]));
    assert_eq!(said["scope"], "openid read wicked:dev");
    let id_token = claims(&answer.member("id_token"));
    assert_eq!(id_token["aud"], "app-sealed");
    assert_eq!(
        (&id_token["sub"], &id_token["sid"]),
        (&said["sub"], &said["sid"])
    );
    let bearer = format!("Bearer {token}");
    let userinfo = server.get_with("/oauth2/userinfo", &bearer).await;
    assert_eq!(userinfo.expect(200).json(), json!({"sub": "ada"}));
}

#[tokio::test]
async fn it_ends_with_its_revocation_its_family_and_its_user() {
    let server = server().await;
    let own = token(&server, &[("grant_type", "client_credentials")]).await;
    let own = own.member("access_token");
    assert_eq!(described(&server, &own).await["active"], true);
    let revoke = async |token: &str| {
        let form = [CLIENT, SECRET, ("token", token)];
        server.post("/oauth2/revoke", &form).await.expect(200);
    };
    revoke(&own).await;
    assert_eq!(described(&server, &own).await, inactive());

    let first = of_user(&server).await;
    let refresh = first.member("refresh_token");
    let form = [("grant_type", "refresh_token"), ("refresh_token", &refresh)];
    let second = token(&server, &form).await;
    let both = [&first, &second].map(|answer| answer.member("access_token"));
    for token in &both {
        assert_eq!(described(&server, token).await["active"], true);
    }
    revoke(&second.member("refresh_token")).await;
    for token in &both {
        assert_eq!(described(&server, token).await, inactive());
    }

    let last = of_user(&server).await.member("access_token");
    server.portal.remove_user("ada");
    let event = json!({"deletedUserId": "ada"});
    server.portal.tell("user", "delete", event).await;
    assert_eq!(described(&server, &last).await, inactive());
    assert_eq!(described(&server, "wgt_unknown").await, inactive());
}
