//! Asking for a link to set a new password (17.3).

use axum::{
    extract::{Path, Query, State},
    response::Response,
};
use http::StatusCode;
use sdk::types::verifications::Kind;
use serde::Deserialize;
use service::clock;

use crate::{
    brake::{self, Act, Who},
    flows::FormSource,
    pages::{self, Fault, ForgotPasswordPage, NoticeKind, NoticePage, PageError, Shell},
    state::AppState,
    visitor::Visitor,
};
use ui::Lang;

use super::{
    PageForm,
    form::{any_flow, delay, local_method_of},
    signup::FlowQuery,
    verification::link,
};

/// `GET {B}/{method}/forgotpassword`
pub async fn show(
    State(state): State<AppState>,
    Path(method): Path<String>,
    visitor: Visitor,
    Query(query): Query<FlowQuery>,
) -> Result<Response, PageError> {
    let method = local_method_of(&state, &method)?;
    let flow = any_flow(&state, &visitor, &method.id, query.flow.as_deref()).await?;
    let source = FormSource::ForgotPassword;
    let mut shell = Shell::new(&state, &visitor, &method.id, source, flow.as_ref());
    shell
        .frame
        .preferences
        .here
        .clone_from(&visitor.preferences.here);
    let page = ForgotPasswordPage {
        frame: shell.frame,
        common: shell.common,
    };
    Ok(pages::show(visitor, StatusCode::OK, &page, &[]))
}

#[derive(Deserialize)]
pub struct Request {
    #[serde(rename = "_csrf")]
    csrf: Option<String>,
    #[serde(default)]
    email: String,
}

/// `POST {B}/{method}/forgotpassword`. Whatever the address, the answer is the same.
pub async fn submit(
    State(state): State<AppState>,
    Path(method): Path<String>,
    visitor: Visitor,
    PageForm(form): PageForm<Request>,
) -> Result<Response, PageError> {
    let method = local_method_of(&state, &method)?;
    let source = FormSource::ForgotPassword;
    if visitor
        .check_form(&state, source, form.csrf.as_deref())
        .is_err()
    {
        delay().await;
        return Err(PageError::new(&state, Fault::Form));
    }
    let now = clock::now();
    let address = [Who::Address(visitor.peer.address)];
    brake::check(&state.database, Act::Mail, &address, now)
        .await
        .map_err(|error| PageError::braked(&state, &error))?;
    let email = form.email.trim().to_owned();
    let work = send(
        state.clone(),
        method.id.clone(),
        email,
        visitor.peer.address,
        visitor.preferences.lang,
    );
    let correlation =
        service::http::CorrelationId(service::http::current_correlation_id().unwrap_or_default());
    tokio::spawn(service::http::with_correlation_id(correlation, work));
    let shell = Shell::new(&state, &visitor, &method.id, source, None);
    let again = format!("{}/{}/forgotpassword", state.settings.base_path, method.id);
    let page = NoticePage::new(shell, NoticeKind::ResetMailSent, Some(again));
    Ok(pages::show(visitor, StatusCode::OK, &page, &[]))
}

/// In the background, so that the answer takes the same time for every address.
async fn send(
    state: AppState,
    method: String,
    email: String,
    address: std::net::IpAddr,
    language: Lang,
) {
    if email.is_empty() || email.len() > 256 || !email.contains('@') {
        return;
    }
    let now = clock::now();
    let account = [Who::Account(email.as_str())];
    if brake::check(&state.database, Act::Mail, &account, now)
        .await
        .is_err()
    {
        tracing::info!("too many mails asked for one address; this one is not sent");
        return;
    }
    let both = [account[0], Who::Address(address)];
    if let Err(error) = brake::count(&state.database, Act::Mail, &both, now).await {
        tracing::error!(%error, "the database failed");
    }
    let link = link(&state, &method);
    let made = state
        .portal_api
        .create_verification(Kind::LostPassword, &email, &link, language)
        .await;
    if let Err(error) = made {
        tracing::error!(%error, "the mail for a new password could not be asked for");
    }
}
