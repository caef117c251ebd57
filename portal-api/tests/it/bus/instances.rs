//! Several instances on one database.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{application, applications, listen, quick, until_empty};
use crate::{
    receiver::{Receiver, Reply},
    support::TestApi,
};

#[tokio::test]
async fn three_instances_deliver_each_event_once() {
    let Some(one) = TestApi::start_on_postgres_with(quick).await else {
        return;
    };
    let (two, three) = (one.another_with(quick).await, one.another_with(quick).await);
    let receiver = Receiver::start(|_| Reply::ok()).await;
    let settings = json!({"mode": "ack", "delivery": "single"});
    listen(&one, &receiver.url, settings).await;
    for (number, api) in [&one, &two, &three]
        .into_iter()
        .cycle()
        .take(60)
        .enumerate()
    {
        application(api, &format!("app-{number:03}")).await;
    }
    until_empty(&two, "crm-sync").await;
    let ids = receiver.ids();
    let different: BTreeSet<_> = ids.iter().collect();
    assert_eq!((ids.len(), different.len()), (60, 60));
}

#[tokio::test]
async fn another_instance_goes_on_when_one_dies_with_an_open_request() {
    // With a runtime of its own it can be ended with everything it has in hand.
    let doomed = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let first = doomed.spawn(TestApi::start_on_postgres_with(quick));
    let Some(first) = first.await.unwrap() else {
        doomed.shutdown_background();
        return;
    };
    let receiver = Receiver::start(|_| Reply::ok().after(Duration::from_secs(50))).await;
    listen(&first, &receiver.url, json!({"mode": "ack"})).await;
    applications(&first, 3).await;
    receiver
        .until("the first request", |all| !all.is_empty())
        .await;
    let second = first.another_with(quick).await;
    receiver.behave(|_| Reply::ok());
    let begun = Instant::now();
    doomed.shutdown_background();
    until_empty(&second, "crm-sync").await;
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    let different: BTreeSet<_> = receiver.ids().into_iter().collect();
    assert_eq!(different.len(), 3);
}
