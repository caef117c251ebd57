//! What operators switch on: a log-in for development, a question that only people answer, APIs for
//! members of a group, an own look.

use axum::{Form as AxumForm, Json, Router, routing::post};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{Browser, PASSWORD, REDIRECT, TestServer, VERIFIER, code_of, parameter};

#[tokio::test]
async fn f33_a_method_that_lets_anybody_in_needs_the_developers_switch() {
    let dummy = |portal: &crate::support::PortalApi| {
        portal.add_method("dummy", "dummy", json!({}));
        portal.add_method("odd", "oracle", json!({}));
        portal.add_client("shop", "social", "confidential", true);
    };
    let closed = TestServer::start_changed(dummy, |_| {}).await;
    let path = "/dummy/api/social/authorize";
    for path in [path, "/odd/api/social/authorize"] {
        closed.get(path).await.expect(404);
    }

    let open = TestServer::start_changed(dummy, |settings| settings.dummy_login = true).await;
    open.get("/odd/api/social/authorize").await.expect(404);
    let browser = open.browser();
    let url = Browser::authorize_url("shop-social", &[("auth_method", "dummy")]);
    let page = browser.page(&url).await.expect("dummy");
    assert_eq!(page.model["loginUrl"], "dummy/login");
    // Not without a form of its own (F18).
    let refused = browser.submit("/dummy/login", &[("_csrf", "x")]).await;
    assert_eq!(refused.template(), "dummy");
    let page = browser.page(&url).await.expect("dummy");
    let target = browser
        .post("/dummy/login", &[("_csrf", &page.csrf())])
        .await;
    code_of(&target.expect(302).location());
    let (_, email, _) = open.portal.find_custom("dummy:1234567890").unwrap();
    assert_eq!(email, "dummy@hello.com");
}

