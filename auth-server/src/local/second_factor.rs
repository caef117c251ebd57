//! The second step of a log-in: a code, or a passkey. Nobody is logged in before it.

use axum::{
    extract::{Path, State},
    response::Response,
};
use http::StatusCode;
use serde::Deserialize;
use service::clock;

use crate::{
    brake::{self, Act, Who},
    factors::{self, Proof},
    federated::Person,
    flows::{self, Flow, FormSource},
    interaction,
    pages::{self, Fault, PageError, SecondFactorPage, Shell, Texts},
    records,
    state::AppState,
    visitor::Visitor,
};

use super::{
    PageForm,
    form::{local_method_of, open_form},
    login, passkey,
};

/// Remembers who it is and shows the page.
pub async fn demand(
    state: &AppState,
    visitor: Visitor,
    flow: &Flow,
) -> Result<Response, PageError> {
    remember(state, flow).await?;
    show(state, visitor, flow, (StatusCode::OK, None)).await
}

async fn remember(state: &AppState, flow: &Flow) -> Result<(), PageError> {
    let work = async {
        let txn = state.database.write().await?;
        flows::set_factor_user(&txn, &flow.id, flow.factor_user.as_deref()).await?;
        txn.commit().await
    };
    work.await
        .map_err(|error| PageError::database(state, &error))
}

async fn show(
    state: &AppState,
    visitor: Visitor,
    flow: &Flow,
    (status, error_message): (StatusCode, Option<&'static str>),
) -> Result<Response, PageError> {
    let user_id = flow.factor_user.as_deref().unwrap_or_default();
    let passkeys = factors::count_passkeys(state.database.read(), user_id)
        .await
        .map_err(|error| PageError::database(state, &error))?;
    let source = FormSource::SecondFactor;
    let shell = Shell::new(state, &visitor, &flow.method, source, Some(flow));
    let challenge = passkey::challenge(state, &shell.common.csrf_token);
    let page = SecondFactorPage {
        second_factor_url: format!("{}/secondfactor", flow.method),
        error_message,
        passkey_challenge: (passkeys > 0).then_some(challenge),
        frame: shell.frame,
        common: shell.common,
    };
    Ok(pages::show(
        visitor,
        status,
        &page,
        &interaction::targets(flow),
    ))
}

#[derive(Deserialize)]
pub struct Shown {
    #[serde(rename = "_csrf")]
    csrf: Option<String>,
    #[serde(default)]
    code: String,
    /// What the page's script got from a passkey.
    #[serde(default)]
    credential: String,
}

/// `POST {B}/{method}/secondfactor`
pub async fn submit(
    State(state): State<AppState>,
    Path(method): Path<String>,
    visitor: Visitor,
    PageForm(form): PageForm<Shown>,
) -> Result<Response, PageError> {
    let method = local_method_of(&state, &method)?;
    let source = FormSource::SecondFactor;
    let csrf = form.csrf.as_deref();
    let mut flow = open_form(&state, &visitor, &method.id, source, csrf).await?;
    let Some(user_id) = flow.factor_user.clone() else {
        return Err(PageError::new(&state, Fault::Flow));
    };
    let t = Texts(visitor.preferences.lang);
    let whos = [Who::Account(&user_id), Who::Address(visitor.peer.address)];
    brake::check(&state.database, Act::SecondFactor, &whos, clock::now())
        .await
        .map_err(|error| PageError::braked(&state, &error))?;
    let database = |error: sea_orm::DbErr| PageError::database(&state, &error);
    let proof = if form.credential.is_empty() {
        let is_right = factors::check_code(&state, &user_id, &form.code);
        let is_right = is_right.await.map_err(database)?;
        is_right.then_some(Proof::PasswordAndCode)
    } else {
        let owner = passkey::owner(&state, csrf.unwrap_or_default(), &form.credential);
        let owner = owner.await.map_err(database)?;
        owner
            .is_some_and(|owner| owner == user_id)
            .then_some(Proof::PasswordAndPasskey)
    };
    // Locked or deleted while he was looking for his telephone.
    let user = state.portal_api.user(&user_id).await;
    let user = user.map_err(|error| PageError::portal_api(&state, &error))?;
    let user = user.filter(|user| user.accepts_session_of(clock::now()));
    let (Some(proof), Some(user)) = (proof, user) else {
        refused(&state, &visitor, &flow, &whos).await?;
        let why = (StatusCode::OK, Some(t.second_factor_wrong()));
        return show(&state, visitor, &flow, why).await;
    };
    brake::release(&state.database, Act::SecondFactor, &whos)
        .await
        .map_err(database)?;
    flow.factor_user = None;
    remember(&state, &flow).await?;
    login::pass(&state, visitor, flow, &Person::local(user, proof)).await
}

/// Counts a failure, puts it on record and waits.
async fn refused(
    state: &AppState,
    visitor: &Visitor,
    flow: &Flow,
    whos: &[Who<'_>],
) -> Result<(), PageError> {
    let user_id = flow.factor_user.as_deref().unwrap_or_default();
    let work = async {
        let now = clock::now();
        let delay = brake::count(&state.database, Act::SecondFactor, whos, now).await?;
        let txn = state.database.write().await?;
        let act = records::Act::FactorRefused { user_id };
        records::insert(&txn, act, &flow.method, visitor.peer.address, now).await?;
        txn.commit().await?;
        Ok(delay)
    };
    let delay = work
        .await
        .map_err(|error: sea_orm::DbErr| PageError::database(state, &error))?;
    state.records.notify_one();
    metrics::counter!("wicketgate_auth_logins", "outcome" => "failed").increment(1);
    tracing::info!(user.id = user_id, source = %visitor.peer.address, "second step of a log-in failed");
    tokio::time::sleep(delay).await;
    Ok(())
}
