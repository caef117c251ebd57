//! Log-in by a service of the operator's that checks names and passwords.

use std::sync::{Arc, Mutex};

use axum::{Json, Router, response::IntoResponse, routing::post};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

use crate::support::{Browser, PASSWORD, Page, REDIRECT, SECRET, TestServer, parameter};

/// What the service was asked.
type Asked = Arc<Mutex<Vec<Value>>>;

/// A service that knows `007`, answers nonsense to `broken`, and is away for `late`.
async fn service(asked: Asked) -> Url {
    let validate = async move |Json(body): Json<Value>| {
        asked.lock().unwrap().push(body.clone());
        let known = body["password"] == PASSWORD;
        match body["username"].as_str().unwrap_or_default() {
            "007" if known => {
                let profile = json!({"sub": "7", "email": "bond@example.org", "name": "James"});
                Json(json!({"profile": profile})).into_response()
            }
            "double" if known => {
                let profile = json!({"sub": "8", "email": "ada@example.org"});
                Json(json!({"profile": profile})).into_response()
            }
            "nobody" => Json(json!({"profile": {"sub": "9"}})).into_response(),
            "refused" => Json(json!({"error": "locked"})).into_response(),
            "broken" => "no JSON".into_response(),
            "late" => StatusCode::BAD_GATEWAY.into_response(),
            _ => StatusCode::FORBIDDEN.into_response(),
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/validate", listener.local_addr().unwrap());
    let router = Router::new().route("/validate", post(validate));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url.parse().unwrap()
}

async fn server() -> (TestServer, Asked) {
    let asked = Asked::default();
    let url = service(asked.clone()).await;
    let server = TestServer::start_beside(|portal| portal.use_external(&url)).await;
    server
        .portal
        .add_client("app", "team", "confidential", true);
    (server, asked)
}

async fn log_in(browser: &Browser<'_>, username: &str, password: &str) -> crate::support::Answer {
    let page = open(browser).await;
    let csrf = page.csrf();
    let form = [
        ("_csrf", &*csrf),
        ("username", username),
        ("password", password),
    ];
    browser.post("/directory/login", &form).await
}

async fn open(browser: &Browser<'_>) -> Page {
    let url = Browser::authorize_url("app-team", &[]);
    browser.page(&url).await.expect("login")
}

#[tokio::test]
async fn f35_the_first_log_in_makes_an_account_and_the_next_one_finds_it() {
    let (server, asked) = server().await;
    let browser = server.browser();
    let page = open(&browser).await;
    assert_eq!(page.model["loginUrl"], "directory/login");
    assert_eq!(page.model["disableSignup"], true);
    // Neither overwrites the other (F35).
    assert_eq!(page.model["usernamePrompt"], "Staff number");
    assert_eq!(page.model["passwordPrompt"], "Secret word");
    assert_eq!(
        page.model["forgotPasswordUrl"],
        "https://staff.example/forgotten"
    );
    let target = log_in(&browser, "007", PASSWORD)
        .await
        .expect(302)
        .location();
    assert!(target.as_str().starts_with(REDIRECT));
    let (id, email, validated) = server.portal.find_custom("directory:7").unwrap();
    assert_eq!((email.as_str(), validated), ("bond@example.org", false));
    assert_eq!(server.portal.mails(), 1, "the address has to be confirmed");
    let code = parameter(&target, "code").unwrap();
    let token = server
        .redeem("app-team", &code)
        .await
        .member("access_token");
    let profile = server.get_with("/profile", &token).await.expect(200).json();
    let expected = json!({"sub": id, "email": "bond@example.org", "email_verified": false,
        "name": "James"});
    assert_eq!(profile, expected);
    log_in(&server.browser(), "007", PASSWORD).await.expect(302);
    assert_eq!(server.portal.find_custom("directory:7").unwrap().0, id);
    assert_eq!(server.portal.mails(), 1);
    let body = json!({"username": "007", "password": PASSWORD});
    assert_eq!(*asked.lock().unwrap(), vec![body.clone(), body]);
    assert_eq!(server.portal.calls("POST /login"), 0);
}

#[tokio::test]
async fn whom_the_service_does_not_vouch_for_gets_the_page_again() {
    let (server, asked) = server().await;
    for username in ["007", "nobody", "refused", "stranger"] {
        let answer = log_in(&server.browser(), username, "wrong")
            .await
            .expect(200);
        let model = answer.json();
        assert_eq!(model["template"], "login");
        assert_eq!(model["prefillUsername"], username);
        assert!(model["errorMessage"].is_string());
    }
    let before = asked.lock().unwrap().len();
    log_in(&server.browser(), "007", "").await.expect(200);
    assert_eq!(
        asked.lock().unwrap().len(),
        before,
        "an empty password reaches nobody"
    );
    for username in ["late", "broken"] {
        log_in(&server.browser(), username, PASSWORD)
            .await
            .expect(503);
    }
    let taken = log_in(&server.browser(), "double", PASSWORD)
        .await
        .expect(409);
    assert_eq!(taken.json()["template"], "error");
    assert!(server.portal.find_custom("directory:8").is_none());
}

#[tokio::test]
async fn pages_of_our_own_accounts_do_not_exist_for_it_but_the_password_grant_does() {
    let (server, _) = server().await;
    let browser = server.browser();
    open(&browser).await;
    for path in ["signup", "forgotpassword"] {
        browser.get(&format!("/directory/{path}")).await.expect(404);
        browser
            .post(&format!("/directory/{path}"), &[])
            .await
            .expect(404);
    }
    let grant = async |username: &str| {
        let form = [
            ("grant_type", "password"),
            ("client_id", "app-team"),
            SECRET,
            ("username", username),
            ("password", PASSWORD),
        ];
        server.post("/directory/api/team/token", &form).await
    };
    grant("007").await.expect(200);
    assert!(server.portal.find_custom("directory:7").is_some());
    assert_eq!(
        grant("stranger").await.error(),
        (400, "invalid_grant".to_owned())
    );
    assert_eq!(grant("late").await.error().0, 503);
}
