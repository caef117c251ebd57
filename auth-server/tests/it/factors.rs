//! Second proofs: authenticator app, recovery codes, passkeys; and clients that ask for them.

use ring::hmac;
use serde_json::{Value, json};

use crate::support::{
    Authenticator, Browser, PASSWORD, Page, TestServer, claims, code_of, parameter, until,
};

const ACR_MULTI: &str = "urn:wicketgate:acr:multi-factor";

async fn server() -> TestServer {
    let server = TestServer::start_with_old_grants().await;
    server
        .portal
        .add_client("app", "orders", "confidential", true);
    server
        .portal
        .add_client("app", "direct", "confidential", true);
    server
}

/// The page of a user's own proofs, after a log-in.
async fn security(browser: &Browser<'_>, user: &str) -> Page {
    let page = browser.page("/account/security").await.expect("login");
    browser.log_in(&page, user).await.expect(302);
    browser
        .page("/account/security")
        .await
        .expect("account_security")
}

async fn change(browser: &Browser<'_>, page: &Page, more: &[(&str, &str)]) -> Page {
    let csrf = page.csrf();
    let form = [&[("_csrf", csrf.as_str())], more].concat();
    browser.submit("/account/security", &form).await
}

/// The code of an app now, or so many steps later.
fn code(secret: &str, later: i64) -> String {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut bits, mut count, mut key) = (0_u32, 0, Vec::new());
    for letter in secret.chars() {
        bits = bits << 5 | u32::try_from(alphabet.find(letter).unwrap()).unwrap();
        count += 5;
        if count >= 8 {
            count -= 8;
            key.push(u8::try_from(bits >> count & 0xff).unwrap());
        }
    }
    let step = service::clock::now().timestamp() / 30 + later;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag[19] & 15);
    let word = u32::from_be_bytes(tag[offset..offset + 4].try_into().unwrap());
    format!("{:06}", (word & 0x7fff_ffff) % 1_000_000)
}

/// Sets up an app; its secret and the codes on paper.
async fn enrol(browser: &Browser<'_>, user: &str) -> (String, Vec<String>) {
    let page = security(browser, user).await;
    let page = change(browser, &page, &[("action", "begin-totp")]).await;
    let secret = page.model["secret"].as_str().unwrap().to_owned();
    let uri = page.model["uri"].as_str().unwrap();
    assert!(
        uri.starts_with("otpauth://totp/Nordhafen:ada%40example.org?secret="),
        "{uri}"
    );
    // Nothing is demanded before the app has shown that it works.
    let wrong = [("action", "confirm-totp"), ("code", "000000")];
    let page = change(browser, &page, &wrong)
        .await
        .expect("account_security");
    assert!(page.model["errorMessage"].is_string());
    assert_eq!(page.model["secret"], *secret);
    let code = code(&secret, -1);
    let right = [("action", "confirm-totp"), ("code", code.as_str())];
    let page = change(browser, &page, &right)
        .await
        .expect("account_security");
    let codes: Vec<String> = serde_json::from_value(page.model["codes"].clone()).unwrap();
    assert_eq!(codes.len(), 10);
    assert_eq!(
        (&page.model["totp"], &page.model["secret"]),
        (&json!(true), &Value::Null)
    );
    let again = browser.page("/account/security").await;
    assert_eq!(
        (&again.model["codes"], &again.model["codesLeft"]),
        (&Value::Null, &json!(10))
    );
    (secret, codes)
}

/// The page after name and password.
async fn second_step(browser: &Browser<'_>, more: &[(&str, &str)]) -> Page {
    let url = Browser::authorize_url("app-orders", more);
    let answer = browser.enter(&url, "ada").await.expect(200);
    let model = answer.json();
    Page { answer, model }.expect("second_factor")
}

async fn show(browser: &Browser<'_>, page: &Page, member: &str, value: &str) -> Page {
    let form = [("_csrf", page.csrf()), (member, value.to_owned())];
    let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
    let answer = browser.post("/local/secondfactor", &form).await;
    let model = if answer.status == 302 {
        Value::Null
    } else {
        answer.json()
    };
    Page { answer, model }
}

