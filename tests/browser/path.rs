//! From the catalogue to a call through the gateway, and through a plan that needs approval.

use crate::{
    chromium::Chromium,
    looks::Looks,
    support::{Installation, Shape, eventually},
    tab::Tab,
};

const PASSWORD: &str = "Correct-horse-7";

#[tokio::test]
async fn a_newcomer_gets_to_a_call_with_scripts() {
    walk(true).await;
}

#[tokio::test]
async fn a_newcomer_gets_to_a_call_without_scripts() {
    walk(false).await;
}

async fn walk(scripts: bool) {
    let Some(chromium) = Chromium::start() else {
        return;
    };
    let installation = Installation::start(Shape::OneProcess)
        .await
        .expect("SQLite is always there");
    let mut journey = Journey {
        scripts,
        ada: chromium.visitor(scripts).await,
        ann: chromium.visitor(scripts).await,
        installation,
        // Pictures and axe need scripts, and the pages are the same.
        looks: scripts.then(Looks::default),
    };
    journey.find_an_operation().await;
    journey.take_short_cuts().await;
    journey.look_in_german().await;
    journey.sign_up("ada@example.org").await;
    journey
        .log_in_as_newcomer("ada@example.org", "Ada Lovelace")
        .await;
    journey.create_application("Tea shop", "tea-shop").await;
    journey.subscribe_and_call().await;
    journey.request_access().await;
    journey.approve().await;
    journey.use_what_was_approved().await;
    journey.lose_the_way().await;
    journey.expect_nothing_found();
}

struct Journey {
    scripts: bool,
    installation: Installation,
    /// The newcomer.
    ada: Tab,
    /// The administrator.
    ann: Tab,
    looks: Option<Looks>,
}

impl Journey {
    async fn look(&mut self, page: &str) {
        if let Some(looks) = &mut self.looks {
            looks.at(&self.ada, page).await;
        }
    }

    fn portal(&self, path: &str) -> String {
        self.installation.portal() + path
    }

    async fn find_an_operation(&mut self) {
        self.ada.open(&self.portal("/apis")).await;
        for name in ["Pet Store", "World Clock", "Orders"] {
            self.ada.expect_text(name).await;
        }
        self.look("catalogue").await;
        self.ada.follow("Pet Store").await;
        self.look("api").await;
        self.ada.follow("Reference").await;
        self.look("operations").await;
        self.ada.follow("GET").await;
        self.ada.expect_text("species").await;
        self.look("operation").await;
        let offers_to_copy = "document.querySelector('button[data-copy]').checkVisibility()";
        assert_eq!(
            self.ada.evaluate::<bool>(offers_to_copy).await,
            self.scripts
        );
    }

    /// Single keys lead to the search and to the help, but not while somebody types.
    async fn take_short_cuts(&mut self) {
        if !self.scripts {
            return;
        }
        let ada = &self.ada;
        ada.press("/", 191, Some("/")).await;
        let is_searching = "document.activeElement.type === 'search'";
        assert!(ada.evaluate::<bool>(is_searching).await);
        ada.press("?", 191, Some("?")).await;
        let is_typed = "document.activeElement.value === '?'";
        assert!(ada.evaluate::<bool>(is_typed).await);
        ada.evaluate::<bool>("(document.activeElement.blur(), true)")
            .await;
        ada.until_next_page(ada.press("?", 191, Some("?"))).await;
        assert!(ada.url().await.ends_with("/help"));
    }

    /// German is about 30 % longer.
    async fn look_in_german(&mut self) {
        let Some(looks) = &mut self.looks else {
            return;
        };
        self.ann.speak("de").await;
        for (page, path) in [
            ("catalogue", "/apis"),
            ("api", "/apis/orders"),
            ("operation", "/apis/petstore/reference/addPet"),
            ("sign-up", "/signup"),
            ("log-in", "/login"),
        ] {
            self.ann.open(&(self.installation.portal() + path)).await;
            assert_eq!(
                self.ann
                    .evaluate::<String>("document.documentElement.lang")
                    .await,
                "de"
            );
            looks.at(&self.ann, &format!("{page}-de")).await;
        }
        self.ann.speak("en").await;
    }

    async fn sign_up(&mut self, email: &str) {
        self.ada.follow("Sign up").await;
        self.look("sign-up").await;
        self.ada.fill("Email", email).await;
        self.ada.fill("Password", PASSWORD).await;
        self.ada.fill("Repeat the password", PASSWORD).await;
        self.ada.enter().await;
        self.ada.expect_text("We have sent a mail").await;
        self.look("mail-sent").await;
        let mail = self.installation.mail_with(&[email, "http"]).await;
        self.ada.open(&link_in(&mail)).await;
        self.look("confirm").await;
        self.ada.follow("Confirm address").await;
        self.ada.expect_text("Address confirmed").await;
    }

