//! Profiles, as pages and for scripts, by role (portal-ui 5.4, 10).

use reqwest::StatusCode;
use serde_json::json;

use crate::{browser::Browser, neighbours::TestPortal};

#[tokio::test]
async fn a_profile_is_for_its_person_and_administrators() {
    let portal = TestPortal::start().await;
    let (mut guest, mut lena, mut ann) = (portal.guest(), portal.lena().await, portal.ann().await);
    // Address, and what guest, Lena and Ann get.
    for (path, expected) in [
        ("/users/me", [403, 200, 200]),
        ("/users/lena-id", [403, 200, 200]),
        ("/users/piet", [403, 403, 200]),
        ("/users/machine", [403, 403, 403]),
        ("/users/nobody", [403, 403, 404]),
    ] {
        for (browser, status) in [&mut guest, &mut lena, &mut ann].into_iter().zip(expected) {
            let (json, body) = browser.json(path).await;
            assert_eq!(json.as_u16(), status, "{path}: {body}");
            let page = browser.get(path).await.status.as_u16();
            let is_guest = browser.cookies().is_empty();
            assert_eq!(page, if is_guest { 302 } else { status }, "{path}");
        }
    }
    let answer = portal.guest().get("/users/me").await;
    assert_eq!(answer.location(), "/login?redirect=%2Fusers%2Fme");
}

#[tokio::test]
async fn a_profile_for_scripts_has_all_its_members() {
    let portal = TestPortal::start().await;
    let (_, body) = portal.lena().await.json("/users/me").await;
    assert_eq!(body["title"], "Lena <b>Brandt</b>");
    assert_eq!(body["userInfo"]["id"], "lena-id");
    assert_eq!(body["registrationInfo"]["company"], "Kontor");
    assert_eq!(body["poolInfo"]["properties"][0]["id"], "name");
    assert_eq!(body["groups"][0]["id"], "admin");
    assert_eq!(
        body["grantsLink"],
        "http://localhost:8000/auth/local/grants"
    );
}