#[tokio::test]
async fn with_an_app_a_password_alone_opens_nothing() {
    let server = server().await;
    let (secret, codes) = enrol(&server.browser(), "ada").await;

    let browser = server.browser();
    let page = second_step(&browser, &[("scope", "openid read")]).await;
    assert_eq!(page.model["secondFactorUrl"], "local/secondfactor");
    // Nobody is logged in, and the form is none of another step.
    let url = Browser::authorize_url("app-orders", &[]);
    browser.page(&url).await.expect("login");
    let csrf = page.csrf();
    for path in ["changepassword", "login", "grant", "passkey"] {
        let form = [
            ("_csrf", csrf.as_str()),
            ("password", "x"),
            ("password2", "x"),
        ];
        let answer = browser.post(&format!("/local/{path}"), &form).await;
        assert_ne!(answer.status, 302, "{path}");
    }
    let wrong = show(&browser, &page, "code", "000000")
        .await
        .expect("second_factor");
    assert!(wrong.model["errorMessage"].is_string());
    let right = code(&secret, 0);
    let target = show(&browser, &page, "code", &right)
        .await
        .answer
        .expect(302)
        .location();
    let tokens = server.redeem("app-orders", &code_of(&target)).await;
    let id_token = claims(&tokens.member("id_token"));
    assert_eq!(id_token["amr"], json!(["pwd", "otp", "mfa"]));
    assert_eq!(id_token["acr"], ACR_MULTI);
    assert_eq!(claims(&tokens.member("access_token"))["acr"], ACR_MULTI);

    // A code counts once, also one of paper, which may be written in any way.
    let other = server.browser();
    let page = second_step(&other, &[]).await;
    let page = show(&other, &page, "code", &right)
        .await
        .expect("second_factor");
    let paper = codes[3].to_uppercase().replace('-', " ");
    show(&other, &page, "code", &paper).await.answer.expect(302);
    let third = server.browser();
    let page = second_step(&third, &[]).await;
    show(&third, &page, "code", &paper)
        .await
        .expect("second_factor");

    // Where nobody can be asked, nobody gets in (F17).
    let form = [
        ("grant_type", "password"),
        ("client_id", "app-direct"),
        ("client_secret", "secret"),
        ("username", "ada@example.org"),
        ("password", PASSWORD),
    ];
    assert_eq!(
        server.token(&form).await.error(),
        (400, "invalid_grant".to_owned())
    );

    let of = |change: &str| {
        let records = server.portal.records();
        let mut records = records.iter();
        records.any(|record| record["data"]["change"] == change && record["entityId"] == "ada")
    };
    until("the app is on record", || of("totp-added")).await;
    let refused = |record: &Value| record["data"]["step"] == "second-factor";
    until("failures are on record", || {
        server.portal.records().iter().any(refused)
    })
    .await;
}

#[tokio::test]
async fn codes_cannot_be_tried_out() {
    let server = server().await;
    enrol(&server.browser(), "ada").await;
    let browser = server.browser();
    let page = second_step(&browser, &[]).await;
    let csrf = page.csrf();
    let tries = (0..12).map(|number| {
        let (browser, csrf) = (&browser, csrf.as_str());
        async move {
            let code = format!("{number:06}");
            let form = [("_csrf", csrf), ("code", &code)];
            browser.post("/local/secondfactor", &form).await.status
        }
    });
    let statuses = futures_util::future::join_all(tries).await;
    assert!(
        statuses
            .iter()
            .all(|status| *status == 200 || *status == 429)
    );
    let late = show(&browser, &page, "code", "123456").await;
    assert_eq!(late.answer.status, 429);
}

#[tokio::test]
async fn a_client_that_wants_to_be_sure_gets_a_second_proof_of_those_who_have_one() {
    let server = server().await;
    let browser = server.browser();
    let sure = [("acr_values", ACR_MULTI), ("scope", "openid")];
    let url = Browser::authorize_url("app-orders", &sure);
    // Whoever has none goes on with what he has.
    let target = browser.enter(&url, "ada").await.expect(302).location();
    let tokens = server.redeem("app-orders", &code_of(&target)).await;
    let id_token = claims(&tokens.member("id_token"));
    assert_eq!(id_token["acr"], "urn:wicketgate:acr:single-factor");
    // Who has set up an app since is asked for it, by this client only.
    let page = browser
        .page("/account/security")
        .await
        .expect("account_security");
    let page = change(&browser, &page, &[("action", "begin-totp")]).await;
    let secret = page.model["secret"].as_str().unwrap().to_owned();
    let first = code(&secret, -1);
    let confirm = [("action", "confirm-totp"), ("code", first.as_str())];
    change(&browser, &page, &confirm).await;
    let easy = Browser::authorize_url("app-orders", &[]);
    browser.get(&easy).await.expect(302);
    let silent = Browser::authorize_url(
        "app-orders",
        &[("acr_values", ACR_MULTI), ("prompt", "none")],
    );
    let refused = browser.get(&silent).await.expect(302).location();
    assert_eq!(parameter(&refused, "error").unwrap(), "login_required");
    let answer = browser.enter(&url, "ada").await.expect(200);
    let model = answer.json();
    let page = Page { answer, model }.expect("second_factor");
    let right = code(&secret, 0);
    show(&browser, &page, "code", &right)
        .await
        .answer
        .expect(302);
    browser.get(&url).await.expect(302);
    let metadata = server.get("/.well-known/openid-configuration").await.json();
    assert_eq!(metadata["acr_values_supported"][1], ACR_MULTI);
}

