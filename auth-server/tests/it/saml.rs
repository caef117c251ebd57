//! Log-in at a SAML provider, whose answers a foreign program signs.

use chrono::TimeDelta;
use serde_json::json;
use url::Url;

use crate::support::{
    Browser, REDIRECT, SamlAnswer, SamlProvider, SamlRequest, TestServer, parameter, saml_message,
    self_signed,
};

const ASSERT: &str = "http://localhost:8000/auth/corp/assert";

/// A server with a method `corp` that leads to a provider, and an application.
async fn server(provider: &SamlProvider, more: serde_json::Value) -> TestServer {
    let config = provider.config(&more);
    let server = TestServer::start_beside(|portal| portal.add_method("corp", "saml", config)).await;
    server
        .portal
        .add_client("app", "social", "confidential", true);
    server
}

/// Where a browser is sent.
async fn leave(browser: &Browser<'_>, more: &[(&str, &str)]) -> Url {
    let mut parameters = vec![("auth_method", "corp")];
    parameters.extend(more);
    let url = Browser::authorize_url("app-social", &parameters);
    browser.get(&url).await.expect(302).location()
}

/// Brings the provider's form, as a browser does that sends no cookies with it; answers where to go on.
async fn bring(server: &TestServer, request: &SamlRequest, answer: &str) -> String {
    let form = [
        ("SAMLResponse", answer),
        ("RelayState", request.relay_state.as_str()),
    ];
    let back = server.post("/corp/assert", &form).await.expect(302);
    assert!(back.headers.get("set-cookie").is_none());
    let location = back.headers["location"].to_str().unwrap();
    location.strip_prefix("/auth").unwrap().to_owned()
}

fn error(target: &Url) -> Option<String> {
    assert!(target.as_str().starts_with(REDIRECT), "{target}");
    parameter(target, "error")
}

#[tokio::test]
async fn an_assertion_leads_to_an_account_once_and_in_the_browser_that_asked_for_it() {
    let Some(provider) = SamlProvider::start() else {
        return;
    };
    let server = server(&provider, json!({"trustUsers": true})).await;
    let browser = server.browser();
    let there = leave(&browser, &[]).await;
    assert!(
        there
            .as_str()
            .starts_with("https://idp.example/sso?tenant=1&SAMLRequest=")
    );
    let request = SamlRequest::read(&there);
    assert_eq!(request.assert, ASSERT);
    assert_eq!(
        request.entity,
        "http://localhost:8000/auth/corp/metadata.xml"
    );
    assert!(!request.xml.contains("ForceAuthn") && !request.xml.contains("IsPassive"));
    let answer = provider.answer(&request, &SamlAnswer::about("ada7", "ada@corp.example"));
    let path = bring(&server, &request, &answer).await;
    // A stranger who gets hold of the address, or is led to it, is not logged in.
    let form = [
        ("SAMLResponse", answer.as_str()),
        ("RelayState", &request.relay_state),
    ];
    server.post("/corp/assert", &form).await.expect(400);
    let target = browser.get(&path).await.expect(302).location();
    let code = parameter(&target, "code").unwrap();
    let token = server
        .redeem("app-social", &code)
        .await
        .member("access_token");
    let profile = server.get_with("/profile", &token).await.expect(200).json();
    assert_eq!(profile["email"], "ada@corp.example");
    assert_eq!(
        (&profile["name"], &profile["staff"]),
        (&json!("Ada & Co"), &json!(true))
    );
    let (id, email, is_validated) = server.portal.find_custom("corp:ada7").unwrap();
    assert_eq!((email.as_str(), is_validated), ("ada@corp.example", true));
    assert_eq!(server.portal.groups(&id), ["dev"]);
    browser.get(&path).await.expect(400);
    // The next log-in finds the account.
    let request = SamlRequest::read(&leave(&server.browser(), &[]).await);
    let answer = provider.answer(&request, &SamlAnswer::about("ada7", "new@corp.example"));
    let path = bring(&server, &request, &answer).await;
    server.browser().get(&path).await.expect(400);
    assert_eq!(
        server.portal.find_custom("corp:ada7").unwrap().1,
        "ada@corp.example"
    );
}

