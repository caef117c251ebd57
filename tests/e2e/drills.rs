//! What happens to a balanced installation while people browse and subscribe and programs call:
//! instances are killed, the database and the Redis restart, the load balancer reads its
//! configuration again, everything is destroyed and restored.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde_json::json;

use crate::{
    journey::Person,
    support::{Cluster, Installation, Redis, Shape, change, copy_sample, under_load},
};

/// A request that an instance was working on when it was killed is lost, unless it may be repeated.
const LOST_PER_KILL: usize = 3;

#[tokio::test]
async fn kills_of_single_instances_cost_only_what_they_were_working_on() {
    let Some(installation) = Installation::start(Shape::Balanced).await else {
        return;
    };
    let victims = installation.processes();
    let (requests, work) = under_load(&installation, async |load| {
        for name in &victims {
            installation.kill_and_restart(name).await;
            installation.until_process_ready(name).await;
            load.until_further(50).await;
        }
    })
    .await;
    let failed = requests.failures.len() + work.failures.len();
    println!(
        "{} requests and {} subscriptions, {} kills, {failed} failed",
        requests.count,
        work.keys.len(),
        victims.len()
    );
    assert!(
        failed <= LOST_PER_KILL * victims.len(),
        "{:?} {:?}",
        requests.failures,
        work.failures
    );
    work.expect_nothing_lost(&installation).await;
}

#[tokio::test]
async fn calls_go_on_while_the_database_restarts_and_nothing_is_lost() {
    let Some((installation, cluster)) = with_own_database().await else {
        return;
    };
    let (requests, work) = under_load(&installation, async |load| {
        for _ in 0..3 {
            cluster.restart().await;
            installation.until_ready().await;
            load.until_further(50).await;
        }
    })
    .await;
    let (count, failed) = (
        requests.count,
        requests.failures.len() + work.failures.len(),
    );
    println!("{count} requests, {failed} failed while the database was away");
    assert!(
        requests.failed_calls().is_empty(),
        "{:?}",
        requests.failed_calls()
    );
    work.expect_nothing_lost(&installation).await;
}

#[tokio::test]
async fn nothing_fails_while_redis_restarts_and_haproxy_reloads() {
    let Some(mut installation) = Installation::prepare(Shape::Balanced).await else {
        return;
    };
    let place = tempfile::tempdir().unwrap();
    let Some(redis) = Redis::start() else {
        return;
    };
    let configuration = place.path().join("configuration");
    copy_sample(&configuration);
    change(&configuration.join("plans/plans.json"), |file| {
        file["plans"][0]["config"]["plugins"][0]["config"] = json!({
            "minute": 10_000, "policy": "redis", "fault_tolerant": true,
            "redis": {"host": "127.0.0.1", "port": redis.port()},
        });
    });
    installation.set("PORTAL_API_STATIC_CONFIG", configuration.to_str().unwrap());
    installation.launch().await;
    let (requests, work) = under_load(&installation, async |load| {
        for _ in 0..3 {
            redis.stop().await;
            load.until_further(200).await;
            redis.start_again().await;
            load.until_further(200).await;
            installation.signal("haproxy", "USR2");
            load.until_further(200).await;
        }
    })
    .await;
    println!("{} requests", requests.count);
    requests.expect_none_failed();
    work.expect_none_failed();
    work.expect_nothing_lost(&installation).await;
}

#[tokio::test]
async fn a_dump_made_under_load_brings_everything_back() {
    let Some((installation, cluster)) = with_own_database().await else {
        return;
    };
    let (_, work) = under_load(&installation, async |load| {
        load.until_further(400).await;
        cluster.dump().await;
        load.until_further(200).await;
    })
    .await;
    work.expect_none_failed();
    // The whole database goes, and each gateway's own state with it.
    let gateways = ["gateway-1", "gateway-2"];
    for name in installation.processes() {
        installation.kill(&name).await;
    }
    cluster.destroy().await;
    for gateway in gateways {
        fs::remove_dir_all(installation.data().join(gateway)).unwrap();
    }
    cluster.restore().await;
    for name in installation.processes() {
        installation.start_again(&name);
    }
    installation.until_ready().await;
    installation.until_ready().await;
    let restored = cluster.applications_with_keys().await;
    let (older, newer) = parted(&work.keys, &restored);
    println!(
        "{} subscriptions are older than the dump, {} newer",
        older.len(),
        newer.len()
    );
    assert!(!older.is_empty() && !newer.is_empty());
    expect_keys(&installation, &older, &newer).await;

    // Only the database is older than what gateways and adapter know: they are put right.
    let mut ada = Person::known(&installation, "ada@example.org");
    ada.log_in_again().await;
    let key = ada
        .subscribe_new_application("newest", "petstore", "free")
        .await;
    let stateful =
        |name: &String| name.starts_with("portal-api") || name.starts_with("auth-server");
    let stateful: Vec<String> = installation
        .processes()
        .into_iter()
        .filter(stateful)
        .collect();
    for name in &stateful {
        installation.kill(name).await;
    }
    cluster.destroy().await;
    cluster.restore().await;
    for name in &stateful {
        installation.start_again(name);
    }
    installation.until_ready().await;
    expect_keys(&installation, &older, &[key]).await;
}

/// A balanced installation whose database server is the test's.
async fn with_own_database() -> Option<(Installation, Cluster)> {
    let mut installation = Installation::prepare(Shape::Balanced).await?;
    let cluster = Cluster::start().await?;
    installation.set("DATABASE_URL", &cluster.url());
    installation.launch().await;
    Some((installation, cluster))
}

/// Keys of applications that are among `restored`, and the others.
fn parted(
    keys: &BTreeMap<String, String>,
    restored: &BTreeSet<String>,
) -> (Vec<String>, Vec<String>) {
    let mut parts = (Vec::new(), Vec::new());
    for (application, key) in keys {
        let part = if restored.contains(application) {
            &mut parts.0
        } else {
            &mut parts.1
        };
        part.push(key.clone());
    }
    parts
}

/// Every gateway takes the keys `known` and none of `unknown`.
async fn expect_keys(installation: &Installation, known: &[String], unknown: &[String]) {
    for (key, is_known) in known
        .iter()
        .map(|key| (key, true))
        .chain(unknown.iter().map(|key| (key, false)))
    {
        let is_right = async |gateway: &str| {
            let call = installation.http.get(format!("{gateway}/petstore/v1/pets"));
            let answer = call.header("x-apikey", key).send().await;
            let expected = if is_known { [200, 429] } else { [401, 403] };
            answer.is_ok_and(|answer| expected.contains(&answer.status().as_u16()))
        };
        let what = format!("a key is known: {is_known}");
        installation.at_every_gateway(&what, is_right).await;
    }
}