#[tokio::test]
async fn a_new_log_in_is_needed_to_change_what_a_log_in_asks_for() {
    let server = server().await;
    let browser = server.browser();
    let page = security(&browser, "ada").await;
    let stranger = server.browser();
    let answer = change(&stranger, &page, &[("action", "begin-totp")]).await;
    assert_eq!(answer.template(), "login");
    let forged = [("_csrf", "account-x"), ("action", "begin-totp")];
    browser.post("/account/security", &forged).await.expect(403);
    let unknown = change(&browser, &page, &[("action", "nonsense")]).await;
    assert_eq!(unknown.answer.status, 400);
    // Switched off again, a log-in is as before.
    let (_, _) = enrol(&server.browser(), "ada").await;
    let page = browser.page("/account/security").await;
    let page = change(&browser, &page, &[("action", "remove-totp")]).await;
    assert_eq!(
        (&page.model["totp"], &page.model["codesLeft"]),
        (&json!(false), &json!(0))
    );
    security(&server.browser(), "ada").await;
}

/// A passkey of a user.
async fn passkey(browser: &Browser<'_>, page: &Page) -> Authenticator {
    let authenticator = Authenticator::new();
    let challenge = page.model["passkeyChallenge"].as_str().unwrap();
    let credential = authenticator.create(challenge);
    let form = [
        ("action", "add-passkey"),
        ("name", "Telephone"),
        ("credential", credential.as_str()),
    ];
    let page = change(browser, page, &form)
        .await
        .expect("account_security");
    assert_eq!(
        page.model["passkeys"][0]["name"], "Telephone",
        "{:?}",
        page.model
    );
    authenticator
}

async fn use_passkey(
    browser: &Browser<'_>,
    page: &Page,
    answer: impl FnOnce(&str) -> String,
) -> crate::support::Answer {
    let credential = answer(page.model["passkeyChallenge"].as_str().unwrap());
    let csrf = page.csrf();
    let form = [
        ("_csrf", csrf.as_str()),
        ("credential", credential.as_str()),
    ];
    browser.post("/local/passkey", &form).await
}

#[tokio::test]
async fn a_passkey_takes_the_place_of_name_and_password() {
    let server = server().await;
    let owner = server.browser();
    let page = security(&owner, "ada").await;
    let mut authenticator = passkey(&owner, &page).await;
    // The same one is not added twice, nor one that answers another page.
    let again = page.model["passkeyChallenge"].as_str().unwrap();
    for credential in [
        authenticator.create(again),
        Authenticator::new().create("other"),
    ] {
        let form = [
            ("action", "add-passkey"),
            ("name", "x"),
            ("credential", credential.as_str()),
        ];
        let refused = change(&owner, &page, &form).await;
        assert!(refused.model["errorMessage"].is_string());
    }

    let browser = server.browser();
    let url = Browser::authorize_url("app-orders", &[("scope", "openid")]);
    let page = browser.page(&url).await.expect("login");
    assert_eq!(page.model["passkeyUrl"], "local/passkey");
    let refused = |answer: crate::support::Answer, why: &str| {
        assert_eq!(answer.status, 200, "{why}");
        assert_eq!(answer.json()["template"], "login", "{why}");
    };
    authenticator.origin = "http://localhost.evil.example".to_owned();
    refused(
        use_passkey(&browser, &page, |c| authenticator.get(c)).await,
        "another site",
    );
    authenticator.origin = "http://localhost:8000".to_owned();
    authenticator.host = "evil.example".to_owned();
    refused(
        use_passkey(&browser, &page, |c| authenticator.get(c)).await,
        "another host",
    );
    authenticator.host = "localhost".to_owned();
    authenticator.flags = 0x01;
    refused(
        use_passkey(&browser, &page, |c| authenticator.get(c)).await,
        "nobody was asked",
    );
    authenticator.flags = 0x05;
    let foreign = Authenticator::new();
    refused(
        use_passkey(&browser, &page, |c| foreign.get(c)).await,
        "an unknown one",
    );
    refused(
        use_passkey(&browser, &page, |_| authenticator.get("other")).await,
        "another page",
    );
    let mut forged: Value = serde_json::from_str(&authenticator.get("x")).unwrap();
    forged["signature"] = json!("AAAA");
    refused(
        use_passkey(&browser, &page, |_| forged.to_string()).await,
        "no signature",
    );
    refused(
        use_passkey(&browser, &page, |_| "{}".to_owned()).await,
        "nothing",
    );

    authenticator.count = 7;
    let mut sent = String::new();
    let answer = use_passkey(&browser, &page, |challenge| {
        sent = authenticator.get(challenge);
        sent.clone()
    });
    let target = answer.await.expect(302).location();
    let tokens = server.redeem("app-orders", &code_of(&target)).await;
    let id_token = claims(&tokens.member("id_token"));
    assert_eq!(id_token["sub"], "ada");
    assert_eq!(id_token["amr"], json!(["pop", "user", "mfa"]));
    assert_eq!(id_token["acr"], ACR_MULTI);
    // What was seen on the way is worth nothing, and a copy of the key is noticed.
    let replayed = use_passkey(&browser, &page, |_| sent).await;
    assert_ne!(replayed.status, 302);
    let other = server.browser();
    let page = other.page(&url).await.expect("login");
    refused(
        use_passkey(&other, &page, |c| authenticator.get(c)).await,
        "the counter stands",
    );

    // It is the second proof, too, and ends with a lock or when it is removed.
    enrol(&server.browser(), "ada").await;
    let browser = server.browser();
    let page = second_step(&browser, &[]).await;
    authenticator.count = 8;
    let credential = authenticator.get(page.model["passkeyChallenge"].as_str().unwrap());
    show(&browser, &page, "credential", &credential)
        .await
        .answer
        .expect(302);
    let page = owner.page("/account/security").await;
    let id = page.model["passkeys"][0]["id"].as_str().unwrap().to_owned();
    change(&owner, &page, &[("action", "remove-passkey"), ("id", &id)]).await;
    authenticator.count = 9;
    let page = other.page(&url).await.expect("login");
    refused(
        use_passkey(&other, &page, |c| authenticator.get(c)).await,
        "it was removed",
    );
}

