//! Which pages may read answers (F34).

use crate::support::{Answer, TestServer, VERIFIER};

const OWN: &str = "https://app.example";

async fn server() -> TestServer {
    TestServer::start_with_client("page", "orders", "public_spa", true).await
}

async fn send(server: &TestServer, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let url = server.url(path);
    let mut request = service::http::client().request(method.parse().unwrap(), url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::of(request.send().await.unwrap()).await
}

fn allowed(answer: &Answer) -> Option<&str> {
    let origin = answer.headers.get("access-control-allow-origin")?;
    assert!(
        answer
            .headers
            .get("access-control-allow-credentials")
            .is_none()
    );
    origin.to_str().ok()
}

#[tokio::test]
async fn f34_a_page_of_a_registered_origin_may_read_what_is_about_its_client() {
    let server = server().await;
    let code = server.browser().code("page-orders", &[]).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "page-orders"),
        ("code", &code),
        ("code_verifier", VERIFIER),
    ];
    let post = async |origin: &str, form: &[(&str, &str)]| {
        let request = service::http::client().post(server.url("/oauth2/token"));
        let request = request.header("origin", origin).form(form);
        Answer::of(request.send().await.unwrap()).await
    };
    // Errors, too; and nobody else's page reads anything.
    let wrong = [form[0], form[1], ("code", "x"), form[3]];
    assert_eq!(allowed(&post(OWN, &wrong).await), Some(OWN));
    for foreign in ["https://evil.example", "null", "https://app.example:8443"] {
        assert_eq!(allowed(&post(foreign, &wrong).await), None, "{foreign}");
    }
    let tokens = post(OWN, &form).await.expect(200);
    assert_eq!(allowed(&tokens), Some(OWN));
    assert_eq!(tokens.headers["vary"], "origin");
    let bearer = format!("Bearer {}", tokens.member("access_token"));
    for path in ["/userinfo", "/profile"] {
        let own = [("origin", OWN), ("authorization", bearer.as_str())];
        let answer = send(&server, "GET", path, &own).await.expect(200);
        assert_eq!(allowed(&answer), Some(OWN), "{path}");
        let foreign = [("origin", "https://evil.example"), own[1]];
        let answer = send(&server, "GET", path, &foreign).await.expect(200);
        assert_eq!(allowed(&answer), None, "{path}");
    }
}

#[tokio::test]
async fn documents_are_for_every_page_and_pages_for_none() {
    let server = server().await;
    let origin = [("origin", "https://anybody.example")];
    for path in ["/oauth2/jwks", "/.well-known/openid-configuration"] {
        let answer = send(&server, "GET", path, &origin).await.expect(200);
        assert_eq!(allowed(&answer), Some("*"), "{path}");
    }
    for path in ["/device", "/logout", "/oauth2/authorize"] {
        let answer = send(&server, "GET", path, &origin).await;
        assert_eq!(allowed(&answer), None, "{path}");
    }
    let ask = [origin[0], ("access-control-request-method", "POST")];
    let asked = send(&server, "OPTIONS", "/oauth2/token", &ask).await;
    assert_eq!(allowed(&asked), Some("https://anybody.example"));
    assert_eq!(asked.status, 204);
    let methods = &asked.headers["access-control-allow-methods"];
    assert_eq!(methods, "GET, POST");
    let asked = send(&server, "OPTIONS", "/oauth2/introspect", &ask).await;
    assert_eq!(allowed(&asked), None);
}
