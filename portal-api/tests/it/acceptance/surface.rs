//! Checks 1, 2, 16, 19, 20 and 21: what cuts across all resources.

use http::Method;
use serde_json::json;

use super::*;

#[tokio::test]
async fn check_01_a_fresh_installation_answers_old_clients() {
    for api in installations().await {
        let nobody = api.anonymous();
        let ping = nobody.get("/ping").await.expect(200).json();
        assert_eq!(ping["message"], "OK");
        let version = ping["version"].as_str().unwrap();
        assert!(version >= "1.0.0", "compared as texts by old clients");
        let hash = nobody.get("/confighash").await.expect(200);
        assert!(hash.header("content-type").starts_with("text/plain"));
        let with_hash = |hash: String| api.anonymous().header("x-config-hash", hash);
        let globals = with_hash(hash.text()).get("/globals").await.expect(200);
        assert_eq!(
            globals.header("content-type"),
            "application/json; charset=utf-8"
        );
        for member in ["configDate", "lastCommit", "environment", "network"] {
            assert!(globals.json().get(member).is_some(), "{member}");
        }
        with_hash("0".repeat(40)).get("/globals").await.expect(428);
        with_hash("0".repeat(40)).get("/ping").await.expect(200);
        let agent = |agent: &str| api.anonymous().header("user-agent", agent);
        for (name, status) in [
            ("wicked.portal/99.0.0", 428),
            ("wicked.portal/not-a-version", 428),
            ("wicked.portal/1.0.0-rc.14", 200),
            ("curl/8.0", 200),
            ("wicked", 200),
        ] {
            agent(name).get("/globals").await.expect(status);
            agent(name).get("/pools").await.expect(status);
        }
    }
}

