//! Verifications (portal-api 17).

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use service::ServiceName;

use crate::support::{ADMIN, DEVELOPER, TestApi, on_both_databases, trust_this_machine};

const SCOPES: &str = "read_verifications write_verifications read_users write_users login";
const LINK: &str = "https://portal.example/verify/{{id}}";

async fn create_user(api: &TestApi, body: Value) -> String {
    let created = api
        .user(ADMIN, SCOPES)
        .post("/users", body)
        .await
        .expect(201)
        .json();
    created["id"].as_str().unwrap().to_owned()
}

/// Makes a verification and reads its id as the mailer's neighbour, the auth server, can.
async fn verification(api: &TestApi, kind: &str, email: &str) -> String {
    let service = api.service(ServiceName::AuthServer);
    let body = json!({"type": kind, "email": email, "link": LINK});
    service.post("/verifications", body).await.expect(204);
    let all = service.get("/verifications").await.expect(200).json();
    let newest = all.as_array().unwrap().last().unwrap();
    assert_eq!(newest["type"], kind);
    assert_eq!(newest["link"], LINK);
    newest["id"].as_str().unwrap().to_owned()
}

on_both_databases! {
    async fn an_address_is_confirmed_once(api: TestApi) {
        let id = create_user(&api, json!({"email": "ada@example.org"})).await;
        let token = verification(&api, "email", "ADA@example.org").await;
        let service = api.service(ServiceName::AuthServer);
        let shown = service.get(&format!("/verifications/{token}")).await.expect(200).json();
        assert_eq!(shown["userId"], id);
        let with_password = json!({"token": token, "password": "Geheim123"});
        service.post("/verifications/consume", with_password).await.expect(400);
        service.post("/verifications/consume", json!({"token": token})).await.expect(204);
        service.post("/verifications/consume", json!({"token": token})).await.expect(404);
        service.get(&format!("/verifications/{token}")).await.expect(404);
        let user = service.get(&format!("/users/{id}")).await.expect(200).json();
        assert_eq!(user["validated"], true);
        assert_eq!(user["groups"], json!(["dev"]));
    }

    async fn a_forgotten_password_is_replaced_by_the_rules(api: TestApi) {
        create_user(&api, json!({"email": "ada@example.org", "password": "Geheim123"})).await;
        let token = verification(&api, "lostpassword", "ada@example.org").await;
        let service = api.service(ServiceName::AuthServer);
        let consume = |password: &str| json!({"token": token, "password": password});
        service.post("/verifications/consume", json!({"token": token})).await.expect(400);
        service.post("/verifications/consume", consume("short")).await.expect(400);
        service.post("/verifications/consume", consume("Geheimer456")).await.expect(204);
        let login = json!({"email": "ada@example.org", "password": "Geheimer456"});
        service.post("/login", login).await.expect(200);
    }

    async fn a_verification_works_once_even_at_the_same_time(api: TestApi) {
        create_user(&api, json!({"email": "ada@example.org"})).await;
        let token = verification(&api, "lostpassword", "ada@example.org").await;
        let service = api.service(ServiceName::AuthServer);
        let body = json!({"token": token, "password": "Geheimer456"});
        let (a, b) = tokio::join!(
            service.post("/verifications/consume", body.clone()),
            service.post("/verifications/consume", body),
        );
        let mut statuses = [a.status, b.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 404]);
    }

    async fn the_language_of_a_page_reaches_the_mailer(api: TestApi) {
        let body = json!({"email": "ada@example.org", "language": "de"});
        let id = create_user(&api, body).await;
        let mailer = api.service(ServiceName::Mailer);
        let preferences = mailer.get(&format!("/users/{id}/preferences")).await.expect(200).json();
        assert_eq!(preferences, json!({"mails": {}, "digest": false, "language": "de"}));
        let listener = json!({"id": "mailer", "url": "http://portal-mailer:3003/", "sensitive": true});
        mailer.put("/webhooks/listeners/mailer", listener).await.expect(200);
        let auth_server = api.service(ServiceName::AuthServer);
        let ask = async |more: Value| {
            let mut body = json!({"type": "email", "email": "ada@example.org", "link": LINK});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            auth_server.post("/verifications", body).await
        };
        ask(json!({"language": "German"})).await.expect(400);
        ask(json!({})).await.expect(204);
        ask(json!({"language": "pt-br"})).await.expect(204);
        let events = mailer.get("/webhooks/events/mailer").await.expect(200).json();
        assert_eq!(events[0]["data"].get("language"), None);
        assert_eq!(events[1]["data"]["language"], "pt-br");
        let wrong = json!({"email": "eve@example.org", "language": "German"});
        api.user(ADMIN, SCOPES).post("/users", wrong).await.expect(400);
    }

    async fn expired_verifications_do_not_exist(api: TestApi) {
        create_user(&api, json!({"email": "ada@example.org"})).await;
        let token = verification(&api, "email", "ada@example.org").await;
        let stopped = api.into_parts().await;
        let db = stopped.open().await;
        let txn = db.write().await.unwrap();
        let expire = "update verifications set expires_at = '2000-01-01 00:00:00+00:00'";
        txn.execute_unprepared(expire).await.unwrap();
        txn.commit().await.unwrap();
        drop(db);
        let api = stopped.start().await;
        let service = api.service(ServiceName::AuthServer);
        service.get(&format!("/verifications/{token}")).await.expect(404);
        service.post("/verifications/consume", json!({"token": token})).await.expect(404);
        assert_eq!(service.get("/verifications").await.expect(200).json(), json!([]));
    }

    async fn the_header_variant_may_be_used_again(api: TestApi) {
        let id = create_user(&api, json!({"email": "ada@example.org"})).await;
        let token = verification(&api, "email", "ada@example.org").await;
        let with = |token: &str| api.service(ServiceName::AuthServer).header("x-verificationid", token);
        let path = format!("/users/{id}");
        with("unknown").patch(&path, json!({"validated": true})).await.expect(404);
        let other = format!("/users/{DEVELOPER}");
        with(&token).patch(&other, json!({"validated": true})).await.expect(403);
        with(&token).patch(&path, json!({"groups": []})).await.expect(400);
        with(&token).patch(&path, json!({})).await.expect(400);
        with(&token).patch(&path, json!({"password": "short"})).await.expect(400);
        with(&token).patch(&path, json!({"password": "Geheim123"})).await.expect(204);
        with(&token).patch(&path, json!({"validated": true})).await.expect(204);
        let by_user = api.user(&id, SCOPES).header("x-verificationid", token);
        by_user.patch(&path, json!({"validated": true})).await.expect(403);
        let user = api.user(&id, SCOPES).get(&path).await.expect(200).json();
        assert_eq!(user["validated"], true);
        assert_eq!(user["hasPassword"], true);
    }
}

