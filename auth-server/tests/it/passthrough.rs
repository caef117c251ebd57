//! APIs whose users are not stored here, and services that decide about the scope.

use std::sync::{Arc, Mutex};

use axum::{Json, Router, extract::State, response::IntoResponse, routing::post};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

use crate::support::{
    Answer, Browser, PASSWORD, PortalApi, REDIRECT, SECRET, TestServer, claims, parameter,
};

/// The operator's services: one knows names and passwords, one decides.
#[derive(Clone, Default)]
struct Services {
    asked: Arc<Mutex<Vec<(String, Value)>>>,
    /// Answer of the scope service.
    decision: Arc<Mutex<Value>>,
    /// Answer to the question about a refresh.
    refresh: Arc<Mutex<Value>>,
}

impl Services {
    async fn start(&self) -> Url {
        let answer = |name: &'static str| {
            async move |State(services): State<Self>, Json(body): Json<Value>| {
                let asked = (name.to_owned(), body.clone());
                services.asked.lock().unwrap().push(asked);
                match name {
                    "scope" => match services.decision.lock().unwrap().clone() {
                        // The service is away.
                        Value::String(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
                        decision => Json(decision).into_response(),
                    },
                    "refresh" => Json(services.refresh.lock().unwrap().clone()).into_response(),
                    _ if body["password"] == PASSWORD => {
                        let profile = json!({"sub": "7", "email": "bond@example.org",
                            "email_verified": true, "name": "James Bond", "department": "Q"});
                        Json(json!({"profile": profile})).into_response()
                    }
                    _ => StatusCode::FORBIDDEN.into_response(),
                }
            }
        };
        let router = Router::new()
            .route("/validate", post(answer("validate")))
            .route("/scope", post(answer("scope")))
            .route("/refresh", post(answer("refresh")))
            .with_state(self.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url.parse().unwrap()
    }

    fn decide(&self, decision: Value) {
        *self.decision.lock().unwrap() = decision;
    }

    fn asked(&self, name: &str) -> Vec<Value> {
        let asked = self.asked.lock().unwrap();
        let of_it = asked.iter().filter(|(service, _)| service == name);
        of_it.map(|(_, body)| body.clone()).collect()
    }
}

/// APIs `users` (passed through), `scopes` (a service decides), `through` (both), `social` (neither).
async fn server() -> (TestServer, Services) {
    let services = Services::default();
    let url = services.start().await;
    let server = TestServer::start_beside(|portal| configure(portal, &url)).await;
    for api in ["users", "scopes", "through", "social"] {
        server.portal.add_client("app", api, "confidential", true);
        server.portal.add_client("shy", api, "confidential", false);
    }
    (server, services)
}

fn configure(portal: &PortalApi, services: &Url) {
    let at = |path: &str| services.join(path).unwrap();
    let config = json!({"validateUserPassUrl": at("validate"), "allowRefreshUrl": at("refresh")});
    portal.add_method("staff-list", "external", config);
    for (id, users, service) in [
        ("users", true, false),
        ("scopes", false, true),
        ("through", true, true),
    ] {
        portal.add_api(json!({"id": id, "auth": "oauth2",
            "authMethods": ["default:staff-list", "default:local"],
            "passthroughUsers": users, "passthroughScopeUrl": service.then(|| at("scope")),
            "settings": {"enable_authorization_code": true, "enable_implicit_grant": true,
                "scopes": {"read": {"description": ""}, "write": {"description": ""}}}}));
    }
}

/// The way to the end of an authorization at `client`.
async fn authorize(browser: &Browser<'_>, client: &str, more: &[(&str, &str)]) -> Url {
    let mut parameters = vec![("auth_method", "staff-list")];
    parameters.extend(more);
    let url = Browser::authorize_url(client, &parameters);
    let answer = browser.get(&url).await;
    if answer.status.as_u16() == 302 {
        return answer.location();
    }
    let csrf = answer.expect(200).member("csrfToken");
    let form = [
        ("_csrf", &*csrf),
        ("username", "007"),
        ("password", PASSWORD),
    ];
    let answer = browser.post("/staff-list/login", &form).await;
    answer.expect(302).location()
}

fn code(target: &Url) -> String {
    assert!(target.as_str().starts_with(REDIRECT), "{target}");
    parameter(target, "code").unwrap_or_else(|| panic!("no code: {target}"))
}

async fn refresh(server: &TestServer, client: &str, token: &str) -> Answer {
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", client),
        ("refresh_token", token),
        SECRET,
    ];
    server.token(&form).await
}

