//! The security defects of the original that must not return (portal-ui 17), a test per item and with
//! its number. What pages of the auth server show is tested there.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::{browser::state, neighbours::TestPortal};

#[path = "../support/routes.rs"]
mod routes;

const SUBSCRIBE: &str = "/applications/tracking-dashboard/subscribe/shipments";
const KEYS: &str = "/applications/tracking-dashboard/subscriptions/invoices/credentials";

/// What stands for a part of an address.
const FILLED: [(&str, &str); 14] = [
    ("{api}", "shipments"),
    ("{application}", "tracking-dashboard"),
    ("{operation}", "book"),
    ("/apis/shipments/docs/{*path}", "/apis/shipments/docs/start"),
    ("{*path}", "terms"),
    ("{topic}", "apis"),
    ("{listener}", "mailer"),
    ("{user}", "lena-id"),
    ("{team}", "crew"),
    ("{pool}", "guests"),
    ("{token}", "good"),
    ("{file}", "swagger-ui.css"),
    ("/credentials/{id}", "/credentials/c1"),
    ("{id}", "i1"),
];

/// Old links name somebody, and whoever opened them read as that person.
#[tokio::test]
async fn item_01_for_user_reads_no_definition_as_somebody_else() {
    let portal = TestPortal::start().await;
    let link = "/apis/shipments/swagger?forUser=lena-id";
    assert_eq!(portal.guest().get(link).await.status, StatusCode::OK);
    let asked = |text: &str| {
        let asked = format!("definition for user ``, token of Lena: {text}");
        portal
            .log
            .entries()
            .iter()
            .filter(|entry| **entry == asked)
            .count()
    };
    assert_eq!((asked("false"), asked("true")), (1, 0));
    portal.lena().await.get(link).await;
    assert_eq!((asked("false"), asked("true")), (1, 1));
    let others = portal.log.entries();
    let named = others
        .iter()
        .filter(|entry| entry.starts_with("definition for user"));
    assert_eq!(named.count(), 2);
}

#[tokio::test]
async fn item_02_no_key_or_secret_stands_in_an_address() {
    let portal = TestPortal::start().await;
    let mut lena = portal.lena().await;
    let mut pages = vec![
        lena.submit(SUBSCRIBE, SUBSCRIBE, &[("plan", "starter")])
            .await,
        lena.submit(KEYS, KEYS, &[("name", "ci")]).await,
        lena.submit(KEYS, &format!("{KEYS}/c1/rotate"), &[("overlap", "0")])
            .await,
    ];
    for path in [
        "/apis/shipments",
        "/apis/invoices",
        "/apis/tracking",
        "/apis/shipments/try",
        "/apis/shipments/reference/book",
        "/applications/tracking-dashboard",
        "/applications/tracking-dashboard/credentials",
        KEYS,
    ] {
        pages.push(lena.get(path).await);
    }
    for page in pages {
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        for attribute in [" href=\"", " src=\"", " action=\"", " formaction=\""] {
            for address in page.body.split(attribute).skip(1) {
                let address = address.split('"').next().unwrap();
                let secrets = ["wg_", "apikey", "client_secret", "access_token", "key-of"];
                for secret in secrets {
                    assert!(!address.contains(secret), "{address}");
                }
            }
        }
    }
}

#[tokio::test]
async fn item_03_log_in_leads_to_no_other_site() {
    let portal = TestPortal::start().await;
    for target in ["//evil.example", "https://evil.example", "/%5Cevil.example"] {
        let done = portal.guest().log_in(target).await;
        assert_eq!(done.location(), "/", "{target}");
    }
}

