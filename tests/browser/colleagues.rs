//! People who share an application and somebody who decides: what each of them does, and what is not
//! offered to them, without a mouse.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::{
    chromium::Chromium,
    looks::Looks,
    support::{Installation, Shape, eventually},
    tab::Tab,
};

const PASSWORD: &str = "Correct-horse-7";
const APPLICATION: &str = "/applications/tea-shop";

#[tokio::test]
async fn colleagues_and_approvers_do_their_work_with_scripts() {
    work(true).await;
}

#[tokio::test]
async fn colleagues_and_approvers_do_their_work_without_scripts() {
    work(false).await;
}

/// Each has a browser of his own.
struct Office {
    installation: Installation,
    owner: Tab,
    collaborator: Tab,
    reader: Tab,
    approver: Tab,
}

async fn work(scripts: bool) {
    let Some(chromium) = Chromium::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    configure(folder.path());
    let mut installation = Installation::prepare(Shape::OneProcess)
        .await
        .expect("SQLite is always there");
    installation.configure(folder.path().to_str().unwrap());
    installation.launch().await;
    let office = Office {
        owner: chromium.visitor(scripts).await,
        collaborator: chromium.visitor(scripts).await,
        reader: chromium.visitor(scripts).await,
        approver: chromium.visitor(scripts).await,
        installation,
    };
    office.share().await;
    office.collaborate().await;
    office.approve().await;
    office.use_what_was_approved().await;
    office.read().await;
    office.decline().await;
    let Office {
        installation,
        owner,
        collaborator,
        reader,
        approver,
    } = office;
    let tabs = [&owner, &collaborator, &reader, &approver];
    Looks::default().expect_nothing_found(&installation, &tabs);
}

/// The pet store is for partners, one of whom decides about it.
fn configure(folder: &Path) {
    config::sample::write_to(folder).unwrap();
    change(&folder.join("globals.json"), |globals| {
        let user = |name: &str, groups: Value| {
            json!({"id": name, "name": name, "email": address(name), "password": PASSWORD,
                "groups": groups, "validated": true})
        };
        globals["initialUsers"] = json!([
            user("olga", json!(["dev", "partners"])),
            user("carl", json!(["dev", "partners"])),
            user("rita", json!(["dev", "partners"])),
            user("abe", json!(["dev", "partners", "deciders"])),
        ]);
    });
    change(&folder.join("groups/groups.json"), |groups| {
        let list = groups["groups"].as_array_mut().unwrap();
        list.push(json!({"id": "partners", "name": "Partners"}));
        list.push(json!({"id": "deciders", "name": "Deciders", "approverGroup": true}));
    });
    change(&folder.join("apis/apis.json"), |apis| {
        let list = apis["apis"].as_array_mut().unwrap().iter_mut();
        for api in list.filter(|api| api["id"] == "petstore") {
            api["requiredGroup"] = "partners".into();
        }
    });
}

fn change(file: &Path, edit: impl FnOnce(&mut Value)) {
    let text = fs::read_to_string(file).unwrap();
    let mut value = serde_json::from_str(&text).unwrap();
    edit(&mut value);
    fs::write(file, value.to_string()).unwrap();
}

fn address(name: &str) -> String {
    format!("{name}@example.org")
}

impl Office {
    async fn open(&self, tab: &Tab, path: &str) {
        tab.open(&(self.installation.portal() + path)).await;
    }

    async fn log_in(&self, tab: &Tab, name: &str) {
        self.open(tab, "/login").await;
        tab.fill("Email", &address(name)).await;
        tab.fill("Password", PASSWORD).await;
        tab.enter().await;
        if tab.text().await.contains("About you") {
            tab.fill("Full name", name).await;
            tab.enter().await;
        }
    }

    /// The owner makes an application and takes two colleagues in.
    async fn share(&self) {
        let olga = &self.owner;
        self.log_in(olga, "olga").await;
        self.open(olga, "/applications?register=true").await;
        olga.fill("Name", "Tea shop").await;
        olga.fill("Id", "tea-shop").await;
        olga.follow("Create application").await;
        for (name, role) in [("carl", "Collaborator"), ("rita", "Reader")] {
            self.open(olga, APPLICATION).await;
            olga.tab_to("Add a member").await;
            olga.press(" ", 32, Some(" ")).await;
            olga.fill("Mail address", &address(name)).await;
            olga.choose(role).await;
            olga.follow("Add").await;
            olga.expect_text(&address(name)).await;
        }
    }

