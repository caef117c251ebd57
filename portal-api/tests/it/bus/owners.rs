//! Listeners of applications, and what their people are told.

use serde_json::json;
use standardwebhooks::Webhook;

use super::{admin, apis, application, rename, until};
use crate::{
    authorization::ALL_SCOPES,
    receiver::{Receiver, Reply},
    support::DEVELOPER,
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
