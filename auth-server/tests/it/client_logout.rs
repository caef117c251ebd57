//! Log-out at the wish of a client, and telling the others (RP-Initiated and Back-Channel Logout).

use serde_json::json;

use crate::support::{Answer, Browser, Receiver, TestServer, claims, parameter, part, until};

const BYE: &str = "https://app.example/bye";

async fn server() -> TestServer {
    let server = TestServer::start().await;
    for application in ["app", "shop"] {
        server
            .portal
            .add_client(application, "orders", "confidential", true);
    }
    let oauth = json!({"postLogoutRedirectUris": [BYE, "https://app.example/bye?x=1"]});
    server.portal.set_oauth("app", &oauth);
    server
}

async fn tokens(server: &TestServer, browser: &Browser<'_>, client: &str) -> Answer {
    let url = Browser::authorize_url(client, &[("scope", "openid")]);
    let mut answer = browser.get(&url).await;
    if answer.status == 200 {
        let model = answer.json();
        let page = crate::support::Page { answer, model };
        answer = browser.log_in(&page, "ada").await;
    }
    let code = parameter(&answer.expect(302).location(), "code").unwrap();
    server.redeem(client, &code).await
}

fn logout(parameters: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters);
    format!("/oauth2/logout?{}", query.finish())
}

async fn is_logged_in(browser: &Browser<'_>) -> bool {
    let url = Browser::authorize_url("app-orders", &[("prompt", "none")]);
    let target = browser.get(&url).await.expect(302).location();
    parameter(&target, "code").is_some()
}

#[tokio::test]
async fn a_client_with_an_id_token_logs_its_user_out_and_gets_him_back() {
    let server = server().await;
    let browser = server.browser();
    let id_token = tokens(&server, &browser, "app-orders")
        .await
        .member("id_token");
    let url = logout(&[
        ("id_token_hint", &id_token),
        ("post_logout_redirect_uri", BYE),
        ("state", "a b&c"),
    ]);
    let target = browser.get(&url).await.expect(302).location();
    assert_eq!(target.as_str(), "https://app.example/bye?state=a+b%26c");
    assert!(!is_logged_in(&browser).await);
    // Once more, with nobody logged in: the client gets its answer all the same.
    let registered = "https://app.example/bye?x=1";
    let url = logout(&[
        ("client_id", "app-orders"),
        ("post_logout_redirect_uri", registered),
    ]);
    let target = browser.get(&url).await.expect(302).location();
    assert_eq!(target.as_str(), registered);
}

#[tokio::test]
async fn without_proof_the_person_is_asked_and_a_form_needs_its_own_page() {
    let server = server().await;
    let browser = server.browser();
    tokens(&server, &browser, "app-orders").await;
    let url = logout(&[
        ("client_id", "app-orders"),
        ("post_logout_redirect_uri", BYE),
    ]);
    let page = browser.page(&url).await.expect("logout_confirm");
    assert!(is_logged_in(&browser).await);
    let csrf = page.csrf();
    let forged = [("_csrf", "logout-x"), ("client_id", "app-orders")];
    let refused = browser.submit("/oauth2/logout", &forged).await;
    assert_eq!(refused.expect("error").answer.status, 403);
    assert!(is_logged_in(&browser).await);
    let form = [
        ("_csrf", csrf.as_str()),
        ("client_id", "app-orders"),
        ("post_logout_redirect_uri", BYE),
    ];
    let target = browser.post("/oauth2/logout", &form).await.expect(302);
    assert_eq!(target.location().as_str(), BYE);
    assert!(!is_logged_in(&browser).await);
    // A client may post, too; that goes on as a link.
    let form = [("client_id", "app-orders"), ("state", "x")];
    let target = browser.post("/oauth2/logout", &form).await.expect(302);
    assert_eq!(
        target.location().path_and_query(),
        "/auth/oauth2/logout?client_id=app-orders&state=x"
    );
}

trait PathAndQuery {
    fn path_and_query(&self) -> String;
}

impl PathAndQuery for url::Url {
    fn path_and_query(&self) -> String {
        format!("{}?{}", self.path(), self.query().unwrap_or_default())
    }
}

