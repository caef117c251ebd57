//! Switches for clients of wicked that cannot be changed.

use serde_json::json;

use crate::support::{Answer, Form, PASSWORD, SECRET, TestServer, VERIFIER, parameter};

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
        // Whom nobody knows is never sent on (7, checks 2 to 5).
        let api = json!({"id": "nowhere", "auth": "oauth2", "authMethods": ["default:local"],
            "settings": {"enable_authorization_code": true}});
        server.portal.add_api(api);
        let nowhere = server
            .portal
            .add_client("lost", "nowhere", "confidential", true);
        server.portal.remove_redirect_uris(&nowhere);
        for query in [
            "",
            "client_id=nobody",
            "client_id=no.id",
            "client_id=phone-direct&redirect_uri=https://a.example/",
        ] {
            let url = format!("{OLD}/authorize?response_type=code&{query}");
            let page = browser.page(&url).await.expect("error");
            assert_eq!(page.answer.status, 400, "{query}");
        }
        for client in ["phone-direct", "lost-nowhere"] {
            let url = format!(
                "/local/api/{}/authorize?response_type=code&client_id={client}",
                if client == "lost-nowhere" {
                    "nowhere"
                } else {
                    "orders"
                }
            );
            let page = browser.page(&url).await.expect("error");
            assert_eq!(page.answer.status, 400, "{client}");
        }
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

/// Type, and which grants give it a token: the client's own, and those of a user with a refresh token
/// or without one (10.6, 10.7).
type Kind = (&'static str, bool, bool);

#[tokio::test]
async fn what_a_client_may_use_and_refresh_is_a_matter_of_its_type() {
    let server = server(true).await;
    let kinds: &[Kind] = &[
        ("confidential", true, true),
        ("public_spa", false, false),
        ("public_native", false, true),
    ];
    for (kind, has_own, code_refreshes) in kinds {
        let application = kind.replace('_', "-");
        let client = server.portal.add_client(&application, "direct", kind, true);
        let url = format!("{OLD}/token");
        let ask = async |grant: &str, more: Form<'_>| {
            let mut form = vec![("grant_type", grant), ("client_id", &*client)];
            form.extend((*kind == "confidential").then_some(SECRET));
            form.extend(more);
            server.post(&url, &form).await
        };
        let has_refresh_token = |answer: &Answer| answer.json()["refresh_token"].is_string();
        let own = ask("client_credentials", &[]).await;
        assert_eq!(own.status == 200, *has_own, "{kind}");
        assert!(!has_refresh_token(&own), "{kind}");
        let browser = server.browser();
        let code = browser.code(&client, &[]).await;
        let more = [("code", &*code), ("code_verifier", VERIFIER)];
        let of_code = ask("authorization_code", &more).await.expect(200);
        assert_eq!(has_refresh_token(&of_code), *code_refreshes, "{kind}");
        let implicit = format!("{OLD}/authorize?response_type=token&client_id={client}");
        let target = browser.get(&implicit).await.expect(302).location();
        let fragment = target.fragment().unwrap();
        assert!(fragment.contains("access_token="), "{kind}: {target}");
        assert!(!fragment.contains("refresh_token"), "{kind}: {target}");
        let user = [("username", "ada@example.org"), ("password", PASSWORD)];
        let of_password = ask("password", &user).await.expect(200);
        assert!(has_refresh_token(&of_password), "{kind}");
        let token = of_password.member("refresh_token");
        let refreshed = ask("refresh_token", &[("refresh_token", &token)]).await;
        assert!(has_refresh_token(&refreshed.expect(200)), "{kind}");
        // A trusted client without a scope gets all, in the order of definition.
        assert_eq!(of_password.member("scope"), "read write wicked:dev");
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
