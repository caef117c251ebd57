//! Two people change APIs in the portal at the same time, and what they change is in the repository.

use std::time::{Duration, Instant};

use crate::{
    journey::Person,
    support::{GitHost, Installation, Page, Shape, Visitor, eventually},
};

const PASSWORD: &str = "s3cret";
/// Edits of each of the two.
const EDITS: usize = 25;
/// How soon a saved API has to be served.
const PROMPT: Duration = Duration::from_secs(3);

struct Scene {
    host: GitHost,
    installation: Installation,
}

impl Scene {
    async fn start() -> Option<Self> {
        let host = GitHost::start(PASSWORD).await?;
        host.take_pushes().await;
        let mut installation = Installation::prepare(Shape::OneProcess).await.unwrap();
        installation.configure(&host.address());
        installation.set("GIT_CREDENTIALS", &format!("wicketgate:{PASSWORD}"));
        let authority = host.authority();
        installation.set("SSL_CERT_FILE", authority.to_str().unwrap());
        installation.launch().await;
        Some(Self { host, installation })
    }

    fn url(&self, path: &str) -> String {
        self.installation.portal() + path
    }

    async fn commits(&self) -> Vec<String> {
        let log = self.host.ask(&["log", "--format=%s", "main"]).await;
        log.lines().map(str::to_owned).collect()
    }

    async fn file(&self, path: &str) -> String {
        self.host
            .ask(&["show", &format!("main:static/{path}")])
            .await
    }
}

/// Somebody who owns the APIs of the sample.
async fn owner<'s>(scene: &'s Scene, admin: &Person<'_>, email: &str) -> Person<'s> {
    let person = Person::sign_up(&scene.installation, email, "Ada Lovelace").await;
    let users = admin
        .visitor
        .open(&scene.url("/admin/users"))
        .await
        .expect(200);
    let profile = admin
        .visitor
        .follow(&users, "Ada Lovelace")
        .await
        .expect(200);
    admin
        .visitor
        .submit(&profile, "Save", &[("approvers", "on")])
        .await
        .expect(200);
    person
}

/// Changes fields of a page of the publisher.
async fn edit(scene: &Scene, visitor: &Visitor, path: &str, fields: &[(&str, &str)]) -> Page {
    let page = visitor.open(&scene.url(path)).await.expect(200);
    visitor.submit(&page, "Add", fields).await.expect(200)
}

async fn commit(scene: &Scene, visitor: &Visitor, page: &Page, message: &str) -> Page {
    let saved = visitor
        .submit(page, "Commit", &[("message", message)])
        .await;
    assert_eq!(saved.status, 200, "{message}: {}", scene.installation.log());
    saved
}

#[tokio::test(flavor = "multi_thread")]
async fn what_owners_change_in_the_portal_is_committed_and_served() {
    let Some(scene) = Scene::start().await else {
        return;
    };
    let admin = Person::administrator(&scene.installation).await;
    let ada = owner(&scene, &admin, "ada@example.org").await;
    strangers_change_nothing(&scene).await;
    a_new_api_is_served_at_once(&scene, &admin.visitor).await;
    a_broken_edit_is_not_saved(&scene, &ada.visitor).await;
    whoever_changes_the_same_chooses(&scene, &admin.visitor, &ada.visitor).await;
    no_edit_of_two_people_is_lost(&scene, &admin.visitor, &ada.visitor).await;
}

async fn strangers_change_nothing(scene: &Scene) {
    let eve = Person::sign_up(&scene.installation, "eve@example.org", "Eve").await;
    for path in ["/publish", "/publish/new", "/publish/apis/petstore"] {
        eve.visitor.open(&scene.url(path)).await.expect(403);
    }
    let catalogue = eve.visitor.open(&scene.url("/apis")).await.expect(200);
    assert!(!catalogue.html.contains("/publish"));
}