    async fn log_in_as_newcomer(&mut self, email: &str, name: &str) {
        self.ada.open(&self.portal("/apis/petstore")).await;
        self.ada.follow("Log in").await;
        self.look("log-in").await;
        self.ada.fill("Email", email).await;
        self.ada.fill("Password", "wrong").await;
        self.ada.enter().await;
        self.ada.expect_text("Email or password is not right").await;
        self.ada.watch.forgive("Failed to load resource");
        self.look("log-in-refused").await;
        self.ada.fill("Password", PASSWORD).await;
        self.ada.enter().await;
        self.ada.expect_text("About you").await;
        self.look("about-you").await;
        self.ada.fill("Full name", name).await;
        self.ada.enter().await;
        // Back where the visitor was.
        assert_eq!(self.ada.url().await, self.portal("/apis/petstore"));
        self.ada.open(&self.portal("/applications")).await;
        self.look("no-application").await;
    }

    async fn create_application(&mut self, name: &str, id: &str) {
        self.ada.follow("Applications").await;
        self.ada.follow("New application").await;
        if id == "tea-shop" {
            self.look("register-application").await;
            self.refuse_a_bad_id().await;
        }
        self.ada.fill("Name", name).await;
        self.ada.fill("Id", id).await;
        self.ada.follow("Create application").await;
        self.ada.expect_text(id).await;
    }

    /// The form comes back with what was typed and says what is wrong.
    async fn refuse_a_bad_id(&mut self) {
        self.ada.fill("Name", "Tea").await;
        self.ada.fill("Id", "T!").await;
        self.ada.follow("Create application").await;
        self.ada.watch.forgive("Failed to load resource");
        self.ada.expect_text("Nothing was saved").await;
        assert_eq!(
            self.ada
                .evaluate::<String>("document.querySelector('[name=appname]').value")
                .await,
            "Tea"
        );
        self.look("register-application-refused").await;
        self.ada.follow("Cancel").await;
        self.ada.follow("New application").await;
    }

    async fn subscribe_and_call(&mut self) {
        self.ada.follow("APIs").await;
        self.ada.follow("Pet Store").await;
        self.ada.follow("Subscribe").await;
        self.look("subscribe").await;
        self.ada.choose("Free").await;
        self.ada.follow("Subscribe").await;
        let key = self.key().await;
        self.look("new-key").await;
        self.expect_call(&key).await;
        self.ada.follow("I have stored it").await;
        self.look("application").await;
        assert!(!self.ada.text().await.contains(&key), "a key is shown once");
    }

    async fn request_access(&mut self) {
        self.create_application("Tea team", "tea-team").await;
        self.ada
            .open(&self.portal("/apis/petstore/subscribe?application=tea-team"))
            .await;
        self.ada.choose("Team").await;
        self.ada
            .fill("What will you use it for?", "Serving tea to pets.")
            .await;
        self.ada.follow("Subscribe").await;
        self.ada.expect_text("waits for approval").await;
        self.look("api-pending").await;
        self.installation.mail_with(&["tea-team"]).await;
    }

    async fn approve(&mut self) {
        let password = self.installation.admin_password().await;
        self.ann.open(&self.portal("/login")).await;
        self.ann.fill("Email", "admin@localhost.localdomain").await;
        self.ann.fill("Password", &password).await;
        self.ann.enter().await;
        if self.ann.text().await.contains("About you") {
            self.ann.fill("Full name", "Ann Admin").await;
            self.ann.enter().await;
        }
        self.ann.follow("Admin").await;
        self.ann.expect_text("Needs you").await;
        if let Some(looks) = &mut self.looks {
            looks.at(&self.ann, "admin").await;
        }
        self.ann.follow("Approvals").await;
        self.ann.expect_text("Serving tea to pets.").await;
        if let Some(looks) = &mut self.looks {
            looks.at(&self.ann, "approvals").await;
        }
        // A filter of the list begins with the same word.
        self.ann.tab_to("Reason").await;
        self.ann.follow("Approve").await;
        self.ann.expect_text("may use").await;
        self.installation
            .mail_with(&["ada@example.org", "may now use"])
            .await;
    }

    async fn use_what_was_approved(&mut self) {
        self.ada.open(&self.portal("/applications/tea-team")).await;
        self.ada.follow("New key").await;
        let key = self.key().await;
        self.expect_call(&key).await;
        self.ada.open(&self.portal("/applications")).await;
        self.look("applications").await;
    }

    async fn lose_the_way(&mut self) {
        self.ada.open(&self.portal("/no/such/page")).await;
        self.ada.watch.forgive("/no/such/page");
        self.look("not-found").await;
        self.ada.follow("All APIs").await;
    }

    /// The secret on the page.
    async fn key(&self) -> String {
        let key: Option<String> = self
            .ada
            .evaluate("[...document.querySelectorAll('.secret code')].map((e) => e.innerText.trim()).find((t) => t.startsWith('wg_')) ?? null")
            .await;
        match key {
            Some(key) => key,
            None => panic!("no key:\n{}", self.ada.text().await),
        }
    }

    async fn expect_call(&self, key: &str) {
        let url = self.installation.gateway() + "/petstore/v1/pets";
        eventually("the key works at the gateway", async || {
            let answer = self
                .installation
                .http
                .get(&url)
                .header("x-apikey", key)
                .send()
                .await
                .unwrap();
            (answer.status() == 200).then_some(())
        })
        .await;
    }

    fn expect_nothing_found(self) {
        let looks = self.looks.unwrap_or_default();
        looks.expect_nothing_found(&self.installation, &[&self.ada, &self.ann]);
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
