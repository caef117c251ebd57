//! The pages of administrators and approvers (portal-ui 5.5, 5.6, 11): who gets which of them, as a
//! page and as JSON, and what can be done there.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{browser::Browser, neighbours::TestPortal};

/// Address, whether approvers get it, members of the JSON, and a text of the page.
const PAGES: &[(&str, bool, &[&str], &str)] = &[
    (
        "/admin/approvals",
        true,
        &["title", "approvals"],
        "=Haven ERP",
    ),
    (
        "/admin/users",
        false,
        &["title", "users"],
        "Person &#60;0&#62;",
    ),
    (
        "/admin/applications",
        false,
        &["title", "applications"],
        "App 0",
    ),
    (
        "/admin/subscriptions",
        true,
        &["title", "subscriptions"],
        "App 0",
    ),
    (
        "/admin/auditlog",
        false,
        &["title", "auditlog"],
        "add subscription",
    ),
    (
        "/admin/subscribe",
        false,
        &["title", "applications", "apis"],
        "World clock",
    ),
    (
        "/admin/listeners",
        false,
        &["title", "listeners"],
        "portal-mailer",
    ),
    (
        "/admin/listeners/mailer",
        false,
        &["title", "events", "deliveries", "stats"],
        "application:haven-erp",
    ),
    (
        "/admin/verifications",
        false,
        &["title", "verifications"],
        "New password",
    ),
    (
        "/admin/invitations",
        false,
        &["title", "pools", "pool", "invitations"],
        "haven.example",
    ),
    (
        "/admin/health",
        false,
        &["title", "health"],
        "2 days, 3:01:02",
    ),
    ("/admin/gateways", false, &["title", "gateways"], "gw-ham-1"),
    (
        "/admin/configuration",
        false,
        &["title", "configuration"],
        "Raise &#60;limits&#62;",
    ),
    ("/admin/usage", false, &["title", "usage"], "1,234"),
    (
        "/admin/first-run",
        false,
        &["title", "setup"],
        "Use your own configuration",
    ),
    (
        "/admin",
        false,
        &["title", "health", "configuration", "gateway"],
        "Slack answered &#60;403&#62;",
    ),
];

const FILES: &[(&str, bool)] = &[
    ("/admin/approvals_csv", true),
    ("/admin/subscriptions_csv", true),
    ("/admin/auditlog_csv", false),
    ("/admin/apis/invoices/subscriptions_csv", false),
    ("/admin/usage.csv", false),
];