#[tokio::test]
async fn a_passkey_of_somebody_else_is_no_second_proof() {
    let server = server().await;
    server.portal.add_user("eve", &[]);
    let eve = server.browser();
    let page = security(&eve, "eve").await;
    let authenticator = passkey(&eve, &page).await;
    enrol(&server.browser(), "ada").await;
    let ada = server.browser();
    let page = security(&server.browser(), "eve").await;
    drop(page);
    let page = second_step(&ada, &[]).await;
    assert!(page.model.get("passkeyChallenge").is_none(), "ada has none");
    let shown = show(&ada, &page, "credential", &authenticator.get("x")).await;
    shown.expect("second_factor");
}

#[tokio::test]
async fn an_administrator_helps_who_has_lost_everything_and_nobody_else_does() {
    let server = server().await;
    let portal = server.portal.add_portal_client();
    server.portal.add_registration("wicked", "ada", None);
    server.portal.add_user("root", &["admin"]);
    server.portal.add_registration("wicked", "root", None);
    enrol(&server.browser(), "ada").await;
    let token = async |browser: &Browser<'_>, user: &str| {
        let page = browser
            .page(&Browser::authorize_url(&portal, &[]))
            .await
            .expect("login");
        let target = browser.log_in(&page, user).await.expect(302).location();
        server
            .redeem(&portal, &code_of(&target))
            .await
            .member("access_token")
    };
    server.portal.add_user("eve", &[]);
    server.portal.add_registration("wicked", "eve", None);
    let path = "/account/factors/ada";
    let eve = token(&server.browser(), "eve").await;
    server
        .call(reqwest::Method::DELETE, path, &eve, None)
        .await
        .expect(403);
    second_step(&server.browser(), &[]).await;
    let root = token(&server.browser(), "root").await;
    server
        .call(reqwest::Method::DELETE, path, &root, None)
        .await
        .expect(204);
    security(&server.browser(), "ada").await;

    // With the account everything is gone.
    enrol(&server.browser(), "ada").await;
    let deleted = json!({"deletedUserId": "ada"});
    server.portal.tell("user", "delete", deleted).await;
    security(&server.browser(), "ada").await;
}

#[tokio::test]
async fn the_pages_show_what_there_is_in_both_languages() {
    let server = server().await;
    let browser = server.browser();
    let page = security(&browser, "ada").await;
    change(&browser, &page, &[("action", "begin-totp")]).await;
    for (language, text) in [
        ("en", "Let the app read this picture"),
        ("de", "Lassen Sie die App"),
    ] {
        let html = browser
            .html("/account/security", ("accept-language", language))
            .await;
        assert!(html.text.contains(text), "{}", html.text);
        assert!(html.text.contains("<svg xmlns"), "the QR code is drawn");
        assert!(html.text.contains(r#"data-host="localhost""#));
    }
}
