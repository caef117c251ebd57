//! Log-out at the wish of a client (OpenID Connect RP-Initiated Logout 1.0).

use axum::{
    Router,
    extract::{OriginalUri, Query, State},
    response::Response,
    routing::get,
};
use http::StatusCode;
use serde::Deserialize;
use service::clock;

use crate::{
    flows::FormSource,
    interaction,
    local::{PageForm, delay},
    oauth::with_query,
    pages::{self, Fault, LogOutPage, NoticeKind, NoticePage, PageError, Shell},
    portal_api::PortalApiError,
    state::AppState,
    visitor::Visitor,
};

use super::read_hint;

/// Below the base path.
pub fn routes() -> Router<AppState> {
    Router::new().route("/oauth2/logout", get(by_link).post(by_form))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Parameters {
    #[serde(rename = "_csrf")]
    csrf: Option<String>,
    id_token_hint: Option<String>,
    client_id: Option<String>,
    post_logout_redirect_uri: Option<String>,
    state: Option<String>,
}

/// What a client asks for.
struct Wish {
    /// Whom it believes to be logged in, if it proves that by an ID token.
    user: Option<String>,
    /// Where to go afterwards; a registered address.
    target: Option<String>,
}

/// `GET {B}/oauth2/logout`
///
/// Whoever shows an ID token of the user has had one, so that no question is needed; else a foreign
/// site could log people out (F18).
async fn by_link(
    State(state): State<AppState>,
    visitor: Visitor,
    Query(parameters): Query<Parameters>,
) -> Result<Response, PageError> {
    let wish = read(&state, &parameters).await?;
    let Some(session) = &visitor.session else {
        return Ok(gone(&state, visitor, wish));
    };
    let is_proven = session
        .logins
        .iter()
        .any(|login| wish.user.as_deref() == Some(login.user_id.as_str()));
    if is_proven {
        return end(&state, visitor, wish).await;
    }
    let shell = Shell::new(&state, &visitor, "", FormSource::Logout, None);
    let page = LogOutPage {
        frame: shell.frame,
        common: shell.common,
        action: "oauth2/logout",
        carried: [
            ("id_token_hint", parameters.id_token_hint),
            ("client_id", parameters.client_id),
            (
                "post_logout_redirect_uri",
                parameters.post_logout_redirect_uri,
            ),
            ("state", parameters.state),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect(),
    };
    let targets: Vec<_> = wish
        .target
        .and_then(|url| url::Url::parse(&url).ok())
        .into_iter()
        .collect();
    Ok(pages::show(visitor, StatusCode::OK, &page, &targets))
}

/// `POST {B}/oauth2/logout`: the answer to our own question, or a client's form. A browser sends no
/// session with the latter, so that it goes on by GET.
async fn by_form(
    State(state): State<AppState>,
    OriginalUri(uri): OriginalUri,
    visitor: Visitor,
    PageForm(parameters): PageForm<Parameters>,
) -> Result<Response, PageError> {
    let Some(csrf) = &parameters.csrf else {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in [
            ("id_token_hint", &parameters.id_token_hint),
            ("client_id", &parameters.client_id),
            (
                "post_logout_redirect_uri",
                &parameters.post_logout_redirect_uri,
            ),
            ("state", &parameters.state),
        ] {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        let url = format!("{}?{}", uri.path(), query.finish());
        return Ok(visitor.finish(interaction::redirect(&url)));
    };
    let source = FormSource::Logout;
    if visitor.check_form(&state, source, Some(csrf)).is_err() {
        delay().await;
        return Err(PageError::new(&state, Fault::Form));
    }
    let wish = read(&state, &parameters).await?;
    end(&state, visitor, wish).await
}

/// Only an address that the client has registered is gone to (F7). Without one nothing is ended:
/// whoever sent the person here did not mean well.
async fn read(state: &AppState, parameters: &Parameters) -> Result<Wish, PageError> {
    let fault = |fault| PageError::new(state, fault);
    let hint = match &parameters.id_token_hint {
        Some(text) => {
            Some(read_hint(state, text, clock::now()).ok_or_else(|| fault(Fault::IdTokenHint))?)
        }
        None => None,
    };
    let named = parameters.client_id.as_deref();
    if let (Some(hint), Some(named)) = (&hint, named)
        && hint.aud != named
    {
        return Err(fault(Fault::IdTokenHint));
    }
    let client = hint.as_ref().map(|hint| hint.aud.as_str()).or(named);
    let target = match parameters.post_logout_redirect_uri.as_deref() {
        Some(uri) => {
            let registered = is_registered(state, client, uri).await;
            let registered = registered.map_err(|error| PageError::portal_api(state, &error))?;
            if !registered {
                return Err(fault(Fault::LogoutTarget));
            }
            let client_state = parameters.state.as_deref();
            let members: Vec<_> = client_state
                .map(|text| ("state", text))
                .into_iter()
                .collect();
            Some(if members.is_empty() {
                uri.to_owned()
            } else {
                with_query(uri, &members)
            })
        }
        None => None,
    };
    Ok(Wish {
        user: hint.map(|hint| hint.sub),
        target,
    })
}

async fn is_registered(
    state: &AppState,
    client: Option<&str>,
    uri: &str,
) -> Result<bool, PortalApiError> {
    let Some(client_id) = client.filter(|id| crate::token::is_client_id(id)) else {
        return Ok(false);
    };
    let client = state.portal_api.client(client_id).await?;
    Ok(client.is_some_and(|client| {
        let mut registered = client.oauth.post_logout_redirect_uris.iter();
        registered.any(|registered| registered == uri)
    }))
}

async fn end(state: &AppState, mut visitor: Visitor, wish: Wish) -> Result<Response, PageError> {
    visitor
        .log_out(state)
        .await
        .map_err(|error| PageError::database(state, &error))?;
    Ok(gone(state, visitor, wish))
}

fn gone(state: &AppState, visitor: Visitor, wish: Wish) -> Response {
    if let Some(url) = wish.target {
        return visitor.finish(interaction::redirect(&url));
    }
    let shell = Shell::new(state, &visitor, "", FormSource::Logout, None);
    let page = NoticePage::new(shell, NoticeKind::LoggedOut, None);
    pages::show(visitor, StatusCode::OK, &page, &[])
}
