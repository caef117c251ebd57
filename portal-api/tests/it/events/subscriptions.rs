//! Subscriptions, their credentials and plans, approvals, usage; the ends of applications.

use serde_json::{Value, json};

use super::{DEVELOPER, Row, row, walk::look};
use crate::{
    market::APPROVER,
    support::{ADMIN, PARTNER},
};

pub fn rows() -> Vec<Row> {
    [
        basics(),
        credentials(),
        usage(),
        plans(),
        requests(),
        of_partners(),
        ends(),
        handover(),
    ]
    .concat()
}

const ALL: &str = "POST /applications/shop/subscriptions";
const PETS: &str = "PATCH /applications/shop/subscriptions/petstore";

fn wanted(api: &str, plan: &str) -> Value {
    json!({"application": "shop", "api": api, "plan": plan})
}

fn about(id: &str, api: &str, actor: &str) -> Value {
    json!({"subscriptionId": id, "applicationId": "shop", "apiId": api, "userId": actor})
}

fn added(id: &str, api: &str, plan: &str) -> Value {
    let mut data = about(id, api, DEVELOPER);
    data["planId"] = plan.into();
    json!(["subscription.add", data])
}

fn updated(id: &str, api: &str, actor: &str, changes: &[&str]) -> Value {
    let mut data = about(id, api, actor);
    data["changes"] = json!(changes);
    json!(["subscription.update", data])
}

fn deleted(id: &str, api: &str, actor: &str, auth: &str) -> Value {
    let mut data = about(id, api, actor);
    data["auth"] = auth.into();
    json!(["subscription.delete", data])
}

fn asked(api: &str, plan: &str) -> Value {
    json!(["approval.add",
        {"userId": DEVELOPER, "applicationId": "shop", "apiId": api, "planId": plan}])
}

fn decided(api: &str, plan: &str, actor: &str, result: &str, reason: Option<&str>) -> Value {
    let mut data = json!({"approvalId": "<approval>", "applicationId": "shop", "apiId": api,
        "planId": plan, "userId": actor, "requesterId": DEVELOPER, "result": result});
    if let Some(reason) = reason {
        data["reason"] = reason.into();
    }
    json!(["approval.delete", data])
}

fn basics() -> Vec<Row> {
    let trusted = updated("<pets>", "petstore", ADMIN, &["trusted"]);
    vec![
        row(
            DEVELOPER,
            ALL,
            wanted("petstore", "metered"),
            json!([added("<pets>", "petstore", "metered")]),
        )
        .keep("pets", "/id"),
        row(DEVELOPER, ALL, wanted("petstore", "metered"), json!([])).refused(409),
        row(PARTNER, ALL, wanted("orders", "metered"), json!([])).refused(403),
        row(ADMIN, PETS, json!({"trusted": true}), json!([trusted])),
        // Nothing changes, and it is told.
        row(
            ADMIN,
            PETS,
            json!({"trusted": true}),
            json!([updated("<pets>", "petstore", ADMIN, &[])]),
        ),
        row(DEVELOPER, PETS, json!({"trusted": false}), json!([])).refused(403),
        row(
            ADMIN,
            PETS,
            json!({"approved": true, "rotate": true}),
            json!([updated("<pets>", "petstore", ADMIN, &["credentials"])]),
        ),
        row(
            DEVELOPER,
            ALL,
            wanted("orders", "metered"),
            json!([added("<orders>", "orders", "metered")]),
        )
        .keep("orders", "/id")
        .keep("client", "/clientId"),
        row(
            ADMIN,
            "PATCH /applications/shop/subscriptions/orders",
            json!({"allowedScopesMode": "select", "allowedScopes": ["read_orders"]}),
            json!([updated("<orders>", "orders", ADMIN, &["scopes"])]),
        ),
        row(
            "auth-server",
            "POST /subscriptions/<client>/verify",
            json!({"clientSecret": "no"}),
            json!([]),
        )
        .refused(403),
        row(
            DEVELOPER,
            "DELETE /applications/shop/subscriptions/orders",
            Value::Null,
            json!([deleted("<orders>", "orders", DEVELOPER, "oauth2")]),
        ),
        row(
            DEVELOPER,
            "DELETE /applications/shop/subscriptions/orders",
            Value::Null,
            json!([]),
        )
        .refused(404),
    ]
}

