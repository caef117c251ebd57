//! What attackers try (RFC 9700, and the list of the acceptance checks), beside what stands with the
//! thing attacked: reuse of codes and refresh tokens (`codes`, `refresh`), log-in CSRF and mix-up at
//! providers (`upstream`), fixation of sessions (`login`), replayed proofs (`assertions`, `factors`).

use std::{
    collections::BTreeSet,
    path::Path,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Method;
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};

use crate::support::{
    Answer, Browser, PASSWORD, REDIRECT, SECRET, TestServer, VERIFIER, claims, code_of, parameter,
    part,
};

async fn server() -> TestServer {
    let server = TestServer::start_with_client("app", "orders", "confidential", true).await;
    server
        .portal
        .add_client("spa", "orders", "public_spa", true);
    server
}

#[tokio::test]
async fn f15_an_address_that_is_not_registered_is_refused_however_it_is_written() {
    let server = server().await;
    // Registered: `https://app.example/cb?x=1` and `http://127.0.0.1/cb`.
    let variants = [
        "https://app.example/cb",
        "https://app.example/cb/",
        "https://app.example/cb/?x=1",
        "https://app.example/cb?x=1/",
        "https://app.example/cb?x=1&",
        "https://app.example/cb?x=1&y=2",
        "https://app.example/cb?y=2&x=1",
        "https://app.example/cb?x=2",
        "https://app.example/cb?X=1",
        "https://app.example/cb?x=%31",
        "https://app.example/cb?x=1#",
        "https://app.example/cb?x=1#fragment",
        "https://app.example/cb?x=1%23fragment",
        "https://app.example/CB?x=1",
        "https://app.example/c%62?x=1",
        "https://app.example/cb%2f?x=1",
        "https://app.example/cb%00?x=1",
        "https://app.example/cb%0d%0aSet-Cookie:a=b?x=1",
        "https://app.example/./cb?x=1",
        "https://app.example/a/../cb?x=1",
        "https://app.example/cb/../evil?x=1",
        "https://app.example/cb;a=b?x=1",
        "https://app.example//cb?x=1",
        "https://app.example/evil?next=/cb?x=1",
        "https://app.example:443/cb?x=1",
        "https://app.example:8443/cb?x=1",
        "https://APP.example/cb?x=1",
        "https://app.example./cb?x=1",
        "https://www.app.example/cb?x=1",
        "https://app.example.evil.example/cb?x=1",
        "https://evil.example/app.example/cb?x=1",
        "https://evil.example/?https://app.example/cb?x=1",
        "https://app.example@evil.example/cb?x=1",
        "https://user@app.example/cb?x=1",
        "https://app.example\\@evil.example/cb?x=1",
        "https://evil.example\\.app.example/cb?x=1",
        "https://app.example%2eevil.example/cb?x=1",
        "https://аpp.example/cb?x=1",
        "https:app.example/cb?x=1",
        "https:///app.example/cb?x=1",
        "https:\\\\app.example\\cb?x=1",
        "http://app.example/cb?x=1",
        "HTTPS://app.example/cb?x=1",
        "//app.example/cb?x=1",
        "/cb?x=1",
        " https://app.example/cb?x=1",
        "https://app.example/cb?x=1 ",
        "https://app.example/cb?x=1 https://evil.example/",
        "javascript:alert(1)//https://app.example/cb?x=1",
        "data:text/html,https://app.example/cb?x=1",
        "http://127.0.0.1/cb?x=1",
        "http://127.0.0.1.evil.example/cb",
        "http://127.0.0.1@evil.example/cb",
        "http://127.0.0.2/cb",
        "http://localhost/cb",
        "http://[::1]/cb",
        "https://127.0.0.1/cb",
    ];
    assert!(variants.len() >= 50);
    for variant in variants {
        let url = Browser::authorize_url("app-orders", &[("redirect_uri", variant)]);
        for url in [
            url.clone(),
            url.replace("/oauth2/authorize", "/local/api/orders/authorize"),
        ] {
            let answer = server.get(&url).await;
            assert_eq!(answer.status, 400, "{variant}");
            assert!(answer.headers.get("location").is_none(), "{variant}");
        }
    }
    for right in [REDIRECT, "http://127.0.0.1/cb", "http://127.0.0.1:49152/cb"] {
        let url = Browser::authorize_url("app-orders", &[("redirect_uri", right)]);
        server.get(&url).await.expect(200);
    }
}

