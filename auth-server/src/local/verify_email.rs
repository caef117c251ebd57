//! Asking for a mail that confirms the own address (17.5).

use axum::{
    extract::{Path, State},
    response::Response,
};
use http::StatusCode;
use sdk::types::{User, verifications::Kind};
use serde::Deserialize;
use service::clock;

use crate::{
    brake::{self, Act, Who},
    flows::FormSource,
    interaction,
    pages::{self, Fault, NoticeKind, NoticePage, PageError, Shell},
    state::AppState,
    subject,
    visitor::Visitor,
};

use super::{
    PageForm,
    form::{delay, method_of},
    login::login_url,
    verification::link,
};

/// The user who is logged in by `method`.
pub async fn logged_in_user(
    state: &AppState,
    visitor: &Visitor,
    method: &str,
) -> Result<Option<User>, PageError> {
    let Some(login) = visitor.login(method) else {
        return Ok(None);
    };
    let configuration = state.configuration();
    let Some(method) = configuration.method(method) else {
        return Ok(None);
    };
    subject::account(state, method, login)
        .await
        .map_err(|error| interaction::page_error(state, &error))
}

/// `GET {B}/{method}/verifyemail`
pub async fn show(
    State(state): State<AppState>,
    Path(method): Path<String>,
    visitor: Visitor,
) -> Result<Response, PageError> {
    let method = method_of(&state, &method)?;
    let Some(user) = logged_in_user(&state, &visitor, &method.id).await? else {
        let url = login_url(&state, &method.id, &format!("{}/verifyemail", method.id));
        return Ok(visitor.finish(interaction::redirect(&url)));
    };
    Ok(interaction::confirm_address_page(
        &state, visitor, &method.id, user, None,
    ))
}

#[derive(Deserialize)]
pub struct Confirmation {
    #[serde(rename = "_csrf")]
    csrf: Option<String>,
}

/// `POST {B}/{method}/verifyemail`
pub async fn submit(
    State(state): State<AppState>,
    Path(method): Path<String>,
    visitor: Visitor,
    PageForm(form): PageForm<Confirmation>,
) -> Result<Response, PageError> {
    let method = method_of(&state, &method)?;
    let source = FormSource::VerifyEmail;
    let Some(user) = logged_in_user(&state, &visitor, &method.id).await? else {
        return Err(PageError::new(&state, Fault::LoginNeeded));
    };
    if visitor
        .check_form(&state, source, form.csrf.as_deref())
        .is_err()
    {
        delay().await;
        return Err(PageError::new(&state, Fault::Form));
    }
    let whos = [
        Who::Account(&user.email),
        Who::Address(visitor.peer.address),
    ];
    let now = clock::now();
    brake::check(&state.database, Act::Mail, &whos, now)
        .await
        .map_err(|error| PageError::braked(&state, &error))?;
    brake::count(&state.database, Act::Mail, &whos, now)
        .await
        .map_err(|error| PageError::database(&state, &error))?;
    if !user.validated.unwrap_or(false) {
        let (link, language) = (link(&state, &method.id), visitor.preferences.lang);
        state
            .portal_api
            .create_verification(Kind::Email, &user.email, &link, language)
            .await
            .map_err(|error| PageError::portal_api(&state, &error))?;
    }
    let shell = Shell::new(&state, &visitor, &method.id, source, None);
    let page = NoticePage::new(shell, NoticeKind::ConfirmationMailSent, None);
    Ok(pages::show(visitor, StatusCode::OK, &page, &[]))
}
