//! What upstreams have beside other entities: all their targets, and how those are.

use std::{net::SocketAddr, sync::Arc};

use http::Method;
use kong::{ApiError, Kind};
use serde_json::{Map, Value, json};

use super::{
    Admin, Answer, Reply,
    dispatch::{Query, method_not_allowed},
};
use crate::{
    live::upstream::{Peer, Upstream},
    proxy::with_port,
    store::{Key, Row, not_found, present},
};

/// Whether these segments behind an upstream are answered here.
pub fn is_own(rest: &[&str]) -> bool {
    matches!(
        rest,
        ["health"]
            | ["targets", "all"]
            | ["targets", _, "healthy" | "unhealthy"]
            | ["targets", _, _, "healthy" | "unhealthy"]
    )
}

pub async fn call(
    admin: &Arc<Admin>,
    method: &Method,
    upstream: &str,
    rest: &[&str],
    query: &Query,
) -> Answer {
    match (method, rest) {
        (&Method::GET, ["health"]) => health(admin, upstream, query).await,
        (&Method::GET, ["targets", "all"]) => all(admin, upstream).await,
        (&Method::PUT | &Method::POST, ["targets", target, .., state]) => {
            set(admin, upstream, target, *state == "healthy").await
        }
        _ => Err(method_not_allowed()),
    }
}

/// The upstream and its targets, in the order in which they were made.
async fn rows(admin: &Admin, upstream: &str) -> Result<(Row, Vec<Row>), ApiError> {
    let key = Key::parse(upstream);
    admin
        .store
        .read(move |tables| {
            let upstream = tables.find(Kind::Upstream, &key).ok_or_else(not_found)?;
            let targets = tables.children((Kind::Upstream, upstream.id), Kind::Target);
            let mut targets: Vec<Row> = super::lists::newest_first(targets, None)
                .into_iter()
                .cloned()
                .collect();
            targets.reverse();
            Ok((upstream.clone(), targets))
        })
        .await?
}

async fn all(admin: &Admin, upstream: &str) -> Answer {
    let (_, targets) = rows(admin, upstream).await?;
    let data: Vec<Value> = targets.iter().map(|row| present(row, 0).into()).collect();
    Ok(Reply::ok(json!({ "data": data, "next": null })))
}

fn running(admin: &Admin, row: &Row) -> Option<Arc<Upstream>> {
    let routing = admin.shared.live.routing.load();
    routing
        .upstreams()
        .find(|upstream| upstream.id == row.id)
        .cloned()
}

async fn health(admin: &Admin, upstream: &str, query: &Query) -> Answer {
    let (row, targets) = rows(admin, upstream).await?;
    let upstream = running(admin, &row).ok_or_else(not_found)?;
    let node = admin.shared.node_id;
    let is_checked = upstream.checks.is_active() || upstream.checks.is_passive();
    if query.get("balancer_health") == Some("1") {
        let health = match (is_checked, upstream.is_available()) {
            (_, false) => "UNHEALTHY",
            (true, true) => "HEALTHY",
            (false, true) => "HEALTHCHECKS_OFF",
        };
        let total: u64 = upstream.peers.iter().map(Peer::share).sum();
        let well = upstream.peers.iter().filter(|peer| peer.is_available());
        let available: u64 = well.map(Peer::share).sum();
        return Ok(Reply::ok(json!({
            "data": {
                "id": row.id,
                "health": health,
                "details": { "weight": {
                    "total": total, "available": available, "unavailable": total - available,
                } },
            },
            "next": null,
            "node_id": node,
        })));
    }
    let mut data = Vec::with_capacity(targets.len());
    for target in targets.iter().rev() {
        let mut peers = upstream.peers.iter();
        if let Some(peer) = peers.find(|peer| peer.id == target.id) {
            data.push(Value::Object(shown(admin, target, peer, is_checked).await));
        }
    }
    Ok(Reply::ok(
        json!({ "data": data, "next": null, "node_id": node }),
    ))
}

/// A target with its addresses.
async fn shown(admin: &Admin, target: &Row, peer: &Peer, is_checked: bool) -> Map<String, Value> {
    let names = &admin.shared.rules.resolver;
    let resolved: Arc<[SocketAddr]> = match peer.address {
        Some(address) => Arc::new([SocketAddr::new(address, peer.port)]),
        None => names.addresses(&peer.host).await.unwrap_or_default(),
    };
    let health = match (resolved.is_empty(), peer.state.health.is_well(), is_checked) {
        (true, ..) => "DNS_ERROR",
        (_, false, _) => "UNHEALTHY",
        (_, true, true) => "HEALTHY",
        (_, true, false) => "HEALTHCHECKS_OFF",
    };
    let addresses: Vec<Value> = resolved
        .iter()
        .map(|address| {
            let address = with_port(*address, peer.port);
            json!({
                "ip": address.ip().to_string(),
                "port": address.port(),
                "health": health,
                "weight": peer.weight,
            })
        })
        .collect();
    let mut fields = present(target, 0);
    fields.insert("health".to_owned(), json!(health));
    let details = json!({ "addresses": addresses, "weight": { "total": peer.share() } });
    fields.insert("data".to_owned(), details);
    fields
}

/// Whoever runs the targets knows better.
async fn set(admin: &Admin, upstream: &str, target: &str, is_well: bool) -> Answer {
    let (row, _) = rows(admin, upstream).await?;
    let key = Key::parse(target);
    let id = row.id;
    let target = admin
        .store
        .read(move |tables| {
            tables
                .find_below((Kind::Upstream, id), Kind::Target, &key)
                .map(|row| row.id)
        })
        .await?
        .ok_or_else(not_found)?;
    let upstream = running(admin, &row).ok_or_else(not_found)?;
    let mut peers = upstream.peers.iter();
    let peer = peers.find(|peer| peer.id == target).ok_or_else(not_found)?;
    peer.state.health.set(is_well);
    Ok(Reply::no_content())
}