/// A service that says yes to `human`.
async fn judge() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/verify", listener.local_addr().unwrap());
    let answer = |AxumForm(form): AxumForm<Value>| async move {
        let is_human = form["response"] == "human" && form["secret"] == "hush";
        Json(json!({"success": is_human}))
    };
    let router = Router::new().route("/verify", post(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test]
async fn new_accounts_are_for_people_where_the_operator_wants_it() {
    let captcha = json!({"useRecaptcha": true, "websiteKey": "site", "secretKey": "hush",
        "provider": "hcaptcha", "verifyUrl": judge().await});
    let server = TestServer::start_changed(
        |portal| {
            portal.use_captcha(captcha);
            portal.add_client("shop", "orders", "confidential", true);
            portal.change_user("ada", &[], true);
        },
        |_| {},
    )
    .await;
    let browser = server.browser();
    let login = browser
        .page(&Browser::authorize_url("shop-orders", &[]))
        .await;
    let page = browser.page("/local/signup").await.expect("signup");
    assert_eq!(
        page.model["recaptcha"],
        json!({"useRecaptcha": true, "websiteKey": "site"}),
        "no secret (F29)"
    );
    let policy = page.answer.headers["content-security-policy"]
        .to_str()
        .unwrap();
    assert!(
        policy.contains("frame-src https://hcaptcha.com"),
        "{policy}"
    );
    let html = browser
        .html("/local/signup", ("accept-language", "en"))
        .await;
    assert!(
        html.text
            .contains(r#"class="h-captcha" data-sitekey="site""#)
    );
    let csrf = page.csrf();
    let mut form = vec![
        ("_csrf", csrf.as_str()),
        ("email", "eve@example.org"),
        ("password", PASSWORD),
        ("password2", PASSWORD),
    ];
    assert_eq!(browser.post("/local/signup", &form).await.status, 401);
    form.push(("g-recaptcha-response", "robot"));
    assert_eq!(browser.post("/local/signup", &form).await.status, 401);
    assert_eq!(server.portal.calls("POST /users"), 0);
    form.pop();
    form.push(("g-recaptcha-response", "human"));
    browser
        .submit("/local/signup", &form)
        .await
        .expect("signup_post");

    // Nor is a password changed by a program that has found out the given one.
    let forced = browser.log_in(&login, "ada").await.json();
    assert_eq!(forced["template"], "force_change_password");
    let csrf = forced["csrfToken"].as_str().unwrap();
    let mut form = vec![
        ("_csrf", csrf),
        ("password", "another one"),
        ("password2", "another one"),
    ];
    assert_eq!(
        browser.post("/local/changepassword", &form).await.status,
        401
    );
    form.push(("g-recaptcha-response", "human"));
    browser
        .post("/local/changepassword", &form)
        .await
        .expect(302);
}

#[tokio::test]
async fn f36_an_api_may_be_for_members_of_its_group_only() {
    let server = TestServer::start_changed(
        |portal| {
            portal.add_api(
                json!({"id": "inner", "auth": "oauth2", "requiredGroup": "staff",
                "authMethods": ["default:local"], "settings": {
                    "enable_authorization_code": true, "enable_client_credentials": true,
                    "enable_password_grant": true, "restrict_to_group": true,
                    "scopes": {"read": {"description": ""}}}}),
            );
            portal.add_client("shop", "inner", "confidential", true);
        },
        |settings| settings.grants.password = auth_server::PasswordGrant::Confidential,
    )
    .await;
    let client = [("client_id", "shop-inner"), ("client_secret", "secret")];
    let browser = server.browser();
    let url = Browser::authorize_url("shop-inner", &[]);
    let refused = browser.enter(&url, "ada").await.expect(302).location();
    assert_eq!(parameter(&refused, "error").unwrap(), "access_denied");
    let by_password = [
        ("grant_type", "password"),
        ("username", "ada@example.org"),
        ("password", PASSWORD),
    ];
    let by_password = [&by_password[..], &client[..]].concat();
    let refused = server.token(&by_password).await;
    assert_eq!(refused.error(), (400, "invalid_grant".to_owned()));

    server.portal.change_user("ada", &["staff"], false);
    let code = code_of(&browser.get(&url).await.expect(302).location());
    let redeem = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    let tokens = server
        .token(&[&redeem[..], &client[..]].concat())
        .await
        .expect(200);
    server.token(&by_password).await.expect(200);

    // Whoever leaves the group keeps nothing.
    server.portal.change_user("ada", &[], false);
    let refresh = tokens.member("refresh_token");
    let again = [("grant_type", "refresh_token"), ("refresh_token", &refresh)];
    let again = [&again[..], &client[..]].concat();
    assert_eq!(server.token(&again).await.error().1, "invalid_grant");
    server.portal.change_user("ada", &["staff"], false);
    assert_eq!(server.token(&again).await.error().1, "invalid_grant");
    // A client is in no group, and nobody's tokens are meant.
    let own = [("grant_type", "client_credentials")];
    server
        .token(&[&own[..], &client[..]].concat())
        .await
        .expect(200);
}

#[tokio::test]
async fn f28_an_api_may_be_for_confirmed_addresses_only() {
    let server = TestServer::start_changed(
        |portal| {
            portal.add_api(
                json!({"id": "sure", "auth": "oauth2", "authMethods": ["default:local"],
                "settings": {"enable_authorization_code": true, "enable_password_grant": true,
                    "needs_confirmed_address": "true"}}),
            );
            portal.add_client("shop", "sure", "confidential", true);
        },
        |settings| settings.grants.password = auth_server::PasswordGrant::Confidential,
    )
    .await;
    server.portal.set_validated("ada", false);
    let browser = server.browser();
    let url = Browser::authorize_url("shop-sure", &[]);
    let page = browser.page(&url).await.expect("login");
    let told = browser.log_in(&page, "ada").await.expect(200).json();
    assert_eq!(told["template"], "verify_email_request");
    assert_eq!(told["profile"]["email_verified"], false);
    let quiet = Browser::authorize_url("shop-sure", &[("prompt", "none")]);
    let silent = browser.get(&quiet).await.expect(302).location();
    assert_eq!(parameter(&silent, "error").unwrap(), "interaction_required");
    let client = [("client_id", "shop-sure"), ("client_secret", "secret")];
    let by_password = [
        ("grant_type", "password"),
        ("username", "ada@example.org"),
        ("password", PASSWORD),
    ];
    let by_password = [&by_password[..], &client[..]].concat();
    let refused = server.token(&by_password).await.error();
    assert_eq!(refused, (400, "invalid_grant".to_owned()));

    // The button sends the mail, the mail's link confirms, and the page leads back to the request.
    let before = server.portal.mails();
    let csrf = told["csrfToken"].as_str().unwrap();
    let form = [("_csrf", csrf)];
    let sent = browser.submit("/local/verifyemail", &form).await;
    sent.expect("verify_email_request_confirm");
    assert_eq!(server.portal.mails(), before + 1);
    let html = browser.html(&url, ("accept-language", "de")).await.text;
    let go_on = html
        .split("Schon bestätigt? <a href=\"/auth")
        .nth(1)
        .unwrap();
    let go_on = go_on
        .split('"')
        .next()
        .unwrap()
        .replace("&#38;", "&")
        .replace("&amp;", "&");
    let still = browser.page(&go_on).await;
    still.expect("verify_email_request");
    server.portal.set_validated("ada", true);
    let code = code_of(&browser.get(&go_on).await.expect(302).location());
    let redeem = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    let redeem = [&redeem[..], &client[..]].concat();
    let tokens = server.token(&redeem).await.expect(200);
    server.token(&by_password).await.expect(200);

    // Another address is not confirmed: nothing until it is.
    let refresh = tokens.member("refresh_token");
    let again = [("grant_type", "refresh_token"), ("refresh_token", &refresh)];
    let again = [&again[..], &client[..]].concat();
    server.portal.set_validated("ada", false);
    assert_eq!(server.token(&again).await.error().1, "invalid_grant");
    server.portal.set_validated("ada", true);
    server.token(&again).await.expect(200);
}

#[tokio::test]
async fn pages_have_the_operators_style() {
    let server = TestServer::start_with_client("shop", "orders", "confidential", true).await;
    let url = Browser::authorize_url("shop-orders", &[]);
    let page = server.browser().html(&url, ("accept-language", "de")).await;
    let mark = r#"<img class="mark" src="/auth/content/images/wicked-40.png""#;
    assert!(page.text.contains(mark), "{}", page.text);
    let link = r#"<link rel="stylesheet" href="/auth/content/wicked.css">"#;
    assert!(page.text.contains(link), "{}", page.text);
}

#[tokio::test]
async fn pages_can_be_the_operators_own() {
    let server = TestServer::start_changed(
        |portal| {
            portal.add_client("shop", "orders", "confidential", true);
            portal.use_pages(json!({
                "login": "<p>{{lang}}: {{title}}</p><form action=\"{{baseUrl}}/{{loginUrl}}\" method=\"post\">\
                    {{#errorMessage}}<p>{{{errorMessage}}}</p>{{/errorMessage}}\
                    <input name=\"username\" value=\"{{{prefillUsername}}}\">\
                    <input type=\"hidden\" name=\"_csrf\" value=\"{{csrfToken}}\"></form>",
                "login.de": "<!DOCTYPE html><title>Hallo</title>",
                "error": "{{status}} {{correlationId}}",
                "logout": "{{#never}}closed",
            }));
        },
        |_| {},
    )
    .await;
    let browser = server.browser();
    let url = Browser::authorize_url("shop-orders", &[]);
    let page = browser
        .html(&url, ("accept-language", "en"))
        .await
        .expect(200);
    assert!(page.text.contains("<p>en: "), "{}", page.text);
    assert!(
        page.text.contains(r#"<main class="auth-main""#),
        "in the frame"
    );
    assert!(
        !page.text.contains("type=\"password\""),
        "not ours beside it"
    );
    let german = browser.html(&url, ("accept-language", "de")).await;
    assert_eq!(german.text, "<!DOCTYPE html><title>Hallo</title>");
    assert!(german.headers.contains_key("content-security-policy"));

    // What somebody typed is shown, and is no markup.
    let field = page.text.split("name=\"_csrf\" value=\"").nth(1).unwrap();
    let csrf = field.split('"').next().unwrap();
    let typed = [
        ("_csrf", csrf),
        ("username", "\"><script>"),
        ("password", "wrong"),
    ];
    let again = browser.post_html("/local/login", &typed).await.expect(200);
    let shown = "value=\"&quot;&gt;&lt;script&gt;\"";
    assert!(again.text.contains(shown), "{}", again.text);

    let lost = browser.html("/nowhere", ("accept-language", "en")).await;
    assert!(lost.expect(404).text.contains("404 "));
    // A template that cannot be read leaves our page.
    let ended = browser.html("/logout", ("accept-language", "en")).await;
    assert!(ended.text.contains("Logged out"), "{}", ended.text);
}

#[tokio::test]
async fn our_pages_speak_the_operators_words_and_languages() {
    let server = TestServer::start_changed(
        |portal| {
            portal.add_client("shop", "orders", "confidential", true);
            portal.use_texts(json!({
                "en": {"auth_pages": {"forgotten": "Lost it?"}},
                "fr": {"language": {"name": "Français"}, "auth_pages": {"forgotten": "Oublié ?"}},
            }));
        },
        |_| {},
    )
    .await;
    let browser = server.browser();
    let url = Browser::authorize_url("shop-orders", &[]);
    for (header, tag, text) in [
        ("en", "en", "Lost it?"),
        ("fr-CA", "fr", "Oublié ?"),
        ("de", "de", "Vergessen?"),
    ] {
        let page = browser
            .html(&url, ("accept-language", header))
            .await
            .expect(200);
        assert!(
            page.text.contains(&format!("<html lang=\"{tag}\"")),
            "{header}: {}",
            page.text
        );
        assert!(page.text.contains(text), "{header}: {}", page.text);
        assert_eq!(
            page.text.contains("Français"),
            tag != "fr",
            "{header}: a choice"
        );
    }
    let metadata = browser.get("/.well-known/openid-configuration").await;
    let metadata = metadata.expect(200).json();
    assert_eq!(metadata["ui_locales_supported"], json!(["en", "de", "fr"]));
}
