//! What has served its time goes. Housekeeping does a whole round at every start, before it listens
//! for the end.

use std::num::NonZeroU32;

use chrono::TimeDelta;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use service::{ServiceName, clock};

use crate::{
    authorization::ALL_SCOPES,
    openapi::furnish,
    support::{ADMIN, TestApi, on_both_databases},
};

/// A time so many days ago, as a literal of both databases.
fn days_ago(days: i64) -> String {
    let time = clock::now() - TimeDelta::days(days);
    time.format("%Y-%m-%d %H:%M:%S+00:00").to_string()
}

/// Stops the server, changes its data, and lets it clean up once. Answers with the number of rows
/// that `count` then finds.
async fn after(api: TestApi, change: &str, count: &str) -> (TestApi, i64) {
    let stopped = api.into_parts().await;
    let db = stopped.open().await;
    let txn = db.write().await.unwrap();
    txn.execute_unprepared(change).await.unwrap();
    txn.commit().await.unwrap();
    drop(db);
    let stopped = stopped.start().await.into_parts().await;
    let db = stopped.open().await;
    let sql = format!("select count(*) as found from {count}");
    let statement = Statement::from_string(db.read().get_database_backend(), sql);
    let row = db.read().query_one_raw(statement).await.unwrap().unwrap();
    let found = row.try_get("", "found").unwrap();
    drop(db);
    (stopped.start().await, found)
}

on_both_databases! {
    async fn a_listener_that_never_answers_is_given_up_but_our_own_are_not(api: TestApi) {
        furnish(&api).await;
        let mailer = json!({"id": "mailer", "url": "http://127.0.0.1:9/", "events": ["*"]});
        let service = api.service(ServiceName::Mailer);
        service.put("/webhooks/listeners/mailer", mailer).await.expect(200);
        let body = json!({"id": "told", "name": "Both are told"});
        api.user(ADMIN, ALL_SCOPES).post("/applications", body).await.expect(201);
        let waiting = async |api: &TestApi, listener: &str| {
            let path = format!("/webhooks/events/{listener}");
            let events = api.user(ADMIN, ALL_SCOPES).get(&path).await.expect(200).json();
            events.as_array().map_or(0, Vec::len)
        };
        let (one, other) = (waiting(&api, "crm-sync").await, waiting(&api, "mailer").await);
        assert!(one > 0 && other > 0, "{one} {other}");
        let old = format!("update events set occurred_at = '{}'", days_ago(8));
        let (api, dead) = after(api, &old, "deliveries where state = 'dead' and listener_id = 'crm-sync'").await;
        assert_eq!(dead, i64::try_from(one).unwrap(), "given up, and still there");
        assert_eq!(waiting(&api, "crm-sync").await, 0);
        assert_eq!(waiting(&api, "mailer").await, other);
        let older = format!("update deliveries set ended_at = '{}' where state = 'dead'", days_ago(31));
        let (api, dead) = after(api, &older, "deliveries where state = 'dead'").await;
        assert_eq!(dead, 0);
        assert_eq!(waiting(&api, "mailer").await, other);
    }

    async fn accounts_that_were_never_confirmed_go_where_the_operator_says_so(api: TestApi) {
        let admin = api.user(ADMIN, ALL_SCOPES);
        let mut ids = Vec::new();
        for name in ["forgotten", "confirmed", "fresh", "reader"] {
            let body = json!({"email": format!("{name}@example.org"), "validated": name == "confirmed"});
            let made = admin.post("/users", body).await.expect(201).json();
            ids.push(made["id"].as_str().unwrap().to_owned());
        }
        let own = json!({"id": "kept", "name": "Kept"});
        admin.post("/applications", own).await.expect(201);
        let role = json!({"email": "reader@example.org", "role": "reader"});
        admin.post("/applications/kept/owners", role).await.expect(201);
        let old = "('forgotten@example.org', 'confirmed@example.org', 'reader@example.org')";
        let sql = format!("update users set created_at = '{}' where email in {old}", days_ago(31));
        let (api, all) = after(api, &sql, "users where email like '%@example.org'").await;
        let api = api.restart_with(&[], |settings| settings.unconfirmed_days = NonZeroU32::new(30)).await;
        let (api, left) = after(api, &sql, "users where email like '%@example.org'").await;
        assert_eq!(left, all - 1);
        for (id, status) in ids.iter().zip([404, 200, 200, 200]) {
            api.user(ADMIN, ALL_SCOPES).get(&format!("/users/{id}")).await.expect(status);
        }
    }

    async fn credentials_that_ended_long_ago_go(api: TestApi) {
        furnish(&api).await;
        let path = "/applications/market/subscriptions/petstore/credentials";
        let admin = api.user(ADMIN, ALL_SCOPES);
        for name in ["one", "two"] {
            let made = admin.post(path, json!({"name": name})).await.expect(201).json();
            let one = format!("{path}/{}", made["id"].as_str().unwrap());
            admin.delete(&one).await.expect(204);
        }
        let change = format!("update credentials set revoked_at = '{}' where name = 'one'", days_ago(366));
        let (api, ended) = after(api, &change, "credentials where revoked_at is not null").await;
        assert_eq!(ended, 1);
        let left = api.user(ADMIN, ALL_SCOPES).get(path).await.expect(200).json();
        let names = left.as_array().unwrap().iter().map(|one| &one["name"]);
        assert!(!names.collect::<Vec<&Value>>().contains(&&json!("one")));
    }
}
