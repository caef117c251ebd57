//! Providers that tell no mail address: the person does (19.4). It counts as unconfirmed.

use ::http::StatusCode;
use axum::{
    extract::{Path, State},
    response::Response,
};
use serde::Deserialize;
use service::clock;

use crate::{
    brake::{self, Act, Who},
    flows::{self, Flow, FormSource},
    interaction,
    local::{PageForm, delay, method_of, open_form},
    pages::{self, EmailMissingPage, Fault, PageError, Shell, Texts},
    state::AppState,
    visitor::Visitor,
};

use super::callback::enter;

/// Remembers who it is and asks for the address. Nobody is logged in yet.
pub async fn ask(state: &AppState, visitor: Visitor, flow: &Flow) -> Result<Response, PageError> {
    if let Some(identity) = &flow.identity {
        let work = async {
            let txn = state.database.write().await?;
            flows::set_identity(&txn, &flow.id, Some(identity)).await?;
            txn.commit().await
        };
        work.await
            .map_err(|error| PageError::database(state, &error))?;
    }
    Ok(page(state, visitor, flow, StatusCode::OK, None, ""))
}

fn page(
    state: &AppState,
    visitor: Visitor,
    flow: &Flow,
    status: StatusCode,
    error: Option<&str>,
    email: &str,
) -> Response {
    let source = FormSource::EmailMissing;
    let shell = Shell::new(state, &visitor, &flow.method, source, Some(flow));
    let page = EmailMissingPage {
        frame: shell.frame,
        common: shell.common,
        error: error.map(str::to_owned),
        email: email.chars().take(256).collect(),
    };
    pages::show(visitor, status, &page, &interaction::targets(flow))
}

#[derive(Deserialize)]
pub struct Address {
    #[serde(rename = "_csrf")]
    csrf: Option<String>,
    #[serde(default)]
    email: String,
    #[serde(default)]
    email2: String,
}

/// `POST {B}/{method}/emailmissing`
pub async fn submit(
    State(state): State<AppState>,
    Path(method): Path<String>,
    visitor: Visitor,
    PageForm(form): PageForm<Address>,
) -> Result<Response, PageError> {
    let method = method_of(&state, &method)?;
    let source = FormSource::EmailMissing;
    let flow = open_form(&state, &visitor, &method.id, source, form.csrf.as_deref()).await?;
    let Some(mut identity) = flow.identity.clone() else {
        return Err(PageError::new(&state, Fault::Flow));
    };
    let t = Texts(visitor.preferences.lang);
    let email = form.email.trim();
    let is_address = (3..=256).contains(&email.len()) && email.contains('@');
    let fault = if !is_address {
        Some(t.email_invalid())
    } else if email == form.email2.trim() {
        None
    } else {
        Some(t.emails_differ())
    };
    if let Some(fault) = fault {
        delay().await;
        let status = StatusCode::BAD_REQUEST;
        return Ok(page(&state, visitor, &flow, status, Some(fault), email));
    }
    // Each try tells whether somebody has this address, so there are not many.
    let whos = [Who::Account(email), Who::Address(visitor.peer.address)];
    let now = clock::now();
    brake::check(&state.database, Act::Signup, &whos, now)
        .await
        .map_err(|error| PageError::braked(&state, &error))?;
    brake::count(&state.database, Act::Signup, &whos, now)
        .await
        .map_err(|error| PageError::database(&state, &error))?;
    identity.email = Some(email.to_owned());
    identity.email_verified = false;
    enter(&state, visitor, flow, &method, identity).await
}
