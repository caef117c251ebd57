//! Random histories against a gateway in memory: each run ends at the desired state, a second one
//! has nothing to do, and on the way no API is open and no working key dies.

use std::collections::BTreeSet;

use kong::Kind;
use serde_json::{Value, json};

use super::*;
use crate::{
    desired::{Context, of_snapshot},
    entity::text,
    fixture,
};

const APIS: [&str; 3] = ["cats", "dogs", "fish"];
const APPLICATIONS: [&str; 2] = ["my-app", "other"];

/// One random installation. Who shares a bundle stays the same within a history: APIs that swap
/// bundles in one go may let each other's callers in for a moment.
fn installation(random: &mut fastrand::Rng, bundle: &BTreeSet<&str>) -> Desired {
    let mut apis = Vec::new();
    for id in APIS {
        if random.u8(..6) == 0 {
            continue;
        }
        let auth = *random
            .choice(&["none", "key-auth", "key-auth", "oauth2"])
            .unwrap();
        let mut api = fixture::api(id, auth);
        if bundle.contains(id) {
            api["bundle"] = json!("zoo");
        }
        if random.u8(..4) == 0 {
            api["config"]["plugins"] = json!([{"name": "cors", "config": {}}]);
        }
        if random.u8(..8) == 0 {
            api["config"]["api"]["upstream_url"] = json!("nonsense");
        }
        apis.push(api);
    }
    let mut subscriptions = Vec::new();
    for (application, keys) in APPLICATIONS.into_iter().zip(["12", "34"]) {
        for api in APIS {
            if random.u8(..3) == 0 {
                continue;
            }
            let plan = *random
                .choice(&["basic", "basic", "free", "broken"])
                .unwrap();
            let mut credentials: Vec<Value> = keys
                .chars()
                .filter(|_| random.bool())
                .map(fixture::key)
                .collect();
            for credential in &mut credentials {
                // Each API has keys of its own.
                let digest = credential["digest"].as_str().unwrap().to_owned();
                let position = APIS.iter().position(|id| *id == api).unwrap();
                credential["digest"] = json!(format!("{position}{}", &digest[1..]));
            }
            credentials.push(json!({
                "id": "client", "kind": "client", "digest": "",
                "clientId": format!("{application}{api}")
            }));
            let mut subscription = fixture::subscription(api, plan, json!(credentials));
            subscription["application"] = json!(application);
            subscription["id"] = json!(format!("{application}-{api}-{}", random.u8(..2)));
            subscriptions.push(subscription);
        }
    }
    let (settings, keys) = (fixture::settings(), fixture::keys());
    let snapshot = fixture::snapshot(json!(apis), json!(subscriptions));
    of_snapshot(
        &Context::new(&settings, &snapshot, &keys, &Target::embedded()),
        &snapshot,
    )
}

fn services(desired: &Desired, actual: &Entities) -> BTreeSet<Uuid> {
    let kept = actual
        .of_kind(Kind::Service)
        .filter(|(_, fields)| tags(fields).any(|tag| desired.kept_apis.contains(tag)));
    desired
        .entities
        .of_kind(Kind::Service)
        .chain(kept)
        .map(|(id, _)| id)
        .collect()
}

/// What the gateway does with a call.
fn make(gateway: &mut Entities, change: &Change) {
    match &change.kind {
        ChangeKind::Put { fields, .. } => {
            for (field, kind) in change.key.kind.parents() {
                if let Some(id) = reference(fields, field) {
                    assert!(
                        gateway.contains(&Key { kind: *kind, id }),
                        "{change:?} has no {field}"
                    );
                }
            }
            gateway.insert(change.key, fields.clone());
        }
        ChangeKind::Delete => {
            let hangs_on_it = |key: &Key, fields: &Fields| {
                key.kind.parents().iter().any(|(field, kind)| {
                    *kind == change.key.kind && reference(fields, field) == Some(change.key.id)
                })
            };
            let blocks =
                |(key, fields): &(&Key, &Fields)| !key.kind.cascades() && hangs_on_it(key, fields);
            assert!(
                !gateway.iter().any(|entity| blocks(&entity)),
                "{change:?} has children"
            );
            gateway.retain(|key, fields| *key != change.key && !hangs_on_it(key, fields));
        }
    }
}