#[tokio::test]
async fn what_is_not_believed_lets_nobody_in_and_the_client_is_told() {
    let Some(provider) = SamlProvider::start() else {
        return;
    };
    let Some(other) = SamlProvider::start() else {
        return;
    };
    let server = server(&provider, json!({})).await;
    let fresh = || SamlAnswer::about("ada7", "ada@corp.example");
    let used = fresh();
    let used = || SamlAnswer {
        id: used.id.clone(),
        ..fresh()
    };
    let old = || SamlAnswer {
        made: service::clock::now() - TimeDelta::minutes(7),
        ..fresh()
    };
    let nobody = || SamlAnswer::about("", "ada@corp.example");
    let busy = || SamlAnswer {
        status: "NoPassive",
        ..fresh()
    };
    let denied = || SamlAnswer {
        status: "AuthnFailed",
        ..fresh()
    };
    for (name, signer, answer, expected) in [
        ("right", &provider, used(), None),
        (
            "used before, for another request",
            &provider,
            used(),
            Some("server_error"),
        ),
        ("forged", &other, fresh(), Some("server_error")),
        ("expired", &provider, old(), Some("server_error")),
        ("without an id", &provider, nobody(), Some("server_error")),
        (
            "would have to ask",
            &provider,
            busy(),
            Some("login_required"),
        ),
        ("refused there", &provider, denied(), Some("server_error")),
    ] {
        let browser = server.browser();
        let request = SamlRequest::read(&leave(&browser, &[]).await);
        let path = bring(&server, &request, &signer.answer(&request, &answer)).await;
        let target = browser.get(&path).await.expect(302).location();
        assert_eq!(error(&target).as_deref(), expected, "{name}");
    }
    // The answer to somebody else's request.
    let (browser, victim) = (server.browser(), server.browser());
    let request = SamlRequest::read(&leave(&browser, &[]).await);
    let answer = provider.answer(&request, &fresh());
    let others = SamlRequest::read(&leave(&victim, &[]).await);
    let path = bring(&server, &others, &answer).await;
    let target = victim.get(&path).await.expect(302).location();
    assert_eq!(error(&target).as_deref(), Some("server_error"));
    let path = bring(&server, &request, &answer).await;
    victim.get(&path).await.expect(400);
    for form in [
        vec![("SAMLResponse", answer.as_str())],
        vec![("SAMLResponse", answer.as_str()), ("RelayState", "unknown")],
        vec![],
    ] {
        server.post("/corp/assert", &form).await.expect(400);
    }
    browser.get("/corp/assert").await.expect(400);
    browser.get("/local/assert").await.expect(404);
    browser.post("/corp/login", &[]).await.expect(404);
}

#[tokio::test]
async fn silence_needs_https_and_a_fresh_log_in_is_asked_for_and_checked() {
    let Some(provider) = SamlProvider::start() else {
        return;
    };
    let server = server(&provider, json!({})).await;
    let target = leave(&server.browser(), &[("prompt", "none")]).await;
    assert_eq!(error(&target).as_deref(), Some("invalid_request"));
    let config = provider.config(&json!({}));
    let secure = TestServer::start_changed(
        |portal| portal.add_method("corp", "saml", config),
        |settings| settings.external_url = Some("https://api.example".parse().unwrap()),
    )
    .await;
    secure
        .portal
        .add_client("app", "social", "confidential", true);
    let request = SamlRequest::read(&leave(&secure.browser(), &[("prompt", "none")]).await);
    assert!(request.xml.contains("IsPassive=\"true\""));
    assert_eq!(request.assert, "https://api.example/auth/corp/assert");
    for (minutes, expected) in [(0, None), (4, Some("server_error"))] {
        let browser = server.browser();
        let request = SamlRequest::read(&leave(&browser, &[("prompt", "login")]).await);
        assert!(request.xml.contains("ForceAuthn=\"true\""));
        let answer = SamlAnswer {
            made: service::clock::now() - TimeDelta::minutes(minutes),
            ..SamlAnswer::about("ada7", "ada@corp.example")
        };
        let path = bring(&server, &request, &provider.answer(&request, &answer)).await;
        let target = browser.get(&path).await.expect(302).location();
        assert_eq!(error(&target).as_deref(), expected);
    }
}

