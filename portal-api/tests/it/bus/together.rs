//! Listeners in five conditions at once.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{apis, application, listen_as, rename, until_empty};
use crate::receiver::{Receiver, Reply};

const EVENTS: usize = 100;

/// Every event once, and those of each application in their order.
fn check(name: &str, events: &[Value], is_once: bool) {
    let mut times = BTreeMap::<&str, usize>::new();
    let mut last = BTreeMap::<&str, i64>::new();
    for event in events {
        let count = times.entry(event["id"].as_str().unwrap()).or_default();
        *count += 1;
        let seq = event["seq"].as_i64().unwrap();
        let application = event["data"]["applicationId"].as_str().unwrap();
        let before = last.insert(application, seq).unwrap_or_default();
        assert!(
            seq >= before,
            "{name}: {seq} after {before} of {application}"
        );
    }
    assert_eq!(times.len(), EVENTS, "{name}");
    if is_once {
        assert!(times.values().all(|count| *count == 1), "{name}: {times:?}");
    }
}

#[tokio::test]
async fn one_that_is_well_notices_nothing_of_four_that_are_not() {
    for api in apis().await {
        let settings = || json!({"mode": "ack", "ordering": "entity", "timeoutMs": 12_000});
        let healthy = Receiver::start(|_| Reply::ok()).await;
        let refusing = Receiver::start(|_| Reply::ok()).await;
        let silent = Receiver::start(|_| Reply::ok().after(Duration::from_mins(10))).await;
        let broken = Receiver::start(|_| Reply::status(500)).await;
        let slow = Receiver::start(|_| Reply::ok().after(Duration::from_secs(9))).await;
        let nowhere = "http://127.0.0.1:9/";
        for (id, url) in [
            ("healthy", &*healthy.url),
            ("refusing", nowhere),
            ("silent", &silent.url),
            ("broken", &broken.url),
            ("slow", &slow.url),
        ] {
            listen_as(&api, id, url, settings()).await;
        }
        let names = ["one-app", "two-app", "three-app", "four-app"];
        let mut latencies = [Vec::new(), Vec::new()];
        for number in 0..EVENTS {
            let name = names[number % names.len()];
            let called = Instant::now();
            if number < names.len() {
                application(&api, name).await;
            } else {
                rename(&api, name, &number.to_string()).await;
            }
            let answered = Instant::now();
            let requests = healthy
                .until("the healthy one gets it", |all| {
                    all.iter().map(|one| one.events.len()).sum::<usize>() > number
                })
                .await;
            // The commit lies between the call and its answer.
            let received = requests.last().unwrap().at;
            for (latencies, since) in latencies.iter_mut().zip([answered, called]) {
                latencies.push(received.saturating_duration_since(since));
            }
        }
        for (latencies, since) in latencies.iter_mut().zip(["answer", "call"]) {
            latencies.sort();
            println!(
                "{}: from {since} to delivery p50 {:?}, p99 {:?}",
                api.database(),
                latencies[EVENTS / 2],
                latencies[EVENTS - 1]
            );
        }
        until_empty(&api, "healthy").await;
        check("healthy", &healthy.events(), true);
        // They get well.
        broken.behave(|_| Reply::ok());
        slow.behave(|_| Reply::ok());
        silent.behave(|_| Reply::ok());
        listen_as(&api, "refusing", &refusing.url, settings()).await;
        for (id, receiver) in [
            ("refusing", &refusing),
            ("broken", &broken),
            ("slow", &slow),
            ("silent", &silent),
        ] {
            until_empty(&api, id).await;
            // What came before they were well was not acknowledged, and may come again.
            let is_once = matches!(id, "refusing");
            check(id, &receiver.events(), is_once);
        }
        check("healthy", &healthy.events(), true);
    }
}
