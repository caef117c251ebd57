//! Random histories in front of a Kong: configuration, subscriptions, other people's hands on the
//! gateway, adapters that die. Whatever happened, one run makes what is equal to what shall be, and
//! a second one makes no call that changes anything.

use std::{collections::BTreeMap, time::Duration};

use fastrand::Rng;
use gateway_adapter::{Pace, Settings};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    double::Double,
    kong_world::{KongWorld, Store},
    world::{api, subscription},
};

const APPLICATIONS: [&str; 3] = ["one", "two", "three"];
const APIS: [&str; 4] = ["keyed", "tokens", "other", "more"];
/// Steps of a history.
const STEPS: usize = 4;

#[tokio::test]
async fn histories_with_a_database_end_well() {
    let Some(world) = KongWorld::start(Store::Database).await else {
        return;
    };
    histories(world, 1..6).await;
}

#[tokio::test]
async fn histories_without_a_database_end_well() {
    let Some(world) = KongWorld::start_with(Store::Memory, |_| {}, at_once).await else {
        return;
    };
    histories(world, 101..106).await;
}

#[tokio::test]
#[ignore = "takes minutes; cargo test -p gateway-adapter --test it histories -- --ignored"]
async fn two_hundred_histories_with_a_database_end_well() {
    let Some(world) = KongWorld::start(Store::Database).await else {
        return;
    };
    histories(world, 1000..1200).await;
}

#[tokio::test]
#[ignore = "takes minutes; cargo test -p gateway-adapter --test it histories -- --ignored"]
async fn two_hundred_histories_without_a_database_end_well() {
    let Some(world) = KongWorld::start_with(Store::Memory, |_| {}, at_once).await else {
        return;
    };
    histories(world, 2000..2200).await;
}

/// The double needs no time between documents; without a pause there is more that can go wrong.
fn at_once(settings: &mut Settings) {
    settings.rules.pace = Pace {
        collect: Duration::ZERO,
        collect_at_most: Duration::ZERO,
        between_documents: Duration::ZERO,
    };
}

async fn histories(mut world: KongWorld, seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let mut random = Rng::with_seed(seed);
        for _ in 0..STEPS {
            change(&world, &mut random);
            if world.get("").await["configuration"]["database"] != "off" {
                vandalise(&world, &mut random).await;
            } else if let Some(double) = world.double.as_ref().filter(|_| random.bool()) {
                double.restart_empty();
            }
            match random.u8(..4) {
                0 => world.restart_adapter(|_| {}).await,
                // Killed in the middle of its work, which nobody waits for.
                1 => {
                    let half = world.operate(Method::POST, "resync?force=true", json!({}));
                    let patience = Duration::from_millis(random.u64(..30));
                    let _ = tokio::time::timeout(patience, half).await;
                    world.restart_adapter(|_| {}).await;
                }
                2 => {
                    let application = *random.choice(&APPLICATIONS).unwrap();
                    let event = world
                        .portal
                        .change(application, "subscription.update", |_| {});
                    world.portal.deliver(&[event]).await;
                }
                _ => {}
            }
        }
        settle(&world, seed).await;
        assert_eq!(found(&world).await, expected(&world), "seed {seed}");
    }
}

/// One run, and then another one that does nothing.
async fn settle(world: &KongWorld, seed: u64) {
    // Keys are asked for in the background; without them a run keeps what is there.
    world.readiness.until_ready().await;
    world.resync("?force=true").await;
    world.changing_calls();
    let planned = world.resync("?dryRun=true").await;
    assert_eq!(planned["actions"], json!([]), "seed {seed}");
    let again = world.resync("").await;
    assert_eq!(again["actions"], json!([]), "seed {seed}");
    assert_eq!(world.changing_calls(), [""; 0], "seed {seed}");
}

/// What shall be there: consumers with group, keys and limits; services with their plugins.
fn expected(world: &KongWorld) -> BTreeMap<String, String> {
    let installation = world.portal.installation();
    let mut all = BTreeMap::new();
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    for api in &installation.apis {
        let auth = match text(api, "auth").as_str() {
            "key-auth" => "acl key-auth",
            "oauth2" => "acl jwt post-function",
            _ => "",
        };
        all.insert(text(api, "id"), auth.to_owned());
    }
    for subscription in &installation.subscriptions {
        let id = text(subscription, "api");
        let Some(api) = installation
            .apis
            .iter()
            .find(|api| api["id"] == id.as_str())
        else {
            continue;
        };
        if api["auth"] == "none" {
            continue;
        }
        let bundle = api["bundle"].as_str().unwrap_or(&id).to_owned();
        let members = installation
            .apis
            .iter()
            .filter(|api| api["bundle"].as_str() == Some(&bundle) || api["id"] == id.as_str());
        let limits = if subscription["plan"] == "limited" {
            members.count()
        } else {
            0
        };
        let mut keys: Vec<String> = subscription["credentials"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|credential| credential["kind"] == "key")
            .map(|credential| text(credential, "key"))
            .collect();
        keys.sort();
        let name = format!("{}${id}", text(subscription, "application"));
        all.insert(name, format!("{bundle} {limits} {}", keys.join(" ")));
    }
    all
}

