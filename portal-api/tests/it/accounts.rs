//! Locking, exporting and deleting accounts (portal-api B7, B8).

use serde_json::{Value, json};
use service::ServiceName;

use crate::{
    market::{Market, ORDERS, PETS},
    support::{ADMIN, DEVELOPER, PARTNER, TestApi, on_both_databases, trust_this_machine},
};

const SCOPES: &str = "read_users write_users read_applications write_applications login";

on_both_databases! {
    async fn a_locked_account_opens_nothing(api: TestApi) {
        let admin = api.user(ADMIN, SCOPES);
        let body = json!({"email": "eve@example.org", "password": "Very-s3cret", "validated": true});
        let eve = admin.post("/users", body).await.expect(201).json();
        let id = eve["id"].as_str().unwrap();
        assert!(eve.get("disabled").is_none());
        let login = async || {
            let body = json!({"email": "eve@example.org", "password": "Very-s3cret"});
            api.service(ServiceName::AuthServer).post("/login", body).await.status
        };
        assert_eq!(login().await, 200);
        let path = format!("/users/{id}");
        let lock = json!({"disabled": true, "reason": "left the company"});
        api.user(id, SCOPES).patch(&path, lock.clone()).await.expect(403);
        let locked = admin.patch(&path, lock).await.expect(200).json();
        assert_eq!((&locked["disabled"], &locked["disabledReason"]), (&json!(true), &json!("left the company")));
        assert_eq!(login().await, 403);
        api.user(id, SCOPES).get(&path).await.expect(403);
        let seen = api.service(ServiceName::AuthServer).get(&path).await.expect(200).json();
        assert!(seen["sessionsEndedAt"].is_string());
        assert!(admin.get(&path).await.json().get("sessionsEndedAt").is_none());
        let unlocked = admin.patch(&path, json!({"disabled": false})).await.expect(200).json();
        assert!(unlocked.get("disabled").is_none() && unlocked.get("disabledReason").is_none());
        assert_eq!(login().await, 200);
        admin.patch(&format!("/users/{ADMIN}"), json!({"disabled": true})).await.expect(409);
        admin.patch(&path, json!({"disabled": true, "reason": "x".repeat(1025)})).await.expect(400);
    }

    async fn a_new_password_ends_the_sessions_of_the_old_one(api: TestApi) {
        let path = format!("/users/{DEVELOPER}");
        let ended = async || {
            let user = api.service(ServiceName::AuthServer).get(&path).await.expect(200).json();
            user["sessionsEndedAt"].as_str().map(str::to_owned)
        };
        assert_eq!(ended().await, None);
        let dev = api.user(DEVELOPER, SCOPES);
        dev.patch(&path, json!({})).await.expect(200);
        assert_eq!(ended().await, None, "nothing has changed");
        dev.patch(&path, json!({"password": "Very-s3cret"})).await.expect(200);
        let first = ended().await;
        assert!(first.is_some());
        api.user(ADMIN, SCOPES).delete(&format!("{path}/password")).await.expect(204);
        assert!(ended().await > first);
    }
}

#[tokio::test]
async fn a_user_takes_his_data_along() {
    for market in Market::on_each_database().await {
        market.application(DEVELOPER, "shop").await;
        market.role(DEVELOPER, "shop", PARTNER, "reader").await;
        market
            .subscribe(PARTNER, "shop", PETS, "free")
            .await
            .expect(403);
        market
            .subscribe(DEVELOPER, "shop", ORDERS, "team")
            .await
            .expect(201);
        let path = format!("/users/{DEVELOPER}/export");
        market.get(PARTNER, &path).await.expect(403);
        let export = market.get(DEVELOPER, &path).await.expect(200);
        assert!(
            export
                .header("content-disposition")
                .starts_with("attachment")
        );
        let export = export.json();
        assert_eq!(export["user"]["email"], "dev-user@example.org");
        assert_eq!(export["applications"][0]["id"], "shop");
        assert_eq!(
            export["applications"][0]["owners"]
                .as_array()
                .unwrap()
                .len(),
            1,
            "others have their own data"
        );
        assert_eq!(export["requests"][0]["api"]["id"], ORDERS);
        assert!(export["activity"].as_array().unwrap().len() >= 3);
        assert!(
            !export
                .to_string()
                .contains("partner-user@example.org\",\"role")
        );
        market.get(ADMIN, &path).await.expect(200);
        assert_eq!(market.count("audit_log where action = 'export'").await, 2);
    }
}