#[tokio::test]
async fn item_04_forms_need_the_token_and_the_right_origin() {
    let portal = TestPortal::start().await;
    let mut browser = portal.lena().await;
    let path = "/applications/register";
    let fields = [("appid", "my-app"), ("appname", "Mine")];
    assert_eq!(
        browser.post(path, &fields).await.status,
        StatusCode::FORBIDDEN
    );
    let wrong = [fields[0], fields[1], ("_csrf", "wrong")];
    assert_eq!(
        browser.post(path, &wrong).await.status,
        StatusCode::FORBIDDEN
    );
    let token = browser.get("/applications?register=true").await.csrf();
    let right = [fields[0], fields[1], ("_csrf", token.as_str())];
    let elsewhere = [("origin", "https://evil.example")];
    let forged = browser
        .send(Method::POST, path, &elsewhere, Some(&right))
        .await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    assert!(
        portal
            .log
            .entries()
            .iter()
            .all(|entry| !entry.starts_with("register"))
    );
    assert_eq!(
        browser.post(path, &right).await.status,
        StatusCode::SEE_OTHER
    );
    // A guest's form has no session to prove anything with; logging in may help.
    let guest = portal.guest().post(path, &[("_csrf", "")]).await;
    assert_eq!(
        (guest.status, guest.location()),
        (
            StatusCode::FOUND,
            "/login?redirect=%2Fapplications%2Fregister"
        )
    );
    // Whoever comes back from there finds the form, not an address for forms only.
    assert_eq!(browser.get(path).await.location(), "/applications");
}

