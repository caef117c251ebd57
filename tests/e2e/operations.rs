//! What operators rely on: health, metrics, a clean stop, one id through all logs.

use std::time::{Duration, Instant};

use crate::support::{Installation, Shape, eventually};

#[tokio::test]
async fn every_service_tells_how_it_is() {
    let installation = Installation::start(Shape::OneProcess).await.unwrap();
    for name in [
        "portal",
        "api",
        "auth",
        "adapter",
        "mailer",
        "chatbot",
        "gateway-admin",
        "gateway-status",
    ] {
        for path in ["/healthz", "/readyz", "/metrics", "/ping"] {
            let url = format!("{}{path}", installation.url(name));
            let answer = installation.http.get(&url).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{name} {path}");
        }
    }
    let api = installation
        .http
        .get(installation.url("api") + "/ping")
        .send()
        .await
        .unwrap();
    let ping: serde_json::Value = api.json().await.unwrap();
    assert_eq!(ping["message"], "OK");
    // Existing clients compare the version as text.
    assert!(ping["version"].as_str().unwrap() >= "1.0.0");
    let metrics = installation
        .http
        .get(installation.url("api") + "/metrics")
        .header("via", "1.1 kong");
    assert_eq!(
        metrics.send().await.unwrap().status(),
        403,
        "metrics are not for the outside"
    );
}

#[tokio::test]
async fn an_idle_installation_stops_at_once_and_without_error() {
    let installation = Installation::start(Shape::OneProcess).await.unwrap();
    let started = Instant::now();
    let status = installation.interrupt("up").await;
    assert!(status.success(), "{status}");
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_service_gives_memory_back_soon_unless_told_otherwise() {
    let option = |installation: &Installation| {
        let file = format!("/proc/{}/environ", installation.pid("up"));
        let environment = std::fs::read_to_string(file).unwrap();
        let mut variables = environment.split('\0');
        let value = variables.find_map(|one| one.strip_prefix("MIMALLOC_PURGE_DELAY="));
        value.map(str::to_owned)
    };
    let mut installation = Installation::start(Shape::OneProcess).await.unwrap();
    assert_eq!(option(&installation).as_deref(), Some("100"));
    assert!(installation.interrupt("up").await.success());
    installation.set("MIMALLOC_PURGE_DELAY", "5000");
    installation.launch().await;
    assert_eq!(option(&installation).as_deref(), Some("5000"));
}

#[tokio::test]
async fn a_taken_port_is_refused_with_one_line_that_names_port_and_option() {
    let installation = Installation::start(Shape::OneProcess).await.unwrap();
    let mut arguments = vec![
        "up".to_owned(),
        "--data".to_owned(),
        "other-data".to_owned(),
    ];
    arguments.extend(installation.port_options());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = installation.run(&arguments).await;
    assert!(!output.status.success());
    let error = String::from_utf8(output.stderr).unwrap();
    let port = installation
        .url("portal")
        .rsplit(':')
        .next()
        .unwrap()
        .to_owned();
    assert_eq!(error.trim().lines().count(), 1, "{error}");
    assert!(
        error.contains(&port) && error.contains("--portal-port"),
        "{error}"
    );
}

#[tokio::test]
async fn a_second_process_on_the_same_data_is_refused() {
    let installation = Installation::start(Shape::OneProcess).await.unwrap();
    let data = installation.data();
    let output = installation
        .run(&["up", "--data", data.to_str().unwrap()])
        .await;
    assert!(!output.status.success());
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("in use"), "{error}");
}

#[tokio::test]
async fn one_correlation_id_leads_from_the_browser_to_the_services_behind() {
    let installation = Installation::start(Shape::OneProcess).await.unwrap();
    let id = "e2e-correlation-4711";
    let url = installation.portal() + "/apis/petstore";
    let answer = installation
        .http
        .get(url)
        .header("correlation-id", id)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers()["correlation-id"], id);
    let service_lines = |service: &str| {
        let log = installation.log();
        let wanted =
            |line: &&str| line.contains(id) && line.contains(&format!("service=\"{service}\""));
        log.lines().filter(wanted).count()
    };
    eventually("portal and portal-api log the id", async || {
        (service_lines("portal") > 0 && service_lines("portal-api") > 0).then_some(())
    })
    .await;

    let before = service_lines("portal-api");
    let url = installation.gateway() + "/clock/v1/time";
    let answer = installation
        .http
        .get(url)
        .header("correlation-id", id)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    // The backend of the sample runs beside portal-api.
    eventually("the backend logs the id", async || {
        (service_lines("portal-api") > before).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_foreign_identity_is_nobody() {
    let installation = Installation::start(Shape::OneProcess).await.unwrap();
    let users = installation.url("api") + "/users";
    let bare = installation
        .http
        .get(&users)
        .header("x-authenticated-userid", "sub=1")
        .header("x-authenticated-scope", "read_users");
    assert_eq!(
        bare.send().await.unwrap().status(),
        403,
        "bare headers prove nothing"
    );
    let forged = installation
        .http
        .get(&users)
        .bearer_auth("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.e30.");
    assert_eq!(forged.send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn health_is_asked_for_by_the_binary_itself() {
    let mut installation = Installation::start(Shape::OneProcess).await.unwrap();
    let ports = installation.port_options();
    let mut health = vec!["health"];
    health.extend(ports.iter().map(String::as_str));
    let output = installation.run(&health).await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    assert_eq!(text.lines().count(), 7, "{text}");
    assert!(
        text.lines().all(|line| line.ends_with(" is ready")),
        "{text}"
    );
    installation.set(
        "PORT",
        installation.url("mailer").rsplit(':').next().unwrap(),
    );
    assert!(
        installation
            .run(&["health", "mailer"])
            .await
            .status
            .success()
    );
    installation.kill("up").await;
    let output = installation.run(&["health", "mailer"]).await;
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.starts_with("mailer is not ready: no answer at"),
        "{text}"
    );
}

#[tokio::test]
async fn a_service_that_ends_lets_requests_go_elsewhere_first() {
    let Some(mut installation) = Installation::prepare(Shape::Apart).await else {
        return;
    };
    installation.set("SHUTDOWN_DELAY_SECONDS", "30");
    installation.launch().await;
    let ready = installation.url("portal") + "/readyz";
    installation.signal("portal", "TERM");
    eventually("the portal is not ready", async || {
        let answer = installation.http.get(&ready).send().await.ok()?;
        (answer.status() == 503).then_some(())
    })
    .await;
    let page = installation.portal() + "/apis";
    assert_eq!(
        installation.http.get(&page).send().await.unwrap().status(),
        200
    );
    assert!(installation.interrupt("portal").await.success());
}
