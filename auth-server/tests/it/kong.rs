//! Tokens that Kong makes and keeps: every flow, what is refused, and Kong being away.

use serde_json::json;

use crate::support::{
    Answer, Browser, CHALLENGE, EXPIRES_IN, Form, Kong, Logs, PASSWORD, SECRET, TestServer,
    VERIFIER, parameter, until,
};

const OLD_URL: &str = "/local/api/orders/token";

/// A server with clients that the gateway has, too.
async fn server() -> (TestServer, Kong) {
    let (server, kong) = TestServer::start_with_kong().await;
    add_clients(&server, &kong);
    (server, kong)
}

fn add_clients(server: &TestServer, kong: &Kong) {
    for (application, kind, secret) in [
        ("app", "confidential", "secret"),
        ("page", "public_spa", "nobody knows it"),
        ("phone", "public_native", "nobody knows it"),
    ] {
        let id = server.portal.add_client(application, "orders", kind, true);
        kong.add_client(&id, secret);
    }
}

fn form<'a>(members: &[(&'a str, &'a str)], more: Form<'a>) -> Vec<(&'a str, &'a str)> {
    members.iter().chain(more).copied().collect()
}

async fn redeem(server: &TestServer, client: &str, code: &str, more: Form<'_>) -> Answer {
    let members = [
        ("grant_type", "authorization_code"),
        ("client_id", client),
        ("code", code),
        ("code_verifier", VERIFIER),
    ];
    server.token(&form(&members, more)).await
}

/// Tokens of `ada` at the confidential client.
async fn tokens(server: &TestServer) -> Answer {
    let code = server.browser().code("app-orders", &[]).await;
    redeem(server, "app-orders", &code, &[SECRET])
        .await
        .expect(200)
}

async fn refresh(server: &TestServer, token: &str, more: Form<'_>) -> Answer {
    let members = [
        ("grant_type", "refresh_token"),
        ("client_id", "app-orders"),
        SECRET,
        ("refresh_token", token),
    ];
    server.token(&form(&members, more)).await
}

async fn introspect(server: &TestServer, token: &str) -> serde_json::Value {
    let bearer = server.service_token();
    let form = [("token", token)];
    let answer = server.post_as("/oauth2/introspect", &bearer, &form).await;
    answer.expect(200).json()
}

async fn profile_status(server: &TestServer, token: &str) -> u16 {
    server.get_with("/profile", token).await.status.as_u16()
}

fn gone() -> (u16, String) {
    (400, "invalid_grant".to_owned())
}

#[tokio::test]
async fn a_client_gets_its_token_from_kong_and_can_end_it() {
    let (server, kong) = server().await;
    let members = [
        ("grant_type", "client_credentials"),
        ("client_id", "app-orders"),
        ("scope", "read"),
        SECRET,
    ];
    for url in ["/oauth2/token", OLD_URL] {
        let answer = server.post(url, &members).await.expect(200);
        let token = answer.member("access_token");
        let body = json!({"access_token": token, "token_type": "bearer",
            "expires_in": EXPIRES_IN, "scope": "read"});
        assert_eq!(answer.json(), body);
        let kept = answer.headers["cache-control"].to_str().unwrap();
        assert!(kept.starts_with("no-store"));
        let row = kong.token(&token).unwrap();
        assert_eq!((row.api, row.user), ("orders", None));
        assert_eq!(row.scope.as_deref(), Some("read"));
        let described = introspect(&server, &token).await;
        assert_eq!(described["active"], true);
        assert_eq!(described["sub"], "app-orders");
        assert_eq!(described["aud"], "orders");
        assert_eq!(described["subscription"], "sub-app-orders");
        assert_eq!(
            profile_status(&server, &token).await,
            401,
            "no user is behind it"
        );
        let ended = [("client_id", "app-orders"), SECRET, ("token", &token)];
        server.post("/oauth2/revoke", &ended).await.expect(200);
        assert!(kong.token(&token).is_none());
        assert_eq!(introspect(&server, &token).await, json!({"active": false}));
    }
}

