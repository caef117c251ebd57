//! Log-in at providers: GitHub, Facebook, X, OpenID Connect, ADFS and other OAuth 2.0 servers.

use serde_json::{Value, json};
use url::Url;

use crate::support::{
    Answer, Browser, Kind, PASSWORD, Provider, REDIRECT, SECRET, TestServer, back, certificate,
    claims, code_of, parameter,
};

/// A server with one method `idp` that leads to a provider.
async fn server(kind: Kind, method: &str, more: Value) -> (TestServer, Provider) {
    let provider = Provider::start(kind).await;
    let config = provider.config(more);
    let server = TestServer::start_beside(|portal| portal.add_method("idp", method, config)).await;
    server
        .portal
        .add_client("app", "social", "confidential", true);
    (server, provider)
}

/// Where the provider's page is.
async fn leave(browser: &Browser<'_>, more: &[(&str, &str)]) -> Url {
    let mut parameters = vec![("auth_method", "idp")];
    parameters.extend(more);
    let url = Browser::authorize_url("app-social", &parameters);
    browser.get(&url).await.expect(302).location()
}

/// There and back.
async fn log_in(browser: &Browser<'_>, provider: &Provider) -> Answer {
    let there = leave(browser, &[]).await;
    browser.get(&provider.approve(&there)).await
}

/// The profile of whoever a code stands for.
async fn profile(server: &TestServer, target: &Url) -> Value {
    assert!(target.as_str().starts_with(REDIRECT), "{target}");
    let code = parameter(target, "code").unwrap_or_else(|| panic!("no code: {target}"));
    let token = server
        .redeem("app-social", &code)
        .await
        .member("access_token");
    server.get_with("/profile", &token).await.expect(200).json()
}

fn octocat() -> Value {
    json!({"login": "octocat", "id": 583_231, "node_id": "MDQ6VXNlcjU4MzIzMQ==", "type": "User",
    "avatar_url": "https://avatars.example/u/583231", "site_admin": false,
    "name": "Mona Lisa Octocat", "company": "@github", "email": null, "bio": null,
    "emails": [
        {"email": "mona@work.example", "primary": false, "verified": true, "visibility": null},
        {"email": "mona@example.org", "primary": true, "verified": true, "visibility": "private"}
    ]})
}

#[tokio::test]
async fn github_leads_to_an_account_with_the_primary_address() {
    let (server, provider) = server(Kind::GitHub, "github", json!({})).await;
    provider.tell(octocat());
    let browser = server.browser();
    let there = leave(&browser, &[("login_hint", "octocat")]).await;
    assert_eq!(parameter(&there, "scope").as_deref(), Some("user:email"));
    assert_eq!(parameter(&there, "login").as_deref(), Some("octocat"));
    assert_eq!(parameter(&there, "tenant").as_deref(), Some("1"));
    assert_eq!(
        parameter(&there, "redirect_uri").as_deref(),
        Some("http://localhost:8000/auth/idp/callback")
    );
    assert_ne!(parameter(&there, "state").as_deref(), Some("xyz"));
    let target = browser
        .get(&provider.approve(&there))
        .await
        .expect(302)
        .location();
    assert_eq!(parameter(&target, "state").as_deref(), Some("xyz"));
    let (id, email, validated) = server.portal.find_custom("idp:583231").unwrap();
    assert_eq!((email.as_str(), validated), ("mona@example.org", true));
    assert_eq!(server.portal.mails(), 0);
    assert_eq!(profile(&server, &target).await["sub"], *id);
    // The log-in counts for the next request of this browser.
    let url = Browser::authorize_url("app-social", &[("auth_method", "idp")]);
    let again = browser.get(&url).await.expect(302).location();
    assert!(again.as_str().starts_with(REDIRECT));
    let other = server.browser();
    log_in(&other, &provider).await.expect(302);
    assert_eq!(server.portal.find_custom("idp:583231").unwrap().0, id);
}

