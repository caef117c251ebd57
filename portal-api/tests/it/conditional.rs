//! `ETag`, `If-None-Match`, `If-Match` (portal-api A3).

use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};

use crate::{
    authorization::ALL_SCOPES,
    openapi::furnish,
    support::{ADMIN, TestApi, on_both_databases},
};

/// Every change that can be conditional, where its state is read, and a body it takes.
fn changes() -> Vec<(Method, String, Value)> {
    let user = format!("/users/{ADMIN}");
    let registration = format!("/registrations/pools/wicked/users/{ADMIN}");
    let grant = format!("/grants/{ADMIN}/applications/market/apis/orders");
    let grants = format!("/grants/{ADMIN}");
    let namespace = "/pools/tenants/namespaces/acme".to_owned();
    let subscription = "/applications/market/subscriptions/orders".to_owned();
    let application = "/applications/market".to_owned();
    let draft = "/config/draft".to_owned();
    vec![
        (
            Method::PUT,
            format!("/users/{ADMIN}/preferences"),
            json!({"mails": {"approval": false}, "digest": true}),
        ),
        (
            Method::PUT,
            draft.clone(),
            json!({"base": "3f78", "files": [{"path": "content/help.md", "content": "Help"}]}),
        ),
        (Method::DELETE, draft, json!(null)),
        (
            Method::PATCH,
            user.clone(),
            json!({"mustChangePassword": true}),
        ),
        (Method::PUT, registration.clone(), json!({"name": "Other"})),
        (Method::DELETE, registration, json!(null)),
        (
            Method::PUT,
            grant.clone(),
            json!({"grants": [{"scope": "write_orders"}]}),
        ),
        (Method::DELETE, grant, json!(null)),
        (Method::DELETE, grants, json!(null)),
        (
            Method::PUT,
            namespace.clone(),
            json!({"description": "Other"}),
        ),
        (Method::DELETE, namespace, json!(null)),
        (
            Method::PATCH,
            subscription.clone(),
            json!({"trusted": true}),
        ),
        (
            Method::PATCH,
            subscription.clone(),
            json!({"plan": "unlimited"}),
        ),
        (Method::DELETE, subscription, json!(null)),
        (
            Method::PATCH,
            application.clone(),
            json!({"id": "market", "name": "Other"}),
        ),
        (Method::DELETE, application, json!(null)),
        (
            Method::PATCH,
            "/teams/crew".to_owned(),
            json!({"name": "Other"}),
        ),
        (Method::DELETE, "/teams/crew".to_owned(), json!(null)),
    ]
}

#[test]
fn every_conditional_operation_is_tried_below() {
    let document = portal_api::openapi::document();
    let mut described: Vec<(String, String)> = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            if parameters
                .clone()
                .any(|parameter| parameter["name"] == "If-Match")
            {
                described.push((method.to_uppercase(), path.clone()));
            }
        }
    }
    let fits = |address: &str, path: &str| {
        let (address, path) = (address.split('/'), path.split('/'));
        address.clone().count() == path.clone().count()
            && address.zip(path).all(|(a, b)| b.starts_with('{') || a == b)
    };
    let tried = changes();
    for (method, path) in described {
        // These need an id that is known only then, or would end the caller himself.
        let is_apart = matches!(path.as_str(), "/verifications/{id}" | "/approvals/{id}");
        if is_apart || (method == "DELETE" && path == "/users/{user}") {
            continue;
        }
        let is_tried = tried
            .iter()
            .any(|(verb, address, _)| *verb == *method.as_str() && fits(address, &path));
        assert!(is_tried, "{method} {path}");
    }
}

