//! Invitations to register in a pool (F36): from the mail over the log-in to the form.
//!
//! The token goes from the link into a cookie of this browser at once, so that it is in no address,
//! no table and no `Referer` while somebody logs in or makes an account.

use axum::{
    Router,
    extract::{Path, Query, State},
    response::Response,
    routing::get,
};
use http::StatusCode;
use sdk::types::{
    Registration, Secret, User,
    registrations::{PoolInvitation, PutRegistration},
};
use serde::Deserialize;
use serde_json::{Map, Value};
use service::clock;

use crate::{
    authorize::offered_methods,
    brake::{self, Act, Who},
    configuration::Method,
    flows::{Flow, FormSource, Goal},
    interaction::{self, RegisterForm},
    local::{PageForm, delay, is_link_id, logged_in_user},
    pages::{
        self, ChooseMethodPage, Fault, MethodChoice, NoticeKind, NoticePage, PageError, Shell,
    },
    portal_api::SaveOutcome,
    registration,
    state::AppState,
    subject::profile_of,
    visitor::Visitor,
};

/// Below the base path.
const HERE: &str = "invitation";

/// Below the base path.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/invitations/{token}", get(follow))
        .route("/invitation", get(show).post(register))
}

/// `GET {B}/invitations/{token}`: where the mail leads. Uses nothing up: mail scanners follow links,
/// too.
async fn follow(
    State(state): State<AppState>,
    Path(token): Path<String>,
    mut visitor: Visitor,
) -> Result<Response, PageError> {
    find(&state, &visitor, Some(&token)).await?;
    visitor.keep_invitation(&state, Some(&token));
    let here = format!("{}/{HERE}", state.settings.base_path);
    Ok(visitor.finish(interaction::redirect(&here)))
}

#[derive(Deserialize)]
struct Chosen {
    auth_method: Option<String>,
}

/// `GET {B}/invitation`: the log-in, and then the form.
async fn show(
    State(state): State<AppState>,
    visitor: Visitor,
    Query(chosen): Query<Chosen>,
) -> Result<Response, PageError> {
    let invitation = find(&state, &visitor, visitor.invitation.as_deref()).await?;
    let methods = methods_of(&state, &invitation.pool_id).await?;
    let Some(guest) = logged_in(&state, &visitor, &methods).await? else {
        return log_in(&state, visitor, &invitation, &methods, &chosen).await;
    };
    let form = form_of(&state, &visitor, &invitation, &guest).await?;
    Ok(show_form(&state, visitor, &guest.method, form, None))
}

/// `POST {B}/invitation`: field names are the properties of the pool.
async fn register(
    State(state): State<AppState>,
    mut visitor: Visitor,
    PageForm(form): PageForm<Map<String, Value>>,
) -> Result<Response, PageError> {
    let csrf = form.get("_csrf").and_then(Value::as_str);
    if visitor
        .check_form(&state, FormSource::Invitation, csrf)
        .is_err()
    {
        delay().await;
        return Err(PageError::new(&state, Fault::Form));
    }
    let token = visitor.invitation.clone();
    let invitation = find(&state, &visitor, token.as_deref()).await?;
    let methods = methods_of(&state, &invitation.pool_id).await?;
    let Some(guest) = logged_in(&state, &visitor, &methods).await? else {
        return Err(PageError::new(&state, Fault::LoginNeeded));
    };
    let asked = form_of(&state, &visitor, &invitation, &guest).await?;
    let registration = PutRegistration {
        namespace: invitation.namespace.clone(),
        invitation: token.map(Secret::new),
        properties: registration::answers(&asked.pool, &form),
    };
    let saved = state
        .portal_api
        .put_registration(&asked.pool_id, &asked.user.id, &registration)
        .await;
    match saved {
        Ok(SaveOutcome::Saved(())) => {
            visitor.keep_invitation(&state, None);
            tracing::info!(
                user.id = asked.user.id,
                pool.id = asked.pool_id,
                "registered by invitation"
            );
            let shell = Shell::new(
                &state,
                &visitor,
                &guest.method,
                FormSource::Invitation,
                None,
            );
            let page = NoticePage::new(shell, NoticeKind::Registered, None);
            Ok(pages::show(visitor, StatusCode::OK, &page, &[]))
        }
        Ok(SaveOutcome::Invalid(message)) => {
            let typed = Some((message, form));
            Ok(show_form(&state, visitor, &guest.method, asked, typed))
        }
        // Used or withdrawn between the look and the use.
        Ok(SaveOutcome::Taken) => Err(PageError::new(&state, Fault::Link)),
        Err(error) if error.status() == Some(StatusCode::FORBIDDEN) => {
            Err(PageError::new(&state, Fault::Link))
        }
        Err(error) => Err(PageError::portal_api(&state, &error)),
    }
}

