//! Applications, roles, invitations, teams, grants.

use serde_json::{Value, json};

use super::{DEVELOPER, Row, row};
use crate::support::{ADMIN, PARTNER};

pub fn rows() -> Vec<Row> {
    [basics(), roles(), invitations(), teams(), grants()].concat()
}

fn of_shop(actor: &str) -> Value {
    json!({"applicationId": "shop", "userId": actor})
}

fn basics() -> Vec<Row> {
    let new = json!({"id": "shop", "name": "Shop", "clientType": "confidential"});
    let named = json!({"id": "shop", "name": "The Shop"});
    vec![
        row(
            DEVELOPER,
            "POST /applications",
            new.clone(),
            json!([["application.add", of_shop(DEVELOPER)]]),
        ),
        row(PARTNER, "POST /applications", new, json!([])).refused(409),
        row(
            DEVELOPER,
            "PATCH /applications/shop",
            named.clone(),
            json!([["application.update", of_shop(DEVELOPER)]]),
        ),
        row(
            ADMIN,
            "PATCH /applications/shop",
            named.clone(),
            json!([["application.update", of_shop(ADMIN)]]),
        ),
        row(PARTNER, "PATCH /applications/shop", named, json!([])).refused(403),
    ]
}

fn added(actor: &str, role: &str) -> Value {
    json!(["owner.add",
        {"applicationId": "shop", "userId": actor, "addedUserId": PARTNER, "role": role}])
}

fn deleted(actor: &str) -> Value {
    json!(["owner.delete", {"applicationId": "shop", "userId": actor, "deletedUserId": PARTNER}])
}

fn roles() -> Vec<Row> {
    let add = "POST /applications/shop/owners";
    let change = "PATCH /applications/shop/owners/partner-user";
    let delete = "DELETE /applications/shop/owners?userEmail=partner-user@example.org";
    let partner = json!({"email": "partner-user@example.org", "role": "reader"});
    vec![
        row(
            DEVELOPER,
            add,
            partner.clone(),
            json!([added(DEVELOPER, "reader")]),
        ),
        row(DEVELOPER, add, partner.clone(), json!([])).refused(409),
        row(
            DEVELOPER,
            change,
            json!({"role": "collaborator"}),
            json!([deleted(DEVELOPER), added(DEVELOPER, "collaborator")]),
        ),
        row(
            DEVELOPER,
            change,
            json!({"role": "collaborator"}),
            json!([]),
        ),
        row(DEVELOPER, delete, Value::Null, json!([deleted(DEVELOPER)])),
        row(DEVELOPER, delete, Value::Null, json!([])),
        row(ADMIN, add, partner, json!([added(ADMIN, "reader")])),
        row(PARTNER, delete, Value::Null, json!([deleted(PARTNER)])),
        row(
            DEVELOPER,
            "DELETE /applications/shop/owners?userEmail=dev-user@example.org",
            Value::Null,
            json!([]),
        )
        .refused(409),
    ]
}

fn invitations() -> Vec<Row> {
    let made = |token: &str, link: &str| {
        json!([["invitation.add", {"id": format!("<+{token}>"), "link": link,
            "applicationId": "shop", "email": "new@example.org", "role": "reader",
            "userId": DEVELOPER}]])
    };
    let all = "POST /applications/shop/invitations";
    let body = json!({"email": "new@example.org", "role": "reader"});
    vec![
        row(DEVELOPER, all, body.clone(), made("token", "<+link>")).keep("invitation", "/id"),
        row(DEVELOPER, all, body.clone(), json!([])).refused(409),
        row(
            DEVELOPER,
            "POST /applications/shop/invitations/<invitation>/resend",
            Value::Null,
            made("second-token", "<link>"),
        ),
        row(
            DEVELOPER,
            "DELETE /applications/shop/invitations/<invitation>",
            Value::Null,
            json!([]),
        ),
        row(DEVELOPER, all, body, made("third-token", "<link>")),
        row(
            PARTNER,
            "POST /invitations/accept",
            json!({"token": "<token>"}),
            json!([]),
        )
        .refused(404),
        row(
            PARTNER,
            "POST /invitations/accept",
            json!({"token": "<third-token>"}),
            json!([added(PARTNER, "reader")]),
        ),
    ]
}

/// Who is in a team is nobody's business but the team's.
fn teams() -> Vec<Row> {
    let member = "PUT /teams/crew/members/partner-user";
    let give = json!({"id": "shop", "team": "crew"});
    let take = json!({"id": "shop", "team": null});
    let updated = json!([["application.update", of_shop(DEVELOPER)]]);
    vec![
        row(
            DEVELOPER,
            "POST /teams",
            json!({"id": "crew", "name": "Crew"}),
            json!([]),
        ),
        row(
            DEVELOPER,
            "PATCH /teams/crew",
            json!({"name": "The crew"}),
            json!([]),
        ),
        row(DEVELOPER, member, json!({"role": "reader"}), json!([])),
        row(DEVELOPER, "PATCH /applications/shop", give, updated.clone()),
        row(DEVELOPER, "PATCH /applications/shop", take, updated)
            .header("content-type", "application/merge-patch+json"),
        row(
            DEVELOPER,
            "DELETE /teams/crew/members/partner-user",
            Value::Null,
            json!([]),
        ),
        row(DEVELOPER, "DELETE /teams/crew", Value::Null, json!([])),
    ]
}

fn grants() -> Vec<Row> {
    let put = "PUT /grants/dev-user/applications/shop/apis/orders";
    let delete = "DELETE /grants/dev-user/applications/shop/apis/orders";
    let body = json!({"grants": [{"scope": "read_orders"}]});
    let data = json!({"userId": DEVELOPER, "applicationId": "shop", "apiId": "orders",
        "scopes": ["read_orders"]});
    let added = json!([["grant.add", data]]);
    let deleted = json!([["grant.delete", data]]);
    let wrong = json!({"grants": [{"scope": "fly"}]});
    vec![
        row(DEVELOPER, put, body.clone(), added.clone()),
        row(DEVELOPER, put, wrong, json!([])).refused(400),
        row(DEVELOPER, delete, Value::Null, deleted.clone()),
        row(DEVELOPER, delete, Value::Null, json!([])).refused(404),
        row(DEVELOPER, put, body, added),
        row(DEVELOPER, "DELETE /grants/dev-user", Value::Null, deleted),
        row(DEVELOPER, "DELETE /grants/dev-user", Value::Null, json!([])),
    ]
}
