//! Keys, plans, usage and members of an application (portal-ui 18, 20, 22), as pages and as JSON.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::neighbours::TestPortal;

const APP: &str = "/applications/tracking-dashboard";
const KEYS: &str = "/applications/tracking-dashboard/subscriptions/invoices/credentials";

/// Address, members of the JSON, texts of the page in English and German.
const PAGES: &[(&str, &[&str], &str, &str)] = &[
    (
        KEYS,
        &["title", "credentials", "api"],
        "Made by subscribing",
        "Beim Abonnieren erzeugt",
    ),
    (
        "/applications/tracking-dashboard/members",
        &["title", "members", "invitations"],
        "ops@",
        "Einladung senden",
    ),
    (
        "/applications/tracking-dashboard/usage",
        &["title", "usage", "limits"],
        "Calls a day",
        "Aufrufe je Tag",
    ),
    (
        "/applications/tracking-dashboard/usage?api=invoices&period=24h",
        &["title", "limits"],
        "Above 80%",
        "Ausgeschöpft",
    ),
    (
        "/applications/tracking-dashboard/subscriptions/invoices/plan",
        &["plan", "apiPlans"],
        "Another plan for Invoices",
        "Anderer Tarif",
    ),
    (
        "/applications/tracking-dashboard/credentials",
        &["application"],
        "wg_…1234",
        "wg_…1234",
    ),
    (
        "/applications/tracking-dashboard/subscriptions",
        &["subscriptions"],
        "Members",
        "Mitglieder",
    ),
    (
        "/applications/tracking-dashboard/settings",
        &["application"],
        "Edit",
        "Bearbeiten",
    ),
    (
        "/invitations/token-1",
        &["title", "email"],
        "You accept as",
        "nehmen als",
    ),
];

