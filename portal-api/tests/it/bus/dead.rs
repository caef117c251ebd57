//! Dead letters, replay, queues that are too long, secrets that have served.

use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use service::ServiceName;

use super::{admin, apis, application, applications, listen, queue, quick, until, until_empty};
use crate::{
    receiver::{Receiver, Reply},
    support::{DEVELOPER, TestApi},
};

#[tokio::test]
async fn events_are_replayed_by_number_time_kind_and_id() {
    for api in apis().await {
        let receiver = Receiver::start(|_| Reply::ok()).await;
        let settings = json!({"mode": "ack", "events": ["application.*", "owner.*"]});
        listen(&api, &receiver.url, settings).await;
        applications(&api, 5).await;
        until_empty(&api, "crm-sync").await;
        let first = receiver.events();
        let path = "/webhooks/replay/crm-sync";
        let replay = async |body: Value| {
            let before = receiver.events().len();
            let done = admin(&api).post(path, body).await.expect(202).json();
            let count = done["count"].as_u64().unwrap();
            let count = usize::try_from(count).unwrap();
            receiver
                .until("the replay", |all| {
                    let now: usize = all.iter().map(|one| one.events.len()).sum();
                    now >= before + count
                })
                .await;
            until_empty(&api, "crm-sync").await;
            receiver.events().split_off(before)
        };
        let all = replay(json!({"from": first[0]["seq"]})).await;
        let ids = |events: &[Value]| -> Vec<Value> {
            events.iter().map(|event| event["id"].clone()).collect()
        };
        assert_eq!(ids(&all), ids(&first));
        assert!(all.iter().all(|event| event["replay"] == true));
        assert!(first.iter().all(|event| event.get("replay").is_none()));
        let from = first[3]["seq"].clone();
        assert_eq!(replay(json!({"from": from})).await.len(), 2);
        let to = first[1]["seq"].clone();
        assert_eq!(
            replay(json!({"from": first[0]["seq"], "to": to}))
                .await
                .len(),
            2
        );
        let one = replay(json!({"ids": [first[2]["id"], "unknown"]})).await;
        assert_eq!(ids(&one), [first[2]["id"].clone()]);
        let none = replay(json!({"from": "2000-01-01T00:00:00Z", "events": ["owner.*"]})).await;
        assert!(none.is_empty());
        assert_eq!(
            replay(json!({"from": "2000-01-01T00:00:00Z"})).await.len(),
            6,
            "and one from before it listened"
        );
        assert!(
            replay(json!({"from": "2999-01-01T00:00:00Z"}))
                .await
                .is_empty()
        );
        admin(&api).post(path, json!({})).await.expect(400);
        admin(&api)
            .post("/webhooks/replay/nobody", json!({"from": 1}))
            .await
            .expect(404);
    }
}

/// Stops the server, and lets it look after its queues once, as it does at each start.
async fn looked_after(api: TestApi) -> TestApi {
    api.restart_with(&[], quick).await
}

#[tokio::test]
async fn a_queue_that_is_too_long_loses_its_oldest_or_collapses() {
    for api in apis().await {
        listen(&api, "", json!({"mode": "pull", "maxQueue": 3})).await;
        let body = json!({
            "id": "collapser", "mode": "pull", "maxQueue": 3, "overflow": "collapse",
            "events": ["application.*"],
        });
        admin(&api)
            .put("/webhooks/listeners/collapser", body)
            .await
            .expect(200);
        applications(&api, 5).await;
        let newest: Vec<Value> = queue(&api, "crm-sync").await.split_off(2);
        let api = looked_after(api).await;
        until(&api, "/webhooks/events/crm-sync", |queue| {
            queue.as_array().unwrap().len() == 3
        })
        .await;
        assert_eq!(queue(&api, "crm-sync").await, newest);
        let dead = until(&api, "/webhooks/dead/crm-sync", |_| true).await;
        assert_eq!(dead["count"], 2);
        until(&api, "/webhooks/events/collapser", |queue| {
            queue.as_array().unwrap().len() == 1
        })
        .await;
        let word = queue(&api, "collapser").await;
        assert_eq!(word[0]["entity"], "queue");
        assert_eq!(word[0]["action"], "overflow");
        let id = word[0]["id"].as_str().unwrap();
        let path = format!("/webhooks/events/collapser/{id}");
        admin(&api).delete(&path).await.expect(204);
        assert!(queue(&api, "collapser").await.is_empty());
    }
}

