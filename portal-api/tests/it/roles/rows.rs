//! The rows: method, address, what they need, the body they send, and the status of each role.

use super::scene::Needs::{self, Application, Nothing, Subscriptions, Team, User};

pub struct Row {
    pub method: &'static str,
    /// With `+X-VerificationId` it is sent with that header.
    pub path: &'static str,
    pub needs: Needs,
    /// JSON with `{id}` for the application or user of the scene, `{new}` for a text of its own.
    pub body: Option<&'static str>,
    /// Anonymous, other, reader, collaborator, owner or the user himself, approver, administrator,
    /// machine.
    statuses: &'static str,
}

impl Row {
    /// One status per role; of a single one it is that of all.
    pub fn statuses(&self) -> [u16; 8] {
        let all: Vec<u16> = self
            .statuses
            .split(' ')
            .map(|status| status.parse().unwrap())
            .collect();
        match all[..] {
            [one] => [one; 8],
            _ => all.try_into().unwrap(),
        }
    }
}

impl Row {
    /// The route that serves it.
    pub fn route(&self) -> &'static str {
        let end = self.path.find(['?', '+']).unwrap_or(self.path.len());
        &self.path[..end]
    }
}

const fn row(
    method: &'static str,
    path: &'static str,
    needs: Needs,
    statuses: &'static str,
) -> Row {
    Row {
        method,
        path,
        needs,
        body: None,
        statuses,
    }
}

impl Row {
    const fn with(mut self, body: &'static str) -> Self {
        self.body = Some(body);
        self
    }
}

// Columns:   anonymous other reader collaborator owner/self approver admin machine
const SCOPE: &str = "403 200 200 200 200 200 200 403";
const SCOPE_AND_MACHINE: &str = "403 200 200 200 200 200 200 200";
const ADMIN: &str = "403 403 403 403 403 403 200 403";
const ADMIN_204: &str = "403 403 403 403 403 403 204 403";
const NONE: &str = "403 403 403 403 403 403 404 403";
const WORKER_NONE: &str = "403 403 403 404 404 403 404 403";
const DECIDER: &str = "403 403 403 403 403 200 200 403";
const OWN: &str = "403 403 403 403 200 403 200 403";
const OWN_204: &str = "403 403 403 403 204 403 204 403";
const MEMBER: &str = "403 403 200 200 200 403 200 200";
const MACHINE: &str = "403 403 403 403 403 403 403 200";
const MACHINE_204: &str = "403 403 403 403 403 403 403 204";

