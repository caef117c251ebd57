//! Users (portal-api 8) and lists (6).

use serde_json::json;
use service::ServiceName;

use crate::support::{ADMIN, DEVELOPER, PARTNER, TestApi, on_both_databases, trust_this_machine};

const USERS: &str = "read_users write_users";

async fn create(api: &TestApi, body: serde_json::Value) -> String {
    let created = api
        .user(ADMIN, USERS)
        .post("/users", body)
        .await
        .expect(201)
        .json();
    created["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_operation_is_refused_without_its_scope_before_anything_else() {
    let api = TestApi::start().await;
    let caller = api.user(ADMIN, "read_apis");
    for (method, path, scope) in [
        ("GET", "/users", "read_users"),
        ("GET", "/users?email=x", "read_users"),
        ("POST", "/users", "write_users"),
        ("GET", "/users/unknown", "read_users"),
        ("PATCH", "/users/unknown", "write_users"),
        ("DELETE", "/users/unknown", "write_users"),
        ("DELETE", "/users/unknown/password", "write_users"),
        ("POST", "/login", "login"),
        ("GET", "/verifications", "read_verifications"),
        ("POST", "/verifications", "write_verifications"),
        ("POST", "/verifications/consume", "write_verifications"),
        ("GET", "/verifications/unknown", "read_verifications"),
        ("DELETE", "/verifications/unknown", "write_verifications"),
        ("GET", "/registrations/pools/wicked", "read_registrations"),
        (
            "GET",
            "/registrations/pools/$/users/x",
            "read_registrations",
        ),
        (
            "PUT",
            "/registrations/pools/$/users/x",
            "write_registrations",
        ),
        (
            "DELETE",
            "/registrations/pools/$/users/x",
            "write_registrations",
        ),
        ("GET", "/registrations/users/x", "read_registrations"),
        ("GET", "/pools/wicked/namespaces", "read_namespaces"),
        ("GET", "/pools/wicked/namespaces/x", "read_namespaces"),
        ("PUT", "/pools/wicked/namespaces/x", "write_namespaces"),
        ("DELETE", "/pools/wicked/namespaces/x", "write_namespaces"),
        ("GET", "/grants/x", "read_grants"),
        ("DELETE", "/grants/x", "write_grants"),
        ("GET", "/grants/x/applications/a/apis/b", "read_grants"),
        ("PUT", "/grants/x/applications/a/apis/b", "write_grants"),
        ("DELETE", "/grants/x/applications/a/apis/b", "write_grants"),
    ] {
        let body = matches!(method, "POST" | "PUT" | "PATCH").then(|| json!({"email": 7}));
        let answer = caller.send(method.parse().unwrap(), path, body).await;
        assert_eq!(answer.status, 403, "{method} {path}: {}", answer.text());
        let problem = answer.json();
        assert_eq!(problem["code"], 403, "{method} {path}");
        assert!(
            problem["message"].as_str().unwrap().contains(scope),
            "{method} {path}: {problem}"
        );
    }
}

on_both_databases! {
    async fn addresses_are_folded_and_unique(api: TestApi) {
        let admin = api.user(ADMIN, USERS);
        let created = admin
            .post("/users", json!({"email": " Ada@Example.ORG", "validated": true, "name": "Ada"}))
            .await
            .expect(201)
            .json();
        let id = created["id"].as_str().unwrap();
        assert_eq!(id.len(), 40);
        assert_eq!(created["email"], "ada@example.org");
        assert_eq!(created["groups"], json!(["dev"]));
        assert_eq!(created["applications"], json!([]));
        assert_eq!(created["admin"], false);
        assert_eq!(created["changedBy"], ADMIN);
        assert_eq!(created["_links"]["self"]["href"], format!("/users/{id}"));
        assert_eq!(created["_links"]["groups"]["href"], "/groups");
        for absent in ["password", "hasPassword", "name", "customId"] {
            assert!(created.get(absent).is_none(), "{absent}");
        }
        admin.post("/users", json!({"email": "ADA@example.org"})).await.expect(409);
        let federated = json!({"email": "b@example.org", "customId": "google:1"});
        admin.post("/users", federated).await.expect(201);
        let same = json!({"email": "c@example.org", "customId": "google:1"});
        admin.post("/users", same).await.expect(409);
        let unvalidated = admin.post("/users", json!({"email": "d@example.org"})).await.expect(201);
        assert_eq!(unvalidated.json()["groups"], json!([]));
    }

    async fn the_same_address_twice_at_once_makes_one_user(api: TestApi) {
        let admin = api.user(ADMIN, USERS);
        let body = json!({"email": "race@example.org", "password": "Geheim123"});
        let (a, b) = tokio::join!(admin.post("/users", body.clone()), admin.post("/users", body));
        let mut statuses = [a.status, b.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409]);
    }

    async fn users_are_found_by_address_and_custom_id(api: TestApi) {
        let id = create(&api, json!({"email": "ada@example.org", "customId": "google:1"})).await;
        let expected = json!([{"id": id, "email": "ada@example.org", "customId": "google:1"}]);
        let service = api.service(ServiceName::AuthServer);
        for query in ["email=%20ADA@example.org", "customId=google:1", "customId=google:1&email=x"] {
            assert_eq!(service.get(&format!("/users?{query}")).await.expect(200).json(), expected);
        }
        service.get("/users?email=nobody@example.org").await.expect(404);
        service.get("/users?customId=google:2").await.expect(404);
    }

    async fn the_list_is_for_administrators_and_in_pages(api: TestApi) {
        for (caller, status) in [(ADMIN, 200), (DEVELOPER, 403), ("unknown", 400)] {
            assert_eq!(api.user(caller, USERS).get("/users").await.status, status, "{caller}");
        }
        api.service(ServiceName::Portal).get("/users").await.expect(403);
        let page = api.user(ADMIN, USERS).get("/users?limit=2&offset=1").await.expect(200).json();
        assert_eq!(page["count"], 3);
        assert_eq!(page["offset"], 1);
        assert_eq!(page["limit"], 2);
        let ids: Vec<_> = page["items"].as_array().unwrap().iter().map(|u| &u["id"]).collect();
        assert_eq!(ids, [DEVELOPER, PARTNER]);
        assert_eq!(page["items"][0].as_object().unwrap().len(), 2, "{page}");
    }

    async fn users_read_and_change_only_themselves(api: TestApi) {
        let own = api.user(DEVELOPER, USERS);
        let shown = own.get(&format!("/users/{DEVELOPER}")).await.expect(200).json();
        assert_eq!(shown["validated"], true);
        own.get(&format!("/users/{PARTNER}")).await.expect(403);
        own.patch(&format!("/users/{PARTNER}"), json!({})).await.expect(403);
        own.delete(&format!("/users/{PARTNER}")).await.expect(403);
        let path = format!("/users/{DEVELOPER}");
        own.patch(&path, json!({"groups": ["dev"]})).await.expect(403);
        own.patch(&path, json!({"validated": false})).await.expect(403);
        own.patch(&path, json!({"mustChangePassword": false})).await.expect(403);
        own.patch(&path, json!({"customId": "google:1"})).await.expect(400);
        own.patch(&path, json!({"password": "x"})).await.expect(400);
        own.patch(&path, json!({"password": "x", "forcePasswordUpdate": true})).await.expect(403);
        own.patch(&path, json!({"name": "Ada", "validated": true})).await.expect(200);
        let changed = own.patch(&path, json!({"email": "New@example.org"})).await.expect(200).json();
        assert_eq!(changed["email"], "new@example.org");
        assert_eq!(changed["validated"], false);
        let admin = api.user(ADMIN, USERS);
        let changed = admin.patch(&path, json!({"groups": ["x"], "validated": true})).await.expect(200);
        assert_eq!(changed.json()["groups"], json!(["x", "dev"]));
        let found = admin.get("/users?email=new@example.org").await.expect(200).json();
        assert_eq!(found[0]["id"], DEVELOPER);
    }

    async fn an_address_that_somebody_has_cannot_be_taken_over(api: TestApi) {
        let path = format!("/users/{DEVELOPER}");
        let taken = json!({"email": format!("{PARTNER}@example.org")});
        api.user(DEVELOPER, USERS).patch(&path, taken).await.expect(409);
    }

    async fn deleted_users_are_gone(api: TestApi) {
        let id = create(&api, json!({"email": "ada@example.org"})).await;
        let path = format!("/users/{id}");
        let own = api.user(&id, USERS);
        own.delete(&path).await.expect(204);
        own.get(&path).await.expect(404);
        own.delete(&path).await.expect(404);
        api.user(ADMIN, USERS).get(&path).await.expect(404);
    }

    async fn a_user_with_an_application_cannot_be_deleted(api: TestApi) {
        let scopes = "write_users read_users write_applications";
        let owner = api.user(DEVELOPER, scopes);
        owner.post("/applications", json!({"id": "orders", "name": "Orders"})).await.expect(201);
        let path = format!("/users/{DEVELOPER}");
        let shown = owner.get(&path).await.expect(200).json();
        assert_eq!(shown["applications"], json!([{"id": "orders"}]));
        owner.delete(&path).await.expect(409);
        owner.get(&path).await.expect(200);
        owner.delete("/applications/orders").await.expect(204);
        owner.delete(&path).await.expect(204);
    }
}

