//! What people get wrong, and what comes apart: each with a message that helps, and nothing lost.

use std::{fs, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Installation, Line, Shape, eventually};

/// The sample configuration in a folder of the test's own.
async fn sample(installation: &Installation) -> std::path::PathBuf {
    let folder = installation.data().with_file_name("config");
    let output = installation.run(&["init", folder.to_str().unwrap()]).await;
    assert!(output.status.success(), "{output:?}");
    folder.join("static")
}

async fn refused(installation: &Installation, arguments: &[&str]) -> String {
    let mut all: Vec<String> = vec!["up".to_owned()];
    all.extend(installation.port_options());
    all.extend(arguments.iter().map(|argument| (*argument).to_owned()));
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let output = installation.run(&all).await;
    assert!(!output.status.success(), "it should not start");
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test]
async fn broken_json_is_reported_with_file_and_line() {
    let installation = Installation::prepare(Shape::OneProcess).await.unwrap();
    let folder = sample(&installation).await;
    let plans = folder.join("plans/plans.json");
    let text = fs::read_to_string(&plans).unwrap();
    let broken: Vec<&str> = text.lines().take(4).chain(["  oops"]).collect();
    fs::write(&plans, broken.join("\n")).unwrap();
    let error = refused(&installation, &["--config", folder.to_str().unwrap()]).await;
    assert!(
        error.contains("plans/plans.json") && error.contains('5'),
        "{error}"
    );
}

#[tokio::test]
async fn an_unknown_plan_is_reported_with_its_name_and_the_api() {
    let installation = Installation::prepare(Shape::OneProcess).await.unwrap();
    let folder = sample(&installation).await;
    let apis = folder.join("apis/apis.json");
    let mut document: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&apis).unwrap()).unwrap();
    document["apis"][0]["plans"] = serde_json::json!(["gold"]);
    fs::write(&apis, document.to_string()).unwrap();
    let output = installation
        .run(&["config", "check", folder.to_str().unwrap()])
        .await;
    assert_eq!(output.status.code(), Some(1));
    let report = String::from_utf8(output.stdout).unwrap();
    assert!(
        report.contains("gold") && report.contains("apis.json"),
        "{report}"
    );
    let error = refused(&installation, &["--config", folder.to_str().unwrap()]).await;
    assert!(error.contains("gold"), "{error}");
}

#[tokio::test]
async fn what_a_configuration_becomes_on_a_gateway_is_shown_without_any_service() {
    let installation = Installation::prepare(Shape::OneProcess).await.unwrap();
    let folder = sample(&installation).await;
    let build = ["gateway", "build", "--print", folder.to_str().unwrap()];
    let output = installation.run(&build).await;
    assert!(output.status.success(), "{output:?}");
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let services = document["services"].as_array().unwrap();
    let named = |name: &str| services.iter().any(|service| service["name"] == name);
    assert!(named("petstore") && named("default-auth") && named("portal-api"));

    let apis = folder.join("apis/petstore/config.json");
    let mut document: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&apis).unwrap()).unwrap();
    document["plugins"] = serde_json::json!([{"name": "nonsense", "config": {}}]);
    fs::write(&apis, document.to_string()).unwrap();
    let output = installation.run(&build).await;
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains("petstore") && error.contains("nonsense"),
        "{error}"
    );
}