/// All rows.
#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    row("GET", "/apis", Nothing, SCOPE_AND_MACHINE),
    row("GET", "/apis/desc", Nothing, SCOPE_AND_MACHINE),
    row("GET", "/apis/{api}", Nothing, SCOPE_AND_MACHINE),
    row("GET", "/apis/{api}/config", Nothing, SCOPE_AND_MACHINE),
    row("GET", "/apis/{api}/desc", Nothing, SCOPE_AND_MACHINE),
    row("GET", "/apis/{api}/docs", Nothing, SCOPE_AND_MACHINE),
    row("GET", "/apis/{api}/docs/{*path}", Nothing, "403 404 404 404 404 404 404 404"),
    row("GET", "/apis/{api}/plans", Nothing, SCOPE_AND_MACHINE),
    row("GET", "/apis/{api}/subscriptions", Nothing, "403 403 403 403 403 403 200 200"),
    row("DELETE", "/apis/{api}/subscriptions", Nothing, "403 403 403 403 403 403 409 403"),
    row("GET", "/apis/{api}/subscribers", Nothing, ADMIN),
    row("GET", "/apis/{api}/swagger", Nothing, SCOPE_AND_MACHINE),
    row("GET", "/apis/{api}/usage", Nothing, "403 403 403 403 403 403 200 200"),
    row("GET", "/applications", Nothing, "403 403 403 403 403 200 200 200"),
    row("POST", "/applications", Nothing, "403 201 201 201 201 201 201 403")
        .with(r#"{"id": "{new}", "name": "New"}"#),
    row("GET", "/applications/roles", Nothing, SCOPE_AND_MACHINE),
    row("GET", "/applications/{application}", Application, MEMBER),
    row("PATCH", "/applications/{application}", Application, "403 403 403 200 200 403 200 403")
        .with(r#"{"id": "{id}", "name": "New"}"#),
    row("DELETE", "/applications/{application}", Application, "403 403 403 403 204 403 204 403"),
    row("POST", "/applications/{application}/owners", Application, "403 403 403 403 201 403 201 403")
        .with(r#"{"email": "other-user@example.org", "role": "reader"}"#),
    row("DELETE", "/applications/{application}/owners", Application, "403 403 200 403 200 403 200 403"),
    row("GET", "/applications/{application}/subscriptions", Subscriptions, "403 403 200 200 200 200 200 200"),
    row("POST", "/applications/{application}/subscriptions", Application, "403 403 403 201 201 403 201 403")
        .with(r#"{"application": "{id}", "api": "petstore", "plan": "free"}"#),
    row("GET", "/applications/{application}/subscriptions/{api}", Subscriptions, MEMBER),
    row("PATCH", "/applications/{application}/subscriptions/{api}", Subscriptions, "403 403 403 403 403 200 200 403")
        .with(r#"{"approved": true}"#),
    row("DELETE", "/applications/{application}/subscriptions/{api}", Subscriptions, "403 403 403 204 204 204 204 403"),
    row("GET", "/applications/{application}/subscriptions/{api}/credentials", Subscriptions, MEMBER),
    row("POST", "/applications/{application}/subscriptions/{api}/credentials", Subscriptions, "403 403 403 201 201 403 201 403")
        .with(r#"{"name": "new"}"#),
    row("PATCH", "/applications/{application}/subscriptions/{api}/credentials/{id}", Subscriptions, "403 403 403 200 200 403 200 403")
        .with(r#"{"name": "renamed"}"#),
    row("DELETE", "/applications/{application}/subscriptions/{api}/credentials/{id}", Subscriptions, "403 403 403 204 204 403 204 403"),
    row("POST", "/applications/{application}/subscriptions/{api}/credentials/{id}/rotate", Subscriptions, "403 403 403 201 201 403 201 403")
        .with(r#"{"overlapSeconds": 60}"#),
    row("GET", "/applications/{application}/subscriptions/{api}/limits", Subscriptions, MEMBER),
    row("GET", "/applications/{application}/subscriptions/{api}/usage", Subscriptions, MEMBER),
    row("GET", "/applications/{application}/usage", Application, MEMBER),
    row("GET", "/approvals", Subscriptions, DECIDER),
    row("GET", "/approvals/{id}", Subscriptions, DECIDER),
    row("POST", "/approvals/{id}/approve", Subscriptions, DECIDER)
        .with("{}"),
    row("POST", "/approvals/{id}/decline", Subscriptions, DECIDER)
        .with(r#"{"reason": "no"}"#),
    row("GET", "/auditlog", Nothing, ADMIN),
    row("POST", "/auditlog/records", Nothing, MACHINE_204)
        .with(r#"[{"action": "login", "entity": "user", "outcome": "ok"}]"#),
    row("DELETE", "/auditlog/{date}", Nothing, ADMIN),
    row("GET", "/auth-servers", Nothing, SCOPE_AND_MACHINE),
    row("GET", "/auth-servers/{server}", Nothing, SCOPE_AND_MACHINE),
    row("GET", "/config/status", Nothing, ADMIN),
    row("GET", "/confighash", Nothing, "200"),
    row("GET", "/content", Nothing, SCOPE),
    row("GET", "/content/toc", Nothing, SCOPE),
    row("GET", "/content/{*path}", Nothing, SCOPE),
    row("GET", "/gateway/snapshot", Nothing, MACHINE),
    row("GET", "/gateway/status", Nothing, "403 403 403 403 403 403 200 200"),
    row("PUT", "/gateway/status", Nothing, MACHINE_204)
        .with(r#"{"revision": "x.1", "nodes": []}"#),
    row("GET", "/globals", Nothing, MACHINE),
    row("GET", "/grants/{user}", User, OWN),
    row("DELETE", "/grants/{user}", User, OWN_204),
    row("GET", "/grants/{user}/applications/{application}/apis/{api}", User, OWN),
    row("PUT", "/grants/{user}/applications/{application}/apis/{api}", User, OWN_204)
        .with(r#"{"grants": []}"#),
    row("DELETE", "/grants/{user}/applications/{application}/apis/{api}", User, OWN_204),
    row("GET", "/groups", Nothing, SCOPE_AND_MACHINE),
    row("PUT", "/leases/{name}", Nothing, MACHINE)
        .with(r#"{"holder": "one", "ttlSeconds": 30}"#),
    row("DELETE", "/leases/{name}", Nothing, MACHINE_204),
    row("POST", "/login", User, "403 403 403 403 403 403 200 403")
        .with(r#"{"email": "{id}@example.org", "password": "Difference-1"}"#),
    row("GET", "/healthz", Nothing, "200"),
    row("GET", "/metrics", Nothing, MACHINE),
    row("GET", "/openapi.json", Nothing, "200"),
    row("GET", "/openapi.yaml", Nothing, "200"),
    row("GET", "/ping", Nothing, "200"),
    row("GET", "/plans", Nothing, SCOPE_AND_MACHINE),
    row("GET", "/pools", Nothing, "200"),
    row("GET", "/pools/{pool}", Nothing, "200"),
    row("GET", "/pools/{pool}/namespaces", Nothing, ADMIN),
    row("GET", "/pools/{pool}/namespaces/{namespace}", User, ADMIN),
    row("PUT", "/pools/{pool}/namespaces/{namespace}", User, ADMIN_204)
        .with(r#"{"description": "x"}"#),
    row("DELETE", "/pools/{pool}/namespaces/{namespace}", User, ADMIN_204),
    row("GET", "/randomId", Nothing, "200"),
    row("GET", "/readyz", Nothing, "200"),
    row("GET", "/registrations/pools/{pool}", Nothing, ADMIN),
    row("GET", "/registrations/pools/{pool}/users/{user}", User, OWN),
    row("PUT", "/registrations/pools/{pool}/users/{user}", User, OWN_204)
        .with(r#"{"name": "x"}"#),
    row("DELETE", "/registrations/pools/{pool}/users/{user}", User, OWN_204),
    row("GET", "/registrations/users/{user}", User, OWN),
    row("GET", "/registrations/pools/{pool}/invitations", Nothing, ADMIN),
    row("POST", "/registrations/pools/{pool}/invitations", User, "403 403 403 403 403 403 201 403")
        .with(r#"{"email": "{new}@example.org"}"#),
    row("DELETE", "/registrations/pools/{pool}/invitations/{id}", User, ADMIN_204),
    row("POST", "/registrations/pools/{pool}/invitations/{id}/resend", User, ADMIN),
    row("POST", "/registrations/invitations/open", Nothing, "403 403 403 403 403 403 404 403")
        .with(r#"{"token": "{new}"}"#),
    row("GET", "/subscriptions", Nothing, "403 403 403 403 403 200 200 200"),
    row("GET", "/subscriptions/{client_id}", Subscriptions, "403 403 403 403 403 403 403 200"),
    row("POST", "/subscriptions/{client_id}/verify", Subscriptions, "403")
        .with(r#"{"clientSecret": "wrong"}"#),
    row("GET", "/systemhealth", Nothing, ADMIN),
    row("GET", "/templates/auth", Nothing, ADMIN),
    row("GET", "/templates/chatbot", Nothing, ADMIN),
    row("GET", "/templates/email", Nothing, ADMIN),
    row("GET", "/templates/email/{name}", Nothing, ADMIN),
    row("GET", "/templates/texts", Nothing, SCOPE),
    row("POST", "/unsubscribe", Nothing, "404").with(r#"{"token": "none"}"#),
    row("GET", "/usage", Nothing, "403 403 403 403 403 403 200 200"),
    row("POST", "/usage/records", Nothing, "403 403 403 403 403 403 403 202")
        .with(r#"{"batchId": "{new}", "node": "n", "cells": []}"#),
    row("GET", "/users", Nothing, ADMIN),
    row("GET", "/users?customId=test:{user}", User, SCOPE),
    row("GET", "/users?email={user}@example.org", User, SCOPE),
    row("POST", "/users", Nothing, "403 403 403 403 403 403 201 403")
        .with(r#"{"email": "{new}@example.org"}"#),
    row("POST", "/users/machine", Nothing, "403 403 403 403 403 403 403 201")
        .with(r#"{"customId": "internal:{new}", "email": "{new}@example.org"}"#),
    row("GET", "/users/{user}", User, OWN),
    row("PATCH", "/users/{user}", User, OWN)
        .with("{}"),
    row("PATCH", "/users/{user}+X-VerificationId", User, ADMIN_204)
        .with(r#"{"validated": true}"#),
    row("DELETE", "/users/{user}", User, OWN_204),
    row("DELETE", "/users/{user}/password", User, ADMIN_204),
    row("GET", "/verifications", Nothing, ADMIN),
    row("POST", "/verifications", Nothing, ADMIN_204)
        .with(r#"{"type": "email", "email": "nobody@example.org", "link": "https://p/{{id}}"}"#),
    row("POST", "/verifications/consume", User, ADMIN_204)
        .with(r#"{"token": "{verification}"}"#),
    row("GET", "/verifications/{id}", User, ADMIN),
    row("DELETE", "/verifications/{id}", User, ADMIN_204),
    row("GET", "/webhooks/events/{listener}", User, ADMIN),
    row("DELETE", "/webhooks/events/{listener}", User, ADMIN_204),
    row("POST", "/webhooks/events/{listener}/ack", User, ADMIN_204)
        .with(r#"{"ids": ["x"]}"#),
    row("DELETE", "/webhooks/events/{listener}/{event}", User, ADMIN_204),
    row("GET", "/applications/{application}/listeners", Application, MEMBER),
    row("POST", "/applications/{application}/listeners", Application, "403 403 403 201 201 403 201 403")
        .with(r#"{"url": "https://x.example.org/"}"#),
    row("PUT", "/applications/{application}/listeners/{listener}", Application, "403 403 403 200 200 403 200 403")
        .with(r#"{"url": "https://y.example.org/"}"#),
    row("DELETE", "/applications/{application}/listeners/{listener}", Application, "403 403 403 204 204 403 204 403"),
    row("POST", "/applications/{application}/listeners/{listener}/secret", Application, "403 403 403 201 201 403 201 403")
        .with("{}"),
    row("DELETE", "/applications/{application}/listeners/{listener}/secret/{key}", Application, WORKER_NONE),
    // Nobody answers the test.
    row("POST", "/applications/{application}/listeners/{listener}/enable", Application, "403 403 403 409 409 403 409 403"),
    row("POST", "/applications/{application}/listeners/{listener}/disable", Application, "403 403 403 204 204 403 204 403")
        .with("{}"),
    row("POST", "/applications/{application}/listeners/{listener}/test", Application, "403 403 403 200 200 403 200 403"),
    row("GET", "/applications/{application}/listeners/{listener}/stats", Application, MEMBER),
    row("GET", "/applications/{application}/listeners/{listener}/deliveries", Application, MEMBER),
    row("GET", "/applications/{application}/listeners/{listener}/deliveries/{event}", Application, "403 403 404 404 404 403 404 404"),
    row("GET", "/applications/{application}/listeners/{listener}/dead", Application, MEMBER),
    row("DELETE", "/applications/{application}/listeners/{listener}/dead", Application, "403 403 403 204 204 403 204 403"),
    row("POST", "/applications/{application}/listeners/{listener}/dead/retry", Application, "403 403 403 200 200 403 200 403"),
    row("DELETE", "/applications/{application}/listeners/{listener}/dead/{event}", Application, WORKER_NONE),
    row("POST", "/applications/{application}/listeners/{listener}/dead/{event}/retry", Application, WORKER_NONE),
    row("POST", "/applications/{application}/listeners/{listener}/replay", Application, "403 403 403 202 202 403 202 403")
        .with(r#"{"from": 1}"#),
    row("GET", "/webhooks/dead/{listener}", User, ADMIN),
    row("DELETE", "/webhooks/dead/{listener}", User, ADMIN_204),
    row("POST", "/webhooks/dead/{listener}/retry", User, ADMIN),
    row("DELETE", "/webhooks/dead/{listener}/{event}", User, NONE),
    row("POST", "/webhooks/dead/{listener}/{event}/retry", User, NONE),
    row("GET", "/webhooks/deliveries/{listener}", User, ADMIN),
    row("GET", "/webhooks/deliveries/{listener}/{event}", User, NONE),
    row("POST", "/webhooks/replay/{listener}", User, "403 403 403 403 403 403 202 403")
        .with(r#"{"from": 1}"#),
    row("GET", "/webhooks/stream/{listener}?wait=0", User, ADMIN),
    row("POST", "/webhooks/listeners/{listener}/disable", User, ADMIN_204).with("{}"),
    // Nobody answers the test.
    row("POST", "/webhooks/listeners/{listener}/enable", User, "403 403 403 403 403 403 409 403"),
    row("POST", "/webhooks/listeners/{listener}/secret", User, "403 403 403 403 403 403 201 403")
        .with("{}"),
    row("DELETE", "/webhooks/listeners/{listener}/secret/{key}", User, NONE),
    row("GET", "/webhooks/listeners/{listener}/stats", User, ADMIN),
    row("POST", "/webhooks/listeners/{listener}/test", User, ADMIN),
    row("GET", "/webhooks/listeners", Nothing, ADMIN),
    row("PUT", "/webhooks/listeners/{listener}", User, ADMIN)
        .with(r#"{"id": "{id}", "url": "https://x.example.org/"}"#),
    row("DELETE", "/webhooks/listeners/{listener}", User, ADMIN_204),
    row("PATCH", "/approvals/{id}", Subscriptions, DECIDER).with(r#"{"assignee": null}"#),
    row("POST", "/approvals/{id}/comments", Subscriptions, "403 403 403 403 403 201 201 403")
        .with(r#"{"text": "Who is this?"}"#),
    row("POST", "/config/fetch", Nothing, "403 403 403 403 403 403 202 403"),
    row("POST", "/config/hook", Nothing, "401").with(r#"{"ref": "refs/heads/main"}"#),
    row("POST", "/kill", Nothing, ADMIN_204),
    row("GET", "/config/commits", Nothing, ADMIN),
    // Not out of git.
    row("POST", "/config/commits", Nothing, "403 403 403 403 403 403 409 403")
        .with(r#"{"base": "0", "message": "m", "files": [{"path": "content/help.md", "content": ""}]}"#),
    row("GET", "/config/draft", Nothing, ADMIN),
    row("PUT", "/config/draft", Nothing, ADMIN_204).with(r#"{"base": "", "files": []}"#),
    row("DELETE", "/config/draft", Nothing, ADMIN_204),
    row("GET", "/config/files/{*path}", Nothing, "403 403 403 403 403 403 404 403"),
    row("GET", "/health/ping", Nothing, MACHINE),
    row("GET", "/health/ping+X-Consumer-Id", Nothing, "200"),
    row("GET", "/health/systemhealth", Nothing, MACHINE),
    row("GET", "/users/{user}/applications", User, "403 403 403 403 200 403 200 200"),
    row("GET", "/users/{user}/export", User, OWN),
    row("GET", "/users/{user}/preferences", User, OWN),
    row("PUT", "/users/{user}/preferences", User, OWN).with(r#"{"mails": {"announcement": false}}"#),
    row("GET", "/applications/{application}/invitations", Application, "403 403 403 403 200 403 200 200"),
    row("POST", "/applications/{application}/invitations", Application, "403 403 403 403 201 403 201 403")
        .with(r#"{"email": "{new}@example.org", "role": "reader"}"#),
    row("DELETE", "/applications/{application}/invitations/{id}", Application, "403 403 403 403 204 403 204 403"),
    row("POST", "/applications/{application}/invitations/{id}/resend", Application, "403 403 403 403 200 403 200 403"),
    row("POST", "/invitations/accept", Nothing, "403 404 404 404 404 404 404 403").with(r#"{"token": "{new}"}"#),
    row("PATCH", "/applications/{application}/owners/{user}", Application, "403 403 403 403 200 403 200 403")
        .with(r#"{"role": "owner"}"#),
    row("GET", "/apis/{api}/context", Nothing, SCOPE_AND_MACHINE),
    row("POST", "/apis/{api}/announcements", Nothing, "403 403 403 403 403 403 201 403")
        .with(r#"{"subject": "Maintenance", "text": "On Sunday."}"#),
    row("GET", "/teams", Nothing, SCOPE_AND_MACHINE),
    row("POST", "/teams", Nothing, "403 201 201 201 201 201 201 403").with(r#"{"id": "{new}", "name": "New"}"#),
    row("GET", "/teams/{team}", Team, MEMBER),
    row("PATCH", "/teams/{team}", Team, OWN).with(r#"{"name": "New"}"#),
    row("DELETE", "/teams/{team}", Team, OWN_204),
    row("PUT", "/teams/{team}/members/{user}", Team, OWN).with(r#"{"role": "owner"}"#),
    // The reader leaves.
    row("DELETE", "/teams/{team}/members/{user}", Team, "403 403 204 403 204 403 204 403"),
    row("POST", "/export", Nothing, MACHINE),
    // Without an archive; with one: archive.rs.
    row("POST", "/import", Nothing, "403 403 403 403 403 403 403 400"),
    row("GET", "/setup", Nothing, ADMIN),
    row("PUT", "/setup", Nothing, ADMIN).with(r#"{"hidden": false}"#),
];
