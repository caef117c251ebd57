//! Registrations and namespaces (portal-api 11, 12).

use serde_json::{Value, json};
use service::ServiceName;

use crate::support::{ADMIN, DEVELOPER, PARTNER, TestApi, on_both_databases};

const SCOPES: &str = "read_registrations write_registrations read_namespaces write_namespaces";

async fn put(api: &TestApi, user: &str, body: Value) {
    let path = format!("/registrations/pools/wicked/users/{user}");
    api.user(user, SCOPES).put(&path, body).await.expect(204);
}

/// The token of an invitation, as the mailer gets it.
async fn invited(api: &TestApi, body: Value, pool: &str) -> String {
    let mailer = api.service(ServiceName::Mailer);
    let listener =
        json!({"id": "mailer", "url": "http://127.0.0.1:9/", "events": ["pool_invitation.add"]});
    let path = "/webhooks/listeners/mailer";
    mailer.put(path, listener).await.expect(200);
    let path = format!("/registrations/pools/{pool}/invitations");
    let made = api.user(ADMIN, SCOPES).post(&path, body).await.expect(201);
    let events = mailer
        .get("/webhooks/events/mailer")
        .await
        .expect(200)
        .json();
    let data = &events.as_array().unwrap().last().unwrap()["data"];
    assert_eq!(data["poolId"], pool);
    let link = data["link"].as_str().unwrap();
    assert!(link.ends_with("/auth/invitations/{{id}}"), "{link}");
    let token = data["id"].as_str().unwrap().to_owned();
    assert!(!made.text().contains(&token));
    token
}

async fn names(api: &TestApi, query: &str) -> Vec<String> {
    let path = format!("/registrations/pools/wicked?{query}");
    let page = api.user(ADMIN, SCOPES).get(&path).await.expect(200).json();
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|item| item["name"].as_str().unwrap().to_owned())
        .collect()
}

