//! Subscriptions, their credentials, the requests for them, and how they are used.

use sdk::types::{
    Approval, Credential, Subscription,
    approvals::{Assignment, Comment, Decision, NewComment},
    credentials::{CreateCredential, PatchCredential, RotateCredential},
    subscriptions::{
        CreateSubscription, Ended, PatchSubscription, SubscriptionOfClient, SubscriptionWithOwners,
        VerifyClient,
    },
    usage::{Limit, Usage, UsageBatch},
};
use serde_json::json;

use crate::openapi::operation::{Operation, Who, delete, get, patch, post};

const READ: &[&str] = &["read_subscriptions"];
const WRITE: &[&str] = &["write_subscriptions"];

pub fn operations() -> Vec<Operation> {
    const ALL: &str = "/applications/{application}/subscriptions";
    const ONE: &str = "/applications/{application}/subscriptions/{api}";
    let secret = "3f0c7d0f6c4f5b8e9a7d1c2b3a4f5e6d7c8b9a00";
    vec![
        get(ALL, "The subscriptions of an application")
            .who(Who::ReaderOrApprover)
            .scope(READ)
            .query(
                "secrets",
                "`false`: without keys and secrets, and without a record of showing them",
            )
            .query(
                "credentials",
                "`true`: with the list of credentials, revoked ones too; not for approvers",
            )
            .answers_list_or_page::<Subscription>()
            .refuses(&[404]),
        post(ALL, "Subscribe an application to an API")
            .who(Who::Collaborator)
            .scope(WRITE)
            .about("Where a plan needs approval the subscription waits, without credentials.")
            .takes::<CreateSubscription>(json!({
                "application": "web-shop", "api": "petstore", "plan": "free",
            }))
            .answers::<Subscription>()
            .refuses(&[404, 409]),
        get(ONE, "One subscription")
            .who(Who::Reader)
            .scope(READ)
            .answers::<Subscription>()
            .refuses(&[404]),
        patch(
            ONE,
            "Approve a subscription, limit its scopes, or change its plan",
        )
        .conditional()
        .who(Who::Approver)
        .scope(WRITE)
        .about("`plan` is changed by owners and collaborators of the application.")
        .takes::<PatchSubscription>(json!({"approved": true}))
        .answers::<Subscription>()
        .refuses(&[404, 409]),
        delete(ONE, "End a subscription, or decline the request for it")
            .conditional()
            .who(Who::CollaboratorOrApprover)
            .scope(WRITE)
            .refuses(&[404]),
        get("/subscriptions", "The subscriptions of all applications")
            .who(Who::Approver)
            .scope(READ)
            .answers_page_of_ids_or::<SubscriptionWithOwners>(),
        get("/apis/{api}/subscriptions", "The subscriptions to one API")
            .who(Who::Admin)
            .scope(&["read_apis", "read_subscriptions"])
            .answers_page::<Subscription>(),
        delete(
            "/apis/{api}/subscriptions",
            "End all subscriptions to a deprecated API",
        )
        .who(Who::Admin)
        .scope(WRITE)
        .about("Each with its event and its record; `failed` are those that are left.")
        .status(200)
        .answers::<Ended>()
        .refuses(&[404, 409]),
        get(
            "/subscriptions/{client_id}",
            "The subscription and application behind a client id",
        )
        .who(Who::Internal)
        .about("For administrators inside the network.")
        .answers::<SubscriptionOfClient>()
        .refuses(&[404]),
        post(
            "/subscriptions/{client_id}/verify",
            "Check the secret of a client",
        )
        .who(Who::Service)
        .takes::<VerifyClient>(json!({"clientSecret": secret}))
        .status(200)
        .answers::<SubscriptionOfClient>()
        .refuses(&[404]),
    ]
}

