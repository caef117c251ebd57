//! Events that no call makes: time passes, or a listener is not there.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

use super::{
    Walk, row, setup,
    walk::{Row, look},
};
use crate::{
    receiver::{Receiver, Reply},
    support::{ADMIN, Stopped, TestApi},
};

fn application(id: &str) -> Row {
    let told = json!([["application.add", {"applicationId": id, "userId": ADMIN}]]);
    row(
        ADMIN,
        "POST /applications",
        json!({"id": id, "name": id}),
        told,
    )
}

/// As if the credentials had been made two months ago, with another end.
async fn let_them_end(stopped: &Stopped, end: DateTime<Utc>) {
    let db = stopped.open().await;
    let txn = db.write().await.unwrap();
    let made = service::clock::now() - TimeDelta::days(60);
    let change = Statement::from_sql_and_values(
        txn.get_database_backend(),
        "update credentials set created_at = $1, expires_at = $2 where subscription_id in \
         (select id from subscriptions where application_id = 'ending')",
        [made.into(), end.into()],
    );
    txn.execute_raw(change).await.unwrap();
    txn.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn that_a_credential_ends_is_told_days_before_and_when_it_has() {
    for api in setup::apis().await {
        let mut walk = Walk::begin(&api).await;
        let wanted = json!({"application": "ending", "api": "petstore", "plan": "free"});
        let data = json!({"subscriptionId": "<subscription>", "applicationId": "ending",
            "apiId": "petstore", "userId": ADMIN, "planId": "free"});
        walk.through(vec![
            application("ending"),
            row(
                ADMIN,
                "POST /applications/ending/subscriptions",
                wanted,
                json!([["subscription.add", data]]),
            )
            .keep("subscription", "/id"),
            look(
                ADMIN,
                "GET /applications/ending/subscriptions/petstore/credentials",
            )
            .keep("credential", "/0/id")
            .keep("last4", "/0/last4"),
        ])
        .await;
        let known = walk.leave();
        let end = service::clock::now() + TimeDelta::days(14) - TimeDelta::hours(1);
        let shown = end.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        let stopped = api.into_parts().await;
        let_them_end(&stopped, end).await;
        // Looked after at every start.
        let api = setup::start(stopped).await;
        let mut walk = Walk::go_on(&api, known);
        walk.expect(
            "before the end",
            &json!([["credential.expiring", {
            "credentialId": "<credential>", "subscriptionId": "<subscription>",
            "applicationId": "ending", "apiId": "petstore", "last4": "<last4>",
            "expiresAt": shown, "days": 14}]]),
            true,
        )
        .await;
        let known = walk.leave();
        let stopped = api.into_parts().await;
        let_them_end(&stopped, service::clock::now() - TimeDelta::seconds(1)).await;
        let api = setup::start(stopped).await;
        let mut walk = Walk::go_on(&api, known);
        walk.expect(
            "after the end",
            &json!([["subscription.update", {
            "subscriptionId": "<subscription>", "applicationId": "ending", "apiId": "petstore",
            "changes": ["credentials"]}]]),
            true,
        )
        .await;
        let known = walk.leave();
        // Once.
        let api = setup::start(api.into_parts().await).await;
        let mut walk = Walk::go_on(&api, known);
        walk.step(&application("another")).await;
        walk.end();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn that_a_listener_was_switched_off_is_told() {
    for api in setup::apis().await {
        let gone = Receiver::start(|request| match request.events.first() {
            Some(event) if event["entity"] != "ping" => Reply::status(410),
            _ => Reply::ok(),
        })
        .await;
        let mut walk = Walk::begin(&api).await;
        walk.known
            .insert("url".to_owned(), gone.url.as_str().into());
        let own = json!({"id": "leaver", "url": "<url>", "mode": "ack",
            "events": ["application.*"]});
        walk.through(vec![
            row(ADMIN, "PUT /webhooks/listeners/leaver", own, json!([])),
            // The listener may have answered before we look.
            row(
                ADMIN,
                "POST /applications",
                json!({"id": "listening", "name": "listening"}),
                json!([
                ["application.add", {"applicationId": "listening", "userId": ADMIN}],
                ["listener.disabled", {"listenerId": "leaver", "reason": "<+reason>"}]]),
            )
            .patient(),
            row(
                ADMIN,
                "POST /applications/listening/listeners",
                json!({"url": "<url>"}),
                json!([]),
            )
            .keep("own", "/listener/id"),
            // Its owners are to hear of it.
            row(
                ADMIN,
                "PATCH /applications/listening",
                json!({"id": "listening", "name": "Other"}),
                json!([
                ["application.update", {"applicationId": "listening", "userId": ADMIN}],
                ["listener.disabled",
                    {"listenerId": "<own>", "applicationId": "listening", "reason": "<+reason>"}]]),
            )
            .patient(),
        ])
        .await;
        walk.end();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_collapses_holds_one_word_of_it() {
    for api in setup::apis().await {
        let mut walk = Walk::begin(&api).await;
        let short = json!({"id": "short", "mode": "pull", "maxQueue": 1, "overflow": "collapse"});
        walk.through(vec![
            row(ADMIN, "PUT /webhooks/listeners/short", short, json!([])),
            application("one-app"),
            application("two-app"),
        ])
        .await;
        let known = walk.leave();
        let api = setup::start(api.into_parts().await).await;
        let mut walk = Walk::go_on(&api, known);
        let one = look(ADMIN, "GET /webhooks/events/short").keep("word", "/0/entity");
        let until = service::clock::now() + TimeDelta::seconds(20);
        while walk.known.get("word").is_none_or(|word| word != "queue") {
            assert!(
                service::clock::now() < until,
                "{:?}",
                walk.known.get("word")
            );
            walk.step(&one).await;
        }
        let mut queue: Value = serde_json::from_str(&text(&api).await).unwrap();
        let word = queue[0].as_object_mut().unwrap();
        assert!(word.remove("id").is_some() && word.remove("seq").is_some());
        assert!(word.remove("utc").is_some());
        let expected = json!([{"entity": "queue", "action": "overflow",
            "data": {"listenerId": "short"}}]);
        assert_eq!(queue, expected);
        walk.end();
    }
}

async fn text(api: &TestApi) -> String {
    let admin = api.user(ADMIN, "webhooks");
    admin.get("/webhooks/events/short").await.expect(200).text()
}
