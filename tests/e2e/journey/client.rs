//! A client of an application, and how it comes by tokens.

use reqwest::Url;
use serde_json::Value;

use super::Person;
use crate::support::{Installation, Page};

/// A verifier with its challenge (RFC 7636, appendix B).
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub struct Client {
    pub id: String,
    pub secret: String,
    redirect_uri: String,
}

impl Client {
    pub fn new(id: String, secret: String, redirect_uri: &str) -> Self {
        Self {
            id,
            secret,
            redirect_uri: redirect_uri.to_owned(),
        }
    }

    /// A token with which it acts for somebody, who agrees.
    pub async fn token_of(&self, installation: &Installation, person: &Person<'_>) -> String {
        let url = self.authorize_url(installation);
        let consent = person.visitor.open(&url).await.expect(200);
        let returned = person.visitor.submit(&consent, "Allow", &[]).await;
        let code = Self::code(&returned);
        self.token(installation, &self.redemption(&code)).await
    }

    /// Where it sends a browser.
    pub fn authorize_url(&self, installation: &Installation) -> String {
        let mut url = Url::parse(&(installation.gateway() + "/auth/oauth2/authorize")).unwrap();
        url.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", &self.id),
            ("redirect_uri", &self.redirect_uri),
            ("scope", "read_orders write_orders"),
            ("state", "xyz"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]);
        url.into()
    }

    /// The code with which a browser came back.
    pub fn code(returned: &Page) -> String {
        let answer: Vec<(String, String)> = returned.url.query_pairs().into_owned().collect();
        let of = |name: &str| answer.iter().find(|(key, _)| key == name).map(|(_, v)| v);
        assert_eq!(of("state").map(String::as_str), Some("xyz"), "{answer:?}");
        of("code").unwrap().clone()
    }

    /// The form with which it redeems a code.
    pub fn redemption<'a>(&'a self, code: &'a str) -> [(&'a str, &'a str); 4] {
        [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", VERIFIER),
        ]
    }

    /// A token in its own name, for reading orders.
    pub async fn own_token(&self, installation: &Installation) -> String {
        let form = [
            ("grant_type", "client_credentials"),
            ("scope", "read_orders"),
        ];
        self.token(installation, &form).await
    }

    /// The access token that it gets for a form.
    pub async fn token(&self, installation: &Installation, form: &[(&str, &str)]) -> String {
        let (status, token) = self.ask(installation, &installation.gateway(), form).await;
        assert_eq!(status, 200, "{token}");
        token["access_token"].as_str().unwrap().to_owned()
    }

    /// What the token endpoint below `base` answers.
    pub async fn ask(
        &self,
        installation: &Installation,
        base: &str,
        form: &[(&str, &str)],
    ) -> (u16, Value) {
        let request = installation
            .http
            .post(format!("{base}/auth/oauth2/token"))
            .basic_auth(&self.id, Some(&self.secret))
            .form(form);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}
