//! `GET …/authorize`.

use axum::{
    Router,
    extract::{OriginalUri, Path, Query, RawForm, State, rejection::QueryRejection},
    response::Response,
    routing::get,
};
use http::StatusCode;
use service::clock;

use crate::{
    apis::ApiPolicy,
    configuration::Method,
    factors::ACR_MULTI,
    flows::{AuthorizeGoal, Flow, FormSource, Goal, ResponseMode},
    interaction,
    oauth::{Answer, ErrorCode, OAuthError},
    oxide::{self, Accepted, AuthorizeFault, AuthorizeRefused},
    pages::{self, ChooseMethodPage, Fault, MethodChoice, PageError, Shell},
    pushed,
    state::AppState,
    token::Endpoint,
    visitor::Visitor,
};

use super::{
    AuthorizeParameters,
    rules::{Prompting, prompt_of_others},
};

/// Below the base path.
pub fn standard_routes() -> Router<AppState> {
    Router::new().route("/oauth2/authorize", get(standard).post(by_form))
}

/// Below the base path; wicked's URLs.
pub fn compatible_routes() -> Router<AppState> {
    Router::new().route("/{method}/api/{api}/authorize", get(compatible))
}

type Parameters = Result<Query<AuthorizeParameters>, QueryRejection>;

/// `GET {B}/oauth2/authorize`
async fn standard(
    State(state): State<AppState>,
    visitor: Visitor,
    parameters: Parameters,
) -> Result<Response, PageError> {
    begin(&state, visitor, parameters, Endpoint::Standard).await
}

/// `POST {B}/oauth2/authorize` (OpenID Connect Core 3.1.2.1)
///
/// Goes on by GET: a browser sends no session with a form that another site made.
async fn by_form(OriginalUri(uri): OriginalUri, RawForm(form): RawForm) -> Response {
    let query = String::from_utf8_lossy(&form);
    interaction::redirect(&format!("{}?{query}", uri.path()))
}

/// `GET {B}/{method}/api/{api}/authorize`
async fn compatible(
    State(state): State<AppState>,
    Path((method, api)): Path<(String, String)>,
    visitor: Visitor,
    parameters: Parameters,
) -> Result<Response, PageError> {
    if state.configuration().method(&method).is_none() {
        return Err(PageError::new(&state, Fault::NotFound));
    }
    begin(
        &state,
        visitor,
        parameters,
        Endpoint::PerMethod { method, api },
    )
    .await
}

async fn begin(
    state: &AppState,
    visitor: Visitor,
    parameters: Parameters,
    endpoint: Endpoint,
) -> Result<Response, PageError> {
    let fault = |fault| PageError::new(state, fault);
    let Ok(Query(parameters)) = parameters else {
        return Err(fault(Fault::Parameters));
    };
    let sent = parameters.without_empty();
    let pushed = sent
        .request_uri
        .clone()
        .filter(|uri| pushed::is_pushed(uri));
    let parameters = match &pushed {
        None => sent.clone(),
        Some(uri) => find_pushed(state, uri, &sent).await?,
    };
    let accepted = match oxide::authorize(state, &parameters, &endpoint).await {
        Ok(accepted) => accepted,
        Err(AuthorizeRefused::Page(what)) => return Err(fault(page_fault(what))),
        Err(AuthorizeRefused::PortalApi(error)) => {
            return Err(PageError::portal_api(state, &error));
        }
        Err(AuthorizeRefused::Redirect { error, .. }) if is_page(state, &endpoint, &error) => {
            return Err(fault(Fault::Request));
        }
        Err(AuthorizeRefused::Redirect { to, error }) => {
            return Ok(refuse(state, visitor, &parameters, &to, &error));
        }
    };
    let prompting = match Prompting::of(&parameters, clock::now()) {
        Ok(prompting) => prompting,
        Err(error) => {
            return Ok(refuse(
                state,
                visitor,
                &parameters,
                &accepted.redirect_uri,
                &error,
            ));
        }
    };
    let method = match choose_method(state, &endpoint, (&sent, &parameters), &accepted.api) {
        Choice::One(method) => method,
        Choice::Ask(methods) => {
            if let Some(uri) = &pushed {
                keep_pushed(state, uri).await?;
            }
            return Ok(ask_for_method(state, visitor, methods));
        }
    };
    if let Some(uri) = &pushed {
        use_up_pushed(state, uri).await?;
    }
    // Only here: whoever has accounts elsewhere makes them there.
    let configuration = state.configuration();
    let is_local = configuration.method(&method).and_then(Method::local);
    let wants_signup = parameters.prompt.as_deref() == Some("create") && is_local.is_some();
    let flow = flow_of(parameters, accepted, &method, prompting);
    if wants_signup && visitor.login(&method).is_none() {
        return begin_signup(state, visitor, &flow).await;
    }
    interaction::respond(state, visitor, flow, true).await
}