/// Method, path and scope of every row of section 7 that has one.
const SCOPED: &[(&str, &str, &str)] = &[
    ("POST", "/kill", "restart_api"),
    ("GET", "/plans", "read_plans"),
    ("GET", "/groups", "read_groups"),
    ("GET", "/pools/tenants/namespaces", "read_namespaces"),
    ("GET", "/pools/tenants/namespaces/acme", "read_namespaces"),
    ("PUT", "/pools/tenants/namespaces/acme", "write_namespaces"),
    (
        "DELETE",
        "/pools/tenants/namespaces/acme",
        "write_namespaces",
    ),
    ("GET", "/registrations/pools/wicked", "read_registrations"),
    (
        "GET",
        "/registrations/pools/wicked/users/x",
        "read_registrations",
    ),
    (
        "PUT",
        "/registrations/pools/wicked/users/x",
        "write_registrations",
    ),
    (
        "DELETE",
        "/registrations/pools/wicked/users/x",
        "write_registrations",
    ),
    ("GET", "/registrations/users/x", "read_registrations"),
    ("GET", "/users", "read_users"),
    ("GET", "/users?customId=x", "read_users"),
    ("GET", "/users?email=x", "read_users"),
    ("POST", "/users", "write_users"),
    ("GET", "/users/x", "read_users"),
    ("PATCH", "/users/x", "write_users"),
    ("DELETE", "/users/x", "write_users"),
    ("DELETE", "/users/x/password", "write_users"),
    ("POST", "/login", "login"),
    ("GET", "/applications", "read_applications"),
    ("POST", "/applications", "write_applications"),
    ("GET", "/applications/roles", "read_applications"),
    ("GET", "/applications/x", "read_applications"),
    ("PATCH", "/applications/x", "write_applications"),
    ("DELETE", "/applications/x", "write_applications"),
    ("POST", "/applications/x/owners", "write_applications"),
    ("DELETE", "/applications/x/owners", "write_applications"),
    ("GET", "/applications/x/subscriptions", "read_subscriptions"),
    (
        "POST",
        "/applications/x/subscriptions",
        "write_subscriptions",
    ),
    (
        "GET",
        "/applications/x/subscriptions/y",
        "read_subscriptions",
    ),
    (
        "PATCH",
        "/applications/x/subscriptions/y",
        "write_subscriptions",
    ),
    (
        "DELETE",
        "/applications/x/subscriptions/y",
        "write_subscriptions",
    ),
    ("GET", "/subscriptions", "read_subscriptions"),
    ("GET", "/approvals", "read_approvals"),
    ("GET", "/approvals/x", "read_approvals"),
    ("GET", "/grants/x", "read_grants"),
    ("DELETE", "/grants/x", "write_grants"),
    ("GET", "/grants/x/applications/y/apis/z", "read_grants"),
    ("PUT", "/grants/x/applications/y/apis/z", "write_grants"),
    ("DELETE", "/grants/x/applications/y/apis/z", "write_grants"),
    ("POST", "/verifications", "write_verifications"),
    ("GET", "/verifications", "read_verifications"),
    ("GET", "/verifications/x", "read_verifications"),
    ("DELETE", "/verifications/x", "write_verifications"),
    ("GET", "/apis", "read_apis"),
    ("GET", "/apis/desc", "read_apis"),
    ("GET", "/apis/x", "read_apis"),
    ("GET", "/apis/x/config", "read_apis"),
    ("GET", "/apis/x/desc", "read_apis"),
    ("GET", "/apis/x/swagger", "read_apis"),
    ("GET", "/apis/x/plans", "read_apis"),
    ("GET", "/apis/x/subscriptions", "read_apis"),
    ("GET", "/auth-servers", "read_auth_servers"),
    ("GET", "/auth-servers/x", "read_auth_servers"),
    ("GET", "/templates/auth", "read_templates"),
    ("GET", "/templates/chatbot", "read_templates"),
    ("GET", "/templates/email/x", "read_templates"),
    ("GET", "/templates/texts", "read_content"),
    ("GET", "/content", "read_content"),
    ("GET", "/content/toc", "read_content"),
    ("GET", "/content/x", "read_content"),
    ("GET", "/webhooks/listeners", "webhooks"),
    ("PUT", "/webhooks/listeners/x", "webhooks"),
    ("DELETE", "/webhooks/listeners/x", "webhooks"),
    ("GET", "/webhooks/events/x", "webhooks"),
    ("DELETE", "/webhooks/events/x", "webhooks"),
    ("DELETE", "/webhooks/events/x/y", "webhooks"),
    ("GET", "/auditlog", "read_auditlog"),
    ("DELETE", "/auditlog/2020-01-01", "write_auditlog"),
];

/// Rows that another change brings; it has to take them out of here.
const COMING: [&str; 1] = ["/kill"];

#[tokio::test]
async fn check_02_every_operation_names_the_scope_it_needs_before_anything_else() {
    let api = installations().await.remove(0);
    let other_scope = |scope: &str| {
        if scope == "read_plans" {
            "login"
        } else {
            "read_plans"
        }
    };
    for (method, path, scope) in SCOPED {
        let method: Method = method.parse().unwrap();
        let body = (method != Method::GET && method != Method::DELETE).then(|| json!({"x": 1}));
        // Even for somebody who does not exist, and with a body that makes no sense.
        for user in ["nobody", ADMIN] {
            let caller = with_scopes(&api, user, other_scope(scope));
            let answer = caller.send(method.clone(), path, body.clone()).await;
            if COMING.contains(path) && answer.status == 404 {
                continue;
            }
            assert_eq!(answer.status, 403, "{method} {path}: {}", answer.text());
            let refusal = answer.json();
            assert_eq!(refusal["code"], 403, "{method} {path}");
            let message = refusal["message"].as_str().unwrap();
            assert!(message.contains(scope), "{method} {path}: {message}");
        }
    }
    // Of two scopes the first one that is missing is named.
    for (path, second) in [
        ("/apis/x/plans", "read_plans"),
        ("/apis/x/subscriptions", "read_subscriptions"),
    ] {
        let answer = with_scopes(&api, ADMIN, "read_apis")
            .get(path)
            .await
            .expect(403);
        assert!(answer.text().contains(second));
    }
}

