//! Listeners that acknowledge by their answer, and what else can be agreed on.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    admin, apis, application, applications, count, is_sorted, listen, listen_as, queue, quick,
    rename, until_empty,
};
use crate::{
    receiver::{Receiver, Reply},
    support::TestApi,
};

#[tokio::test]
async fn an_answer_acknowledges_and_nothing_comes_twice() {
    for api in apis().await {
        let receiver = Receiver::start(|_| Reply::status(204)).await;
        listen(&api, &receiver.url, json!({"mode": "ack", "batchSize": 7})).await;
        applications(&api, 40).await;
        receiver.until("the last one", |all| count(all) >= 40).await;
        until_empty(&api, "crm-sync").await;
        let events = receiver.events();
        assert_eq!(events.len(), 40);
        assert!(is_sorted(&events));
        assert!(receiver.received().iter().all(|one| one.events.len() <= 7));
    }
}

#[tokio::test]
async fn single_events_come_in_the_form_of_standard_webhooks() {
    let api = TestApi::with(&[], quick).await;
    let receiver = Receiver::start(|_| Reply::ok()).await;
    let settings = json!({"mode": "ack", "format": "standard"});
    listen(&api, &receiver.url, settings).await;
    applications(&api, 10).await;
    receiver.until("the last one", |all| count(all) >= 10).await;
    until_empty(&api, "crm-sync").await;
    let requests = receiver.received();
    assert_eq!(requests.len(), 10);
    let body: Value = serde_json::from_slice(&requests[0].body).unwrap();
    assert_eq!(body["type"], "application.add");
    assert!(body["data"]["applicationId"].is_string());
    assert!(body["timestamp"].as_str().unwrap().ends_with('Z'));
    assert!(body["seq"].is_i64() && body["id"].is_string());
    let mut members: Vec<_> = body.as_object().unwrap().keys().collect();
    members.sort();
    assert_eq!(members, ["data", "id", "seq", "timestamp", "type"]);
}

#[tokio::test]
async fn cloud_events_come_in_batches_or_alone() {
    for (delivery, media_type) in [
        ("batch", "application/cloudevents-batch+json"),
        ("single", "application/cloudevents+json"),
    ] {
        let api = TestApi::with(&[], quick).await;
        let receiver = Receiver::start(|_| Reply::ok()).await;
        let settings = json!({"mode": "ack", "format": "cloudevents", "delivery": delivery});
        listen(&api, &receiver.url, settings).await;
        let test = "/webhooks/listeners/crm-sync/test";
        admin(&api).post(test, json!({})).await.expect(200);
        applications(&api, 1).await;
        let requests = receiver.until("test and event", |all| all.len() > 1).await;
        let bodies = requests.iter().map(|request| {
            assert_eq!(request.header("content-type"), media_type);
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            match delivery {
                "batch" => body[0].clone(),
                _ => body,
            }
        });
        let bodies: Vec<Value> = bodies.collect();
        assert_eq!(bodies[0]["type"], "org.wicketgate.ping.test");
        assert_eq!(bodies[0]["subject"], "listener:crm-sync");
        let event = &bodies[1];
        let application = event["data"]["applicationId"].as_str().unwrap();
        assert_eq!(event["specversion"], "1.0");
        assert_eq!(event["type"], "org.wicketgate.application.add");
        assert_eq!(event["subject"], format!("application:{application}"));
        assert_eq!(event["datacontenttype"], "application/json");
        assert!(event["source"].as_str().unwrap().ends_with("/webhooks"));
        assert!(event["time"].as_str().unwrap().ends_with('Z'));
        assert!(event["sequence"].as_str().unwrap().parse::<i64>().is_ok());
        assert!(event["id"].is_string());
    }
}

#[tokio::test]
async fn fixed_headers_are_sent_and_never_shown() {
    for api in apis().await {
        let receiver = Receiver::start(|_| Reply::ok()).await;
        let headers = json!({"X-Tenant": "very-secret", "Authorization": "Bearer hush"});
        let settings = json!({"mode": "ack", "headers": headers});
        listen(&api, &receiver.url, settings).await;
        application(&api, "first-one").await;
        let requests = receiver.until("the event", |all| count(all) > 0).await;
        assert_eq!(requests[0].header("x-tenant"), "very-secret");
        assert_eq!(requests[0].header("authorization"), "Bearer hush");
        assert!(
            requests[0]
                .header("user-agent")
                .starts_with("Wicketgate-Webhooks/")
        );
        assert!(!requests[0].header("correlation-id").is_empty());
        // Registered again without them: they stay.
        listen(&api, &receiver.url, json!({"mode": "ack"})).await;
        let shown = admin(&api)
            .get("/webhooks/listeners?detail=true")
            .await
            .text();
        assert!(
            shown.contains("X-Tenant") && !shown.contains("very-secret"),
            "{shown}"
        );
        application(&api, "second-one").await;
        let requests = receiver.until("the next", |all| count(all) > 1).await;
        assert_eq!(requests[1].header("x-tenant"), "very-secret");
        // Taken away on purpose.
        listen(&api, &receiver.url, json!({"mode": "ack", "headers": {}})).await;
        application(&api, "third-one").await;
        let requests = receiver.until("the third", |all| count(all) > 2).await;
        assert_eq!(requests[2].header("x-tenant"), "");
    }
}