pub fn credentials() -> Vec<Operation> {
    const ALL: &str = "/applications/{application}/subscriptions/{api}/credentials";
    const ONE: &str = "/applications/{application}/subscriptions/{api}/credentials/{id}";
    const ROTATE: &str = "/applications/{application}/subscriptions/{api}/credentials/{id}/rotate";
    let change = |operation: Operation| {
        operation
            .who(Who::Collaborator)
            .scope(WRITE)
            .refuses(&[404, 409])
    };
    vec![
        get(ALL, "The credentials of a subscription, revoked ones too")
            .who(Who::Reader)
            .scope(READ)
            .answers_list_or_page::<Credential>()
            .refuses(&[404]),
        change(post(ALL, "Make a credential"))
            .about("The answer is the only one that holds the secret.")
            .takes::<CreateCredential>(json!({"name": "production"}))
            .answers::<Credential>(),
        change(patch(ONE, "Rename a credential, or change its end"))
            .takes::<PatchCredential>(json!({"note": "on the new servers"}))
            .answers::<Credential>(),
        change(delete(ONE, "Revoke a credential")).query("reason", "Shown in the list"),
        change(post(
            ROTATE,
            "Replace a credential; the old one lives on for a while",
        ))
        .takes::<RotateCredential>(json!({"overlapSeconds": 3600}))
        .answers::<Credential>(),
    ]
}

pub fn approvals() -> Vec<Operation> {
    let decide = |operation: Operation| {
        operation
            .who(Who::Approver)
            .scope(WRITE)
            .status(200)
            .answers::<Approval>()
            .refuses(&[404, 409])
    };
    vec![
        get("/approvals", "Requests that the caller may decide")
            .who(Who::Approver)
            .scope(&["read_approvals"])
            .query(
                "state",
                "`open` (default), `approved`, `declined`, `withdrawn` or `all`",
            )
            .answers_list_or_page::<Approval>(),
        get("/approvals/{id}", "One request")
            .who(Who::Approver)
            .scope(&["read_approvals"])
            .answers::<Approval>()
            .refuses(&[404]),
        decide(post("/approvals/{id}/approve", "Approve a request"))
            .takes::<Decision>(json!({"reason": "Known partner"})),
        decide(post("/approvals/{id}/decline", "Decline a request"))
            .takes::<Decision>(json!({"reason": "Please use the team plan"})),
        decide(patch("/approvals/{id}", "Say who takes care of a request"))
            .conditional()
            .takes::<Assignment>(json!({"assignee": "1"})),
        post("/approvals/{id}/comments", "Comment on a request")
            .who(Who::Approver)
            .scope(WRITE)
            .takes::<NewComment>(json!({"text": "Do we know this company?"}))
            .answers::<Comment>()
            .refuses(&[404, 409]),
    ]
}

pub fn usage() -> Vec<Operation> {
    let chart = |operation: Operation| {
        operation
            .query("from", "Beginning, ISO 8601")
            .query("to", "End, ISO 8601")
            .query("step", "`1m`, `1h` or `1d`")
            .query("by", "What makes a series")
            .about("CSV where `Accept` asks for `text/csv`.")
            .answers::<Usage>()
            .refuses(&[400])
    };
    vec![
        chart(get("/applications/{application}/usage", "The calls of an application"))
            .who(Who::Reader)
            .scope(READ)
            .refuses(&[404]),
        chart(get(
            "/applications/{application}/subscriptions/{api}/usage",
            "The calls of a subscription",
        ))
        .who(Who::Reader)
        .scope(READ)
        .refuses(&[404]),
        get(
            "/applications/{application}/subscriptions/{api}/limits",
            "The limits of a subscription, and how far they are used",
        )
        .who(Who::Reader)
        .scope(READ)
        .answers_list::<Limit>()
        .refuses(&[404]),
        chart(get("/apis/{api}/usage", "The calls of an API"))
            .who(Who::OwnerGroup)
            .scope(&["read_apis"]),
        chart(get("/usage", "All calls")).who(Who::Admin).scope(READ),
        post("/usage/records", "Calls that a gateway has counted")
            .who(Who::Service)
            .takes::<UsageBatch>(json!({
                "batchId": "node-1-4711", "node": "node-1",
                "cells": [{"minute": 1_795_249_800, "subscription": "s", "status": "2xx", "calls": 3}],
            }))
            .status(202),
    ]
}