#[tokio::test]
async fn whom_an_api_passes_through_is_named_by_his_method_and_id() {
    let (server, provider) = server(Kind::GitHub, "github", json!({})).await;
    provider.tell(octocat());
    server.portal.add_api(
        json!({"id": "through", "auth": "oauth2", "passthroughUsers": true,
        "authMethods": ["default:idp"], "settings": {"enable_authorization_code": true}}),
    );
    server
        .portal
        .add_client("app", "through", "confidential", true);
    let browser = server.browser();
    let url = Browser::authorize_url("app-through", &[]);
    let there = browser.get(&url).await.expect(302).location();
    let target = browser.get(&provider.approve(&there)).await.expect(302);
    let code = code_of(&target.location());
    let token = server.redeem("app-through", &code).await;
    let token = token.member("access_token");
    let said = claims(&token);
    assert_eq!(said["sub"], "idp:583231");
    assert_eq!(said["authenticated_userid"], "sub=idp:583231");
    let profile = server.get_with("/profile", &token).await.expect(200).json();
    assert_eq!(profile["sub"], "idp:583231");
    assert_eq!(profile["preferred_username"], "octocat");
    assert!(server.portal.find_custom("idp:583231").is_none());
}

#[tokio::test]
async fn what_a_provider_says_stands_in_the_form_already() {
    let (server, provider) = server(Kind::GitHub, "github", json!({})).await;
    provider.tell(octocat());
    server.portal.add_api(
        json!({"id": "pooled", "auth": "oauth2", "registrationPool": "wicked",
        "authMethods": ["default:idp"], "settings": {"enable_authorization_code": true}}),
    );
    server
        .portal
        .add_client("app", "pooled", "confidential", true);
    let browser = server.browser();
    let url = Browser::authorize_url("app-pooled", &[]);
    let there = browser.get(&url).await.expect(302).location();
    let page = browser.page(&provider.approve(&there)).await;
    let page = page.expect("register");
    let known = &page.model["defaultProfile"];
    assert_eq!(known["name"], "Mona Lisa Octocat");
    assert_eq!(known["email"], "mona@example.org");
    let html = browser.html(&url, ("accept-language", "en")).await.text;
    assert!(html.contains("value=\"Mona Lisa Octocat\""), "{html}");
    assert!(html.contains("content/terms-and-conditions"), "{html}");
}

#[tokio::test]
async fn a_way_back_counts_once_and_only_in_the_browser_that_left() {
    let (server, provider) = server(Kind::GitHub, "github", json!({})).await;
    provider.tell(octocat());
    let (mine, other) = (server.browser(), server.browser());
    let there = leave(&mine, &[]).await;
    let home = provider.approve(&there);
    // Somebody else is sent here with my code (log-in CSRF), or comes without any request at all.
    leave(&other, &[]).await;
    assert_page(&other.get(&home).await, 400);
    assert_page(&mine.get(&home).await, 400);
    let there = leave(&mine, &[]).await;
    let home = provider.approve(&there);
    mine.get(&home).await.expect(302);
    assert_page(&mine.get(&home).await, 400);
    let there = leave(&mine, &[("prompt", "login")]).await;
    let home = provider.approve(&there);
    let state = parameter(&there, "state").unwrap();
    for wrong in [
        home.replace(&state, "unknown"),
        "/idp/callback?code=c".to_owned(),
        "/idp/callback?error=access_denied".to_owned(),
        "/idp/callback?state=a&state=b&code=c".to_owned(),
    ] {
        assert_page(&mine.get(&wrong).await, 400);
    }
    assert_page(&server.browser().get("/idp/callback").await, 400);
    mine.get("/local/callback").await.expect(404);
    mine.post("/idp/login", &[]).await.expect(404);
    // A code that was injected has another verifier.
    let foreign = provider.approve(&leave(&other, &[]).await);
    let foreign = foreign.split('&').next().unwrap().to_owned();
    let injected = format!("{foreign}&state={state}");
    let failed = mine.get(&injected).await.expect(302).location();
    assert_eq!(failed.path(), "/auth/failure");
    let page = mine.page("/failure").await.expect("failure");
    assert_eq!(page.answer.status, 200);
    assert_eq!(page.model["portalUrl"], "http://localhost:3000/");
}

fn assert_page(answer: &Answer, status: u16) {
    assert_eq!(answer.status.as_u16(), status, "{answer:?}");
    assert_eq!(answer.json()["template"], "error");
}

