//! Neighbours that are away.

use reqwest::StatusCode;
use serde_json::json;
use service::health::State;

use crate::world::World;

#[tokio::test]
async fn events_wait_for_portal_api_and_are_handled_when_it_is_back() {
    let world = World::start_without_waiting(|installation| installation.away = true).await;
    let waits = |state| matches!(state, State::Waiting(reason) if reason.contains("portal-api"));
    while !waits(world.readiness.state()) {
        tokio::task::yield_now().await;
    }
    let subscribed = world.subscribe("my-app", "unlimited", "secret-key-1");
    let back = async {
        tokio::task::yield_now().await;
        world.portal.installation().away = false;
    };
    tokio::join!(subscribed, back);
    world.readiness.until_ready().await;
    let status = world
        .status("/keyed", &[("x-apikey", "secret-key-1")])
        .await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn a_gateway_that_comes_back_empty_is_filled_again() {
    let mut world = World::start().await;
    world.subscribe("my-app", "unlimited", "secret-key-1").await;
    let stopped = world.gateway.stop().await;
    let event = world.portal.change("my-app", "application.update", |_| {});
    let report = world.portal.deliver(&[event]).await;
    assert!(
        report.acked.is_empty(),
        "nothing is done while the gateway is away"
    );
    world.gateway = stopped.start_empty();
    world.readiness.until_ready().await;
    let status = world
        .status("/keyed", &[("x-apikey", "secret-key-1")])
        .await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn signing_keys_stay_in_force_while_the_auth_server_is_away() {
    let mut world = World::start().await;
    world.subscribe_client("my-app", "client1").await;
    let token = world.key.token("client1", "tokens", json!({}));
    let token = format!("Bearer {token}");
    world.auth.publish(&[]);
    world.portal.installation().hash = "hash2".to_owned();
    let event = world.portal.change("", "config.updated", |_| {});
    world.deliver(event).await;
    let header = [("authorization", token.as_str())];
    assert_eq!(world.status("/tokens", &header).await, StatusCode::OK);

    // Another adapter, which has never seen a key, finds them at the gateway.
    world.stop_adapter();
    let (other, readiness) = world.start_adapter().await;
    let waits = |state| matches!(state, State::Waiting(reason) if reason.contains("`default`"));
    while !waits(readiness.state()) {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.status("/tokens", &header).await, StatusCode::OK);
    world.auth.publish(&[&world.key]);
    readiness.until_ready().await;
    assert_eq!(world.status("/tokens", &header).await, StatusCode::OK);
    drop(other);
}

#[tokio::test]
async fn a_run_that_would_remove_too_much_removes_nothing() {
    let world = World::start().await;
    for number in 0..12 {
        world
            .subscribe(
                &format!("app-{number}"),
                "unlimited",
                &format!("secret-key-{number}"),
            )
            .await;
    }
    world.portal.installation().subscriptions.clear();
    world.resync("").await;
    let first = [("x-apikey", "secret-key-0")];
    assert_eq!(world.status("/keyed", &first).await, StatusCode::OK);
    world
        .portal
        .until(|installation| {
            let problems = installation.status.as_ref().map(|status| &status.problems);
            problems.is_some_and(|problems| problems.iter().any(|problem| problem.id == "brake"))
        })
        .await;
    world.resync("?force=true").await;
    assert_eq!(
        world.status("/keyed", &first).await,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn of_two_adapters_one_works_and_the_other_takes_over() {
    let mut world = World::start().await;
    let (second, readiness) = world.start_adapter().await;
    readiness.until_ready().await;
    let ping = |adapter: url::Url| async move {
        let answer = service::http::client().get(adapter.join("ping").unwrap());
        let answer: serde_json::Value = answer.send().await.unwrap().json().await.unwrap();
        (answer["healthy"].clone(), answer["role"].clone())
    };
    let first = world.adapter.clone();
    let registered = world.portal.installation().listener.clone().unwrap();
    assert_eq!(
        registered.url.as_deref(),
        Some(first.as_str()),
        "only the leader registers"
    );
    assert_eq!(ping(first).await, (json!(1), json!("leader")));
    // It asks for the lease every ten seconds.
    world.stop_adapter();
    world
        .portal
        .until(|installation| {
            let listener = installation.listener.as_ref();
            listener.is_some_and(|listener| listener.url != registered.url)
        })
        .await;
    world.subscribe("my-app", "unlimited", "secret-key-1").await;
    let status = world
        .status("/keyed", &[("x-apikey", "secret-key-1")])
        .await;
    assert_eq!(status, StatusCode::OK);
    drop(second);
}

#[tokio::test]
async fn a_portal_api_that_was_set_back_is_noticed_at_the_next_lease() {
    let world = World::start().await;
    world.subscribe("my-app", "unlimited", "secret-key-1").await;
    let headers = [("x-apikey", "secret-key-1")];
    assert_eq!(world.status("/keyed", &headers).await, StatusCode::OK);
    // As after a restored dump: what was made since is unknown, and no event says so.
    {
        let mut installation = world.portal.installation();
        installation.subscriptions.clear();
        installation.seq -= 1;
    }
    while world.status("/keyed", &headers).await.is_success() {
        tokio::task::yield_now().await;
    }
}