#[tokio::test]
async fn nobody_is_sent_on_to_an_address_in_a_parameter() {
    let server = server().await;
    let browser = server.browser();
    browser.enter("/account/security", "ada").await.expect(302);
    for evil in [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "/auth/../../evil",
        "/auth@evil.example/",
        "http://localhost:8000.evil.example/auth/x",
        "http://localhost:8000@evil.example/auth/x",
        "javascript:alert(1)",
        "/auth/x\r\nLocation: https://evil.example/",
    ] {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("redirect_uri", evil)
            .append_pair("post_logout_redirect_uri", evil)
            .finish();
        for path in ["/local/login", "/logout", "/oauth2/logout"] {
            let answer = browser.get(&format!("{path}?{query}")).await;
            let location = answer.headers.get("location");
            let location = location.map(|value| value.to_str().unwrap().to_owned());
            assert!(
                location.as_deref().is_none_or(
                    |to| to.starts_with("/auth/") || to.starts_with("http://localhost:3000/")
                ),
                "{path} {evil}: {location:?}"
            );
        }
        let form = [("lang", "de"), ("back", evil)];
        let answer = browser.post("/preferences", &form).await;
        let to = answer.location();
        assert_eq!(to.host_str(), Some("relative.invalid"), "{evil}: {to}");
    }
}

#[tokio::test]
async fn a_code_of_another_log_in_is_of_no_use_in_a_clients_hands() {
    let server = server().await;
    // Injection: the attacker has a code (stolen, or his own), and the client its own verifier.
    let stolen = server.browser().code("spa-orders", &[]).await;
    let other = "v".repeat(43);
    let redeem = async |more: &[(&str, &str)]| {
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", "spa-orders"),
        ];
        server.token(&[&form[..], more].concat()).await
    };
    let wrong = redeem(&[("code", &stolen), ("code_verifier", &other)]).await;
    assert_eq!(wrong.error(), (400, "invalid_grant".to_owned()));
    // Downgrade: a request without a challenge, or one that is left out at the end.
    let left_out = redeem(&[("code", &stolen)]).await;
    assert_eq!(left_out.status, 401, "{left_out:?}");
    let without = Browser::authorize_url("app-orders", &[]);
    let url = url::Url::parse(&format!("http://x{without}")).unwrap();
    let kept = url
        .query_pairs()
        .filter(|(name, _)| !name.starts_with("code_challenge"));
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(kept)
        .finish();
    let browser = server.browser();
    let target = browser
        .enter(&format!("/oauth2/authorize?{query}"), "ada")
        .await
        .expect(302)
        .location();
    let code = code_of(&target);
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "app-orders"),
        SECRET,
        ("code", &code),
        ("code_verifier", VERIFIER),
    ];
    assert_eq!(server.token(&form).await.error().1, "invalid_grant");
    let public = query.replace("app-orders", "spa-orders");
    let refused = server
        .get(&format!("/oauth2/authorize?{public}"))
        .await
        .expect(302);
    assert_eq!(
        parameter(&refused.location(), "error").unwrap(),
        "invalid_request"
    );
}

#[tokio::test]
async fn each_answer_says_from_which_server_it_is() {
    let server = server().await;
    let issuer = server
        .get("/.well-known/oauth-authorization-server")
        .await
        .member("issuer");
    let browser = server.browser();
    let granted = browser
        .enter(&Browser::authorize_url("app-orders", &[]), "ada")
        .await
        .expect(302)
        .location();
    let wrong = Browser::authorize_url("app-orders", &[("scope", "fly")]);
    let refused = server.get(&wrong).await.expect(302).location();
    for answer in [granted, refused] {
        assert_eq!(
            parameter(&answer, "iss").as_deref(),
            Some(issuer.as_str()),
            "{answer}"
        );
    }
}

