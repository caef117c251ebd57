//! Neighbours that are away.

use reqwest::StatusCode;
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
