//! Listeners that ask for their events.

use std::time::{Duration, Instant};

use sdk::{Auth, Client};
use serde_json::json;
use service::ServiceName;

use super::{admin, apis, application, applications, quick};
use crate::support::TestApi;

async fn pull(api: &TestApi) {
    let body = json!({"id": "puller", "mode": "pull", "events": ["application.*"]});
    admin(api)
        .put("/webhooks/listeners/puller", body)
        .await
        .expect(200);
}

#[tokio::test]
async fn a_request_waits_for_an_event() {
    for api in apis().await {
        pull(&api).await;
        let begun = Instant::now();
        let path = "/webhooks/events/puller?wait=20&limit=10";
        let caller = admin(&api);
        let (answer, ()) = tokio::join!(caller.get(path), async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            application(&api, "awaited").await;
        });
        assert_eq!(answer.json().as_array().unwrap().len(), 1);
        assert!(
            begun.elapsed() < Duration::from_secs(3),
            "{:?}",
            begun.elapsed()
        );
        applications(&api, 5).await;
        let answer = admin(&api)
            .get("/webhooks/events/puller?limit=2")
            .await
            .expect(200);
        assert_eq!(answer.json().as_array().unwrap().len(), 2);
        assert_eq!(answer.header("x-queue-length"), "6");
        for wrong in ["limit=0", "limit=1001", "limit=x", "wait=x"] {
            let path = format!("/webhooks/events/puller?{wrong}");
            admin(&api).get(&path).await.expect(400);
        }
    }
}

#[tokio::test]
async fn a_stream_tells_of_events_as_they_come_and_goes_on_where_it_ended() {
    for api in apis().await {
        let mailer = api.service(ServiceName::Mailer);
        let body = json!({"id": "mailer", "mode": "pull", "events": ["application.*"]});
        mailer
            .put("/webhooks/listeners/mailer", body)
            .await
            .expect(200);
        let base = format!("{}/", api.address()).parse().unwrap();
        let client = Client::new(base, Auth::Service(api.identity(ServiceName::Mailer)));
        application(&api, "before").await;
        let mut stream = client.event_stream("mailer", None).await.unwrap();
        let mut text = String::new();
        let mut until = async |wanted: &str| {
            while !text.contains(wanted) {
                let next = tokio::time::timeout(Duration::from_secs(10), stream.chunk());
                let chunk = next.await.expect("something comes").unwrap().unwrap();
                text.push_str(std::str::from_utf8(&chunk).unwrap());
            }
            text.clone()
        };
        until("before").await;
        application(&api, "meanwhile").await;
        let text = until("meanwhile").await;
        assert!(text.contains("event: application.add"), "{text}");
        let id = text
            .lines()
            .find_map(|line| line.strip_prefix("id: "))
            .unwrap();
        let mut rest = client.event_stream("mailer", Some(id)).await.unwrap();
        let first = rest.chunk().await.unwrap().unwrap();
        let first = String::from_utf8(first.to_vec()).unwrap();
        assert!(
            first.contains("meanwhile") && !first.contains("before"),
            "{first}"
        );
        let ended = admin(&api)
            .get("/webhooks/stream/mailer?wait=0")
            .await
            .expect(200);
        assert_eq!(ended.text().matches("data: ").count(), 2);
    }
}

#[tokio::test]
async fn many_events_are_acknowledged_at_once() {
    let api = TestApi::with(&[], quick).await;
    pull(&api).await;
    applications(&api, 12).await;
    let queue = super::queue(&api, "puller").await;
    let mut ids: Vec<_> = queue.iter().map(|event| event["id"].clone()).collect();
    ids.truncate(10);
    ids.push("unknown".into());
    let path = "/webhooks/events/puller/ack";
    admin(&api)
        .post(path, json!({"ids": ids}))
        .await
        .expect(204);
    assert_eq!(super::queue(&api, "puller").await, queue[10..]);
    admin(&api)
        .delete("/webhooks/events/puller")
        .await
        .expect(204);
    assert!(super::queue(&api, "puller").await.is_empty());
    admin(&api).post(path, json!({"ids": []})).await.expect(400);
}
