//! Switches for clients of wicked that cannot be changed.

use crate::support::{Form, PASSWORD, TestServer, VERIFIER, parameter};

async fn server(with_switches: bool) -> TestServer {
    let server = if with_switches {
        TestServer::start_for_old_clients().await
    } else {
        TestServer::start_with_old_grants().await
    };
    server
        .portal
        .add_client("phone", "direct", "public_native", true);
    server
}

fn authorize_url(base: &str, more: Form<'_>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("client_id", "phone-direct");
    query.extend_pairs(more);
    format!("{base}/authorize?{}", query.finish())
}

const OLD: &str = "/local/api/direct";
const STANDARD: &str = "/oauth2";

#[tokio::test]
async fn plain_challenges_count_at_the_old_urls_only_and_only_if_the_operator_wants() {
    for with_switches in [false, true] {
        let server = server(with_switches).await;
        let sent: Form = &[("response_type", "code"), ("code_challenge", VERIFIER)];
        let browser = server.browser();
        let refused = browser
            .get(&authorize_url(STANDARD, sent))
            .await
            .expect(302);
        let error = parameter(&refused.location(), "error");
        assert_eq!(error.as_deref(), Some("invalid_request"));
        if !with_switches {
            let refused = browser.get(&authorize_url(OLD, sent)).await.expect(302);
            let error = parameter(&refused.location(), "error");
            assert_eq!(error.as_deref(), Some("invalid_request"));
            continue;
        }
        let page = browser.page(&authorize_url(OLD, sent)).await;
        let page = page.expect("login");
        let target = browser.log_in(&page, "ada").await.expect(302).location();
        let code = parameter(&target, "code").unwrap();
        let redeem = async |verifier: &str| {
            let form = [
                ("grant_type", "authorization_code"),
                ("client_id", "phone-direct"),
                ("code", &code),
                ("code_verifier", verifier),
            ];
            server.post(&format!("{OLD}/token"), &form).await
        };
        let wrong = redeem(&"a".repeat(43)).await;
        assert_eq!(wrong.error(), (400, "invalid_grant".to_owned()));
        redeem(VERIFIER).await.expect(200);
    }
}

#[tokio::test]
async fn faults_are_pages_at_the_old_urls_if_the_operator_wants() {
    for with_switches in [false, true] {
        let server = server(with_switches).await;
        let browser = server.browser();
        let faults: &[Form] = &[
            &[("response_type", "id_token")],
            &[("response_type", "code")],
            &[("response_type", "token"), ("scope", "fly")],
        ];
        for fault in faults {
            browser
                .get(&authorize_url(STANDARD, fault))
                .await
                .expect(302);
            let answer = browser.get(&authorize_url(OLD, fault)).await;
            let status = if with_switches { 400 } else { 302 };
            assert_eq!(answer.status.as_u16(), status, "{fault:?}");
        }
    }
}

#[tokio::test]
async fn apps_may_use_passwords_if_the_operator_wants() {
    for (with_switches, status) in [(false, 400), (true, 200)] {
        let server = server(with_switches).await;
        let form = [
            ("grant_type", "password"),
            ("client_id", "phone-direct"),
            ("username", "ada@example.org"),
            ("password", PASSWORD),
        ];
        let answer = server.token(&form).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
    }
}
