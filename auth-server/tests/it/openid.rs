//! OpenID Connect: ID tokens, hints, userinfo by scope, what is refused.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use url::Url;

use crate::support::{
    Answer, Browser, REDIRECT, SECRET, TestServer, VERIFIER, claims, parameter, part, with_part,
};

const ISSUER: &str = "http://localhost:8000/auth";

async fn server() -> TestServer {
    let server = TestServer::start_with_client("app", "orders", "confidential", true).await;
    server
        .portal
        .add_client("shop", "orders", "confidential", false);
    server
}

/// The tokens of `ada`, logged in at `browser`.
async fn tokens(server: &TestServer, browser: &Browser<'_>, scope: &str) -> Answer {
    let more = [("scope", scope), ("nonce", "n-0S6_WzA2Mj")];
    server
        .redeem("app-orders", &browser.code("app-orders", &more).await)
        .await
}

fn error_of(target: &Url) -> Option<String> {
    parameter(target, "error")
}

#[tokio::test]
async fn an_id_token_says_who_logged_in_when_and_for_which_request() {
    let server = server().await;
    let tokens = tokens(&server, &server.browser(), "openid read").await;
    assert_eq!(tokens.member("scope"), "openid read wicked:dev");
    let (id_token, access_token) = (tokens.member("id_token"), tokens.member("access_token"));
    let header = part(&id_token, 0);
    assert_eq!(
        (&header["alg"], &header["typ"]),
        (&json!("ES256"), &json!("JWT"))
    );
    let keys = server.get("/oauth2/jwks").await.json();
    let jwk = serde_json::from_value(keys["keys"][0].clone()).unwrap();
    let decoding = jsonwebtoken::DecodingKey::from_jwk(&jwk).unwrap();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
    validation.set_audience(&["app-orders"]);
    validation.set_issuer(&[ISSUER]);
    jsonwebtoken::decode::<Value>(&id_token, &decoding, &validation).unwrap();
    let (said, access) = (claims(&id_token), claims(&access_token));
    assert_eq!(said["sub"], "ada");
    assert_eq!(said["nonce"], "n-0S6_WzA2Mj");
    assert_eq!(said["amr"], json!(["pwd"]));
    assert_eq!(
        (&said["auth_time"], &said["sid"]),
        (&access["auth_time"], &access["sid"])
    );
    let hash = service::crypto::sha256(access_token.as_bytes());
    assert_eq!(said["at_hash"], URL_SAFE_NO_PAD.encode(&hash[..16]));
    assert!(said["exp"].as_i64().unwrap() - said["iat"].as_i64().unwrap() <= 3600);
    // A refresh gives another one, of the same login and without the nonce of the request.
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "app-orders"),
        SECRET,
        ("refresh_token", &tokens.member("refresh_token")),
    ];
    let refreshed = server.token(&form).await.expect(200);
    let again = claims(&refreshed.member("id_token"));
    for same in ["iss", "sub", "aud", "auth_time", "sid"] {
        assert_eq!(again[same], said[same], "{same}");
    }
    assert!(again.get("nonce").is_none());
}

#[tokio::test]
async fn without_openid_there_is_no_id_token_and_an_id_token_is_no_access_token() {
    let server = server().await;
    let browser = server.browser();
    let plain = server
        .redeem(
            "app-orders",
            &browser.code("app-orders", &[("scope", "read")]).await,
        )
        .await;
    assert!(plain.json().get("id_token").is_none());
    let bearer = format!("Bearer {}", plain.member("access_token"));
    let refused = server.get_with("/oauth2/userinfo", &bearer).await;
    assert_eq!(refused.error(), (403, "insufficient_scope".to_owned()));
    let challenge = refused.headers["www-authenticate"].to_str().unwrap();
    assert!(challenge.contains("scope=\"openid\""), "{challenge}");
    let id_token = tokens(&server, &server.browser(), "openid")
        .await
        .member("id_token");
    for path in ["/oauth2/userinfo", "/userinfo", "/profile"] {
        let answer = server.get_with(path, &format!("Bearer {id_token}")).await;
        assert_eq!(answer.error(), (401, "invalid_token".to_owned()), "{path}");
    }
    // Only users have an identity.
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "app-orders"),
        SECRET,
        ("scope", "openid"),
    ];
    let error = server.token(&form).await.error();
    assert_eq!(error, (400, "invalid_scope".to_owned()));
}

#[tokio::test]
async fn userinfo_tells_what_the_scope_covers() {
    let server = server().await;
    let email = json!({"sub": "ada", "email": "ada@example.org", "email_verified": true});
    for (scope, expected) in [
        ("openid", json!({"sub": "ada"})),
        ("openid profile", json!({"sub": "ada"})),
        ("openid profile email", email),
    ] {
        let tokens = tokens(&server, &server.browser(), scope).await;
        let bearer = format!("Bearer {}", tokens.member("access_token"));
        let told = server.get_with("/oauth2/userinfo", &bearer).await;
        assert_eq!(told.expect(200).json(), expected, "{scope}");
        let token = tokens.member("access_token");
        let told = server.post_as("/oauth2/userinfo", &token, &[]).await;
        assert_eq!(told.expect(200).json(), expected, "{scope}");
    }
}