#[tokio::test]
async fn two_tabs_log_in_at_a_provider_side_by_side() {
    let (server, provider) = server(Kind::GitHub, "github", json!({})).await;
    provider.tell(octocat());
    let browser = server.browser();
    let first = leave(&browser, &[]).await;
    let second = leave(&browser, &[("scope", "read")]).await;
    for there in [second, first] {
        let target = browser.get(&provider.approve(&there)).await;
        assert!(target.expect(302).location().as_str().starts_with(REDIRECT));
    }
    // Without code and error the log-in begins anew.
    let there = leave(&browser, &[("prompt", "login")]).await;
    let again = browser.get(&back(&there, &[])).await.expect(302).location();
    assert_eq!(again.path(), "/authorize");
    assert_ne!(parameter(&again, "state"), parameter(&there, "state"));
}

#[tokio::test]
async fn who_says_no_at_the_provider_goes_where_the_method_says() {
    let (github, _) = server(Kind::GitHub, "github", json!({})).await;
    let denied = [
        ("error", "access_denied"),
        ("error_description", "The user \"said\" no"),
    ];
    let browser = github.browser();
    let there = leave(&browser, &[]).await;
    let target = browser.get(&back(&there, &denied)).await.expect(302);
    assert_eq!(target.location().path(), "/auth/failure");
    let (oidc, _) = server(Kind::Oidc, "oidc", json!({})).await;
    let browser = oidc.browser();
    for (sent, told) in [
        (denied, "access_denied"),
        ([("error", "<b>"), denied[1]], "server_error"),
    ] {
        let there = leave(&browser, &[]).await;
        let target = browser
            .get(&back(&there, &sent))
            .await
            .expect(302)
            .location();
        assert!(target.as_str().starts_with(REDIRECT));
        assert_eq!(parameter(&target, "error").as_deref(), Some(told));
        assert_eq!(parameter(&target, "state").as_deref(), Some("xyz"));
        assert_eq!(
            parameter(&target, "error_description").as_deref(),
            Some("The user said no")
        );
        assert!(parameter(&target, "iss").is_some());
    }
}

#[tokio::test]
async fn facebook_and_x_tell_a_mail_address_or_it_is_asked_for() {
    let (server, provider) = server(Kind::Facebook, "facebook", json!({})).await;
    provider.tell(
        json!({"id": "10221", "name": "Ada King", "first_name": "Ada",
        "last_name": "King", "email": "ada.king@example.org"}),
    );
    log_in(&server.browser(), &provider).await.expect(302);
    let (_, email, validated) = server.portal.find_custom("idp:10221").unwrap();
    assert_eq!((email.as_str(), validated), ("ada.king@example.org", false));
    assert_eq!(server.portal.mails(), 1);

    let (server, provider) = self::server(Kind::Twitter, "twitter", json!({})).await;
    provider.tell(
        json!({"id": "2244994945", "name": "X Dev", "username": "XDev",
        "confirmed_email": "dev@example.org"}),
    );
    log_in(&server.browser(), &provider).await.expect(302);
    let (_, email, validated) = server.portal.find_custom("idp:2244994945").unwrap();
    assert_eq!((email.as_str(), validated), ("dev@example.org", true));

    provider.tell(json!({"id": "77", "name": "Grace", "username": "grace"}));
    let browser = server.browser();
    let answer = log_in(&browser, &provider).await.expect(200);
    let page = answer.json();
    assert_eq!(page["template"], "email_missing");
    assert_eq!(page["emailMissingUrl"], "idp/emailmissing");
    let csrf = page["csrfToken"].as_str().unwrap();
    let submit = async |browser: &Browser<'_>, csrf: &str, one: &str, two: &str| {
        let form = [("_csrf", csrf), ("email", one), ("email2", two)];
        browser.post("/idp/emailmissing", &form).await
    };
    let address = "grace@example.org";
    submit(&server.browser(), csrf, address, address)
        .await
        .expect(403);
    submit(&browser, "email_missing-0", address, address)
        .await
        .expect(403);
    for (one, two) in [(address, "other@example.org"), ("grace", "grace"), ("", "")] {
        submit(&browser, csrf, one, two).await.expect(400);
    }
    submit(&browser, csrf, "ada@example.org", "ada@example.org")
        .await
        .expect(409);
    let target = submit(&browser, csrf, address, address).await.expect(302);
    assert!(target.location().as_str().starts_with(REDIRECT));
    let (_, email, validated) = server.portal.find_custom("idp:77").unwrap();
    assert_eq!((email.as_str(), validated), (address, false));
    // The same person is known now, and not asked again.
    let again = log_in(&server.browser(), &provider).await.expect(302);
    assert!(again.location().as_str().starts_with(REDIRECT));
}

