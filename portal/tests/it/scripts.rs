//! The same routes for scripts: JSON in, JSON out, no redirects (portal-ui 4, 5).

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::neighbours::TestPortal;

const APP: &str = "/applications/tracking-dashboard";

#[tokio::test]
async fn pages_are_objects_for_those_who_ask_for_json() {
    let portal = TestPortal::start().await;
    let mut lena = portal.lena().await;
    let members: &[(&str, &[&str])] = &[
        (
            "/apis/shipments",
            &[
                "title",
                "apiInfo",
                "apiPlans",
                "applications",
                "apiUris",
                "apiSubscriptions",
                "partnerOnly",
            ],
        ),
        ("/applications", &["title", "applications"]),
        (APP, &["title", "application", "roles", "subscriptions"]),
        (
            "/applications/tracking-dashboard/subscribe/shipments",
            &["title", "apiInfo", "apiPlans", "application"],
        ),
        (
            "/applications/tracking-dashboard/subscriptions/tracking",
            &["application", "api", "subscription"],
        ),
        ("/admin/approvals", &["title", "approvals"]),
    ];
    for (path, members) in members {
        let (status, body) = lena.json(path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        for member in *members {
            assert!(body.get(*member).is_some(), "{path}: {member} in {body}");
        }
    }
    let (_, apis) = lena.json("/apis").await;
    assert_eq!(apis.as_array().unwrap().len(), 4);
    let (_, apis) = lena.json("/apis?filter=on&Tracking=on").await;
    assert_eq!(apis[0]["id"], "tracking");
    assert_eq!(apis.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_api_says_what_each_own_application_can_do_with_it() {
    let portal = TestPortal::start().await;
    let (_, api) = portal.lena().await.json("/apis/shipments").await;
    assert_eq!(
        api["apiUris"],
        json!([format!("{}/shipments/v2", "http://localhost:8000")])
    );
    assert_eq!(
        api["apiInfo"]["desc"],
        "Book, change and cancel *shipments*."
    );
    assert!(
        api["desc_html"]
            .as_str()
            .unwrap()
            .contains("<em>shipments</em>")
    );
    assert_eq!(
        api["apiSubscriptions"],
        Value::Null,
        "for administrators only"
    );
    let application = &api["applications"][0];
    assert_eq!(application["id"], "tracking-dashboard");
    assert_eq!(application["hasSubscription"], false);
    assert_eq!(application["maySubscribe"], true);
    assert_eq!(application["subscribeError"], Value::Null);
    let (_, api) = portal.lena().await.json("/apis/invoices").await;
    let application = &api["applications"][0];
    assert_eq!(application["hasSubscription"], true);
    assert_eq!(application["subscriptionApproved"], true);
    assert_eq!(application["plan"]["name"], "Starter");
    let (_, applications) = portal.lena().await.json("/applications").await;
    assert_eq!(applications["applications"][0]["userRole"], "owner");
    let (_, plans) = portal
        .lena()
        .await
        .json("/applications/tracking-dashboard/subscribe/shipments")
        .await;
    assert_eq!(plans["apiPlans"][0].get("config"), None);
}

#[tokio::test]
async fn guests_get_refusals_instead_of_redirects() {
    let portal = TestPortal::start().await;
    let mut guest = portal.guest();
    let (status, body) = guest.json("/applications").await;
    assert_eq!(
        (status, &body["applications"]),
        (StatusCode::OK, &json!([]))
    );
    assert!(!body["message"].as_str().unwrap().is_empty());
    for path in [APP, "/admin/approvals"] {
        let (status, body) = guest.json(path).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(body["statusCode"], 403);
        for member in ["message", "error", "correlationId"] {
            assert!(body[member].is_string(), "{path}: {member}");
        }
    }
    let accept = [("accept", "application/json"), ("x-csrf-token", "")];
    let answer = guest
        .send(
            Method::POST,
            "/applications/check-app",
            &accept,
            Some(&[("app_id", "shop")]),
        )
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

/// Address, members, and the status of the answer.
const CHANGES: &[(&str, &str, u16)] = &[
    (
        "/applications/register",
        r#"{"appid": "new-app", "appname": "New"}"#,
        201,
    ),
    (
        "/applications/register",
        r#"{"appid": "taken", "appname": "New"}"#,
        409,
    ),
    (
        "/applications/register",
        r#"{"appid": ["x", {"y": 1}]}"#,
        400,
    ),
    (
        "/applications/tracking-dashboard/patch",
        r#"{"appdesc": "", "redirecturi": []}"#,
        200,
    ),
    (
        "/applications/tracking-dashboard/patch",
        r#"{"redirecturi": ["http://evil.example"]}"#,
        400,
    ),
    (
        "/applications/tracking-dashboard/owners/add",
        r#"{"owneremail": "piet@haven.example", "ownerrole": "reader"}"#,
        201,
    ),
    (
        "/applications/tracking-dashboard/owners/add",
        r#"{"owneremail": "piet@haven.example", "ownerrole": "king"}"#,
        400,
    ),
    (
        "/applications/tracking-dashboard/owners/add",
        r#"{"owneremail": "nobody@haven.example", "ownerrole": "reader"}"#,
        400,
    ),
    (
        "/applications/tracking-dashboard/owners/delete",
        r#"{"owneremail": "piet@haven.example"}"#,
        200,
    ),
    (
        "/applications/tracking-dashboard/subscribe/shipments",
        r#"{"plan": "starter", "trusted": true}"#,
        201,
    ),
    (
        "/applications/tracking-dashboard/subscribe/shipments",
        r#"{"plan": "other"}"#,
        409,
    ),
    (
        "/applications/tracking-dashboard/unsubscribe/invoices",
        "{}",
        204,
    ),
    (
        "/applications/tracking-dashboard/subscriptions/tracking",
        r#"{"scope_mode": "select", "scope": ["read"]}"#,
        200,
    ),
    (
        "/applications/tracking-dashboard/subscriptions/tracking",
        r#"{"scope_mode": "some"}"#,
        400,
    ),
    ("/applications/tracking-dashboard/unregister", "{}", 204),
    (
        "/admin/approvals/approve",
        r#"{"id": "a1", "app": "haven-erp"}"#,
        400,
    ),
    (
        "/admin/approvals/approve",
        r#"{"id": "a1", "app": "other", "api": "shipments"}"#,
        400,
    ),
    (
        "/admin/approvals/approve",
        r#"{"id": "a2", "app": "haven-erp", "api": "shipments"}"#,
        404,
    ),
    (
        "/admin/approvals/approve",
        r#"{"id": "a1", "app": "haven-erp", "api": "shipments"}"#,
        200,
    ),
    (
        "/admin/approvals/decline",
        r#"{"app": "haven-erp", "api": "shipments"}"#,
        204,
    ),
];

#[tokio::test]
async fn changes_answer_with_what_became_of_the_thing() {
    let portal = TestPortal::start().await;
    let mut lena = portal.lena().await;
    for &(path, body, status) in CHANGES {
        let answer = lena
            .send_json(path, &serde_json::from_str(body).unwrap())
            .await;
        assert_eq!(
            answer.status.as_u16(),
            status,
            "{path} {body}: {}",
            answer.body
        );
        let answer = answer.json();
        if status >= 400 {
            assert_eq!(answer["statusCode"], status, "{path} {body}");
        } else {
            assert_eq!(answer.is_object(), status != 204, "{path} {body}");
        }
    }
    let done = portal.log.entries();
    for note in [
        r#"change {"id":"tracking-dashboard","description":"","redirectUris":[]}"#,
        r#"add owner {"email":"piet@haven.example","role":"reader"}"#,
        "remove owner userEmail=piet%40haven.example",
        r#"change subscription {"allowedScopesMode":"select","allowedScopes":["read"]}"#,
        "remove tracking-dashboard",
        r#"/approvals/a1/decline {"reason":"No reason was given."}"#,
    ] {
        assert!(
            done.iter().any(|entry| entry == note),
            "{note} in {done:#?}"
        );
    }
}

#[tokio::test]
async fn ids_are_checked_while_they_are_typed_but_not_without_end() {
    let portal = TestPortal::start().await;
    let mut lena = portal.lena().await;
    for (id, valid) in [("free-id", true), ("taken", false), ("Un Fit", false)] {
        let answer = lena
            .send_json("/applications/check-app", &json!({"app_id": id}))
            .await
            .json();
        assert_eq!(answer["valid"], valid, "{id}: {answer}");
        assert_eq!(answer["app_id"], id);
        assert!(!answer["message"].as_str().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_change_without_the_token_of_the_session_is_refused() {
    let portal = TestPortal::start().await;
    let mut lena = portal.lena().await;
    for token in ["", "wrong"] {
        let headers = [("accept", "application/json"), ("x-csrf-token", token)];
        let path = "/applications/tracking-dashboard/unregister";
        let answer = lena.send(Method::POST, path, &headers, Some(&[])).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    assert!(
        !portal
            .log
            .entries()
            .contains(&"remove tracking-dashboard".to_owned())
    );
}

#[tokio::test]
async fn people_change_members_and_details_on_the_page() {
    let portal = TestPortal::start().await;
    let mut lena = portal.lena().await;
    let changed = lena
        .submit(
            APP,
            &format!("{APP}/patch"),
            &[("appname", "Board"), ("appdesc", "")],
        )
        .await;
    assert_eq!(
        (changed.status, changed.location()),
        (StatusCode::SEE_OTHER, APP)
    );
    lena.get(APP).await.shows("The application is changed.");
    let refused = [
        ("owneremail", "nobody@haven.example"),
        ("ownerrole", "reader"),
    ];
    lena.submit(APP, &format!("{APP}/owners/add"), &refused)
        .await;
    lena.get(APP).await.shows("Unknown user or role.");
    let page = format!("{APP}/unregister");
    lena.get(&page).await.shows("Delete Tracking dashboard?");
    let removed = lena.submit(&page, &page, &[]).await;
    assert_eq!(removed.location(), "/applications");
    let scopes = "/applications/tracking-dashboard/subscriptions/tracking";
    lena.get(scopes)
        .await
        .shows("Only administrators can change this.");
}

#[tokio::test]
async fn a_personal_token_takes_the_place_of_a_session() {
    let portal = TestPortal::start().await;
    let mut program = portal.guest();
    let show = [
        ("accept", "application/json"),
        ("authorization", "Bearer wgp_of-lena"),
    ];
    let answer = program.send(Method::GET, "/users/me", &show, None).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json()["userInfo"]["id"], "lena-id");
    assert_eq!(answer.header("set-cookie"), "", "a token makes no session");
    // No other site can make a browser show a token, so no form token is needed.
    let path = "/applications/tracking-dashboard/unregister";
    let done = program.send(Method::POST, path, &show, Some(&[])).await;
    assert_eq!(done.status, StatusCode::NO_CONTENT);
    let exchanges = portal.log.entries();
    let exchanges = exchanges
        .iter()
        .filter(|entry| entry.contains("token-exchange"));
    assert_eq!(exchanges.count(), 1, "one exchange does for a while");
    for wrong in [
        "Bearer wgp_unknown",
        "Bearer access-token-of-lena",
        "Bearer",
    ] {
        let show = [("accept", "application/json"), ("authorization", wrong)];
        let refused = portal
            .guest()
            .send(Method::GET, "/users/me", &show, None)
            .await;
        let expected = if wrong == "Bearer" { 403 } else { 401 };
        assert_eq!(refused.status.as_u16(), expected, "{wrong}");
        assert_eq!(refused.json()["statusCode"], expected);
    }
}

#[tokio::test]
async fn consoles_on_the_gateway_may_ask_before_they_read() {
    let portal = TestPortal::start().await;
    let path = "/apis/shipments/swagger";
    let asked = portal.guest().send(Method::OPTIONS, path, &[], None).await;
    assert_eq!(asked.status, StatusCode::NO_CONTENT);
    assert_eq!(
        asked.header("access-control-allow-origin"),
        "http://localhost:8000"
    );
    assert_eq!(asked.header("access-control-allow-credentials"), "true");
    assert!(
        asked
            .header("access-control-allow-headers")
            .contains("Correlation-Id")
    );
}
