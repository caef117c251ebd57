//! `wicketgate listen`: what people see who build a listener.

use std::{process::Stdio, time::Duration};

use axum::{body::Bytes, http::HeaderMap};
use sdk::signature::Secrets;
use serde_json::{Value, json};
use service::{
    ServiceName,
    keys::{Keys, MasterKey},
    token::Identity,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader, Lines},
    sync::mpsc,
};

use crate::support::{Installation, Shape};

/// The next line with `text` in it.
async fn line_with(lines: &mut Lines<BufReader<impl AsyncRead + Unpin>>, text: &str) -> String {
    let reading = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains(text) {
                return line;
            }
        }
        panic!("it ended without a line with `{text}`")
    };
    tokio::time::timeout(Duration::from_secs(20), reading)
        .await
        .unwrap_or_else(|_| panic!("no line with `{text}`"))
}

/// The listener that is being built: hands out what it gets.
async fn target() -> (String, mpsc::UnboundedReceiver<(HeaderMap, Bytes)>) {
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", socket.local_addr().unwrap());
    let (sender, receiver) = mpsc::unbounded_channel();
    let take = async move |headers: HeaderMap, body: Bytes| {
        sender.send((headers, body)).unwrap();
    };
    let app = axum::Router::new().fallback(take);
    tokio::spawn(async move { axum::serve(socket, app).await });
    (url, receiver)
}

#[tokio::test]
async fn it_prints_events_hands_them_on_signed_and_leaves_nothing_behind() {
    let installation = Installation::start(Shape::OneProcess).await.unwrap();
    let (url, mut arrived) = target().await;
    let mut command = installation.command("listen");
    command
        .args(["--events", "user.*", "--to", &url])
        .args(["--portal-api", &installation.url("api")])
        .arg("--data")
        .arg(installation.data())
        .stdin(Stdio::null());
    let mut listen = command.spawn().unwrap();
    let mut told = BufReader::new(listen.stderr.take().unwrap()).lines();
    let mut printed = BufReader::new(listen.stdout.take().unwrap()).lines();
    line_with(&mut told, "Listening as `listen-").await;
    let secret = line_with(&mut told, "signed with whsec_").await;
    let mut secrets = Secrets::default();
    secrets
        .push(secret.split_whitespace().last().unwrap())
        .unwrap();

    let keys = Keys::from_master(MasterKey::parse(&installation.master_key()).unwrap());
    let identity = Identity::new(ServiceName::AuthServer, keys);
    let token = identity.token_for(ServiceName::PortalApi).unwrap();
    let api = installation.url("api");
    let user = json!({"customId": "internal:listened", "email": "listened@example.org"});
    let made = installation
        .http
        .post(format!("{api}/users/machine"))
        .bearer_auth(&token)
        .json(&user);
    let made: Value = made.send().await.unwrap().json().await.unwrap();

    let line = line_with(&mut printed, "\"user\"").await;
    let event: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (&event["action"], &event["data"]["userId"]),
        (&json!("add"), &made["id"])
    );
    let (headers, body) = arrived.recv().await.unwrap();
    secrets.verify(&headers, &body).unwrap();
    let handed: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(handed, json!([event]));
    line_with(&mut told, "user.add → 200").await;

    let pid = listen.id().unwrap().to_string();
    std::process::Command::new("kill")
        .args(["-INT", &pid])
        .status()
        .unwrap();
    assert!(listen.wait().await.unwrap().success());
    let queue = installation
        .http
        .get(format!("{api}/webhooks/listeners"))
        .bearer_auth(&token)
        .header("x-authenticated-userid", "sub=1")
        .header("x-authenticated-scope", "webhooks");
    let text = queue.send().await.unwrap().text().await.unwrap();
    assert!(!text.contains("listen-"), "{text}");
}
