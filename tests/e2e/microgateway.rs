//! Some APIs of a running installation for a gateway that works without it, and what becomes of
//! the calls there.

use std::{fs, net::SocketAddr, path::Path, process::Stdio};

use axum::{Json, Router};
use http::HeaderMap;
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::{
    journey::{Client, Person},
    support::{Installation, Shape, Visitor, change, eventually, free_address},
};

#[tokio::test]
async fn chosen_apis_work_without_the_installation_and_their_usage_comes_home() {
    let installation = Installation::start(Shape::OneProcess)
        .await
        .expect("SQLite is always there");
    let ada = Person::sign_up(&installation, "ada@example.com", "Ada").await;
    let key = ada
        .subscribe_new_application("tea-shop", "petstore", "free")
        .await;
    let (id, secret) = ada.subscribe_client("tea-orders", "orders", "free").await;
    let client = Client::new(id, secret, "");
    let token = client.own_token(&installation).await;

    let folder = tempfile::tempdir().unwrap();
    let (project, artefact) = (folder.path().join("edge"), folder.path().join("edge.one"));
    let (project, artefact) = (project.to_str().unwrap(), artefact.to_str().unwrap());
    let run = async |arguments: &[&str]| {
        let data = installation.data();
        let arguments = [&["gateway"], arguments].concat();
        let mut command = installation.command(arguments[0]);
        command.args(&arguments[1..]).env("WICKETGATE_DATA", data);
        let output = command.output().await.unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code(), text)
    };
    let expect = async |arguments: &[&str]| {
        let (code, text) = run(arguments).await;
        assert_eq!(code, Some(0), "{arguments:?}: {text}");
        text
    };
    let api = installation.url("api");
    let setup = ["setup", project, "--from", &api];
    expect(&[setup.as_slice(), &["--api", "petstore", "--api", "orders"]].concat()).await;
    let (code, text) = run(&setup).await;
    assert_eq!(code, Some(1), "it is there already: {text}");
    let text = expect(&[setup.as_slice(), &["--refresh"]].concat()).await;
    assert!(text.contains("petstore, orders"), "{text}");

    // The environment of the edge has backends of its own.
    let backend = backend().await;
    let variables = json!({
        "PETSTORE_URL": { "value": backend }, "ORDERS_URL": { "value": backend }
    });
    let file = Path::new(project).join("env/edge.json");
    fs::write(file, variables.to_string()).unwrap();
    let build = ["build", project, "--environment", "edge", "-o"];
    expect(&[build.as_slice(), &[artefact]].concat()).await;
    let second = format!("{artefact}.again");
    expect(&[build.as_slice(), &[&second]].concat()).await;
    let bytes = fs::read(artefact).unwrap();
    assert!(bytes == fs::read(second).unwrap(), "the same input");
    assert!(!String::from_utf8_lossy(&bytes).contains(&key));

    // Nothing of the installation is left that it could ask.
    installation.terminate("up").await;
    let mut edge = Edge::start(folder.path(), artefact).await;
    let call = async |path: &str, name: &str, value: &str| {
        let request = Visitor::client().get(edge.url(path)).header(name, value);
        let request = request.header("x-authenticated-userid", "somebody");
        request.send().await.unwrap()
    };
    let answer = call("/petstore/v1/pets", "x-apikey", &key).await;
    assert_eq!(answer.status(), 200);
    let seen: Value = answer.json().await.unwrap();
    assert!(seen["x-consumer-custom-id"].is_string(), "{seen}");
    assert!(seen["x-authenticated-userid"].is_null(), "{seen}");
    let status = async |path, name, value| call(path, name, value).await.status().as_u16();
    assert_eq!(status("/petstore/v1/pets", "x-apikey", "wrong").await, 401);
    assert_eq!(status("/petstore/v1/pets", "x-other", "").await, 401);
    let bearer = format!("Bearer {token}");
    assert_eq!(status("/orders/v1/x", "authorization", &bearer).await, 200);
    let other = format!("Bearer {}", token.to_uppercase());
    assert_eq!(status("/orders/v1/x", "authorization", &other).await, 401);
    assert_eq!(
        status("/time/v1/now", "x-apikey", &key).await,
        404,
        "not chosen"
    );
    assert_eq!(status("/auth/login", "x-apikey", &key).await, 404);
    // Ten calls in a minute, as everywhere.
    for _ in 0..9 {
        status("/petstore/v1/pets", "x-apikey", &key).await;
    }
    assert_eq!(status("/petstore/v1/pets", "x-apikey", &key).await, 429);
    edge.expect_unchangeable().await;
    edge.end().await;

    // It was written, and is taken once.
    installation.start_again("up");
    installation.until_ready().await;
    let usage = folder.path().join("data/usage");
    let adapter = installation.url("adapter");
    let upload = ["upload", usage.to_str().unwrap(), "--to", &adapter];
    let text = expect(&upload).await;
    assert!(text.contains("calls in"), "{text}");
    expect(&[upload.as_slice(), &["--remove"]].concat()).await;
    assert_eq!(fs::read_dir(&usage).unwrap().count(), 0);
    expect_calls_of_pets(&installation).await;
}

