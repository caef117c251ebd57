//! The person at the browser: cookies, session, language, address.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use chrono::TimeDelta;
use http::{HeaderMap, HeaderValue, header, request::Parts};
use service::clock;
use ui::Preferences;

use crate::{
    address::Peer,
    cookies::Cookie,
    federated::Person,
    flows::{self, FormSource},
    pages::{OwnPages, PageError, Reader},
    records::{self, Act},
    secret::Secret,
    sessions::{self, Login, Place, Session},
    state::AppState,
};

/// Longest `User-Agent` that is kept.
const MAX_AGENT: usize = 250;

/// Who asks for a page. Cookies that have to be set are collected here and put on the answer by
/// [`Visitor::finish`].
pub struct Visitor {
    /// Binds forms and flows to this browser.
    pub browser: String,
    pub session: Option<Session>,
    session_cookie: Option<String>,
    pub preferences: Preferences,
    pub peer: Peer,
    /// `User-Agent`
    agent: Option<String>,
    /// The client drives the forms as a program (3.4).
    pub wants_json: bool,
    pub own_pages: Arc<OwnPages>,
    /// The token of an invitation whose link was followed in this browser.
    pub invitation: Option<String>,
    cookies: Vec<HeaderValue>,
}

impl Visitor {
    /// The login by `method`.
    pub fn login(&self, method: &str) -> Option<&Login> {
        self.session.as_ref()?.login(method, None)
    }

    /// The hidden field of a form on a page of this visitor.
    pub fn form_token(&self, state: &AppState, source: FormSource, flow: Option<&str>) -> String {
        state
            .form_key
            .token(source, &self.browser, self.sid_for(source), flow)
    }

    /// Checks the hidden field and answers the flow it names.
    pub fn check_form<'t>(
        &self,
        state: &AppState,
        source: FormSource,
        token: Option<&'t str>,
    ) -> Result<Option<&'t str>, crate::flows::InvalidForm> {
        let token = token.ok_or(crate::flows::InvalidForm)?;
        state
            .form_key
            .check(token, source, &self.browser, self.sid_for(source))
    }

    /// Forms behind a login belong to that login; those before it survive one in another tab.
    fn sid_for(&self, source: FormSource) -> Option<&str> {
        if source.is_behind_login() {
            self.session.as_ref().map(|session| session.sid.as_str())
        } else {
            None
        }
    }

    /// Logs a user in: a new session, a new cookie.
    pub async fn log_in(
        &mut self,
        state: &AppState,
        method: &str,
        person: &Person,
    ) -> Result<(), sea_orm::DbErr> {
        let now = clock::now();
        let user_id = person.user.as_ref().map(|user| user.id.as_str());
        let login = Login {
            method: method.to_owned(),
            user_id: user_id.unwrap_or_default().to_owned(),
            auth_time: now,
            identity: person.identity.clone(),
            proof: person.proof,
        };
        let txn = state.database.write().await?;
        let previous = self.session_cookie.as_deref();
        let place = Place {
            address: self.peer.address.to_string(),
            agent: self.agent.clone(),
        };
        let (cookie, session) = sessions::begin(&txn, previous, login, &place, now).await?;
        // Whom nobody here knows is no user of portal-api's.
        if let Some(user_id) = user_id {
            let act = Act::LoggedIn { user_id };
            records::insert(&txn, act, method, self.peer.address, now).await?;
        }
        txn.commit().await?;
        state.records.notify_one();
        let policy = state.configuration().cookies;
        self.cookies
            .push(policy.set(Cookie::Session, cookie.expose(), None));
        self.session_cookie = Some(cookie.expose().to_owned());
        self.session = Some(session);
        metrics::counter!("wicketgate_auth_logins", "outcome" => "ok").increment(1);
        tracing::info!(user.id = user_id, method, "logged in");
        Ok(())
    }

    /// Ends the session and everything that came out of it.
    pub async fn log_out(&mut self, state: &AppState) -> Result<(), sea_orm::DbErr> {
        let (Some(cookie), Some(session)) = (self.session_cookie.take(), self.session.take())
        else {
            return Ok(());
        };
        let now = clock::now();
        let txn = state.database.write().await?;
        sessions::end(&txn, &cookie, now).await?;
        let reason = crate::families::RevokeReason::LoggedOut;
        crate::families::revoke_of_session(&txn, &session.sid, reason, now).await?;
        for Login {
            user_id, method, ..
        } in session
            .logins
            .iter()
            .filter(|login| !login.user_id.is_empty())
        {
            let act = Act::LoggedOut { user_id };
            records::insert(&txn, act, method, self.peer.address, now).await?;
        }
        txn.commit().await?;
        state.records.notify_one();
        self.cookies
            .push(state.configuration().cookies.clear(Cookie::Session));
        Ok(())
    }

    /// Keeps the token of an invitation while somebody logs in, as long as that may take; or forgets
    /// it.
    pub fn keep_invitation(&mut self, state: &AppState, token: Option<&str>) {
        let policy = state.configuration().cookies;
        self.cookies.push(match token {
            Some(token) => policy.set(Cookie::Invitation, token, flows::LIFETIME.to_std().ok()),
            None => policy.clear(Cookie::Invitation),
        });
    }

    /// Puts the cookies on an answer.
    pub fn finish(self, response: impl IntoResponse) -> Response {
        let mut response = response.into_response();
        for cookie in self.cookies {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }
}

impl FromRequestParts<AppState> for Visitor {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, PageError> {
        let Ok(peer) = Peer::from_request_parts(parts, state).await;
        let Reader {
            preferences,
            wants_json,
        } = Reader::current();
        let configuration = state.configuration();
        let policy = configuration.cookies;
        let headers = &parts.headers;
        let session_cookie = policy.read(headers, Cookie::Session).map(str::to_owned);
        let mut cookies = Vec::new();
        let browser = if let Some(value) = policy.read(headers, Cookie::Browser) {
            value.to_owned()
        } else {
            let value = Secret::generate().expose().to_owned();
            cookies.push(policy.set(Cookie::Browser, &value, None));
            value
        };
        let mut visitor = Self {
            browser,
            session: None,
            session_cookie: None,
            preferences,
            peer,
            agent: agent(headers),
            wants_json,
            own_pages: configuration.own_pages.clone(),
            invitation: policy.read(headers, Cookie::Invitation).map(str::to_owned),
            cookies,
        };
        if let Some(cookie) = session_cookie {
            let idle = TimeDelta::minutes(i64::from(state.settings.session_minutes));
            let found = sessions::find(&state.database, &cookie, idle, clock::now()).await;
            visitor.session = found.map_err(|error| PageError::database(state, &error))?;
            visitor.session_cookie = visitor.session.is_some().then_some(cookie);
        }
        Ok(visitor)
    }
}

/// What the browser says it is, at the length that is kept.
fn agent(headers: &HeaderMap) -> Option<String> {
    let agent = headers.get(header::USER_AGENT)?.to_str().ok()?;
    Some(agent.chars().take(MAX_AGENT).collect())
}
