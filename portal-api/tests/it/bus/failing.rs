//! Listeners that fail, and come back.

use std::time::Duration;

use serde_json::json;
use service::ServiceName;

use super::{
    admin, apis, application, applications, count, is_sorted, listen, listen_as, queue, quick,
    until, until_empty,
};
use crate::{
    receiver::{Receiver, Reply},
    support::TestApi,
};

#[tokio::test]
async fn after_an_outage_everything_comes_in_order() {
    for api in apis().await {
        let receiver = Receiver::start(|_| Reply::status(500)).await;
        listen(&api, &receiver.url, json!({"mode": "ack", "batchSize": 10})).await;
        applications(&api, 25).await;
        receiver.until("some tries", |all| all.len() >= 8).await;
        receiver.behave(|_| Reply::ok());
        let failed = receiver.received().len();
        until_empty(&api, "crm-sync").await;
        let requests = receiver.received();
        let mut events = Vec::new();
        for one in &requests[failed..] {
            assert!(is_sorted(&one.events));
            events.extend(one.events.clone());
        }
        let mut ids: Vec<_> = events.iter().map(|event| event["id"].clone()).collect();
        ids.sort_by_key(ToString::to_string);
        ids.dedup();
        assert!(ids.len() >= 25, "{} after the outage", ids.len());
    }
}

#[tokio::test]
async fn gaps_between_tries_grow_and_are_random() {
    let api = TestApi::with(&[], quick).await;
    let receiver = Receiver::start(|_| Reply::status(503)).await;
    listen(&api, &receiver.url, json!({"mode": "ack"})).await;
    application(&api, "unlucky").await;
    let requests = receiver.until("eight tries", |all| all.len() >= 8).await;
    let gaps: Vec<_> = requests
        .windows(2)
        .map(|two| (two[1].at - two[0].at).as_millis())
        .collect();
    assert!(gaps.iter().all(|gap| *gap >= 15), "a floor: {gaps:?}");
    let early: u128 = gaps[..3].iter().sum();
    let late: u128 = gaps[4..].iter().sum();
    assert!(late > early, "{gaps:?}");
}

#[tokio::test]
async fn retry_after_is_honoured() {
    let api = TestApi::with(&[], quick).await;
    let mut first = true;
    let receiver = Receiver::start(move |_| {
        if std::mem::take(&mut first) {
            Reply::status(429).header("retry-after", "2")
        } else {
            Reply::ok()
        }
    })
    .await;
    listen(&api, &receiver.url, json!({"mode": "ack"})).await;
    application(&api, "patient").await;
    let requests = receiver.until("a second try", |all| all.len() >= 2).await;
    let gap = requests[1].at - requests[0].at;
    assert!(gap >= Duration::from_secs(2), "{gap:?}");
}

#[tokio::test]
async fn one_event_that_is_always_refused_holds_up_no_other_and_dies() {
    for api in apis().await {
        let receiver = Receiver::start(|requests| {
            let is_poison = |event: &serde_json::Value| event["data"]["applicationId"] == "poison";
            if requests.events.iter().any(is_poison) {
                Reply::status(500)
            } else {
                Reply::ok()
            }
        })
        .await;
        let off = json!({"mode": "ack", "enabled": false});
        listen(&api, &receiver.url, off).await;
        applications(&api, 5).await;
        application(&api, "poison").await;
        for number in 5..10 {
            application(&api, &format!("app-{number:04}")).await;
        }
        listen(
            &api,
            &receiver.url,
            json!({"mode": "ack", "maxAttempts": 8}),
        )
        .await;
        let path = "/webhooks/dead/crm-sync";
        let dead = until(&api, path, |dead| dead["items"][0].is_object()).await;
        let letter = &dead["items"][0];
        assert_eq!(
            letter["event"]["data"]["applicationId"], "poison",
            "{dead:#}"
        );
        assert_eq!(letter["attempts"], 8);
        assert_eq!(letter["lastStatus"], 500);
        until_empty(&api, "crm-sync").await;
        // It can be tried again, with the same id.
        receiver.behave(|_| Reply::ok());
        let before = receiver.received().len();
        let id = letter["event"]["id"].as_str().unwrap();
        admin(&api)
            .post(&format!("{path}/{id}/retry"), json!({}))
            .await
            .expect(204);
        let requests = receiver.until("the retry", |all| all.len() > before).await;
        assert_eq!(requests.last().unwrap().ids(), [id]);
        until_empty(&api, "crm-sync").await;
        assert_eq!(until(&api, path, |_| true).await["count"], 0);
    }
}