#[tokio::test]
async fn bodies_that_describe_no_user_are_refused() {
    let api = TestApi::start().await;
    let admin = api.user(ADMIN, USERS);
    for body in [
        json!({}),
        json!([]),
        json!({"customId": "google:1"}),
        json!({"email": "nonsense"}),
        json!({"email": 7}),
        json!({"email": "a@example.org", "groups": "admin"}),
        json!({"email": "a@example.org", "password": "short"}),
        json!({"email": "a@example.org", "password": "no hash", "passwordIsHashed": true}),
        json!({"email": "a@example.org", "customId": "x".repeat(300)}),
    ] {
        let answer = admin.post("/users", body.clone()).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.text());
    }
    admin
        .post("/users", json!({"email": "a@example.org", "id": ADMIN}))
        .await
        .expect(403);
    api.user(DEVELOPER, USERS)
        .post("/users", json!({"email": "a@example.org"}))
        .await
        .expect(403);
    api.user("unknown", USERS)
        .post("/users", json!({"email": "a@example.org"}))
        .await
        .expect(403);
}

#[tokio::test]
async fn machine_users_are_made_by_services_only() {
    let api = TestApi::start().await;
    let machine = json!({
        "customId": "internal:adapter", "email": "adapter@example.org", "groups": ["admin"],
    });
    api.anonymous()
        .post("/users/machine", machine.clone())
        .await
        .expect(403);
    let service = api.service(ServiceName::GatewayAdapter);
    for (change, status) in [
        (json!({"customId": null}), 400),
        (json!({"customId": "google:1"}), 400),
        (json!({"customId": "internal:"}), 400),
        (json!({"password": "Geheim123"}), 400),
        (json!({"groups": ["partners"]}), 403),
        (json!({"id": ADMIN}), 403),
        (json!({}), 201),
        (json!({}), 409),
    ] {
        let mut body = machine.clone();
        body.as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        let answer = service.post("/users/machine", body).await;
        assert_eq!(answer.status, status, "{change}: {}", answer.text());
    }
    let portal = api.service(ServiceName::Portal);
    let other = json!({
        "customId": "internal:portal", "email": "portal@example.org", "groups": ["admin"],
    });
    portal.post("/users/machine", other).await.expect(403);
}

