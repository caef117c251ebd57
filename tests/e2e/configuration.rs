//! A push to the repository reaches every service, and none of them is started again.

use std::{
    cell::Cell,
    sync::{Arc, Mutex},
};

use axum::{Router, extract::State, routing::post};
use serde_json::{Value, json};

use crate::{
    journey::Person,
    support::{GitHost, Installation, Shape, Visitor, eventually},
};

const PASSWORD: &str = "s3cret/of:git";
/// As it stands in `GIT_CREDENTIALS`.
const ENCODED: &str = "s3cret%2Fof%3Agit";

/// Texts of the messages that were posted to a chat room.
type Room = Arc<Mutex<Vec<String>>>;

async fn chat_room() -> (String, Room) {
    async fn hear(State(room): State<Room>, message: String) {
        room.lock().unwrap().push(message);
    }
    let room = Room::default();
    let router = Router::new()
        .route("/hook", post(hear))
        .with_state(room.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, room)
}

#[tokio::test]
async fn a_push_over_https_changes_portal_gateway_auth_server_mails_and_messages() {
    let Some(host) = GitHost::start(PASSWORD).await else {
        return;
    };
    let mut installation = Installation::prepare(Shape::OneProcess).await.unwrap();
    installation.configure(&host.address());
    installation.set("GIT_CREDENTIALS", &format!("wicketgate:{ENCODED}"));
    installation.set("GIT_POLL_SECONDS", "1");
    let authority = host.authority();
    installation.set("SSL_CERT_FILE", authority.to_str().unwrap());
    // The chat room is on this machine.
    installation.set("EVENT_ALLOWED_NETWORKS", "127.0.0.0/8");
    installation.set("EVENT_ALLOWED_PORTS", "*");
    installation.launch().await;

    let (room_url, room) = chat_room().await;
    assert!(!shows_weather(&installation).await);
    assert_eq!(status(&installation, "/weather/time").await, 404);
    publish_weather(&host);
    change_globals(&host, &room_url);
    host.push("Weather, another sender, a chat room").await;

    eventually("the catalogue shows the new API", async || {
        shows_weather(&installation).await.then_some(())
    })
    .await;
    eventually("the gateway has the new route", async || {
        (status(&installation, "/weather/time").await == 200).then_some(())
    })
    .await;
    // Mailer and chatbot hear of it by themselves, so somebody signs up until they have.
    let number = Cell::new(0);
    eventually("mails and messages are made as configured", async || {
        number.set(number.get() + 1);
        let email = format!("ada{}@example.org", number.get());
        Person::sign_up(&installation, &email, "Ada Lovelace").await;
        let mail = installation.mail_with(&[&email, "http"]).await;
        let is_heard = room.lock().unwrap().iter().any(|text| text.contains("ada"));
        (mail.contains("Weather Office") && is_heard).then_some(())
    })
    .await;

    let server = host.read("auth-servers/default.json");
    let closed = server.replace("\"disableSignup\": false", "\"disableSignup\": true");
    assert_ne!(server, closed);
    host.write("auth-servers/default.json", &closed);
    host.push("Nobody signs up any more").await;
    eventually("the auth server takes nobody any more", async || {
        (!offers_sign_up(&installation).await).then_some(())
    })
    .await;
    nothing_tells_the_password(&installation, &host).await;
}

/// An API behind the sample's clock.
fn publish_weather(host: &GitHost) {
    let mut apis: Value = serde_json::from_str(&host.read("apis/apis.json")).unwrap();
    let weather = json!({"id": "weather", "name": "Weather Report", "desc": "Rain or not.", "auth": "none", "plans": []});
    apis["apis"].as_array_mut().unwrap().push(weather);
    host.write("apis/apis.json", &apis.to_string());
    let clock = host.read("apis/timezones/config.json");
    let config = clock.replace("[\"/clock/v1\"]", "[\"/weather\"]");
    assert_ne!(clock, config);
    let config = config.replace("\"timezones\"", "\"weather\"");
    host.write("apis/weather/config.json", &config);
}

fn change_globals(host: &GitHost, room: &str) {
    let mut globals: Value = serde_json::from_str(&host.read("globals.json")).unwrap();
    globals["mailer"]["senderName"] = "Weather Office".into();
    globals["chatbot"] = json!({
        "useChatbot": true, "username": "Weather Office", "icon_url": "",
        "targets": [{"type": "slack", "hookUrl": room, "events": {"userSignedUp": true}}],
    });
    host.write("globals.json", &globals.to_string());
}

async fn shows_weather(installation: &Installation) -> bool {
    let page = Visitor::default()
        .open(&(installation.portal() + "/apis"))
        .await;
    page.expect(200).text().contains("Weather Report")
}

async fn status(installation: &Installation, path: &str) -> u16 {
    let url = installation.gateway() + path;
    let answer = installation.http.get(url).send().await.unwrap();
    answer.status().as_u16()
}

async fn offers_sign_up(installation: &Installation) -> bool {
    let page = Visitor::default()
        .open(&(installation.portal() + "/login"))
        .await;
    page.expect(200).text().contains("Create an account")
}

/// Neither while all is well nor when the host does not take it any more.
async fn nothing_tells_the_password(installation: &Installation, host: &GitHost) {
    host.set_password("another one");
    eventually("the log says that the host refuses", async || {
        let log = installation.log();
        log.contains("refused the credentials").then_some(())
    })
    .await;
    let health = installation.url("api") + "/readyz";
    let health = installation.http.get(health).send().await.unwrap();
    let metrics = installation.url("api") + "/metrics";
    let metrics = installation.http.get(metrics).send().await.unwrap();
    for text in [
        installation.log(),
        health.text().await.unwrap(),
        metrics.text().await.unwrap(),
    ] {
        for secret in [PASSWORD, ENCODED] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    // What was served goes on.
    assert!(shows_weather(installation).await);
}