#[tokio::test]
async fn a_report_decides_about_each_event() {
    for api in apis().await {
        let mut first = true;
        let receiver = Receiver::start(move |requests| {
            let ids = requests.ids();
            if std::mem::take(&mut first) {
                // One done, one for good, one later, one not named.
                Reply::json(&json!({"acked": [ids[0]], "failed": [
                    {"id": ids[1], "retry": false, "reason": "never"},
                    {"id": ids[2], "retry": true, "reason": "later"},
                ]}))
            } else {
                Reply::ok()
            }
        })
        .await;
        listen(
            &api,
            &receiver.url,
            json!({"mode": "ack", "enabled": false}),
        )
        .await;
        applications(&api, 4).await;
        listen(&api, &receiver.url, json!({"mode": "ack"})).await;
        until_empty(&api, "crm-sync").await;
        let ids = receiver.received()[0].ids();
        let mut later = receiver.ids().split_off(4);
        later.sort();
        later.dedup();
        assert_eq!(later, ids[2..]);
        let dead = until(&api, "/webhooks/dead/crm-sync", |dead| dead["count"] == 1).await;
        assert_eq!(dead["items"][0]["event"]["id"], ids[1].as_str());
        assert!(
            dead["items"][0]["lastError"]
                .as_str()
                .unwrap()
                .contains("never")
        );
    }
}

#[tokio::test]
async fn a_listener_that_is_gone_is_switched_off_and_that_is_told() {
    for api in apis().await {
        let receiver = Receiver::start(|requests| match requests.path.as_str() {
            "/ping" => Reply::ok(),
            _ => Reply::status(410),
        })
        .await;
        let watch = json!({"id": "watcher", "mode": "pull", "events": ["listener.*"]});
        admin(&api)
            .put("/webhooks/listeners/watcher", watch)
            .await
            .expect(200);
        listen(&api, &receiver.url, json!({"mode": "ack"})).await;
        application(&api, "last-one").await;
        until(&api, "/webhooks/events/watcher", |queue| {
            queue[0]["entity"] == "listener" && queue[0]["action"] == "disabled"
        })
        .await;
        let told = queue(&api, "watcher").await;
        assert_eq!(told[0]["data"]["listenerId"], "crm-sync");
        let all = admin(&api)
            .get("/webhooks/listeners?detail=true")
            .await
            .json();
        let shown = &all.as_array().unwrap()[0];
        assert_eq!(shown["enabled"], false);
        assert!(shown["disabledReason"].as_str().unwrap().contains("410"));
        // Events wait; it goes on only if it answers.
        assert_eq!(queue(&api, "crm-sync").await.len(), 1);
        let enable = "/webhooks/listeners/crm-sync/enable";
        admin(&api).post(enable, json!({})).await.expect(409);
        receiver.behave(|_| Reply::ok());
        admin(&api).post(enable, json!({})).await.expect(204);
        until_empty(&api, "crm-sync").await;
    }
}

