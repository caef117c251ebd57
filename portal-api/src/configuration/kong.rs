//! What the switch to Kong costs: Kong has to be given keys and secrets in clear, and of those made
//! before only a digest is kept (portal-api 29.2).

use config::Configuration;
use sdk::types::{configuration::Finding, credentials::Kind};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult};
use service::clock;

use crate::{AppState, credentials::rules::is_needed_by_kong, sql};

#[derive(FromQueryResult)]
struct Digests {
    api_id: String,
    kind: String,
    credentials: i64,
}

/// Says how many credentials `newer` could not give to a Kong that the configuration in force does
/// not give them to. The portal's own is made again by itself.
pub async fn lost_credentials(
    state: &AppState,
    newer: &Configuration,
) -> Result<Option<Finding>, DbErr> {
    let running = state.configuration();
    let is_lost = |digests: &Digests| {
        let kind = match digests.kind.as_str() {
            kind if kind == Kind::Client.as_str() => Kind::Client,
            _ => Kind::Key,
        };
        let is_needed = |configuration: &Configuration| {
            let api = configuration.api(&digests.api_id);
            api.is_some_and(|api| is_needed_by_kong(configuration, api, kind))
        };
        is_needed(newer) && !is_needed(&running)
    };
    let digests = digests(state.db.read()).await?;
    let lost: i64 = digests
        .iter()
        .filter(|digests| is_lost(digests))
        .map(|digests| digests.credentials)
        .sum();
    Ok((lost > 0).then(|| Finding {
        severity: "warning".to_owned(),
        file: "globals.json".to_owned(),
        path: "gateway.type".to_owned(),
        line: None,
        message: format!(
            "{lost} credential(s) are kept as fingerprints only and cannot be given to Kong; they \
             have to be rotated"
        ),
    }))
}

/// Credentials that open something and are known by their digest alone, counted.
async fn digests(db: &impl ConnectionTrait) -> Result<Vec<Digests>, DbErr> {
    let sql = "select s.api_id, c.kind, count(*) as credentials from credentials c \
               join subscriptions s on s.id = c.subscription_id \
               where c.sealed is null and c.revoked_at is null \
               and (c.expires_at is null or c.expires_at > $1) \
               and s.application_id <> '__portal' group by s.api_id, c.kind";
    let values = [clock::now().into()];
    let statement = sql::statement(db, sql, values);
    Digests::find_by_statement(statement).all(db).await
}