#[tokio::test]
async fn a_login_leads_to_tokens_that_kong_keeps_for_the_user() {
    let (server, kong) = server().await;
    let answer = tokens(&server).await;
    assert_eq!(answer.member("scope"), "read write wicked:dev");
    assert_eq!(answer.json()["expires_in"], EXPIRES_IN);
    let token = answer.member("access_token");
    let row = kong.token(&token).unwrap();
    assert_eq!(row.user.as_deref(), Some("sub=ada"));
    assert_eq!(row.scope.as_deref(), Some("read write wicked:dev"));
    let profile = server.get_with("/profile", &token).await.expect(200).json();
    let expected = json!({"sub": "ada", "email": "ada@example.org", "email_verified": true});
    assert_eq!(profile, expected);
    let described = introspect(&server, &token).await;
    assert_eq!(described["authenticated_userid"], "sub=ada");
    assert_eq!(described["scope"], "read write wicked:dev");
    assert_eq!(described["sub"], "ada");
    assert!(described["sid"].is_string() && described["exp"].is_i64());
    for stranger in ["0123456789abcdef0123456789abcdef", &row.id.to_string()] {
        assert_eq!(
            introspect(&server, stranger).await,
            json!({"active": false})
        );
        assert_eq!(profile_status(&server, stranger).await, 401);
    }
}

#[tokio::test]
async fn refreshing_changes_both_tokens_at_both_urls() {
    let (server, kong) = server().await;
    let first = tokens(&server).await;
    let second = refresh(&server, &first.member("refresh_token"), &[])
        .await
        .expect(200);
    assert_eq!(second.member("scope"), "read write wicked:dev");
    let token = second.member("refresh_token");
    let old_way = [
        ("grant_type", "refresh_token"),
        ("client_id", "app-orders"),
        SECRET,
        ("refresh_token", &token),
    ];
    let third = server.post(OLD_URL, &old_way).await.expect(200);
    kong.until_only(&[&third.member("access_token")]).await;
    for old in [&first, &second] {
        assert_eq!(
            profile_status(&server, &old.member("access_token")).await,
            401
        );
    }
    assert_eq!(
        profile_status(&server, &third.member("access_token")).await,
        200
    );
    let wrong = [
        ("grant_type", "refresh_token"),
        ("client_id", "app-orders"),
        ("client_secret", "wrong"),
        ("refresh_token", &third.member("refresh_token")),
    ];
    let error = server.post(OLD_URL, &wrong).await.error();
    assert_eq!(error, (400, "invalid_client".to_owned()));
}

#[tokio::test]
async fn a_lost_answer_may_be_asked_for_once_more_and_then_all_tokens_end() {
    let (server, kong) = server().await;
    let token = tokens(&server).await.member("refresh_token");
    let one = refresh(&server, &token, &[]).await.expect(200);
    let two = refresh(&server, &token, &[]).await.expect(200);
    let both = [one.member("access_token"), two.member("access_token")];
    kong.until_only(&[&both[0], &both[1]]).await;
    assert_eq!(refresh(&server, &token, &[]).await.error(), gone());
    kong.until_only(&[]).await;
    assert_eq!(profile_status(&server, &both[1]).await, 401);
}

#[tokio::test]
async fn two_requests_at_once_with_one_refresh_token_both_get_tokens() {
    let (server, kong) = server().await;
    let token = tokens(&server).await.member("refresh_token");
    let (one, two) = tokio::join!(refresh(&server, &token, &[]), refresh(&server, &token, &[]));
    let both = [one, two].map(|answer| answer.expect(200).member("access_token"));
    kong.until_only(&[&both[0], &both[1]]).await;
}

#[tokio::test]
async fn a_refresh_gives_the_groups_of_now_and_no_more_scope_than_asked_for() {
    let (server, kong) = server().await;
    let first = tokens(&server).await;
    server.portal.change_user("ada", &["admin"], false);
    let second = refresh(&server, &first.member("refresh_token"), &[])
        .await
        .expect(200);
    assert_eq!(second.member("scope"), "read write wicked:admin");
    let token = second.member("access_token");
    kong.until_only(&[&token]).await;
    let scope = kong.token(&token).unwrap().scope;
    assert_eq!(scope.as_deref(), Some("read write wicked:admin"));
    let narrow = [("scope", "read")];
    let third = refresh(&server, &second.member("refresh_token"), &narrow)
        .await
        .expect(200);
    let token = third.member("access_token");
    kong.until_only(&[&token]).await;
    let scope = kong.token(&token).unwrap().scope;
    assert_eq!(scope.as_deref(), Some("read wicked:admin"));
}