/// Every POST of the router, read from the sources: a new one has to be in one of the lists below.
fn posts() -> BTreeSet<String> {
    fn files(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(&path, found);
            } else {
                found.push(std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let mut sources = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    files(&root.join("src"), &mut sources);
    files(&root.join("../ui/src"), &mut sources);
    let mut posts = BTreeSet::new();
    for source in &sources {
        for route in source.split(".route(").skip(1) {
            let end = route.find(".route(").unwrap_or(route.len());
            let route = &route[..end];
            let path = route
                .trim_start()
                .strip_prefix('"')
                .and_then(|rest| rest.split('"').next());
            // Up to the end of the call.
            let mut depth = 1;
            let length = route.find(|c| {
                depth += i32::from(c == '(') - i32::from(c == ')');
                depth == 0
            });
            let call = &route[..length.unwrap_or(route.len())];
            if let Some(path) = path.filter(|_| call.contains("post(")) {
                posts.insert(path.to_owned());
            }
        }
    }
    posts
}

/// Forms of pages.
const FORMS: [&str; 20] = [
    "/account/security",
    "/account/sessions",
    "/account/tokens",
    "/device",
    "/invitation",
    "/logout",
    "/oauth2/logout",
    "/{method}/changepassword",
    "/{method}/emailmissing",
    "/{method}/forgotpassword",
    "/{method}/grant",
    "/{method}/grants",
    "/{method}/link",
    "/{method}/login",
    "/{method}/passkey",
    "/{method}/register",
    "/{method}/secondfactor",
    "/{method}/selectnamespace",
    "/{method}/signup",
    "/{method}/verify",
];

/// Forms that only show something or send a mail to the person himself, checked like the others.
const MORE_FORMS: [&str; 1] = ["/{method}/verifyemail"];

/// No forms: clients prove who they are, or nothing is changed but a language.
const NO_FORMS: [&str; 11] = [
    "/oauth2/authorize",
    "/oauth2/device_authorization",
    "/oauth2/introspect",
    "/oauth2/par",
    "/oauth2/revoke",
    "/oauth2/token",
    "/oauth2/userinfo",
    "/preferences",
    "/userinfo",
    "/{method}/api/{api}/token",
    // Of a SAML provider; what it brings counts in the browser that was sent there (module `saml`).
    "/{method}/assert",
];

#[tokio::test]
async fn f18_each_form_is_refused_without_its_own_page() {
    let known: BTreeSet<String> = FORMS
        .iter()
        .chain(&MORE_FORMS)
        .chain(&NO_FORMS)
        .map(|path| (*path).to_owned())
        .collect();
    assert_eq!(posts(), known);

    let server = server().await;
    let browser = server.browser();
    let page = browser.page("/account/security").await.expect("login");
    browser.log_in(&page, "ada").await.expect(302);
    let url = Browser::authorize_url("app-orders", &[("prompt", "login")]);
    browser.page(&url).await.expect("login");
    // The attacker has pages of his own, and makes the victim's browser send their forms.
    let attacker = server.browser();
    let foreign = attacker.page(&url).await.expect("login").csrf();
    let cross_account = |path: &str| path.replace("{method}", "local");
    for path in FORMS.iter().chain(&MORE_FORMS) {
        let path = cross_account(path);
        for csrf in [None, Some(foreign.as_str()), Some("")] {
            let mut form = vec![
                ("username", "ada@example.org"),
                ("password", PASSWORD),
                ("password2", PASSWORD),
                ("email", "eve@example.org"),
                ("email2", "eve@example.org"),
                ("_action", "allow"),
                ("action", "begin-totp"),
                ("revoke_app", "app"),
                ("revoke_api", "orders"),
                ("namespace", "acme"),
                ("type", "email"),
                ("verification_id", "0123456789abcdef0123"),
                ("user_code", "BCDF-GHJK"),
                ("name", "x"),
                ("days", "1"),
            ];
            form.extend(csrf.map(|csrf| ("_csrf", csrf)));
            for (who, browser) in [("the victim", &browser), ("a stranger", &server.browser())] {
                let began = Instant::now();
                let answer = browser.post(&path, &form).await;
                // Some show a page again, as they always did; nothing is done.
                let template = serde_json::from_str::<Value>(&answer.text)
                    .map(|page| page["template"].clone())
                    .unwrap_or_default();
                let again = ["login", "signup", "scope_list", "device"]
                    .iter()
                    .any(|id| template == *id);
                // An application may send somebody to log out by a form, too: he is asked then.
                let ours = ["/auth/local/login", "/auth/oauth2/logout"];
                let to_ours = answer.status == 302 && ours.contains(&answer.location().path());
                assert!(
                    matches!(answer.status.as_u16(), 400 | 403 | 404) || again || to_ours,
                    "{path} as {who}: {answer:?}"
                );
                assert!(began.elapsed() < Duration::from_secs(2), "{path}");
            }
        }
    }
    let page = browser
        .page("/account/security")
        .await
        .expect("account_security");
    assert!(page.model.get("secret").is_none(), "nothing was begun");
    assert_eq!(
        server
            .portal
            .calls("PUT /grants/ada/applications/app/apis/orders"),
        0
    );
    assert_eq!(server.portal.calls("POST /users"), 0);
}

#[tokio::test]
async fn no_page_can_be_framed_or_sniffed() {
    let server = server().await;
    let authorize = Browser::authorize_url("app-orders", &[]);
    let bad = Browser::authorize_url("app-orders", &[("redirect_uri", "https://evil.example/")]);
    for path in [
        authorize.as_str(),
        bad.as_str(),
        "/device",
        "/failure",
        "/logout",
        "/local/forgotpassword",
        "/local/signup",
        "/local/verify/0123456789abcdef0123",
        "/account/security",
        "/no/such/page",
        "/oauth2/jwks",
        "/oauth2/userinfo",
        "/.well-known/openid-configuration",
        "/content/wicked.css",
    ] {
        let answer = server.browser().html(path, ("accept-language", "en")).await;
        let header = |name: &str| {
            let value = answer.headers.get(name);
            value
                .map(|value| value.to_str().unwrap())
                .unwrap_or_default()
        };
        let policy = header("content-security-policy");
        assert!(
            policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(header("x-frame-options"), "DENY", "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
    }
}

#[tokio::test]
async fn f8_headers_of_the_caller_prove_nothing() {
    let server = TestServer::start_changed(
        |portal| {
            portal.add_client("app", "orders", "confidential", true);
        },
        |settings| settings.trusted_proxies = Vec::new(),
    )
    .await;
    let spoofed = [
        ("x-authenticated-userid", "sub=ada"),
        ("x-authenticated-scope", "wicked:admin"),
        ("x-consumer-id", "ada"),
        ("x-consumer-custom-id", "app-orders"),
        ("x-consumer-username", "app$orders"),
        ("x-credential-identifier", "app-orders"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-prefix", "/evil"),
        ("forwarded", "for=192.0.2.7;host=evil.example;proto=https"),
        ("host", "evil.example"),
        ("x-real-ip", "192.0.2.7"),
        ("x-forwarded-for", "192.0.2.7"),
        ("x-http-method-override", "DELETE"),
    ];
    let send = async |method: Method, path: &str, form: &[(&str, &str)]| {
        let mut request = service::http::client().request(method, server.url(path));
        for (name, value) in spoofed {
            request = request.header(name, value);
        }
        Answer::of(request.form(form).send().await.unwrap()).await
    };
    for path in ["/userinfo", "/profile", "/oauth2/userinfo"] {
        assert_eq!(send(Method::GET, path, &[]).await.status, 401, "{path}");
    }
    assert_eq!(
        send(Method::GET, "/account/sessions", &[]).await.status,
        302
    );
    let introspect = send(Method::POST, "/oauth2/introspect", &[("token", "x")]).await;
    assert_eq!(introspect.status, 401);
    let revocations = send(Method::GET, "/oauth2/revocations?after=0", &[]).await;
    assert!(
        matches!(revocations.status.as_u16(), 401 | 403),
        "{revocations:?}"
    );
    let own = [
        ("grant_type", "client_credentials"),
        ("client_id", "app-orders"),
    ];
    assert_eq!(send(Method::POST, "/oauth2/token", &own).await.status, 401);
    let metadata = send(Method::GET, "/.well-known/openid-configuration", &[]).await;
    assert_eq!(metadata.member("issuer"), "http://localhost:8000/auth");
    // Nor where somebody comes from: whoever changes a header is still braked.
    let wrong = [&own[..], &[("client_secret", "wrong")]].concat();
    let mut statuses = BTreeSet::new();
    for number in 0..101 {
        let request = service::http::client()
            .post(server.url("/oauth2/token"))
            .header("x-forwarded-for", format!("198.51.100.{number}"))
            .header("x-real-ip", format!("198.51.100.{number}"))
            .form(&wrong);
        statuses.insert(request.send().await.unwrap().status().as_u16());
    }
    assert_eq!(statuses, BTreeSet::from([401, 429]));
}

/// A token signed by the attacker, whose header says where his key is.
fn forged(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", encode(header), encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

#[tokio::test]
async fn a_token_does_not_choose_the_key_that_it_is_checked_with() {
    let server = server().await;
    let code = server
        .browser()
        .code("app-orders", &[("scope", "openid read")])
        .await;
    let token = server
        .redeem("app-orders", &code)
        .await
        .member("access_token");
    assert!(server.is_active(&token).await);
    let (header, claims) = (part(&token, 0), claims(&token));

    let random = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    let own = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap();
    let point = own.public_key().as_ref();
    let jwk = json!({"kty": "EC", "crv": "P-256", "kid": header["kid"], "alg": "ES256",
        "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..])});
    let by_me = |header: &Value| {
        forged(header, &claims, |signed| {
            own.sign(&random, signed).unwrap().as_ref().to_vec()
        })
    };
    let with = |members: Value| {
        let mut header = header.clone();
        let members = members.as_object().unwrap().clone();
        header.as_object_mut().unwrap().extend(members);
        header
    };
    // The published key as the secret of an HMAC.
    let jwks = server.get("/oauth2/jwks").await.text;
    let published: Value = serde_json::from_str(&jwks).unwrap();
    let published = published["keys"][0].clone();
    let mut point = vec![4];
    for member in ["x", "y"] {
        point.extend(
            URL_SAFE_NO_PAD
                .decode(published[member].as_str().unwrap())
                .unwrap(),
        );
    }
    let by_hmac = |secret: &[u8]| {
        forged(&with(json!({"alg": "HS256"})), &claims, |signed| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
            hmac::sign(&key, signed).as_ref().to_vec()
        })
    };
    let tokens = [
        by_me(&header),
        by_me(&with(json!({"jwk": jwk}))),
        by_me(&with(json!({"jku": "https://evil.example/jwks"}))),
        by_me(&with(
            json!({"x5u": "https://evil.example/cert", "x5c": ["AAAA"]}),
        )),
        by_me(&with(json!({"kid": "evil"}))),
        by_me(&with(json!({"kid": "' or 1=1 --"}))),
        by_me(&with(json!({"kid": ["a"]}))),
        by_me(&with(json!({"alg": "ES384"}))),
        by_me(&with(json!({"crit": ["exp"]}))),
        by_hmac(&point),
        by_hmac(jwks.as_bytes()),
        by_hmac(published.to_string().as_bytes()),
        by_hmac(b""),
        forged(&with(json!({"alg": "none"})), &claims, |_| Vec::new()),
        forged(&with(json!({"alg": "None"})), &claims, |_| Vec::new()),
        // ECDSA without a signature worth the name (CVE-2022-21449).
        forged(&header, &claims, |_| vec![0; 64]),
    ];
    for token in &tokens {
        assert!(!server.is_active(token).await, "{token}");
        let authorization = format!("Bearer {token}");
        assert_eq!(
            server
                .get_with("/oauth2/userinfo", &authorization)
                .await
                .status,
            401
        );
        let path = "/account/sessions";
        assert_eq!(
            server.call(Method::GET, path, token, None).await.status,
            401
        );
    }
}

/// How long a refusal takes at a caller of its own.
async fn refusal(server: &TestServer, name: &str, address: &str) -> f64 {
    let browser = server.browser();
    let page = browser
        .page(&Browser::authorize_url("app-orders", &[]))
        .await
        .expect("login");
    let csrf = page.csrf();
    let form = [
        ("_csrf", csrf.as_str()),
        ("username", name),
        ("password", "wrong password"),
    ];
    let began = Instant::now();
    let answer = browser.post_from("/local/login", &form, address).await;
    let time = began.elapsed().as_secs_f64() * 1000.0;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["template"], "login");
    time
}

/// Mean and standard error.
fn mean(times: &[f64]) -> (f64, f64) {
    #[expect(clippy::cast_precision_loss, reason = "some hundreds")]
    let count = times.len() as f64;
    let mean = times.iter().sum::<f64>() / count;
    let spread = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, (spread / count).sqrt())
}

/// Unknown names against wrong passwords, so many of each.
async fn compare(rounds: usize) {
    let server = server().await;
    let (mut unknown, mut wrong) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let id = format!("user{round:04}");
        server.portal.add_user(&id, &[]);
        // Each from a network that nobody has asked from, so that no brake is in the way.
        let from = |half: u8| format!("2001:db8:{half}:{round:x}::1");
        let somebody = format!("{id}@example.org");
        let nobody = format!("none{round:04}@example.org");
        let (one, two) = (from(1), from(2));
        // Side by side, so that both have the machine as it is at that moment.
        let (of_somebody, of_nobody) = tokio::join!(
            refusal(&server, &somebody, &one),
            refusal(&server, &nobody, &two)
        );
        wrong.push(of_somebody);
        unknown.push(of_nobody);
    }
    let ((unknown, of_unknown), (wrong, of_wrong)) = (mean(&unknown), mean(&wrong));
    let noise = of_unknown.hypot(of_wrong);
    println!("unknown {unknown:.2} ms, wrong {wrong:.2} ms, noise {noise:.2} ms");
    assert!(
        (unknown - wrong).abs() < 4.0 * noise + 3.0,
        "unknown {unknown:.2} ms, wrong {wrong:.2} ms, noise {noise:.2} ms"
    );
}

#[tokio::test]
async fn time_does_not_tell_who_exists() {
    compare(8).await;
}

#[tokio::test]
#[ignore = "ten minutes: each refusal takes half a second"]
async fn time_does_not_tell_who_exists_in_a_thousand_tries() {
    compare(1000).await;
}

/// So many wrong passwords from one address; then the owner comes from another one.
async fn guess(tries: usize) {
    let server = server().await;
    let browser = server.browser();
    let url = Browser::authorize_url("app-orders", &[]);
    let csrf = browser.page(&url).await.expect("login").csrf();
    let mut refused = 0;
    for chunk in 0..tries.div_ceil(50) {
        let guesses = (0..50).map(|number| {
            let password = format!("guess {chunk} {number}");
            let (browser, csrf) = (&browser, csrf.as_str());
            async move {
                let form = [
                    ("_csrf", csrf),
                    ("username", "ada@example.org"),
                    ("password", &password),
                ];
                browser
                    .post_from("/local/login", &form, "192.0.2.66")
                    .await
                    .status
            }
        });
        let statuses = futures_util::future::join_all(guesses).await;
        refused += statuses.iter().filter(|status| **status == 429).count();
    }
    assert!(
        refused >= tries - 60,
        "{refused} of {tries} were not even looked at"
    );
    assert!(server.portal.calls("POST /login") <= 60);
    let right = [
        ("_csrf", csrf.as_str()),
        ("username", "ada@example.org"),
        ("password", PASSWORD),
    ];
    let locked = browser
        .post_from("/local/login", &right, "192.0.2.66")
        .await;
    assert_eq!(locked.status, 429);
    assert!(locked.headers.contains_key("retry-after"));
    let owner = server.browser();
    let csrf = owner.page(&url).await.expect("login").csrf();
    let right = [("_csrf", csrf.as_str()), right[1], right[2]];
    owner
        .post_from("/local/login", &right, "198.51.100.7")
        .await
        .expect(302);
}

#[tokio::test]
async fn f11_whoever_guesses_passwords_is_locked_out_and_the_owner_is_not() {
    guess(200).await;
}

#[tokio::test]
#[ignore = "long"]
async fn ten_thousand_wrong_passwords_lock_out_whoever_sends_them() {
    guess(10_000).await;
}
