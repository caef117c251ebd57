//! The rows of 10.3 and 10.4 for codes and refresh tokens, at the URLs of wicked: each with its status
//! and code. Client credentials are in `tokens`, passwords in `old_grants`.

use crate::support::{Answer, Browser, Form, SECRET, TestServer, VERIFIER, code_of};

const OLD_URL: &str = "/local/api/orders/token";
const PKCE: (&str, &str) = ("code_verifier", VERIFIER);
const WRONG: (&str, &str) = ("client_secret", "wrong");

/// Members beside `grant_type`, and status and code.
type Row<'a> = (Form<'a>, u16, &'a str);

async fn server() -> TestServer {
    let server = TestServer::start().await;
    for (application, api, kind, trusted) in [
        ("app", "orders", "confidential", true),
        ("other", "orders", "confidential", true),
        ("page", "orders", "public_spa", true),
        ("phone", "orders", "public_native", true),
        ("shop", "orders", "confidential", false),
        ("job", "machines", "confidential", true),
        ("two", "both", "confidential", true),
    ] {
        server.portal.add_client(application, api, kind, trusted);
    }
    server
}

async fn ask(server: &TestServer, url: &str, grant: &str, members: Form<'_>) -> Answer {
    let form: Vec<_> = [("grant_type", grant)]
        .iter()
        .chain(members)
        .copied()
        .collect();
    server.post(url, &form).await
}

