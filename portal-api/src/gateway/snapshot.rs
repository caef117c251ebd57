//! `GET /gateway/snapshot`: everything a gateway has to know, as of one moment (portal-api 29.4).

use std::collections::HashMap;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use config::{
    Configuration, Rendered,
    globals::{GatewayType, Viewer},
};
use futures_util::future::join_all;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sdk::types::{
    Timestamp,
    credentials::Kind,
    snapshot::{SnapshotApplication, SnapshotCredential, SnapshotSubscription},
};
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbErr, ExprTrait, FromQueryResult, QueryOrder, Statement,
    entity::prelude::*,
};
use serde::Serialize;
use serde_json::{Map, Value};
use service::{ServiceName, keys::Purpose};

use crate::{
    ApiError, AppState,
    apis::scopes,
    applications,
    caller::Caller,
    credentials::{self, rules, secret::SecretKeys},
    paging::Parameters,
    subscriptions,
};

/// Members of `globals` that decide what a gateway does.
const GLOBALS: [&str; 5] = ["network", "api", "gateway", "kongAdapter", "sessionStore"];

/// The answer; the parts of the configuration were rendered when it was loaded.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Snapshot {
    revision: String,
    seq: i64,
    /// By it a gateway turns an API key into its digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    digest_key: Option<String>,
    globals: Value,
    apis: Vec<Value>,
    auth_servers: Vec<Value>,
    plans: Vec<Value>,
    groups: Value,
    applications: Vec<SnapshotApplication>,
    subscriptions: Vec<SnapshotSubscription>,
}

pub async fn read(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    caller.require_service(&[ServiceName::GatewayAdapter])?;
    let only = parameters.get("application");
    let configuration = state.configuration();
    let scopes = if only.is_none() {
        looked_up_scopes(&state, &configuration).await
    } else {
        HashMap::new()
    };
    let txn = state.db.snapshot().await?;
    let seq = last_seq(&txn).await?;
    let revision = format!("{}.{seq}", configuration.hash);
    let etag = format!("\"{revision}\"");
    // A part of the snapshot has the revision of the whole, so it is no answer to "unchanged?".
    if only.is_none() && is_known(&headers, &etag) {
        return Ok(with_etag(StatusCode::NOT_MODIFIED.into_response(), &etag));
    }
    let applications = applications(&txn, only).await?;
    let subscriptions = subscriptions(&txn, &state, &configuration, only).await?;
    txn.rollback().await?;
    let mut snapshot = Snapshot {
        revision,
        seq,
        digest_key: Some(state.keys.derive(&Purpose::CredentialLookup)?.base64url()),
        applications,
        subscriptions,
        ..Snapshot::of(&configuration)
    };
    snapshot.resolve(scopes);
    let answer = Json(snapshot).into_response();
    Ok(if only.is_none() {
        with_etag(answer, &etag)
    } else {
        answer
    })
}

/// The snapshot of a configuration that nobody has subscribed to, for tools that work without a
/// running service.
pub fn of_configuration(configuration: &Configuration) -> Value {
    let snapshot = Snapshot {
        revision: configuration.hash.clone(),
        ..Snapshot::of(configuration)
    };
    serde_json::to_value(snapshot).expect("it is made of JSON")
}

impl Snapshot {
    fn of(configuration: &Configuration) -> Self {
        let apis = configuration.apis.iter();
        let auth_servers = configuration.auth_servers.iter();
        let plans = configuration.plans.all.iter();
        Self {
            revision: String::new(),
            seq: 0,
            digest_key: None,
            globals: globals(configuration),
            apis: apis.map(|api| with_config(api)).collect(),
            auth_servers: auth_servers.map(|one| json(&one.admin)).collect(),
            plans: plans.map(|plan| plan.json.clone()).collect(),
            groups: member(json(&configuration.groups.rendered), "groups"),
            applications: Vec::new(),
            subscriptions: Vec::new(),
        }
    }

    /// Puts scopes that were looked up in the place of configured ones.
    fn resolve(&mut self, mut scopes: HashMap<String, Value>) {
        for api in &mut self.apis {
            let id = api["id"].as_str().unwrap_or_default();
            if let Some(scopes) = scopes.remove(id) {
                api["settings"]["scopes"] = scopes;
            }
        }
    }
}

/// What other services say of the scopes of their APIs. It is asked before the database is read,
/// since one of them may take its time.
async fn looked_up_scopes(
    state: &AppState,
    configuration: &Configuration,
) -> HashMap<String, Value> {
    let asked = configuration
        .apis
        .iter()
        .filter(|api| api.scope_lookup_url.is_some());
    let answers =
        asked.map(async |api| Some((api.id.clone(), scopes::looked_up(state, api).await?)));
    join_all(answers).await.into_iter().flatten().collect()
}

fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    let same = |one: &str| one.trim().trim_start_matches("W/") == etag;
    known.is_some_and(|list| list.split(',').any(same))
}

