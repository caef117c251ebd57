//! Tokens that Kong has and nobody here made: of an installation that was taken over (C11, C18).
//! Each becomes an authorization of its own, so that it can be refreshed and ended like all others.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use kong::admin::Oauth2Token;
use service::{clock, random};
use uuid::Uuid;

use crate::{
    factors::Proof,
    families::{self, Family, NewTokens},
    scopes,
    state::AppState,
};

use super::{Kept, Passed, calls::end, store, tend::TendError};

/// Rows per transaction: short, since others wait for it.
const BATCH: usize = 100;
/// Tokens that are younger may just be on their way into our table, from this server or another one.
const YOUNGEST: TimeDelta = TimeDelta::minutes(1);
/// Clients that are remembered while reading.
const MOST_CLIENTS: usize = 10_000;

/// What is known of a client, if it has a living subscription.
#[derive(Clone)]
struct Owner {
    client_id: String,
    api: String,
    refresh_lifetime: TimeDelta,
}

/// Reads all tokens, page by page, and remembers those that are new. Answers how many were.
pub async fn adopt(state: &AppState) -> Result<usize, TendError> {
    let admin = state.kong.admin(&state.configuration().kong);
    let mut owners: HashMap<Uuid, Option<Owner>> = HashMap::new();
    let mut adopted = 0;
    let mut offset: Option<String> = None;
    loop {
        let page = admin
            .oauth2_tokens(offset.as_deref())
            .await
            .map_err(super::KongError::from)?;
        let mut new = Vec::new();
        for row in unknown(state, page.data).await? {
            if owners.len() >= MOST_CLIENTS {
                owners.clear();
            }
            let known = owners.get(&row.credential.id).cloned();
            let owner = if let Some(owner) = known {
                owner
            } else {
                let owner = owner(state, &row).await?;
                owners.insert(row.credential.id, owner.clone());
                owner
            };
            new.extend(owner.and_then(|owner| adopted_row(&row, owner, clock::now())));
        }
        for batch in new.chunks(BATCH) {
            keep(state, batch).await?;
        }
        adopted += new.len();
        match page.offset {
            Some(next) => offset = Some(next),
            None => return Ok(adopted),
        }
    }
}

/// Tokens of users that our table does not have. Nothing is to be remembered of a client's own.
async fn unknown(
    state: &AppState,
    rows: Vec<Oauth2Token>,
) -> Result<Vec<Oauth2Token>, sea_orm::DbErr> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let youngest = (clock::now() - YOUNGEST).timestamp();
    let known = store::known(state.database.read(), &ids).await?;
    Ok(rows
        .into_iter()
        .filter(|row| {
            row.authenticated_userid
                .as_deref()
                .is_some_and(|id| !id.is_empty())
        })
        .filter(|row| row.created_at < youngest)
        .filter(|row| !known.contains(&row.id.to_string()))
        .collect())
}

async fn owner(state: &AppState, row: &Oauth2Token) -> Result<Option<Owner>, TendError> {
    let addresses = &state.configuration().kong;
    let Some(client_id) = state.kong.client_of(addresses, row).await? else {
        return Ok(None);
    };
    let Some(client) = state.portal_api.client(&client_id).await? else {
        return Ok(None);
    };
    let Some(api) = state.portal_api.api(&client.api_id).await? else {
        return Ok(None);
    };
    Ok(Some(Owner {
        client_id,
        refresh_lifetime: api.refresh_lifetime,
        api: api.id,
    }))
}

/// What is remembered of a row; nothing when it has ended.
fn adopted_row(row: &Oauth2Token, owner: Owner, now: DateTime<Utc>) -> Option<(Family, Kept)> {
    let began_at = DateTime::from_timestamp(row.created_at, 0)?;
    let expires_at = end(row.expires_in, began_at);
    let refresh_token = row
        .refresh_token
        .clone()
        .filter(|token| super::is_token(token));
    let ends = match refresh_token {
        Some(_) => began_at + owner.refresh_lifetime,
        None => expires_at,
    };
    if ends <= now {
        return None;
    }
    let text = row.authenticated_userid.clone()?;
    let scope = scopes::split(row.scope.as_deref().unwrap_or_default());
    let family = Family {
        id: random::hex_id(),
        client_id: owner.client_id,
        api: owner.api,
        // Kong does not say by which method its user logged in.
        method: String::new(),
        user_id: user_id(&text).to_owned(),
        namespace: namespace(&text).map(str::to_owned),
        scope: scopes::without_groups(&scope),
        sid: None,
        auth_time: None,
        began_at,
        expires_at: ends,
        revoked: false,
        verbatim: Some(text),
        profile: None,
        proof: Proof::Elsewhere,
    };
    let kept = Kept {
        id: row.id,
        scope,
        token: Passed {
            access_token: row.access_token.clone(),
            refresh_token,
            expires_in: row.expires_in,
            expires_at,
        },
    };
    Some((family, kept))
}

async fn keep(state: &AppState, rows: &[(Family, Kept)]) -> Result<(), sea_orm::DbErr> {
    let txn = state.database.write().await?;
    for (family, kept) in rows {
        // Its beginning is what passwords changed since then are compared with.
        families::begin(&txn, family, family.began_at).await?;
        store::insert(&txn, &family.id, kept, None).await?;
        if let Some(refresh_token) = &kept.token.refresh_token {
            let tokens = NewTokens {
                access: None,
                refresh: Some((refresh_token, 1)),
            };
            families::insert_tokens(&txn, &family.id, tokens, family.began_at).await?;
        }
    }
    txn.commit().await
}

/// Section 12, read backwards.
fn user_id(text: &str) -> &str {
    match text.strip_prefix("sub=") {
        Some(rest) => rest.split(';').next().unwrap_or_default(),
        None => text,
    }
}

fn namespace(text: &str) -> Option<&str> {
    text.starts_with("sub=")
        .then(|| text.split_once(";namespace="))
        .flatten()
        .map(|(_, namespace)| namespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_tenant_are_read_from_the_text_of_a_token() {
        let cases = [
            ("sub=ada", "ada", None),
            ("sub=ada;namespace=acme", "ada", Some("acme")),
            ("sub=ada;namespaces=acme,bcd", "ada", None),
            ("ada;namespace=acme", "ada;namespace=acme", None),
        ];
        for (text, id, tenant) in cases {
            assert_eq!((user_id(text), namespace(text)), (id, tenant), "{text}");
        }
    }
}