#[tokio::test]
async fn requests_for_a_verification_that_are_refused() {
    let api = TestApi::start().await;
    create_user(
        &api,
        json!({"email": "ada@example.org", "customId": "google:1"}),
    )
    .await;
    let service = api.service(ServiceName::AuthServer);
    for (body, status) in [
        (
            json!({"type": "phone", "email": "ada@example.org", "link": LINK}),
            400,
        ),
        (json!({"type": "email", "email": "ada@example.org"}), 400),
        (
            json!({"type": "email", "email": "ada@example.org", "link": "https://x.example"}),
            400,
        ),
        (
            json!({"type": "lostpassword", "email": "ada@example.org", "link": LINK}),
            400,
        ),
        (
            json!({"type": "email", "email": "nobody@example.org", "link": LINK}),
            204,
        ),
    ] {
        let answer = service.post("/verifications", body.clone()).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
    }
    assert_eq!(
        service.get("/verifications").await.expect(200).json(),
        json!([])
    );
    let body = json!({"type": "email", "email": "ada@example.org", "link": LINK});
    api.user(DEVELOPER, SCOPES)
        .post("/verifications", body)
        .await
        .expect(403);
    api.user(DEVELOPER, SCOPES)
        .get("/verifications")
        .await
        .expect(403);
}

#[tokio::test]
async fn people_see_fingerprints_of_ids_and_can_delete_by_them() {
    let api = TestApi::with(&[], trust_this_machine).await;
    create_user(&api, json!({"email": "ada@example.org"})).await;
    let token = verification(&api, "email", "ada@example.org").await;
    assert_eq!(token.len(), 40);
    let admin = api.user_at_gateway(ADMIN, SCOPES);
    let shown = admin.get("/verifications").await.expect(200).json()[0]["id"].clone();
    let fingerprint = shown.as_str().unwrap();
    assert!(
        fingerprint.starts_with('~') && fingerprint.len() == 13,
        "{fingerprint}"
    );
    admin
        .get(&format!("/verifications/{fingerprint}"))
        .await
        .expect(404);
    let one = admin
        .get(&format!("/verifications/{token}"))
        .await
        .expect(200)
        .json();
    assert_eq!(one["id"], fingerprint);
    admin
        .delete("/verifications/~000000000000")
        .await
        .expect(204);
    admin
        .get(&format!("/verifications/{token}"))
        .await
        .expect(200);
    admin
        .delete(&format!("/verifications/{fingerprint}"))
        .await
        .expect(204);
    admin
        .delete(&format!("/verifications/{fingerprint}"))
        .await
        .expect(204);
    admin
        .get(&format!("/verifications/{token}"))
        .await
        .expect(404);
}
