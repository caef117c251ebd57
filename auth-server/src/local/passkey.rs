//! Passkeys at a log-in, in the place of name and password, or beside them.

use axum::{
    extract::{Path, State},
    response::Response,
};
use chrono::TimeDelta;
use http::StatusCode;
use sea_orm::DbErr;
use serde::Deserialize;
use service::clock;

use crate::{
    assertions,
    brake::{self, Act, Who},
    factors::{
        self, Proof,
        webauthn::{self, Credential, Expected},
    },
    federated::Person,
    flows::FormSource,
    interaction,
    pages::{PageError, Texts},
    state::AppState,
    visitor::Visitor,
};

use super::{
    PageForm,
    form::{local_method_of, open_form},
    login,
};

/// As long as the page that asks for it may be open.
const USED_FOR: TimeDelta = crate::flows::LIFETIME;

/// What a passkey has to sign on the page whose forms have this hidden field.
pub fn challenge(state: &AppState, csrf: &str) -> String {
    state.form_key.challenge(csrf)
}

/// Host and origin that passkeys are made for.
pub fn expected_place(state: &AppState) -> Option<(String, String)> {
    webauthn::place(&state.configuration().issuer)
}

/// The user whose passkey has answered on the page with this hidden field, which was checked before.
/// An answer counts once.
pub async fn owner(
    state: &AppState,
    csrf: &str,
    credential: &str,
) -> Result<Option<String>, DbErr> {
    let Some(credential) = Credential::parse(credential) else {
        return Ok(None);
    };
    let (Some(id), Some((rp_id, origin))) = (credential.id(), expected_place(state)) else {
        return Ok(None);
    };
    let Some(passkey) = factors::find_passkey(state.database.read(), &id).await? else {
        return Ok(None);
    };
    let asserted = state.form_key.challenges(csrf).find_map(|challenge| {
        let expected = Expected {
            rp_id: &rp_id,
            origin: &origin,
            challenge: &challenge,
        };
        match credential.asserted(&expected, &passkey.public_key) {
            Ok(sign_count) => Some((challenge, sign_count)),
            Err(error) => {
                tracing::info!(user.id = passkey.user_id, "a passkey is refused: {error}");
                None
            }
        }
    });
    let Some((challenge, sign_count)) = asserted else {
        return Ok(None);
    };
    let now = clock::now();
    let txn = state.database.write().await?;
    let is_first = assertions::remember(&txn, "passkey", &challenge, now + USED_FOR).await?;
    let is_only = factors::mark_passkey_used(&txn, &passkey.id, sign_count, now).await?;
    txn.commit().await?;
    if !is_only {
        tracing::warn!(
            user.id = passkey.user_id,
            "the counter of a passkey has not risen"
        );
    }
    Ok((is_first && is_only).then_some(passkey.user_id))
}

#[derive(Deserialize)]
pub struct Shown {
    #[serde(rename = "_csrf")]
    csrf: Option<String>,
    #[serde(default)]
    credential: String,
}

/// `POST {B}/{method}/passkey`: from the log-in page, instead of name and password.
pub async fn submit(
    State(state): State<AppState>,
    Path(method): Path<String>,
    visitor: Visitor,
    PageForm(form): PageForm<Shown>,
) -> Result<Response, PageError> {
    let method = local_method_of(&state, &method)?;
    let csrf = form.csrf.as_deref();
    let flow = open_form(&state, &visitor, &method.id, FormSource::Login, csrf).await?;
    let database = |error: DbErr| PageError::database(&state, &error);
    let whos = [Who::Address(visitor.peer.address)];
    let t = Texts(visitor.preferences.lang);
    brake::check(&state.database, Act::SecondFactor, &whos, clock::now())
        .await
        .map_err(|error| PageError::braked(&state, &error))?;
    let owner = owner(&state, csrf.unwrap_or_default(), &form.credential);
    let user = match owner.await.map_err(database)? {
        Some(id) => state
            .portal_api
            .user(&id)
            .await
            .map_err(|error| PageError::portal_api(&state, &error))?,
        None => None,
    };
    let Some(user) = user.filter(|user| user.accepts_session_of(clock::now())) else {
        let delay = brake::count(&state.database, Act::SecondFactor, &whos, clock::now());
        tokio::time::sleep(delay.await.map_err(database)?).await;
        let (status, text) = (StatusCode::OK, t.passkey_wrong().to_owned());
        return interaction::login_page(&state, visitor, &flow, status, Some(text), None).await;
    };
    login::pass(&state, visitor, flow, &Person::local(user, Proof::Passkey)).await
}
