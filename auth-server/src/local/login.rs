//! Name and password (8.1), and logging in for a page of our own (8.4).

use std::time::Duration;

use axum::{
    extract::{Path, Query, State},
    response::Response,
};
use http::StatusCode;
use sdk::types::User;
use serde::Deserialize;

use crate::{
    configuration::Method,
    factors::{self, Proof},
    federated::Person,
    flows::{Flow, FormSource, Goal},
    interaction,
    pages::{self, Fault, PageError, Texts},
    state::AppState,
    upstream,
    visitor::Visitor,
};

use super::{
    Checked, PageForm, Wanted, change_password, check_password, dummy,
    form::{Opened, method_of, open_or_stale},
    link, second_factor,
};

#[derive(Deserialize)]
pub struct Target {
    redirect_uri: Option<String>,
}

/// `GET {B}/{method}/login?redirect_uri=`: for a page below the base path that needs a login.
pub async fn plain(
    State(state): State<AppState>,
    Path(method): Path<String>,
    visitor: Visitor,
    Query(query): Query<Target>,
) -> Result<Response, PageError> {
    let method = method_of(&state, &method)?;
    let Some(target) = own_page(&state, query.redirect_uri.as_deref()) else {
        return Err(PageError::new(&state, Fault::Target));
    };
    let flow = Flow::new(&method.id, Goal::OwnPage { target });
    interaction::respond(&state, visitor, flow, true).await
}

/// Only a path below the base path; the full external URL of one is taken too (F7).
fn own_page(state: &AppState, target: Option<&str>) -> Option<String> {
    let configuration = state.configuration();
    let origin = configuration
        .issuer
        .strip_suffix(&state.settings.base_path)?;
    let target = target?;
    let path = ui::local_path(target.strip_prefix(origin).unwrap_or(target))?;
    let rest = path.strip_prefix(&state.settings.base_path)?;
    let inside = rest.starts_with('/') && !path.contains("..") && !path.contains("/login");
    inside.then(|| path.to_owned())
}

/// Where a page of our own sends somebody who has to log in first.
pub fn login_url(state: &AppState, method: &str, path: &str) -> String {
    let target = format!("{}/{path}", state.settings.base_path);
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("redirect_uri", &target)
        .finish();
    format!("{}/{method}/login?{query}", state.settings.base_path)
}

#[derive(Deserialize)]
pub struct Credentials {
    #[serde(rename = "_csrf")]
    csrf: Option<String>,
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
}

/// `POST {B}/{method}/login`
pub async fn submit(
    State(state): State<AppState>,
    Path(method): Path<String>,
    visitor: Visitor,
    PageForm(form): PageForm<Credentials>,
) -> Result<Response, PageError> {
    let method = method_of(&state, &method)?;
    if method.is_elsewhere() {
        // It has a page of its own, elsewhere.
        return Err(PageError::new(&state, Fault::NotFound));
    }
    let source = FormSource::Login;
    let csrf = form.csrf.as_deref();
    let t = Texts(visitor.preferences.lang);
    let flow = match open_or_stale(&state, &visitor, &method.id, source, csrf).await? {
        Opened::Genuine(flow) => flow,
        Opened::Stale(flow) => {
            let again = Again::new(StatusCode::OK, t.form_expired(), &form.username);
            return again.show(&state, visitor, &flow).await;
        }
    };
    if method.is_dummy() {
        return upstream::enter(&state, visitor, flow, &method, dummy::identity()).await;
    }
    let wanted = wanted(&state, &flow, &visitor).await?;
    match verify(&state, &visitor, (&method, wanted), &form, t).await? {
        Ok(person) => enter(&state, visitor, flow, &person).await,
        Err(again) => again.show(&state, visitor, &flow).await,
    }
}

/// What the API behind `flow` has to know about somebody.
pub async fn wanted(state: &AppState, flow: &Flow, visitor: &Visitor) -> Result<Wanted, PageError> {
    let account = Wanted::Account(Some(visitor.preferences.lang));
    let Some(goal) = flow.authorize() else {
        return Ok(account);
    };
    let api = state.portal_api.api(&goal.api).await;
    let api = api.map_err(|error| PageError::portal_api(state, &error))?;
    let is_passed = api.is_some_and(|api| api.passthrough_users);
    Ok(if is_passed { Wanted::Identity } else { account })
}

