//! Every row of the portal's address map (portal-ui 5 and 27.2), as a page and as JSON, by everybody
//! who may come: status, where a form leads, and the members of the answer.

mod people;
mod rows;
mod scene;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};
use serde_json::Value;

use people::{Call, People, Role};
use rows::{ELSEWHERE, Html, ROWS, Row};
use scene::Scene;

#[path = "../../portal/tests/support/routes.rs"]
mod routes;

#[tokio::test]
async fn every_role_gets_what_the_row_says() {
    let folder = tempfile::tempdir().unwrap();
    let installation = people::installation(folder.path()).await;
    let people = People::log_in(&installation).await;
    let wrong: Vec<String> = stream::iter(ROWS)
        .map(|row| check(&people, row))
        .buffer_unordered(8)
        .concat()
        .await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    described(&people).await;
}

/// What scripts get is what `/openapi.json` says.
async fn described(people: &People) {
    let call = Call {
        method: reqwest::Method::GET,
        path: "/openapi.json".to_owned(),
        fields: Vec::new(),
        wants_json: true,
    };
    let document = people.send(Role::Guest, &call).await;
    let document: Value = serde_json::from_str(&document.body).unwrap();
    let mut answers: BTreeMap<(String, String), Vec<u16>> = BTreeMap::new();
    for (row, (status, _)) in ROWS.iter().filter_map(|row| Some((row, row.json?))) {
        let route = row.route().replace("{*path}", "{path}");
        let route = route.trim_end_matches('/').to_owned();
        let key = (row.method.to_lowercase(), route);
        answers.entry(key).or_default().push(status);
    }
    answers.remove(&("get".to_owned(), "/openapi.json".to_owned()));
    for ((method, route), statuses) in answers {
        let responses = &document["paths"][&route][&method]["responses"];
        let is_said = |status: &u16| *status >= 400 || responses[status.to_string()].is_object();
        let is_said = statuses.iter().any(is_said);
        assert!(
            is_said,
            "{method} {route}: {statuses:?} is not in {responses}"
        );
    }
}

#[test]
fn every_route_has_a_row() {
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../portal/src");
    let routes: BTreeSet<(String, String)> = routes::below(&source)
        .into_iter()
        .map(|(method, path)| (method.to_owned(), path))
        .collect();
    let tested: BTreeSet<(String, String)> = ROWS
        .iter()
        .map(|row| (row.method.to_owned(), row.route()))
        .chain(
            ELSEWHERE
                .iter()
                .map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())),
        )
        .collect();
    let missing: Vec<_> = routes.difference(&tested).collect();
    assert!(missing.is_empty(), "routes without a row: {missing:?}");
    let gone: Vec<_> = tested.difference(&routes).collect();
    assert!(gone.is_empty(), "rows without a route: {gone:?}");
}

/// What of a row is not as it says.
async fn check(people: &People, row: &Row) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut scene = None;
    for role in Role::ALL.into_iter().filter(|role| row.is_about(*role)) {
        for wants_json in [true, false] {
            if wants_json && row.json.is_none() {
                continue;
            }
            // What one role deletes, the next one needs.
            let set = match scene.take() {
                Some(set) => set,
                None => Scene::set(people, row.needs).await,
            };
            let call = Call {
                method: row.method.parse().unwrap(),
                path: set.filled(row.path),
                fields: row
                    .body
                    .iter()
                    .map(|(name, value)| (*name, set.filled(value)))
                    .collect(),
                wants_json,
            };
            let answer = people.send(role, &call).await;
            if row.method == "GET" || !row.allows(role) {
                scene = Some(set.clone());
            }
            let faults = if wants_json {
                as_json(row, role, &answer)
            } else {
                as_page(row, role, &answer, &set)
            };
            let kind = if wants_json { "JSON" } else { "page" };
            let at = format!("{} {} as {role:?}, {kind}", row.method, row.path);
            wrong.extend(faults.into_iter().map(|fault| format!("{at}: {fault}")));
        }
    }
    wrong
}

fn as_json(row: &Row, role: Role, answer: &people::Answer) -> Vec<String> {
    let (status, members) = row.json.unwrap();
    let expected = if row.allows(role) {
        status
    } else {
        row.refusal
    };
    if answer.status != expected {
        return vec![format!(
            "{} and not {expected}: {:.300}",
            answer.status, answer.body
        )];
    }
    let mut faults = Vec::new();
    if status == 204 && row.allows(role) {
        if !answer.body.is_empty() {
            faults.push(format!("a body: {:.300}", answer.body));
        }
        return faults;
    }
    let Ok(body) = serde_json::from_str::<Value>(&answer.body) else {
        return vec![format!("no JSON: {:.300}", answer.body)];
    };
    let members = if row.allows(role) && (status < 400 || !members.is_empty()) {
        members
    } else {
        "statusCode message error correlationId"
    };
    for member in members.split_whitespace() {
        let is_there = match member {
            "[]" => body.is_array(),
            member => body.get(member).is_some(),
        };
        if !is_there {
            faults.push(format!("no `{member}` in {:.300}", answer.body));
        }
    }
    if !row.allows(role) && body["statusCode"] != row.refusal {
        faults.push(format!("`statusCode` in {:.300}", answer.body));
    }
    faults
}

fn as_page(row: &Row, role: Role, answer: &people::Answer, scene: &Scene) -> Vec<String> {
    let at_all = |statuses: &[u16], target: &str| {
        let leads = target
            .split('|')
            .any(|target| answer.location.starts_with(&scene.filled(target)));
        let mut faults = Vec::new();
        if !statuses.contains(&answer.status) || !leads {
            let came = format!("{} to `{}`", answer.status, answer.location);
            faults.push(format!("{came} and not {statuses:?} to `{target}`"));
        }
        faults
    };
    if !row.allows(role) {
        return match role {
            Role::Guest if row.refusal == 403 => at_all(&[302], "/login?redirect="),
            _ => at_all(&[row.refusal], ""),
        };
    }
    let mut faults = match row.html {
        Html::Page => at_all(&[200], ""),
        Html::Status(status) => at_all(&[status], ""),
        Html::To(target) => at_all(&[302, 303], target),
    };
    // A fragment has none.
    let is_page = answer.status == 200 && answer.body.starts_with("<!doctype html>");
    if is_page && answer.body.matches("<h1").count() != 1 {
        faults.push("not one heading".to_owned());
    }
    faults
}
