//! What other programs and operators need.

use sdk::types::{
    archive::ImportedData,
    audit::{AuditEntry, NewAuditRecord},
    gateway::{GatewayStatus, HeldLease},
    health::{Health, Ping},
    setup::{PutSetup, Setup},
};
use serde_json::json;

use crate::openapi::operation::{Operation, Who, delete, get, post, put};

pub fn gateway() -> Vec<Operation> {
    let lease = |operation: Operation| {
        operation
            .who(Who::Service)
            .about("Each component has the lease that is named like its listener.")
    };
    vec![
        get("/gateway/snapshot", "Everything a gateway has to know")
            .who(Who::Service)
            .query("application", "Only what belongs to this application")
            .answers_object(),
        get("/gateway/status", "What the gateway has in force")
            .who(Who::Admin)
            .scope(&["health"])
            .answers::<GatewayStatus>(),
        put("/gateway/status", "Report what the gateway has in force")
            .who(Who::Service)
            .takes::<GatewayStatus>(json!({
                "revision": "3f0c.17", "nodes": [{"name": "node-1", "inSync": true}],
            })),
        lease(put("/leases/{name}", "Take or prolong a lease"))
            .takes_object(json!({"holder": "adapter-1", "ttlSeconds": 30}))
            .status(200)
            .answers::<HeldLease>()
            .refuses(&[409]),
        lease(delete("/leases/{name}", "Give a lease back")).query("holder", "Who gives it back"),
    ]
}

pub fn audit() -> Vec<Operation> {
    vec![
        get("/auditlog", "Who did what, newest first")
            .who(Who::Admin)
            .scope(&["read_auditlog"])
            .about(
                "JSON lines or CSV where `Accept` asks for `application/x-ndjson` or `text/csv`. \
                 `startdate` and `enddate` in `filter` are the period.",
            )
            .answers_page_of_ids_or::<AuditEntry>()
            .refuses(&[400]),
        post("/auditlog/records", "Put on record what happened elsewhere")
            .who(Who::Service)
            .takes_list::<NewAuditRecord>(json!([{
                "action": "login", "entity": "user", "entityId": "1", "outcome": "ok",
            }]))
            .status(204),
        delete("/auditlog/{date}", "Delete the records from before a date")
            .who(Who::Admin)
            .scope(&["write_auditlog"])
            .about("The answer is their number.")
            .status(200)
            .answers_number()
            .refuses(&[400]),
    ]
}

pub fn operations() -> Vec<Operation> {
    vec![
        get("/ping", "Whether portal-api works, and its version").answers::<Ping>(),
        get("/confighash", "The hash of the configuration in force").answers_text("text/plain"),
        get("/globals", "The settings of the installation")
            .who(Who::Internal)
            .about("Each service sees its own secrets only.")
            .answers_object(),
        get("/randomId", "A random id").answers_text("text/plain"),
        get("/systemhealth", "How all parts are doing")
            .who(Who::Admin)
            .about("Scope `health` is accepted and not demanded.")
            .answers_list::<Health>(),
        get(
            "/setup",
            "First steps of a new installation, and which are done",
        )
        .who(Who::Admin)
        .answers::<Setup>(),
        put(
            "/setup",
            "Put the list of first steps away, or show it again",
        )
        .who(Who::Admin)
        .takes::<PutSetup>(json!({"hidden": true}))
        .status(200)
        .answers::<Setup>(),
        get(
            "/health/ping",
            "That portal-api answers a key of the gateway",
        )
        .who(Who::Service)
        .about("For trusted peers with `X-Consumer-Id`, and services.")
        .answers_object()
        .refuses(&[404]),
        get(
            "/health/systemhealth",
            "As `/systemhealth`, for a key of the gateway",
        )
        .who(Who::Service)
        .about("For trusted peers with `X-Consumer-Id`, and services.")
        .answers_list::<Health>()
        .refuses(&[404]),
        post("/export", "All data in one encrypted file")
            .who(Who::Service)
            .about(
                "For portal-api's own identity, which the command line makes with the master key. \
                 The file can be read with that master key only.",
            )
            .status(200)
            .answers_text("application/octet-stream"),
        post("/import", "Replace all data by that of such a file")
            .who(Who::Service)
            .about(
                "For portal-api's own identity. A file that is damaged, cut off or made with \
                 another master key changes nothing.",
            )
            .query("replace", "`true`: also if there is data of people already")
            .takes_bytes()
            .status(200)
            .answers::<ImportedData>()
            .refuses(&[409, 413]),
        get("/openapi.json", "This description").answers_object(),
        get("/openapi.yaml", "This description as YAML").answers_text("application/yaml"),
    ]
}
