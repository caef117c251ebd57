//! Somebody with an account, and what he does with the portal's pages.

use crate::support::{Installation, Page, Visitor};

pub const PASSWORD: &str = "Correct-horse-7";

pub struct Person<'i> {
    installation: &'i Installation,
    pub visitor: Visitor,
    pub email: String,
}

impl<'i> Person<'i> {
    /// Signs up, confirms the address by the link in the mail, and is logged in.
    pub async fn sign_up(installation: &'i Installation, email: &str, name: &str) -> Self {
        let visitor = Visitor::default();
        let login = visitor
            .open(&(installation.portal() + "/login"))
            .await
            .expect(200);
        let form = visitor
            .follow(&login, "Create an account")
            .await
            .expect(200);
        let fields = [
            ("email", email),
            ("password", PASSWORD),
            ("password2", PASSWORD),
        ];
        let page = visitor
            .submit(&form, "Create an account", &fields)
            .await
            .expect(200);
        let mail = installation.mail_with(&[email, "http"]).await;
        let link = link_in(&mail);
        let confirm = visitor.open(&link).await.expect(200);
        if !confirm.all("form").is_empty() {
            visitor.submit(&confirm, "Confirm", &[]).await.expect(200);
        }
        drop(page);
        let person = Self {
            installation,
            visitor: Visitor::default(),
            email: email.to_owned(),
        };
        person.log_in(PASSWORD, name).await;
        person
    }

    /// The first administrator; in installations without one, an account that is made one.
    pub async fn administrator(installation: &'i Installation) -> Self {
        use crate::support::Shape;
        match installation.shape {
            Shape::OneProcess | Shape::OneProcessPostgres => {
                let password = installation.admin_password().await;
                let email = "admin@localhost.localdomain".to_owned();
                let person = Self {
                    installation,
                    visitor: Visitor::default(),
                    email,
                };
                person.log_in(&password, "Ann Admin").await;
                person
            }
            Shape::Apart | Shape::Doubled | Shape::Balanced => {
                let person = Self::sign_up(installation, "ann@example.org", "Ann Admin").await;
                let output = installation
                    .run(&["admin", "grant", "ann@example.org"])
                    .await;
                assert!(output.status.success(), "{output:?}");
                // The rights that the portal shows are those of the last login.
                let person = Self {
                    visitor: Visitor::default(),
                    ..person
                };
                person.log_in(PASSWORD, "Ann Admin").await;
                person
            }
        }
    }

    /// Somebody who has signed up before.
    pub fn known(installation: &'i Installation, email: &str) -> Self {
        Self {
            installation,
            visitor: Visitor::default(),
            email: email.to_owned(),
        }
    }

    /// In another browser.
    pub async fn log_in_again(&mut self) {
        self.visitor = Visitor::default();
        self.log_in(PASSWORD, "").await;
    }

    pub async fn log_in(&self, password: &str, name: &str) {
        let page = self
            .visitor
            .open(&(self.installation.portal() + "/login"))
            .await
            .expect(200);
        let fields = [("username", self.email.as_str()), ("password", password)];
        let mut page = self
            .visitor
            .submit(&page, "Log in", &fields)
            .await
            .expect(200);
        if page.text().contains("Save and continue") {
            page = self
                .visitor
                .submit(&page, "Save and continue", &[("name", name)])
                .await
                .expect(200);
        }
        assert!(
            page.url.as_str().starts_with(&self.installation.portal()),
            "{}: {}",
            page.url,
            page.text()
        );
    }

    pub async fn create_application(&self, id: &str) {
        self.create_application_at(id, "").await;
    }

    pub async fn create_application_at(&self, id: &str, redirect_uri: &str) {
        let url = self.installation.portal() + "/applications?register=true";
        let form = self.visitor.open(&url).await.expect(200);
        let fields = [
            ("appid", id),
            ("appname", id),
            ("redirecturi", redirect_uri),
        ];
        self.visitor
            .submit(&form, "Create application", &fields)
            .await
            .expect(200);
    }

    pub async fn subscribe(&self, application: &str, api: &str, plan: &str) -> Page {
        let url = format!(
            "{}/applications/{application}/subscribe/{api}",
            self.installation.portal()
        );
        let form = self.visitor.open(&url).await.expect(200);
        self.visitor
            .submit(&form, "Subscribe", &[("plan", plan)])
            .await
            .expect(200)
    }

    /// A new application, a subscription, and the key, which works when this returns.
    pub async fn subscribe_new_application(&self, id: &str, api: &str, plan: &str) -> String {
        self.create_application(id).await;
        let page = self.subscribe(id, api, plan).await;
        let key = Self::secret(&page).unwrap_or_else(|| panic!("no key:\n{}", page.text()));
        let works = async |gateway: &str| {
            // Of the pet store something that there is: it answers 403 to everything else, as the
            // gateway does, and each question counts.
            let path = if api == "petstore" { "inventory" } else { "" };
            let url = format!("{gateway}/{api}/v1/{path}");
            let call = self.installation.http.get(url).header("x-apikey", &key);
            let status = call.send().await.unwrap().status().as_u16();
            !matches!(status, 401 | 403)
        };
        self.installation
            .at_every_gateway("the new key works", works)
            .await;
        key
    }

    /// Client id and secret of a new application at an OAuth API.
    pub async fn subscribe_client(&self, id: &str, api: &str, plan: &str) -> (String, String) {
        self.create_application(id).await;
        self.client(id, api, plan).await
    }

    /// Client id and secret of a new subscription to an OAuth API.
    pub async fn client(&self, id: &str, api: &str, plan: &str) -> (String, String) {
        let page = self.subscribe(id, api, plan).await;
        let values = page.all("main code");
        let client = values
            .iter()
            .find(|value| value.len() == 40 && value.bytes().all(|c| c.is_ascii_hexdigit()));
        let client = client
            .unwrap_or_else(|| panic!("no client id in {values:?}"))
            .clone();
        let secret = values
            .iter()
            .find(|value| **value != client && value.len() >= 32 && !value.contains(' '))
            .unwrap_or_else(|| panic!("no client secret in {values:?}"))
            .clone();
        (client, secret)
    }

    /// Makes a further key and reads it off the page.
    pub async fn new_key(&self, application: &str, api: &str) -> String {
        let url = format!("{}/applications/{application}", self.installation.portal());
        let page = self.visitor.open(&url).await.expect(200);
        let _ = api;
        let page = self.visitor.submit(&page, "New key", &[]).await.expect(200);
        Self::secret(&page).unwrap_or_else(|| panic!("no key:\n{}", page.text()))
    }

    /// The API key that a page shows, if it shows one.
    pub fn secret(page: &Page) -> Option<String> {
        let values = page.all("main code");
        values
            .into_iter()
            .find(|value| value.starts_with("wg_") && value.len() > 20)
    }
}

/// The first address in a mail.
fn link_in(mail: &str) -> String {
    let start = mail.find("http").unwrap();
    let end = mail[start..]
        .find(char::is_whitespace)
        .map_or(mail.len(), |length| start + length);
    mail[start..end]
        .trim_end_matches(['.', '>', ')'])
        .to_owned()
}
