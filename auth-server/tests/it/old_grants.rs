//! The implicit and the password grant: off unless operator and API want them, in both token modes.

use std::time::{Duration, Instant};

use url::Url;

use crate::support::{
    Answer, Browser, Form, Kong, PASSWORD, REDIRECT, SECRET, TestServer, claims, parameter,
};

const OLD_URL: &str = "/local/api/direct/token";

async fn server() -> TestServer {
    let server = TestServer::start_with_old_grants().await;
    add_clients(&server);
    server
}

async fn server_with_kong() -> (TestServer, Kong) {
    let (server, kong) = TestServer::start_with_kong().await;
    add_clients(&server);
    kong.add_client("app-direct", "secret");
    kong.add_client("page-direct", "nobody knows it");
    (server, kong)
}

fn add_clients(server: &TestServer) {
    for (application, api, kind, trusted) in [
        ("app", "direct", "confidential", true),
        ("page", "direct", "public_spa", true),
        ("strange", "direct", "confidential", false),
        ("app", "orders", "confidential", true),
        ("app", "tenants", "confidential", true),
        ("app", "portal-api", "confidential", true),
    ] {
        server.portal.add_client(application, api, kind, trusted);
    }
}

fn implicit_url(client: &str, more: Form<'_>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("response_type", "token")
        .append_pair("client_id", client)
        .append_pair("redirect_uri", REDIRECT)
        .append_pair("state", "x&y")
        .extend_pairs(more);
    format!("/oauth2/authorize?{}", query.finish())
}

fn in_fragment(url: &Url, name: &str) -> Option<String> {
    assert!(parameter(url, name).is_none(), "`{name}` is in the query");
    let pairs = url::form_urlencoded::parse(url.fragment()?.as_bytes());
    pairs
        .into_owned()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value)
}

/// Logs in and reads the answer to the client.
async fn implicit(browser: &Browser<'_>) -> Url {
    let url = implicit_url("page-direct", &[]);
    browser.enter(&url, "ada").await.expect(302).location()
}

async fn password(server: &TestServer, url: &str, client: &str, more: Form<'_>) -> Answer {
    let members = [
        ("grant_type", "password"),
        ("client_id", client),
        ("username", "ada@example.org"),
    ];
    let form: Vec<(&str, &str)> = members.iter().chain(more).copied().collect();
    server.post(url, &form).await
}

/// Client and parameters, and status and code at the standard and at the compatible URL.
type Case<'a> = (&'a str, Form<'a>, (u16, &'a str), (u16, &'a str));

const RIGHT: (&str, &str) = ("password", PASSWORD);

#[tokio::test]
async fn a_token_in_the_fragment_is_complete_and_cannot_be_refreshed() {
    let server = server().await;
    let browser = server.browser();
    let target = implicit(&browser).await;
    assert!(target.as_str().starts_with(&format!("{REDIRECT}#")));
    let member = |name| in_fragment(&target, name);
    assert_eq!(member("token_type").as_deref(), Some("bearer"));
    assert_eq!(member("expires_in").as_deref(), Some("1800"));
    assert_eq!(member("scope").as_deref(), Some("read write wicked:dev"));
    assert_eq!(member("state").as_deref(), Some("x&y"));
    assert!(member("iss").is_some());
    assert_eq!((member("refresh_token"), member("code")), (None, None));
    let token = member("access_token").unwrap();
    assert_eq!(claims(&token)["authenticated_userid"], "sub=ada");
    let bearer = format!("Bearer {token}");
    server.get_with("/userinfo", &bearer).await.expect(200);
    browser.get("/logout").await.expect(200);
    server.get_with("/userinfo", &bearer).await.expect(401);
}

#[tokio::test]
async fn faults_go_into_the_fragment_where_a_token_would() {
    let server = server().await;
    let faults: &[(&str, Form, &str)] = &[
        ("page-direct", &[("scope", "fly")], "invalid_scope"),
        ("page-direct", &[("prompt", "none")], "login_required"),
        ("app-orders", &[], "unauthorized_client"),
    ];
    for (client, more, error) in faults {
        let target = server
            .get(&implicit_url(client, more))
            .await
            .expect(302)
            .location();
        assert_eq!(in_fragment(&target, "error").as_deref(), Some(*error));
        assert_eq!(in_fragment(&target, "state").as_deref(), Some("x&y"));
    }
}

#[tokio::test]
async fn f16_f17_without_the_operators_switch_both_grants_do_not_exist() {
    let server = TestServer::start().await;
    add_clients(&server);
    let target = server
        .get(&implicit_url("page-direct", &[]))
        .await
        .expect(302);
    let error = in_fragment(&target.location(), "error");
    assert_eq!(error.as_deref(), Some("unsupported_response_type"));
    let refused = password(&server, OLD_URL, "app-direct", &[SECRET, RIGHT]).await;
    assert_eq!(refused.error(), (400, "unsupported_grant_type".to_owned()));
    let metadata = server.get("/.well-known/openid-configuration").await.json();
    assert_eq!(
        metadata["response_types_supported"],
        serde_json::json!(["code"])
    );
}

#[tokio::test]
async fn name_and_password_lead_to_tokens_that_can_be_refreshed() {
    let server = server().await;
    for url in ["/oauth2/token", OLD_URL] {
        let answer = password(&server, url, "app-direct", &[SECRET, RIGHT])
            .await
            .expect(200);
        assert_eq!(answer.member("scope"), "read write wicked:dev");
        let said = claims(&answer.member("access_token"));
        assert_eq!(said["authenticated_userid"], "sub=ada");
        assert!(said.get("sid").is_none(), "there is no session");
        let token = answer.member("refresh_token");
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", "app-direct"),
            SECRET,
            ("refresh_token", &token),
        ];
        server.post(url, &form).await.expect(200);
    }
    let metadata = server.get("/.well-known/openid-configuration").await.json();
    let grants = metadata["grant_types_supported"].as_array().unwrap();
    assert!(grants.contains(&"password".into()));
}

