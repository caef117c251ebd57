//! `/gateway/status`: what the gateway has in force, as the adapter reports it (portal-api 29.3).

use axum::{Json, extract::State};
use http::StatusCode;
use sdk::types::{
    Timestamp,
    gateway::{GatewayNode, GatewayStatus},
    health::GatewayHealth,
};
use sea_orm::{
    ActiveValue::Set, ConnectionTrait, DatabaseTransaction, DbErr, QueryOrder, entity::prelude::*,
    sea_query::OnConflict,
};
use serde_json::{Value, json};
use service::ServiceName;

use super::row::{node, status};
use crate::{
    ApiError, AppState,
    caller::Caller,
    events::{self, Event},
    extract::{Body, from_value},
};

/// Longer lists of problems are cut; the first ones say what is wrong.
const MAX_PROBLEMS: usize = 1000;
const MAX_NODES: usize = 1000;

/// `GET /gateway/status`
pub async fn read(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Json<GatewayStatus>, ApiError> {
    // The auth server signs with a new key once every node has it, so it may ask, too.
    if caller.acting_service().is_none() {
        caller.require_scope("health")?;
    }
    caller.require_admin()?;
    let db = state.db.read();
    let report = status::Entity::find_by_id(1_i16).one(db).await?;
    let nodes = node::Entity::find()
        .order_by_asc(node::Column::Name)
        .all(db)
        .await?;
    Ok(Json(GatewayStatus {
        revision: report.as_ref().and_then(|report| report.revision.clone()),
        last_reconcile: report
            .as_ref()
            .and_then(|report| report.last_reconcile)
            .map(Timestamp),
        problems: report.map(|report| report.problems.0).unwrap_or_default(),
        nodes: nodes.into_iter().map(shown).collect(),
    }))
}

/// The same in short, for the system health; nothing before the first report.
pub async fn health(db: &impl ConnectionTrait) -> Result<Option<GatewayHealth>, DbErr> {
    let Some(report) = status::Entity::find_by_id(1_i16).one(db).await? else {
        return Ok(None);
    };
    let nodes = node::Entity::find().all(db).await?;
    let has_it = |node: &&node::Model| node.in_sync && node.revision == report.revision;
    let in_sync: Vec<&node::Model> = nodes.iter().filter(has_it).collect();
    let is_everywhere = !nodes.is_empty() && in_sync.len() == nodes.len();
    let last = in_sync.iter().filter_map(|node| node.applied_at).max();
    Ok(Some(GatewayHealth {
        applied_at: last.filter(|_| is_everywhere).map(Timestamp),
        nodes: nodes.len(),
        nodes_in_sync: in_sync.len(),
        problems: report.problems.0.len(),
        last_reconcile: report.last_reconcile.map(Timestamp),
        revision: report.revision,
    }))
}

fn shown(node: node::Model) -> GatewayNode {
    GatewayNode {
        name: node.name,
        version: node.version,
        revision: node.revision,
        applied_at: node.applied_at.map(Timestamp),
        in_sync: node.in_sync,
        calls_per_second: node.calls_per_second,
    }
}

/// `PUT /gateway/status`: replaces the last report. When every node has a newer revision, those
/// who wait for it are told.
pub async fn write(
    State(state): State<AppState>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Result<StatusCode, ApiError> {
    caller.require_service(&[ServiceName::GatewayAdapter])?;
    let mut report: GatewayStatus = from_value(body)?;
    report.problems.truncate(MAX_PROBLEMS);
    report.nodes.truncate(MAX_NODES);
    check(&report)?;
    let txn = state.db.write().await?;
    let before = status::Entity::find_by_id(1_i16).one(&txn).await?;
    let known = before.and_then(|row| row.applied_revision);
    let applied = applied_revision(&report).map(str::to_owned);
    let is_news = applied.is_some() && applied != known;
    store(&txn, &report, applied.clone().or(known)).await?;
    if let (true, Some(revision)) = (is_news, applied) {
        let seq = seq_of(&revision).unwrap_or_default();
        let nodes = report
            .nodes
            .iter()
            .map(|node| json!({"name": node.name, "appliedAt": node.applied_at}));
        let event = Event::gateway_applied(&revision, seq, &nodes.collect::<Vec<_>>());
        events::append(&txn, &state, &caller.actor(), event).await?;
    }
    state.commit(txn).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Texts as long as their columns.
fn check(report: &GatewayStatus) -> Result<(), ApiError> {
    let revisions = report
        .nodes
        .iter()
        .map(|node| &node.revision)
        .chain([&report.revision]);
    for revision in revisions.flatten() {
        if revision.len() > 160 {
            return Err(ApiError::invalid(
                "revision",
                "length",
                "`revision` has at most 160 characters.",
            ));
        }
    }
    for node in &report.nodes {
        let version = node.version.as_deref().unwrap_or_default();
        if node.name.is_empty() || node.name.len() > 128 || version.len() > 64 {
            let message = "`nodes`: a name has 1 to 128 characters, a version at most 64.";
            return Err(ApiError::invalid("nodes", "length", message));
        }
    }
    Ok(())
}

/// The revision that all nodes have in force.
fn applied_revision(report: &GatewayStatus) -> Option<&str> {
    let first = report.nodes.first()?.revision.as_deref()?;
    let everywhere = report
        .nodes
        .iter()
        .all(|node| node.in_sync && node.revision.as_deref() == Some(first));
    everywhere.then_some(first)
}

/// The last part of `<config hash>.<seq>`.
fn seq_of(revision: &str) -> Option<i64> {
    revision.rsplit_once('.')?.1.parse().ok()
}

async fn store(
    txn: &DatabaseTransaction,
    report: &GatewayStatus,
    applied_revision: Option<String>,
) -> Result<(), DbErr> {
    let row = status::ActiveModel {
        id: Set(1),
        revision: Set(report.revision.clone()),
        applied_revision: Set(applied_revision),
        problems: Set(status::Problems(report.problems.clone())),
        last_reconcile: Set(report.last_reconcile.map(|at| at.0)),
        reported_at: Set(service::clock::now()),
    };
    let replace = OnConflict::column(status::Column::Id)
        .update_columns([
            status::Column::Revision,
            status::Column::AppliedRevision,
            status::Column::Problems,
            status::Column::LastReconcile,
            status::Column::ReportedAt,
        ])
        .to_owned();
    status::Entity::insert(row)
        .on_conflict(replace)
        .exec_without_returning(txn)
        .await?;
    node::Entity::delete_many().exec(txn).await?;
    let mut names = std::collections::HashSet::new();
    let nodes: Vec<_> = report
        .nodes
        .iter()
        .filter(|node| names.insert(&node.name))
        .map(|node| node::ActiveModel {
            name: Set(node.name.clone()),
            version: Set(node.version.clone()),
            revision: Set(node.revision.clone()),
            in_sync: Set(node.in_sync),
            applied_at: Set(node.applied_at.map(|at| at.0)),
            calls_per_second: Set(node.calls_per_second),
        })
        .collect();
    if !nodes.is_empty() {
        node::Entity::insert_many(nodes)
            .exec_without_returning(txn)
            .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(revision: &str, in_sync: bool) -> GatewayNode {
        GatewayNode {
            name: "a".to_owned(),
            version: None,
            revision: Some(revision.to_owned()),
            applied_at: None,
            in_sync,
            calls_per_second: None,
        }
    }

    #[test]
    fn a_revision_is_applied_once_every_node_has_it() {
        let applied = |nodes: Vec<GatewayNode>| {
            let report = GatewayStatus {
                nodes,
                ..GatewayStatus::default()
            };
            applied_revision(&report).map(str::to_owned)
        };
        assert_eq!(
            applied(vec![node("h.2", true), node("h.2", true)]).as_deref(),
            Some("h.2")
        );
        assert_eq!(applied(vec![node("h.2", true), node("h.1", true)]), None);
        assert_eq!(applied(vec![node("h.2", false)]), None);
        assert_eq!(applied(vec![]), None);
        assert_eq!(seq_of("abc.17"), Some(17));
    }
}
