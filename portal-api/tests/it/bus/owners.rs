//! Listeners of applications, and what their people are told.

use chrono::TimeDelta;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use super::{admin, apis, application, quick, rename, until};
use crate::{
    authorization::ALL_SCOPES,
    receiver::{Receiver, Reply},
    support::{DEVELOPER, TestApi},
};

#[tokio::test]
async fn an_application_hears_of_itself_alone_and_signed() {
    for api in apis().await {
        let receiver = Receiver::start(|_| Reply::ok()).await;
        let developer = api.user(DEVELOPER, ALL_SCOPES);
        let body = json!({"id": "their-app", "name": "Theirs"});
        developer.post("/applications", body).await.expect(201);
        let all = "/applications/their-app/listeners";
        let wanted = json!({
            "url": receiver.url, "format": "standard", "sensitive": true, "mode": "explicit",
        });
        let made = developer.post(all, wanted).await.expect(201).json();
        let listener = &made["listener"];
        assert_eq!(
            (&listener["mode"], &listener["sensitive"]),
            (&json!("ack"), &json!(false))
        );
        let webhook = Webhook::new(made["secret"]["secret"].as_str().unwrap()).unwrap();
        application(&api, "other-app").await;
        rename(&api, "other-app", "Other").await;
        rename(&api, "their-app", "Still theirs").await;
        let requests = receiver.until("the event", |all| !all.is_empty()).await;
        assert!(
            webhook
                .verify(&requests[0].body, &requests[0].headers)
                .is_ok()
        );
        assert_eq!(requests[0].events[0]["data"]["applicationId"], "their-app");
        let id = listener["id"].as_str().unwrap();
        let deliveries = format!("{all}/{id}/deliveries");
        let told = until(&api, &deliveries, |told| {
            told["items"][0]["state"] == "acked"
        })
        .await;
        assert_eq!(told["items"].as_array().unwrap().len(), 1);
        // A replay leaves out what is none of their business.
        let path = format!("{all}/{id}/replay");
        let again = developer
            .post(&path, json!({"from": 1}))
            .await
            .expect(202)
            .json();
        assert_eq!(again["count"], 2, "made and renamed");
        // Not among those of the installation, nor to be taken over by one.
        let shown = admin(&api)
            .get("/webhooks/listeners")
            .await
            .expect(200)
            .text();
        assert!(!shown.contains(id));
        let body = json!({"id": id, "url": receiver.url});
        let path = format!("/webhooks/listeners/{id}");
        admin(&api).put(&path, body).await.expect(409);
        for _ in 1..10 {
            let body = json!({"url": receiver.url});
            developer.post(all, body).await.expect(201);
        }
        let body = json!({"url": receiver.url});
        developer.post(all, body).await.expect(409);
        let other = format!("/applications/other-app/listeners/{id}");
        admin(&api).delete(&other).await.expect(404);
        developer.delete(&format!("{all}/{id}")).await.expect(204);
        // The others go with the application.
        developer
            .delete("/applications/their-app")
            .await
            .expect(204);
    }
}

#[tokio::test]
async fn people_are_told_some_days_before_a_credential_ends() {
    let api = TestApi::with(&[], quick).await;
    let body = json!({"id": "watcher", "mode": "pull", "events": ["credential.*"]});
    admin(&api)
        .put("/webhooks/listeners/watcher", body)
        .await
        .expect(200);
    application(&api, "ending").await;
    let body = json!({"application": "ending", "api": "petstore", "plan": "free"});
    let path = "/applications/ending/subscriptions";
    admin(&api).post(path, body).await.expect(201);
    let path = format!("{path}/petstore/credentials");
    let end = service::clock::now() + TimeDelta::hours(60);
    let body = json!({"name": "short", "expiresAt": end.to_rfc3339()});
    let made = admin(&api).post(&path, body).await.expect(201).json();
    // It was made long ago. Looked after at every start.
    let stopped = api.into_parts().await;
    let db = stopped.open().await;
    let txn = db.write().await.unwrap();
    let change = "update credentials set created_at = '2026-01-01 00:00:00+00:00'";
    txn.execute_unprepared(change).await.unwrap();
    txn.commit().await.unwrap();
    drop(db);
    let api = stopped.start().await;
    let told = until(&api, "/webhooks/events/watcher", |told| told[0].is_object()).await;
    let data = &told[0]["data"];
    assert_eq!(data["credentialId"], made["id"]);
    assert_eq!(data["days"], 3);
    let mut members: Vec<&String> = data.as_object().unwrap().keys().collect();
    members.sort();
    let expected = [
        "apiId",
        "applicationId",
        "credentialId",
        "days",
        "expiresAt",
        "last4",
        "subscriptionId",
    ];
    assert_eq!(members, expected);
    let api = api.restart_with(&[], quick).await;
    application(&api, "another").await;
    let told: Value = until(&api, "/webhooks/events/watcher", |_| true).await;
    assert_eq!(told.as_array().unwrap().len(), 1, "told once");
}
