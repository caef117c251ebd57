//! At no moment is anything open that shall be closed, and what has ended leaves nothing behind.

use std::collections::BTreeMap;

use serde_json::json;

use crate::world::{World, api, subscription};

const APIS: usize = 100;
const SUBSCRIPTIONS: usize = 500;

#[tokio::test]
async fn while_protected_apis_come_change_and_go_nobody_gets_in_without_a_key() {
    let world = World::start().await;
    let mut answers = BTreeMap::new();
    let protected = |number: usize, rewritten: bool| {
        let mut api = api(&format!("api-{number}"), "key-auth", &world.backend.url);
        if rewritten {
            // Another route and a plugin more: what protects it must never be missing meanwhile.
            let route = json!({"paths": [format!("/api-{number}"), format!("/api-{number}-too")]});
            api["config"]["api"]["routes"] = json!([route]);
            api["config"]["plugins"] =
                json!([{"name": "rate-limiting", "config": {"hour": 1_000_000}}]);
        }
        api
    };
    let steps = [
        (0..APIS).map(|number| protected(number, false)).collect(),
        (0..APIS).map(|number| protected(number, true)).collect(),
        Vec::new(),
    ];
    for (number, apis) in steps.into_iter().enumerate() {
        {
            let mut installation = world.portal.installation();
            installation.hash = format!("state-{number}");
            installation
                .apis
                .retain(|api| !api["id"].as_str().unwrap().starts_with("api-"));
            installation.apis.extend(apis);
        }
        let change = async {
            let event = world.portal.change("", "config.updated", |_| {});
            world.deliver(event).await;
            // That all of them go at once is intended.
            world.resync("?force=true").await;
        };
        tokio::pin!(change);
        let mut paths = (0..APIS).cycle();
        loop {
            let path = format!("/api-{}", paths.next().unwrap());
            tokio::select! {
                () = &mut change => break,
                status = world.status(&path, &[]) => *answers.entry(status.as_u16()).or_insert(0) += 1,
            }
        }
        for path in 0..APIS {
            let status = world.status(&format!("/api-{path}"), &[]).await;
            assert_eq!(status.as_u16(), if number == 2 { 404 } else { 401 });
        }
    }
    assert!(
        answers.keys().all(|status| matches!(status, 401 | 404)),
        "{answers:?}"
    );
    assert!(answers.values().sum::<usize>() > 0, "{answers:?}");
}

#[tokio::test]
async fn an_application_with_hundreds_of_subscriptions_goes_as_a_whole() {
    let world = World::start_without_waiting(|installation| {
        let backend = installation.apis[0]["config"]["api"]["upstream_url"].clone();
        let backend = backend.as_str().unwrap().to_owned();
        let more = (0..SUBSCRIPTIONS).map(|n| api(&format!("api-{n}"), "key-auth", &backend));
        installation.apis.extend(more);
    })
    .await;
    world.readiness.until_ready().await;
    let subscriptions: Vec<_> = (0..SUBSCRIPTIONS)
        .map(|number| {
            let digest = world.portal.digest(&format!("secret-key-{number}"));
            let credential = json!({"id": format!("c{number}"), "kind": "key", "digest": digest});
            subscription(
                "big",
                &format!("api-{number}"),
                "unlimited",
                json!([credential]),
            )
        })
        .collect();
    world
        .deliver(
            world
                .portal
                .change("big", "application.update", |all| all.extend(subscriptions)),
        )
        .await;
    world.subscribe("other", "unlimited", "key-of-other").await;
    assert_eq!(world.entities("consumers").await.len(), SUBSCRIPTIONS + 1);
    let first = [("x-apikey", "secret-key-0")];
    assert_eq!(world.status("/api-0", &first).await, 200);

    world
        .deliver(world.portal.change("big", "application.delete", |all| {
            all.retain(|subscription| subscription["application"] != "big");
        }))
        .await;
    assert_eq!(world.entities("consumers").await.len(), 1);
    assert_eq!(world.status("/api-0", &first).await, 401);
    let other = [("x-apikey", "key-of-other")];
    assert_eq!(world.status("/keyed", &other).await, 200);
}