async fn sealed(api: TestApi) -> (TestApi, i64) {
    let stopped = api.into_parts().await;
    let db = stopped.open().await;
    let sql = "select count(*) as n from events where sealed is not null";
    let statement = Statement::from_string(db.read().get_database_backend(), sql);
    let row = db.read().query_one_raw(statement).await.unwrap().unwrap();
    let count = row.try_get("", "n").unwrap();
    drop(db);
    (stopped.start().await, count)
}

#[tokio::test]
async fn secrets_of_events_go_to_those_who_may_see_them_and_are_erased_then() {
    for api in apis().await {
        let plain = json!({"id": "plain", "mode": "pull"});
        admin(&api)
            .put("/webhooks/listeners/plain", plain)
            .await
            .expect(200);
        let mailer = api.service(ServiceName::Mailer);
        let body = json!({"id": "mailer", "url": "http://127.0.0.1:9/", "events": ["*"]});
        mailer
            .put("/webhooks/listeners/mailer", body)
            .await
            .expect(200);
        let verify = async |api: &TestApi| {
            let email = format!("{DEVELOPER}@example.org");
            let body = json!({"type": "email", "email": email, "link": "https://p/{{id}}"});
            admin(api).post("/verifications", body).await.expect(204);
        };
        verify(&api).await;
        let seen = queue(&api, "plain").await;
        assert_eq!(seen[0]["entity"], "verification_email");
        assert!(seen[0]["data"].get("id").is_none() && seen[0]["data"].get("link").is_none());
        let seen = queue(&api, "mailer").await;
        let token = seen[0]["data"]["id"].as_str().unwrap().to_owned();
        assert!(seen[0]["data"]["link"].is_string());
        let (api, count) = sealed(api).await;
        assert_eq!(count, 1);
        // The mailer has it.
        let id = seen[0]["id"].as_str().unwrap();
        let path = format!("/webhooks/events/mailer/{id}");
        api.service(ServiceName::Mailer)
            .delete(&path)
            .await
            .expect(204);
        let (api, count) = sealed(api).await;
        assert_eq!(count, 0);
        // Or the link was used before.
        verify(&api).await;
        let open = admin(&api).get("/verifications").await.json();
        let used = open.as_array().unwrap().iter();
        for verification in used {
            let body = json!({"token": verification["id"]});
            admin(&api)
                .post("/verifications/consume", body)
                .await
                .expect(204);
        }
        let (api, count) = sealed(api).await;
        assert_eq!(count, 0);
        let shown = queue(&api, "mailer").await;
        assert!(shown.iter().all(|event| event["data"].get("id").is_none()));
        assert!(!token.is_empty());
    }
}

#[tokio::test]
async fn many_large_events_come_in_requests_of_a_megabyte() {
    let api = TestApi::with(&[], quick).await;
    let receiver = Receiver::start(|_| Reply::ok()).await;
    let settings = json!({"mode": "ack", "events": ["announcement.add"]});
    listen(&api, &receiver.url, settings).await;
    let body = json!({"subject": "Long", "text": "x".repeat(8000)});
    let path = "/apis/petstore/announcements";
    for _ in 0..200 {
        admin(&api).post(path, body.clone()).await.expect(201);
    }
    until_empty(&api, "crm-sync").await;
    let requests = receiver.received();
    assert_eq!(receiver.events().len(), 200);
    assert!(requests.iter().all(|one| one.body.len() <= 1024 * 1024));
}

/// Gives an application so many subscriptions more.
async fn subscribe(api: TestApi, application: &str, count: u32) -> TestApi {
    let stopped = api.into_parts().await;
    let db = stopped.open().await;
    let txn = db.write().await.unwrap();
    let copies = format!(
        "insert into subscriptions (id, application_id, api_id, plan_id, auth, approved, trusted, \
           created_at, changed_at) \
         with recursive n (i) as (select 1 union all select i + 1 from n where i < {count}) \
         select 'a-rather-long-subscription-id-' || i, application_id, 'api-' || i, plan_id, auth, \
           approved, trusted, created_at, changed_at \
         from subscriptions, n where application_id = '{application}'"
    );
    txn.execute_unprepared(&copies).await.unwrap();
    txn.commit().await.unwrap();
    drop(db);
    stopped.start().await
}

