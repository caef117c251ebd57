//! The event bus as listeners and operators see it (events-and-adapters A, B and H 1 to 12).

mod dead;
mod delivering;
mod failing;
mod instances;
mod old;
mod owners;
mod reading;
mod signing;
mod together;

use std::time::{Duration, Instant};

use portal_api::{Pace, Settings};
use serde_json::{Value, json};

use crate::{
    authorization::ALL_SCOPES,
    receiver::Received,
    support::{ADMIN, Answer, Client, TestApi},
};

/// Lets listeners be on this machine, and hurries.
fn quick(settings: &mut Settings) {
    settings.events.networks = vec!["127.0.0.0/8".parse().unwrap()];
    settings.events.pace = Pace {
        floor: Duration::from_millis(20),
        base: Duration::from_millis(20),
        reminder: Duration::from_millis(100),
        poll: Duration::from_millis(20),
    };
}

/// How many events came.
fn count(requests: &[Received]) -> usize {
    requests.iter().map(|one| one.events.len()).sum()
}

async fn apis() -> Vec<TestApi> {
    TestApi::on_each_database(&[], quick).await
}

fn admin(api: &TestApi) -> Client<'_> {
    api.user(ADMIN, ALL_SCOPES)
}

/// Registers `crm-sync` for the events of applications, with some more settings.
async fn listen(api: &TestApi, url: &str, settings: Value) -> Answer {
    listen_as(api, "crm-sync", url, settings).await
}

async fn listen_as(api: &TestApi, id: &str, url: &str, settings: Value) -> Answer {
    let mut body = json!({"id": id, "url": url, "events": ["application.*"]});
    for (name, value) in settings.as_object().unwrap() {
        body[name] = value.clone();
    }
    let path = format!("/webhooks/listeners/{id}");
    admin(api).put(&path, body).await.expect(200)
}

/// Makes one event; the application's name in it.
async fn application(api: &TestApi, id: &str) {
    let body = json!({"id": id, "name": id});
    admin(api).post("/applications", body).await.expect(201);
}

async fn rename(api: &TestApi, id: &str, name: &str) {
    let body = json!({"id": id, "name": name});
    let path = format!("/applications/{id}");
    admin(api).patch(&path, body).await.expect(200);
}

async fn applications(api: &TestApi, count: usize) {
    for number in 0..count {
        application(api, &format!("app-{number:04}")).await;
    }
}

async fn queue(api: &TestApi, listener: &str) -> Vec<Value> {
    let path = format!("/webhooks/events/{listener}");
    let events = admin(api).get(&path).await.expect(200).json();
    events.as_array().unwrap().clone()
}

/// Waits until nothing is left in the queue.
async fn until_empty(api: &TestApi, listener: &str) {
    until(api, &format!("/webhooks/events/{listener}"), |queue| {
        queue.as_array().unwrap().is_empty()
    })
    .await;
}

/// Waits until an answer is as wanted.
async fn until(api: &TestApi, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let answer = admin(api).get(path).await.expect(200).json();
        if wanted(&answer) {
            return answer;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "{path}: {answer:#}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Numbers of events in the order in which they came.
fn seqs(events: &[Value]) -> Vec<i64> {
    let seqs = events.iter().map(|event| event["seq"].as_i64().unwrap());
    seqs.collect()
}

fn is_sorted(events: &[Value]) -> bool {
    seqs(events).is_sorted()
}