#[tokio::test]
async fn every_tab_is_a_page_and_an_object() {
    let portal = TestPortal::start().await;
    let mut lena = portal.lena().await;
    for (path, members, english, german) in PAGES {
        let (status, body) = lena.json(path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        for member in *members {
            assert!(body.get(*member).is_some(), "{path}: {member} in {body}");
        }
        for (language, text) in [("en", english), ("de", german)] {
            lena.language = language;
            let page = lena.get(path).await;
            assert_eq!(page.status, StatusCode::OK, "{path}");
            page.shows(text);
            assert_eq!(page.body.matches("<h1").count(), 1, "{path}");
            assert!(!page.body.contains(" style="), "{path}");
        }
        lena.language = "en";
        let mut guest = portal.guest();
        assert_eq!(guest.json(path).await.0, StatusCode::FORBIDDEN, "{path}");
        assert!(
            guest
                .get(path)
                .await
                .location()
                .starts_with("/login?redirect="),
            "{path}"
        );
    }
}

/// Address, members, status of the answer, and what portal-api was asked.
const CHANGES: &[(&str, &str, u16, &str)] = &[
    (
        "/subscriptions/invoices/credentials",
        r#"{"name": "ci", "note": "Build", "expires": "2027-01-31"}"#,
        201,
        r#"create credential {"name":"ci","note":"Build","expiresAt":"2027-01-31T23:59:59.000Z"}"#,
    ),
    (
        "/subscriptions/invoices/credentials",
        r#"{"expires": "soon"}"#,
        400,
        "",
    ),
    (
        "/subscriptions/invoices/credentials/c1/rotate",
        r#"{"overlap": 3600}"#,
        201,
        r#"rotate c1 {"overlapSeconds":3600}"#,
    ),
    (
        "/subscriptions/invoices/credentials/c1/rotate",
        r#"{"overlap": 99}"#,
        400,
        "",
    ),
    (
        "/subscriptions/invoices/credentials/c1/rotate",
        r#"{"overlap": "x"}"#,
        400,
        "",
    ),
    (
        "/subscriptions/invoices/credentials/c1/extend",
        r#"{"expires": "2027-03-01T10:00:00Z"}"#,
        200,
        r#"extend c1 {"expiresAt":"2027-03-01T10:00:00.000Z"}"#,
    ),
    (
        "/subscriptions/invoices/credentials/c1/extend",
        "{}",
        400,
        "",
    ),
    (
        "/subscriptions/invoices/credentials/c1/revoke",
        r#"{"reason": "laptop lost"}"#,
        204,
        "revoke c1 reason=laptop+lost",
    ),
    (
        "/subscriptions/invoices/credentials/c1/reveal",
        "{}",
        410,
        "",
    ),
    (
        "/subscriptions/invoices/credentials/c9/reveal",
        "{}",
        404,
        "",
    ),
    (
        "/subscriptions/invoices/plan",
        r#"{"plan": "business"}"#,
        200,
        r#"change subscription {"plan":"business"}"#,
    ),
    ("/subscriptions/invoices/plan", "{}", 400, ""),
    (
        "/owners/role",
        r#"{"user": "piet", "ownerrole": "owner"}"#,
        200,
        r#"role piet {"role":"owner"}"#,
    ),
    (
        "/owners/role",
        r#"{"owneremail": "PIET@haven.example", "ownerrole": "reader"}"#,
        200,
        r#"role piet {"role":"reader"}"#,
    ),
    (
        "/owners/role",
        r#"{"owneremail": "lena@kontor.example", "ownerrole": "reader"}"#,
        409,
        "",
    ),
    (
        "/owners/role",
        r#"{"user": "piet", "ownerrole": "king"}"#,
        400,
        "",
    ),
    (
        "/owners/role",
        r#"{"owneremail": "nobody@x.example", "ownerrole": "reader"}"#,
        404,
        "",
    ),
    (
        "/invitations",
        r#"{"email": "mia@kontor.example", "role": "reader"}"#,
        201,
        r#"invite {"email":"mia@kontor.example","role":"reader"}"#,
    ),
    (
        "/invitations",
        r#"{"email": "piet@haven.example", "role": "reader"}"#,
        409,
        "",
    ),
    (
        "/invitations",
        r#"{"email": "mia@kontor.example"}"#,
        400,
        "",
    ),
    ("/invitations/i1/resend", "{}", 200, "resend i1"),
    ("/invitations/i1/withdraw", "{}", 204, "withdraw i1"),
    (
        "/leave",
        "{}",
        204,
        "remove owner userEmail=lena%40kontor.example",
    ),
];

#[tokio::test]
async fn changes_answer_as_scripts_expect() {
    let portal = TestPortal::start().await;
    let mut lena = portal.lena().await;
    for (path, body, status, noted) in CHANGES {
        let path = format!("{APP}{path}");
        let body: Value = serde_json::from_str(body).unwrap();
        let accept = [("accept", "application/json")];
        let guest = portal
            .guest()
            .send(Method::POST, &path, &accept, Some(&[]))
            .await;
        assert_eq!(guest.status, StatusCode::FORBIDDEN, "{path}");
        let answer = lena.send_json(&path, &body).await;
        assert_eq!(
            answer.status.as_u16(),
            *status,
            "{path} {body}: {}",
            answer.body
        );
        if *status >= 400 {
            assert_eq!(answer.json()["statusCode"], *status, "{path}");
        }
        if !noted.is_empty() {
            let asked = portal.log.entries();
            assert!(
                asked.iter().any(|entry| entry == noted),
                "{noted} in {asked:#?}"
            );
        }
    }
    let accepted = lena.send_json("/invitations/token-1", &json!({})).await;
    assert_eq!(
        (accepted.status, &accepted.json()["id"]),
        (StatusCode::OK, &json!("tracking-dashboard"))
    );
    assert_eq!(
        lena.send_json("/invitations/old", &json!({})).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_rotated_key_is_shown_once_with_the_end_of_the_old_one() {
    let portal = TestPortal::start().await;
    let mut lena = portal.lena().await;
    let page = lena
        .submit(KEYS, &format!("{KEYS}/c1/rotate"), &[("overlap", "86400")])
        .await;
    assert_eq!(page.status, StatusCode::OK);
    page.shows("wg_rotated-key_9999");
    page.shows("The old one keeps working until");
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(!lena.get(KEYS).await.body.contains("wg_rotated"));
    let made = lena
        .submit(KEYS, KEYS, &[("name", "ci"), ("expires", "")])
        .await;
    made.shows("wg_another-key_5678");
    let revoked = lena
        .submit(KEYS, &format!("{KEYS}/c1/revoke"), &[("reason", "lost")])
        .await;
    assert_eq!(revoked.location(), KEYS);
    lena.get(KEYS).await.shows("It is revoked");
    let shown = lena.submit(KEYS, &format!("{KEYS}/c1/reveal"), &[]).await;
    assert_eq!(shown.location(), KEYS);
    lena.get(KEYS).await.shows("cannot be shown again");
}

#[tokio::test]
async fn people_invite_and_leave_on_the_page() {
    let portal = TestPortal::start().await;
    let mut lena = portal.lena().await;
    let members = format!("{APP}/members");
    for (action, fields, said) in [
        (
            "/invitations",
            &[("email", "mia@kontor.example"), ("role", "reader")][..],
            "on its way to mia@",
        ),
        (
            "/invitations",
            &[("email", "piet@haven.example"), ("role", "reader")],
            "has a role",
        ),
        ("/invitations/i1/withdraw", &[], "does not work any more"),
        (
            "/owners/role",
            &[("user", "piet"), ("ownerrole", "owner")],
            "The role is changed.",
        ),
    ] {
        let answer = lena
            .submit(&members, &format!("{APP}{action}"), fields)
            .await;
        assert_eq!(
            (answer.status, answer.location()),
            (StatusCode::SEE_OTHER, members.as_str()),
            "{action}"
        );
        lena.get(&members).await.shows(said);
    }
    let left = lena.submit(&members, &format!("{APP}/leave"), &[]).await;
    assert_eq!(left.location(), "/applications");
    let joined = lena
        .submit("/invitations/token-1", "/invitations/token-1", &[])
        .await;
    assert_eq!(joined.location(), APP);
    lena.submit("/invitations/token-1", "/invitations/old", &[])
        .await;
    lena.get("/applications").await.shows("Ask for a new one.");
}

#[tokio::test]
async fn usage_comes_as_a_file() {
    let portal = TestPortal::start().await;
    let mut lena = portal.lena().await;
    let file = lena
        .get(&format!("{APP}/usage.csv?api=invoices&period=7d"))
        .await;
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
    assert!(
        file.body
            .starts_with("key;time;calls;errors;p50_ms;p95_ms\r\nGET /shipments/{id};"),
        "{}",
        file.body
    );
}

#[tokio::test]
async fn each_tab_shows_one_thing() {
    let portal = TestPortal::start().await;
    let mut lena = portal.lena().await;
    for (tab, shown, left_out) in [
        ("", "wg_…1234", ""),
        ("/subscriptions", "/unsubscribe/invoices", "wg_…1234"),
        ("/credentials", "wg_…1234", r#"name="appname""#),
        ("/settings", r#"<option value="crew">"#, "wg_…1234"),
    ] {
        let page = lena.get(&format!("{APP}{tab}")).await;
        page.shows(shown);
        page.shows(&format!(r#"href="{APP}{tab}" aria-current="page""#));
        assert!(
            left_out.is_empty() || !page.body.contains(left_out),
            "{tab}"
        );
    }
}

#[tokio::test]
async fn a_subscription_says_how_it_is_authorised_and_where_its_scopes_are() {
    let portal = TestPortal::start().await;
    let mut lena = portal.lena().await;
    for tab in ["", "/subscriptions"] {
        let page = lena.get(&format!("/applications/new-app{tab}")).await;
        page.shows("OAuth 2.0");
        page.shows(r#"href="/applications/tracking-dashboard/subscriptions/tracking""#);
        let other = lena
            .get(&format!("/applications/tracking-dashboard{tab}"))
            .await;
        other.shows("API key");
        assert!(
            !other.body.contains("subscriptions/invoices\""),
            "a key has no scopes"
        );
    }
}

#[tokio::test]
async fn administrators_get_from_members_to_their_profiles() {
    let portal = TestPortal::start().await;
    for tab in ["", "/members"] {
        let path = format!("/applications/tracking-dashboard{tab}");
        portal
            .ann()
            .await
            .get(&path)
            .await
            .shows(r#"href="/users/piet""#);
        let page = portal.lena().await.get(&path).await;
        page.shows("piet@");
        assert!(!page.body.contains("/users/piet"), "{tab}");
    }
}