/// What the client has sent by itself. The parameters beside its name do not count (RFC 9126, 4).
async fn find_pushed(
    state: &AppState,
    uri: &str,
    sent: &AuthorizeParameters,
) -> Result<AuthorizeParameters, PageError> {
    let client_id = sent.client_id.as_deref();
    let client_id = client_id.ok_or_else(|| PageError::new(state, Fault::ClientMissing))?;
    pushed::find(state.database.read(), uri, client_id, clock::now())
        .await
        .map_err(|error| PageError::database(state, &error))?
        .ok_or_else(|| PageError::new(state, Fault::Flow))
}

async fn keep_pushed(state: &AppState, uri: &str) -> Result<(), PageError> {
    let work = async {
        let txn = state.database.write().await?;
        pushed::keep(&txn, uri, clock::now()).await?;
        txn.commit().await
    };
    work.await
        .map_err(|error| PageError::database(state, &error))
}

/// Only one browser goes on.
async fn use_up_pushed(state: &AppState, uri: &str) -> Result<(), PageError> {
    let work = async {
        let txn = state.database.write().await?;
        let is_first = pushed::consume(&txn, uri).await?;
        txn.commit().await?;
        Ok(is_first)
    };
    let is_first = work
        .await
        .map_err(|error: sea_orm::DbErr| PageError::database(state, &error))?;
    if is_first {
        Ok(())
    } else {
        Err(PageError::new(state, Fault::Flow))
    }
}

/// Whether a fault that the client could be told is a page, as wicked had it (section 7, checks 1, 6
/// and 7).
fn is_page(state: &AppState, endpoint: &Endpoint, error: &OAuthError) -> bool {
    let was_page = matches!(
        error.code,
        ErrorCode::UnsupportedResponseType | ErrorCode::InvalidRequest | ErrorCode::InvalidScope
    );
    let is_old = matches!(endpoint, Endpoint::PerMethod { .. });
    was_page && is_old && state.settings.grants.error_pages
}

fn flow_of(
    parameters: AuthorizeParameters,
    accepted: Accepted,
    method: &str,
    prompting: Prompting,
) -> Flow {
    let goal = AuthorizeGoal {
        api: accepted.api.id,
        client_id: accepted.client.client_id.clone(),
        response: parameters.response(),
        mode: parameters.mode(),
        redirect_uri: accepted.redirect_uri,
        state: parameters.state,
        scope: accepted.scope,
        namespace: parameters.namespace,
        challenge: accepted.challenge,
        nonce: parameters.nonce,
        id_token_hint: parameters.id_token_hint,
        resource: parameters.resource,
        device: None,
        silent: prompting.silent,
        asks_consent: prompting.asks_consent,
        agreed_once: false,
    };
    Flow {
        login_after: prompting.login_after,
        wants_factor: parameters
            .acr_values
            .as_deref()
            .is_some_and(|values| values.split(' ').any(|value| value == ACR_MULTI)),
        prompt: parameters.prompt.as_deref().and_then(prompt_of_others),
        prefill_username: parameters.prefill_username.or(parameters.login_hint),
        ..Flow::new(method, Goal::Authorize(Box::new(goal)))
    }
}