/// What a token invites to. Guessing is braked, and answered late.
async fn find(
    state: &AppState,
    visitor: &Visitor,
    token: Option<&str>,
) -> Result<PoolInvitation, PageError> {
    let whos = [Who::Address(visitor.peer.address)];
    let now = clock::now();
    brake::check(&state.database, Act::VerificationId, &whos, now)
        .await
        .map_err(|error| PageError::braked(state, &error))?;
    let found = match token.filter(|token| is_link_id(token)) {
        Some(token) => state
            .portal_api
            .invitation(token)
            .await
            .map_err(|error| PageError::portal_api(state, &error))?,
        None => None,
    };
    if let Some(invitation) = found {
        return Ok(invitation);
    }
    brake::count(&state.database, Act::VerificationId, &whos, now)
        .await
        .map_err(|error| PageError::database(state, &error))?;
    delay().await;
    Err(PageError::new(state, Fault::Link))
}

/// The ways to log in of the APIs that the pool is for; all, where it is for none.
async fn methods_of(state: &AppState, pool: &str) -> Result<Vec<Method>, PageError> {
    let apis = state
        .portal_api
        .apis_with_pool(pool)
        .await
        .map_err(|error| PageError::portal_api(state, &error))?;
    let mut methods: Vec<Method> = Vec::new();
    for method in apis.iter().flat_map(|api| offered_methods(state, api)) {
        if !methods.iter().any(|known| known.id == method.id) {
            methods.push(method);
        }
    }
    if methods.is_empty() {
        let configuration = state.configuration();
        let all = configuration.methods.iter();
        methods = all.filter(|method| !method.protected).cloned().collect();
    }
    Ok(methods)
}

struct Guest {
    method: String,
    user: User,
}

async fn logged_in(
    state: &AppState,
    visitor: &Visitor,
    methods: &[Method],
) -> Result<Option<Guest>, PageError> {
    for method in methods {
        if let Some(user) = logged_in_user(state, visitor, &method.id).await? {
            let method = method.id.clone();
            return Ok(Some(Guest { method, user }));
        }
    }
    Ok(None)
}

/// Logs somebody in, and brings him back. Whoever has no account makes one on the way.
async fn log_in(
    state: &AppState,
    visitor: Visitor,
    invitation: &PoolInvitation,
    methods: &[Method],
    chosen: &Chosen,
) -> Result<Response, PageError> {
    let named = chosen.auth_method.as_deref();
    let method = match methods {
        [] => return Err(PageError::new(state, Fault::NotFound)),
        [only] => only,
        several => match several.iter().find(|method| named == Some(&method.id)) {
            Some(method) => method,
            None => return Ok(choose(state, visitor, several)),
        },
    };
    let target = format!("{}/{HERE}", state.settings.base_path);
    let flow = Flow {
        prefill_username: Some(invitation.email.clone()),
        ..Flow::new(&method.id, Goal::OwnPage { target })
    };
    interaction::respond(state, visitor, flow, true).await
}

fn choose(state: &AppState, visitor: Visitor, methods: &[Method]) -> Response {
    let shell = Shell::new(state, &visitor, "", FormSource::Login, None);
    let choice = |method: &Method| MethodChoice {
        id: method.id.clone(),
        title: method.title.clone(),
        href: format!(
            "{}/{HERE}?auth_method={}",
            state.settings.base_path, method.id
        ),
    };
    let page = ChooseMethodPage {
        frame: shell.frame,
        common: shell.common,
        methods: methods.iter().map(choice).collect(),
    };
    pages::show(visitor, StatusCode::OK, &page, &[])
}

async fn form_of(
    state: &AppState,
    visitor: &Visitor,
    invitation: &PoolInvitation,
    guest: &Guest,
) -> Result<RegisterForm, PageError> {
    let Guest { method, user } = guest;
    let login = visitor.login(method);
    let failed = |error| PageError::portal_api(state, &error);
    let pool_id = &invitation.pool_id;
    let pool = state.portal_api.pool(pool_id).await.map_err(failed)?;
    let Some(pool) = pool.filter(|pool| !pool.is_closed()) else {
        return Err(PageError::new(state, Fault::RegisterOff));
    };
    let known = state.portal_api.registrations(pool_id, &user.id).await;
    let is_here = |one: &Registration| one.namespace == invitation.namespace;
    Ok(RegisterForm {
        pool_id: pool_id.clone(),
        asked_by: pool.name.clone(),
        pool,
        profile: profile_of(user, login.and_then(|login| login.identity.as_ref())),
        user: user.clone(),
        known: known.map_err(failed)?.into_iter().find(is_here),
    })
}

fn show_form(
    state: &AppState,
    visitor: Visitor,
    method: &str,
    form: RegisterForm,
    typed: Option<(String, Map<String, Value>)>,
) -> Response {
    let mut shell = Shell::new(state, &visitor, method, FormSource::Invitation, None);
    HERE.clone_into(&mut shell.common.register_url);
    shell.frame.preferences.here = format!("{}/{HERE}", state.settings.base_path);
    interaction::register_page(visitor, shell, form, typed, &[])
}
