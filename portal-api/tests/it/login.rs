//! Passwords and logins (portal-api 9).

use config::Tree;
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use service::ServiceName;

use crate::support::{ADMIN, DEVELOPER, TestApi, on_both_databases, trust_this_machine};

const USERS: &str = "read_users write_users";
const PLAIN: &str = "$2a$10$abcdefghijklmnopqrstuuuhKnzQaTe2LLOD4y9gzDlfJhKCnIvr6";
const METEOR: &str = "$2a$10$abcdefghijklmnopqrstuuERTX7HoGx.Xveg.iMdnHqKYISg4PRyu";
const UNICODE: &str = "$2a$10$abcdefghijklmnopqrstuuLy3KcSYByppTxW6VA7WBBw/QKQeKCRC";

async fn create(api: &TestApi, body: Value) -> String {
    let created = api
        .user(ADMIN, USERS)
        .post("/users", body)
        .await
        .expect(201)
        .json();
    created["id"].as_str().unwrap().to_owned()
}

/// A login as the auth server makes it, from a browser at `source`.
async fn login(api: &TestApi, source: &str, email: &str, password: &str) -> crate::support::Answer {
    let service = api
        .service(ServiceName::AuthServer)
        .header("x-real-ip", source);
    service
        .post("/login", json!({"username": email, "password": password}))
        .await
}

on_both_databases! {
    async fn the_cases_of_a_login_have_statuses_of_their_own(api: TestApi) {
        let id = create(&api, json!({"email": "ada@example.org", "password": "Geheim123"})).await;
        let users = login(&api, "192.0.2.1", "ADA@example.org", "Geheim123").await.expect(200).json();
        assert_eq!(users.as_array().unwrap().len(), 1);
        assert_eq!(users[0]["id"], id);
        assert_eq!(users[0]["applications"], json!([]));
        assert!(users[0].get("password").is_none());
        login(&api, "192.0.2.1", "ada@example.org", "wrong").await.expect(403);
        login(&api, "192.0.2.1", "nobody@example.org", "wrong").await.expect(404);
        let shown = api.user(ADMIN, USERS).get(&format!("/users/{id}")).await.expect(200).json();
        assert_eq!(shown["hasPassword"], true);
        let path = format!("/users/{id}/password");
        api.user(DEVELOPER, USERS).delete(&path).await.expect(403);
        api.user("unknown", USERS).delete(&path).await.expect(400);
        api.user(ADMIN, USERS).delete("/users/unknown/password").await.expect(404);
        api.user(ADMIN, USERS).delete(&path).await.expect(204);
        login(&api, "192.0.2.1", "ada@example.org", "Geheim123").await.expect(400);
        api.user(DEVELOPER, "login").post("/login", json!({})).await.expect(403);
        let service = api.service(ServiceName::AuthServer);
        service.post("/login", json!({"email": "ada@example.org"})).await.expect(400);
        service.post("/login", json!({"password": "x"})).await.expect(400);
    }

    async fn old_hashes_log_in_and_are_replaced(api: TestApi) {
        for (number, (hash, password)) in
            [(PLAIN, "super$3cret!"), (METEOR, "super$3cret!"), (UNICODE, "pässwörd €")]
                .into_iter()
                .enumerate()
        {
            let email = format!("user{number}@example.org");
            create(&api, json!({"email": email, "password": hash, "passwordIsHashed": true})).await;
            login(&api, "192.0.2.1", &email, "wrong").await.expect(403);
            login(&api, "192.0.2.1", &email, password).await.expect(200);
            login(&api, "192.0.2.1", &email, password).await.expect(200);
        }
        let stopped = api.into_parts().await;
        let db = stopped.open().await;
        let users = portal_api::users::row::Entity::find().all(db.read()).await.unwrap();
        for user in users {
            let Some(hash) = user.password_hash else { continue };
            assert!(hash.starts_with("$argon2id$"), "{}: {hash}", user.email);
        }
    }

    async fn guessing_is_stopped_per_account(api: TestApi) {
        create(&api, json!({"email": "ada@example.org", "password": "Geheim123"})).await;
        for number in 0..10 {
            login(&api, &format!("192.0.2.{number}"), "ada@example.org", "wrong").await.expect(403);
        }
        let answer = login(&api, "192.0.2.100", "ada@example.org", "Geheim123").await.expect(429);
        let seconds: u32 = answer.header("retry-after").parse().unwrap();
        assert!((1..=900).contains(&seconds), "{seconds}");
        let accounts = api.user(ADMIN, USERS);
        accounts.get("/users?email=ada@example.org").await.expect(200);
    }

    async fn whoever_guesses_from_one_place_does_not_lock_the_owner_out_elsewhere(api: TestApi) {
        create(&api, json!({"email": "ada@example.org", "password": "Geheim123"})).await;
        for _ in 0..10 {
            login(&api, "192.0.2.1", "ada@example.org", "wrong").await.expect(403);
        }
        for _ in 0..20 {
            login(&api, "192.0.2.1", "ada@example.org", "Geheim123").await.expect(429);
        }
        login(&api, "192.0.2.2", "ada@example.org", "Geheim123").await.expect(200);
    }

    async fn guessing_is_stopped_per_source_and_for_accounts_that_do_not_exist(api: TestApi) {
        create(&api, json!({"email": "ada@example.org", "password": "Geheim123"})).await;
        for number in 0..10 {
            login(&api, "192.0.2.1", &format!("nobody{number}@example.org"), "x").await.expect(404);
        }
        login(&api, "192.0.2.1", "ada@example.org", "Geheim123").await.expect(429);
        login(&api, "192.0.2.2", "ada@example.org", "Geheim123").await.expect(200);
    }

    async fn parallel_guesses_count_as_well(api: TestApi) {
        create(&api, json!({"email": "ada@example.org", "password": "Geheim123"})).await;
        let guesses = (0..30).map(|_| login(&api, "192.0.2.1", "ada@example.org", "wrong"));
        let answers = futures_util::future::join_all(guesses).await;
        let compared = answers.iter().filter(|answer| answer.status == 403).count();
        assert_eq!(compared, 10);
    }

    async fn logging_in_forgets_the_failures_of_the_account(api: TestApi) {
        create(&api, json!({"email": "ada@example.org", "password": "Geheim123"})).await;
        for round in 0..3 {
            for number in 0..6 {
                let source = format!("192.0.{round}.{number}");
                login(&api, &source, "ada@example.org", "wrong").await.expect(403);
            }
            login(&api, "198.51.100.1", "ada@example.org", "Geheim123").await.expect(200);
        }
    }
}