#[tokio::test]
async fn f10_the_password_grant_says_what_is_wrong_with_the_client_but_not_with_the_user() {
    let server = server().await;
    let wrong = ("client_secret", "wrong");
    let scope = ("scope", "fly");
    let cases: &[Case] = &[
        (
            "nobody",
            &[SECRET, RIGHT],
            (401, "invalid_client"),
            (400, "invalid_request"),
        ),
        (
            "app-direct",
            &[RIGHT],
            (401, "invalid_client"),
            (401, "invalid_request"),
        ),
        (
            "app-direct",
            &[wrong, RIGHT],
            (401, "invalid_client"),
            (401, "invalid_request"),
        ),
        (
            "page-direct",
            &[RIGHT],
            (400, "unauthorized_client"),
            (401, "unauthorized_client"),
        ),
        (
            "strange-direct",
            &[SECRET, RIGHT],
            (400, "unauthorized_client"),
            (400, "invalid_request"),
        ),
        (
            "app-direct",
            &[SECRET, RIGHT, scope],
            (400, "invalid_scope"),
            (400, "invalid_scope"),
        ),
        (
            "app-direct",
            &[SECRET],
            (400, "invalid_request"),
            (400, "invalid_request"),
        ),
    ];
    for (client, more, standard, old) in cases {
        for (url, (status, code)) in [("/oauth2/token", standard), (OLD_URL, old)] {
            let error = password(&server, url, client, more).await.error();
            assert_eq!(
                error,
                (*status, (*code).to_owned()),
                "{client} {more:?} {url}"
            );
        }
    }
    let forbidden = password(&server, "/oauth2/token", "app-orders", &[SECRET, RIGHT]).await;
    assert_eq!(forbidden.error(), (400, "unauthorized_client".to_owned()));
    let calls = server.portal.calls("POST /login");
    assert_eq!(calls, 0, "nobody's password was looked at");
    let mut bodies = Vec::new();
    for username in ["ada@example.org", "nobody@example.org"] {
        let form = [
            ("grant_type", "password"),
            ("client_id", "app-direct"),
            SECRET,
            ("username", username),
            ("password", "wrong"),
        ];
        let began = Instant::now();
        let answer = server.post(OLD_URL, &form).await.expect(400);
        assert!(began.elapsed() >= Duration::from_millis(500));
        bodies.push(answer.text);
    }
    assert_eq!(bodies[0], bodies[1]);
    server.portal.change_user("ada", &[], true);
    let must_change = password(&server, OLD_URL, "app-direct", &[SECRET, RIGHT]).await;
    assert_eq!(must_change.error(), (400, "invalid_grant".to_owned()));
}

#[tokio::test]
async fn a_password_stands_for_all_tenants_of_its_user_and_needs_a_registration_without_them() {
    let server = server().await;
    let url = "/oauth2/token";
    let grant = async |client: &str| password(&server, url, client, &[SECRET, RIGHT]).await;
    let said =
        |answer: &Answer| claims(&answer.member("access_token"))["authenticated_userid"].clone();
    assert_eq!(said(&grant("app-tenants").await), "sub=ada;namespaces=");
    for tenant in ["acme", "bcd"] {
        server
            .portal
            .add_registration("tenants", "ada", Some(tenant));
    }
    let answer = grant("app-tenants").await.expect(200);
    assert_eq!(said(&answer), "sub=ada;namespaces=acme,bcd");
    let token = answer.member("refresh_token");
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "app-tenants"),
        SECRET,
        ("refresh_token", &token),
    ];
    let refreshed = server.token(&form).await.expect(200);
    assert_eq!(said(&refreshed), "sub=ada;namespaces=acme,bcd");
    let refused = grant("app-portal-api").await;
    assert_eq!(refused.error(), (403, "access_denied".to_owned()));
    server.portal.add_registration("wicked", "ada", None);
    grant("app-portal-api").await.expect(200);
}

#[tokio::test]
async fn both_grants_get_their_tokens_from_kong_where_it_keeps_them() {
    let (server, kong) = server_with_kong().await;
    let browser = server.browser();
    let target = implicit(&browser).await;
    let token = in_fragment(&target, "access_token").unwrap();
    let row = kong.token(&token).unwrap();
    assert_eq!(row.user.as_deref(), Some("sub=ada"));
    assert_eq!(row.scope.as_deref(), Some("read write wicked:dev"));
    assert_eq!(row.refresh_token, None);
    server.get_with("/profile", &token).await.expect(200);
    let answer = password(&server, OLD_URL, "app-direct", &[SECRET, RIGHT])
        .await
        .expect(200);
    let other = answer.member("access_token");
    assert_eq!(kong.token(&other).unwrap().user.as_deref(), Some("sub=ada"));
    browser.get("/logout").await.expect(200);
    kong.until_only(&[&other]).await;
    kong.proxy.close().await;
    browser.code("page-direct", &[]).await;
    let target = browser
        .get(&implicit_url("page-direct", &[]))
        .await
        .expect(302)
        .location();
    let error = in_fragment(&target, "error");
    assert_eq!(error.as_deref(), Some("temporarily_unavailable"));
}