#[tokio::test]
async fn sessions_end_here_and_at_the_provider() {
    let Some(provider) = SamlProvider::start() else {
        return;
    };
    let options = json!({"spOptions": {"private_key": provider.key(),
        "certificate": provider.certificate, "sign_get_request": true}});
    let server = server(&provider, options).await;
    let log_in = async |browser: &Browser<'_>| {
        let there = leave(browser, &[]).await;
        assert!(parameter(&there, "Signature").is_some());
        let request = SamlRequest::read(&there);
        let answer = provider.answer(&request, &SamlAnswer::about("ada7", "ada@corp.example"));
        let path = bring(&server, &request, &answer).await;
        let target = browser.get(&path).await.expect(302).location();
        assert!(parameter(&target, "code").is_some());
    };
    let is_logged_in = async |browser: &Browser<'_>| {
        let target = leave(browser, &[]).await;
        parameter(&target, "code").is_some()
    };
    let browser = server.browser();
    log_in(&browser).await;
    assert!(is_logged_in(&browser).await);
    let portal = "http://localhost:3000/bye?x=1";
    let url = format!(
        "/logout?redirect_uri={}",
        "http%3A%2F%2Flocalhost%3A3000%2Fbye%3Fx%3D1"
    );
    let there = browser.get(&url).await.expect(302).location();
    assert!(
        there
            .as_str()
            .starts_with("https://idp.example/slo?SAMLRequest=")
    );
    let request = saml_message(&there, "SAMLRequest");
    assert!(request.contains(">ada@corp.example<") && request.contains(">s-1<"));
    assert!(!is_logged_in(&browser).await);
    let relay_state = parameter(&there, "RelayState").unwrap();
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("SAMLResponse", "x")
        .append_pair("RelayState", &relay_state)
        .finish();
    let back = browser
        .get(&format!("/corp/assert?{query}"))
        .await
        .expect(302);
    let back = back.headers["location"].to_str().unwrap().to_owned();
    let end = browser
        .get(back.strip_prefix("/auth").unwrap())
        .await
        .expect(302);
    assert_eq!(end.location().as_str(), portal);
    // The provider ends a session: only with its signature, only of the person whom it names, once.
    log_in(&browser).await;
    let query = provider.log_out(ASSERT, "ada@corp.example");
    let forged = query.replace("RelayState=r+1", "RelayState=r+2");
    browser
        .get(&format!("/corp/assert?{forged}"))
        .await
        .expect(400);
    let (unsigned, _) = query.split_once("&SigAlg").unwrap();
    browser
        .get(&format!("/corp/assert?{unsigned}"))
        .await
        .expect(400);
    let other = provider.log_out(ASSERT, "eve@corp.example");
    browser
        .get(&format!("/corp/assert?{other}"))
        .await
        .expect(302);
    assert!(is_logged_in(&browser).await);
    let answer = browser
        .get(&format!("/corp/assert?{query}"))
        .await
        .expect(302);
    let there = answer.location();
    assert!(
        there
            .as_str()
            .starts_with("https://idp.example/slo?SAMLResponse=")
    );
    assert_eq!(parameter(&there, "RelayState").as_deref(), Some("r 1"));
    assert!(saml_message(&there, "SAMLResponse").contains("status:Success"));
    assert!(!is_logged_in(&browser).await);
    browser
        .get(&format!("/corp/assert?{query}"))
        .await
        .expect(400);
}

