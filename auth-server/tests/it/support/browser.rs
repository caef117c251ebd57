//! A browser that keeps cookies and sends forms, reading pages in the JSON form (3.4).

use std::{collections::BTreeMap, sync::Mutex};

use http::header;
use serde_json::Value;
use url::Url;

use super::{Answer, CHALLENGE, PASSWORD, REDIRECT, TestServer, parameter};

/// One browser; redirects are not followed.
pub struct Browser<'s> {
    server: &'s TestServer,
    cookies: Mutex<BTreeMap<String, String>>,
}

/// A page as its view model.
#[derive(Debug)]
pub struct Page {
    pub answer: Answer,
    pub model: Value,
}

impl Page {
    pub fn template(&self) -> &str {
        self.model["template"].as_str().unwrap_or_default()
    }

    pub fn csrf(&self) -> String {
        self.model["csrfToken"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// The page, if it has this id.
    pub fn expect(self, template: &str) -> Self {
        assert_eq!(self.template(), template, "{:?}", self.answer);
        self
    }
}

impl<'s> Browser<'s> {
    pub fn new(server: &'s TestServer) -> Self {
        Self {
            server,
            cookies: Mutex::default(),
        }
    }

    /// The same browser at another instance of the server.
    pub fn at(&self, server: &'s TestServer) -> Self {
        Self {
            server,
            cookies: Mutex::new(self.cookies.lock().unwrap().clone()),
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(service::http::client().get(self.server.url(path)))
            .await
    }

    pub async fn get_with(&self, path: &str, name: &str, value: &str) -> Answer {
        self.send(
            service::http::client()
                .get(self.server.url(path))
                .header(name, value),
        )
        .await
    }

    /// The page as people see it, in their language.
    pub async fn get_html(&self, path: &str, accept: &str, language: &str) -> Answer {
        let cookies = self.cookies();
        let request = service::http::client()
            .get(self.server.url(path))
            .header(header::ACCEPT, accept)
            .header(header::ACCEPT_LANGUAGE, language)
            .header(header::COOKIE, cookies);
        Answer::of(request.send().await.unwrap()).await
    }

    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.send(
            service::http::client()
                .post(self.server.url(path))
                .form(form),
        )
        .await
    }

    /// Sends something else than a form.
    pub async fn post_body(&self, path: &str, content_type: &str, body: &str) -> Answer {
        let request = service::http::client().post(self.server.url(path));
        let request = request.header(header::CONTENT_TYPE, content_type);
        self.send(request.body(body.to_owned())).await
    }

    /// As if it came from another address, by a proxy that is believed.
    pub async fn post_from(&self, path: &str, form: &[(&str, &str)], address: &str) -> Answer {
        let request = service::http::client().post(self.server.url(path));
        let request = request.header("x-forwarded-for", address);
        self.send(request.form(form)).await
    }

    /// As a browser of people shows it.
    pub async fn html(&self, path: &str, (name, value): (&str, &str)) -> Answer {
        let request = service::http::client().get(self.server.url(path));
        // The first of two counts.
        let request = request.header(header::ACCEPT, "text/html");
        self.send(request.header(name, value)).await
    }

    /// Sends a form as people do.
    pub async fn post_html(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let request = service::http::client().post(self.server.url(path));
        let request = request.header(header::ACCEPT, "text/html");
        self.send(request.form(form)).await
    }

    pub async fn page(&self, path: &str) -> Page {
        as_page(self.get(path).await)
    }

    /// Sends a form and reads the page that follows.
    pub async fn submit(&self, path: &str, form: &[(&str, &str)]) -> Page {
        as_page(self.post(path, form).await)
    }

    fn cookies(&self) -> String {
        let cookies = self.cookies.lock().unwrap();
        let pairs = cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        // Whoever guesses is made to wait, on a busy machine longer than the client's own limit.
        let request = request
            .timeout(std::time::Duration::from_mins(1))
            .header(header::ACCEPT, "application/json")
            .header(header::COOKIE, self.cookies());
        let answer = Answer::of(request.send().await.unwrap()).await;
        for line in answer.headers.get_all(header::SET_COOKIE) {
            let pair = line.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies
                .lock()
                .unwrap()
                .insert(name.to_owned(), value.to_owned());
        }
        answer
    }

    /// The authorization URL of a client, with more parameters.
    pub fn authorize_url(client_id: &str, more: &[(&str, &str)]) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", client_id)
            .append_pair("state", "xyz")
            .append_pair("code_challenge", CHALLENGE)
            .append_pair("code_challenge_method", "S256");
        if !more.iter().any(|(name, _)| *name == "redirect_uri") {
            query.append_pair("redirect_uri", REDIRECT);
        }
        query.extend_pairs(more);
        format!("/oauth2/authorize?{}", query.finish())
    }

    /// Logs in on a log-in page.
    pub async fn log_in(&self, page: &Page, user: &str) -> Answer {
        let form = [
            ("_csrf", page.csrf()),
            ("username", format!("{user}@example.org")),
            ("password", PASSWORD.to_owned()),
        ];
        let form: Vec<(&str, &str)> = form
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        self.post("/local/login", &form).await
    }

    /// Begins at `url`, where nobody is logged in yet, and logs in.
    pub async fn enter(&self, url: &str, user: &str) -> Answer {
        let page = self.page(url).await.expect("login");
        self.log_in(&page, user).await
    }

    /// As [`Self::enter`]; the page that follows.
    pub async fn enter_page(&self, url: &str, user: &str) -> Page {
        as_page(self.enter(url, user).await)
    }

    /// The whole way to a code, as `ada` at a trusted client.
    pub async fn code(&self, client_id: &str, more: &[(&str, &str)]) -> String {
        let url = Self::authorize_url(client_id, more);
        code_of(&self.enter(&url, "ada").await.expect(302).location())
    }

    /// Another code in the session that there is.
    pub async fn code_again(&self, client_id: &str) -> String {
        let answer = self.get(&Self::authorize_url(client_id, &[])).await;
        code_of(&answer.expect(302).location())
    }
}

/// The code in an answer to the client.
pub fn code_of(target: &Url) -> String {
    parameter(target, "code").unwrap_or_else(|| panic!("no code: {target}"))
}

fn as_page(answer: Answer) -> Page {
    let model = answer.json();
    Page { answer, model }
}
