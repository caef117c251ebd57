//! Users, registrations, verifications, namespaces.

use serde_json::{Value, json};

use super::{Row, row};
use crate::support::{ADMIN, PARTNER};

pub fn rows() -> Vec<Row> {
    [
        users(),
        registrations(),
        invitations(),
        verifications(),
        ends(),
        namespaces(),
    ]
    .concat()
}

fn users() -> Vec<Row> {
    let eve = json!({"email": "eve@example.org", "password": "Very-s3cret", "validated": true});
    let zoe = json!({"email": "zoe@example.org", "customId": "ext:42", "validated": true});
    let machine = json!({"customId": "internal:test", "email": "test@example.org"});
    let login = json!({"email": "eve@example.org", "password": "Very-s3cret"});
    let record = json!([{"id": "login-1", "actor": {"id": "<eve>", "type": "user"},
        "action": "login", "entity": "user", "entityId": "<eve>",
        "after": {"authMethod": "local"}, "outcome": "ok"}]);
    let updated = json!([["user.update", {"updatedUserId": "<eve>", "userId": ADMIN}]]);
    vec![
        row(
            ADMIN,
            "POST /users",
            eve.clone(),
            json!([
            ["user.add", {"userId": "<eve>", "email": "eve@example.org"}]]),
        )
        .keep("eve", "/id"),
        row(ADMIN, "POST /users", eve.clone(), json!([])).refused(409),
        row(PARTNER, "POST /users", eve, json!([])).refused(403),
        row(
            ADMIN,
            "POST /users",
            zoe,
            json!([
            ["user.add", {"userId": "<zoe>", "email": "zoe@example.org", "customId": "ext:42"}]]),
        )
        .keep("zoe", "/id"),
        row(
            "auth-server",
            "POST /users/machine",
            machine,
            json!([
            ["user.add", {"userId": "<machine>", "email": "test@example.org",
                "customId": "internal:test"}]]),
        )
        .keep("machine", "/id"),
        row("auth-server", "POST /login", login, json!([])),
        row(
            "auth-server",
            "POST /auditlog/records",
            record.clone(),
            json!([
            ["user.login", {"userId": "<eve>", "authMethod": "local"}]]),
        ),
        row("auth-server", "POST /auditlog/records", record, json!([])),
        row(
            ADMIN,
            "PATCH /users/<eve>",
            json!({"password": "Even-m0re-secret"}),
            updated.clone(),
        ),
        // Nothing changes, and it is told.
        row(ADMIN, "PATCH /users/<eve>", json!({}), updated),
        row(
            "<eve>",
            "PATCH /users/<eve>",
            json!({"firstName": "Eve"}),
            json!([
            ["user.update", {"updatedUserId": "<eve>", "userId": "<eve>"}]]),
        ),
    ]
}

fn registrations() -> Vec<Row> {
    let path = "PUT /registrations/pools/wicked/users/<eve>";
    let saved = json!([["registration.add", {"userId": "<eve>", "email": "eve@example.org"}]]);
    let of_zoe = json!([["registration.add",
        {"userId": "<zoe>", "email": "zoe@example.org", "customId": "ext:42"}]]);
    let gone = json!([["registration.delete", {"userId": "<eve>", "poolId": "wicked"}]]);
    let remove = "DELETE /registrations/pools/wicked/users/<eve>";
    vec![
        row(ADMIN, path, json!({"name": "Eve"}), saved.clone()),
        row("<eve>", path, json!({"name": "Eve Adams"}), saved.clone()),
        row(
            ADMIN,
            "PUT /registrations/pools/wicked/users/<zoe>",
            json!({"name": "Zoe"}),
            of_zoe,
        ),
        row(ADMIN, remove, Value::Null, gone),
        row(ADMIN, remove, Value::Null, json!([])),
        row(ADMIN, path, json!({"name": "Eve"}), saved),
    ]
}

fn invitations() -> Vec<Row> {
    let made = |token: &str, link: &str| {
        json!([["pool_invitation.add", {"id": format!("<+{token}>"), "link": link,
            "poolId": "guests", "email": "guest@example.org", "userId": ADMIN}]])
    };
    let all = "POST /registrations/pools/guests/invitations";
    let body = json!({"email": "Guest@example.org"});
    let register = "PUT /registrations/pools/guests/users/<eve>";
    vec![
        row(ADMIN, all, body.clone(), made("invited", "<+page>")).keep("guest", "/id"),
        row(ADMIN, all, body.clone(), json!([])).refused(409),
        row(
            ADMIN,
            "POST /registrations/pools/guests/invitations/<guest>/resend",
            Value::Null,
            made("invited-again", "<page>"),
        ),
        row(
            ADMIN,
            "POST /registrations/invitations/open",
            json!({"token": "<invited-again>"}),
            json!([]),
        ),
        row(
            "<eve>",
            register,
            json!({"name": "Eve", "invitation": "<invited>"}),
            json!([]),
        )
        .refused(403),
        row(
            "<eve>",
            register,
            json!({"name": "Eve", "invitation": "<invited-again>"}),
            json!([["registration.add", {"userId": "<eve>", "email": "eve@example.org"}]]),
        ),
        row(ADMIN, all, body, made("invited-third", "<page>")).keep("guest", "/id"),
        row(
            ADMIN,
            "DELETE /registrations/pools/guests/invitations/<guest>",
            Value::Null,
            json!([]),
        ),
    ]
}