fn with_etag(mut response: Response, etag: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(etag) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[derive(FromQueryResult)]
struct Seq {
    seq: i64,
}

/// The newest event that changes what a gateway has to know. Written before the first read, so
/// the snapshot holds at least what this event tells of.
async fn last_seq(txn: &DatabaseTransaction) -> Result<i64, DbErr> {
    let statement = Statement::from_string(
        txn.get_database_backend(),
        "select seq from events where entity in ('application', 'subscription') \
         order by seq desc limit 1",
    );
    Ok(Seq::find_by_statement(statement)
        .one(txn)
        .await?
        .map_or(0, |row| row.seq))
}

fn globals(configuration: &Configuration) -> Value {
    let Value::Object(shown) = configuration.globals.view(Viewer::GatewayAdapter) else {
        return Value::Object(Map::new());
    };
    shown
        .into_iter()
        .filter(|(name, _)| GLOBALS.contains(&name.as_str()))
        .collect()
}

/// The API as configured, with what `GET /apis/{api}/config` answers to an administrator.
fn with_config(api: &config::apis::Api) -> Value {
    let mut shown = api.to_json();
    shown["config"] = json(&api.config_full);
    shown
}

fn json(rendered: &Rendered) -> Value {
    serde_json::from_slice(&rendered.bytes).expect("it was rendered from JSON")
}

fn member(mut object: Value, name: &str) -> Value {
    object.get_mut(name).map(Value::take).unwrap_or_default()
}

async fn applications(
    txn: &DatabaseTransaction,
    only: Option<&str>,
) -> Result<Vec<SnapshotApplication>, DbErr> {
    use applications::row::{Column, Entity};
    let mut select = Entity::find();
    if let Some(id) = only {
        select = select.filter(Column::Id.eq(id));
    }
    let rows = select.order_by_asc(Column::Id).all(txn).await?;
    let shown = rows.into_iter().map(|row| SnapshotApplication {
        client_type: row.client_type(),
        id: row.id,
        redirect_uris: row.redirect_uris.0,
    });
    Ok(shown.collect())
}

/// Approved subscriptions with the credentials that open something now.
async fn subscriptions(
    txn: &DatabaseTransaction,
    state: &AppState,
    configuration: &Configuration,
    only: Option<&str>,
) -> Result<Vec<SnapshotSubscription>, ApiError> {
    use subscriptions::row::{Column, Entity};
    let mut select = Entity::find().filter(Column::Approved.eq(true));
    if let Some(id) = only {
        select = select.filter(Column::ApplicationId.eq(id));
    }
    let rows = select
        .order_by_asc(Column::ApplicationId)
        .order_by_asc(Column::ApiId)
        .all(txn)
        .await?;
    let mut credentials = valid_credentials(txn, only).await?;
    let keys = SecretKeys::new(&state.keys)?;
    // Only Kong gets clear secrets; the embedded gateway compares digests.
    let in_clear = (configuration.globals.gateway_type == GatewayType::Kong).then_some(&keys);
    let shown = rows.into_iter().map(|row| {
        let own = credentials.remove(&row.id).unwrap_or_default();
        let main = rules::main(&own, service::clock::now());
        SnapshotSubscription {
            client_id: main.and_then(|credential| credential.client_id.clone()),
            credentials: own
                .into_iter()
                .map(|one| credential(one, in_clear))
                .collect(),
            id: row.id,
            application: row.application_id,
            api: row.api_id,
            plan: row.plan_id,
            auth: Some(row.auth),
        }
    });
    Ok(shown.collect())
}

async fn valid_credentials(
    txn: &DatabaseTransaction,
    only: Option<&str>,
) -> Result<HashMap<String, Vec<credentials::row::Model>>, DbErr> {
    use credentials::row::{Column, Entity};
    let now = service::clock::now();
    let mut select = Entity::find()
        .filter(Column::RevokedAt.is_null())
        .filter(Column::ExpiresAt.is_null().or(Column::ExpiresAt.gt(now)));
    if let Some(id) = only {
        let own = subscriptions::store::list(txn, id).await?;
        select = select.filter(Column::SubscriptionId.is_in(own.into_iter().map(|row| row.id)));
    }
    let mut lists = HashMap::<_, Vec<_>>::new();
    for row in select
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id)
        .all(txn)
        .await?
    {
        lists
            .entry(row.subscription_id.clone())
            .or_default()
            .push(row);
    }
    Ok(lists)
}

fn credential(row: credentials::row::Model, in_clear: Option<&SecretKeys>) -> SnapshotCredential {
    let kind = credentials::wire::kind(&row.kind);
    let secret = in_clear
        .zip(row.sealed.as_deref())
        .and_then(|(keys, sealed)| keys.open(sealed, &row.id));
    let (key, client_secret) = match kind {
        Kind::Key => (secret, None),
        Kind::Client => (None, secret),
    };
    SnapshotCredential {
        id: row.id,
        kind,
        digest: row.digest,
        key,
        client_id: row.client_id,
        client_secret,
        expires_at: row.expires_at.map(Timestamp),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_revision_is_recognised_in_every_form() {
        let headers = |text: &'static str| {
            HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_static(text))])
        };
        assert!(is_known(&headers("\"abc.1\""), "\"abc.1\""));
        assert!(is_known(&headers("\"x\", W/\"abc.1\""), "\"abc.1\""));
        assert!(!is_known(&headers("\"abc.2\""), "\"abc.1\""));
        assert!(!is_known(&HeaderMap::new(), "\"abc.1\""));
    }
}
