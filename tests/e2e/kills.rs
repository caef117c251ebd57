//! `kill -9` at random moments while subscriptions are made: what was acknowledged exists, its
//! event reaches every listener, its key works, and nothing is there twice.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use service::{
    ServiceName,
    keys::{Keys, MasterKey},
    token::Identity,
};

use crate::{
    journey::Person,
    support::{Installation, Shape, eventually},
};

/// The short size of the run; the full one is below.
const SHORT: Run = Run {
    rounds: 2,
    subscriptions: 25,
};
/// `cargo test -p wicketgate --test e2e -- --ignored kills`.
const FULL: Run = Run {
    rounds: 20,
    subscriptions: 500,
};

#[derive(Clone, Copy)]
struct Run {
    rounds: usize,
    /// Over all rounds.
    subscriptions: usize,
}

#[tokio::test]
async fn killing_the_one_process_loses_nothing_acknowledged() {
    kill_while_subscribing(Shape::OneProcess, &["up"], SHORT).await;
}

#[tokio::test]
async fn killing_single_services_loses_nothing_acknowledged() {
    kill_while_subscribing(
        Shape::Apart,
        &["portal-api", "gateway-adapter", "gateway"],
        SHORT,
    )
    .await;
}

#[tokio::test]
#[ignore = "takes minutes; run before a release"]
async fn kills_of_the_one_process_in_full() {
    kill_while_subscribing(Shape::OneProcess, &["up"], FULL).await;
}

#[tokio::test]
#[ignore = "takes minutes; run before a release"]
async fn kills_of_single_services_in_full() {
    kill_while_subscribing(
        Shape::Apart,
        &["portal-api", "gateway-adapter", "gateway"],
        FULL,
    )
    .await;
}

#[tokio::test]
async fn the_gateway_serves_with_everything_else_stopped_and_after_its_own_restart() {
    let Some(installation) = Installation::start(Shape::Apart).await else {
        return;
    };
    let client = Client::new(&installation).await;
    let key = client.subscribe(&installation, "survivor").await.unwrap();
    let works = async |installation: &Installation| {
        let url = installation.gateway() + "/petstore/v1/inventory";
        let call = installation.http.get(url).header("x-apikey", &key);
        // The backend of the sample is gone with portal-api: 502 says that the key was accepted.
        matches!(call.send().await.ok()?.status().as_u16(), 200 | 502 | 503).then_some(())
    };
    eventually("the key works", async || works(&installation).await).await;
    for service in [
        "portal-api",
        "auth-server",
        "portal",
        "gateway-adapter",
        "mailer",
        "chatbot",
    ] {
        installation.kill(service).await;
    }
    works(&installation)
        .await
        .expect("with everything else stopped");
    installation.kill_and_restart("gateway").await;
    eventually("after its own restart", async || works(&installation).await).await;
    let url = installation.gateway() + "/petstore/v1/inventory";
    assert_eq!(
        installation.http.get(url).send().await.unwrap().status(),
        401,
        "still closed"
    );
}

async fn kill_while_subscribing(shape: Shape, victims: &[&str], run: Run) {
    let Some(mut installation) = Installation::start(shape).await else {
        return;
    };
    let listener = Listener::start().await;
    installation.set("EVENT_ALLOWED_NETWORKS", "127.0.0.0/8");
    installation.set("EVENT_ALLOWED_PORTS", "*");
    for victim in victims {
        installation.kill_and_restart(victim).await;
    }
    installation.until_ready().await;
    let client = Client::new(&installation).await;
    client.register(&installation, &listener).await;

    let mut acknowledged = Vec::new();
    let mut number = 0;
    for round in 0..run.rounds {
        let victim = victims[round % victims.len()];
        let per_round = run.subscriptions / run.rounds;
        // Somewhere within the round.
        let moment = fastrand::usize(1..per_round.max(2));
        for step in 0..per_round {
            if step == moment {
                installation.kill_and_restart(victim).await;
            }
            number += 1;
            let name = format!("killed-{number:04}");
            // Not acknowledged is not promised; the next one is tried.
            if let Some(key) = client.subscribe(&installation, &name).await {
                acknowledged.push((name, key));
            }
        }
        installation.until_ready().await;
    }
    assert!(!acknowledged.is_empty());

    let subscribed = client.subscriptions(&installation).await;
    for (name, key) in &acknowledged {
        assert_eq!(
            subscribed.iter().filter(|id| *id == name).count(),
            1,
            "{name} exists once"
        );
        let url = installation.gateway() + "/petstore/v1/inventory";
        eventually(
            &format!("the key of {name} works\n{}", installation.log()),
            async || {
                let call = installation.http.get(&url).header("x-apikey", key);
                (call.send().await.ok()?.status() == 200).then_some(())
            },
        )
        .await;
    }
    eventually("every event reaches the listener", async || {
        let told = listener.told.lock().unwrap();
        acknowledged
            .iter()
            .all(|(name, _)| told.contains(name))
            .then_some(())
    })
    .await;
}

