//! Usage: taking records and reading series (portal-api 29.3, 29.5).

use chrono::{TimeDelta, Timelike};
use http::Method;
use serde_json::{Value, json};
use service::ServiceName;

use crate::{
    market::{Market, PETS},
    support::{ADMIN, DEVELOPER, PARTNER},
};

#[tokio::test]
async fn calls_are_counted_once_and_read_as_series() {
    for market in Market::on_each_database().await {
        market.application(DEVELOPER, "shop").await;
        let made = market
            .subscribe(DEVELOPER, "shop", PETS, "free")
            .await
            .expect(201)
            .json();
        let id = made["id"].as_str().unwrap();
        let own = "/applications/shop/subscriptions/petstore";
        let credentials = market
            .get(DEVELOPER, &format!("{own}/credentials"))
            .await
            .json();
        let credential = credentials[0]["id"].as_str().unwrap();
        let now = service::clock::now();
        let minute = now.with_second(0).unwrap().with_nanosecond(0).unwrap();
        let cell = |minutes_ago: i64, status: &str, calls: u64| {
            let mut histogram = vec![0; 14];
            histogram[4] = calls;
            json!({"minute": (minute - TimeDelta::minutes(minutes_ago)).timestamp(),
                "subscription": id, "credential": credential, "operation": "GET /pets",
                "status": status, "calls": calls, "errors": 0, "requestBytes": 10,
                "responseBytes": 20, "histogram": histogram})
        };
        let mut cells = vec![cell(0, "2xx", 3), cell(0, "4xx", 1), cell(1, "2xx", 5)];
        cells.push(json!({"minute": 60, "subscription": "gone", "status": "2xx", "calls": 1}));
        let adapter = market.api.service(ServiceName::GatewayAdapter);
        let send = async |batch: &str, cells: &Value| {
            let body = json!({"batchId": batch, "node": "a", "cells": cells});
            adapter
                .send(Method::POST, "/usage/records", Some(body))
                .await
        };
        let cells = Value::Array(cells);
        send("b1", &cells).await.expect(202);
        send("b1", &cells).await.expect(200);
        send("b2", &json!([cell(0, "2xx", 1)])).await.expect(202);

        let read = async |user: &str, path: &str| market.get(user, path).await.expect(200).json();
        let total = |usage: &Value| -> u64 {
            let series = usage["series"].as_array().unwrap().iter();
            series
                .flat_map(|series| series["points"].as_array().unwrap())
                .map(|point| point["calls"].as_u64().unwrap())
                .sum()
        };
        let by_status = read(DEVELOPER, &format!("{own}/usage?by=status")).await;
        assert_eq!(by_status["series"][0]["key"], "2xx");
        assert_eq!(total(&by_status), 10);
        let p95 = by_status["series"][0]["points"][0]["p95"].as_f64().unwrap();
        assert!((10.0..=20.0).contains(&p95), "{p95}");
        for path in [
            "/applications/shop/usage?by=api",
            "/apis/petstore/usage?by=plan",
            "/usage?by=application",
        ] {
            assert_eq!(total(&read(ADMIN, path).await), 10, "{path}");
        }
        let limits = read(DEVELOPER, &format!("{own}/limits")).await;
        assert_eq!(
            (&limits[0]["window"], &limits[0]["limit"]),
            (&json!("minute"), &json!(10))
        );
        let client = market
            .api
            .user(DEVELOPER, "read_subscriptions")
            .header("accept", "text/csv");
        let csv = client
            .get(&format!("{own}/usage?by=operation"))
            .await
            .expect(200);
        assert!(csv.text().contains("\"GET /pets\""));
        let credentials = market
            .get(DEVELOPER, &format!("{own}/credentials"))
            .await
            .json();
        assert!(credentials[0]["lastUsedAt"].is_string());
        market
            .get(PARTNER, &format!("{own}/usage"))
            .await
            .expect(403);
        market.get(PARTNER, "/usage").await.expect(403);
        market
            .get(PARTNER, "/apis/petstore/usage")
            .await
            .expect(403);
        market
            .get(DEVELOPER, &format!("{own}/usage?by=color"))
            .await
            .expect(400);
        market
            .post(
                ADMIN,
                "/usage/records",
                json!({"batchId": "x", "node": "a", "cells": []}),
            )
            .await
            .expect(403);
    }
}

#[tokio::test]
async fn a_malformed_batch_is_refused_with_the_field() {
    let market = Market::start().await;
    let adapter = market.api.service(ServiceName::GatewayAdapter);
    for body in [
        json!({"batchId": "", "node": "a", "cells": []}),
        json!({"batchId": "x", "node": "a", "cells": [{"minute": i64::MAX, "subscription": "s", "status": "2xx", "calls": 1}]}),
        json!({"batchId": "x", "node": "a", "cells": [{"minute": 1, "subscription": "s", "status": "9xx", "calls": 1}]}),
        json!({"node": "a"}),
    ] {
        let answer = adapter
            .send(Method::POST, "/usage/records", Some(body))
            .await
            .expect(400);
        assert!(answer.json()["message"].is_string());
    }
}

#[tokio::test]
async fn old_minutes_become_hours_and_nothing_is_lost() {
    let market = Market::start().await;
    market.application(DEVELOPER, "shop").await;
    let made = market
        .subscribe(DEVELOPER, "shop", PETS, "free")
        .await
        .expect(201)
        .json();
    let hour = (service::clock::now() - TimeDelta::days(2)).timestamp() / 3600 * 3600;
    let cells: Vec<_> = (0..3)
        .map(|minute| {
            json!({"minute": hour + minute * 60, "subscription": made["id"], "status": "2xx", "calls": 2})
        })
        .collect();
    let adapter = market.api.service(ServiceName::GatewayAdapter);
    let body = json!({"batchId": "old", "node": "a", "cells": cells});
    adapter
        .send(Method::POST, "/usage/records", Some(body))
        .await
        .expect(202);
    // Housekeeping runs at start; the first one may have found the records already.
    let market = market.restart().await;
    while market.count("usage_minutes").await != 1 {
        tokio::task::yield_now().await;
    }
    let from = chrono::DateTime::from_timestamp(hour, 0)
        .unwrap()
        .to_rfc3339();
    let path = format!("/applications/shop/subscriptions/petstore/usage?step=1h&from={from}");
    let usage = market.get(DEVELOPER, &path).await.expect(200).json();
    assert_eq!(usage["series"][0]["points"][0]["calls"], 6);
}