#[tokio::test]
async fn a_listener_gets_what_its_filter_names_and_without_one_no_new_kind() {
    let api = TestApi::with(&[], quick).await;
    let receiver = Receiver::start(|_| Reply::ok()).await;
    let old = json!({"id": "old-one", "url": "https://listener.example.org/"});
    admin(&api)
        .put("/webhooks/listeners/old-one", old)
        .await
        .expect(200);
    let settings = json!({"mode": "ack", "events": ["namespace.*", "*.delete"]});
    listen(&api, &receiver.url, settings).await;
    application(&api, "shortlived").await;
    admin(&api)
        .delete("/applications/shortlived")
        .await
        .expect(204);
    let namespace = "/pools/tenants/namespaces/acme";
    admin(&api)
        .put(namespace, json!({"description": "Acme"}))
        .await
        .expect(204);
    receiver.until("both", |all| count(all) >= 2).await;
    let kinds = |events: &[Value]| -> Vec<String> {
        let kind = |event: &Value| {
            let part = |name: &str| event[name].as_str().unwrap().to_owned();
            format!("{}.{}", part("entity"), part("action"))
        };
        events.iter().map(kind).collect()
    };
    assert_eq!(
        kinds(&receiver.events()),
        ["application.delete", "namespace.add"]
    );
    let old = queue(&api, "old-one").await;
    assert_eq!(kinds(&old), ["application.add", "application.delete"]);
}

#[tokio::test]
async fn events_of_one_thing_come_one_after_the_other_even_when_some_fail() {
    for api in apis().await {
        // Every third request fails at first.
        let mut requests = 0;
        let receiver = Receiver::start(move |_| {
            requests += 1;
            if requests % 3 == 0 && requests < 40 {
                Reply::status(500)
            } else {
                Reply::ok()
            }
        })
        .await;
        let settings = json!({
            "mode": "ack", "ordering": "entity", "delivery": "single", "format": "wicked",
        });
        listen(&api, &receiver.url, settings).await;
        for id in ["one-app", "two-app", "three-app"] {
            application(&api, id).await;
        }
        for round in 0..8 {
            for id in ["one-app", "two-app", "three-app"] {
                rename(&api, id, &format!("Name {round}")).await;
            }
        }
        until_empty(&api, "crm-sync").await;
        for id in ["one-app", "two-app", "three-app"] {
            let mut last = 0;
            for event in receiver.events() {
                if event["data"]["applicationId"] == id {
                    let seq = event["seq"].as_i64().unwrap();
                    assert!(seq >= last, "{id}: {seq} after {last}");
                    last = seq;
                }
            }
        }
        let mut ids = receiver.ids();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 27);
    }
}

#[tokio::test]
async fn one_that_hangs_delays_nobody_else() {
    let api = TestApi::with(&[], quick).await;
    let slow = Receiver::start(|_| Reply::ok().after(Duration::from_mins(1))).await;
    let quick = Receiver::start(|_| Reply::ok()).await;
    listen_as(&api, "slow-one", &slow.url, json!({"mode": "ack"})).await;
    listen_as(&api, "quick-one", &quick.url, json!({"mode": "ack"})).await;
    for number in 0..20 {
        let begun = std::time::Instant::now();
        application(&api, &format!("app-{number}")).await;
        quick.until("the event", |all| count(all) > number).await;
        assert!(
            begun.elapsed() < Duration::from_secs(1),
            "{:?}",
            begun.elapsed()
        );
    }
    assert_eq!(slow.received().len(), 1);
}

#[tokio::test]
async fn single_events_go_out_four_at_a_time() {
    let api = TestApi::with(&[], quick).await;
    let receiver = Receiver::start(|_| Reply::ok().after(Duration::from_millis(300))).await;
    let settings = json!({"mode": "ack", "delivery": "single", "enabled": false});
    listen(&api, &receiver.url, settings).await;
    applications(&api, 12).await;
    let settings = json!({"mode": "ack", "delivery": "single"});
    listen(&api, &receiver.url, settings).await;
    let requests = receiver.until("all", |all| count(all) >= 12).await;
    let in_window = |from: usize| {
        let at = requests[from].at;
        let window = at..at + Duration::from_millis(250);
        requests
            .iter()
            .filter(|one| window.contains(&one.at))
            .count()
    };
    assert_eq!(in_window(0), 4);
    assert!((0..12).all(|from| in_window(from) <= 5), "{requests:?}");
}

#[tokio::test]
async fn what_becomes_of_events_is_measured() {
    let api = TestApi::with(&[], quick).await;
    let mut is_first = true;
    let receiver = Receiver::start(move |requests| {
        if std::mem::take(&mut is_first) {
            return Reply::ok();
        }
        let failed = requests.ids().into_iter();
        let failed = failed.map(|id| json!({"id": id, "retry": false}));
        Reply::json(&json!({"acked": [], "failed": failed.collect::<Vec<_>>()}))
    })
    .await;
    listen_as(&api, "measured", &receiver.url, json!({"mode": "ack"})).await;
    application(&api, "taken").await;
    until_empty(&api, "measured").await;
    application(&api, "refused").await;
    until_empty(&api, "measured").await;
    // Queues are measured at every start.
    let api = api.restart_with(&[], quick).await;
    let metrics = [
        "wicketgate_events_created_total{entity=\"application\",action=\"add\"}",
        "wicketgate_event_deliveries_total{listener=\"measured\",result=\"delivered\"}",
        "wicketgate_event_delivery_seconds_bucket{listener=\"measured\",le=\"0.005\"}",
        "wicketgate_event_queue_length{listener=\"measured\"} 0",
        "wicketgate_event_oldest_seconds{listener=\"measured\"} 0",
        "wicketgate_event_dead_total{listener=\"measured\"} 1",
        "wicketgate_event_listener_enabled{listener=\"measured\"} 1",
        "wicketgate_build_info{version=",
    ];
    let begun = std::time::Instant::now();
    loop {
        let shown = api.anonymous().get("/metrics").await.expect(200).text();
        let missing = metrics.iter().find(|metric| !shown.contains(**metric));
        let Some(missing) = missing else { break };
        assert!(begun.elapsed() < Duration::from_secs(20), "{missing}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
