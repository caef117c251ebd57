//! Clients that others wrote: the crates `openidconnect` and `oauth2` against a running server.

use http::{Request, Response};
use oauth2::{
    AccessToken, AuthUrl, DeviceAuthorizationUrl, IntrospectionUrl, RevocationUrl,
    StandardDeviceAuthorizationResponse, TokenIntrospectionResponse, TokenUrl, basic::BasicClient,
};
use openidconnect::{
    AccessTokenHash, AuthenticationFlow, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, RedirectUrl, Scope, TokenResponse,
    core::{CoreClient, CoreProviderMetadata, CoreResponseType, CoreUserInfoClaims},
};
use serde_json::Value;

use crate::support::{PASSWORD, REDIRECT, TestServer, parameter};

const ISSUER: &str = "http://localhost:8000/auth";
/// The crates revoke over TLS only.
const SECURE: &str = "https://localhost:8000/auth";

/// Sends what is meant for the issuer to the server under test.
async fn send(
    base: String,
    request: Request<Vec<u8>>,
) -> Result<Response<Vec<u8>>, reqwest::Error> {
    let (parts, body) = request.into_parts();
    let uri = parts.uri.to_string();
    let path = uri.strip_prefix(ISSUER).or(uri.strip_prefix(SECURE));
    let url = format!("{base}{}", path.unwrap());
    let request = service::http::client().request(parts.method, url);
    let answer = request.headers(parts.headers).body(body).send().await?;
    let mut response = Response::builder().status(answer.status());
    *response.headers_mut().unwrap() = answer.headers().clone();
    Ok(response.body(answer.bytes().await?.to_vec()).unwrap())
}

async fn server() -> TestServer {
    server_signing("ES256").await
}

async fn server_signing(algorithm: &'static str) -> TestServer {
    let server = TestServer::start_changed(|portal| portal.use_algorithm(algorithm), |_| {}).await;
    for (application, kind) in [("app", "confidential"), ("tv", "public_native")] {
        server.portal.add_client(application, "orders", kind, true);
    }
    server
}

#[tokio::test]
async fn openidconnect_discovers_logs_in_verifies_asks_and_refreshes() {
    openidconnect_is_content_with(&server().await).await;
}

/// It knows RS256 only, unless the metadata says otherwise.
#[tokio::test]
async fn openidconnect_does_so_with_rs256() {
    openidconnect_is_content_with(&server_signing("RS256").await).await;
}

async fn openidconnect_is_content_with(server: &TestServer) {
    let http = |request| send(server.base.clone(), request);
    let issuer = IssuerUrl::new(ISSUER.to_owned()).unwrap();
    let metadata = CoreProviderMetadata::discover_async(issuer, &http)
        .await
        .unwrap();
    let client = CoreClient::from_provider_metadata(
        metadata,
        ClientId::new("app-orders".to_owned()),
        Some(ClientSecret::new("secret".to_owned())),
    )
    .set_redirect_uri(RedirectUrl::new(REDIRECT.to_owned()).unwrap());
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state, nonce) = client
        .authorize_url(
            AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        )
        .add_scope(Scope::new("email".to_owned()))
        .set_pkce_challenge(challenge)
        .url();
    let browser = server.browser();
    let page = browser.page(url.as_str().strip_prefix(ISSUER).unwrap());
    let page = page.await.expect("login");
    let target = browser.log_in(&page, "ada").await.expect(302).location();
    assert_eq!(parameter(&target, "state").as_ref(), Some(state.secret()));
    let code = AuthorizationCode::new(parameter(&target, "code").unwrap());
    let tokens = client
        .exchange_code(code)
        .unwrap()
        .set_pkce_verifier(verifier)
        .request_async(&http)
        .await
        .unwrap();
    let id_token = tokens.id_token().unwrap();
    let check = client.id_token_verifier();
    let claims = id_token.claims(&check, &nonce).unwrap();
    assert_eq!(claims.subject().as_str(), "ada");
    let hash = AccessTokenHash::from_token(
        tokens.access_token(),
        id_token.signing_alg().unwrap(),
        id_token.signing_key(&check).unwrap(),
    );
    assert_eq!(claims.access_token_hash(), Some(&hash.unwrap()));
    let subject = Some(claims.subject().clone());
    let told: CoreUserInfoClaims = client
        .user_info(tokens.access_token().clone(), subject)
        .unwrap()
        .request_async(&http)
        .await
        .unwrap();
    assert_eq!(told.email().unwrap().as_str(), "ada@example.org");
    let refreshed = client
        .exchange_refresh_token(tokens.refresh_token().unwrap())
        .unwrap()
        .request_async(&http)
        .await
        .unwrap();
    let again = refreshed.id_token().unwrap();
    let no_nonce = |nonce: Option<&Nonce>| match nonce {
        None => Ok(()),
        Some(_) => Err("a nonce after a refresh".to_owned()),
    };
    again.claims(&check, no_nonce).unwrap();
}