fn grace() -> Value {
    json!({"sub": "g-1", "email": "grace@example.org", "email_verified": true, "name": "Grace Hopper",
        "given_name": "Grace", "family_name": "Hopper", "group": ["Staff", "Chefs"]})
}

#[tokio::test]
async fn openid_connect_brings_claims_and_groups() {
    let more = json!({"defaultGroups": {"Staff": "dev", "Chefs": "cooks", "Others": "x"},
        "params": {"hd": "example.org", "state": "mine"}});
    let (server, provider) = server(Kind::Oidc, "oidc", more).await;
    provider.tell(grace());
    let browser = server.browser();
    let there = leave(&browser, &[("prompt", "login select_account")]).await;
    assert_eq!(
        parameter(&there, "prompt").as_deref(),
        Some("login select_account")
    );
    assert_eq!(parameter(&there, "max_age").as_deref(), Some("0"));
    assert_eq!(parameter(&there, "hd").as_deref(), Some("example.org"));
    assert_eq!(
        parameter(&there, "scope").as_deref(),
        Some("openid profile email")
    );
    assert_ne!(parameter(&there, "state").as_deref(), Some("mine"));
    // New accounts are made there, too.
    let create = leave(&server.browser(), &[("prompt", "create")]).await;
    assert_eq!(create.path(), "/authorize");
    browser.get(&provider.approve(&there)).await.expect(302);
    let (id, email, validated) = server.portal.find_custom("idp:g-1").unwrap();
    assert_eq!((email.as_str(), validated), ("grace@example.org", true));
    assert_eq!(server.portal.groups(&id), ["dev", "cooks"]);
    // Groups are added and stay.
    server.portal.change_user(&id, &["admin"], false);
    let mut person = grace();
    person["group"] = json!("Staff");
    provider.tell(person);
    log_in(&server.browser(), &provider).await.expect(302);
    assert_eq!(server.portal.groups(&id), ["admin", "dev"]);
    let calls = provider.calls();
    assert_eq!(calls, ["description", "keys"], "both are remembered");
}

#[tokio::test]
async fn f22_a_provider_takes_groups_away_where_nobody_else_gives_them() {
    let more = json!({"defaultGroups": {"Staff": "dev", "Chefs": "cooks"}, "removeGroups": true});
    let (server, provider) = server(Kind::Oidc, "oidc", more).await;
    provider.tell(grace());
    log_in(&server.browser(), &provider).await.expect(302);
    let (id, ..) = server.portal.find_custom("idp:g-1").unwrap();
    assert_eq!(server.portal.groups(&id), ["dev", "cooks"]);
    server
        .portal
        .change_user(&id, &["admin", "dev", "cooks"], false);
    let mut person = grace();
    person["group"] = json!(["Staff"]);
    provider.tell(person);
    log_in(&server.browser(), &provider).await.expect(302);
    assert_eq!(server.portal.groups(&id), ["admin", "dev"]);
}