on_both_databases! {
    async fn a_registration_is_replaced_as_a_whole(api: TestApi) {
        put(&api, DEVELOPER, json!({"name": "Ada", "company": "Analytical", "shoe": 7})).await;
        let path = format!("/registrations/pools/wicked/users/{DEVELOPER}");
        let own = api.user(DEVELOPER, SCOPES);
        let first = own.get(&path).await.expect(200).json();
        assert_eq!(first["count"], 1);
        assert_eq!(first["items"][0]["company"], "Analytical");
        assert_eq!(first["items"][0]["email"], format!("{DEVELOPER}@example.org"));
        assert!(first["items"][0].get("shoe").is_none());
        assert!(first["items"][0].get("namespace").is_none());
        assert!(first.get("offset").is_none());
        put(&api, DEVELOPER, json!({"name": "Ada L.", "userId": PARTNER})).await;
        let second = own.get(&path).await.expect(200).json();
        assert_eq!(second["items"][0]["id"], first["items"][0]["id"]);
        assert_eq!(second["items"][0]["name"], "Ada L.");
        assert!(second["items"][0].get("company").is_none());
        let all = own.get(&format!("/registrations/users/{DEVELOPER}")).await.expect(200).json();
        assert_eq!(all["pools"]["wicked"][0]["name"], "Ada L.");
        own.delete(&path).await.expect(204);
        own.delete(&path).await.expect(204);
        assert_eq!(own.get(&path).await.expect(200).json()["count"], 0);
        let all = own.get(&format!("/registrations/users/{DEVELOPER}")).await.expect(200).json();
        assert_eq!(all, json!({"pools": {}}));
    }

    async fn who_is_invited_registers_once(api: TestApi) {
        let place = |user: &str| format!("/registrations/pools/guests/users/{user}");
        let (admin, own) = (api.user(ADMIN, SCOPES), api.user(DEVELOPER, SCOPES));
        let auth_server = api.service(ServiceName::AuthServer);
        let token = invited(&api, json!({"email": "Guest@example.org"}), "guests").await;
        let open = "/registrations/invitations/open";
        let shown = auth_server.post(open, json!({"token": token})).await.expect(200).json();
        assert_eq!(
            (&shown["poolId"], &shown["email"], shown.get("namespace")),
            (&json!("guests"), &json!("guest@example.org"), None)
        );
        own.post(open, json!({"token": token})).await.expect(403);
        auth_server.post(open, json!({"token": "x".repeat(129)})).await.expect(400);
        for invitation in [json!(null), json!("wrong"), json!("x".repeat(129)), json!(7)] {
            let mut body = json!({"name": "Ada", "invitation": invitation});
            if invitation.is_null() {
                body.as_object_mut().unwrap().remove("invitation");
            }
            let status = if invitation == "wrong" || invitation.is_null() { 403 } else { 400 };
            own.put(&place(DEVELOPER), body.clone()).await.expect(status);
            // The auth server is no administrator here: it shows what its visitor has.
            auth_server.put(&place(DEVELOPER), body).await.expect(status);
        }
        // What is refused uses nothing up.
        own.put(&place(DEVELOPER), json!({"invitation": token})).await.expect(400);
        let body = json!({"name": "Ada", "invitation": token});
        own.put(&place(DEVELOPER), body.clone()).await.expect(204);
        let kept = own.get(&place(DEVELOPER)).await.expect(200).json();
        assert!(!kept.to_string().contains(&token));
        api.user(PARTNER, SCOPES).put(&place(PARTNER), body).await.expect(403);
        auth_server.post(open, json!({"token": token})).await.expect(404);
        // Whoever is registered says more about himself without being asked again.
        own.put(&place(DEVELOPER), json!({"name": "Ada L."})).await.expect(204);
        admin.put(&place(PARTNER), json!({"name": "Pat"})).await.expect(204);
    }

    async fn an_invitation_is_for_one_namespace_and_goes_with_it(api: TestApi) {
        let admin = api.user(ADMIN, SCOPES);
        for namespace in ["acme", "other"] {
            let path = format!("/pools/members/namespaces/{namespace}");
            admin.put(&path, json!({"description": "A place"})).await.expect(204);
        }
        let all = "/registrations/pools/members/invitations";
        for (body, status) in [
            (json!({"email": "guest@example.org"}), 400),
            (json!({"email": "guest@example.org", "namespace": "nowhere"}), 400),
            (json!({"email": "nobody", "namespace": "acme"}), 400),
            (json!({"namespace": "acme"}), 400),
        ] {
            admin.post(all, body).await.expect(status);
        }
        let guest = json!({"email": "guest@example.org"});
        admin.post("/registrations/pools/wicked/invitations", guest.clone()).await.expect(400);
        admin.post("/registrations/pools/none/invitations", guest).await.expect(404);
        let body = json!({"email": "guest@example.org", "namespace": "acme"});
        let token = invited(&api, body.clone(), "members").await;
        admin.post(all, body).await.expect(409);
        let own = api.user(DEVELOPER, SCOPES);
        let path = format!("/registrations/pools/members/users/{DEVELOPER}");
        let body = |namespace| json!({"name": "Ada", "namespace": namespace, "invitation": token});
        own.put(&path, body("other")).await.expect(403);
        admin.delete("/pools/members/namespaces/acme").await.expect(204);
        assert_eq!(admin.get(all).await.expect(200).json(), json!([]));
        let back = json!({"description": "Again"});
        admin.put("/pools/members/namespaces/acme", back).await.expect(204);
        own.put(&path, body("acme")).await.expect(403);
    }

    async fn lists_are_filtered_and_ordered(api: TestApi) {
        put(&api, ADMIN, json!({"name": "Carol", "company": "100% Orders"})).await;
        put(&api, DEVELOPER, json!({"name": "alice", "company": "Acme"})).await;
        put(&api, PARTNER, json!({"name": "Bob", "company": "Acme_2"})).await;
        assert_eq!(names(&api, "embed=1&order_by=name%20DESC&limit=1&offset=2").await.len(), 1);
        assert_eq!(names(&api, "order_by=company%20DESC").await, ["Bob", "alice", "Carol"]);
        assert_eq!(names(&api, "order_by=company%20ASC").await, ["Carol", "alice", "Bob"]);
        assert_eq!(names(&api, r#"filter={"company":"ACME","name":"B"}"#).await, ["Bob"]);
        assert_eq!(names(&api, r#"filter={"name":"LIC"}"#).await, ["alice"]);
        assert_eq!(names(&api, r#"filter={"company":"_"}"#).await, ["Bob"]);
        assert_eq!(names(&api, r#"filter={"company":"0%25"}"#).await, ["Carol"]);
        assert_eq!(names(&api, r#"filter={"unknown":"a"}"#).await.len(), 0);
        assert_eq!(names(&api, r#"filter={"name":7}"#).await.len(), 3);
        assert_eq!(names(&api, "filter={broken&order_by=company").await.len(), 3);
        let hostile = r#"filter={"name'; drop table users; --":"x"}&order_by=id;drop%20ASC"#;
        assert_eq!(names(&api, hostile).await.len(), 0);
        let page = api.user(ADMIN, SCOPES).get("/registrations/pools/wicked?limit=1").await.json();
        assert_eq!(page["count"], 3);
    }

    async fn two_namespaces_live_side_by_side(api: TestApi) {
        // The tenants' pool is part of every test configuration.
        let admin = api.user(ADMIN, SCOPES);
        let own = api.user(DEVELOPER, SCOPES);
        let path = format!("/registrations/pools/tenants/users/{DEVELOPER}");
        for (namespace, status) in [(json!(null), 400), (json!("ACME"), 400), (json!("acme"), 400)] {
            let body = json!({"name": "Ada", "namespace": namespace});
            own.put(&path, body).await.expect(status);
        }
        for namespace in ["acme", "umbrella"] {
            let body = json!({"description": namespace, "vat": "DE1"});
            admin.put(&format!("/pools/tenants/namespaces/{namespace}"), body).await.expect(204);
            own.put(&path, json!({"name": "Ada", "namespace": namespace})).await.expect(204);
        }
        assert_eq!(own.get(&path).await.expect(200).json()["count"], 2);
        admin.get("/registrations/pools/tenants").await.expect(400);
        let page = admin.get("/registrations/pools/tenants?namespace=acme").await.expect(200).json();
        assert_eq!(page["items"][0]["namespace"], "acme");
        let list = admin.get("/pools/tenants/namespaces?limit=1").await.expect(200).json();
        assert_eq!(list["count"], 2);
        assert_eq!(list["items"][0]["namespace"], "acme");
        assert_eq!(list["items"][0]["vat"], "DE1");
        let found = admin.get(r#"/pools/tenants/namespaces?filter={"vat":"de","namespace":"umb"}"#).await;
        assert_eq!(found.expect(200).json()["items"][0]["description"], "umbrella");
        admin.delete("/pools/tenants/namespaces/acme").await.expect(409);
        admin.delete("/pools/tenants/namespaces/acme?cascade=true").await.expect(204);
        admin.get("/pools/tenants/namespaces/acme").await.expect(404);
        assert_eq!(own.get(&path).await.expect(200).json()["count"], 1);
        own.delete(&format!("{path}?namespace=umbrella")).await.expect(204);
        admin.delete("/pools/tenants/namespaces/umbrella").await.expect(204);
        admin.delete("/pools/tenants/namespaces/umbrella").await.expect(204);
        own.get("/pools/tenants/namespaces").await.expect(403);
        admin.get("/pools/wicked/namespaces").await.expect(400);
        admin.get("/pools/unknown/namespaces").await.expect(404);
    }
}

#[tokio::test]
async fn refusals_come_in_the_order_of_the_contract() {
    let api = TestApi::start().await;
    for (caller, pool, user, body, status) in [
        (DEVELOPER, "Wicked", PARTNER, json!({}), 400),
        (DEVELOPER, "unknown", PARTNER, json!({}), 404),
        (
            DEVELOPER,
            "wicked",
            DEVELOPER,
            json!({"name": "Ada", "namespace": "acme"}),
            400,
        ),
        (DEVELOPER, "wicked", PARTNER, json!({}), 403),
        ("unknown", "wicked", "unknown", json!({}), 403),
        (ADMIN, "wicked", "unknown", json!({}), 404),
        (ADMIN, "wicked", PARTNER, json!({}), 400),
        (DEVELOPER, "wicked", DEVELOPER, json!({"name": ""}), 400),
        (
            DEVELOPER,
            "wicked",
            DEVELOPER,
            json!({"name": ["Ada"]}),
            400,
        ),
        (
            DEVELOPER,
            "wicked",
            DEVELOPER,
            json!({"name": "x".repeat(256)}),
            400,
        ),
        (
            DEVELOPER,
            "wicked",
            DEVELOPER,
            json!({"name": "Ada", "company": null}),
            204,
        ),
        (ADMIN, "wicked", PARTNER, json!({"name": "Bob"}), 204),
    ] {
        let path = format!("/registrations/pools/{pool}/users/{user}");
        let answer = api.user(caller, SCOPES).put(&path, body.clone()).await;
        assert_eq!(answer.status, status, "{path} {body}: {}", answer.text());
    }
    api.user(DEVELOPER, SCOPES)
        .get("/registrations/pools/wicked")
        .await
        .expect(403);
    api.user(DEVELOPER, SCOPES)
        .get(&format!("/registrations/users/{PARTNER}"))
        .await
        .expect(403);
}