    /// The collaborator asks for access and waits; neither members nor the end of the application
    /// are his business.
    async fn collaborate(&self) {
        let carl = &self.collaborator;
        self.log_in(carl, "carl").await;
        carl.follow("Applications").await;
        carl.follow("Tea shop").await;
        carl.expect_text("Collaborator").await;
        self.expect_absent(carl, &["Add a member", "Delete application"])
            .await;
        carl.follow("Browse APIs").await;
        carl.follow("Pet Store").await;
        carl.follow("Subscribe").await;
        carl.choose("Team").await;
        carl.fill("What will you use it for?", "Serving tea to pets.")
            .await;
        carl.follow("Subscribe").await;
        carl.expect_text("waits for approval").await;
        self.open(carl, APPLICATION).await;
        self.expect_absent(carl, &["New key"]).await;
    }

    /// The approver finds the request, says why and lets it pass.
    async fn approve(&self) {
        let abe = &self.approver;
        self.log_in(abe, "abe").await;
        abe.follow("Admin").await;
        abe.expect_text("Serving tea to pets.").await;
        self.expect_absent(abe, &["Users", "Audit log"]).await;
        abe.fill("Reason", "Pets like tea.").await;
        abe.follow("Approve").await;
        abe.expect_text("may use").await;
    }

    async fn use_what_was_approved(&self) {
        let carl = &self.collaborator;
        self.open(carl, APPLICATION).await;
        carl.follow("New key").await;
        let find = "[...document.querySelectorAll('.secret code')].map((e) => e.innerText.trim()).find((t) => t.startsWith('wg_')) ?? ''";
        let key: String = carl.evaluate(find).await;
        let url = self.installation.gateway() + "/petstore/v1/pets";
        eventually("the key works at the gateway", async || {
            let request = self.installation.http.get(&url).header("x-apikey", &key);
            (request.send().await.ok()?.status() == 200).then_some(())
        })
        .await;
        carl.follow("I have stored it").await;
        carl.follow("Settings").await;
        carl.fill("Description", "Tea for *everybody*.").await;
        carl.follow("Save").await;
        carl.expect_text("Tea for everybody.").await;
    }

    /// The reader sees everything and changes nothing.
    async fn read(&self) {
        let rita = &self.reader;
        self.log_in(rita, "rita").await;
        rita.follow("Applications").await;
        rita.follow("Tea shop").await;
        for seen in ["Pet Store", "Team", "Tea for everybody.", "Active"] {
            rita.expect_text(seen).await;
        }
        self.expect_absent(
            rita,
            &["New key", "Unsubscribe", "Add a member", "Settings"],
        )
        .await;
        for (tab, seen) in [
            ("Subscriptions", "Pet Store"),
            ("Credentials", "Key"),
            ("Usage", "Calls"),
            ("Members", "olga@example.org"),
        ] {
            rita.follow(tab).await;
            rita.expect_text(seen).await;
        }
        self.expect_absent(rita, &["Send invitation", "Remove"])
            .await;
        let subscribe = format!("{APPLICATION}/subscribe/orders");
        self.open(rita, &subscribe).await;
        rita.expect_text("You may read this application").await;
    }

    /// A request that is declined is told so; one that was decided is gone from the queue.
    async fn decline(&self) {
        let (olga, abe) = (&self.owner, &self.approver);
        self.open(olga, "/applications?register=true").await;
        olga.fill("Name", "Second").await;
        olga.fill("Id", "second-shop").await;
        olga.follow("Create application").await;
        let subscribe = "/apis/petstore/subscribe?application=second-shop";
        self.open(olga, subscribe).await;
        olga.choose("Team").await;
        olga.fill("What will you use it for?", "More tea.").await;
        olga.follow("Subscribe").await;
        self.open(abe, "/admin/approvals").await;
        abe.expect_text("More tea.").await;
        self.expect_absent(abe, &["Serving tea to pets."]).await;
        abe.fill("Reason", "One shop is enough.").await;
        abe.follow("Decline").await;
        self.open(abe, "/admin/approvals").await;
        self.expect_absent(abe, &["More tea."]).await;
        self.installation
            .mail_with(&["olga@example.org", "One shop is enough."])
            .await;
    }

    async fn expect_absent(&self, tab: &Tab, texts: &[&str]) {
        let shown = tab.text().await;
        for text in texts {
            assert!(
                !shown.contains(text),
                "`{text}` on {}:\n{shown}",
                tab.url().await
            );
        }
    }
}
