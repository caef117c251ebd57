//! Many writers at once: nothing fails, nothing is lost or done twice, and every change has exactly
//! one event. One instance on SQLite, two on one PostgreSQL.
//!
//! The long run: `cargo test -p portal-api --test it -- --ignored writers`

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{ADMIN, Answer, Client, PARTNER, TestApi};

const WRITERS: usize = 32;
const SCOPES: &str =
    "read_applications write_applications read_subscriptions write_subscriptions webhooks";
/// Changed by everybody; its description counts.
const SHARED: &str = "shared-by-all";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_writers_lose_nothing_on_sqlite() {
    write_at_once(&[TestApi::start().await], Duration::from_secs(2)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_writers_lose_nothing_on_two_instances() {
    on_two_instances(Duration::from_secs(2)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "takes a minute"]
async fn many_writers_lose_nothing_in_a_minute_on_sqlite() {
    write_at_once(&[TestApi::start().await], Duration::from_mins(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "takes a minute"]
async fn many_writers_lose_nothing_in_a_minute_on_two_instances() {
    on_two_instances(Duration::from_mins(1)).await;
}

async fn on_two_instances(time: Duration) {
    if let Some(first) = TestApi::start_on_postgres().await {
        let second = first.another().await;
        write_at_once(&[second, first], time).await;
    }
}

/// What was acknowledged.
#[derive(Default)]
struct Book {
    /// Expected events, by what they say.
    events: Mutex<BTreeMap<String, u64>>,
    applications: AtomicU64,
    subscriptions: AtomicU64,
    increments: AtomicU64,
}

impl Book {
    fn expect(&self, event: String) {
        *self.events.lock().unwrap().entry(event).or_default() += 1;
    }
}

async fn write_at_once(instances: &[TestApi], time: Duration) {
    let caller = admin(&instances[0]);
    let listener = json!({"id": "book", "url": "https://listener.example.org/", "events": ["*"]});
    caller
        .put("/webhooks/listeners/book", listener)
        .await
        .expect(200);
    let book = Book::default();
    create_application(&caller, &book, SHARED).await.expect(201);
    let until = Instant::now() + time;
    let writers = (0..WRITERS).map(|number| {
        let api = &instances[number % instances.len()];
        writer(api, &book, number, until)
    });
    let (_, seen) = tokio::join!(join_all(writers), drain(&instances[0], until));

    let caller = admin(&instances[0]);
    let applications = count(&caller, "/applications?embed=1").await;
    // The portal's own application and subscription are there, too.
    assert_eq!(applications, book.applications.load(Relaxed) + 1);
    let subscriptions = count(&caller, "/subscriptions?embed=1").await;
    assert_eq!(subscriptions, book.subscriptions.load(Relaxed) + 1);
    let shared = caller.get(&format!("/applications/{SHARED}")).await.json();
    let increments = book.increments.load(Relaxed).to_string();
    assert_eq!(shared["description"], increments, "no update is lost");
    let expected = book.events.into_inner().unwrap();
    assert!(expected.len() > WRITERS, "the writers did nothing");
    for (event, number) in &expected {
        assert_eq!(seen.get(event), Some(number), "{event}");
    }
    assert_eq!(seen.len(), expected.len(), "events of nothing");
    println!(
        "{} applications, {} subscriptions, {increments} increments, {} events",
        book.applications.load(Relaxed),
        book.subscriptions.load(Relaxed),
        seen.values().sum::<u64>()
    );
}

fn admin(api: &TestApi) -> Client<'_> {
    api.user(ADMIN, SCOPES)
}

async fn writer(api: &TestApi, book: &Book, number: usize, until: Instant) {
    for round in 0.. {
        if Instant::now() > until {
            return;
        }
        // Its token lasts for a minute.
        let caller = admin(api);
        let id = format!("writer-{number}-{round}");
        create_application(&caller, book, &id).await.expect(201);
        subscribe(&caller, book, &id).await.expect(201);
        increment(api, book).await;
        give_a_role(&caller, book, &id).await;
        // Two writers want the same thing at the same time; one of them gets it.
        let pair = format!("pair-{}-{round}", number / 2);
        let created = create_application(&caller, book, &pair).await;
        assert!(matches!(created.status, 201 | 409), "{}", created.text());
        let subscribed = subscribe(&caller, book, &pair).await;
        assert!(
            matches!(subscribed.status, 201 | 409),
            "{}",
            subscribed.text()
        );
        if round % 2 == 0 {
            unsubscribe(&caller, book, &id).await;
        }
        if round % 4 == 0 {
            delete_application(&caller, book, &id).await;
        }
    }
}

async fn create_application(caller: &Client<'_>, book: &Book, id: &str) -> Answer {
    let body = json!({"id": id, "name": id, "description": "0", "clientType": "confidential"});
    let answer = caller.post("/applications", body).await;
    if answer.status == 201 {
        book.applications.fetch_add(1, Relaxed);
        book.expect(format!("application.add {id}"));
    }
    answer
}

async fn subscribe(caller: &Client<'_>, book: &Book, id: &str) -> Answer {
    let body = json!({"application": id, "api": "petstore", "plan": "free"});
    let answer = caller
        .post(&format!("/applications/{id}/subscriptions"), body)
        .await;
    if answer.status == 201 {
        book.subscriptions.fetch_add(1, Relaxed);
        book.expect(format!("subscription.add {id}"));
    }
    answer
}

async fn unsubscribe(caller: &Client<'_>, book: &Book, id: &str) {
    let path = format!("/applications/{id}/subscriptions/petstore");
    caller.delete(&path).await.expect(204);
    book.subscriptions.fetch_sub(1, Relaxed);
    book.expect(format!("subscription.delete {id}"));
}

async fn delete_application(caller: &Client<'_>, book: &Book, id: &str) {
    caller
        .delete(&format!("/applications/{id}"))
        .await
        .expect(204);
    book.applications.fetch_sub(1, Relaxed);
    book.expect(format!("application.delete {id}"));
}

async fn give_a_role(caller: &Client<'_>, book: &Book, id: &str) {
    let body = json!({"email": format!("{PARTNER}@example.org"), "role": "reader"});
    let path = format!("/applications/{id}/owners");
    caller.post(&path, body).await.expect(201);
    book.expect(format!("owner.add {id}"));
}

/// Reads, adds one, and writes only if nobody wrote in between.
async fn increment(api: &TestApi, book: &Book) {
    let caller = admin(api);
    let path = format!("/applications/{SHARED}");
    loop {
        let read = caller.get(&path).await.expect(200);
        let number: u64 = read.json()["description"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        let body = json!({"id": SHARED, "description": (number + 1).to_string()});
        let writing = admin(api).header("if-match", read.header("etag"));
        let answer = writing.patch(&path, body).await;
        if answer.status == 412 {
            continue;
        }
        answer.expect(200);
        book.increments.fetch_add(1, Relaxed);
        book.expect(format!("application.update {SHARED}"));
        return;
    }
}

/// Takes events off the queue until the writers have stopped and it is empty.
async fn drain(api: &TestApi, until: Instant) -> BTreeMap<String, u64> {
    let mut seen = BTreeMap::new();
    loop {
        let caller = admin(api);
        let over = Instant::now() > until + Duration::from_secs(5);
        let events = caller.get("/webhooks/events/book").await.expect(200).json();
        let events = events.as_array().unwrap();
        if events.is_empty() && over {
            return seen;
        }
        for events in events.chunks(1000) {
            for event in events {
                *seen.entry(summary(event)).or_default() += 1;
            }
            let ids: Vec<&Value> = events.iter().map(|event| &event["id"]).collect();
            caller
                .post("/webhooks/events/book/ack", json!({"ids": ids}))
                .await
                .expect(204);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn summary(event: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    format!(
        "{}.{} {}",
        text(&event["entity"]),
        text(&event["action"]),
        text(&event["data"]["applicationId"])
    )
}

async fn count(admin: &Client<'_>, path: &str) -> u64 {
    let page = admin.get(path).await.expect(200).json();
    let count = &page["count"];
    count
        .as_u64()
        .or_else(|| count.as_str()?.parse().ok())
        .unwrap_or_else(|| panic!("no count in {page}"))
}
