//! Random histories: whatever happened before, one run ends at the desired state.

use fastrand::Rng;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::world::{World, api, subscription};

const APPLICATIONS: [&str; 3] = ["one", "two", "three"];

#[tokio::test]
async fn one_run_reaches_the_desired_state_and_a_second_makes_no_call() {
    history(World::start().await, 7).await;
}

#[tokio::test]
async fn so_does_a_run_that_holds_nothing_but_differences() {
    history(World::start_compact().await, 7).await;
    history(World::start_compact().await, 8).await;
}

#[tokio::test]
async fn a_large_installation_works_like_a_small_one() {
    let world = World::start_compact().await;
    world.subscribe("my-app", "limited", "secret-key-1").await;
    let key = [("x-apikey", "secret-key-1")];
    assert_eq!(world.status("/keyed", &key).await, StatusCode::OK);
    let path = format!(
        "consumers/{}",
        world.entities("consumers").await[0]["id"].as_str().unwrap()
    );
    world.admin(Method::DELETE, &path, json!({})).await;
    assert_eq!(world.status("/keyed", &key).await, StatusCode::UNAUTHORIZED);
    let report = world.resync("").await;
    assert_eq!(report["PUT"], 4, "consumer, key, group, limit");
    assert_eq!(world.status("/keyed", &key).await, StatusCode::OK);
    // A change of the plan's limits reaches those who have it.
    world.portal.installation().plans[0]["config"]["plugins"][0]["config"]["hour"] = json!(5);
    world.portal.installation().hash = "hash2".to_owned();
    let report = world.resync("").await;
    assert_eq!((&report["PUT"], &report["DELETE"]), (&json!(1), &json!(0)));
    // What nobody wants any more goes, unless it is too much at once.
    world.portal.installation().subscriptions.clear();
    world.resync("").await;
    assert_eq!(world.entities("consumers").await.len(), 0);
    assert_eq!(world.resync("").await["actions"], json!([]));
}

async fn history(world: World, seed: u64) {
    let mut random = Rng::with_seed(seed);
    for step in 0..12 {
        change(&world, &mut random, step);
        vandalise(&world, &mut random).await;
        world.resync("?force=true").await;
        let planned = world.resync("?dryRun=true").await;
        assert_eq!(planned["actions"], json!([]), "step {step}");
        let again = world.resync("").await;
        assert_eq!(again["actions"], json!([]), "step {step}");
        let wanted = expected_consumers(&world);
        let mut there: Vec<String> = world
            .entities("consumers")
            .await
            .iter()
            .map(|consumer| consumer["username"].as_str().unwrap().to_owned())
            .collect();
        there.sort();
        assert_eq!(there, wanted, "step {step}");
    }
}

fn expected_consumers(world: &World) -> Vec<String> {
    let installation = world.portal.installation();
    let published = |id: &Value| {
        installation
            .apis
            .iter()
            .any(|api| api["id"] == *id && api["auth"] != "none")
    };
    let mut names: Vec<String> = installation
        .subscriptions
        .iter()
        .filter(|subscription| published(&subscription["api"]))
        .map(|subscription| {
            let text = |name: &str| subscription[name].as_str().unwrap().to_owned();
            format!("{}${}", text("application"), text("api"))
        })
        .collect();
    names.sort();
    names
}

/// Another configuration, other subscriptions.
fn change(world: &World, random: &mut Rng, step: usize) {
    let mut subscriptions = Vec::new();
    for application in APPLICATIONS {
        for id in ["keyed", "tokens", "other"] {
            if random.bool() {
                let key = format!("{application}-{id}-{}", random.u8(..2));
                let plan = *random.choice(&["limited", "unlimited"]).unwrap();
                let credentials = json!([
                    {"id": key, "kind": "key", "digest": world.portal.digest(&key)},
                    {"id": "c", "kind": "client", "digest": "d", "clientId": format!("{application}{id}")}
                ]);
                subscriptions.push(subscription(application, id, plan, credentials));
            }
        }
    }
    let backend = world.backend.url.clone();
    let mut installation = world.portal.installation();
    installation.hash = format!("step{step}");
    installation.seq += 1;
    installation.subscriptions = subscriptions;
    for id in ["keyed", "other"] {
        installation.apis.retain(|api| api["id"] != id);
        if random.u8(..4) > 0 {
            let auth = *random.choice(&["none", "key-auth", "oauth2"]).unwrap();
            let mut api = api(id, auth, &backend);
            if random.bool() {
                api["bundle"] = json!("both");
            }
            installation.apis.push(api);
        }
    }
}

/// Somebody else's hands on our entities.
async fn vandalise(world: &World, random: &mut Rng) {
    for collection in ["plugins", "consumers", "acls", "key-auths", "routes"] {
        let entities = world.entities(collection).await;
        if let Some(entity) = random.choice(&entities)
            && random.bool()
        {
            let path = format!("{collection}/{}", entity["id"].as_str().unwrap());
            world.admin(Method::DELETE, &path, json!({})).await;
        }
    }
}
