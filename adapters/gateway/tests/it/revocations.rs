//! Access tokens that their auth server has ended.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::world::World;

/// How soon the gateway refuses a token after its end (auth-server, Part 4).
const PROMPT: Duration = Duration::from_secs(2);

async fn told(world: &World) -> Value {
    let url = world.gateway.admin.join("wicketgate/revocations").unwrap();
    let answer = service::http::client().get(url).send().await.unwrap();
    answer.json().await.unwrap()
}

#[tokio::test]
async fn an_ended_token_is_refused_at_once_and_a_new_gateway_learns_all_of_it() {
    let mut world = World::start().await;
    world.subscribe_client("my-app", "client1").await;
    let token = |jti: &str| {
        let token = world.key.token("client1", "tokens", json!({ "jti": jti }));
        format!("Bearer {token}")
    };
    let (one, two, three) = (token("1"), token("2"), token("3"));
    let ok = async |world: &World, token: &str| {
        world.status("/tokens", &[("authorization", token)]).await == StatusCode::OK
    };
    for token in [&one, &two, &three] {
        assert!(ok(&world, token).await);
    }
    for (jti, token) in [("1", &one), ("2", &two)] {
        world.auth.revoke(jti);
        let began = Instant::now();
        while ok(&world, token).await {
            assert!(began.elapsed() < PROMPT, "still accepted");
        }
    }
    assert!(ok(&world, &three).await);

    let stopped = world.gateway.stop().await;
    world.gateway = stopped.start_empty();
    let began = Instant::now();
    loop {
        // The adapter looks whether the gateway still has everything, without having news.
        let told = told(&world).await;
        if told["issuers"][0]["entries"] == 2 {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(5), "not told: {told}");
        tokio::task::yield_now().await;
    }
}