#[tokio::test]
async fn f19_what_an_id_token_does_not_prove_is_not_believed() {
    let link = json!({"errorLink": "https://help.example/", "errorLinkDescription": "Help"});
    let (server, provider) = server(Kind::Oidc, "oidc", link).await;
    provider.tell(grace());
    for lie in [
        json!({"iss": "https://evil.example"}),
        json!({"aud": "other"}),
        json!({"aud": ["wicketgate", "other"]}),
        json!({"nonce": "other"}),
        json!({"nonce": null}),
        json!({"exp": 1}),
        json!({"sub": null}),
        json!({"sub": "somebody-else"}),
    ] {
        provider.lie(lie.clone());
        let answer = log_in(&server.browser(), &provider).await;
        assert_eq!(answer.status.as_u16(), 401, "{lie}: {answer:?}");
        assert_eq!(answer.json()["errorLink"], "https://help.example/");
    }
    provider.lie(json!({"auth_time": 1}));
    log_in(&server.browser(), &provider).await.expect(302);
    let browser = server.browser();
    let there = leave(&browser, &[("max_age", "60")]).await;
    assert_eq!(parameter(&there, "max_age").as_deref(), Some("60"));
    browser.get(&provider.approve(&there)).await.expect(401);
    provider.lie(json!({}));
    provider.forge();
    log_in(&server.browser(), &provider).await.expect(401);
    let refused = server.portal.records();
    assert!(refused.iter().any(|record| record["outcome"] == "refused"));
}

#[tokio::test]
async fn an_answer_of_another_issuer_is_not_taken() {
    let (server, provider) = server(Kind::Oidc, "oidc", json!({})).await;
    provider.tell(grace());
    let browser = server.browser();
    let home = provider.approve(&leave(&browser, &[]).await);
    let mixed = format!("{home}&iss=https://evil.example");
    browser.get(&mixed).await.expect(401);
    let home = provider.approve(&leave(&browser, &[]).await);
    let right = format!("{home}&iss={}", provider.issuer());
    browser.get(&right).await.expect(302);
}

#[tokio::test]
async fn without_a_page_the_provider_is_asked_silently() {
    let (server, provider) = server(Kind::Oidc, "google", json!({})).await;
    provider.tell(grace());
    let browser = server.browser();
    let there = leave(&browser, &[("prompt", "none")]).await;
    assert_eq!(parameter(&there, "prompt").as_deref(), Some("none"));
    let nobody = [("error", "login_required")];
    let target = browser.get(&back(&there, &nobody)).await.expect(302);
    let error = parameter(&target.location(), "error");
    assert_eq!(error.as_deref(), Some("login_required"));
    let there = leave(&browser, &[("prompt", "none")]).await;
    let target = browser.get(&provider.approve(&there)).await.expect(302);
    assert!(parameter(&target.location(), "code").is_some());
    // GitHub shows a page in any case, so it is not asked.
    let (github, _) = self::server(Kind::GitHub, "github", json!({})).await;
    let target = leave(&github.browser(), &[("prompt", "none")]).await;
    assert!(target.as_str().starts_with(REDIRECT));
    assert_eq!(
        parameter(&target, "error").as_deref(),
        Some("login_required")
    );
}

