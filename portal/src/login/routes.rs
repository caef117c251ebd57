//! `/login`, `/login/callback`, `/login/logout`, `/signup`.

use axum::{Router, extract::Query, response::Response, routing::get};
use http::StatusCode;
use sdk::{Auth, Client, types::User};
use serde::Deserialize;
use url::Url;

use crate::{
    failure::Failure,
    form::Form,
    login::{choice, oauth::Profile},
    redirect::found,
    session::{Session, SessionUser, Tokens},
    state::App,
    visitor::Visitor,
};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/login", get(choice::begin))
        .route("/login/callback", get(callback))
        .route("/login/logout", get(leave_by_link).post(leave_by_form))
        .route("/signup", get(async || found("/login")))
}

/// Where the auth server sends the browser back to.
pub fn callback_url(visitor: &Visitor) -> Url {
    let base = &visitor.installation.external;
    base.join("login/callback")
        .expect("a literal path can be joined")
}

#[derive(Deserialize)]
struct Callback {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
    #[serde(default)]
    error_description: String,
}

/// `GET /login/callback`
async fn callback(visitor: Visitor, Query(answer): Query<Callback>) -> Result<Response, Failure> {
    if let Some(code) = answer.error {
        let description = answer.error_description;
        return Err(Failure::LoginRefused {
            status: StatusCode::UNAUTHORIZED,
            code,
            description,
        });
    }
    let (Some(code), Some(state)) = (answer.code, answer.state) else {
        return Err(Failure::BadRequest(
            "`code` or `state` is missing".to_owned(),
        ));
    };
    let Some((method, state)) = state.split_once('!') else {
        return Err(Failure::BadRequest("`state` is none of ours".to_owned()));
    };
    let mut methods = visitor.installation.methods.iter();
    if !methods.any(|known| known.name == method) {
        let text = "`state` names no way to log in".to_owned();
        return Err(Failure::BadRequest(text));
    }
    if !is_ours(&visitor, answer.iss.as_deref()) {
        return Err(Failure::StaleLogin);
    }
    let now = service::clock::now();
    let attempt = visitor
        .session(|session| {
            session
                .as_mut()
                .and_then(|session| session.finish(state, now))
        })
        .ok_or(Failure::StaleLogin)?;

    let oauth = visitor.app.oauth();
    let tokens = oauth
        .exchange(&code, &callback_url(&visitor), &attempt)
        .await?;
    let profile = oauth.profile(&tokens.access).await?;
    let user = person(&visitor.app, profile, tokens, method).await?;
    visitor.session(|session| *session = Some(Session::of(user, now)));
    Ok(found(&attempt.target))
}

/// Whether an answer came from our auth server: that of another one must not be taken for it
/// (RFC 9207).
pub fn is_ours(visitor: &Visitor, issuer: Option<&str>) -> bool {
    let own = visitor.installation.issuer.as_str().trim_end_matches('/');
    issuer.is_none_or(|issuer| issuer.trim_end_matches('/') == own)
}

/// Who logged in, and whether they may decide or administrate.
pub async fn person(
    app: &App,
    profile: Profile,
    tokens: Tokens,
    method: &str,
) -> Result<SessionUser, Failure> {
    let own = app.service().with_auth(Auth::Bearer(tokens.access.clone()));
    let user = own.user(&profile.sub).await?;
    let publisher = may_publish(&own, &user).await;
    let name = profile.name.filter(|name| !name.trim().is_empty());
    let email = profile.email.unwrap_or(user.email);
    Ok(SessionUser {
        id: profile.sub,
        name: name.unwrap_or_else(|| email.clone()),
        email,
        admin: user.admin,
        approver: user.approver,
        publisher,
        method: method.to_owned(),
        tokens,
    })
}

/// Whether one of the user's groups owns an API that its members see. Nobody is kept from logging
/// in by that: without an answer a link is missing until the next time.
pub async fn may_publish(client: &Client, user: &User) -> bool {
    let groups = &user.groups;
    if user.admin || groups.is_empty() {
        return user.admin;
    }
    let apis = client.apis().await.unwrap_or_default().apis;
    let mut owners = apis.iter().filter_map(|api| api.owner_group.as_ref());
    owners.any(|owner| groups.contains(owner))
}

/// `GET /login/logout`: as old links have it. Other sites can cause it, but it does no harm.
async fn leave_by_link(visitor: Visitor) -> Response {
    leave(visitor).await
}

/// `POST /login/logout`
async fn leave_by_form(visitor: Visitor, _: Form) -> Response {
    leave(visitor).await
}

async fn leave(visitor: Visitor) -> Response {
    let user = visitor
        .session(Option::take)
        .and_then(|session| session.user);
    if let Some(user) = user
        && let Some(token) = &user.tokens.refresh
    {
        let oauth = visitor.app.oauth();
        oauth.revoke(token, &user.tokens.client).await;
    }
    let installation = &visitor.installation;
    let mut url = installation
        .issuer
        .join("logout")
        .expect("a literal path can be joined");
    url.query_pairs_mut()
        .append_pair("redirect_uri", installation.external.as_str());
    found(url.as_str())
}