#[tokio::test]
async fn nobody_is_sent_to_an_address_that_is_not_registered() {
    let server = server().await;
    let browser = server.browser();
    let tokens = tokens(&server, &browser, "app-orders").await;
    let (id_token, access_token) = (tokens.member("id_token"), tokens.member("access_token"));
    let cases: &[&[(&str, &str)]] = &[
        &[("post_logout_redirect_uri", BYE)],
        &[
            ("id_token_hint", &id_token),
            ("post_logout_redirect_uri", "https://app.example/bye/"),
        ],
        &[
            ("id_token_hint", &id_token),
            ("post_logout_redirect_uri", crate::support::REDIRECT),
        ],
        &[
            ("client_id", "shop-orders"),
            ("post_logout_redirect_uri", BYE),
        ],
        &[("client_id", "../x"), ("post_logout_redirect_uri", BYE)],
        &[("id_token_hint", &id_token), ("client_id", "shop-orders")],
        &[("id_token_hint", &access_token)],
        &[("id_token_hint", "x")],
    ];
    for case in cases {
        let page = browser.page(&logout(case)).await.expect("error");
        assert_eq!(page.answer.status, 400, "{case:?}");
    }
    assert!(is_logged_in(&browser).await, "none of these ended anything");
}

#[tokio::test]
async fn clients_that_want_to_know_are_told_about_the_end_of_a_session() {
    let server = server().await;
    let receiver = Receiver::start().await;
    let oauth = json!({"backchannelLogoutUri": receiver.url});
    server.portal.set_oauth("shop", &oauth);
    let browser = server.browser();
    tokens(&server, &browser, "app-orders").await;
    let shop = tokens(&server, &browser, "shop-orders").await;
    let said = claims(&shop.member("id_token"));
    // A second authorization of the same session makes no second notice.
    tokens(&server, &browser, "shop-orders").await;
    browser.get("/logout").await.expect(200);
    until("the client is told", || receiver.tokens().len() == 1).await;
    let token = receiver.tokens().remove(0);
    assert_eq!(part(&token, 0)["typ"], "logout+jwt");
    let told = claims(&token);
    for same in ["iss", "sub", "sid"] {
        assert_eq!(told[same], said[same], "{same}");
    }
    assert_eq!(told["aud"], "shop-orders");
    let event = "http://schemas.openid.net/event/backchannel-logout";
    assert_eq!(told["events"], json!({ event: {} }));
    assert!(told["jti"].is_string() && told.get("nonce").is_none());
    assert!(told["exp"].as_i64().unwrap() - told["iat"].as_i64().unwrap() <= 120);
    // It is no token for anything else.
    let answer = server
        .get_with("/userinfo", &format!("Bearer {token}"))
        .await;
    answer.expect(401);
    let page = browser.page(&logout(&[("id_token_hint", &token)])).await;
    page.expect("error");
    // A new session has a new name, and is told about again.
    tokens(&server, &browser, "shop-orders").await;
    browser.get("/logout").await.expect(200);
    until("the client is told again", || receiver.tokens().len() == 2).await;
    let [first, second] = receiver.claims().try_into().unwrap();
    assert_ne!(first["sid"], second["sid"]);
}

#[tokio::test]
async fn a_client_that_is_away_is_told_later() {
    let server = server().await;
    let receiver = Receiver::start().await;
    receiver.fail(1);
    let oauth = json!({"backchannelLogoutUri": receiver.url});
    server.portal.set_oauth("shop", &oauth);
    let browser = server.browser();
    tokens(&server, &browser, "shop-orders").await;
    browser.get("/logout").await.expect(200);
    until("the second try", || receiver.tokens().len() == 2).await;
    let [first, second] = receiver.claims().try_into().unwrap();
    assert_eq!(first["sid"], second["sid"]);
    assert_ne!(first["jti"], second["jti"]);
}

#[tokio::test]
async fn clients_are_told_when_a_user_is_gone() {
    let server = server().await;
    let receiver = Receiver::start().await;
    let oauth = json!({"backchannelLogoutUri": receiver.url});
    server.portal.set_oauth("shop", &oauth);
    let shop = tokens(&server, &server.browser(), "shop-orders").await;
    let said = claims(&shop.member("id_token"));
    server.portal.remove_user("ada");
    let event = json!({"deletedUserId": "ada"});
    server.portal.tell("user", "delete", event).await;
    until("the client is told", || receiver.tokens().len() == 1).await;
    assert_eq!(receiver.claims()[0]["sid"], said["sid"]);
}