async fn a_new_api_is_served_at_once(scene: &Scene, visitor: &Visitor) {
    let form = visitor.open(&scene.url("/publish/new")).await.expect(200);
    let backend = "${PORTAL_ECHO_URL}/clock/v1";
    let fields = [
        ("name", "Weather"),
        ("id", "weather"),
        ("desc", "Rain or not."),
        ("upstream_url", backend),
        ("path", "/weather/v1"),
        ("auth", "none"),
        ("state", "published"),
    ];
    let page = visitor
        .submit(&form, "Create API", &fields)
        .await
        .expect(200);
    let page = page.expect_text("The configuration is valid");
    let called = scene.installation.gateway() + "/weather/v1/time";
    let status = async || {
        scene
            .installation
            .http
            .get(&called)
            .send()
            .await
            .unwrap()
            .status()
    };
    assert_eq!(status().await, 404);
    let started = Instant::now();
    commit(scene, visitor, &page, "The weather")
        .await
        .expect_text("Saved as");
    eventually("the gateway serves the new API", async || {
        (status().await == 200).then_some(())
    })
    .await;
    let took = started.elapsed();
    assert!(took < PROMPT, "{took:?}");
    let body = scene
        .host
        .ask(&["log", "-1", "--format=%an%n%b", "main"])
        .await;
    assert!(
        body.contains("Ann Admin") && body.contains("Signed-off-by: "),
        "{body}"
    );
    let history = visitor
        .open(&scene.url("/publish/apis/weather/history"))
        .await;
    history.expect(200).expect_text("The weather");
}

async fn a_broken_edit_is_not_saved(scene: &Scene, visitor: &Visitor) {
    let before = scene.commits().await;
    let definition = "/publish/apis/petstore/definition";
    let page = edit(scene, visitor, definition, &[("text", "{\"openapi\":")]).await;
    let page = page.expect_text("a broken configuration cannot be saved");
    assert!(page.all("form[action='/publish/commit']").is_empty());
    // Whoever sends the form nevertheless is told why not.
    let other = edit(
        scene,
        visitor,
        "/publish/apis/petstore",
        &[("name", "Pets")],
    )
    .await;
    assert!(other.all("form[action='/publish/commit']").is_empty());
    assert_eq!(scene.commits().await, before);
    let page = visitor.open(&scene.url("/publish")).await.expect(200);
    let page = visitor.submit(&page, "Discard all changes", &[]).await;
    page.expect(200).expect_text("The changes are discarded");
}

async fn whoever_changes_the_same_chooses(scene: &Scene, ann: &Visitor, ada: &Visitor) {
    let path = "/publish/apis/orders";
    let page = edit(
        scene,
        ada,
        path,
        &[("name", "Orders by Ada"), ("tags", "new")],
    )
    .await;
    let hers = edit(scene, ann, path, &[("name", "Orders by Ann")]).await;
    commit(scene, ann, &hers, "Ann was first")
        .await
        .expect_text("Saved as");
    let page = commit(scene, ada, &page, "Ada came later").await;
    let page = page.expect_text("Somebody else has changed the same");
    let page = page
        .expect_text("apis[orders].name")
        .expect_text("Ann was first");
    assert!(!scene.commits().await.contains(&"Ada came later".to_owned()));
    let choice = [("keep/apis/apis.json", "mine")];
    let page = ada.submit(&page, "Take over", &choice).await.expect(200);
    commit(scene, ada, &page, "Ada came later")
        .await
        .expect_text("Saved as");
    let apis = scene.file("apis/apis.json").await;
    assert!(
        apis.contains("Orders by Ada") && apis.contains("[\"new\"]"),
        "{apis}"
    );
}

async fn no_edit_of_two_people_is_lost(scene: &Scene, ann: &Visitor, ada: &Visitor) {
    let before = scene.commits().await.len();
    let edits = async |visitor: &Visitor, who: &str, api: &str| {
        for number in 0..EDITS {
            let path = format!("/publish/apis/{api}");
            let text = format!("{who} {number}");
            let page = edit(
                scene,
                visitor,
                &path,
                &[("desc", &text), ("description", &text)],
            )
            .await;
            let page = commit(scene, visitor, &page, &text).await;
            assert!(page.text().contains("Saved as"), "{}", page.text());
        }
    };
    tokio::join!(edits(ann, "ann", "petstore"), edits(ada, "ada", "orders"));
    let commits = scene.commits().await;
    assert_eq!(commits.len(), before + 2 * EDITS);
    for who in ["ann", "ada"] {
        for number in 0..EDITS {
            assert!(commits.contains(&format!("{who} {number}")), "{commits:?}");
        }
    }
    let apis = scene.file("apis/apis.json").await;
    for text in ["\"ann 24\"", "\"ada 24\""] {
        assert!(apis.contains(text), "{apis}");
    }
    assert_eq!(scene.file("apis/petstore/desc.md").await, "ann 24\n");
    assert_eq!(scene.file("apis/orders/desc.md").await, "ada 24\n");
}
