//! Which configuration of a plugin counts (gateway 6.1).

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Backend, TestGateway, key_auth};

/// The scopes from the most specific on.
const SCOPES: [&[&str]; 8] = [
    &["route", "service", "consumer"],
    &["route", "consumer"],
    &["service", "consumer"],
    &["route", "service"],
    &["consumer"],
    &["route"],
    &["service"],
    &[],
];

#[tokio::test]
async fn the_most_specific_configuration_counts_and_no_other() {
    let gateway = TestGateway::start().await;
    let backend = Backend::start().await;
    let service = gateway.publish("orders", backend.address, "/orders").await;
    let key = gateway.plugin("key-auth", Some(&service), None, key_auth());
    key.await;
    let shop = gateway.consumer("shop").await;
    gateway.key(&shop, "k").await;
    let other = gateway.consumer("other").await;
    gateway.key(&other, "o").await;
    let (_, route) = gateway
        .call(Method::GET, "routes/orders.0", Value::Null)
        .await;
    let reference = |scope: &str| match scope {
        "route" => json!({"id": route["id"]}),
        "service" => json!({"id": service.id}),
        _ => json!({"id": shop.id}),
    };
    let mut plugins = Vec::new();
    for (level, scope) in (1..).zip(SCOPES) {
        // The limit tells which one it was.
        let mut plugin = json!({"name": "rate-limiting", "config": {"year": 1000 + level}});
        for part in scope {
            plugin[*part] = reference(part);
        }
        plugins.push(gateway.post("plugins", plugin).await["id"].clone());
    }
    let limit = async |key: &str| {
        let request = gateway.get("/orders").header("apikey", key);
        let answer = request.send().await.unwrap();
        let limit = answer.headers().get("x-ratelimit-limit-year");
        limit.map(|limit| limit.to_str().unwrap().to_owned())
    };
    // Somebody else's configurations are no more specific.
    assert_eq!(limit("o").await.unwrap(), "1004");
    for (level, id) in (1..).zip(&plugins) {
        assert_eq!(limit("k").await.unwrap(), (1000 + level).to_string());
        // One that is off uncovers the next one.
        let path = format!("plugins/{}", id.as_str().unwrap());
        gateway
            .call(Method::PATCH, &path, json!({"enabled": false}))
            .await;
    }
    assert_eq!(limit("k").await, None);
}
