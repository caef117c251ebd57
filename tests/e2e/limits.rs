//! Several gateways hold a plan's limit together.

use reqwest::StatusCode;
use serde_json::json;

use crate::{
    journey::Person,
    support::{Installation, Redis, Shape, change, copy_sample},
};

const LIMIT: usize = 200;
const CLIENTS: usize = 64;

#[tokio::test]
async fn two_gateways_keep_to_one_limit_and_go_on_without_the_store() {
    let Some(mut installation) = Installation::prepare(Shape::Balanced).await else {
        return;
    };
    let Some(redis) = Redis::start() else {
        return;
    };
    let place = tempfile::tempdir().unwrap();
    let configuration = place.path().join("configuration");
    copy_sample(&configuration);
    change(&configuration.join("plans/plans.json"), |file| {
        file["plans"][0]["config"]["plugins"][0]["config"] = json!({ "year": LIMIT });
    });
    installation.set("PORTAL_API_STATIC_CONFIG", configuration.to_str().unwrap());
    let store = format!("redis://127.0.0.1:{}", redis.port());
    installation.set("RATE_LIMIT_REDIS_URL", &store);
    installation.launch().await;
    let ada = Person::sign_up(&installation, "ada@example.org", "Ada Lovelace").await;
    let key = ada
        .subscribe_new_application("ada-shop", "petstore", "free")
        .await;
    let gateways = installation.gateways();
    assert_eq!(gateways.len(), 2);
    let calls = |number: usize| {
        let url = format!("{}/petstore/v1/pets", gateways[number % 2]);
        let request = installation.http.get(url).header("x-apikey", &key);
        tokio::spawn(async move {
            let mut passed = 0;
            for _ in 0..2 * LIMIT / CLIENTS {
                let status = request.try_clone().unwrap().send().await.unwrap().status();
                assert!(matches!(status.as_u16(), 200 | 429), "{status}");
                passed += usize::from(status == StatusCode::OK);
            }
            passed
        })
    };
    let mut passed = 0;
    for calls in (0..CLIENTS).map(calls).collect::<Vec<_>>() {
        passed += calls.await.unwrap();
    }
    println!("{passed} of {LIMIT} passed");
    assert!(passed.abs_diff(LIMIT) <= LIMIT / 50, "{passed} of {LIMIT}");
    redis.stop().await;
    for gateway in &gateways {
        let call = installation.http.get(format!("{gateway}/petstore/v1/pets"));
        let answer = call.header("x-apikey", &key).send().await.unwrap();
        assert_eq!(answer.status(), 200, "limits are no reason to be down");
    }
}