#[tokio::test]
async fn the_page_offers_what_the_role_allows() {
    let portal = TestPortal::start().await;
    let page = portal.lena().await.get("/users/me").await;
    for text in [
        "Lena &#60;b&#62;Brandt",
        r#"name="currentPassword""#,
        "8 to 24 characters",
        "/auth/local/grants",
        "/users/me/tokens",
        "/auth/account/security",
        "tracking-dashboard",
        r#"value="Kontor""#,
    ] {
        page.shows(text);
    }
    for text in ["__updategroups", "deletePassword", "Confirm the address"] {
        assert!(!page.body.contains(text), "{text}");
    }
    let page = portal.ann().await.get("/users/piet").await;
    for text in [
        "__updategroups",
        "deletePassword",
        "Not confirmed",
        "Everybody with a confirmed address",
    ] {
        page.shows(text);
    }
    assert!(!page.body.contains("currentPassword"));
    let page = portal.ann().await.get("/users/fed").await;
    page.shows("google:7");
    assert!(!page.body.contains(r#"name="password""#));
    // The first administrator is told on every page to become somebody else.
    portal
        .ann()
        .await
        .get("/apis")
        .await
        .shows("built-in administrator");
}

#[tokio::test]
async fn changes_by_scripts_answer_with_the_profile() {
    let portal = TestPortal::start().await;
    // Who, address, body, status.
    for (who, path, body, status) in [
        (
            "lena",
            "/users/lena-id",
            json!({"name": "Lena B", "company": ""}),
            200,
        ),
        ("lena", "/users/lena-id", json!({"name": ""}), 400),
        (
            "lena",
            "/users/lena-id",
            json!({"password": "New-12345"}),
            400,
        ),
        (
            "lena",
            "/users/lena-id",
            json!({"password": "weak", "currentPassword": "Right-1234"}),
            400,
        ),
        (
            "lena",
            "/users/lena-id",
            json!({"password": "New-12345", "currentPassword": "Wrong-1234"}),
            403,
        ),
        (
            "lena",
            "/users/lena-id",
            json!({"__updategroups": "1", "admin": "admin"}),
            403,
        ),
        (
            "lena",
            "/users/lena-id",
            json!({"__action": "deletePassword"}),
            403,
        ),
        ("lena", "/users/piet", json!({"name": "Piet"}), 403),
        (
            "ann",
            "/users/1",
            json!({"__updategroups": "1", "admin": "admin", "dev": "dev"}),
            200,
        ),
        ("ann", "/users/piet", json!({"password": "New-12345"}), 200),
        ("ann", "/users/fed", json!({"password": "New-12345"}), 400),
        (
            "ann",
            "/users/piet",
            json!({"__action": "deletePassword"}),
            204,
        ),
        ("ann", "/users/machine", json!({"name": "M"}), 403),
        ("lena", "/users/lena-id/delete", json!({}), 409),
        ("lena", "/users/piet/delete", json!({}), 403),
        ("ann", "/users/piet/delete", json!({}), 204),
        (
            "lena",
            "/users/lena-id",
            json!({"password": "New-12345", "currentPassword": "Right-1234"}),
            200,
        ),
    ] {
        let mut browser = match who {
            "ann" => portal.ann().await,
            _ => portal.lena().await,
        };
        let answer = browser.send_json(path, &body).await;
        assert_eq!(
            answer.status.as_u16(),
            status,
            "{who} {path} {body}: {}",
            answer.body
        );
        match status {
            200 => assert!(
                answer.json()["userInfo"]["id"].is_string()
                    && answer.json()["registrationInfo"].is_object()
            ),
            204 => assert!(answer.body.is_empty()),
            _ => assert_eq!(answer.json()["statusCode"], status),
        }
    }
    let log = portal.log.entries();
    for entry in [
        r#"register user lena-id {"name":"Lena B"}"#,
        r#"change user 1 {"groups":["gone","admin","dev"]}"#,
        r#"change user lena-id {"password":"New-12345","currentPassword":"Right-1234"}"#,
        "remove password piet",
        "remove user piet ",
    ] {
        assert!(
            log.iter().any(|known| known == entry),
            "{entry} in {log:#?}"
        );
    }
}

#[tokio::test]
async fn forms_come_back_with_faults_beside_their_fields() {
    let portal = TestPortal::start().await;
    let mut lena = portal.lena().await;
    let post = async |browser: &mut Browser, fields: &[(&str, &str)]| {
        browser.submit("/users/me", "/users/lena-id", fields).await
    };
    let saved = post(
        &mut lena,
        &[("__profile", "on"), ("name", "Lena"), ("company", "K")],
    )
    .await;
    assert_eq!(
        (saved.status, saved.location()),
        (StatusCode::SEE_OTHER, "/users/me")
    );
    lena.get("/users/me").await.shows("The profile is saved.");
    let empty = post(
        &mut lena,
        &[("__profile", "on"), ("name", ""), ("company", "Kept")],
    )
    .await;
    assert_eq!(empty.status, StatusCode::BAD_REQUEST);
    empty.shows(r#"aria-describedby="name-note""#);
    empty.shows(r#"value="Kept""#);
    let differ = [
        ("password", "New-12345"),
        ("password2", "Other-12345"),
        ("currentPassword", "Right-1234"),
    ];
    post(&mut lena, &differ)
        .await
        .shows("The two passwords differ.");
    let wrong = [
        ("password", "New-12345"),
        ("password2", "New-12345"),
        ("currentPassword", "Wrong-1234"),
    ];
    let refused = post(&mut lena, &wrong).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    refused.shows("This is not the current password.");
    assert!(
        !refused.body.contains("New-12345"),
        "a password is never shown"
    );
    let right = [wrong[0], wrong[1], ("currentPassword", "Right-1234")];
    let changed = post(&mut lena, &right).await;
    assert_eq!(changed.location(), "/users/me");
    assert!(lena.get("/users/me").await.location().starts_with("/login"));
}

#[tokio::test]
async fn deleting_an_account_is_asked_twice() {
    let portal = TestPortal::start().await;
    let mut ann = portal.ann().await;
    let page = ann.get("/users/piet/delete").await;
    page.shows("Delete the account of");
    assert!(!page.body.contains("What becomes of"));
    let done = ann
        .submit("/users/piet/delete", "/users/piet/delete", &[])
        .await;
    assert_eq!(done.location(), "/admin/users");
    let own = ann.submit("/users/me/delete", "/users/1/delete", &[]).await;
    assert_eq!(own.location(), "/login/logout");
}

#[tokio::test]
async fn applications_of_a_deleted_account_go_to_somebody_or_away() {
    let portal = TestPortal::start().await;
    let mut lena = portal.lena().await;
    let page = "/users/me/delete";
    let asked = lena.get(page).await;
    asked.shows("Nobody else owns it");
    asked.shows(r#"<option value="piet@haven.example">"#);
    assert!(
        !asked
            .body
            .contains(r#"<option value="lena@kontor.example">"#)
    );
    // What is sent, and what the page says then.
    for (form, said) in [
        (&[][..], "The user has applications."),
        (
            &[("lost", "1"), ("applications", "transfer"), ("heir", "")],
            "Nobody with this mail address",
        ),
        (
            &[
                ("lost", "1"),
                ("applications", "transfer"),
                ("heir", "x@y.example"),
            ],
            "Nobody with this mail address",
        ),
        (
            &[("lost", "0"), ("applications", "delete")],
            "left an application meanwhile",
        ),
    ] {
        let refused = lena.submit(page, page, form).await;
        assert_eq!(refused.location(), "/users/me/delete?choose=1", "{form:?}");
        lena.get(refused.location()).await.shows(said);
    }
    for body in [
        json!({"applications": "keep"}),
        json!({"applications": "transfer", "heir": "x@y.example"}),
    ] {
        let refused = lena.send_json(page, &body).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{body}");
    }
    let removed = |portal: &TestPortal| {
        let log = portal.log.entries();
        let removed = log
            .into_iter()
            .filter(|entry| entry.starts_with("remove user"));
        removed.collect::<Vec<_>>()
    };
    assert!(removed(&portal).is_empty());
    let form = [
        ("lost", "1"),
        ("applications", "transfer"),
        ("heir", "piet@haven.example"),
    ];
    let given = lena.submit(page, page, &form).await;
    assert_eq!(given.location(), "/login/logout");
    let mut lena = portal.lena().await;
    let deleted = lena
        .send_json(page, &json!({"applications": "delete"}))
        .await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    assert_eq!(
        removed(&portal),
        [
            "remove user lena-id applications=transfer%3Apiet",
            "remove user lena-id applications=delete"
        ]
    );
}