#[tokio::test]
async fn oauth2_gets_describes_and_revokes_a_token_of_a_client() {
    let server = server().await;
    let http = |request| send(server.base.clone(), request);
    let client = BasicClient::new(ClientId::new("app-orders".to_owned()))
        .set_client_secret(ClientSecret::new("secret".to_owned()))
        .set_token_uri(TokenUrl::new(format!("{ISSUER}/oauth2/token")).unwrap())
        .set_introspection_url(
            IntrospectionUrl::new(format!("{ISSUER}/oauth2/introspect")).unwrap(),
        )
        .set_revocation_url(RevocationUrl::new(format!("{SECURE}/oauth2/revoke")).unwrap());
    let tokens = client
        .exchange_client_credentials()
        .add_scope(Scope::new("read".to_owned()))
        .request_async(&http)
        .await
        .unwrap();
    let describe = async |token: &AccessToken| {
        let said = client.introspect(token).request_async(&http).await;
        said.unwrap()
    };
    let said = describe(tokens.access_token()).await;
    assert!(said.active());
    assert_eq!(said.client_id().unwrap().as_str(), "app-orders");
    assert_eq!(said.scopes().unwrap().len(), 1);
    let revocable = tokens.access_token().into();
    let revoked = client.revoke_token(revocable).unwrap();
    revoked.request_async(&http).await.unwrap();
    assert!(!describe(tokens.access_token()).await.active());
}

#[tokio::test]
async fn oauth2_lets_a_device_wait_for_its_owner() {
    let server = server().await;
    let http = |request| send(server.base.clone(), request);
    let device_url = format!("{ISSUER}/oauth2/device_authorization");
    let client = BasicClient::new(ClientId::new("tv-orders".to_owned()))
        .set_auth_uri(AuthUrl::new(format!("{ISSUER}/oauth2/authorize")).unwrap())
        .set_token_uri(TokenUrl::new(format!("{ISSUER}/oauth2/token")).unwrap())
        .set_device_authorization_url(DeviceAuthorizationUrl::new(device_url).unwrap());
    let details: StandardDeviceAuthorizationResponse = client
        .exchange_device_code()
        .add_scope(Scope::new("read".to_owned()))
        .request_async(&http)
        .await
        .unwrap();
    let browser = server.browser();
    let page = details.verification_uri().as_str();
    let page = browser.page(page.strip_prefix(ISSUER).unwrap()).await;
    let form = [
        ("_csrf", page.csrf()),
        ("user_code", details.user_code().secret().clone()),
    ];
    let form: Vec<_> = form.iter().map(|(a, b)| (*a, b.as_str())).collect();
    let confirm = browser
        .submit("/device", &form)
        .await
        .expect("device_confirm");
    let csrf = confirm.csrf();
    let form = [
        ("_csrf", csrf.as_str()),
        ("user_code", details.user_code().secret()),
        ("_action", "allow"),
    ];
    let login: Value = browser.post("/device", &form).await.json();
    let form = [
        ("_csrf", login["csrfToken"].as_str().unwrap()),
        ("username", "ada@example.org"),
        ("password", PASSWORD),
    ];
    browser.post("/local/login", &form).await.expect(302);
    let tokens = client
        .exchange_device_access_token(&details)
        .request_async(&http, tokio::time::sleep, None)
        .await
        .unwrap();
    assert_eq!(tokens.scopes().unwrap()[0].as_str(), "read");
    assert!(tokens.refresh_token().is_some());
}

#[tokio::test]
async fn openid_client_from_npm_does_all_of_it() {
    let server = server().await;
    let script = include_str!("../../../tests/node/openid-client.mjs");
    let Some(printed) = crate::node::run(script, &[&server.base, PASSWORD]).await else {
        return;
    };
    let expected = [
        "discovery http://localhost:8000/auth",
        "code ada openid email read wicked:dev",
        "userinfo ada@example.org",
        "refresh ada true",
        "introspection true ada",
        "revocation false",
        "client credentials read",
        "device ada openid read wicked:dev",
        "log-out login_required",
    ];
    assert_eq!(printed.lines().collect::<Vec<_>>(), expected);
}