#[tokio::test]
async fn challenges_are_checked_here_and_programs_in_a_page_get_no_refresh_token() {
    let (server, kong) = server().await;
    for (client, refreshes) in [("page-orders", false), ("phone-orders", true)] {
        let code = server.browser().code(client, &[]).await;
        let other = "a".repeat(43);
        let wrong = [
            ("grant_type", "authorization_code"),
            ("client_id", client),
            ("code", &code),
            ("code_verifier", &other),
        ];
        assert_eq!(server.token(&wrong).await.error(), gone());
        let secret = redeem(&server, client, &code, &[SECRET]).await;
        assert_eq!(secret.error().0, 401, "public clients have no secret");
        assert_eq!(
            kong.calls("POST /orders/v1/oauth2/token"),
            usize::from(refreshes)
        );
        let answer = redeem(&server, client, &code, &[]).await.expect(200);
        assert_eq!(answer.json().get("refresh_token").is_some(), refreshes);
        assert!(kong.token(&answer.member("access_token")).is_some());
    }
}

#[tokio::test]
async fn a_second_use_of_a_code_ends_at_kong_what_came_out_of_the_first() {
    let (server, kong) = server().await;
    let code = server.browser().code("app-orders", &[]).await;
    let answer = redeem(&server, "app-orders", &code, &[SECRET])
        .await
        .expect(200);
    assert_eq!(
        redeem(&server, "app-orders", &code, &[SECRET])
            .await
            .error(),
        gone()
    );
    let token = answer.member("access_token");
    assert_eq!(profile_status(&server, &token).await, 401);
    assert_eq!(introspect(&server, &token).await, json!({"active": false}));
    kong.until_only(&[]).await;
    let refreshed = refresh(&server, &answer.member("refresh_token"), &[]).await;
    assert_eq!(refreshed.error(), gone());
}

#[tokio::test]
async fn logging_out_and_withdrawn_consent_end_tokens_at_kong() {
    let (server, kong) = server().await;
    let browser = server.browser();
    let code = browser.code("app-orders", &[]).await;
    let token = redeem(&server, "app-orders", &code, &[SECRET])
        .await
        .expect(200)
        .member("access_token");
    let other = tokens(&server).await.member("access_token");
    browser.get("/logout").await.expect(200);
    kong.until_only(&[&other]).await;
    assert_eq!(profile_status(&server, &token).await, 401);
    let browser = server.browser();
    browser.code("app-orders", &[]).await;
    let page = browser.page("/local/grants").await.expect("scope_list");
    let csrf = page.csrf();
    let form = [
        ("_csrf", &*csrf),
        ("revoke_app", "app"),
        ("revoke_api", "orders"),
    ];
    browser
        .submit("/local/grants", &form)
        .await
        .expect("scope_list");
    kong.until_only(&[]).await;
}

#[tokio::test]
async fn while_kong_is_away_clients_are_told_to_come_back_and_lose_nothing() {
    let (server, kong) = server().await;
    let token = tokens(&server).await.member("refresh_token");
    let code = server.browser().code("app-orders", &[]).await;
    kong.admin.close().await;
    kong.proxy.close().await;
    let members = [
        ("grant_type", "client_credentials"),
        ("client_id", "app-orders"),
        SECRET,
    ];
    let away = (503, "temporarily_unavailable".to_owned());
    let answers = [
        server.token(&members).await,
        redeem(&server, "app-orders", &code, &[SECRET]).await,
        refresh(&server, &token, &[]).await,
    ];
    for answer in answers {
        assert_eq!(answer.error(), away);
        assert!(answer.headers.contains_key("retry-after"));
        let port = kong.admin.url().port().unwrap().to_string();
        assert!(!answer.text.contains(&port) && !answer.text.contains("127.0.0.1"));
    }
    let old_way = server.post(OLD_URL, &members).await;
    assert_eq!(old_way.error(), (500, "server_error".to_owned()));
    assert!(old_way.headers.contains_key("retry-after"));
    // What is ended now is ended as soon as Kong is back.
    let other = [("client_id", "app-orders"), SECRET, ("token", &token)];
    let revoked = server.post("/oauth2/revoke", &other).await;
    assert_eq!(revoked.error(), away);
    kong.admin.reopen().await;
    kong.proxy.reopen().await;
    kong.until_only(&[]).await;
    assert_eq!(refresh(&server, &token, &[]).await.error(), gone());
    redeem(&server, "app-orders", &code, &[SECRET])
        .await
        .expect(200);
}

