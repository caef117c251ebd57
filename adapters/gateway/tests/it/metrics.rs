//! What the metrics say (events-and-adapters F4).

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::{
    kong_world::{KongWorld, Store},
    world::api,
};

/// The whole part of the value of the series with this name and all of these labels; nothing if there is none.
fn value(metrics: &PrometheusHandle, name: &str, labels: &[&str]) -> Option<u64> {
    let text = metrics.render();
    let mut found = text.lines().filter(|line| {
        let series = line.strip_prefix(name).unwrap_or_default();
        series.starts_with([' ', '{']) && labels.iter().all(|label| series.contains(label))
    });
    let line = found.next()?;
    assert!(found.next().is_none(), "{name} {labels:?}");
    line.rsplit([' ', '}'])
        .next()?
        .split('.')
        .next()?
        .parse()
        .ok()
}

#[tokio::test]
async fn the_metrics_say_what_is_wanted_what_could_not_be_made_and_what_is_too_much() {
    // Of this thread only, and so of this test.
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let _here = metrics::set_default_local_recorder(&recorder);
    let Some(world) = KongWorld::start(Store::Database).await else {
        return;
    };
    let entities = |kind: &str, state: &str| {
        let labels = [format!("kind=\"{kind}\""), format!("state=\"{state}\"")];
        let labels = labels.each_ref().map(String::as_str);
        value(&metrics, "wicketgate_gateway_entities", &labels)
    };
    let total = |name: &str, labels: &[&str]| {
        value(&metrics, &format!("wicketgate_{name}"), labels).unwrap_or_default()
    };
    assert_eq!(entities("services", "desired"), Some(6));
    assert_eq!(entities("services", "not_applied"), Some(0));
    assert_eq!(entities("consumers", "desired"), Some(0));
    assert!(total("gateway_last_success_timestamp", &[]) > 1_000_000_000);
    assert!(total("gateway_sync_total", &["result=\"ok\""]) >= 1);
    assert!(total("gateway_sync_seconds_count", &[]) >= 1);

    for number in 0..12 {
        let application = format!("app-{number}");
        let key = format!("key-{number}");
        world
            .subscribe(&application, "keyed", "limited", &key)
            .await;
    }
    for kind in ["consumers", "keyauth_credentials", "acls"] {
        assert_eq!(entities(kind, "desired"), Some(12), "{kind}");
    }
    assert!(total("ack_total", &["result=\"ok\""]) >= 12);
    let puts = ["method=\"PUT\"", "kind=\"consumers\"", "status=\"ok\""];
    assert_eq!(total("gateway_calls_total", &puts), 12);
    let event = world.portal.change("app-0", "subscription.delete", |all| {
        all.retain(|subscription| subscription["application"] != "app-0");
    });
    world.deliver(event).await;
    for kind in ["consumers", "keyauth_credentials", "acls"] {
        assert_eq!(entities(kind, "desired"), Some(11), "{kind}");
    }

    let taken = json!({"name": "added", "host": "h"});
    let (_, foreign) = world.admin(Method::POST, "services", taken).await;
    world
        .configure(|installation| {
            let added = api("added", "key-auth", "http://b.test");
            installation.apis.push(added);
        })
        .await;
    assert_eq!(entities("services", "desired"), Some(7));
    assert_eq!(entities("services", "not_applied"), Some(1));
    assert_eq!(entities("routes", "not_applied"), Some(1));
    assert_eq!(entities("plugins", "not_applied"), Some(2));
    assert_eq!(total("gateway_problems", &[]), 1);
    let path = format!("services/{}", foreign["id"].as_str().unwrap());
    world.admin(Method::DELETE, &path, json!({})).await;

    world.portal.installation().subscriptions.clear();
    world.resync("").await;
    assert_eq!(entities("services", "not_applied"), Some(0));
    assert_eq!(entities("consumers", "desired"), Some(0));
    assert_eq!(entities("consumers", "superfluous"), Some(11));
    world.resync("?force=true").await;
    assert_eq!(entities("consumers", "superfluous"), Some(0));
    assert_eq!(total("gateway_problems", &[]), 0);
    assert!(total("gateway_drift_total", &["kind=\"consumers\""]) >= 11);

    world.portal.installation().away = true;
    let (status, _) = world.operate(Method::POST, "resync", json!({})).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(total("gateway_sync_total", &["result=\"failed\""]) >= 1);
}
