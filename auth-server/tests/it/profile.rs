//! The profile of a token's user (13).

use serde_json::json;

use crate::support::{Answer, SECRET, TestServer};

async fn ask(server: &TestServer, method: &str, path: &str, header: Option<&str>) -> Answer {
    let url = server.url(path);
    let mut request = service::http::client().request(method.parse().unwrap(), url);
    if let Some(header) = header {
        request = request.header("authorization", header);
    }
    Answer::of(request.send().await.unwrap()).await
}

/// Header, status, error.
type Row<'a> = (Option<&'a str>, u16, Option<&'a str>);

#[tokio::test]
async fn f13_the_header_is_a_token_with_any_word_or_none_before_it() {
    let server = TestServer::start_with_client("app", "orders", "confidential", true).await;
    let browser = server.browser();
    let code = browser.code("app-orders", &[]).await;
    let token = server.redeem("app-orders", &code).await;
    let token = token.member("access_token");
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "app-orders"),
        SECRET,
    ];
    let own = server.token(&form).await.member("access_token");
    let open = browser.code_again("app-orders").await;
    let words = format!("Bearer {token} x");
    let rows: &[Row] = &[
        (None, 401, None),
        (Some(""), 401, None),
        (Some(&words), 400, Some("invalid_request")),
        (Some("Bearer unknown"), 401, Some("invalid_token")),
        (Some("unknown"), 401, Some("invalid_token")),
        // A code is no token, used or not, and no user is behind a client's own token (F13).
        (Some(&code), 401, Some("invalid_token")),
        (Some(&open), 401, Some("invalid_token")),
        (Some(&own), 401, Some("invalid_token")),
    ];
    let places = [
        ("GET", "/profile"),
        ("GET", "/userinfo"),
        ("POST", "/userinfo"),
    ];
    for (method, path) in places {
        for (header, status, code) in rows {
            let answer = ask(&server, method, path, *header).await;
            assert_eq!(answer.status, *status, "{method} {path} {header:?}");
            if let Some(code) = code {
                assert_eq!(answer.json()["error"], **code, "{method} {path} {header:?}");
            }
            let challenge = answer.headers.get("www-authenticate");
            let is_bearer = challenge.is_some_and(|one| one.as_bytes().starts_with(b"Bearer"));
            assert_eq!(is_bearer, *status == 401, "{method} {path} {header:?}");
            assert!(answer.headers.get("set-cookie").is_none());
        }
        for word in ["", "Bearer ", "bearer ", "Token "] {
            let answer = ask(&server, method, path, Some(&format!("{word}{token}"))).await;
            let ada = json!({"sub": "ada", "email": "ada@example.org", "email_verified": true});
            assert_eq!(answer.expect(200).json(), ada, "{method} {path} {word}");
        }
    }
    ask(&server, "POST", "/profile", Some(&token))
        .await
        .expect(405);
}