#[tokio::test]
async fn applications_of_a_deleted_user_go_to_somebody_or_away() {
    for market in Market::on_each_database().await {
        market.application(DEVELOPER, "shop").await;
        market.application(DEVELOPER, "kiosk").await;
        market.role(DEVELOPER, "kiosk", PARTNER, "owner").await;
        market
            .subscribe(DEVELOPER, "shop", PETS, "free")
            .await
            .expect(201);
        let path = format!("/users/{DEVELOPER}");
        market.delete(DEVELOPER, &path).await.expect(409);
        for wrong in ["keep", "transfer:", "transfer:nobody", "transfer:dev-user"] {
            market
                .delete(DEVELOPER, &format!("{path}?applications={wrong}"))
                .await
                .expect(400);
        }
        market.listen().await;
        let transfer = format!("{path}?applications=transfer:{PARTNER}");
        market.delete(DEVELOPER, &transfer).await.expect(204);
        let owners = |application: &Value| {
            let owners = application["owners"].as_array().unwrap();
            owners
                .iter()
                .map(|one| {
                    format!(
                        "{}:{}",
                        one["userId"].as_str().unwrap(),
                        one["role"].as_str().unwrap()
                    )
                })
                .collect::<Vec<_>>()
        };
        for id in ["shop", "kiosk"] {
            let application = market
                .get(PARTNER, &format!("/applications/{id}"))
                .await
                .expect(200)
                .json();
            assert_eq!(owners(&application), ["partner-user:owner"]);
        }
        let kinds: Vec<_> = market
            .events()
            .await
            .into_iter()
            .map(|(kind, _)| kind)
            .collect();
        assert_eq!(
            kinds,
            ["owner.delete", "owner.add", "owner.delete", "user.delete"]
        );
        market
            .delete(PARTNER, &format!("/users/{PARTNER}?applications=delete"))
            .await
            .expect(204);
        assert_eq!(market.count("applications where id <> '__portal'").await, 0);
        assert_eq!(
            market
                .count("subscriptions where application_id <> '__portal'")
                .await,
            0
        );
        let kinds: Vec<_> = market
            .events()
            .await
            .into_iter()
            .map(|(kind, _)| kind)
            .collect();
        assert_eq!(
            kinds,
            ["application.delete", "application.delete", "user.delete"]
        );
    }
}

#[tokio::test]
async fn health_is_shown_to_keys_of_the_gateway_and_not_to_users() {
    let api = TestApi::start().await;
    let forged = api.anonymous().header("x-consumer-id", "key");
    forged.get("/health/ping").await.expect(403);
    let api = TestApi::with(&[], trust_this_machine).await;
    api.anonymous().get("/health/ping").await.expect(403);
    let key = || api.anonymous().header("x-consumer-id", "key");
    assert_eq!(
        key().get("/health/ping").await.expect(200).json(),
        json!({"message": "OK"})
    );
    let health = key().get("/health/systemhealth").await.expect(200).json();
    assert_eq!(
        (&health[0]["name"], &health[0]["healthy"]),
        (&json!("api"), &json!(2))
    );
    let user = key().header("x-consumer-custom-id", ADMIN);
    user.get("/health/ping").await.expect(404);
    let metrics = api.anonymous().header("via", "1.1 kong");
    metrics.get("/metrics").await.expect(403);
    let metrics = api.anonymous().get("/metrics").await.expect(200).text();
    let statements = r#"wicked_api_pg_response_times_count{command="select",entity="users"}"#;
    if api.is_on_postgres() {
        assert!(metrics.contains(statements), "{metrics}");
        assert!(metrics.contains("wicked_api_pg_pool_total_count"));
    }
    let id = api.anonymous().get("/randomId").await.expect(200);
    assert!(id.header("content-type").starts_with("text/plain"));
    assert_eq!(id.text().len(), 40);
}