#[tokio::test]
async fn check_16_lists_are_ordered_filtered_and_paged() {
    for api in installations().await {
        let admin = old(&api, ADMIN);
        for (id, name, owner) in [
            ("shop-b", "Alpha Shop", DEVELOPER),
            ("shop-a", "Beta Shop", PARTNER),
            ("mobile", "Gamma 100%", DEVELOPER),
        ] {
            let body = json!({"id": id, "name": name});
            old(&api, owner)
                .post("/applications", body)
                .await
                .expect(201);
        }
        let list = async |query: &str| {
            let answer = admin
                .get(&format!("/applications?{query}"))
                .await
                .expect(200)
                .json();
            let ids: Vec<String> = ids(&answer["items"])
                .iter()
                .map(|id| (*id).to_owned())
                .collect();
            (ids, answer)
        };
        let (all, envelope) = list("").await;
        assert_eq!(all, ["__portal", "mobile", "shop-a", "shop-b"]);
        assert_eq!(envelope["count"], 4);
        assert_eq!(envelope["offset"], 0);
        assert_eq!(envelope["limit"], 0);
        assert!(envelope["count_cached"].is_boolean());
        assert_eq!(envelope["items"][1], json!({"id": "mobile"}));
        assert_eq!(list("embed=1&order_by=name%20ASC").await.0[1], "shop-a");
        assert_eq!(list("embed=1&order_by=name%20desc").await.0[1], "mobile");
        assert_eq!(list("embed=1&order_by=name").await.0, all, "no direction");
        assert_eq!(
            list("embed=1&order_by=shoe%20ASC").await.0,
            all,
            "no such field"
        );
        let filter = r#"{"name":"SHOP","ownerEmail":"dev-user"}"#;
        assert_eq!(
            list(&format!("embed=true&filter={filter}")).await.0,
            ["shop-b"]
        );
        assert_eq!(
            list(r#"embed=1&filter={"name":"100%"}"#).await.0,
            ["mobile"]
        );
        assert_eq!(list(r#"embed=1&filter={"name":"%"}"#).await.0, ["mobile"]);
        assert!(list(r#"embed=1&filter={"shoe":"x"}"#).await.0.is_empty());
        for ignored in ["{", "[]", r#"{"name":1}"#, "%7B%", "shop"] {
            assert_eq!(
                list(&format!("embed=1&filter={ignored}")).await.0,
                all,
                "{ignored}"
            );
        }
        assert_eq!(
            list(r#"filter={"name":"SHOP"}"#).await.0,
            all,
            "without embed"
        );
        let (page, envelope) = list("embed=1&limit=2&offset=1").await;
        assert_eq!(page, ["mobile", "shop-a"]);
        assert_eq!(envelope["count"], 4);
        assert_eq!(
            list("limit=2&offset=3").await.0,
            ["shop-b"],
            "paged without embed, too"
        );
        assert_eq!(list("offset=3").await.0, all, "an offset needs a limit");
        let embedded = list("embed=1").await.1;
        let mobile = &embedded["items"][1];
        assert_eq!(mobile["ownerUserId"], DEVELOPER);
        assert_eq!(mobile["ownerEmail"], "dev-user@example.org");
        assert!(mobile.get("owners").is_none());
        with_scopes(&api, "nobody", ALL_SCOPES)
            .get("/applications")
            .await
            .expect(403);
        old(&api, DEVELOPER).get("/applications").await.expect(403);
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one story, told in its order")]
async fn check_19_every_operation_makes_its_event_for_every_listener() {
    for api in installations().await {
        listen(&api, "one-").await;
        listen(&api, "two-").await;
        let admin = old(&api, ADMIN);
        let dev = old(&api, DEVELOPER);
        let body = json!({"email": "ada@example.org", "password": "secret1"});
        let ada = admin.post("/users", body).await.expect(201).json();
        let ada = ada["id"].as_str().unwrap().to_owned();
        let machine = json!({"customId": "internal:x", "email": "x@wicked.haufe.io", "validated": true, "groups": ["admin"]});
        api.anonymous()
            .post("/users/machine", machine)
            .await
            .expect(201);
        admin
            .patch(&format!("/users/{ada}"), json!({}))
            .await
            .expect(200);
        let user = format!("/users/{DEVELOPER}");
        let registration = format!("/registrations/pools/wicked/users/{DEVELOPER}");
        dev.put(&registration, json!({"name": "Dev"}))
            .await
            .expect(204);
        application(&api, DEVELOPER, "shop").await;
        dev.patch("/applications/shop", json!({"id": "shop", "name": "Shop"}))
            .await
            .expect(200);
        let owner = json!({"email": "partner-user@example.org", "role": "reader"});
        dev.post("/applications/shop/owners", owner)
            .await
            .expect(201);
        dev.delete("/applications/shop/owners?userEmail=partner-user@example.org")
            .await
            .expect(200);
        // Neither of these changes anything.
        dev.delete("/applications/shop/owners?userEmail=admin-user@example.org")
            .await
            .expect(200);
        dev.delete("/applications/shop/owners?userEmail=nobody@example.org")
            .await
            .expect(400);
        subscribe(&api, DEVELOPER, "shop", "petstore", "free")
            .await
            .expect(201);
        subscribe(&api, DEVELOPER, "shop", "petstore", "free")
            .await
            .expect(409);
        subscribe(&api, DEVELOPER, "shop", "orders", "team")
            .await
            .expect(201);
        let subscription = "/applications/shop/subscriptions/orders";
        admin
            .patch(subscription, json!({"approved": true}))
            .await
            .expect(200);
        dev.delete("/applications/shop/subscriptions/petstore")
            .await
            .expect(204);
        for kind in ["email", "lostpassword"] {
            let body =
                json!({"type": kind, "email": "ada@example.org", "link": "https://p/{{id}}"});
            admin.post("/verifications", body).await.expect(204);
        }
        let list = admin.get("/verifications").await.expect(200).json();
        let verification = list[0]["id"].as_str().unwrap().to_owned();
        let verified = old(&api, ADMIN).header("x-verificationid", verification.clone());
        let path = format!("/users/{ada}");
        verified
            .patch(&path, json!({"validated": true}))
            .await
            .expect(204);
        verified
            .patch(&path, json!({"password": "other-1"}))
            .await
            .expect(204);
        admin
            .delete(&format!("/verifications/{verification}"))
            .await
            .expect(204);
        admin
            .delete(&format!("/verifications/{verification}"))
            .await
            .expect(204);
        dev.delete("/applications/shop").await.expect(204);
        admin.delete(&path).await.expect(204);
        admin.delete(&path).await.expect(404);
        // Listed as having none.
        admin.delete(&format!("{user}/password")).await.expect(204);
        dev.delete(&registration).await.expect(204);
        let expected = [
            "user.add",
            "user.add",
            "user.update",
            "registration.add",
            "application.add",
            "application.update",
            "owner.add",
            "owner.delete",
            "subscription.add",
            "subscription.add",
            "approval.add",
            "subscription.update",
            "subscription.delete",
            "verification_email.add",
            "verification_lostpassword.add",
            "user.validated",
            "user.password",
            "verification.delete",
            "application.delete",
            "user.delete",
        ];
        let heard = events(&api, "one-").await;
        let kinds: Vec<&str> = heard.iter().map(|(kind, _)| kind.as_str()).collect();
        assert_eq!(kinds, expected);
        assert_eq!(
            heard[0].1,
            json!({"userId": ada, "email": "ada@example.org"})
        );
        assert_eq!(heard[2].1, json!({"updatedUserId": ada, "userId": ADMIN}));
        assert_eq!(
            heard[3].1,
            json!({"userId": DEVELOPER, "email": "dev-user@example.org"})
        );
        assert_eq!(
            heard[4].1,
            json!({"applicationId": "shop", "userId": DEVELOPER})
        );
        let added = json!({"applicationId": "shop", "userId": DEVELOPER, "addedUserId": PARTNER, "role": "reader"});
        assert_eq!(heard[6].1, added);
        assert_eq!(heard[7].1["deletedUserId"], PARTNER);
        assert_eq!(heard[9].1["planId"], "team");
        for member in ["userId", "applicationId", "apiId", "planId"] {
            assert!(heard[10].1[member].is_string(), "{member}");
        }
        assert_eq!(heard[11].1["userId"], ADMIN);
        assert_eq!(heard[12].1["auth"], "key-auth");
        assert_eq!(heard[15].1["userId"], ada.as_str());
        let deleted = &heard[18].1["subscriptions"];
        assert_eq!(deleted.as_array().unwrap().len(), 1);
        assert_eq!(deleted[0]["api"], "orders");
        assert!(deleted[0].get("clientSecret").is_none());
        assert_eq!(heard[19].1, json!({"deletedUserId": ada, "userId": ADMIN}));
        let second = events(&api, "two-").await;
        assert_eq!(second.len(), heard.len());
        assert!(
            events(&api, "one-").await.is_empty(),
            "acknowledged ones are gone"
        );
        // What was answered survives the end of the process.
        admin
            .post("/users", json!({"email": "eve@example.org"}))
            .await
            .expect(201);
        let globals = globals();
        let files = [("globals.json", globals.as_str()), ("apis/apis.json", APIS)];
        let api = api.restart_with(&files, trust_this_machine).await;
        assert_eq!(events(&api, "two-").await[0].0, "user.add");
    }
}

#[tokio::test]
async fn check_20_definitions_are_served_for_the_gateway() {
    let swagger = r#"{"swagger": "2.0", "info": {"title": "Pets", "version": "1"}, "host": "inside",
        "paths": {"/pets": {"get": {"security": [{"x": []}], "responses": {}}}}}"#;
    let openapi = r#"{"openapi": "3.0.3", "info": {"title": "Orders", "version": "1"},
        "servers": [{"url": "http://inside"}],
        "paths": {"/orders": {"get": {"security": [{"x": []}], "responses": {}}}}}"#;
    let globals = globals();
    let apis = APIS.replace(
        r#""enable_client_credentials""#,
        r#""enable_authorization_code": true, "enable_client_credentials""#,
    );
    let files = [
        ("globals.json", globals.as_str()),
        ("apis/apis.json", apis.as_str()),
        ("apis/petstore/swagger.json", swagger),
        ("apis/orders/swagger.json", openapi),
        ("apis/timezones/swagger.json", swagger),
    ];
    let api = TestApi::with(&files, trust_this_machine).await;
    let dev = old(&api, DEVELOPER);
    let pets = dev.get("/apis/petstore/swagger").await.expect(200).json();
    assert_ne!(pets["host"], "inside");
    assert!(pets["host"].is_string() && pets["basePath"].is_string());
    assert_eq!(pets["schemes"].as_array().unwrap().len(), 1);
    assert_eq!(pets["security"], json!([{"key": []}]));
    let key = &pets["securityDefinitions"]["key"];
    assert_eq!(
        (&key["type"], &key["in"]),
        (&json!("apiKey"), &json!("header"))
    );
    assert!(pets["paths"]["/pets"]["get"].get("security").is_none());
    let orders = dev.get("/apis/orders/swagger").await.expect(200).json();
    assert_ne!(orders["servers"][0]["url"], "http://inside");
    let schemes = orders["components"]["securitySchemes"].as_object().unwrap();
    let flows: Vec<_> = schemes
        .values()
        .flat_map(|scheme| scheme["flows"].as_object().unwrap().keys())
        .collect();
    assert_eq!(flows, ["authorizationCode", "clientCredentials"]);
    assert_eq!(orders["security"].as_array().unwrap().len(), 2);
    dev.get("/apis/timezones/swagger").await.expect(403);
    old(&api, PARTNER)
        .get("/apis/timezones/swagger")
        .await
        .expect(200);
    old(&api, "nobody")
        .get("/apis/petstore/swagger")
        .await
        .expect(403);
    dev.get("/apis/unknown/swagger").await.expect(404);
}

#[tokio::test]
async fn check_21_hostile_input_does_no_harm() {
    for api in installations().await {
        let admin = old(&api, ADMIN);
        for path in [
            "/auth-servers/..%2Fglobals",
            "/auth-servers/%2e%2e%2fglobals",
            "/templates/email/..%2F..%2Fglobals",
            "/apis/..%2F..%2Fglobals/config",
            "/content/..%2Fglobals.json",
            "/pools/..%2Fglobals",
            "/users/%27%20or%20%271%27=%271",
        ] {
            let answer = admin.get(path).await;
            assert!(
                matches!(answer.status, 400 | 404),
                "{path}: {}",
                answer.status
            );
            assert!(!answer.text().contains("initialUsers"), "{path}");
        }
        let quoted = r#"embed=1&filter={"name' or 1=1 --":"x"}&order_by=id;drop table users ASC"#;
        admin
            .get(&format!("/applications?{quoted}"))
            .await
            .expect(200);
        let large = json!({"email": "x".repeat(1024 * 1024)});
        admin.post("/users", large).await.expect(413);
        for body in [
            json!({}),
            json!([]),
            json!({"email": {}}),
            json!({"email": ["x"]}),
        ] {
            admin.post("/users", body.clone()).await.expect(400);
            admin.post("/login", body).await.expect(400);
        }
        let answer = admin.get("/users?callback=alert").await.expect(200);
        assert!(
            answer
                .header("content-type")
                .starts_with("application/json")
        );
        api.anonymous()
            .header("x-authenticated-userid", "4711")
            .get("/users/1")
            .await
            .expect(400);
        api.anonymous().get("/ping").await.expect(200);
    }
}

#[tokio::test]
async fn addresses_are_matched_without_regard_to_case_and_slashes_at_the_end() {
    let api = installations().await.remove(0);
    let admin = old(&api, ADMIN);
    for path in ["/users/", "/confighash/"] {
        admin.get(path).await.expect(200);
    }
    application(&api, DEVELOPER, "shop").await;
    subscribe(&api, DEVELOPER, "shop", "petstore", "free")
        .await
        .expect(201);
    let path = "/Applications/shop/SUBSCRIPTIONS/petstore/";
    admin.get(path).await.expect(200);
    // Ids are not folded.
    admin.get("/applications/Shop").await.expect(404);
    admin.send(Method::HEAD, "/users", None).await.expect(200);
    // There is no 405.
    for (method, path) in [
        (Method::PUT, "/users"),
        (Method::POST, "/ping"),
        (Method::GET, "/nowhere"),
    ] {
        let answer = admin.send(method, path, None).await.expect(404);
        assert!(answer.json()["message"].is_string());
    }
}

#[tokio::test]
async fn errors_are_problem_details_for_those_who_ask() {
    let api = installations().await.remove(0);
    let plain = old(&api, ADMIN).get("/users/nobody").await.expect(404);
    assert_eq!(
        plain.header("content-type"),
        "application/json; charset=utf-8"
    );
    assert_eq!(plain.json()["status"], 404);
    let asking = old(&api, ADMIN)
        .header("accept", "application/problem+json")
        .header("correlation-id", "abc-1");
    let problem = asking.get("/users/nobody").await.expect(404);
    assert!(
        problem
            .header("content-type")
            .starts_with("application/problem+json")
    );
    assert_eq!(problem.header("correlation-id"), "abc-1");
    let body = problem.json();
    for member in [
        "type",
        "title",
        "detail",
        "instance",
        "message",
        "correlationId",
    ] {
        assert!(body[member].is_string(), "{member}");
    }
    asking.get("/users").await.expect(200);
}