async fn check(server: &TestServer, grant: &str, rows: &[Row<'_>]) {
    for (members, status, code) in rows {
        let answer = ask(server, OLD_URL, grant, members).await;
        assert_eq!(answer.error(), (*status, (*code).to_owned()), "{members:?}");
    }
}

#[tokio::test]
async fn each_refusal_of_a_code_has_its_status_and_code() {
    let server = server().await;
    let code = server.browser().code("app-orders", &[]).await;
    let of_page = server.browser().code("page-orders", &[]).await;
    // A request without a challenge, which confidential clients may make.
    let browser = server.browser();
    let url = Browser::authorize_url("app-orders", &[]);
    let bare = url.split("&code_challenge").next().unwrap();
    let page = browser.page(bare).await.expect("login");
    let bare = code_of(&browser.log_in(&page, "ada").await.expect(302).location());
    let (app, page) = (("client_id", "app-orders"), ("client_id", "page-orders"));
    let (code, of_page, bare) = (("code", &*code), ("code", &*of_page), ("code", &*bare));
    let other = "a".repeat(43);
    let rows: &[Row] = &[
        (&[app], 400, "invalid_request"),
        (&[code, SECRET, PKCE], 400, "invalid_client"),
        (&[app, code], 400, "invalid_client"),
        (
            &[("client_id", "nobody"), code, SECRET],
            401,
            "unauthorized_client",
        ),
        (
            &[("client_id", "nobody"), code, PKCE],
            401,
            "unauthorized_client",
        ),
        (
            &[("client_id", "job-machines"), code, SECRET],
            401,
            "unauthorized_client",
        ),
        (&[app, code, PKCE], 400, "unauthorized_client"),
        (&[app, code, PKCE, WRONG], 400, "invalid_client"),
        (&[page, of_page, PKCE, SECRET], 400, "unauthorized_client"),
        (&[page, of_page, PKCE, WRONG], 400, "unauthorized_client"),
        (
            &[page, of_page, ("code_verifier", "short")],
            400,
            "invalid_request",
        ),
        (
            &[page, of_page, ("code_verifier", &other)],
            400,
            "invalid_grant",
        ),
        (&[app, code, SECRET], 400, "invalid_request"),
        (&[app, bare, SECRET, PKCE], 400, "invalid_request"),
        (
            &[("client_id", "other-orders"), code, SECRET, PKCE],
            400,
            "invalid_request",
        ),
        (
            &[app, ("code", "unknown"), SECRET, PKCE],
            401,
            "invalid_grant",
        ),
        (
            &[app, code, SECRET, PKCE, ("redirect_uri", "https://a.b/")],
            400,
            "invalid_grant",
        ),
    ];
    check(&server, "authorization_code", rows).await;
    // None of it has used a code up, and a `scope` means nothing here (F21).
    let good: &[Form] = &[
        &[app, code, SECRET, PKCE, ("scope", "fly")],
        &[app, bare, SECRET],
        &[page, of_page, PKCE],
    ];
    for members in good {
        let answer = ask(&server, OLD_URL, "authorization_code", members).await;
        let scope = answer.expect(200).member("scope");
        assert_eq!(scope, "read write wicked:dev");
    }
    check(
        &server,
        "authorization_code",
        &[(good[0], 401, "invalid_grant")],
    )
    .await;
}

#[tokio::test]
async fn each_refusal_of_a_refresh_token_has_its_status_and_code() {
    let server = server().await;
    let of_app = tokens(&server, "app-orders", &[SECRET, PKCE]).await;
    let of_phone = tokens(&server, "phone-orders", &[PKCE]).await;
    let (app, phone) = (("client_id", "app-orders"), ("client_id", "phone-orders"));
    let of_app = ("refresh_token", &*of_app);
    let of_phone = ("refresh_token", &*of_phone);
    let unknown = ("refresh_token", "unknown");
    let rows: &[Row] = &[
        (&[app, SECRET], 400, "invalid_request"),
        (&[of_app, SECRET], 400, "invalid_client"),
        (&[app, SECRET, unknown], 400, "invalid_request"),
        (
            &[("client_id", "nobody"), SECRET, of_app],
            401,
            "unauthorized_client",
        ),
        (
            &[("client_id", "job-machines"), SECRET, of_app],
            401,
            "unauthorized_client",
        ),
        (&[app, of_app], 401, "unauthorized_client"),
        (&[app, of_app, WRONG], 400, "invalid_client"),
        (&[phone, of_phone, SECRET], 401, "unauthorized_client"),
        (&[phone, of_phone, WRONG], 401, "unauthorized_client"),
        (&[phone, of_app], 400, "invalid_client"),
        (
            &[("client_id", "other-orders"), SECRET, of_app],
            400,
            "invalid_client",
        ),
    ];
    check(&server, "refresh_token", rows).await;
    // None of it has ended a token, and a `scope` means nothing here.
    for members in [
        &[app, SECRET, of_app, ("scope", "fly")][..],
        &[phone, of_phone],
    ] {
        let answer = ask(&server, OLD_URL, "refresh_token", members).await;
        let scope = answer.expect(200).member("scope");
        assert_eq!(scope, "read write wicked:dev");
    }
}

#[tokio::test]
async fn what_has_ended_since_the_log_in_has_its_status_and_code() {
    let server = server().await;
    let browser = server.browser();
    let asked = browser
        .enter(
            &Browser::authorize_url("shop-orders", &[("scope", "read")]),
            "ada",
        )
        .await
        .expect(200);
    let form = [("_csrf", &*asked.member("csrfToken")), ("_action", "allow")];
    let allowed = browser.post("/local/grant", &form).await.expect(302);
    let code = code_of(&allowed.location());
    let of_shop = server.redeem("shop-orders", &code).await;
    let of_shop = of_shop.member("refresh_token");
    let of_app = tokens(&server, "app-orders", &[SECRET, PKCE]).await;
    server.portal.forget_grants();
    let shop = ("client_id", "shop-orders");
    let row: Form = &[shop, SECRET, ("refresh_token", &of_shop)];
    check(
        &server,
        "refresh_token",
        &[(row, 403, "unauthorized_client")],
    )
    .await;
    server.portal.remove_user("ada");
    let app = ("client_id", "app-orders");
    let row: Form = &[app, SECRET, ("refresh_token", &of_app)];
    check(&server, "refresh_token", &[(row, 400, "invalid_request")]).await;
}

/// A refresh token of `ada`.
async fn tokens(server: &TestServer, client: &str, proof: Form<'_>) -> String {
    let code = server.browser().code(client, &[]).await;
    let members = [("client_id", client), ("code", &code)];
    let members: Vec<_> = members.iter().chain(proof).copied().collect();
    let answer = ask(server, OLD_URL, "authorization_code", &members).await;
    answer.expect(200).member("refresh_token")
}

#[tokio::test]
async fn f20_a_code_and_a_refresh_token_stay_with_their_method() {
    let server = server().await;
    let (here, there) = ("/local/api/both/token", "/staff/api/both/token");
    let code = server
        .browser()
        .code("two-both", &[("auth_method", "local")])
        .await;
    let two = ("client_id", "two-both");
    let form: Form = &[two, SECRET, PKCE, ("code", &code)];
    let refused = ask(&server, there, "authorization_code", form).await;
    assert_eq!(refused.error(), (401, "invalid_grant".to_owned()));
    let answer = ask(&server, here, "authorization_code", form).await;
    let token = answer.expect(200).member("refresh_token");
    let form: Form = &[two, SECRET, ("refresh_token", &token)];
    let refused = ask(&server, there, "refresh_token", form).await;
    assert_eq!(refused.error(), (400, "invalid_request".to_owned()));
    ask(&server, here, "refresh_token", form).await.expect(200);
}
