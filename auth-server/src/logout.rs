//! `{B}/logout` (section 16): ends the session and the tokens that came out of it.

use axum::{
    Router,
    extract::{Query, State},
    response::Response,
    routing::get,
};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use crate::{
    flows::FormSource,
    interaction,
    local::{PageForm, delay},
    pages::{self, Fault, LogOutPage, NoticeKind, NoticePage, PageError, Shell},
    saml,
    state::AppState,
    visitor::Visitor,
};

/// Below the base path.
pub fn routes() -> Router<AppState> {
    Router::new().route("/logout", get(by_link).post(by_form))
}

#[derive(Deserialize)]
struct Parameters {
    redirect_uri: Option<String>,
}

/// `GET {B}/logout?redirect_uri=`
///
/// The portal sends its users here, so a request from the same site ends the session at once. A
/// foreign site only gets a page that asks (F18).
async fn by_link(
    State(state): State<AppState>,
    mut visitor: Visitor,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let cross_site = headers
        .get("sec-fetch-site")
        .is_some_and(|site| site.as_bytes() == b"cross-site");
    if cross_site && visitor.session.is_some() {
        let shell = Shell::new(&state, &visitor, "", FormSource::Logout, None);
        let page = LogOutPage {
            frame: shell.frame,
            common: shell.common,
            action: "logout",
            carried: Vec::new(),
        };
        return Ok(pages::show(visitor, StatusCode::OK, &page, &[]));
    }
    let target = parameters
        .redirect_uri
        .filter(|uri| is_of_portal(&state, uri));
    let away = saml::leave_url(&state, &visitor, target.as_deref());
    end(&state, &mut visitor).await?;
    match away.or(target) {
        Some(url) => Ok(visitor.finish(interaction::redirect(&url))),
        None => Ok(logged_out(&state, visitor)),
    }
}

#[derive(Deserialize)]
struct Confirmation {
    #[serde(rename = "_csrf")]
    csrf: Option<String>,
}

/// `POST {B}/logout`
async fn by_form(
    State(state): State<AppState>,
    mut visitor: Visitor,
    PageForm(form): PageForm<Confirmation>,
) -> Result<Response, PageError> {
    if visitor
        .check_form(&state, FormSource::Logout, form.csrf.as_deref())
        .is_err()
    {
        delay().await;
        return Err(PageError::new(&state, Fault::Form));
    }
    let away = saml::leave_url(&state, &visitor, None);
    end(&state, &mut visitor).await?;
    Ok(match away {
        Some(url) => visitor.finish(interaction::redirect(&url)),
        None => logged_out(&state, visitor),
    })
}

async fn end(state: &AppState, visitor: &mut Visitor) -> Result<(), PageError> {
    visitor
        .log_out(state)
        .await
        .map_err(|error| PageError::database(state, &error))
}

fn logged_out(state: &AppState, visitor: Visitor) -> Response {
    let shell = Shell::new(state, &visitor, "", FormSource::Logout, None);
    let page = NoticePage::new(shell, NoticeKind::LoggedOut, None);
    pages::show(visitor, StatusCode::OK, &page, &[])
}

/// Only the portal is gone back to (F7). Compared as URLs: `https://portal.example.evil` begins
/// with the same text.
fn is_of_portal(state: &AppState, target: &str) -> bool {
    let portal = url::Url::parse(&state.configuration().portal_url);
    let target = url::Url::parse(target);
    matches!((portal, target), (Ok(portal), Ok(target))
        if portal.origin() == target.origin() && target.origin().is_tuple()
            && target.username().is_empty() && target.password().is_none())
}