/// Eleven, one of them too many for the plan.
async fn expect_calls_of_pets(installation: &Installation) {
    let page = installation.portal() + "/applications/tea-shop/usage.csv";
    let mut ada = Person::known(installation, "ada@example.com");
    ada.log_in_again().await;
    eventually("the portal shows the calls once", async || {
        let csv = ada.visitor.open(&page).await.html;
        let mut lines = csv.lines();
        lines
            .any(|line| line.starts_with("GET /pets;") && line.contains(";11;1;"))
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_changed_artefact_and_one_that_needs_others_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let configuration = folder.path().join("configuration");
    crate::support::copy_sample(&configuration);
    change(&configuration.join("plans/plans.json"), |plans| {
        let limit = json!({ "minute": 5, "policy": "redis", "redis_host": "localhost" });
        plans["plans"][1]["config"]["plugins"][0]["config"] = limit;
    });
    let run = async |arguments: &[&str]| {
        let mut command = Command::new(Installation::binary());
        command.current_dir(folder.path()).arg("gateway");
        let output = command.args(arguments).output().await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        )
    };
    let from = configuration.to_str().unwrap();
    let (code, _, reason) = run(&["setup", "edge", "--from", from, "--api", "none"]).await;
    assert!(
        code == Some(1) && reason.contains("no API `none`"),
        "{reason}"
    );
    let (code, ..) = run(&["setup", "edge", "--from", from, "--api", "petstore"]).await;
    assert_eq!(code, Some(0));
    let subscribe = |plan| {
        let who = ["subscribe", "edge", "--application", "shop"];
        [who.as_slice(), &["--api", "petstore", "--plan", plan]].concat()
    };
    let (code, _, reason) = run(&subscribe("golden")).await;
    assert!(code == Some(1) && reason.contains("`golden`"), "{reason}");
    let (_, key, _) = run(&subscribe("free")).await;
    let (code, _, reason) = run(&["build", "edge"]).await;
    assert_eq!(
        code,
        Some(0),
        "nobody has the plan with the Redis: {reason}"
    );
    run(&subscribe("team")).await;
    let (code, _, reason) = run(&["build", "edge"]).await;
    assert!(
        code == Some(1) && reason.contains("--allow redis"),
        "{reason}"
    );
    let (code, ..) = run(&["build", "edge", "--allow", "redis", "-o", "other"]).await;
    assert_eq!(code, Some(0));

    let artefact = folder.path().join("edge.microgateway");
    let edge = Edge::start(folder.path(), artefact.to_str().unwrap()).await;
    let request = Visitor::client().get(edge.url("/petstore/v1/pets"));
    let answer = request.header("x-apikey", key.trim()).send().await.unwrap();
    assert_eq!(answer.status(), 502, "known, and no backend is there");
    drop(edge);
    let mut bytes = fs::read(&artefact).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&artefact, bytes).unwrap();
    let (code, _, reason) = run(&["run", "edge.microgateway"]).await;
    assert!(code == Some(1) && reason.contains("changed"), "{reason}");
}

