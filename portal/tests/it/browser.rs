//! Just enough of a browser: cookies, forms, redirects one at a time.

use std::collections::BTreeMap;

use reqwest::{Method, RequestBuilder, StatusCode, header};
use serde_json::Value;

pub struct Browser {
    base: String,
    cookies: BTreeMap<String, String>,
    pub language: &'static str,
}

/// An answer with its body read.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: header::HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn location(&self) -> &str {
        self.header("location")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// The token of the first form on the page.
    pub fn csrf(&self) -> String {
        let (_, rest) = self
            .body
            .split_once(r#"name="_csrf" value=""#)
            .expect("a form on the page");
        rest.split('"').next().unwrap().to_owned()
    }

    #[track_caller]
    pub fn shows(&self, text: &str) {
        assert!(
            self.body.contains(text),
            "`{text}` is missing ({}):\n{}",
            self.status,
            self.body
        );
    }
}

impl Browser {
    pub fn new(base: &str) -> Self {
        Self {
            base: base.to_owned(),
            cookies: BTreeMap::new(),
            language: "en",
        }
    }

    pub fn cookies(&self) -> &BTreeMap<String, String> {
        &self.cookies
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], None).await
    }

    /// A form as a browser sends it, with its origin.
    pub async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Answer {
        let origin = self.base.clone();
        self.send(Method::POST, path, &[("origin", &origin)], Some(form))
            .await
    }

    /// A form with the token of a page.
    pub async fn submit(&mut self, page: &str, path: &str, form: &[(&str, &str)]) -> Answer {
        let token = self.get(page).await.csrf();
        let mut form = form.to_vec();
        form.push(("_csrf", &token));
        self.post(path, &form).await
    }

    /// What a script gets.
    pub async fn json(&mut self, path: &str) -> (StatusCode, Value) {
        let accept = [("accept", "application/json")];
        let answer = self.send(Method::GET, path, &accept, None).await;
        (answer.status, answer.json())
    }

    /// A change by a script, with the token that answers in JSON carry.
    pub async fn send_json(&mut self, path: &str, body: &Value) -> Answer {
        let accept = ("accept", "application/json");
        let token = self
            .send(Method::GET, "/applications", &[accept], None)
            .await;
        let token = token.header("x-csrf-token").to_owned();
        let headers = [accept, ("x-csrf-token", &token)];
        self.send_with(Method::POST, path, &headers, |request| request.json(body))
            .await
    }

    /// JSON as programs without a session send it.
    pub async fn post_json(
        &mut self,
        path: &str,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> Answer {
        self.send_with(Method::POST, path, headers, |request| request.json(body))
            .await
    }

    /// Sends a form with a file, as a browser does.
    pub async fn upload(
        &mut self,
        page: &str,
        path: &str,
        fields: &[(&str, &str)],
        file: &[u8],
    ) -> Answer {
        let csrf = self.get(page).await.csrf();
        let mut body = Vec::new();
        for (name, value) in [("_csrf", csrf.as_str())].iter().chain(fields) {
            let head = format!("--xYz\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
            body.extend([head.as_bytes(), value.as_bytes(), b"\r\n"].concat());
        }
        body.extend(
            b"--xYz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.json\"\r\n\
              Content-Type: application/json\r\n\r\n",
        );
        body.extend([file, b"\r\n--xYz--\r\n"].concat());
        let kind = [("content-type", "multipart/form-data; boundary=xYz")];
        self.send_with(Method::POST, path, &kind, |request| request.body(body))
            .await
    }

    pub async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        form: Option<&[(&str, &str)]>,
    ) -> Answer {
        self.send_with(method, path, headers, |request| match form {
            Some(form) => request.form(form),
            None => request,
        })
        .await
    }

    async fn send_with(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        with_body: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Answer {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut request = service::http::client()
            .request(method, format!("{}{path}", self.base))
            .header(header::ACCEPT_LANGUAGE, self.language)
            .header(header::COOKIE, cookies.join("; "));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = with_body(request).send().await.unwrap();
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let (pair, attributes) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Answer {
            status: response.status(),
            headers: response.headers().clone(),
            body: response.text().await.unwrap(),
        }
    }

    /// Through log-in and back; the auth server's part is played here.
    pub async fn log_in(&mut self, target: &str) -> Answer {
        self.log_in_with("good-code", target).await
    }

    pub async fn log_in_with(&mut self, code: &str, target: &str) -> Answer {
        let started = self.get(&format!("/login?redirect={target}")).await;
        assert_eq!(started.status, StatusCode::FOUND);
        let state = state(started.location());
        self.get(&format!("/login/callback?code={code}&state={state}"))
            .await
    }
}

/// The state in an authorization request.
pub fn state(url: &str) -> String {
    let url: url::Url = url.parse().unwrap();
    let pairs = url.query_pairs();
    pairs
        .into_iter()
        .find(|(name, _)| name == "state")
        .unwrap()
        .1
        .into_owned()
}