/// How an API checks its callers.
fn access(gateway: &Entities, service: Uuid) -> Option<&'static str> {
    let has = |name| {
        gateway.of_kind(Kind::Plugin).any(|(_, fields)| {
            is_service_plugin(fields)
                && reference(fields, "service") == Some(service)
                && text(fields, "name") == Some(name)
        })
    };
    let routed = gateway
        .of_kind(Kind::Route)
        .any(|(_, fields)| reference(fields, "service") == Some(service));
    let kind = match (
        has("acl"),
        has("key-auth"),
        has("jwt") && has("wicketgate-identity"),
    ) {
        (true, true, false) => "key",
        (true, false, true) => "token",
        (true, _, _) => "closed",
        (false, false, false) => "open",
        (false, _, _) => "any key",
    };
    routed.then_some(kind)
}

/// Credentials with which a call of this API is let in and limited as the plan says.
fn working(gateway: &Entities, service: Uuid) -> BTreeSet<(Uuid, bool)> {
    let kind = match access(gateway, service) {
        Some("key") => Kind::KeyAuth,
        Some("token") => Kind::JwtSecret,
        _ => return BTreeSet::new(),
    };
    let on_service = |fields: &Fields| reference(fields, "service") == Some(service);
    let lists: Vec<&Value> = gateway
        .of_kind(Kind::Plugin)
        .filter(|(_, fields)| on_service(fields) && text(fields, "name") == Some("acl"))
        .map(|(_, fields)| &fields["config"]["allow"])
        .collect();
    gateway
        .of_kind(kind)
        .filter_map(|(id, fields)| {
            let consumer = reference(fields, "consumer");
            let member = gateway.of_kind(Kind::Acl).any(|(_, acl)| {
                reference(acl, "consumer") == consumer
                    && lists
                        .iter()
                        .any(|list| list.as_array().unwrap().contains(&acl["group"]))
            });
            member.then(|| (id, is_limited(gateway, service, id)))
        })
        .collect()
}

#[test]
fn random_histories_end_well_and_are_safe_on_the_way() {
    for seed in 0..20 {
        let mut random = fastrand::Rng::with_seed(seed);
        let bundle = APIS.into_iter().filter(|_| random.bool()).collect();
        let mut gateway = Entities::default();
        for _ in 0..6 {
            let desired = installation(&mut random, &bundle);
            let present = services(&desired, &gateway);
            let mut changes = diff(&Target::embedded(), &desired, &gateway, &present);
            random.shuffle(&mut changes);
            changes.sort_by_key(|change| change.stage);
            run(&mut gateway, &changes, seed);
            let again = diff(
                &Target::embedded(),
                &desired,
                &gateway,
                &services(&desired, &gateway),
            );
            assert!(again.is_empty(), "seed {seed}: {again:?}");
        }
    }
}

/// Makes the changes one by one and looks at the gateway after each.
fn run(gateway: &mut Entities, changes: &[Change], seed: u64) {
    let ids = fixture::settings().ids;
    let before = gateway.clone();
    let mut after = gateway.clone();
    for change in changes {
        make(&mut after, change);
    }
    for change in changes {
        make(gateway, change);
        for api in APIS {
            let service = ids.service(api);
            let ends = (access(&before, service), access(&after, service));
            let meanwhile = access(gateway, service);
            if !matches!(ends, (Some("open"), _) | (_, Some("open"))) {
                let safe = !matches!(meanwhile, Some("open" | "any key"));
                assert!(safe, "seed {seed}: {api} is {meanwhile:?} after {change:?}");
            }
            let (first, last) = (working(&before, service), working(&after, service));
            let now = working(gateway, service);
            if ends.0 == ends.1 {
                for kept in first.intersection(&last) {
                    let lives = now.contains(kept);
                    assert!(lives, "seed {seed}: a key of {api} died at {change:?}");
                }
            }
            for (credential, limited) in &now {
                let will_be = is_limited(&after, service, *credential);
                let allowed = *limited || !will_be || first.contains(&(*credential, false));
                assert!(
                    allowed,
                    "seed {seed}: {api} without limits after {change:?}"
                );
            }
        }
    }
}

/// Whether the consumer of a credential has a limit on the service.
fn is_limited(gateway: &Entities, service: Uuid, credential: Uuid) -> bool {
    let credentials = [Kind::KeyAuth, Kind::JwtSecret];
    let consumer = credentials.iter().find_map(|kind| {
        reference(
            gateway.get(&Key {
                kind: *kind,
                id: credential,
            })?,
            "consumer",
        )
    });
    gateway.of_kind(Kind::Plugin).any(|(_, plugin)| {
        reference(plugin, "service") == Some(service) && reference(plugin, "consumer") == consumer
    })
}