/// The block of the documentation, as a shell reads it.
#[tokio::test]
async fn the_pipeline_of_the_documentation_runs_as_it_is_written() {
    let installation = Installation::start(Shape::OneProcess)
        .await
        .expect("SQLite is always there");
    let ada = Person::sign_up(&installation, "ada@example.com", "Ada").await;
    let key = ada
        .subscribe_new_application("tea-shop", "petstore", "free")
        .await;
    let text = include_str!("../../docs/gateway/microgateway.md");
    let (_, script) = text.split_once("```sh\n").unwrap();
    let (script, _) = script.split_once("```").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let binary = Path::new(Installation::binary()).parent().unwrap();
    let path = format!(
        "{}:{}",
        binary.display(),
        service::settings::var("PATH").unwrap()
    );
    let [proxy, admin, status] =
        [free_address(), free_address(), free_address()].map(|address| address.to_string());
    let output = Command::new("sh")
        .args(["-c", script])
        .current_dir(folder.path())
        .env("PATH", path)
        .env("WICKETGATE_DATA", installation.data())
        .env("PORTAL_API", installation.url("api"))
        .env("ADAPTER", installation.url("adapter"))
        .env("BACKEND", backend().await)
        .env("KEY", key)
        .env("GATEWAY_LISTEN", proxy)
        .env("GATEWAY_ADMIN_LISTEN", admin)
        .env("GATEWAY_STATUS_LISTEN", status)
        .output()
        .await
        .unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(printed.contains("x-consumer-custom-id"), "{printed}{log}");
    assert!(printed.contains("1 calls in 1 batches"), "{printed}{log}");
}

/// Answers with the headers of the request.
async fn backend() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let echo = async |headers: HeaderMap| {
        let text = |value: &http::HeaderValue| value.to_str().unwrap().to_owned();
        let headers = headers.iter();
        let seen = headers.map(|(name, value)| (name.to_string(), text(value).into()));
        Json(Value::Object(seen.collect()))
    };
    let app = Router::new().fallback(echo);
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

/// `wicketgate gateway run`, with nothing but its artefact.
struct Edge {
    process: Child,
    proxy: SocketAddr,
    admin: SocketAddr,
}

impl Edge {
    async fn start(folder: &Path, artefact: &str) -> Self {
        let (proxy, admin, status) = (free_address(), free_address(), free_address());
        let mut command = Command::new(Installation::binary());
        command
            .args(["gateway", "run", artefact])
            .current_dir(folder)
            .env_clear()
            .env("GATEWAY_LISTEN", proxy.to_string())
            .env("GATEWAY_ADMIN_LISTEN", admin.to_string())
            .env("GATEWAY_STATUS_LISTEN", status.to_string())
            .stdout(Stdio::null())
            .kill_on_drop(true);
        let edge = Self {
            process: command.spawn().unwrap(),
            proxy,
            admin,
        };
        eventually("the microgateway serves", async || {
            let answer = Visitor::client().get(edge.url("/")).send().await.ok()?;
            (answer.status() == 404).then_some(())
        })
        .await;
        edge
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.proxy)
    }

    async fn expect_unchangeable(&self) {
        let admin = format!("http://{}", self.admin);
        let client = Visitor::client();
        let service = json!({ "url": "http://127.0.0.1:1" });
        let document = json!({ "_format_version": "3.0" });
        for request in [
            client.post(format!("{admin}/services")).json(&service),
            client.delete(format!("{admin}/consumers/tea-shop$petstore")),
            client.post(format!("{admin}/config")).json(&document),
        ] {
            assert_eq!(request.send().await.unwrap().status(), 405);
        }
    }

    async fn end(&mut self) {
        let pid = self.process.id().unwrap().to_string();
        let sent = std::process::Command::new("kill").arg(pid).status();
        assert!(sent.unwrap().success());
        assert!(self.process.wait().await.unwrap().success());
    }
}