async fn password(server: &TestServer, client: &str) -> Answer {
    let form = [
        ("grant_type", "password"),
        ("client_id", client),
        ("username", "007"),
        ("password", PASSWORD),
        ("scope", "read"),
        SECRET,
    ];
    server.token(&form).await
}

#[tokio::test]
async fn users_who_are_passed_through_get_no_account_and_keep_their_profile() {
    let (server, _) = server().await;
    let browser = server.browser();
    let target = authorize(&browser, "app-users", &[("scope", "read")]).await;
    let answer = server.redeem("app-users", &code(&target)).await;
    let token = answer.member("access_token");
    assert!(server.portal.find_custom("staff-list:7").is_none());
    let claims = claims(&token);
    assert_eq!(claims["sub"], "7");
    assert_eq!(claims["authenticated_userid"], "sub=7");
    assert_eq!(claims["scope"], "read");
    let profile = server.get_with("/profile", &token).await.expect(200).json();
    let expected = json!({"sub": "7", "email": "bond@example.org", "email_verified": true,
        "name": "James Bond", "department": "Q"});
    assert_eq!(profile, expected);
    // Nobody could look at him again, so there is nothing to refresh.
    assert!(answer.json()["refresh_token"].is_null());
    assert_eq!(
        password(&server, "app-users").await.error(),
        (400, "unauthorized_client".to_owned())
    );
    // An API that wants an account gets one in the same session.
    let target = authorize(&browser, "app-social", &[]).await;
    assert!(target.as_str().starts_with(REDIRECT), "{target}");
    let (id, ..) = server.portal.find_custom("staff-list:7").unwrap();
    let answer = server.redeem("app-social", &code(&target)).await;
    let token = answer.member("access_token");
    assert_eq!(self::claims(&token)["sub"], *id);
    // The provider's claims are in the profile of an API without a pool.
    let profile = server.get_with("/profile", &token).await.expect(200).json();
    assert_eq!(profile["sub"], *id);
    assert_eq!(profile["name"], "James Bond");
    let again = refresh(&server, "app-social", &answer.member("refresh_token")).await;
    let token = again.expect(200).member("access_token");
    let profile = server
        .get_with("/userinfo", &token)
        .await
        .expect(200)
        .json();
    assert_eq!(profile["department"], "Q", "a refresh loses nothing");
}

#[tokio::test]
async fn own_accounts_are_passed_through_by_their_id_and_without_groups() {
    let (server, _) = server().await;
    let browser = server.browser();
    let url = Browser::authorize_url("app-users", &[("auth_method", "local")]);
    let target = browser.enter(&url, "ada").await.expect(302).location();
    let answer = server.redeem("app-users", &code(&target)).await;
    let claims = claims(&answer.member("access_token"));
    assert_eq!(claims["authenticated_userid"], "sub=ada");
    assert_eq!(claims["scope"], "read write", "no `wicked:dev`");
    // Nobody can keep what somebody without an account agrees to.
    let target = authorize(&server.browser(), "shy-users", &[("scope", "read")]).await;
    let error = parameter(&target, "error");
    assert_eq!(error.as_deref(), Some("access_denied"));
}