#[tokio::test]
async fn the_description_says_what_a_provider_has_to_know() {
    let Some(provider) = SamlProvider::start() else {
        return;
    };
    let options = json!({"spOptions": {"certificate": provider.certificate,
        "nameid_format": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"}});
    let server = server(&provider, options).await;
    let answer = server.get("/corp/metadata.xml").await.expect(200);
    assert_eq!(answer.headers["content-type"], "application/xml");
    let document = roxmltree::Document::parse(&answer.text).unwrap();
    let root = document.root_element();
    assert_eq!(
        root.attribute("entityID"),
        Some("http://localhost:8000/auth/corp/metadata.xml")
    );
    let find = |name: &str| {
        let mut all = root.descendants();
        all.find(|node| node.tag_name().name() == name).unwrap()
    };
    let service = find("AssertionConsumerService");
    assert_eq!(service.attribute("Location"), Some(ASSERT));
    assert!(service.attribute("Binding").unwrap().ends_with("HTTP-POST"));
    assert!(find("NameIDFormat").text().unwrap().ends_with("persistent"));
    assert!(find("X509Certificate").text().unwrap().len() > 500);
    server.get("/local/metadata.xml").await.expect(404);
}

/// A key of ours with its certificate, as texts.
fn own_key() -> Option<(String, String)> {
    let folder = tempfile::tempdir().unwrap();
    let (key, certificate) = self_signed(folder.path())?;
    let read = |path| std::fs::read_to_string(path).unwrap();
    Some((read(key), read(certificate)))
}

#[tokio::test]
async fn assertions_are_decrypted_with_the_key_that_the_description_offers() {
    let Some(provider) = SamlProvider::start() else {
        return;
    };
    let (key, certificate) = own_key().unwrap();
    let (other_key, other_certificate) = own_key().unwrap();
    let options = json!({"private_key": key, "certificate": certificate,
        "allow_unencrypted_assertion": false});
    let server = server(&provider, json!({"spOptions": options, "trustUsers": true})).await;
    let description = server.get("/corp/metadata.xml").await.expect(200).text;
    assert!(description.contains(r#"<md:KeyDescriptor use="encryption">"#));
    let outcome = async |make: &dyn Fn(&SamlRequest) -> String| {
        let browser = server.browser();
        let request = SamlRequest::read(&leave(&browser, &[]).await);
        let path = bring(&server, &request, &make(&request)).await;
        let target = browser.get(&path).await.expect(302).location();
        parameter(&target, "code").ok_or_else(|| error(&target))
    };
    let clear = |request: &SamlRequest| {
        provider.answer(request, &SamlAnswer::about("ada7", "ada@corp.example"))
    };
    for sign in [false, true] {
        let code = outcome(&|request| provider.encrypt(&clear(request), &certificate, sign)).await;
        let token = server.redeem("app-social", &code.unwrap()).await;
        let token = token.member("access_token");
        let profile = server.get_with("/profile", &token).await.expect(200).json();
        assert_eq!(profile["email"], "ada@corp.example");
    }
    let refused = Err(Some("server_error".to_owned()));
    assert_eq!(outcome(&clear).await, refused, "it is not encrypted");
    let foreign =
        |request: &SamlRequest| provider.encrypt(&clear(request), &other_certificate, false);
    assert_eq!(outcome(&foreign).await, refused, "it is for somebody else");

    // A pair that is none is no way to log in; the others are.
    let options = json!({"private_key": other_key, "certificate": certificate});
    let mixed = self::server(&provider, json!({"spOptions": options})).await;
    mixed.get("/corp/metadata.xml").await.expect(404);
}

#[tokio::test]
async fn a_method_without_the_providers_certificate_is_left_out() {
    let Some(provider) = SamlProvider::start() else {
        return;
    };
    let options = json!({"idpOptions": {"sso_login_url": "https://idp.example/sso"}});
    let server = server(&provider, options).await;
    server.get("/corp/metadata.xml").await.expect(404);
}

#[tokio::test]
async fn the_answer_may_come_to_another_instance_and_counts_at_one() {
    let Some(provider) = SamlProvider::start() else {
        return;
    };
    let config = provider.config(&json!({}));
    let first = |portal: &crate::support::PortalApi| portal.add_method("corp", "saml", config);
    let Some((one, two)) = TestServer::start_two_beside(first).await else {
        return;
    };
    one.portal.add_client("app", "social", "confidential", true);
    let browser = one.browser();
    let request = SamlRequest::read(&leave(&browser, &[]).await);
    let answer = provider.answer(&request, &SamlAnswer::about("ada7", "ada@corp.example"));
    let form = [
        ("SAMLResponse", answer.as_str()),
        ("RelayState", &request.relay_state),
    ];
    let (at_one, at_two) = tokio::join!(
        one.post("/corp/assert", &form),
        two.post("/corp/assert", &form)
    );
    let won: Vec<_> = [at_one, at_two]
        .into_iter()
        .filter(|answer| answer.status == 302)
        .collect();
    assert_eq!(won.len(), 1);
    let path = won[0].headers["location"].to_str().unwrap();
    let at_two = browser.at(&two);
    let target = at_two.get(path.strip_prefix("/auth").unwrap()).await;
    assert!(parameter(&target.expect(302).location(), "code").is_some());
}