fn verifications() -> Vec<Row> {
    let wanted = |kind: &str| json!({"type": kind, "email": "eve@example.org", "link": "https://x.example/{{id}}"});
    let made = |kind: &str, id: &str| {
        json!([[format!("verification_{kind}.add"), {"id": format!("<+{id}>"), "type": kind,
            "email": "eve@example.org", "userId": "<eve>", "link": "https://x.example/{{id}}",
            "utc": format!("<+at-{id}>")}]])
    };
    let record = |kind: &str, id: &str| {
        json!({"type": kind, "email": "eve@example.org", "userId": "<eve>",
            "utc": format!("<at-{id}>")})
    };
    let gone = |kind: &str, id: &str| json!([["verification.delete", record(kind, id)]]);
    let mut stranger = wanted("email");
    stranger["email"] = "nobody@example.org".into();
    let create = "POST /verifications";
    let patch = "PATCH /users/<eve>";
    let header = "x-verificationid";
    let consume = "POST /verifications/consume";
    let password = json!({"password": "An0ther-secret"});
    vec![
        row(ADMIN, create, wanted("email"), made("email", "first")),
        row(ADMIN, create, stranger, json!([])),
        row(
            ADMIN,
            "DELETE /verifications/<first>",
            Value::Null,
            gone("email", "first"),
        ),
        row(
            ADMIN,
            "DELETE /verifications/<first>",
            Value::Null,
            json!([]),
        ),
        row(
            ADMIN,
            create,
            wanted("lostpassword"),
            made("lostpassword", "second"),
        ),
        row(
            ADMIN,
            patch,
            password.clone(),
            json!([["user.password", {"userId": "<eve>"}]]),
        )
        .header(header, "<second>"),
        row(
            ADMIN,
            consume,
            json!({"token": "<second>", "password": "An0ther-secret"}),
            json!([
            ["user.password", {"userId": "<eve>"}],
            ["verification.delete", record("lostpassword", "second")]]),
        ),
        row(ADMIN, patch, password, json!([]))
            .header(header, "<second>")
            .refused(404),
        row(ADMIN, create, wanted("email"), made("email", "third")),
        row(
            ADMIN,
            patch,
            json!({"validated": true}),
            json!([
            ["user.validated", {"userId": "<eve>"}]]),
        )
        .header(header, "<third>"),
        row(
            ADMIN,
            consume,
            json!({"token": "<third>"}),
            json!([
            ["user.validated", {"userId": "<eve>"}],
            ["verification.delete", record("email", "third")]]),
        ),
        // Goes with its user.
        row(ADMIN, create, wanted("email"), made("email", "fourth")),
    ]
}

/// What belongs to a user goes with him without a word.
fn ends() -> Vec<Row> {
    vec![
        row(
            ADMIN,
            "DELETE /users/<eve>/password",
            Value::Null,
            json!([]),
        ),
        row(PARTNER, "DELETE /users/<eve>", Value::Null, json!([])).refused(403),
        row(
            ADMIN,
            "DELETE /users/<eve>",
            Value::Null,
            json!([
            ["user.delete", {"deletedUserId": "<eve>", "userId": ADMIN}]]),
        ),
        row(ADMIN, "DELETE /users/<eve>", Value::Null, json!([])).refused(404),
        row(
            "<zoe>",
            "DELETE /users/<zoe>",
            Value::Null,
            json!([
            ["user.delete", {"deletedUserId": "<zoe>", "userId": "<zoe>"}]]),
        ),
    ]
}

fn namespaces() -> Vec<Row> {
    let put = "PUT /pools/tenants/namespaces/acme";
    let data = json!({"poolId": "tenants", "namespace": "acme", "userId": ADMIN});
    let register = "PUT /registrations/pools/tenants/users/partner-user";
    let remove = "DELETE /registrations/pools/tenants/users/partner-user?namespace=acme";
    let partner = json!({"userId": PARTNER, "email": "partner-user@example.org"});
    vec![
        row(
            ADMIN,
            put,
            json!({"description": "Acme"}),
            json!([["namespace.add", data]]),
        ),
        row(
            ADMIN,
            put,
            json!({"description": "Acme Inc."}),
            json!([["namespace.update", data]]),
        ),
        row(
            ADMIN,
            register,
            json!({"name": "Pat", "namespace": "acme"}),
            json!([["registration.add", partner]]),
        ),
        row(
            ADMIN,
            remove,
            Value::Null,
            json!([
            ["registration.delete",
                {"userId": PARTNER, "poolId": "tenants", "namespace": "acme"}]]),
        ),
        row(
            ADMIN,
            "DELETE /pools/tenants/namespaces/acme",
            Value::Null,
            json!([["namespace.delete", data]]),
        ),
    ]
}
