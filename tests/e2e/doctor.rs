//! `wicketgate doctor`, completions and manual.

use crate::support::{Installation, Shape, change, copy_sample, postgres};

/// What the doctor says, and whether he is content.
async fn ask(installation: &Installation, more: &[&str]) -> (bool, String) {
    let ports = installation.port_options();
    let data = installation.data().display().to_string();
    let mut arguments = vec!["doctor", "--data", &data];
    arguments.extend(more);
    arguments.extend(ports.iter().map(String::as_str));
    let output = installation.run(&arguments).await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    (output.status.success(), text)
}

fn wrong(text: &str) -> Vec<&str> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("WRONG "));
    lines.map(|line| line[..14].trim_end()).collect()
}

#[tokio::test]
async fn an_empty_machine_and_a_running_installation_are_well() {
    let mut installation = Installation::prepare(Shape::OneProcess).await.unwrap();
    let (well, text) = ask(&installation, &[]).await;
    assert!(well, "{text}");
    assert!(text.contains("first start makes"), "{text}");
    assert!(!installation.data().exists(), "looking changes nothing");

    installation.launch().await;
    let (well, text) = ask(&installation, &[]).await;
    assert!(well, "{text}");
    for service in [
        "portal-api",
        "auth-server",
        "portal",
        "gateway",
        "gateway-adapter",
        "mailer",
        "chatbot",
    ] {
        assert!(text.contains(&format!("{service} is ready")), "{text}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_named_with_what_to_do() {
    let installation = Installation::start(Shape::OneProcess).await.unwrap();
    installation.kill("up").await;

    let configuration = tempfile::tempdir().unwrap();
    copy_sample(configuration.path());
    change(&configuration.path().join("plans/plans.json"), |plans| {
        plans["plans"] = "none".into();
    });
    let place = configuration.path().display().to_string();
    let (well, text) = ask(&installation, &["--config", &place]).await;
    assert!(!well && wrong(&text) == ["configuration"], "{text}");
    assert!(text.contains("plans/plans.json"), "{text}");

    let port = installation.url("mailer").replace("http://", "");
    let taken = std::net::TcpListener::bind(port).unwrap();
    let (well, text) = ask(&installation, &[]).await;
    assert!(!well && wrong(&text) == ["ports"], "{text}");
    assert!(text.contains("--mailer-port"), "{text}");
    drop(taken);

    let database = installation.data().join("auth-server.db");
    let whole = std::fs::read(&database).unwrap();
    std::fs::write(&database, vec![0x55; whole.len()]).unwrap();
    for beside in ["auth-server.db-wal", "auth-server.db-shm"] {
        std::fs::remove_file(installation.data().join(beside)).ok();
    }
    let (well, text) = ask(&installation, &[]).await;
    assert!(!well && wrong(&text) == ["database"], "{text}");
    assert!(text.contains("wicketgate restore"), "{text}");
    std::fs::write(&database, whole).unwrap();

    std::fs::remove_file(installation.data().join("master.key")).unwrap();
    let (well, text) = ask(&installation, &[]).await;
    assert!(!well && wrong(&text) == ["master key"], "{text}");
}

#[tokio::test]
async fn services_apart_and_their_database_are_asked_where_the_environment_says() {
    let Some(mut installation) = Installation::start(Shape::Apart).await else {
        return;
    };
    let (well, text) = ask(&installation, &[]).await;
    assert!(well, "{text}");
    assert!(text.contains("PostgreSQL 1"), "{text}");
    assert!(text.contains("PORTAL_API_URL is ready"), "{text}");
    assert!(text.contains("as that of PostgreSQL"), "{text}");

    installation.kill("mailer").await;
    installation.set("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none");
    let (well, text) = ask(&installation, &[]).await;
    assert!(!well, "{text}");
    assert_eq!(wrong(&text), ["database", "database", "services"], "{text}");
    assert!(text.contains("PORTAL_MAILER_URL does not answer"), "{text}");
}

#[tokio::test]
async fn a_stopped_installation_moves_to_postgresql_with_everything() {
    let Some(url) = postgres::fresh().await else {
        return;
    };
    let mut installation = Installation::start(Shape::OneProcess).await.unwrap();
    let ada =
        crate::journey::Person::sign_up(&installation, "ada@example.org", "Ada Lovelace").await;
    ada.create_application("ada-shop").await;
    let visitor = ada.visitor;
    let data = installation.data().display().to_string();
    installation.set("DATABASE_URL", &url);
    let running = installation.run(&["data", "move", "--data", &data]).await;
    assert!(!running.status.success(), "{running:?}");
    installation.kill("up").await;
    let output = installation.run(&["data", "move", "--data", &data]).await;
    assert!(output.status.success(), "{output:?}");
    installation.launch().await;
    // Also the log-in is the one from before.
    let page = visitor
        .open(&(installation.portal() + "/applications"))
        .await;
    page.expect(200).expect_text("ada-shop");
}

#[tokio::test]
async fn shells_and_readers_know_all_commands() {
    let installation = Installation::prepare(Shape::OneProcess).await.unwrap();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = installation.run(&["completions", shell]).await;
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success() && text.contains("gateway-adapter"),
            "{shell}"
        );
    }
    let output = installation.run(&["man"]).await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(".TH wicketgate 1"), "{text}");
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("man").display().to_string();
    let output = installation.run(&["man", "--out", &place]).await;
    assert!(output.status.success(), "{output:?}");
    for page in [
        "wicketgate.1",
        "wicketgate-up.1",
        "wicketgate-config-check.1",
    ] {
        assert!(folder.path().join("man").join(page).is_file(), "{page}");
    }
}