#[test]
fn a_reader_that_has_seen_enough_is_no_fault() {
    for arguments in [
        &["config", "texts"][..],
        &["config", "schema", "globals"],
        &["completions", "bash"],
        &["man"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = std::process::Command::new(Installation::binary())
            .args(arguments)
            .stdout(writer)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        assert_eq!(said, "", "{arguments:?}");
    }
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_written_is_named() {
    let installation = Installation::prepare(Shape::OneProcess).await.unwrap();
    // A file in its place: permissions do not stop root, under which tests may run.
    let file = installation.data().with_file_name("not-a-folder");
    fs::write(&file, "").unwrap();
    let error = refused(&installation, &["--data", file.to_str().unwrap()]).await;
    assert!(
        error.contains("not-a-folder") && error.contains("--data"),
        "{error}"
    );
}

#[tokio::test]
async fn another_master_key_is_refused_before_anything_is_touched() {
    let mut installation = Installation::start(Shape::OneProcess).await.unwrap();
    installation.interrupt("up").await;
    let data = installation.data();
    let other = service::keys::MasterKey::generate().to_text();
    let original = fs::read_to_string(data.join("master.key")).unwrap();
    fs::write(data.join("master.key"), other).unwrap();
    let error = refused(&installation, &["--data", data.to_str().unwrap()]).await;
    assert!(error.contains("master key"), "{error}");
    fs::write(data.join("master.key"), original).unwrap();
    installation.launch().await;
}

#[tokio::test]
async fn a_database_that_is_away_is_waited_for_with_a_visible_reason() {
    let mut installation = Installation::prepare(Shape::OneProcess).await.unwrap();
    // Nobody listens there.
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    installation.set(
        "DATABASE_URL",
        &format!("postgres://wicketgate:s3cr3t@{free}/portal"),
    );
    installation.launch_without_waiting();
    let url = installation.url("api") + "/readyz";
    let reason = eventually("portal-api says what it waits for", async || {
        let answer = installation.http.get(&url).send().await.ok()?;
        let text = answer.text().await.ok()?;
        text.contains("database").then_some(text)
    })
    .await;
    assert!(!reason.contains("s3cr3t"), "{reason}");
    let alive = installation.url("api") + "/healthz";
    assert_eq!(
        installation.http.get(alive).send().await.unwrap().status(),
        200
    );
    assert!(!installation.log().contains("s3cr3t"));
}

#[tokio::test]
async fn a_database_that_is_lost_in_between_is_waited_for() {
    let Some(mut installation) = Installation::prepare(Shape::OneProcessPostgres).await else {
        return;
    };
    let mut database: url::Url = installation
        .setting("DATABASE_URL")
        .unwrap()
        .parse()
        .unwrap();
    let line = Line::to(
        database.host_str().unwrap().to_owned(),
        database.port().unwrap_or(5432),
    )
    .await;
    database.set_host(Some("127.0.0.1")).unwrap();
    database.set_port(Some(line.port)).unwrap();
    installation.set("DATABASE_URL", database.as_str());
    installation.launch().await;
    let keys = service::keys::MasterKey::parse(&installation.master_key()).unwrap();
    let keys = service::keys::Keys::from_master(keys);
    let identity = service::token::Identity::new(service::ServiceName::AuthServer, keys);
    let look_up = async || {
        let token = identity.token_for(service::ServiceName::PortalApi).unwrap();
        let url = installation.url("api") + "/users?email=admin@localhost.localdomain";
        let answer = installation
            .http
            .get(url)
            .bearer_auth(token)
            .send()
            .await
            .unwrap();
        (
            answer.status().as_u16(),
            answer.headers().contains_key("retry-after"),
        )
    };
    assert_eq!(look_up().await, (200, false));

    line.cut();
    eventually("the answer is 503 with Retry-After", async || {
        (look_up().await == (503, true)).then_some(())
    })
    .await;
    let clock = installation.gateway() + "/clock/v1/time";
    assert_eq!(
        installation.http.get(clock).send().await.unwrap().status(),
        200,
        "calls go on"
    );

    line.mend();
    eventually("the data is back", async || {
        (look_up().await.0 == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn hostile_requests_are_refused_and_the_services_go_on() {
    let installation = Installation::start(Shape::OneProcess).await.unwrap();
    let big = vec![b'x'; 10 * 1024 * 1024];
    for (name, path) in [
        ("portal", "/login"),
        ("api", "/users"),
        ("auth", "/auth/oauth2/token"),
    ] {
        let request = installation.http.post(installation.url(name) + path);
        let answer = request
            .header("content-type", "application/json")
            .body(big.clone())
            .send()
            .await;
        // A server may close the connection before it has read everything.
        let status = answer.map_or(413, |answer| answer.status().as_u16());
        assert!((400..500).contains(&status), "{name}: {status}");
        let invalid = b"{\"email\": \"\xff\xfe\"}".to_vec();
        let request = installation.http.post(installation.url(name) + path);
        let answer = request
            .header("content-type", "application/json")
            .body(invalid)
            .send()
            .await
            .unwrap();
        assert!(
            answer.status().is_client_error(),
            "{name}: {}",
            answer.status()
        );
        let answer = installation
            .http
            .get(installation.url(name) + "/%ff%fe?%ff=%zz")
            .send()
            .await
            .unwrap();
        assert!(
            answer.status().is_client_error() || answer.status().is_success(),
            "{name}: {}",
            answer.status()
        );
    }
}

#[tokio::test]
async fn a_thousand_idle_connections_on_a_port_keep_nobody_out() {
    let installation = Installation::start(Shape::OneProcess).await.unwrap();
    for name in ["portal", "api", "auth", "gateway"] {
        let address = installation.url(name).replace("http://", "");
        let mut idle = Vec::new();
        for _ in 0..1000 {
            idle.push(TcpStream::connect(&address).await.unwrap());
        }
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream
            .write_all(
                b"GET /clock/v1/time HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            )
            .await
            .unwrap();
        let mut answer = String::new();
        let read = tokio::time::timeout(Duration::from_secs(5), stream.read_to_string(&mut answer));
        read.await.expect("it answers in time").unwrap();
        assert!(answer.starts_with("HTTP/1.1 "), "{name}: {answer}");
    }
}