fn credentials() -> Vec<Row> {
    let changed = json!([updated("<pets>", "petstore", DEVELOPER, &["credentials"])]);
    let row = |call, body| row(DEVELOPER, call, body, changed.clone());
    vec![
        row(
            "POST /applications/shop/subscriptions/petstore/credentials",
            json!({"name": "ci"}),
        )
        .keep("credential", "/id"),
        row(
            "PATCH /applications/shop/subscriptions/petstore/credentials/<credential>",
            json!({"name": "cd", "expiresAt": "2999-01-01T00:00:00Z"}),
        ),
        row(
            "POST /applications/shop/subscriptions/petstore/credentials/<credential>/rotate",
            json!({"overlapSeconds": 60}),
        ),
        row(
            "DELETE /applications/shop/subscriptions/petstore/credentials/<credential>",
            Value::Null,
        ),
    ]
}

/// The plan `metered` allows 10 calls a year.
fn usage() -> Vec<Row> {
    let batch = |id: &str, calls: u64| {
        json!({"batchId": id, "node": "a", "cells": [
            {"minute": "<minute>", "subscription": "<pets>", "status": "2xx", "calls": calls}]})
    };
    let reached = |percent: u64, used: u64| {
        json!([["usage.threshold", {"subscriptionId": "<pets>", "applicationId": "shop",
            "apiId": "petstore", "planId": "metered", "window": "year", "percent": percent,
            "limit": 10, "used": used, "resetAt": "<year-end>"}]])
    };
    let row = |body, events| row("gateway-adapter", "POST /usage/records", body, events);
    vec![
        row(batch("one", 7), json!([])),
        row(batch("two", 1), reached(80, 8)),
        row(batch("two", 1), json!([])),
        row(batch("three", 1), json!([])),
        row(batch("four", 3), reached(100, 12)),
        row(batch("five", 3), json!([])),
    ]
}

fn plans() -> Vec<Row> {
    let team = json!({"plan": "team"});
    vec![
        row(
            DEVELOPER,
            PETS,
            json!({"plan": "free"}),
            json!([updated("<pets>", "petstore", DEVELOPER, &["plan"])]),
        ),
        row(DEVELOPER, PETS, json!({"plan": "free"}), json!([])),
        row(
            DEVELOPER,
            PETS,
            team.clone(),
            json!([asked("petstore", "team")]),
        ),
        row(DEVELOPER, PETS, team, json!([])).refused(409),
        look(ADMIN, "GET /approvals").keep("approval", "/0/id"),
        row(
            ADMIN,
            "PATCH /approvals/<approval>",
            json!({"assignee": ADMIN}),
            json!([]),
        ),
        row(
            ADMIN,
            "POST /approvals/<approval>/comments",
            json!({"text": "Hello"}),
            json!([]),
        ),
        row(
            ADMIN,
            "POST /approvals/<approval>/approve",
            json!({"reason": "so"}),
            json!([
                decided("petstore", "team", ADMIN, "approved", Some("so")),
                updated("<pets>", "petstore", ADMIN, &["plan"])
            ]),
        ),
        row(
            ADMIN,
            "POST /approvals/<approval>/approve",
            json!({}),
            json!([]),
        )
        .refused(409),
    ]
}

fn requests() -> Vec<Row> {
    let ask = || {
        row(
            DEVELOPER,
            ALL,
            wanted("orders", "team"),
            json!([added("<orders>", "orders", "team"), asked("orders", "team")]),
        )
        .keep("orders", "/id")
    };
    let find = || look(ADMIN, "GET /approvals").keep("approval", "/0/id");
    let end = "DELETE /applications/shop/subscriptions/orders";
    vec![
        ask(),
        find(),
        row(
            ADMIN,
            "POST /approvals/<approval>/decline",
            json!({"reason": "no"}),
            json!([
                decided("orders", "team", ADMIN, "declined", Some("no")),
                deleted("<orders>", "orders", ADMIN, "oauth2")
            ]),
        ),
        ask(),
        find(),
        row(
            DEVELOPER,
            end,
            Value::Null,
            json!([
                decided("orders", "team", DEVELOPER, "withdrawn", None),
                deleted("<orders>", "orders", DEVELOPER, "oauth2")
            ]),
        ),
        ask(),
        find(),
        row(
            ADMIN,
            end,
            Value::Null,
            json!([
                decided("orders", "team", ADMIN, "declined", None),
                deleted("<orders>", "orders", ADMIN, "oauth2")
            ]),
        ),
        ask(),
        find(),
        row(
            ADMIN,
            "PATCH /applications/shop/subscriptions/orders",
            json!({"approved": true, "trusted": true}),
            json!([
                decided("orders", "team", ADMIN, "approved", None),
                updated(
                    "<orders>",
                    "orders",
                    ADMIN,
                    &["approved", "credentials", "trusted"]
                )
            ]),
        ),
    ]
}