#[tokio::test]
async fn every_page_is_for_those_who_may_see_it() {
    let portal = TestPortal::start().await;
    let (mut admin, mut approver, mut developer) =
        (portal.ann().await, portal.lena().await, portal.jo().await);
    for (path, for_approvers, members, text) in PAGES {
        // The clock needs no subscription, so it is not among the choices.
        let text = if *path == "/admin/subscribe" {
            "Tracking events"
        } else {
            text
        };
        let (status, body) = admin.json(path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        for member in *members {
            assert!(body.get(*member).is_some(), "{path}: {member} in {body}");
        }
        let page = admin.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        page.shows(text);
        assert_eq!(page.body.matches("<h1").count(), 1, "{path}");
        assert!(!page.body.contains(" style="), "{path} has no inline style");
        admin.language = "de";
        admin.get(path).await.shows(r#"<html lang="de""#);
        admin.language = "en";

        let (status, _) = approver.json(path).await;
        let expected = if *for_approvers {
            StatusCode::OK
        } else {
            StatusCode::FORBIDDEN
        };
        assert_eq!(status, expected, "{path} as approver");
        let page = approver.get(path).await;
        if *path == "/admin" {
            assert_eq!(page.location(), "/admin/approvals");
        } else {
            assert_eq!(page.status, expected, "{path} as approver");
        }
        let (status, body) = developer.json(path).await;
        assert_eq!(
            (status, &body["statusCode"]),
            (StatusCode::FORBIDDEN, &json!(403)),
            "{path} as developer"
        );
        assert_eq!(developer.get(path).await.status, StatusCode::FORBIDDEN);
        guest(&portal, path).await;
    }
}

#[tokio::test]
async fn administrators_invite_into_pools_that_ask_for_it() {
    let portal = TestPortal::start().await;
    let mut admin = portal.ann().await;
    let (_, body) = admin.json("/admin/invitations").await;
    assert_eq!(
        (&body["pools"], &body["pool"]),
        (&json!(["crew", "guests"]), &json!("crew"))
    );
    let here = "/admin/invitations?pool=guests";
    let page = admin.get(here).await;
    page.shows("<option value=\"acme\">");
    assert_eq!(
        admin.get("/admin/invitations?pool=wicked").await.status,
        404
    );
    let form = [("email", " new@haven.example "), ("namespace", "acme")];
    let sent = admin.submit(here, "/admin/invitations/guests", &form).await;
    assert_eq!(sent.location(), here);
    admin
        .get(here)
        .await
        .shows("on its way to new@haven.example");
    let twice = [("email", "twice@haven.example")];
    let sent = admin
        .submit(here, "/admin/invitations/guests", &twice)
        .await;
    assert_eq!(sent.location(), here);
    admin.get(here).await.shows("was invited already");
    let one = "/admin/invitations/guests/i1";
    for (what, status) in [("resend", 200), ("withdraw", 204)] {
        let path = format!("{one}/{what}");
        assert_eq!(admin.send_json(&path, &json!({})).await.status, status);
        assert_eq!(admin.submit(here, &path, &[]).await.location(), here);
        let mut approver = portal.lena().await;
        assert_eq!(approver.send_json(&path, &json!({})).await.status, 403);
    }
    let log = portal.log.entries();
    let made = r#"POST /registrations/pools/guests/invitations {"email":"new@haven.example","namespace":"acme"}"#;
    assert!(log.iter().any(|entry| entry == made), "{log:?}");
}

#[tokio::test]
async fn many_invitations_come_in_pages_and_are_searched() {
    let portal = TestPortal::start().await;
    let mut admin = portal.ann().await;
    let first = admin.get("/admin/invitations?pool=crew").await;
    first.shows("1–20 of 45");
    first.shows("sailor-20@");
    assert!(!first.body.contains("sailor-21@"));
    let last = admin.get("/admin/invitations?pool=crew&pageIndex=9").await;
    last.shows("41–45 of 45");
    let found = admin.get("/admin/invitations?pool=crew&q=SAILOR-33").await;
    found.shows("sailor-33@");
    assert!(!found.body.contains("sailor-34@"));
    admin
        .get("/admin/invitations?pool=crew&q=zz")
        .await
        .shows("Nothing matches.");
}

async fn guest(portal: &TestPortal, path: &str) {
    let mut guest = portal.guest();
    assert_eq!(guest.json(path).await.0, StatusCode::FORBIDDEN, "{path}");
    let answer = guest.get(path).await;
    assert_eq!(answer.status, StatusCode::FOUND, "{path}");
    assert!(answer.location().starts_with("/login?redirect="), "{path}");
}

#[tokio::test]
async fn every_file_is_for_those_who_may_have_it() {
    let portal = TestPortal::start().await;
    let (mut admin, mut approver, mut developer) =
        (portal.ann().await, portal.lena().await, portal.jo().await);
    for (path, for_approvers) in FILES {
        let file = admin.get(path).await;
        assert_eq!(file.status, StatusCode::OK, "{path}");
        assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
        assert!(
            file.header("content-disposition")
                .starts_with("attachment; filename=\"")
        );
        let expected = if *for_approvers {
            StatusCode::OK
        } else {
            StatusCode::FORBIDDEN
        };
        assert_eq!(approver.get(path).await.status, expected, "{path}");
        assert_eq!(
            developer.get(path).await.status,
            StatusCode::FORBIDDEN,
            "{path}"
        );
        guest(&portal, path).await;
    }
}

async fn lines(browser: &mut Browser, path: &str) -> Vec<String> {
    let file = browser.get(path).await;
    assert_eq!(file.status, StatusCode::OK, "{path}");
    file.body
        .split_terminator("\r\n")
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn files_have_the_columns_of_old_and_no_formula() {
    let portal = TestPortal::start().await;
    let mut admin = portal.ann().await;
    let approvals = lines(&mut admin, "/admin/approvals_csv").await;
    assert_eq!(
        approvals,
        [
            "User;Application;Description;Trusted;Api;Plan;Date (UTC)",
            "piet@haven.example;'=Haven ERP;\"Books; \"\"all\"\"\";-;Shipments;Business;2026-11-20 10:00:00",
        ]
    );
    let other = lines(&mut admin, "/admin/approvals_csv?api=invoices").await;
    assert_eq!(other.len(), 1, "the filter is that of the list");
    let subscriptions = lines(&mut admin, "/admin/subscriptions_csv").await;
    assert_eq!(subscriptions.len(), 1204, "all pages of it");
    assert_eq!(subscriptions[0], "Status;Application;Owners;Users;Api;Plan");
    let people = "piet@haven.example ada@haven.example;Piet Ada;shipments;starter";
    assert_eq!(subscriptions[1], format!("Pending;'@App 0;{people}"));
    assert_eq!(
        subscriptions[2],
        format!("Approved, (Trusted);'@App 1;{people}")
    );
    let log = lines(&mut admin, "/admin/auditlog_csv").await;
    assert_eq!(
        log[0],
        "Api;Application;Plan;Date (UTC);Activity;User;Email;Role"
    );
    assert_eq!(
        log[1],
        "shipments;app-0;starter;2026-11-20 10:00:05;add subscription;'-Piet;piet@haven.example;owner"
    );
    let records = admin.get("/admin/auditlog.jsonl").await;
    assert_eq!(records.header("content-type"), "application/x-ndjson");
    assert_eq!(records.body.lines().count(), log.len() - 1);
    for record in records.body.lines() {
        let record: Value = serde_json::from_str(record).unwrap();
        assert!(
            record["action"].is_string() && record["time"].is_string(),
            "{record}"
        );
    }
    let refused = portal.lena().await.get("/admin/auditlog.jsonl").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let of_api = lines(&mut admin, "/admin/apis/invoices/subscriptions_csv").await;
    assert_eq!(
        of_api[..3],
        [
            "api_id;application_id;application_name;plan;owner_id;owner_email;owner_role",
            "shipments;app-0;'@App 0;starter;piet;piet@haven.example;owner",
            "shipments;app-0;'@App 0;starter;ada;ada@haven.example;reader",
        ]
    );
    let file = admin.get("/admin/apis/invoices/subscriptions_csv").await;
    assert!(
        file.header("content-disposition")
            .contains("subscriptions-invoices.csv")
    );
    let unknown = admin.get("/admin/apis/unknown/subscriptions_csv").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn grids_ask_for_one_page_as_old_clients_do() {
    let portal = TestPortal::start().await;
    let mut admin = portal.ann().await;
    let (_, body) = admin
        .json("/admin/users?pageIndex=3&pageSize=20&sortField=id&sortOrder=desc&userId=user&email=&foo=1")
        .await;
    let users = &body["users"];
    assert_eq!(users["items"].as_array().unwrap().len(), 20);
    assert_eq!(users["items"][0]["userId"], "user-40");
    for (member, value) in [("count", 1203), ("offset", 40), ("limit", 20)] {
        assert_eq!(users[member], value, "{member}");
    }
    assert_eq!(users["count_cached"], false);
    let asked = portal.log.entries();
    let asked = asked
        .iter()
        .rfind(|entry| entry.contains("/registrations/"))
        .unwrap();
    let asked = url::form_urlencoded::parse(asked.as_bytes())
        .map(|(name, value)| format!("{name}={value}"));
    let asked = asked.collect::<Vec<_>>().join("&");
    for part in [
        "limit=20",
        "offset=40",
        "order_by=userId DESC",
        r#"filter={"userId":"user"}"#,
    ] {
        assert!(asked.contains(part), "{part} in {asked}");
    }
    assert!(
        !asked.contains("no_cache"),
        "only the first page is counted anew: {asked}"
    );
    let (_, body) = admin.json("/admin/applications").await;
    assert_eq!(body["applications"]["items"].as_array().unwrap().len(), 10);
    assert!(
        portal
            .log
            .entries()
            .iter()
            .any(|entry| entry.contains("/applications?") && entry.contains("no_cache=1"))
    );
    let page = admin
        .get("/admin/users?pageIndex=2&name=p&sortField=name")
        .await;
    page.shows("11–20 of 1,203");
    page.shows("/admin/users?name=p&#38;sortField=name&#38;sortOrder=asc&#38;pageIndex=3");
    page.shows(r#"aria-sort="ascending""#);
    let (status, body) = admin.json("/admin/auditlog?startdate=yesterday").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(body.to_string().contains("startdate"), "{body}");
}

/// Address, members, status of the answer, and what portal-api was asked.
const ACTIONS: &[(&str, &str, u16, &str)] = &[
    ("/admin/restart", "{}", 200, "POST /config/fetch "),
    (
        "/admin/configuration/fetch",
        "{}",
        204,
        "POST /config/fetch ",
    ),
    (
        "/admin/first-run/hide",
        "{}",
        200,
        r#"setup {"hidden":true}"#,
    ),
    (
        "/admin/listeners/mailer/replay",
        r#"{"id": ["ev1", "ev2"]}"#,
        200,
        r#"POST /webhooks/replay/mailer {"ids":["ev1","ev2"]}"#,
    ),
    ("/admin/listeners/mailer/replay", "{}", 400, ""),
    (
        "/admin/listeners/mailer/retry",
        "{}",
        200,
        "POST /webhooks/dead/mailer/retry ",
    ),
    (
        "/admin/listeners/mailer/test",
        "{}",
        200,
        "POST mailer test ",
    ),
    (
        "/admin/listeners/mailer/enable",
        "{}",
        200,
        "POST mailer enable ",
    ),
    (
        "/admin/listeners/chatbot/enable",
        "{}",
        409,
        "POST chatbot enable ",
    ),
    (
        "/admin/listeners/mailer/disable",
        r#"{"reason": "Noise"}"#,
        200,
        r#"POST mailer disable {"reason":"Noise"}"#,
    ),
    (
        "/admin/listeners/mailer/secret",
        "{}",
        200,
        "POST mailer secret {}",
    ),
    ("/admin/listeners/a%20b/test", "{}", 400, ""),
];

#[tokio::test]
async fn administrators_act_and_nobody_else() {
    let portal = TestPortal::start().await;
    let (mut admin, mut approver) = (portal.ann().await, portal.lena().await);
    for (path, body, status, noted) in ACTIONS {
        let body: Value = serde_json::from_str(body).unwrap();
        let before = portal.log.entries().len();
        let refused = approver.send_json(path, &body).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
        let accept = [("accept", "application/json")];
        let guest = portal
            .guest()
            .send(Method::POST, path, &accept, Some(&[]))
            .await;
        assert_eq!(guest.status, StatusCode::FORBIDDEN, "{path}");
        let asked = portal.log.entries();
        assert!(
            asked[before..]
                .iter()
                .all(|entry| entry.starts_with("GET ")),
            "{path}: {asked:?}"
        );
        let answer = admin.send_json(path, &body).await;
        assert_eq!(answer.status.as_u16(), *status, "{path}: {}", answer.body);
        if !noted.is_empty() {
            let asked = portal.log.entries();
            assert!(
                asked.iter().any(|entry| entry == noted),
                "{noted} in {asked:#?}"
            );
        }
    }
}

#[tokio::test]
async fn a_listener_is_mended_on_its_page() {
    let portal = TestPortal::start().await;
    let mut admin = portal.ann().await;
    let page = "/admin/listeners/mailer";
    let opened = admin.get(&format!("{page}?delivery=ev1&state=dead")).await;
    opened.shows("{&#34;error&#34;: &#34;&#60;no channel&#62;&#34;}");
    opened.shows("&#60;add&#62;");
    let asked = portal.log.entries();
    assert!(
        asked
            .iter()
            .any(|entry| entry == "GET /webhooks/deliveries/mailer?limit=20&state=dead")
    );
    for (action, fields, said) in [
        ("replay", &[("id", "ev1")][..], "2 events are queued again."),
        ("replay", &[], "Choose at least one event."),
        ("retry", &[], "2 events are queued again."),
        ("test", &[], "It answered 204 after 12 ms."),
        ("disable", &[], "The listener is paused"),
        ("enable", &[], "The listener gets events again."),
    ] {
        let answer = admin
            .submit(page, &format!("{page}/{action}"), fields)
            .await;
        assert_eq!(
            (answer.status, answer.location()),
            (StatusCode::SEE_OTHER, page),
            "{action}"
        );
        admin.get(page).await.shows(said);
    }
    let secret = admin.submit(page, &format!("{page}/secret"), &[]).await;
    secret.shows("whsec_new");
    assert_eq!(secret.header("cache-control"), "no-store");
    let other = "/admin/listeners/chatbot";
    admin.submit(other, &format!("{other}/enable"), &[]).await;
    admin.get(other).await.shows("It does not answer.");
    assert_eq!(
        admin.get("/admin/listeners/nobody").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn requests_are_discussed_and_decided_together() {
    let portal = TestPortal::start().await;
    let mut lena = portal.lena().await;
    let queue = "/admin/approvals";
    let page = lena.get(queue).await;
    page.shows("&#60;Who&#62; is that?");
    let said = lena
        .submit(
            queue,
            "/admin/approvals/comment",
            &[("id", "a1"), ("text", "A partner")],
        )
        .await;
    assert_eq!(said.location(), "/admin/approvals?id=a1#detail");
    lena.submit(
        queue,
        "/admin/approvals/assign",
        &[("id", "a1"), ("assignee", "me")],
    )
    .await;
    lena.submit(
        queue,
        "/admin/approvals/assign",
        &[("id", "a1"), ("assignee", "")],
    )
    .await;
    let answer = lena
        .send_json(
            "/admin/approvals/comment",
            &json!({"id": "a1", "text": "Yes"}),
        )
        .await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let answer = lena
        .send_json("/admin/approvals/comment", &json!({"text": "Yes"}))
        .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let declined = lena.get("/admin/approvals?state=declined&id=a1").await;
    assert_eq!(declined.status, StatusCode::OK);
    lena.get("/admin/approvals?state=declined")
        .await
        .shows("Use the Team plan first.");
    let (_, history) = lena.json("/admin/approvals?state=declined").await;
    assert_eq!(history["approvals"][0]["state"], "declined");
    let several = lena
        .send_json(
            "/admin/approvals/decline",
            &json!({"id": ["a1", "a2", "a3"], "reason": "No"}),
        )
        .await;
    let several = several.json();
    assert_eq!(several["decided"], 1);
    assert_eq!(several["failed"].as_array().unwrap().len(), 2);
    let fields = [("bulk", "1"), ("id", "a1"), ("reason", "")];
    lena.submit(queue, "/admin/approvals/approve", &fields)
        .await;
    lena.get(queue).await.shows("1 request is approved.");
    lena.submit(queue, "/admin/approvals/decline", &fields)
        .await;
    lena.get(queue).await.shows("Say why you decline.");
    let log = portal.log.entries();
    for note in [
        r#"comment a1 {"text":"A partner"}"#,
        r#"assign a1 {"assignee":"lena-id"}"#,
        r#"assign a1 {"assignee":null}"#,
        r#"/approvals/a1/decline {"reason":"No"}"#,
        r#"/approvals/a1/approve {"trusted":false}"#,
    ] {
        assert!(log.iter().any(|entry| entry == note), "{note} in {log:#?}");
    }
}

#[tokio::test]
async fn owners_of_an_api_see_its_usage() {
    let portal = TestPortal::start().await;
    let (mut admin, mut developer) = (portal.ann().await, portal.jo().await);
    let page = admin.get("/apis/shipments/usage?period=24h").await;
    page.shows("Calls an hour");
    page.shows("GET /shipments/{id}");
    let (status, body) = admin.json("/apis/shipments/usage").await;
    assert_eq!((status, &body["period"]), (StatusCode::OK, &json!("30d")));
    let file = admin.get("/apis/shipments/usage.csv").await;
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
    for path in ["/apis/shipments/usage", "/apis/shipments/usage.csv"] {
        assert_eq!(developer.get(path).await.status, StatusCode::FORBIDDEN);
        assert_eq!(developer.json(path).await.0, StatusCode::FORBIDDEN);
        guest(&portal, path).await;
    }
    let ending = "/admin/apis/invoices/delete_subscriptions";
    admin.get("/apis/invoices").await.shows(ending);
    assert!(
        !admin
            .get("/apis/shipments")
            .await
            .body
            .contains("delete_subscriptions")
    );
    assert!(
        !developer
            .get("/apis/invoices")
            .await
            .body
            .contains("/admin/")
    );
}

#[tokio::test]
async fn administrators_subscribe_others_by_searching() {
    let portal = TestPortal::start().await;
    let mut admin = portal.ann().await;
    let page = admin.get("/admin/subscribe?application=app-0").await;
    page.shows("Chosen");
    let page = admin
        .get("/admin/subscribe?application=app-0&api=shipments")
        .await;
    assert_eq!(page.location(), "/applications/app-0/subscribe/shipments");
}

#[tokio::test]
async fn the_audit_log_says_what_changed_and_from_where() {
    let portal = TestPortal::start().await;
    let page = portal.ann().await.get("/admin/auditlog").await;
    page.shows("&#34;plan&#34;: &#34;free&#34;");
    page.shows("&#34;plan&#34;: &#34;&#60;starter&#62;&#34;");
    page.shows("192.0.2.9");
}