#[tokio::test]
async fn a_signed_access_token_is_a_profile_and_an_unsigned_one_is_not() {
    let Some((pem, key)) = certificate() else {
        return;
    };
    let more = json!({"certificate": pem, "resource": "urn:api", "trustUsers": "true",
        "forwardState": true, "defaultGroups": r#"{"Domain Users": "dev"}"#});
    let (server, provider) = server(Kind::OAuth2, "adfs", more).await;
    provider.sign_with(key);
    provider.tell(json!({"upn": "turing@corp", "email": "turing@example.org",
        "group": ["Domain Users"], "winaccountname": "turing"}));
    let browser = server.browser();
    let there = leave(&browser, &[("prefill_username", "turing")]).await;
    for (name, value) in [
        ("resource", "urn:api"),
        ("prefill_username", "turing"),
        ("client_state", "xyz"),
    ] {
        assert_eq!(parameter(&there, name).as_deref(), Some(value));
    }
    browser.get(&provider.approve(&there)).await.expect(302);
    let (id, email, validated) = server.portal.find_custom("idp:turing@corp").unwrap();
    assert_eq!((email.as_str(), validated), ("turing@example.org", true));
    assert_eq!(server.portal.groups(&id), ["dev"]);
    let grant = async |password: &str| {
        let form = [
            ("grant_type", "password"),
            ("client_id", "app-social"),
            SECRET,
            ("username", "turing"),
            ("password", password),
        ];
        server.post("/idp/api/social/token", &form).await
    };
    grant(PASSWORD).await.expect(200);
    assert_eq!(
        grant("wrong").await.error(),
        (400, "invalid_grant".to_owned())
    );
    provider.tell(json!({"upn": "turing@corp", "email": "turing@example.org", "exp": 1}));
    log_in(&server.browser(), &provider).await.expect(401);
    provider.tell(json!({"upn": "turing@corp"}));
    log_in(&server.browser(), &provider).await.expect(401);
    let Some((_, other)) = certificate() else {
        return;
    };
    provider.tell(json!({"upn": "turing@corp", "email": "turing@example.org"}));
    provider.sign_with(other);
    log_in(&server.browser(), &provider).await.expect(401);
    provider.sign_with_its_own();
    log_in(&server.browser(), &provider).await.expect(401);
}

#[tokio::test]
async fn methods_that_prove_nothing_or_are_unknown_are_left_out() {
    let provider = Provider::start(Kind::OAuth2).await;
    let config = provider.config(json!({}));
    let server = TestServer::start_beside(|portal| {
        portal.add_method("unsigned", "adfs", config);
        portal.add_method("everybody", "dummy", json!({}));
        portal.add_method("strange", "telepathy", json!({}));
        portal.add_method(
            "x",
            "twitter",
            json!({"consumerKey": "a", "consumerSecret": "b"}),
        );
    })
    .await;
    server
        .portal
        .add_client("app", "social", "confidential", true);
    for method in ["unsigned", "everybody", "strange", "x"] {
        for page in ["login", "callback", "api/social/authorize"] {
            let path = format!("/{method}/{page}?client_id=app-social&response_type=code");
            server.browser().get(&path).await.expect(404);
        }
    }
    // The others work.
    server.browser().code("app-social", &[]).await;
}

#[tokio::test]
async fn a_provider_that_is_away_or_answers_nonsense_lets_nobody_in() {
    let profile = json!({"retrieveProfile": true, "customIdField": "id"});
    let (server, provider) = server(Kind::OAuth2, "oauth2", profile).await;
    provider.tell(json!({"id": 1, "email": "a@example.org"}));
    log_in(&server.browser(), &provider).await.expect(302);
    assert!(server.portal.find_custom("idp:1").is_some());
    provider.tell(json!({"id": {"a": 1}, "email": "a@example.org"}));
    log_in(&server.browser(), &provider).await.expect(401);
    provider.tell(json!({"id": 2, "email": "b@example.org", "long": "x".repeat(300_000)}));
    log_in(&server.browser(), &provider).await.expect(401);
    let away = json!({"clientId": "a", "clientSecret": "b", "issuer": "http://127.0.0.1:1"});
    let server = TestServer::start_beside(|portal| portal.add_method("idp", "oidc", away)).await;
    server
        .portal
        .add_client("app", "social", "confidential", true);
    let url = Browser::authorize_url("app-social", &[("auth_method", "idp")]);
    server.browser().get(&url).await.expect(503);
}

#[tokio::test]
async fn the_log_in_page_offers_the_other_methods() {
    let (server, provider) = server(Kind::GitHub, "github", json!({})).await;
    provider.tell(octocat());
    let browser = server.browser();
    let url = Browser::authorize_url("app-social", &[("auth_method", "local")]);
    let page = browser.page(&url).await.expect("login");
    assert_eq!(page.model["methods"][0]["id"], "idp");
    let href = page.model["methods"][0]["href"].as_str().unwrap();
    let href = href.strip_prefix("/auth").unwrap();
    let there = browser.get(href).await.expect(302).location();
    let target = browser.get(&provider.approve(&there)).await.expect(302);
    assert!(target.location().as_str().starts_with(REDIRECT));
}

#[tokio::test]
async fn people_come_back_to_any_instance_and_once_to_all_of_them() {
    let provider = Provider::start(Kind::Oidc).await;
    provider.tell(grace());
    let config = provider.config(json!({}));
    let started =
        TestServer::start_two_beside(|portal| portal.add_method("idp", "oidc", config)).await;
    let Some((one, two)) = started else {
        return;
    };
    one.portal.add_client("app", "social", "confidential", true);
    let at_one = one.browser();
    let home = provider.approve(&leave(&at_one, &[]).await);
    let at_two = at_one.at(&two);
    let target = at_two.get(&home).await.expect(302).location();
    assert!(target.as_str().starts_with(REDIRECT), "{target}");
    // The same answer at the same moment at both.
    let home = provider.approve(&leave(&at_one, &[("prompt", "login")]).await);
    let (here, there) = tokio::join!(at_one.get(&home), at_two.get(&home));
    let mut statuses = [here.status.as_u16(), there.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [302, 400]);
}

#[tokio::test]
async fn the_pages_are_html_in_both_languages() {
    let (server, provider) = server(Kind::Twitter, "twitter", json!({})).await;
    provider.tell(json!({"id": "78", "name": "Grace", "username": "grace"}));
    let browser = server.browser();
    let german = ("accept-language", "de");
    let url = Browser::authorize_url("app-social", &[("auth_method", "local")]);
    let page = browser.html(&url, german).await.expect(200).text;
    assert!(page.contains("Oder anmelden mit") && page.contains("/auth/idp/api/social/authorize?"));
    let there = leave(&browser, &[]).await;
    let home = provider.approve(&there);
    let answer = browser.html(&home, german).await.expect(200);
    let policy = answer.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("form-action 'self' https://app.example"),
        "{policy}"
    );
    assert_eq!(
        answer.headers["cache-control"],
        "no-store, no-cache, must-revalidate, proxy-revalidate"
    );
    let page = answer.text;
    assert!(
        page.contains("Ihre E-Mail-Adresse") && page.contains("action=\"/auth/idp/emailmissing\"")
    );
    assert!(page.contains("name=\"email2\"") && page.contains("name=\"_csrf\""));
    let english = browser.html("/failure", ("accept-language", "en")).await;
    assert!(english.expect(200).text.contains("This did not work"));
}

#[tokio::test]
async fn another_auth_server_of_this_kind_is_a_provider() {
    let other = TestServer::start_as_issuer().await;
    let client = other
        .portal
        .add_client("us", "orders", "confidential", true);
    let callback = "http://localhost:8000/auth/idp/callback";
    other.portal.add_redirect_uri(&client, callback);
    other.portal.add_user("lovelace", &[]);
    let config = json!({"issuer": other.base, "clientId": client, "clientSecret": "secret"});
    let server = TestServer::start_beside(|portal| portal.add_method("idp", "oidc", config)).await;
    server
        .portal
        .add_client("app", "social", "confidential", true);
    let (here, there) = (server.browser(), other.browser());
    // Not logged in there, so nobody is without a page.
    let silent = leave(&here, &[("prompt", "none")]).await;
    let answer = there.get(silent.as_str()).await.expect(302).location();
    assert_eq!(
        parameter(&answer, "error").as_deref(),
        Some("login_required")
    );
    let told = here.get(&own_path(&answer)).await.expect(302).location();
    assert_eq!(parameter(&told, "error").as_deref(), Some("login_required"));
    for more in [&[][..], &[("prompt", "login")]] {
        let away = leave(&here, more).await;
        assert!(away.as_str().starts_with(&other.base), "{away}");
        let page = there.page(away.as_str()).await.expect("login");
        let answer = there.log_in(&page, "lovelace").await.expect(302).location();
        assert!(answer.as_str().starts_with(callback), "{answer}");
        assert_eq!(parameter(&answer, "iss").as_deref(), Some(&*other.base));
        let target = here.get(&own_path(&answer)).await.expect(302).location();
        assert!(target.as_str().starts_with(REDIRECT), "{target}");
    }
    let (id, email, validated) = server.portal.find_custom("idp:lovelace").unwrap();
    assert_eq!((email.as_str(), validated), ("lovelace@example.org", true));
    assert_ne!(id, "lovelace");
    // Another one's answer: the issuer has to be named, and the right one.
    let away = leave(&here, &[("prompt", "login")]).await;
    let page = there.page(away.as_str()).await.expect("login");
    let answer = there.log_in(&page, "lovelace").await.expect(302).location();
    let path = own_path(&answer);
    let (without, _) = path.split_once("&iss=").unwrap();
    here.get(without).await.expect(401);
}

/// An address of ours as a path below the base path.
fn own_path(url: &Url) -> String {
    let (_, path) = url.as_str().split_once("/auth").unwrap();
    path.to_owned()
}

/// Somebody with an account here comes by a provider that knows the same address.
async fn same_address(verified: bool) -> (TestServer, Provider) {
    let (server, provider) = server(Kind::Oidc, "oidc", json!({})).await;
    let mut person = grace();
    person["email"] = json!("ada@example.org");
    person["email_verified"] = json!(verified);
    provider.tell(person);
    (server, provider)
}

#[tokio::test]
async fn an_account_with_the_same_address_is_joined_after_a_log_in_to_it() {
    let (server, provider) = same_address(true).await;
    let browser = server.browser();
    let page = log_in(&browser, &provider).await.expect(200).json();
    assert_eq!(page["template"], "link_account");
    assert_eq!(page["email"], "ada@example.org");
    let ids: Vec<&str> = page["methods"]
        .as_array()
        .unwrap()
        .iter()
        .map(|method| method["id"].as_str().unwrap())
        .collect();
    assert!(ids.contains(&"local") && !ids.contains(&"idp"), "{ids:?}");
    let csrf = page["csrfToken"].as_str().unwrap();
    for wrong in ["idp", "off", "nobody"] {
        let form = [("_csrf", csrf), ("method", wrong)];
        browser.post("/idp/link", &form).await.expect(400);
    }
    let form = [("_csrf", csrf), ("method", "local")];
    server.browser().post("/idp/link", &form).await.expect(403);
    let login = browser.submit("/idp/link", &form).await.expect("login");
    assert_eq!(login.model["prefillUsername"], "ada@example.org");
    assert_eq!(login.model["disableSignup"], true);
    let target = browser.log_in(&login, "ada").await.expect(302).location();
    assert_eq!(profile(&server, &target).await["sub"], "ada");
    // From then on the provider leads there by itself.
    let other = server.browser();
    let target = log_in(&other, &provider).await.expect(302).location();
    assert_eq!(profile(&server, &target).await["sub"], "ada");
    assert!(server.portal.find_custom("idp:g-1").is_none());
    let linked = |record: &Value| record["action"] == "link" && record["entityId"] == "ada";
    crate::support::until("it is on record", || {
        server.portal.records().iter().any(linked)
    })
    .await;
    // The owner sees it and ends it.
    let page = browser.page("/account/security").await;
    let page = if page.template() == "login" {
        browser.log_in(&page, "ada").await.expect(302);
        browser.page("/account/security").await
    } else {
        page
    };
    let id = page.model["links"][0]["id"].as_str().unwrap().to_owned();
    let csrf = page.csrf();
    let form = [
        ("_csrf", csrf.as_str()),
        ("action", "remove-link"),
        ("id", &id),
    ];
    browser.post("/account/security", &form).await.expect(200);
    let page = log_in(&server.browser(), &provider)
        .await
        .expect(200)
        .json();
    assert_eq!(page["template"], "link_account");
}

#[tokio::test]
async fn nobody_takes_over_an_account_by_its_address() {
    let (server, provider) = same_address(false).await;
    assert_page(&log_in(&server.browser(), &provider).await, 409);

    let (server, provider) = same_address(true).await;
    server.portal.add_user("eve", &[]);
    let browser = server.browser();
    // Being logged in already proves nothing, and another account is not meant.
    let own = browser.page("/account/security").await.expect("login");
    browser.log_in(&own, "eve").await.expect(302);
    let page = log_in(&browser, &provider).await.expect(200).json();
    let csrf = page["csrfToken"].as_str().unwrap();
    let form = [("_csrf", csrf), ("method", "local")];
    let login = browser.submit("/idp/link", &form).await.expect("login");
    let wrong = browser.log_in(&login, "eve").await;
    assert_page(&wrong, 403);
    let page = log_in(&server.browser(), &provider)
        .await
        .expect(200)
        .json();
    assert_eq!(page["template"], "link_account", "nothing was joined");
}