#[tokio::test]
async fn a_user_agrees_to_scopes_of_openid_like_to_others() {
    let server = server().await;
    let browser = server.browser();
    let url = Browser::authorize_url("shop-orders", &[("scope", "openid email read")]);
    let target = browser.enter(&url, "ada").await;
    let page: Value = target.json();
    assert_eq!(page["template"], "grant_scopes");
    let asked = page["grantRequests"].as_array().unwrap();
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|one| one["description"] != ""));
    let csrf = page["csrfToken"].as_str().unwrap();
    let form = [("_csrf", csrf), ("_action", "allow")];
    let target = browser.post("/local/grant", &form).await.expect(302);
    let code = parameter(&target.location(), "code").unwrap();
    let tokens = server.redeem("shop-orders", &code).await;
    assert_eq!(tokens.member("scope"), "openid email read wicked:dev");
    // The next time nothing is asked, and a refresh looks at the same consent.
    browser.get(&url).await.expect(302);
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "shop-orders"),
        SECRET,
        ("refresh_token", &tokens.member("refresh_token")),
    ];
    server.token(&form).await.expect(200);
}

#[tokio::test]
async fn a_hint_lets_in_its_own_user_only() {
    let server = server().await;
    server.portal.add_user("bob", &[]);
    let hers = server.browser();
    let hint = tokens(&server, &hers, "openid").await.member("id_token");
    let url = |prompt: &str| {
        let more = [("id_token_hint", hint.as_str()), ("prompt", prompt)];
        Browser::authorize_url("app-orders", &more)
    };
    let silent = hers.get(&url("none")).await.expect(302).location();
    assert!(parameter(&silent, "code").is_some(), "{silent}");
    let his = server.browser();
    let page = his.page(&url("login")).await.expect("login");
    let target = his.log_in(&page, "bob").await.expect(302).location();
    assert_eq!(error_of(&target).as_deref(), Some("login_required"));
    let target = his.get(&url("none")).await.expect(302).location();
    assert_eq!(error_of(&target).as_deref(), Some("login_required"));
    let forged = with_part(&hint, 1, &json!({"iss": ISSUER, "sub": "bob", "exp": 0}));
    let access = tokens(&server, &server.browser(), "openid").await;
    for wrong in [forged, access.member("access_token"), "x".to_owned()] {
        let url = Browser::authorize_url("app-orders", &[("id_token_hint", &wrong)]);
        let target = hers.get(&url).await.expect(302).location();
        assert_eq!(error_of(&target).as_deref(), Some("invalid_request"));
    }
}

#[tokio::test]
async fn what_is_not_offered_is_refused_by_its_own_error() {
    let server = server().await;
    let browser = server.browser();
    let long = "n".repeat(513);
    let cases = [
        (("request", "e30."), "request_not_supported"),
        (
            ("request_uri", "https://app.example/r"),
            "request_uri_not_supported",
        ),
        (("registration", "{}"), "registration_not_supported"),
        (("response_mode", "fragment"), "invalid_request"),
        (("nonce", &long), "invalid_request"),
        (("max_age", "soon"), "invalid_request"),
        (("prompt", "none login"), "invalid_request"),
        (("scope", "openid phone"), "invalid_scope"),
    ];
    for (more, code) in cases {
        let url = Browser::authorize_url("app-orders", &[more]);
        let target = browser.get(&url).await.expect(302).location();
        assert_eq!(error_of(&target).as_deref(), Some(code), "{more:?}");
        assert_eq!(parameter(&target, "state").as_deref(), Some("xyz"));
        assert_eq!(parameter(&target, "iss").as_deref(), Some(ISSUER));
    }
    let url = Browser::authorize_url("app-orders", &[("response_mode", "query")]);
    browser.page(&url).await.expect("login");
}

#[tokio::test]
async fn an_authorization_request_may_be_posted() {
    let server = server().await;
    let browser = server.browser();
    let form = [
        ("response_type", "code"),
        ("client_id", "app-orders"),
        ("redirect_uri", REDIRECT),
        ("scope", "openid"),
    ];
    let target = browser.post("/oauth2/authorize", &form).await.expect(302);
    let target = target.location();
    assert_eq!(target.path(), "/auth/oauth2/authorize");
    let path = format!("/oauth2/authorize?{}", target.query().unwrap());
    browser.page(&path).await.expect("login");
}