#[tokio::test]
async fn what_kong_refuses_or_does_not_have_is_told_without_its_words() {
    let (server, kong) = server().await;
    server.portal.change_user("ada", &["new"], false);
    let code = server.browser().code("app-orders", &[]).await;
    let refused = redeem(&server, "app-orders", &code, &[SECRET]).await;
    assert_eq!(
        refused.error(),
        (400, "invalid_scope".to_owned()),
        "Kong lacks the group"
    );
    server.portal.change_user("ada", &[], false);
    redeem(&server, "app-orders", &code, &[SECRET])
        .await
        .expect(200);
    server
        .portal
        .add_client("late", "orders", "confidential", true);
    let late = [
        ("grant_type", "client_credentials"),
        ("client_id", "late-orders"),
        SECRET,
    ];
    let refused = server.post(OLD_URL, &late).await;
    assert_eq!(refused.error(), (400, "invalid_client".to_owned()));
    assert_eq!(
        server.token(&late).await.error(),
        (401, "invalid_client".to_owned())
    );
    let code = server.browser().code("late-orders", &[]).await;
    let error = redeem(&server, "late-orders", &code, &[SECRET]).await;
    assert_eq!(error.error(), (500, "server_error".to_owned()));
    kong.remove_api("machines");
    server
        .portal
        .add_client("job", "machines", "confidential", true);
    let job = [
        ("grant_type", "client_credentials"),
        ("client_id", "job-machines"),
        SECRET,
    ];
    let error = server.token(&job).await;
    assert_eq!(error.error(), (500, "server_error".to_owned()));
    for word in ["Kong", "machines", "late", "Invalid"] {
        assert!(!error.text.contains(word), "{}", error.text);
    }
}

#[tokio::test]
async fn an_api_may_have_signed_tokens_beside_those_of_kong() {
    let (server, kong) = server().await;
    server
        .portal
        .add_client("app", "signed", "confidential", true);
    let members = [
        ("grant_type", "client_credentials"),
        ("client_id", "app-signed"),
        SECRET,
    ];
    let token = server
        .token(&members)
        .await
        .expect(200)
        .member("access_token");
    assert_eq!(token.split('.').count(), 3);
    assert_eq!(introspect(&server, &token).await["active"], true);
    assert!(kong.tokens().is_empty());
}

#[tokio::test]
async fn tokens_and_provision_key_of_an_installation_that_is_taken_over_stay_good() {
    let (server, kong) = TestServer::start_with(|kong| async move {
        kong.set_provision_key("orders", "from wicked");
        let credential = kong.add_client("app-orders", "secret");
        for number in 0..5 {
            kong.add_token(
                credential,
                &format!("{number}refreshtokenofearliertimes"),
                "sub=ada",
                "read wicked:dev",
            );
        }
        kong.add_token(
            uuid::Uuid::new_v4(),
            "strangerstokenofearliertimes",
            "sub=ada",
            "read",
        );
        kong.admin.close().await;
    })
    .await;
    server
        .portal
        .add_client("app", "orders", "confidential", true);
    // Nobody knows yet whether it is good: the client must not throw it away.
    let early = refresh(&server, "0refreshtokenofearliertimes", &[]).await;
    assert_eq!(early.error().0, 503);
    kong.admin.reopen().await;
    let ids: Vec<String> = kong
        .tokens()
        .iter()
        .map(|token| token.access_token.clone())
        .collect();
    until_status(&server, &ids[4], 200).await;
    assert_eq!(
        profile_status(&server, &ids[5]).await,
        401,
        "its client has ended"
    );
    let refreshed = refresh(&server, "0refreshtokenofearliertimes", &[])
        .await
        .expect(200);
    assert_eq!(refreshed.member("scope"), "read wicked:dev");
    assert_eq!(profile_status(&server, &ids[0]).await, 401);
    // With other groups than Kong knows of, new tokens are made by the key that Kong has.
    server.portal.change_user("ada", &["admin"], false);
    let refreshed = refresh(&server, "1refreshtokenofearliertimes", &[])
        .await
        .expect(200);
    assert_eq!(refreshed.member("scope"), "read wicked:admin");
    tokens(&server).await;
    assert_eq!(
        kong.calls("GET /services"),
        2,
        "the key is read once, the route once"
    );
    let ended = [
        ("client_id", "app-orders"),
        SECRET,
        ("token", "2refreshtokenofearliertimes"),
    ];
    server.post("/oauth2/revoke", &ended).await.expect(200);
    assert!(kong.token(&ids[2]).is_none());
    // The user goes, and with him what he had.
    server.portal.remove_user("ada");
    let error = refresh(&server, "3refreshtokenofearliertimes", &[])
        .await
        .error();
    assert_eq!(error, gone());
    let only_of_user = || kong.token(&ids[3]).is_none();
    until("the token of the user has ended", only_of_user).await;
}