/// An API of a group, whose name stands in the events; without `group` above there is none.
fn of_partners() -> Vec<Row> {
    let data = json!({"applicationId": "kiosk", "apiId": "timezones", "userId": PARTNER,
        "planId": "team", "group": "partners"});
    let mut added = data.clone();
    added["subscriptionId"] = "<clock>".into();
    let decided = json!({"approvalId": "<approval>", "applicationId": "kiosk",
        "apiId": "timezones", "planId": "team", "group": "partners", "userId": APPROVER,
        "requesterId": PARTNER, "result": "approved"});
    let updated = json!({"subscriptionId": "<clock>", "applicationId": "kiosk",
        "apiId": "timezones", "userId": APPROVER, "changes": ["approved", "credentials"]});
    let kiosk = json!({"id": "kiosk", "name": "Kiosk"});
    let wanted = json!({"application": "kiosk", "api": "timezones", "plan": "team"});
    vec![
        row(
            PARTNER,
            "POST /applications",
            kiosk,
            json!([
            ["application.add", {"applicationId": "kiosk", "userId": PARTNER}]]),
        ),
        row(
            PARTNER,
            "POST /applications/kiosk/subscriptions",
            wanted,
            json!([["subscription.add", added], ["approval.add", data]]),
        )
        .keep("clock", "/id"),
        look(APPROVER, "GET /approvals").keep("approval", "/0/id"),
        row(
            APPROVER,
            "PATCH /applications/kiosk/subscriptions/timezones",
            json!({"approved": true}),
            json!([
                ["approval.delete", decided],
                ["subscription.update", updated]
            ]),
        ),
    ]
}

/// The subscriptions stand in the event of their application, and have none of their own.
fn ends() -> Vec<Row> {
    let client = "GET /applications/shop/subscriptions/orders";
    let one = |id: &str, api: &str, plan: &str, auth: &str, client: Value| {
        json!({"id": id, "application": "shop", "api": api, "plan": plan, "auth": auth,
            "approved": true, "clientId": client})
    };
    let subscriptions = json!([
        one("<orders>", "orders", "team", "oauth2", "<client>".into()),
        one("<pets>", "petstore", "team", "key-auth", Value::Null),
    ]);
    vec![
        row(
            DEVELOPER,
            PETS,
            json!({"plan": "more"}),
            json!([asked("petstore", "more")]),
        ),
        look(ADMIN, "GET /approvals").keep("approval", "/0/id"),
        look(ADMIN, client).keep("client", "/clientId"),
        row(PARTNER, "DELETE /applications/shop", Value::Null, json!([])).refused(403),
        row(
            DEVELOPER,
            "DELETE /applications/shop",
            Value::Null,
            json!([
            decided("petstore", "more", DEVELOPER, "withdrawn", None),
            ["application.delete", {"applicationId": "shop", "userId": DEVELOPER,
                "subscriptions": subscriptions}]]),
        ),
    ]
}

/// Applications of somebody who goes.
fn handover() -> Vec<Row> {
    let user = |name: &str| json!({"email": format!("{name}@example.org"), "validated": true});
    let make = |name: &'static str| {
        let data = json!({"userId": format!("<{name}>"), "email": format!("{name}@example.org")});
        row(
            ADMIN,
            "POST /users",
            user(name),
            json!([["user.add", data]]),
        )
        .keep(name, "/id")
    };
    let application = |by, id: &str| {
        let data = json!({"applicationId": id, "userId": by});
        let body = json!({"id": id, "name": id});
        row(
            by,
            "POST /applications",
            body,
            json!([["application.add", data]]),
        )
    };
    let gone = |id: &str| json!(["user.delete", {"deletedUserId": id, "userId": ADMIN}]);
    vec![
        make("ann"),
        make("bob"),
        application("<ann>", "ann-app"),
        application("<bob>", "bob-app"),
        row(ADMIN, "DELETE /users/<ann>", Value::Null, json!([])).refused(409),
        row(
            ADMIN,
            "DELETE /users/<ann>?applications=transfer:<bob>",
            Value::Null,
            json!([
            ["owner.add", {"applicationId": "ann-app", "userId": ADMIN, "addedUserId": "<bob>",
                "role": "owner"}],
            ["owner.delete", {"applicationId": "ann-app", "userId": ADMIN,
                "deletedUserId": "<ann>"}],
            gone("<ann>")]),
        ),
        row(
            ADMIN,
            "DELETE /users/<bob>?applications=delete",
            Value::Null,
            json!([
            ["application.delete", {"applicationId": "ann-app", "userId": ADMIN,
                "subscriptions": []}],
            ["application.delete", {"applicationId": "bob-app", "userId": ADMIN,
                "subscriptions": []}],
            gone("<bob>")]),
        ),
    ]
}