#[tokio::test]
async fn trusted_peers_are_believed_and_calls_of_their_gateway_are_not_internal() {
    let api = TestApi::with(&[], trust_this_machine).await;
    let machine = json!({
        "id": "m1", "customId": "internal:kong", "email": "kong@example.org", "groups": ["admin"],
    });
    let gateway = api.anonymous().header("x-consumer-custom-id", "s1");
    gateway
        .post("/users/machine", machine.clone())
        .await
        .expect(403);
    let created = api
        .anonymous()
        .post("/users/machine", machine.clone())
        .await
        .expect(201)
        .json();
    assert_eq!(created["id"], "m1");
    let mut again = machine;
    again["customId"] = json!("internal:other");
    again["email"] = json!("other@example.org");
    api.anonymous()
        .post("/users/machine", again)
        .await
        .expect(409);
    let peer = api
        .anonymous()
        .header("x-authenticated-userid", "sub=m1")
        .header("x-authenticated-scope", USERS);
    peer.get("/users").await.expect(200);
}

#[tokio::test]
async fn every_change_of_a_user_is_an_event_in_order() {
    let api = TestApi::start().await;
    let admin = api.user(ADMIN, "read_users write_users webhooks");
    let listener = json!({"id": "watcher", "url": "https://watcher.invalid/"});
    admin
        .put("/webhooks/listeners/watcher", listener)
        .await
        .expect(200);
    let user = json!({"email": "ada@example.org", "customId": "google:1"});
    let id = admin.post("/users", user.clone()).await.expect(201).json()["id"].clone();
    admin.post("/users", user).await.expect(409);
    let path = format!("/users/{}", id.as_str().unwrap());
    admin.patch(&path, json!({})).await.expect(200);
    admin
        .patch(&path, json!({"password": "x"}))
        .await
        .expect(400);
    admin.delete(&format!("{path}/password")).await.expect(204);
    admin.delete(&path).await.expect(204);
    let events = admin
        .get("/webhooks/events/watcher")
        .await
        .expect(200)
        .json();
    let seen: Vec<_> = events
        .as_array()
        .unwrap()
        .iter()
        .map(|event| json!([event["entity"], event["action"], event["data"]]))
        .collect();
    assert_eq!(
        seen,
        [
            json!(["user", "add", {"userId": id, "email": "ada@example.org", "customId": "google:1"}]),
            json!(["user", "update", {"updatedUserId": id, "userId": ADMIN}]),
            json!(["user", "delete", {"deletedUserId": id, "userId": ADMIN}]),
        ]
    );
}