#[tokio::test]
async fn a_scope_service_decides_instead_of_consent() {
    let (server, services) = server().await;
    services.decide(json!({"allow": true, "authenticated_scope": ["write"],
        "authenticated_userid": "agent=7;country=uk"}));
    for client in ["shy-through", "shy-scopes"] {
        let browser = server.browser();
        let target = authorize(&browser, client, &[("scope", "read")]).await;
        let answer = server.redeem(client, &code(&target)).await;
        assert_eq!(answer.member("scope"), "write");
        let token = answer.member("access_token");
        let claims = claims(&token);
        assert_eq!(claims["authenticated_userid"], "agent=7;country=uk");
        let profile = server.get_with("/profile", &token).await.expect(200).json();
        assert_eq!(profile["sub"], "agent=7;country=uk");
        assert_eq!(profile["email"], "bond@example.org");
        let has_refresh_token = answer.json()["refresh_token"].is_string();
        assert_eq!(has_refresh_token, client == "shy-through");
    }
    let asked = services.asked("scope");
    assert_eq!(asked[0]["scope"], json!(["read"]));
    assert_eq!(asked[0]["auth_method"], "staff-list");
    assert_eq!(asked[0]["profile"]["sub"], "7");
    assert_eq!(asked[0]["profile"]["name"], "James Bond");
    for (decision, error) in [
        (
            json!({"allow": false, "error_message": "not today"}),
            "access_denied",
        ),
        (json!({"authenticated_scope": ["read"]}), "access_denied"),
        (
            json!({"allow": true, "authenticated_scope": ["wicked:admin"]}),
            "server_error",
        ),
        (
            json!({"allow": true, "authenticated_userid": "a\r\nb"}),
            "server_error",
        ),
        (
            json!({"allow": true, "authenticated_scope": "read"}),
            "server_error",
        ),
    ] {
        services.decide(decision.clone());
        let target = authorize(&server.browser(), "app-through", &[]).await;
        assert_eq!(
            parameter(&target, "error").as_deref(),
            Some(error),
            "{decision}"
        );
        let words = parameter(&target, "error_description").unwrap();
        assert_eq!(
            words.contains("not today"),
            decision["error_message"].is_string()
        );
    }
}

#[tokio::test]
async fn while_the_scope_service_is_away_nobody_gets_a_token_and_clients_are_told() {
    let (server, services) = server().await;
    services.decide(json!("away"));
    let browser = server.browser();
    let (target, answer) = tokio::join!(
        authorize(&browser, "app-through", &[]),
        password(&server, "app-through")
    );
    let error = parameter(&target, "error");
    assert_eq!(error.as_deref(), Some("server_error"), "{target}");
    assert_eq!(answer.error().0, 503);
}

#[tokio::test]
async fn f34_only_services_on_hosts_of_the_operators_list_are_called() {
    for (host, status) in [("elsewhere.example", 503), ("127.0.0.1", 200)] {
        let services = Services::default();
        services.decide(json!({"allow": true, "authenticated_userid": "agent=7"}));
        let url = services.start().await;
        let server = TestServer::start_changed(
            |portal| configure(portal, &url),
            |settings| {
                settings.service_hosts = vec![host.to_owned()];
                settings.grants.password = auth_server::PasswordGrant::Confidential;
            },
        )
        .await;
        server
            .portal
            .add_client("app", "through", "confidential", true);
        assert_eq!(password(&server, "app-through").await.status, status);
        assert_eq!(services.asked("validate").is_empty(), status == 503);
    }
}

#[tokio::test]
async fn where_a_password_could_not_lead_to_a_user_the_grant_says_so() {
    let (server, services) = server().await;
    let decision = services.start().await.join("scope").unwrap();
    let apis = [
        ("half", json!({"passthroughUsers": true})),
        ("other-half", json!({"passthroughScopeUrl": decision})),
        (
            "odd",
            json!({"passthroughUsers": true, "passthroughScopeUrl": decision,
                "registrationPool": "wicked"}),
        ),
    ];
    for (id, more) in &apis {
        let mut api = json!({"id": id, "auth": "oauth2", "authMethods": ["default:staff-list"],
            "settings": {"enable_password_grant": true}});
        let members = more.as_object().unwrap().clone();
        api.as_object_mut().unwrap().extend(members);
        server.portal.add_api(api);
    }
    for (id, _) in apis {
        let client = server.portal.add_client("app", id, "confidential", true);
        let form = [
            ("grant_type", "password"),
            ("client_id", &*client),
            ("username", "007"),
            ("password", PASSWORD),
            SECRET,
        ];
        let url = format!("/staff-list/api/{id}/token");
        let refused = server.post(&url, &form).await;
        assert_eq!(refused.error(), (500, "server_error".to_owned()), "{id}");
    }
    assert!(services.asked("validate").is_empty(), "nobody was asked");
}