#[tokio::test]
async fn the_current_password_is_compared_when_it_is_sent() {
    let api = TestApi::start().await;
    let id = create(
        &api,
        json!({"email": "ada@example.org", "password": "Geheim123"}),
    )
    .await;
    let own = api.user(&id, USERS);
    let path = format!("/users/{id}");
    let change = |current: &str| json!({"password": "Geheimer456", "currentPassword": current});
    own.patch(&path, change("wrong")).await.expect(403);
    login(&api, "192.0.2.1", "ada@example.org", "Geheim123")
        .await
        .expect(200);
    own.patch(&path, change("Geheim123")).await.expect(200);
    login(&api, "192.0.2.1", "ada@example.org", "Geheimer456")
        .await
        .expect(200);
    own.patch(&path, json!({"email": "other@example.org"}))
        .await
        .expect(400);
}

#[tokio::test]
async fn an_installation_may_want_the_current_password_from_outside() {
    let sample = Tree::sample();
    let mut globals: Value = serde_json::from_str(sample.text("globals.json").unwrap()).unwrap();
    globals["requireCurrentPassword"] = json!(true);
    globals["initialUsers"] = json!([
        {"id": ADMIN, "email": "root@example.org", "groups": ["admin"], "password": "Geheim123"},
    ]);
    let globals = globals.to_string();
    let api = TestApi::with(&[("globals.json", &globals)], trust_this_machine).await;
    let path = format!("/users/{ADMIN}");
    let without = json!({"password": "Geheimer456"});
    let outside = api.user_at_gateway(ADMIN, USERS);
    outside.patch(&path, without.clone()).await.expect(400);
    let with = json!({"password": "Geheimer456", "currentPassword": "Geheim123"});
    outside.patch(&path, with).await.expect(200);
    api.user(ADMIN, USERS)
        .patch(&path, without)
        .await
        .expect(200);
}