#[tokio::test]
async fn one_that_fails_for_days_is_switched_off_but_our_own_are_waited_for() {
    for api in apis().await {
        let receiver = Receiver::start(|_| Reply::status(500)).await;
        listen(&api, &receiver.url, json!({"mode": "ack"})).await;
        let own = json!({"id": "mailer", "url": receiver.url, "events": ["application.*"]});
        let mailer = api.service(ServiceName::Mailer);
        mailer
            .put("/webhooks/listeners/mailer", own)
            .await
            .expect(200);
        let watch = json!({"id": "watcher", "mode": "pull", "events": ["listener.*"]});
        let path = "/webhooks/listeners/watcher";
        admin(&api).put(path, watch).await.expect(200);
        application(&api, "unwanted").await;
        for listener in ["crm-sync", "mailer"] {
            let path = format!("/webhooks/deliveries/{listener}");
            until(&api, &path, |all| all["items"][0]["lastStatus"] == 500).await;
        }
        // Looked after at every start; here days are over at once.
        let api = api.restart_with(&[], |settings| {
            quick(settings);
            settings.events.disable_after = Duration::ZERO;
        });
        let api = api.await;
        let told = until(&api, "/webhooks/events/watcher", |told| told[0].is_object()).await;
        assert_eq!(told[0]["data"]["listenerId"], "crm-sync");
        assert_eq!(told.as_array().unwrap().len(), 1);
        let all = admin(&api)
            .get("/webhooks/listeners?detail=true")
            .await
            .json();
        let enabled = all.as_array().unwrap().iter();
        let enabled = enabled.map(|one| (one["id"].as_str().unwrap(), &one["enabled"]));
        assert_eq!(
            enabled.collect::<Vec<_>>(),
            [
                ("crm-sync", &json!(false)),
                ("mailer", &json!(true)),
                ("watcher", &json!(true))
            ]
        );
        assert_eq!(queue(&api, "crm-sync").await.len(), 1, "events wait");
    }
}

#[tokio::test]
async fn a_paused_listener_gets_nothing_until_it_goes_on() {
    let api = TestApi::with(&[], quick).await;
    let receiver = Receiver::start(|_| Reply::ok()).await;
    listen(&api, &receiver.url, json!({"mode": "ack"})).await;
    let disable = "/webhooks/listeners/crm-sync/disable";
    let reason = json!({"reason": "maintenance"});
    admin(&api).post(disable, reason).await.expect(204);
    applications(&api, 3).await;
    assert_eq!(queue(&api, "crm-sync").await.len(), 3);
    let enable = "/webhooks/listeners/crm-sync/enable";
    admin(&api).post(enable, json!({})).await.expect(204);
    until_empty(&api, "crm-sync").await;
    let requests = receiver.received();
    assert_eq!(requests[0].events[0]["entity"], "ping", "first the test");
    assert_eq!(count(&requests), 4);
}

#[tokio::test]
async fn redirects_are_not_followed_and_addresses_inside_are_not_contacted() {
    let inside = Receiver::start(|_| Reply::ok()).await;
    let url = inside.url.clone();
    let api = TestApi::with(&[], quick).await;
    let receiver =
        Receiver::start(move |_| Reply::status(307).header("location", url.clone())).await;
    listen(&api, &receiver.url, json!({"mode": "ack"})).await;
    application(&api, "astray").await;
    receiver.until("two tries", |all| all.len() >= 2).await;
    assert!(inside.received().is_empty());
    // The network is allowed no longer.
    let before = receiver.received().len();
    let api = api.restart_with(&[], |settings| {
        quick(settings);
        settings.events.networks.clear();
    });
    let api = api.await;
    let id = queue(&api, "crm-sync").await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/webhooks/deliveries/crm-sync/{id}");
    let delivery = until(&api, &path, |delivery| {
        delivery["lastError"] == "blocked_address"
    })
    .await;
    assert_eq!(delivery["log"][0]["error"], "blocked_address");
    assert_eq!(receiver.received().len(), before);
    // A name that leads inside, as one may after its registration.
    let lure = receiver
        .url
        .replace("http://127.0.0.1", "https://localhost");
    listen_as(&api, "lured", &lure, json!({"mode": "ack"})).await;
    application(&api, "lured").await;
    until(&api, "/webhooks/deliveries/lured", |all| {
        all["items"][0]["lastError"] == "blocked_address"
    })
    .await;
    assert_eq!(receiver.received().len(), before);
    for url in [
        "http://127.0.0.1:8080/",
        "https://127.0.0.1/",
        "https://10.1.2.3/",
        "https://169.254.169.254/latest",
        "https://[::ffff:127.0.0.1]/",
        "https://user:pass@listener.example.org/",
        "https://listener.example.org/#x",
        "http://listener.example.org/",
    ] {
        let body = json!({"id": "evil", "url": url});
        admin(&api)
            .put("/webhooks/listeners/evil", body)
            .await
            .expect(400);
    }
}