async fn until_status(server: &TestServer, token: &str, status: u16) {
    let began = std::time::Instant::now();
    while profile_status(server, token).await != status {
        assert!(began.elapsed().as_secs() < 30, "the token is not {status}");
    }
}

#[tokio::test]
async fn no_secret_of_this_mode_is_logged() {
    let logs = Logs::all();
    let (server, kong) = server().await;
    let code = server.browser().code("app-orders", &[]).await;
    let first = redeem(&server, "app-orders", &code, &[SECRET])
        .await
        .expect(200);
    let second = refresh(&server, &first.member("refresh_token"), &[])
        .await
        .expect(200);
    introspect(&server, &second.member("access_token")).await;
    kong.proxy.close().await;
    refresh(&server, &second.member("refresh_token"), &[])
        .await
        .expect(503);
    kong.admin.close().await;
    let token = second.member("access_token");
    let bearer = server.service_token();
    let form = [("token", token.as_str())];
    server
        .post_as("/oauth2/introspect", &bearer, &form)
        .await
        .expect(503);
    let key = service::keys::provision_key(
        &server
            .keys
            .derive(&service::keys::Purpose::Provision)
            .unwrap(),
        "orders",
    );
    let text = logs.text();
    assert!(
        text.contains("Kong does not answer"),
        "the failures are in the log"
    );
    let members = ["access_token", "refresh_token"];
    let tokens = [&first, &second].map(|answer| members.map(|name| answer.member(name)));
    for secret in tokens.iter().flatten().chain([&code, &key]) {
        assert!(!text.contains(secret.as_str()), "a secret was logged");
    }
    assert!(!text.contains(PASSWORD));
}

#[tokio::test]
async fn the_old_authorize_url_leads_to_tokens_of_kong() {
    let (server, kong) = server().await;
    let browser = server.browser();
    let query = format!(
        "response_type=code&client_id=app-orders&code_challenge={CHALLENGE}&code_challenge_method=S256"
    );
    let url = format!("/local/api/orders/authorize?{query}");
    let page = browser.page(&url).await.expect("login");
    let target = browser.log_in(&page, "ada").await.expect(302).location();
    let code = parameter(&target, "code").unwrap();
    assert_eq!(
        kong.tokens().len(),
        0,
        "nothing is made before the code is redeemed"
    );
    let members = [
        ("grant_type", "authorization_code"),
        ("client_id", "app-orders"),
        ("code", &code),
        ("code_verifier", VERIFIER),
        SECRET,
    ];
    let answer = server.post(OLD_URL, &members).await.expect(200);
    assert!(kong.token(&answer.member("access_token")).is_some());
    let silent = Browser::authorize_url("page-orders", &[("prompt", "none")]);
    let target = browser.get(&silent).await.expect(302).location();
    assert!(parameter(&target, "code").is_some());
}

#[tokio::test]
async fn two_instances_share_what_they_know_of_the_tokens_of_kong() {
    let Some((one, two, kong)) = TestServer::start_two_with_kong().await else {
        return;
    };
    add_clients(&one, &kong);
    let first = tokens(&one).await;
    assert_eq!(
        profile_status(&two, &first.member("access_token")).await,
        200
    );
    let token = first.member("refresh_token");
    let (a, b) = tokio::join!(refresh(&one, &token, &[]), refresh(&two, &token, &[]));
    let both = [a, b].map(|answer| answer.expect(200).member("access_token"));
    kong.until_only(&[&both[0], &both[1]]).await;
    let ended = [("client_id", "app-orders"), SECRET, ("token", &both[0])];
    two.post("/oauth2/revoke", &ended).await.expect(200);
    kong.until_only(&[&both[1]]).await;
    assert_eq!(profile_status(&one, &both[0]).await, 401);
    assert_eq!(refresh(&two, &token, &[]).await.error(), gone());
    kong.until_only(&[]).await;
}
