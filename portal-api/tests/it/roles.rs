//! Every row of the contract's tables of endpoints, per role: which status each of eight callers
//! gets, on each database. `tests/contract-rows.txt` lists the rows; one without a row here fails.

mod rows;
mod scene;

use std::{collections::BTreeSet, fs};

use futures_util::{StreamExt, stream};
use http::Method;

use crate::{
    authorization::written,
    support::{TestApi, trust_this_machine},
};
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

/// Rows of the contract that are not served yet.
const ABSENT: &[&str] = &[
    "DELETE /teams/{team}",
    "DELETE /teams/{team}/members/{user}",
    "GET /teams",
    "GET /teams/{team}",
    "PATCH /teams/{team}",
    "POST /export",
    "POST /import",
    "POST /teams",
    "PUT /teams/{team}/members/{user}",
];

/// A handler that is broken on purpose: calls of it answer 500.
type Broken<'b> = Option<(&'b str, &'b str)>;

/// What of a row is not as it says.
async fn check(api: &TestApi, row: &Row, broken: Broken<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut scene = None;
    for (role, expected) in ROLES.into_iter().zip(row.statuses()) {
        let status = if broken == Some((row.method, row.path)) {
            500
        } else {
            // What one role deletes, the next one needs.
            let set = match scene.take() {
                Some(set) => set,
                None => Scene::set(api, row.needs).await,
            };
            let method: Method = row.method.parse().unwrap();
            let (path, body) = (set.address(row.path), set.body(row));
            let answer = set.caller(role, row).send(method, &path, body).await;
            if answer.status >= 400 || row.method == "GET" {
                scene = Some(set);
            }
            answer.status
        };
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

/// The mutation run: each handler in turn answers 500, and its row has to notice.
#[tokio::test]
async fn a_row_notices_that_its_handler_is_broken() {
    let files = scene::files();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (*path, text.as_str()))
        .collect();
    let api = TestApi::with(&files, trust_this_machine).await;
    let unnoticed: Vec<String> = stream::iter(ROWS)
        .map(async |row| {
            let wrong = check(&api, row, Some((row.method, row.path))).await;
            let is_noticed = wrong.len() == ROLES.len();
            (!is_noticed).then(|| format!("{} {}", row.method, row.path))
        })
        .buffer_unordered(8)
        .filter_map(async |unnoticed| unnoticed)
        .collect()
        .await;
    assert!(unnoticed.is_empty(), "{}", unnoticed.join("\n"));
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
    let absent: BTreeSet<String> = ABSENT.iter().map(|row| (*row).to_owned()).collect();
    assert_eq!(missing, absent, "rows without a test");
    let routes = written();
    let untested: Vec<_> = routes.difference(&tested).collect();
    assert!(untested.is_empty(), "routes without a row: {untested:?}");
}
