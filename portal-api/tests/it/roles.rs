//! Every row of the contract's tables of endpoints, per role: which status each of eight callers
//! gets, on each database. `tests/contract-rows.txt` lists the rows; one without a row here fails.

mod door;
mod rows;
mod scene;

use std::{collections::BTreeSet, fs};

use futures_util::{StreamExt, stream};
use http::Method;

use crate::{
    authorization::{ROUTES, written},
    support::{TestApi, trust_this_machine},
};
use door::{BROKEN, Door};
use rows::{ROWS, Row};
use scene::Scene;

/// Who calls. A row names a status for each of them, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// From outside, without any proof.
    Anonymous,
    /// A user without a role on the thing.
    Other,
    Reader,
    Collaborator,
    /// Owner of the application; where a row is about a user, that user himself.
    Owner,
    /// Decides about the APIs of his group.
    Approver,
    Admin,
    /// One of our services, acting as itself.
    Machine,
}

const ROLES: [Role; 8] = [
    Role::Anonymous,
    Role::Other,
    Role::Reader,
    Role::Collaborator,
    Role::Owner,
    Role::Approver,
    Role::Admin,
    Role::Machine,
];

/// What of a row is not as it says, called as it is or through a door that breaks its handler.
async fn check(api: &TestApi, row: &Row, broken: Option<&Door>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut scene = None;
    for (role, expected) in ROLES.into_iter().zip(row.statuses()) {
        // What one role deletes, the next one needs.
        let set = match scene.take() {
            Some(set) => set,
            None => Scene::set(api, row.needs).await,
        };
        let method: Method = row.method.parse().unwrap();
        let (path, body) = (set.address(row.path), set.body(row));
        let mut caller = set.caller(role, row);
        if let Some(door) = broken {
            let handler = format!("{} {}", row.method, row.route());
            caller = caller.through(&door.address).header(BROKEN, handler);
        }
        let status = caller.send(method, &path, body).await.status;
        if status >= 400 || row.method == "GET" {
            scene = Some(set);
        }
        if status != expected {
            let (method, path) = (row.method, row.path);
            wrong.push(format!(
                "{method} {path} as {role:?}: {status} and not {expected}"
            ));
        }
    }
    wrong
}

async fn check_all(apis: &[TestApi]) {
    for api in apis {
        let wrong: Vec<String> = stream::iter(ROWS)
            .map(|row| check(api, row, None))
            .buffer_unordered(8)
            .concat()
            .await;
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

#[tokio::test]
async fn every_role_gets_the_status_of_the_contract() {
    let files = scene::files();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (*path, text.as_str()))
        .collect();
    check_all(&TestApi::on_each_database(&files, trust_this_machine).await).await;
}

/// The mutation run: each handler in turn answers 500, and its row has to notice, for every role.
#[tokio::test]
async fn a_row_notices_that_its_handler_is_broken() {
    let files = scene::files();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (*path, text.as_str()))
        .collect();
    let paths = ROUTES.iter().map(|(_, path, _)| *path);
    let paths = paths.chain(ROWS.iter().map(Row::route)).collect();
    for api in TestApi::on_each_database(&files, trust_this_machine).await {
        let door = Door::open(api.address(), &paths).await;
        let unnoticed: Vec<String> = stream::iter(ROWS)
            .map(async |row| {
                let wrong = check(&api, row, Some(&door)).await;
                let is_noticed = wrong.len() == ROLES.len();
                (!is_noticed).then(|| format!("{} {}: only {wrong:?}", row.method, row.path))
            })
            .buffer_unordered(8)
            .filter_map(async |unnoticed| unnoticed)
            .collect()
            .await;
        println!(
            "rows that notice a broken handler / rows, on {}: {} / {}",
            api.database(),
            ROWS.len() - unnoticed.len(),
            ROWS.len()
        );
        assert!(unnoticed.is_empty(), "{}", unnoticed.join("\n"));
    }
}

/// The door itself: what it does not break is answered as without it.
#[tokio::test]
async fn the_door_breaks_the_handler_that_is_named_and_no_other() {
    let files = scene::files();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (*path, text.as_str()))
        .collect();
    let api = TestApi::with(&files, trust_this_machine).await;
    let paths = ROUTES.iter().map(|(_, path, _)| *path).collect();
    let door = Door::open(api.address(), &paths).await;
    let call = async |path: &str, handler: &str| {
        let caller = api.anonymous().through(&door.address);
        caller.header(BROKEN, handler).get(path).await.status
    };
    assert_eq!(call("/pools/wicked", "GET /pools/{pool}").await, 500);
    assert_eq!(call("/pools/wicked", "PUT /pools/{pool}").await, 200);
    assert_eq!(call("/pools/wicked", "GET /pools").await, 200);
    assert_eq!(
        call("/applications/roles", "GET /applications/{application}").await,
        403
    );
    assert_eq!(call("/nowhere", "GET /pools").await, 404);
}

#[test]
fn every_row_of_the_contract_and_every_route_has_a_row() {
    let tested: BTreeSet<(String, String)> = ROWS
        .iter()
        .map(|row| (row.method.to_owned(), row.path.to_owned()))
        .collect();
    let list = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/contract-rows.txt");
    let list = fs::read_to_string(list).unwrap();
    let contract: BTreeSet<(String, String)> = list
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let (method, path) = line.split_once(' ').unwrap();
            (method.to_owned(), path.trim().to_owned())
        })
        .collect();
    let covered = contract.intersection(&tested).count();
    println!(
        "rows covered / rows of the contract: {covered} / {}",
        contract.len()
    );
    let missing: BTreeSet<String> = contract
        .difference(&tested)
        .map(|(method, path)| format!("{method} {path}"))
        .collect();
    assert!(missing.is_empty(), "rows without a test: {missing:?}");
    let routes = written();
    let tested: BTreeSet<(String, String)> = ROWS
        .iter()
        .map(|row| (row.method.to_owned(), row.route().to_owned()))
        .collect();
    let untested: Vec<_> = routes.difference(&tested).collect();
    assert!(untested.is_empty(), "routes without a row: {untested:?}");
}