/// Every address, followed by somebody who may do everything.
#[tokio::test]
async fn item_04_following_a_link_changes_nothing() {
    let portal = TestPortal::start().await;
    let mut ann = portal.ann().await;
    ann.get("/")
        .await
        .shows(r#"<form method="post" action="/login/logout""#);
    let sources = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (_, route) in routes::below(&sources) {
        // Kept for old bookmarks: it ends the session of whoever follows it.
        if route == "/login/logout" {
            continue;
        }
        let path = FILLED
            .iter()
            .fold(route, |path, (name, value)| path.replace(name, value));
        assert!(!path.contains('{'), "say what stands for a part of {path}");
        let answer = ann.get(&path).await;
        assert!(!answer.status.is_server_error(), "{path}: {}", answer.body);
        let written = portal.log.writes();
        assert!(written.is_empty(), "{path}: {written:?}");
    }
}

#[tokio::test]
async fn item_05_a_session_belongs_to_its_installation_and_is_new_after_log_in() {
    let (portal, other) = (TestPortal::start().await, TestPortal::start().await);
    let mut browser = portal.guest();
    let started = browser.get("/login").await;
    let before = browser.cookies().clone();
    let callback = format!(
        "/login/callback?code=good-code&state={}",
        state(started.location())
    );
    let done = browser.get(&callback).await;
    assert_ne!(&before, browser.cookies());
    for attribute in ["HttpOnly", "SameSite=Lax"] {
        assert!(done.header("set-cookie").contains(attribute), "{attribute}");
    }
    let cookies = browser.cookies().iter();
    let cookies: Vec<_> = cookies
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let cookie = cookies.join("; ");
    // Whoever knew the cookie from before has nothing.
    let old: Vec<_> = before
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    for (portal, cookie, status) in [
        (&portal, cookie.as_str(), StatusCode::OK),
        (&portal, &old.join("; "), StatusCode::FORBIDDEN),
        (&other, &cookie, StatusCode::FORBIDDEN),
    ] {
        let headers = [("cookie", cookie), ("accept", "application/json")];
        let mut guest = portal.guest();
        let answer = guest.send(Method::GET, "/users/me", &headers, None).await;
        assert_eq!(answer.status, status, "{cookie}");
    }
}

#[tokio::test]
async fn item_06_templates_of_pages_run_nothing_and_see_no_more_than_they_may() {
    let portal = TestPortal::start().await;
    let page = portal.guest().get("/content/team").await;
    page.shows("<p>Who are you? Nordhafen localhost:8000 |</p>");
    assert!(!page.body.contains("<script>x"));
    portal
        .lena()
        .await
        .get("/content/team")
        .await
        .shows("Hello Lena Brandt");
}

#[tokio::test]
async fn item_07_links_of_verifications_are_shown_to_nobody() {
    let portal = TestPortal::start().await;
    let mut admin = portal.ann().await;
    let (_, body) = admin.json("/admin/verifications").await;
    assert_eq!(
        body["verifications"],
        json!([{"id": "~abc", "type": "lostpassword", "email": "piet@haven.example", "userId": "piet", "utc": 1_795_000_000}])
    );
    let page = admin.get("/admin/verifications").await;
    assert!(!page.body.contains("resetpassword"));
    let gone = admin.send_json("/admin/verifications/~x", &json!({})).await;
    assert_eq!(
        (gone.status, &gone.json()["success"]),
        (StatusCode::NOT_FOUND, &json!(false))
    );
    let done = admin
        .send_json("/admin/verifications/~abc", &json!({}))
        .await;
    assert_eq!(
        (done.status, &done.json()["success"]),
        (StatusCode::OK, &json!(true))
    );
    let sent = admin
        .submit(
            "/admin/verifications",
            "/admin/verifications/~abc",
            &[("action", "send")],
        )
        .await;
    assert_eq!(sent.location(), "/admin/verifications");
    let log = portal.log.entries();
    let deleted = log
        .iter()
        .filter(|entry| entry.starts_with("DELETE /verifications/~abc"));
    assert_eq!(deleted.count(), 2);
    assert!(
        log.iter()
            .any(|entry| entry.starts_with("POST /verifications ") && entry.contains("{{id}}"))
    );
}

#[tokio::test]
async fn item_08_all_subscriptions_end_only_for_a_deprecated_api_whose_id_was_typed() {
    let portal = TestPortal::start().await;
    let mut admin = portal.ann().await;
    let path = "/admin/apis/invoices/delete_subscriptions";
    let wrong = admin.submit(path, path, &[("confirm", "shipments")]).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    wrong.shows("Nothing was ended.");
    let ended = |portal: &TestPortal| {
        portal
            .log
            .entries()
            .iter()
            .filter(|entry| entry.starts_with("end all"))
            .count()
    };
    assert_eq!(ended(&portal), 0);
    let done = admin.submit(path, path, &[("confirm", "invoices")]).await;
    assert_eq!(
        (done.status, done.location()),
        (StatusCode::SEE_OTHER, "/apis/invoices")
    );
    admin
        .get("/apis/invoices")
        .await
        .shows("7 subscriptions are ended.");
    let other = admin
        .send_json("/admin/apis/shipments/delete_subscriptions", &json!({}))
        .await;
    assert_eq!(other.status, StatusCode::BAD_REQUEST);
    let done = admin.send_json(path, &json!({})).await;
    assert_eq!(
        (done.status, &done.json()["deleted"]),
        (StatusCode::OK, &json!(7))
    );
    assert_eq!(ended(&portal), 2);
    for mut other in [portal.lena().await, portal.jo().await] {
        assert_eq!(
            other.send_json(path, &json!({})).await.status,
            StatusCode::FORBIDDEN
        );
    }
    assert_eq!(ended(&portal), 2);
}

/// Names of everything begin like formulas here.
#[tokio::test]
async fn item_09_no_cell_of_a_file_is_a_formula() {
    let portal = TestPortal::start().await;
    let mut ann = portal.ann().await;
    for path in [
        "/admin/approvals_csv",
        "/admin/subscriptions_csv",
        "/admin/auditlog_csv",
        "/admin/apis/invoices/subscriptions_csv",
        "/admin/usage.csv",
    ] {
        let file = ann.get(path).await;
        assert_eq!(file.status, StatusCode::OK, "{path}");
        let cells = file.body.split(['\n', ';']);
        for cell in cells.map(|cell| cell.trim_start_matches('"')) {
            // A dash alone is the word for "no".
            let begins = cell.starts_with(['=', '+', '-', '@', '\t']);
            assert!(!begins || cell == "-", "{path}: {cell}");
        }
    }
}

#[tokio::test]
async fn item_10_filters_are_texts_and_no_expressions() {
    let portal = TestPortal::start().await;
    let mut ann = portal.ann().await;
    for (text, sent) in [("(a+)+$", "%28a%2B%29%2B%24"), ("[", "%5B"), (".*", ".*")] {
        let (status, _) = ann.json(&format!("/admin/users?name={sent}")).await;
        assert_eq!(status, StatusCode::OK, "{text}");
        let asked = portal.log.entries();
        let asked = asked
            .iter()
            .rfind(|entry| entry.contains("/registrations/"))
            .unwrap();
        let filter = url::form_urlencoded::parse(asked.split('?').nth(1).unwrap().as_bytes())
            .find(|(name, _)| name == "filter")
            .unwrap();
        assert_eq!(filter.1, serde_json::json!({"name": text}).to_string());
        // The portal's own list has nothing with these signs.
        let page = portal
            .lena()
            .await
            .get(&format!("/applications?q={sent}"))
            .await;
        assert_eq!(page.status, StatusCode::OK, "{text}");
        assert!(!page.body.contains("Tracking dashboard"), "{text}");
    }
}

/// No data is put into scripts, and nothing comes from elsewhere.
#[tokio::test]
async fn item_11_nothing_in_a_page_runs_by_itself() {
    let portal = TestPortal::start().await;
    let mut ann = portal.ann().await;
    for path in [
        "/",
        "/apis",
        "/apis/shipments",
        "/admin",
        "/admin/users",
        "/publish/apis/shipments",
        "/users/me",
    ] {
        let page = ann.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        for script in page.body.split("<script").skip(1) {
            assert!(
                script.trim_start().starts_with("src=\"/assets/"),
                "{path}: {script:.80}"
            );
        }
        for attribute in [
            " onclick=",
            " onload=",
            " onerror=",
            " style=",
            "javascript:",
        ] {
            assert!(!page.body.contains(attribute), "{path}: {attribute}");
        }
        for address in page.body.split(" src=\"").skip(1) {
            assert!(address.starts_with('/'), "{path}: {address:.80}");
        }
    }
}

#[tokio::test]
async fn item_12_the_login_page_asks_no_other_site() {
    let portal = TestPortal::with(|globals| {
        globals["portal"]["authMethods"] = serde_json::json!(["default:local", "default:google"]);
    })
    .await;
    let page = portal.guest().get("/login").await;
    page.shows("wicked-login-title");
    for tag in ["<link ", "<script ", "<img "] {
        for element in page.body.split(tag).skip(1) {
            let element = element.split('>').next().unwrap();
            let is_note = element.contains("rel=\"canonical\"");
            assert!(is_note || !element.contains("//"), "{tag}{element}");
        }
    }
    let policy = page.header("content-security-policy");
    assert!(policy.contains("style-src 'self';"), "{policy}");
}

#[tokio::test]
async fn item_13_nobody_ends_the_portal_on_its_public_port() {
    let portal = TestPortal::start().await;
    let answer = portal.guest().send(Method::POST, "/kill", &[], None).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn item_14_a_password_is_changed_by_those_who_know_it() {
    let portal = TestPortal::start().await;
    let mut lena = portal.lena().await;
    let (page, path) = ("/users/me", "/users/lena-id");
    let new = [("password", "New-12345"), ("password2", "New-12345")];
    let without = lena.submit(page, path, &new).await;
    assert_eq!(without.status, StatusCode::BAD_REQUEST);
    assert!(
        portal.log.writes().is_empty(),
        "nobody was asked to change it"
    );
    let wrong = [new[0], new[1], ("currentPassword", "Wrong-1234")];
    let wrong = lena.submit(page, path, &wrong).await;
    assert_eq!(wrong.status, StatusCode::FORBIDDEN);
    let remove = [("__action", "deletePassword")];
    let removed = lena.submit(page, path, &remove).await;
    assert_eq!(removed.status, StatusCode::FORBIDDEN);
    let right = [new[0], new[1], ("currentPassword", "Right-1234")];
    let right = lena.submit(page, path, &right).await;
    assert_eq!(right.status, StatusCode::SEE_OTHER);
}

/// Neither is a secret in a page, nor does the portal ask for one to draw it.
#[tokio::test]
async fn item_15_secrets_come_by_an_explicit_request_alone() {
    let portal = TestPortal::start().await;
    let (mut lena, mut ann) = (portal.lena().await, portal.ann().await);
    for path in [
        "/apis/invoices",
        "/apis/tracking",
        "/applications",
        "/applications/tracking-dashboard",
        "/applications/tracking-dashboard/credentials",
        "/applications/tracking-dashboard/subscriptions/tracking",
        "/apis/shipments/try",
        KEYS,
        "/admin/subscriptions",
    ] {
        for browser in [&mut lena, &mut ann] {
            let page = browser.get(path).await;
            for secret in ["key-of-invoices", "client-secret-1"] {
                assert!(!page.body.contains(secret), "{path}");
            }
        }
    }
    let read = "secrets were read".to_owned();
    assert!(!portal.log.entries().contains(&read));
}