on_both_databases! {
    async fn a_change_is_made_only_from_the_state_it_names(api: TestApi) {
        furnish(&api).await;
        for (method, path, body) in changes() {
            let body = Some(body).filter(|body| !body.is_null());
            let admin = || api.user(ADMIN, ALL_SCOPES);
            let before = admin().get(&path).await.expect(200);
            let tag = before.header("etag").to_owned();
            assert!(tag.starts_with('"'), "{path} has a strong validator: {tag}");
            let known = admin().header("if-none-match", tag.clone());
            let unchanged = known.get(&path).await.expect(304);
            assert_eq!(unchanged.header("etag"), tag);
            assert!(unchanged.text().is_empty());
            for wrong in ["\"0123\"".to_owned(), format!("W/{tag}")] {
                let caller = admin().header("if-match", wrong);
                caller.send(method.clone(), &path, body.clone()).await.expect(412);
            }
            let after = admin().get(&path).await.expect(200);
            assert_eq!(after.header("etag"), tag, "{method} {path} changed nothing");
            let caller = admin().header("if-match", tag.clone());
            let answer = caller.send(method.clone(), &path, body.clone()).await;
            assert!(answer.status < 300, "{method} {path}: {}", answer.text());
            let now = admin().get(&path).await;
            if method != Method::DELETE {
                assert_eq!(answer.header("etag"), now.header("etag"), "{method} {path}");
            }
            if now.header("etag") == tag {
                // Nothing was there to be deleted.
                continue;
            }
            let again = admin().header("if-match", tag).send(method, &path, body).await;
            assert!(matches!(again.status, 404 | 412), "{path}: {}", again.status);
        }
    }

    async fn a_request_is_assigned_only_as_it_was_read(api: TestApi) {
        furnish(&api).await;
        let admin = || api.user(ADMIN, ALL_SCOPES);
        let requests = admin().get("/approvals").await.expect(200).json();
        let path = format!("/approvals/{}", requests[0]["id"].as_str().unwrap());
        let tag = admin().get(&path).await.expect(200).header("etag").to_owned();
        let assign = async |tag: &str| {
            let caller = admin().header("if-match", tag);
            caller.patch(&path, json!({"assignee": ADMIN})).await
        };
        assign("\"0123\"").await.expect(412);
        let answer = assign(&tag).await.expect(200);
        let now = admin().get(&path).await.expect(200);
        assert_eq!(answer.header("etag"), now.header("etag"));
        assign(&tag).await.expect(412);
    }

    async fn of_many_changes_from_one_state_one_is_made(api: TestApi) {
        furnish(&api).await;
        let path = "/applications/market";
        let admin = || api.user(ADMIN, ALL_SCOPES);
        for round in 0..3 {
            let tag = admin().get(path).await.expect(200).header("etag").to_owned();
            let patches = (0..12).map(|number| {
                let caller = admin().header("if-match", tag.clone());
                let body = json!({"id": "market", "name": format!("Name {round} {number}")});
                async move { caller.patch(path, body).await.status }
            });
            let statuses = join_all(patches).await;
            let made = statuses.iter().filter(|status| **status == 200).count();
            assert_eq!(made, 1, "{statuses:?}");
            assert!(statuses.iter().all(|status| matches!(status, 200 | 412)), "{statuses:?}");
        }
    }

    async fn of_many_creations_at_once_one_creates(api: TestApi) {
        furnish(&api).await;
        for (path, body) in [
            ("/pools/tenants/namespaces/fresh", json!({"description": "New"})),
            ("/registrations/pools/wicked/users/dev-user", json!({"name": "New"})),
            (
                "/grants/dev-user/applications/market/apis/orders",
                json!({"grants": [{"scope": "read_orders"}]}),
            ),
        ] {
            let puts = (0..12).map(|_| {
                let caller = api.user(ADMIN, ALL_SCOPES).header("if-none-match", "*");
                let body = body.clone();
                async move { caller.put(path, body).await.status }
            });
            let statuses = join_all(puts).await;
            let made = statuses.iter().filter(|status| **status == 204).count();
            assert_eq!(made, 1, "{path}: {statuses:?}");
            assert!(statuses.iter().all(|status| matches!(status, 204 | 412)), "{statuses:?}");
        }
    }

    async fn what_must_not_exist_is_made_only_then(api: TestApi) {
        let path = "/pools/tenants/namespaces/acme";
        let fresh = || api.user(ADMIN, ALL_SCOPES).header("if-none-match", "*");
        fresh().put(path, json!({"description": "Acme"})).await.expect(204);
        fresh().put(path, json!({"description": "Other"})).await.expect(412);
        let named = api.user(ADMIN, ALL_SCOPES).header("if-match", "*");
        named.put("/pools/tenants/namespaces/beta", json!({"description": "B"})).await.expect(412);
    }
}
