//! Somebody who owns APIs: from nothing to an API that answers, without a mouse.

use crate::{
    chromium::Chromium,
    every_page::log_in,
    looks::Looks,
    support::{Installation, Shape, eventually},
    tab::Tab,
};

#[tokio::test]
async fn an_api_is_published_with_scripts() {
    walk(true).await;
}

#[tokio::test]
async fn an_api_is_published_without_scripts() {
    walk(false).await;
}

async fn walk(scripts: bool) {
    let Some(chromium) = Chromium::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    config::sample::write_to(folder.path()).unwrap();
    let mut installation = Installation::prepare(Shape::OneProcess)
        .await
        .expect("SQLite is always there");
    installation.configure(folder.path().to_str().unwrap());
    installation.launch().await;
    let tab = chromium.visitor(scripts).await;
    log_in(&installation, &tab).await;
    found(&installation, &tab).await;
    describe(&installation, &tab, scripts).await;
    publish(&installation, &tab).await;
    let looks = Looks::default();
    looks.expect_nothing_found(&installation, &[&tab]);
}

/// A new API, which a wrong form does not make.
async fn found(installation: &Installation, tab: &Tab) {
    tab.open(&(installation.portal() + "/publish")).await;
    tab.follow("New API").await;
    tab.fill("Name", "Teapots").await;
    tab.fill("Id", "teapots").await;
    tab.fill("Short description", "Short and *stout*.").await;
    let backend = installation.url("echo") + "/petstore/v1";
    tab.fill("Backend", &backend).await;
    tab.fill("Path on the gateway", "/teapots/v1").await;
    tab.choose("Nothing, the API is open").await;
    tab.follow("Create API").await;
    tab.expect_text("The configuration is valid").await;
}

/// Its long text, which scripts show as it is written.
async fn describe(installation: &Installation, tab: &Tab, scripts: bool) {
    tab.open(&(installation.portal() + "/publish/apis/teapots"))
        .await;
    tab.fill("Description", "Tip **me** over.").await;
    if scripts {
        tab.tab_to("Preview").await;
        tab.press(" ", 32, Some(" ")).await;
        eventually("the preview is shown", async || {
            let shown = "!!document.querySelector('details[open] .prose strong')";
            tab.evaluate::<bool>(shown).await.then_some(())
        })
        .await;
    }
    tab.follow("Add to changes").await;
    tab.expect_text("Tip **me** over.").await;
}

/// Everybody sees it, and the gateway serves it.
async fn publish(installation: &Installation, tab: &Tab) {
    tab.open(&(installation.portal() + "/publish/apis/teapots/lifecycle"))
        .await;
    tab.choose("Current").await;
    tab.follow("Add to changes").await;
    tab.fill("Commit message", "Teapots: An API for teapots")
        .await;
    tab.follow("Save").await;
    tab.open(&(installation.portal() + "/apis/teapots")).await;
    tab.expect_text("Tip me over.").await;
    let url = installation.gateway() + "/teapots/v1/pets";
    eventually("the gateway serves it", async || {
        let answer = installation.http.get(&url).send().await.ok()?;
        (answer.status() == 200).then_some(())
    })
    .await;
}