/// `prompt=create`: the person wants a new account (OpenID Connect, user registration).
async fn begin_signup(
    state: &AppState,
    visitor: Visitor,
    flow: &Flow,
) -> Result<Response, PageError> {
    interaction::store(state, &visitor, flow).await?;
    if interaction::signup_is_closed(state, flow).await? {
        return Err(PageError::new(state, Fault::SignupOff));
    }
    Ok(interaction::signup_page(
        state,
        visitor,
        flow,
        StatusCode::OK,
        |_| {},
    ))
}

enum Choice {
    One(String),
    Ask(Vec<MethodChoice>),
}

/// The method of the URL, the one that is named, or the only one; otherwise the person chooses. `sent`
/// is what the browser brought, `parameters` what is meant.
fn choose_method(
    state: &AppState,
    endpoint: &Endpoint,
    (sent, parameters): (&AuthorizeParameters, &AuthorizeParameters),
    api: &ApiPolicy,
) -> Choice {
    if let Endpoint::PerMethod { method, .. } = endpoint {
        return Choice::One(method.clone());
    }
    let named = sent
        .auth_method
        .as_ref()
        .or(parameters.auth_method.as_ref());
    if let Some(named) = named
        && api.accepts_method(&state.settings.server_name, named)
        && state.configuration().method(named).is_some()
    {
        return Choice::One(named.clone());
    }
    let offered = offered_methods(state, api);
    if let [only] = offered.as_slice() {
        return Choice::One(only.id.clone());
    }
    let again = |id: &str| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(sent.pairs());
        query.append_pair("auth_method", id);
        format!(
            "{}/oauth2/authorize?{}",
            state.settings.base_path,
            query.finish()
        )
    };
    let choice = |method: &Method| MethodChoice {
        id: method.id.clone(),
        title: method.title.clone(),
        href: again(&method.id),
    };
    Choice::Ask(offered.iter().map(choice).collect())
}

/// The methods that people may choose from: those for insiders only if there are no others.
pub fn offered_methods(state: &AppState, api: &ApiPolicy) -> Vec<Method> {
    let configuration = state.configuration();
    let accepted = api
        .methods(&state.settings.server_name)
        .filter_map(|id| configuration.method(id).cloned());
    let (for_insiders, offered): (Vec<_>, Vec<_>) = accepted.partition(|method| method.protected);
    if offered.is_empty() {
        for_insiders
    } else {
        offered
    }
}

fn ask_for_method(state: &AppState, visitor: Visitor, methods: Vec<MethodChoice>) -> Response {
    let shell = Shell::new(state, &visitor, "", FormSource::Login, None);
    let page = ChooseMethodPage {
        frame: shell.frame,
        common: shell.common,
        methods,
    };
    pages::show(visitor, StatusCode::OK, &page, &[])
}

fn refuse(
    state: &AppState,
    visitor: Visitor,
    parameters: &AuthorizeParameters,
    to: &str,
    error: &OAuthError,
) -> Response {
    let answer = answer_error(
        state,
        (to, parameters.mode()),
        parameters.state.as_deref(),
        error,
    );
    interaction::send(state, visitor, answer)
}

/// An error answer to the client: with `state`, and with `iss` (RFC 9207).
pub fn answer_error(
    state: &AppState,
    (redirect_uri, mode): (&str, ResponseMode),
    client_state: Option<&str>,
    error: &OAuthError,
) -> Answer {
    let issuer = &state.configuration().issuer;
    let mut members = vec![
        ("error", error.code.as_str()),
        ("error_description", error.description.as_str()),
    ];
    members.extend(client_state.map(|state| ("state", state)));
    members.push(("iss", issuer));
    Answer::new(redirect_uri, mode, &members)
}

const fn page_fault(fault: AuthorizeFault) -> Fault {
    match fault {
        AuthorizeFault::ClientIdMissing => Fault::ClientMissing,
        AuthorizeFault::ClientUnknown => Fault::ClientUnknown,
        AuthorizeFault::NoRedirectUri => Fault::NoRedirectUri,
        AuthorizeFault::RedirectUriNotRegistered => Fault::RedirectUri,
    }
}