/// The page is shown again with a reason.
struct Again {
    status: StatusCode,
    message: String,
    username: String,
    /// Nothing is looked at before.
    wait: Option<Duration>,
}

impl Again {
    fn new(status: StatusCode, message: &str, username: &str) -> Self {
        Self {
            status,
            message: message.to_owned(),
            username: username.chars().take(256).collect(),
            wait: None,
        }
    }

    async fn show(
        self,
        state: &AppState,
        visitor: Visitor,
        flow: &Flow,
    ) -> Result<Response, PageError> {
        let (message, username) = (Some(self.message), Some(self.username));
        let page = interaction::login_page(state, visitor, flow, self.status, message, username);
        let mut page = page.await?;
        if let Some(wait) = self.wait {
            pages::retry_after(&mut page, wait);
        }
        Ok(page)
    }
}

/// Checks name and password. Failures of every kind look alike and get slower.
async fn verify(
    state: &AppState,
    visitor: &Visitor,
    (method, wanted): (&Method, Wanted),
    form: &Credentials,
    t: Texts,
) -> Result<Result<Person, Again>, PageError> {
    let username = form.username.trim();
    let address = visitor.peer.address;
    let checked = check_password(state, method, address, username, &form.password, wanted).await;
    let checked = checked.map_err(|error| interaction::page_error(state, &error))?;
    Ok(match checked {
        Checked::Right(person) => Ok(*person),
        Checked::Wrong => {
            let text = match method.local() {
                Some(_) => t.wrong_login(),
                None => t.wrong_name(),
            };
            Err(Again::new(StatusCode::OK, text, username))
        }
        Checked::AddressTaken => {
            return Err(PageError::new(state, Fault::AddressTaken));
        }
        Checked::TooMany { wait } => Err(Again {
            wait: Some(wait),
            ..Again::new(StatusCode::TOO_MANY_REQUESTS, t.too_many(), username)
        }),
    })
}

/// Goes on with somebody who gave the right password.
pub async fn enter(
    state: &AppState,
    visitor: Visitor,
    mut flow: Flow,
    person: &Person,
) -> Result<Response, PageError> {
    let configuration = state.configuration();
    let is_local = configuration
        .method(&flow.method)
        .and_then(Method::local)
        .is_some();
    let may_owe = is_local && person.proof == Proof::Password;
    if let Some(user) = person.user.as_ref().filter(|_| may_owe)
        && factors::is_on(state.database.read(), &user.id)
            .await
            .map_err(|error| PageError::database(state, &error))?
    {
        flow.factor_user = Some(user.id.clone());
        return second_factor::demand(state, visitor, &flow).await;
    }
    pass(state, visitor, flow, person).await
}

/// Goes on with somebody who has given all the proof that he has to.
pub async fn pass(
    state: &AppState,
    visitor: Visitor,
    mut flow: Flow,
    person: &Person,
) -> Result<Response, PageError> {
    let has_to_change = |user: &&User| user.must_change_password.unwrap_or(false);
    if let Some(user) = person.user.as_ref().filter(has_to_change) {
        flow.pending_user = Some(user.id.clone());
        flow.proof = person.proof;
        return change_password::demand(state, visitor, &flow).await;
    }
    admit(state, visitor, flow, person).await
}

/// Logs somebody in, also for the account that he has just said is his.
pub async fn admit(
    state: &AppState,
    mut visitor: Visitor,
    mut flow: Flow,
    person: &Person,
) -> Result<Response, PageError> {
    let joined = match flow.link.take() {
        Some(link) => Some(link::join(state, &visitor, &mut flow, link, person).await?),
        None => None,
    };
    let person = joined.as_ref().unwrap_or(person);
    visitor
        .log_in(state, &flow.method, person)
        .await
        .map_err(|error| PageError::database(state, &error))?;
    interaction::respond(state, visitor, flow, false).await
}