async fn found(world: &KongWorld) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let plugins = world.entities("plugins").await;
    let keys = world.entities("key-auths").await;
    let groups = world.entities("acls").await;
    let is_ours = |entity: &Value| entity["tags"].to_string().contains("wicketgate-main");
    let built_in = ["default-auth", "ping-portal", "swagger-ui-portal"];
    for service in world.entities("services").await {
        let name = service["name"].as_str().unwrap_or_default().to_owned();
        if !is_ours(&service) || built_in.contains(&name.as_str()) {
            continue;
        }
        let mut names: Vec<&str> = plugins
            .iter()
            .filter(|plugin| {
                plugin["service"]["id"] == service["id"]
                    && plugin["consumer"].is_null()
                    && is_ours(plugin)
            })
            .map(|plugin| plugin["name"].as_str().unwrap())
            .collect();
        names.sort_unstable();
        all.insert(name, names.join(" "));
    }
    for consumer in world
        .entities("consumers")
        .await
        .iter()
        .filter(|one| is_ours(one))
    {
        let of_consumer = |entity: &&Value| entity["consumer"]["id"] == consumer["id"];
        let text = |entity: &Value, name: &str| entity[name].as_str().unwrap().to_owned();
        let groups: Vec<String> = groups
            .iter()
            .filter(of_consumer)
            .map(|acl| text(acl, "group"))
            .collect();
        let mut keys: Vec<String> = keys
            .iter()
            .filter(of_consumer)
            .map(|key| text(key, "key"))
            .collect();
        keys.sort();
        let limits = plugins.iter().filter(of_consumer).count();
        let line = format!("{} {limits} {}", groups.join(" "), keys.join(" "));
        all.insert(text(consumer, "username"), line);
    }
    all
}

/// Another configuration, other subscriptions.
fn change(world: &KongWorld, random: &mut Rng) {
    let mut subscriptions = Vec::new();
    for application in APPLICATIONS {
        for id in APIS {
            if random.u8(..3) == 0 {
                continue;
            }
            let plan = *random.choice(&["limited", "unlimited"]).unwrap();
            let key = world.key_credential(&format!("{application}-{id}-{}", random.u8(..2)));
            let client = json!({
                "id": "c", "kind": "client", "digest": "d", "clientId": format!("{application}{id}")
            });
            subscriptions.push(subscription(application, id, plan, json!([key, client])));
        }
    }
    let mut installation = world.portal.installation();
    installation.hash = format!("h{}", random.u32(..));
    installation.seq += 1;
    installation.subscriptions = subscriptions;
    installation.apis.clear();
    for id in APIS {
        if random.u8(..5) == 0 {
            continue;
        }
        let auth = *random
            .choice(&["none", "key-auth", "key-auth", "oauth2"])
            .unwrap();
        let host = format!("http://backend-{}.test", random.u8(..2));
        let mut api = api(id, auth, &host);
        if random.bool() {
            api["bundle"] = json!("both");
        }
        installation.apis.push(api);
    }
}

/// Somebody else's hands: entities of ours that are gone or changed, and some that are not ours.
async fn vandalise(world: &KongWorld, random: &mut Rng) {
    for collection in [
        "plugins",
        "consumers",
        "acls",
        "key-auths",
        "jwts",
        "routes",
    ] {
        let mut entities = world.entities(collection).await;
        entities.retain(|entity| entity["tags"].to_string().contains("wicketgate-main"));
        let Some(entity) = random.choice(&entities) else {
            continue;
        };
        let path = format!("{collection}/{}", entity["id"].as_str().unwrap());
        match (random.u8(..4), collection) {
            (0, _) => {
                world.admin(Method::DELETE, &path, json!({})).await;
            }
            (1, "routes") => {
                world
                    .admin(Method::PATCH, &path, json!({"paths": ["/by-hand"]}))
                    .await;
            }
            (1, "consumers") => {
                world
                    .admin(Method::PATCH, &path, json!({"custom_id": null}))
                    .await;
            }
            (1, "plugins") => {
                world
                    .admin(Method::PATCH, &path, json!({"enabled": false}))
                    .await;
            }
            (2, "consumers") => {
                let id = entity["id"].as_str().unwrap();
                let key = json!({"key": format!("foreign-{}", random.u32(..)), "tags": ["wicketgate-main"]});
                world
                    .admin(Method::POST, &format!("consumers/{id}/key-auth"), key)
                    .await;
            }
            _ => {}
        }
    }
    let foreign = json!({"name": format!("foreign-{}", random.u8(..3)), "host": "h"});
    world.admin(Method::POST, "services", foreign).await;
}

/// The same for the whole of a process: a run that is cut off anywhere is finished by the next.
#[tokio::test]
async fn a_run_that_was_cut_off_anywhere_is_finished_by_the_next() {
    let mut random = Rng::with_seed(3);
    let double = Double::start(true).await;
    let mut world = KongWorld::with_double(double.clone(), |_| {}, |_| {}).await;
    for step in 0..8 {
        change(&world, &mut random);
        let before = double.state().requests;
        let cut = before + random.u64(5..120);
        let run = world.operate(Method::POST, "resync?force=true", json!({}));
        let reached = async {
            while double.state().requests < cut {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            _ = run => {}
            () = reached => {}
        }
        world.restart_adapter(|_| {}).await;
        settle(&world, step).await;
        assert_eq!(found(&world).await, expected(&world), "step {step}");
    }
}