#[tokio::test]
async fn a_native_app_may_come_back_to_any_port_of_its_own_machine() {
    let server = server().await;
    let browser = server.browser();
    let own = "http://127.0.0.1:4711/cb";
    let url = |uri: &str| Browser::authorize_url("app-orders", &[("redirect_uri", uri)]);
    let target = browser.enter(&url(own), "ada").await.expect(302).location();
    assert!(target.as_str().starts_with(own), "{target}");
    let form = |uri: &'static str, code: String| {
        [
            ("grant_type", "authorization_code".to_owned()),
            ("client_id", "app-orders".to_owned()),
            ("client_secret", "secret".to_owned()),
            ("code", code),
            ("code_verifier", VERIFIER.to_owned()),
            ("redirect_uri", uri.to_owned()),
        ]
    };
    let code = parameter(&target, "code").unwrap();
    let redeem = async |uri: &'static str| {
        let form = form(uri, code.clone());
        let form: Vec<_> = form.iter().map(|(a, b)| (*a, b.as_str())).collect();
        server.token(&form).await
    };
    let other = redeem("http://127.0.0.1:4712/cb").await;
    assert_eq!(other.error(), (400, "invalid_grant".to_owned()));
    redeem(own).await.expect(200);
    for wrong in ["http://127.0.0.1:4711/other", "http://localhost:4711/cb"] {
        let page = browser.page(&url(wrong)).await.expect("error");
        assert_eq!(page.answer.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn a_client_may_have_its_answer_as_a_form() {
    let server = server().await;
    let browser = server.browser();
    let url = |more: &[(&str, &str)]| {
        let mut parameters = vec![("response_mode", "form_post")];
        parameters.extend(more);
        Browser::authorize_url("app-orders", &parameters)
    };
    let member = |page: &Value, name: &str| {
        let members = page["members"].as_array().unwrap();
        let found = members.iter().find(|pair| pair[0] == name);
        found.map(|pair| pair[1].as_str().unwrap().to_owned())
    };
    let answer = browser.enter(&url(&[]), "ada").await.expect(200);
    let policy = answer.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.ends_with("form-action 'self' https://app.example"),
        "{policy}"
    );
    assert!(answer.headers.get("location").is_none());
    let page = answer.json();
    assert_eq!(
        (&page["template"], &page["to"]),
        (&json!("form_post"), &json!(REDIRECT))
    );
    assert_eq!(member(&page, "state").as_deref(), Some("xyz"));
    assert_eq!(member(&page, "iss").as_deref(), Some(ISSUER));
    let code = member(&page, "code").unwrap();
    server.redeem("app-orders", &code).await.expect(200);
    // As people see it: a form with a button, which a script presses.
    let accept = ("accept", "text/html");
    let html = browser.html(&url(&[]), accept).await.expect(200).text;
    assert!(
        html.contains(&format!("action=\"{REDIRECT}\" data-send")),
        "{html}"
    );
    assert!(html.contains("name=\"code\"") && html.contains("<button"));
    // So are errors.
    let refused = browser
        .page(&url(&[("scope", "phone")]))
        .await
        .expect("form_post");
    assert_eq!(
        member(&refused.model, "error").as_deref(),
        Some("invalid_scope")
    );
    let silent = server.browser().page(&url(&[("prompt", "none")])).await;
    let silent = silent.expect("form_post").model;
    assert_eq!(member(&silent, "error").as_deref(), Some("login_required"));
}

#[tokio::test]
async fn a_client_may_have_the_user_asked_again() {
    let server = server().await;
    let browser = server.browser();
    let url = |client: &str, prompt: &str| {
        let more = [("scope", "read"), ("prompt", prompt)];
        Browser::authorize_url(client, &more)
    };
    let agree = async |page: &Value| {
        assert_eq!(page["template"], "grant_scopes");
        let csrf = page["csrfToken"].as_str().unwrap();
        let form = [("_csrf", csrf), ("_action", "allow")];
        let target = browser.post("/local/grant", &form).await.expect(302);
        assert!(parameter(&target.location(), "code").is_some());
    };
    let page = browser.page(&url("shop-orders", "")).await.expect("login");
    agree(&browser.log_in(&page, "ada").await.json()).await;
    let target = browser.get(&url("shop-orders", "")).await.expect(302);
    assert!(parameter(&target.location(), "code").is_some());
    agree(&browser.page(&url("shop-orders", "consent")).await.model).await;
    // Again after a fresh log-in, if both are wanted.
    let page = browser.page(&url("shop-orders", "login consent")).await;
    let page = page.expect("login");
    agree(&browser.log_in(&page, "ada").await.json()).await;
    // Nobody agrees to what a trusted client does.
    let target = browser.get(&url("app-orders", "consent")).await.expect(302);
    assert!(parameter(&target.location(), "code").is_some());
    let target = browser.get(&url("shop-orders", "none consent")).await;
    let target = target.expect(302).location();
    assert_eq!(error_of(&target).as_deref(), Some("invalid_request"));
}