#[tokio::test]
async fn f4_f30_a_refresh_asks_both_services_again() {
    let (server, services) = server().await;
    let decision = |text: &str| json!({"allow": true, "authenticated_scope": ["read"], "authenticated_userid": text});
    services.decide(decision("agent=7"));
    *services.refresh.lock().unwrap() = json!({"allow_refresh": true});
    let first = password(&server, "shy-through").await.expect(200);
    assert_eq!(
        claims(&first.member("access_token"))["authenticated_userid"],
        "agent=7"
    );
    assert!(server.portal.find_custom("staff-list:7").is_none());
    services.decide(decision("sub=agent;rank=1"));
    let second = refresh(&server, "shy-through", &first.member("refresh_token"))
        .await
        .expect(200);
    let token = second.member("access_token");
    assert_eq!(claims(&token)["authenticated_userid"], "sub=agent;rank=1");
    let asked = json!({"authenticated_userid": "agent=7", "authenticated_scope": "read"});
    assert_eq!(services.asked("refresh"), [asked]);
    assert_eq!(
        services.asked("scope")[1]["profile"],
        json!({"sub": "agent=7"})
    );
    // The user service does not want it, or does not say.
    for (answer, expected) in [
        (json!({"allow_refresh": false}), (400, "invalid_grant")),
        (json!({}), (400, "invalid_grant")),
        (json!({"error": "broken"}), (500, "server_error")),
    ] {
        *services.refresh.lock().unwrap() = answer;
        let refused = refresh(&server, "shy-through", &second.member("refresh_token")).await;
        assert_eq!(refused.error(), (expected.0, expected.1.to_owned()));
    }
    *services.refresh.lock().unwrap() = json!({"allow_refresh": true});
    services.decide(json!({"allow": true, "authenticated_scope": ["read"]}));
    let nobody = refresh(&server, "shy-through", &second.member("refresh_token")).await;
    assert_eq!(nobody.error().0, 503, "everybody would be nobody (F30)");
    assert_eq!(password(&server, "shy-through").await.error().0, 503);
    let third = {
        services.decide(decision("agent=8"));
        refresh(&server, "shy-through", &second.member("refresh_token"))
            .await
            .expect(200)
    };
    assert_eq!(
        services.asked("scope").last().unwrap()["profile"],
        json!({"sub": "agent"})
    );
    // A no is heard, and ends the token (F4).
    services.decide(json!({"allow": false}));
    let denied = refresh(&server, "shy-through", &third.member("refresh_token")).await;
    assert_eq!(denied.error(), (400, "invalid_grant".to_owned()));
    assert_eq!(
        password(&server, "shy-through").await.error(),
        (403, "access_denied".to_owned())
    );
    server
        .get_with("/profile", &third.member("access_token"))
        .await
        .expect(401);
    services.decide(decision("agent=8"));
    let over = refresh(&server, "shy-through", &third.member("refresh_token")).await;
    assert_eq!(over.error(), (400, "invalid_grant".to_owned()));
}

#[tokio::test]
async fn kong_keeps_tokens_of_users_who_are_passed_through() {
    let services = Services::default();
    let url = services.start().await;
    let prepare = |portal: &PortalApi| configure(portal, &url);
    let (server, kong) = TestServer::start_with_kong_beside(prepare, |_| async {}).await;
    server
        .portal
        .add_client("shy", "through", "confidential", false);
    kong.add_client("shy-through", "secret");
    let decision = |text: &str| json!({"allow": true, "authenticated_scope": ["read"], "authenticated_userid": text});
    services.decide(decision("agent=7"));
    *services.refresh.lock().unwrap() = json!({"allow_refresh": true});
    let target = authorize(&server.browser(), "shy-through", &[("scope", "read")]).await;
    let first = server.redeem("shy-through", &code(&target)).await;
    let row = kong.token(&first.member("access_token")).unwrap();
    assert_eq!(row.user.as_deref(), Some("agent=7"));
    assert_eq!(row.scope.as_deref(), Some("read"));
    services.decide(decision("agent=8"));
    let second = refresh(&server, "shy-through", &first.member("refresh_token"))
        .await
        .expect(200);
    let token = second.member("access_token");
    assert_eq!(kong.token(&token).unwrap().user.as_deref(), Some("agent=8"));
    kong.until_only(&[&token]).await;
    let profile = server.get_with("/profile", &token).await.expect(200).json();
    assert_eq!(profile["email"], "bond@example.org");
}