/// Speaks to portal-api as an administrator.
struct Client {
    identity: Identity,
    user: String,
}

impl Client {
    async fn new(installation: &Installation) -> Self {
        let master = installation.master_key();
        let keys = Keys::from_master(MasterKey::parse(&master).unwrap());
        let email = Person::administrator(installation).await.email;
        let mut client = Self {
            identity: Identity::new(ServiceName::AuthServer, keys),
            user: "1".to_owned(),
        };
        let found = client.request(
            installation,
            reqwest::Method::GET,
            &format!("/users?email={email}"),
        );
        let found: Value = found.send().await.unwrap().json().await.unwrap();
        found[0]["id"]
            .as_str()
            .unwrap()
            .clone_into(&mut client.user);
        client
    }

    fn request(
        &self,
        installation: &Installation,
        method: reqwest::Method,
        path: &str,
    ) -> reqwest::RequestBuilder {
        installation
            .http
            .request(method, installation.url("api") + path)
            .bearer_auth(self.identity.token_for(ServiceName::PortalApi).unwrap())
            .header("x-authenticated-userid", format!("sub={}", self.user))
            .header("x-authenticated-scope", "read_users read_applications write_applications read_subscriptions write_subscriptions webhooks")
    }

    /// An application with a subscription; the key, if portal-api has acknowledged it.
    async fn subscribe(&self, installation: &Installation, name: &str) -> Option<String> {
        let body = json!({"id": name, "name": name});
        let application = self
            .request(installation, reqwest::Method::POST, "/applications")
            .json(&body);
        application.send().await.ok()?.error_for_status().ok()?;
        let body = json!({"application": name, "api": "petstore", "plan": "unlimited"});
        let path = format!("/applications/{name}/subscriptions");
        let subscription = self
            .request(installation, reqwest::Method::POST, &path)
            .json(&body);
        let answer: Value = subscription
            .send()
            .await
            .ok()?
            .error_for_status()
            .ok()?
            .json()
            .await
            .ok()?;
        Some(answer["apikey"].as_str().unwrap().to_owned())
    }

    /// The applications of all subscriptions to the pet store.
    async fn subscriptions(&self, installation: &Installation) -> Vec<String> {
        let answer = self
            .request(installation, reqwest::Method::GET, "/subscriptions?embed=1")
            .send()
            .await;
        let page: Value = answer
            .unwrap()
            .error_for_status()
            .unwrap()
            .json()
            .await
            .unwrap();
        let items = page["items"].as_array().unwrap();
        items
            .iter()
            .map(|item| item["application"].as_str().unwrap().to_owned())
            .collect()
    }

    async fn register(&self, installation: &Installation, listener: &Listener) {
        let body = json!({"id": "witness", "url": listener.url, "mode": "ack"});
        let request = self
            .request(
                installation,
                reqwest::Method::PUT,
                "/webhooks/listeners/witness",
            )
            .json(&body);
        request.send().await.unwrap().error_for_status().unwrap();
    }
}

/// A foreign listener that outlives the kills.
struct Listener {
    url: String,
    /// Applications whose `subscription.add` arrived.
    told: Arc<Mutex<BTreeSet<String>>>,
}

impl Listener {
    async fn start() -> Self {
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", socket.local_addr().unwrap());
        let told: Arc<Mutex<BTreeSet<String>>> = Arc::default();
        let told_here = told.clone();
        let take = move |axum::Json(events): axum::Json<Vec<Value>>| async move {
            let mut told = told_here.lock().unwrap();
            for event in events {
                if event["entity"] == "subscription" && event["action"] == "add" {
                    told.insert(event["data"]["applicationId"].as_str().unwrap().to_owned());
                }
            }
            "OK"
        };
        let app = axum::Router::new().fallback(take);
        tokio::spawn(async move { axum::serve(socket, app).await });
        Self { url, told }
    }
}
