//! Every page that the portal has, as the routes of its source name them, seen by an administrator who
//! has something of everything. A new page without a place here fails the test.

use std::{collections::BTreeSet, fs, path::Path};

use crate::{
    chromium::Chromium,
    looks::Looks,
    support::{Installation, Shape},
    tab::Tab,
};

#[path = "../../portal/tests/support/routes.rs"]
mod routes;

/// What stands for a parameter.
const PARAMETERS: [(&str, &str); 10] = [
    // Offered for deprecated APIs alone.
    (
        "/admin/apis/{api}/delete_subscriptions",
        "/admin/apis/orders/delete_subscriptions",
    ),
    ("{api}", "petstore"),
    ("{application}", "tea-shop"),
    ("{operation}", "listPets"),
    ("/apis/petstore/docs/{*path}", "/apis/petstore/docs/answers"),
    ("/content/{*path}", "/content/terms-and-conditions"),
    ("{topic}", "apis"),
    ("{listener}", "mailer"),
    ("{user}", "me"),
    ("{team}", "tea-team"),
];

/// Routes that answer with something else than a page, or lead to another one.
const NO_PAGES: [&str; 31] = [
    "/.well-known/api-catalog",
    "/admin/apis/{api}/subscriptions_csv",
    "/admin/approvals_csv",
    "/admin/auditlog.jsonl",
    "/admin/auditlog_csv",
    "/admin/subscriptions_csv",
    "/admin/usage.csv",
    "/apis/{api}/bruno.json",
    "/apis/{api}/changelog.atom",
    "/apis/{api}/definition.json",
    "/apis/{api}/definition.yaml",
    "/apis/{api}/postman.json",
    "/apis/{api}/swagger",
    "/apis/{api}/usage.csv",
    "/applications/{application}/usage.csv",
    "/contact",
    "/content/",
    "/llms-full.txt",
    "/llms.txt",
    "/login/callback",
    "/login/logout",
    "/openapi.json",
    "/ping",
    "/robots.txt",
    "/signup",
    "/sitemap.xml",
    "/swagger-ui/index.html",
    "/swagger-ui/oauth2-redirect.html",
    "/swagger-ui/{file}",
    "/try/callback",
    "/apis/{api}/docs",
];

/// Links of mails; theirs are in the tests of the portal.
const BY_MAIL: [&str; 2] = ["/invitations/{token}", "/unsubscribe/{token}"];

/// Its id is made by portal-api.
const LISTENER: &str = "/applications/{application}/listeners/{listener}";

#[tokio::test]
async fn nothing_is_wrong_with_any_page() {
    let Some(chromium) = Chromium::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    config::sample::write_to(folder.path()).unwrap();
    let list = folder.path().join("apis/apis.json");
    let apis = fs::read_to_string(&list).unwrap();
    let id = "\"id\": \"orders\",";
    assert!(apis.contains(id));
    let deprecated = format!("{id} \"deprecated\": true,");
    fs::write(&list, apis.replace(id, &deprecated)).unwrap();
    let mut installation = Installation::prepare(Shape::OneProcess)
        .await
        .expect("SQLite is always there");
    installation.configure(folder.path().to_str().unwrap());
    installation.launch().await;
    let tab = chromium.visitor(true).await;
    log_in(&installation, &tab).await;
    prepare(&installation, &tab).await;
    let mut looks = Looks::default();
    let pages = pages();
    assert!(pages.len() > 50, "{pages:?}");
    for route in pages {
        let path = filled(&route);
        tab.open(&(installation.portal() + &path)).await;
        let is_there: bool = tab
            .evaluate("document.querySelectorAll('main, #swagger-ui').length > 0 && !document.querySelector('.halt')")
            .await;
        if !is_there {
            looks
                .findings
                .push(format!("{path} is no page: {}", tab.text().await));
        }
        let name = path.trim_matches('/').replace(['/', '?', '='], "_");
        let name = if name.is_empty() { "start" } else { &name };
        looks.at(&tab, &format!("page-{name}")).await;
        // German is longer.
        tab.speak("de").await;
        tab.open(&(installation.portal() + &path)).await;
        looks.fits(&tab, &format!("page-{name}-de")).await;
        tab.speak("en").await;
    }
    open_listener(&installation, &tab).await;
    looks
        .at(&tab, "page-applications_tea-shop_listeners_one")
        .await;
    looks.expect_nothing_found(&installation, &[&tab]);
}

/// Makes one, and stays on its page.
async fn open_listener(installation: &Installation, tab: &Tab) {
    tab.open(&(installation.portal() + "/applications/tea-shop/listeners"))
        .await;
    tab.fill("Address", "https://listener.example.org/").await;
    tab.follow("Create listener").await;
    tab.follow("I have stored it").await;
    tab.expect_text("https://listener.example.org/").await;
}

/// Routes with a page, without what stands above.
fn pages() -> BTreeSet<String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../portal/src");
    let routes = routes::below(&source).into_iter();
    let pages = routes.filter(|(method, _)| *method == "GET");
    let mut routes: BTreeSet<String> = pages.map(|(_, path)| path).collect();
    for known in NO_PAGES.iter().chain(&BY_MAIL).chain([&LISTENER]) {
        assert!(routes.remove(*known), "there is no route {known} any more");
    }
    routes
}

#[track_caller]
fn filled(route: &str) -> String {
    let path = PARAMETERS
        .iter()
        .fold(route.to_owned(), |path, (name, value)| {
            path.replace(name, value)
        });
    assert!(
        !path.contains('{'),
        "say above what stands for the parameter of {route}"
    );
    path
}

pub async fn log_in(installation: &Installation, tab: &Tab) {
    let password = installation.admin_password().await;
    tab.open(&(installation.portal() + "/login")).await;
    tab.fill("Email", "admin@localhost.localdomain").await;
    tab.fill("Password", &password).await;
    tab.enter().await;
    if tab.text().await.contains("About you") {
        tab.fill("Full name", "Ann Admin").await;
        tab.enter().await;
    }
}

/// An application with a key, a team, and a change that waits in the publisher.
async fn prepare(installation: &Installation, tab: &Tab) {
    let open = async |path: &str| tab.open(&(installation.portal() + path)).await;
    open("/applications?register=true").await;
    tab.fill("Name", "Tea shop").await;
    tab.fill("Id", "tea-shop").await;
    tab.follow("Create application").await;
    open("/apis/petstore/subscribe?application=tea-shop").await;
    tab.choose("Free").await;
    tab.follow("Subscribe").await;
    open("/teams").await;
    tab.fill("Id", "tea-team").await;
    tab.fill("Name", "Tea team").await;
    tab.follow("Create team").await;
    open("/publish/apis/petstore").await;
    tab.fill("Tags", "sample, pets, tea").await;
    tab.follow("Add to changes").await;
    tab.expect_text("The configuration is valid").await;
}
