//! What exists before the first request (portal-api 2.2), and administrators by command.

use config::Tree;
use portal_api::{FirstAdmin, bootstrap};
use serde_json::json;
use service::ServiceName;
use tokio::sync::mpsc;

use crate::support::{ADMIN, DEVELOPER, TestApi, on_both_databases};

const READ: &str = "read_users read_applications read_subscriptions";

on_both_databases! {
    async fn the_portal_has_an_application_and_a_trusted_subscription(api: TestApi) {
        let admin = api.user(ADMIN, READ);
        let application = admin.get("/applications/__portal").await.expect(200).json();
        assert_eq!(application["clientType"], "confidential");
        let callback = application["redirectUri"].as_str().unwrap();
        assert!(callback.ends_with("/login/callback"), "{callback}");
        let path = "/applications/__portal/subscriptions/portal-api";
        let subscription = admin.get(path).await.expect(200).json();
        assert_eq!(subscription["plan"], "__internal_api_unlimited");
        assert_eq!(subscription["trusted"], true);
        assert_eq!(subscription["approved"], true);
        let client = api.portal_client();
        let verify = format!("/subscriptions/{}/verify", client.client_id);
        let service = api.service(ServiceName::AuthServer);
        service.post(&verify, json!({"clientSecret": client.client_secret})).await.expect(200);
        service.post(&verify, json!({"clientSecret": "wrong"})).await.expect(403);
        let api = api.restart().await;
        let again = api.user(ADMIN, READ).get(path).await.expect(200).json();
        assert_eq!(again["id"], subscription["id"]);
        assert_eq!(again["changedDate"], subscription["changedDate"], "written without need");
    }

    async fn initial_users_are_created_once_and_never_changed(api: TestApi) {
        let scopes = "read_users write_users";
        let path = format!("/users/{DEVELOPER}");
        let groups = json!({"groups": ["dev", "other"]});
        api.user(ADMIN, scopes).patch(&path, groups).await.expect(200);
        let api = api.restart().await;
        let user = api.user(ADMIN, scopes).get(&path).await.expect(200).json();
        assert_eq!(user["groups"], json!(["dev", "other"]));
        assert_eq!(user["validated"], true);
    }
}

#[tokio::test]
async fn instances_that_start_together_agree_on_postgres() {
    let Some(api) = TestApi::start_on_postgres().await else {
        return;
    };
    let (one, two) = tokio::join!(api.another(), api.another());
    let path = "/applications/__portal/subscriptions/portal-api";
    let first = one.user(ADMIN, READ).get(path).await.expect(200).json();
    let second = two.user(ADMIN, READ).get(path).await.expect(200).json();
    assert_eq!(first["id"], second["id"]);
}

#[tokio::test]
async fn an_installation_without_an_administrator_gets_one() {
    let (password, mut passwords) = mpsc::unbounded_channel();
    let first = FirstAdmin {
        email: "Root@example.org".to_owned(),
        password,
    };
    // The sample without the users that the other tests have.
    let sample = Tree::sample();
    let files = [("globals.json", sample.text("globals.json").unwrap())];
    let api = TestApi::with(&files, |settings| {
        settings.first_admin = Some(first.clone());
    })
    .await;
    let password = passwords.try_recv().unwrap();
    let service = api.service(ServiceName::AuthServer);
    let login = json!({"email": "root@example.org", "password": password});
    let user = service.post("/login", login).await.expect(200).json();
    assert_eq!(user[0]["id"], "1");
    assert_eq!(user[0]["admin"], true);
    assert_eq!(user[0]["validated"], true);
    let root = api.user("1", "read_users write_users");
    let is_done = async || {
        let setup = root.get("/setup").await.expect(200).json();
        let steps = setup["steps"].as_array().unwrap().clone();
        let mut steps = steps.iter();
        steps.find(|step| step["id"] == "own-account").unwrap()["done"] == true
    };
    let new = json!({"email": "dev@example.org", "validated": true, "groups": []});
    let dev = service.post("/users", new).await.expect(201).json();
    assert!(
        !is_done().await,
        "somebody who registers is no administrator"
    );
    let path = format!("/users/{}", dev["id"].as_str().unwrap());
    root.patch(&path, json!({"groups": ["admin"]}))
        .await
        .expect(200);
    assert!(is_done().await);
    let _api = api
        .restart_with(&files, |settings| settings.first_admin = Some(first))
        .await;
    assert!(passwords.try_recv().is_err(), "a second password was made");
}

#[tokio::test]
async fn operators_reset_passwords_and_grant_rights() {
    let api = TestApi::start().await;
    let configuration = api.configuration.clone();
    let email = format!("{DEVELOPER}@example.org");
    let stopped = api.into_parts().await;
    let db = stopped.open().await;
    let password = bootstrap::reset_password(&db, &email).await.unwrap();
    bootstrap::grant_admin(&db, &configuration, &email)
        .await
        .unwrap();
    bootstrap::grant_admin(&db, &configuration, &email)
        .await
        .unwrap();
    assert!(
        bootstrap::reset_password(&db, "nobody@example.org")
            .await
            .is_err()
    );
    drop(db);
    let api = stopped.start().await;
    let login = json!({"email": email, "password": password});
    let user = api
        .service(ServiceName::AuthServer)
        .post("/login", login)
        .await
        .expect(200)
        .json();
    assert_eq!(user[0]["admin"], true);
}