#[tokio::test]
async fn an_event_of_500_subscriptions_is_whole_and_one_that_is_too_large_is_not_made() {
    for mut api in apis().await {
        let body = json!({"id": "watcher", "mode": "pull", "events": ["application.delete"]});
        admin(&api)
            .put("/webhooks/listeners/watcher", body)
            .await
            .expect(200);
        for (id, count) in [("large-app", 500), ("huge-app", 2000)] {
            application(&api, id).await;
            let body = json!({"application": id, "api": "petstore", "plan": "free"});
            let path = format!("/applications/{id}/subscriptions");
            admin(&api).post(&path, body).await.expect(201);
            // The ids of subscriptions are unique: one application at a time.
            api = subscribe(api, id, count).await;
            let path = format!("/applications/{id}");
            if count == 500 {
                admin(&api).delete(&path).await.expect(204);
                continue;
            }
            let refused = admin(&api).delete(&path).await.expect(409).json();
            let kind = refused["type"].as_str().unwrap();
            assert!(kind.ends_with("event-too-large"), "{refused}");
            admin(&api).get(&path).await.expect(200);
        }
        let told = queue(&api, "watcher").await;
        assert_eq!(told.len(), 1);
        assert_eq!(told[0]["data"]["applicationId"], "large-app");
        let listed = told[0]["data"]["subscriptions"].as_array().unwrap();
        assert_eq!(listed.len(), 501);
    }
}

#[tokio::test]
async fn the_log_tells_of_every_request_without_secrets() {
    for api in apis().await {
        let mut first = true;
        let receiver = Receiver::start(move |_| {
            if std::mem::take(&mut first) {
                Reply::status(502)
            } else {
                Reply::json(&json!({"a-lot": "of thanks, ".repeat(20_000)}))
            }
        })
        .await;
        let headers = json!({"X-Key": "hush"});
        listen(
            &api,
            &receiver.url,
            json!({"mode": "ack", "headers": headers}),
        )
        .await;
        application(&api, "logged").await;
        until_empty(&api, "crm-sync").await;
        let path = "/webhooks/deliveries/crm-sync";
        let all = until(&api, path, |_| true).await;
        let one = &all["items"][0];
        assert_eq!(one["state"], "acked");
        assert_eq!(one["attempts"], 2);
        assert_eq!(one["lastStatus"], 200);
        assert_eq!(one["about"], "application:logged");
        assert!(one["lastDurationMs"].is_u64());
        let id = one["eventId"].as_str().unwrap();
        let one = until(&api, &format!("{path}/{id}"), |_| true).await;
        let log = one["log"].as_array().unwrap();
        assert_eq!(log.len(), 2);
        assert_eq!(
            (&log[0]["status"], &log[1]["status"]),
            (&json!(200), &json!(502))
        );
        let snippet = log[0]["responseSnippet"].as_str().unwrap();
        assert!(snippet.contains("a-lot") && snippet.len() == 2048);
        assert_eq!(log[0]["requestBody"][0]["data"]["applicationId"], "logged");
        assert_eq!(log[0]["requestHeaders"]["x-key"], "***");
        assert!(!one.to_string().contains("hush"));
        for (query, count) in [
            ("state=acked", 1),
            ("state=dead", 0),
            ("event=application.*", 1),
            ("event=user.add", 0),
            ("from=2999-01-01T00:00:00Z", 0),
        ] {
            let found = until(&api, &format!("{path}?{query}"), |_| true).await;
            assert_eq!(found["items"].as_array().unwrap().len(), count, "{query}");
        }
        admin(&api)
            .get(&format!("{path}?state=odd"))
            .await
            .expect(400);
        application(&api, "logged-too").await;
        let page = until(&api, &format!("{path}?limit=1"), |page| {
            page["next"].is_string()
        })
        .await;
        let next = page["next"].as_str().unwrap();
        let rest = until(&api, &format!("{path}?limit=1&cursor={next}"), |_| true).await;
        assert_eq!(rest["items"][0]["eventId"], id);
        until_empty(&api, "crm-sync").await;
        let stats = until(&api, "/webhooks/listeners/crm-sync/stats", |_| true).await;
        assert_eq!(stats["delivered24h"], 2);
        assert_eq!(stats["failed24h"], 1);
        assert_eq!((&stats["waiting"], &stats["dead"]), (&json!(0), &json!(0)));
        assert_eq!(stats["hours"].as_array().unwrap().len(), 24);
        assert!(stats["p95Ms"].is_u64());
    }
}
