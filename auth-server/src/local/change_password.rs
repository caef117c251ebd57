//! A password that somebody else gave has to be changed before it opens anything (17.6).

use axum::{
    extract::{Path, State},
    response::Response,
};
use http::StatusCode;
use serde::Deserialize;

use crate::{
    captcha,
    families::RevokeReason,
    federated::Person,
    flows::{self, Flow, FormSource},
    interaction,
    pages::{self, ChangePasswordPage, Fault, PageError, Shell, Texts},
    portal_api::SaveOutcome,
    state::AppState,
    visitor::Visitor,
};

use super::{
    PageForm,
    form::{Opened, local_method_of, open_or_stale},
    login,
    signup::password_fault,
};

/// Remembers who it is and shows the page. Nobody is logged in yet.
pub async fn demand(
    state: &AppState,
    visitor: Visitor,
    flow: &Flow,
) -> Result<Response, PageError> {
    store_pending(state, flow).await?;
    Ok(page(state, visitor, flow, StatusCode::OK, None))
}

async fn store_pending(state: &AppState, flow: &Flow) -> Result<(), PageError> {
    let work = async {
        let txn = state.database.write().await?;
        let user = flow.pending_user.as_deref();
        flows::set_pending_user(&txn, &flow.id, user, flow.proof).await?;
        txn.commit().await
    };
    work.await
        .map_err(|error| PageError::database(state, &error))
}

fn page(
    state: &AppState,
    visitor: Visitor,
    flow: &Flow,
    status: StatusCode,
    error: Option<&str>,
) -> Response {
    let source = FormSource::ChangePassword;
    let shell = Shell::new(state, &visitor, &flow.method, source, Some(flow));
    let page = ChangePasswordPage {
        frame: shell.frame,
        common: shell.common,
        error: error.map(str::to_owned),
        rule: state.configuration().password_rule,
    };
    pages::show(visitor, status, &page, &[])
}

#[derive(Deserialize)]
pub struct NewPassword {
    #[serde(rename = "_csrf")]
    csrf: Option<String>,
    #[serde(default)]
    password: String,
    #[serde(default)]
    password2: String,
    #[serde(rename = "g-recaptcha-response")]
    captcha: Option<String>,
}

/// `POST {B}/{method}/changepassword`
pub async fn submit(
    State(state): State<AppState>,
    Path(method): Path<String>,
    visitor: Visitor,
    PageForm(form): PageForm<NewPassword>,
) -> Result<Response, PageError> {
    let method = local_method_of(&state, &method)?;
    let source = FormSource::ChangePassword;
    let (csrf, t) = (form.csrf.as_deref(), Texts(visitor.preferences.lang));
    let flow = match open_or_stale(&state, &visitor, &method.id, source, csrf).await? {
        Opened::Genuine(flow) => flow,
        Opened::Stale(mut flow) => {
            flow.pending_user = None;
            store_pending(&state, &flow).await?;
            let (status, message) = (StatusCode::OK, Some(t.form_expired().to_owned()));
            return interaction::login_page(&state, visitor, &flow, status, message, None).await;
        }
    };
    captcha::check(&state, form.captcha.as_deref()).await?;
    let Some(user_id) = flow.pending_user.clone() else {
        return Err(PageError::new(&state, Fault::Flow));
    };
    if let Some(fault) = password_fault(&form.password, &form.password2, t) {
        return Ok(page(
            &state,
            visitor,
            &flow,
            StatusCode::BAD_REQUEST,
            Some(fault),
        ));
    }
    let changed = state
        .portal_api
        .change_password(&user_id, &form.password)
        .await
        .map_err(|error| PageError::portal_api(&state, &error))?;
    let SaveOutcome::Saved(user) = changed else {
        let fault = Some(ui::texts::Passwords(t.0).broken());
        return Ok(page(&state, visitor, &flow, StatusCode::BAD_REQUEST, fault));
    };
    let database = |error: sea_orm::DbErr| PageError::database(&state, &error);
    interaction::revoke_user(&state, &user_id, RevokeReason::PasswordChanged)
        .await
        .map_err(database)?;
    let person = Person::local(user, flow.proof);
    login::admit(&state, visitor, flow, &person).await
}
