//! The page of each step.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use sdk::types::{User, pools::Property};
use serde_json::{Value, json};
use ui::RegistrationField;
use url::Url;

use crate::{
    configuration::{Method, MethodKind},
    flows::{self, Flow, FormSource},
    oauth::Answer,
    pages::{
        self, ConfirmationNeeded, DummyPage, FormPostPage, GrantsPage, LoginPage, MethodChoice,
        PageError, PasskeyForm, RegisterPage, SelectNamespacePage, Shell, SignupPage,
        VerifyEmailRequestPage,
    },
    saml,
    state::AppState,
    upstream,
    visitor::Visitor,
};

use super::{InteractionError, Next, consent, registration};

/// Finds the next step and shows its page, or follows its redirect. `is_new`: the flow is in no
/// table yet; it is stored as soon as a page is shown.
pub async fn respond(
    state: &AppState,
    visitor: Visitor,
    flow: Flow,
    is_new: bool,
) -> Result<Response, PageError> {
    let next = super::next(state, &flow, visitor.session.as_ref())
        .await
        .map_err(|error| page_error(state, &error))?;
    if is_new && !matches!(next, Next::Done(_) | Next::Refuse(_)) {
        store(state, &visitor, &flow).await?;
    }
    match next {
        Next::Login => log_in(state, visitor, &flow).await,
        Next::ConfirmAddress(user) => {
            let back_to = application_name(state, &flow).await?;
            let needed = ConfirmationNeeded {
                by: back_to.unwrap_or_default(),
                go_on: format!("{}/{}", state.settings.base_path, flow.restart_url()),
            };
            Ok(confirm_address_page(
                state,
                visitor,
                &flow.method,
                *user,
                Some(needed),
            ))
        }
        Next::Register(form) => Ok(show_register(state, visitor, &flow, *form, None)),
        Next::SelectNamespace(namespaces) => {
            let source = FormSource::SelectNamespace;
            let shell = Shell::new(state, &visitor, &flow.method, source, Some(&flow));
            let page = SelectNamespacePage {
                frame: shell.frame,
                common: shell.common,
                namespaces,
            };
            Ok(pages::show(visitor, StatusCode::OK, &page, &targets(&flow)))
        }
        Next::Consent(request) => Ok(show_consent(state, visitor, &flow, *request)),
        Next::Done(answer) => Ok(send(state, visitor, answer)),
        // Through the visitor: whoever has just logged in stays logged in.
        Next::Refuse(fault) => {
            let page = PageError::new(state, fault);
            Ok(visitor.finish(page))
        }
    }
}

/// The page of the method, here or at a provider.
async fn log_in(state: &AppState, visitor: Visitor, flow: &Flow) -> Result<Response, PageError> {
    let configuration = state.configuration();
    let method = configuration.method(&flow.method);
    match method.map(|method| &method.kind) {
        Some(MethodKind::Redirect(settings)) => {
            upstream::begin(state, visitor, flow, settings).await
        }
        Some(MethodKind::Saml(settings)) => saml::begin(state, visitor, flow, settings).await,
        _ => login_page(state, visitor, flow, StatusCode::OK, None, None).await,
    }
}

/// Stores a flow that begins now.
pub async fn store(state: &AppState, visitor: &Visitor, flow: &Flow) -> Result<(), PageError> {
    let work = async {
        let txn = state.database.write().await?;
        flows::insert(&txn, flow, &visitor.browser, service::clock::now()).await?;
        txn.commit().await
    };
    work.await
        .map_err(|error| PageError::database(state, &error))
}

/// The page with name and password.
pub async fn login_page(
    state: &AppState,
    visitor: Visitor,
    flow: &Flow,
    status: StatusCode,
    error_message: Option<String>,
    username: Option<String>,
) -> Result<Response, PageError> {
    let mut shell = Shell::new(state, &visitor, &flow.method, FormSource::Login, Some(flow));
    let back_to = application_name(state, flow).await?;
    if let Some(name) = back_to.clone().filter(|name| *name != shell.common.title) {
        shell.common.title = name;
    }
    let configuration = state.configuration();
    let method = configuration.method(&flow.method);
    if method.is_some_and(Method::is_dummy) {
        let page = DummyPage {
            frame: shell.frame,
            common: shell.common,
            error_message,
        };
        return Ok(pages::show(visitor, status, &page, &targets(flow)));
    }
    let external = method.and_then(Method::password_page);
    let forgot_here = std::mem::take(&mut shell.common.forgot_password_url);
    let page = LoginPage {
        forgotten: match external {
            Some(external) => external.forgot_password_url.clone(),
            None => Some(format!(
                "{}/{}?flow={}",
                shell.common.base_url, forgot_here, flow.id
            )),
        },
        forgot_password_url: match external {
            Some(external) => external.forgot_password_url.clone(),
            None => Some(forgot_here.clone()),
        },
        is_external: external.is_some(),
        username_prompt: external.and_then(|external| external.username_prompt.clone()),
        password_prompt: external.and_then(|external| external.password_prompt.clone()),
        error_message,
        disable_signup: signup_is_closed(state, flow).await?,
        prefill_username: username.or_else(|| flow.prefill_username.clone()),
        back_to,
        methods: other_methods(state, flow).await?,
        passkey: external
            .is_none()
            .then(|| PasskeyForm::new(state, &shell, &flow.method)),
        flow: flow.id.clone(),
        frame: shell.frame,
        common: shell.common,
    };
    Ok(pages::show(visitor, status, &page, &targets(flow)))
}

/// The other ways to log in that the API accepts, each beginning the same request anew.
async fn other_methods(state: &AppState, flow: &Flow) -> Result<Vec<MethodChoice>, PageError> {
    let Some(goal) = flow.authorize().filter(|_| flow.link.is_none()) else {
        return Ok(Vec::new());
    };
    let api = state.portal_api.api(&goal.api).await;
    let api = api.map_err(|error| PageError::portal_api(state, &error))?;
    let configuration = state.configuration();
    let accepted = api
        .iter()
        .flat_map(|api| api.methods(&state.settings.server_name));
    let others = accepted
        .filter(|id| *id != flow.method)
        .filter_map(|id| configuration.method(id))
        .filter(|method| !method.protected);
    Ok(others
        .map(|method| MethodChoice {
            id: method.id.clone(),
            title: method.title.clone(),
            href: format!(
                "{}/{}",
                state.settings.base_path,
                flow.restart_url_with(&method.id)
            ),
        })
        .collect())
}

/// The page for a new account.
pub fn signup_page(
    state: &AppState,
    visitor: Visitor,
    flow: &Flow,
    status: StatusCode,
    fill: impl FnOnce(&mut SignupPage),
) -> Response {
    let shell = Shell::new(
        state,
        &visitor,
        &flow.method,
        FormSource::Signup,
        Some(flow),
    );
    let mut page = SignupPage {
        frame: shell.frame,
        common: shell.common,
        error_message: None,
        authorize_url: Some(flow.restart_url()),
        email: String::new(),
        email_error: None,
        password_error: None,
        rule: state.configuration().password_rule,
    };
    // Changing the language comes back here, not to the log-in page.
    page.frame.preferences.here = format!(
        "{}/{}/signup?flow={}",
        state.settings.base_path, flow.method, flow.id
    );
    fill(&mut page);
    pages::show(visitor, status, &page, &targets(flow))
}

/// The page on which somebody can have a mail that confirms the own address; `needed` says for what.
pub fn confirm_address_page(
    state: &AppState,
    visitor: Visitor,
    method: &str,
    user: User,
    needed: Option<ConfirmationNeeded>,
) -> Response {
    let mut shell = Shell::new(state, &visitor, method, FormSource::VerifyEmail, None);
    if let Some(needed) = &needed {
        shell.frame.preferences.here.clone_from(&needed.go_on);
    }
    let verified = user.validated.unwrap_or(false);
    let page = VerifyEmailRequestPage {
        frame: shell.frame,
        common: shell.common,
        profile: json!({"sub": user.id, "email": user.email, "email_verified": verified}),
        email: user.email,
        verified,
        needed,
    };
    pages::show(visitor, StatusCode::OK, &page, &[])
}

/// The page that asks for the properties of a pool. `typed` keeps what was typed and says why it
/// was refused.
pub fn show_register(
    state: &AppState,
    visitor: Visitor,
    flow: &Flow,
    form: registration::Form,
    typed: Option<(String, serde_json::Map<String, Value>)>,
) -> Response {
    let shell = Shell::new(
        state,
        &visitor,
        &flow.method,
        FormSource::Register,
        Some(flow),
    );
    register_page(visitor, shell, form, typed, &targets(flow))
}

/// The same with what is around it; its form may lead to `redirects`.
pub fn register_page(
    visitor: Visitor,
    shell: Shell,
    form: registration::Form,
    typed: Option<(String, serde_json::Map<String, Value>)>,
    redirects: &[Url],
) -> Response {
    let (error_message, values) = typed.map_or((None, None), |(e, v)| (Some(e), Some(v)));
    let (lang, t) = (shell.frame.lang(), shell.common.t);
    let is_missing = |property: &Property| {
        let text = |typed: &serde_json::Map<String, Value>| {
            let typed = typed.get(&property.id).and_then(Value::as_str);
            typed.is_some_and(|text| !text.trim().is_empty())
        };
        property.required && values.as_ref().is_some_and(|typed| !text(typed))
    };
    let error_message = error_message.map(|message| {
        if form.pool.properties.iter().any(is_missing) {
            t.fields_missing().to_owned()
        } else {
            // In portal-api's words, which mark names like code.
            message.replace('`', "")
        }
    });
    let mut is_marked = false;
    let fields = form
        .pool
        .properties
        .iter()
        .map(|property| {
            // A box that is not ticked is not sent.
            let value = match &values {
                Some(typed) => typed.get(&property.id).and_then(Value::as_str),
                None => form.prefilled(property),
            };
            let field = RegistrationField::new(lang, property, value, &shell.common.portal_url);
            if !is_missing(property) {
                return field;
            }
            let field = field.with_error(Some(t.field_missing().to_owned()));
            if std::mem::replace(&mut is_marked, true) {
                field
            } else {
                field.focused()
            }
        })
        .collect();
    let page = RegisterPage {
        nonce: shell.common.csrf_token.clone(),
        frame: shell.frame,
        common: shell.common,
        user_id: form.user.id.clone(),
        custom_id: form.user.custom_id.clone(),
        default_profile: form.profile,
        pool_info: json!(&*form.pool),
        error_message,
        email: form.user.email,
        fields,
        asked_by: form.asked_by,
    };
    let status = if page.error_message.is_some() {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::OK
    };
    pages::show(visitor, status, &page, redirects)
}

fn show_consent(
    state: &AppState,
    visitor: Visitor,
    flow: &Flow,
    mut request: consent::Request,
) -> Response {
    let shell = Shell::new(
        state,
        &visitor,
        &flow.method,
        FormSource::Grants,
        Some(flow),
    );
    for asked in &mut request.scopes {
        if let Some(text) = shell.common.t.identity_scope(&asked.scope)
            && asked.description.is_empty()
        {
            text.clone_into(&mut asked.description);
        }
    }
    let page = GrantsPage {
        frame: shell.frame,
        common: shell.common,
        grant_requests: request.scopes,
        api_info: request.api,
        app_info: request.application,
    };
    pages::show(visitor, StatusCode::OK, &page, &targets(flow))
}

/// Where one goes back to: an application, or the portal by its title.
async fn application_name(state: &AppState, flow: &Flow) -> Result<Option<String>, PageError> {
    let Some(goal) = flow.authorize() else {
        return Ok(None);
    };
    let client = state.portal_api.client(&goal.client_id).await;
    let client = client.map_err(|error| PageError::portal_api(state, &error))?;
    Ok(client.map(|client| {
        if client.is_portal() {
            state.configuration().title.clone()
        } else {
            client.application_name.clone()
        }
    }))
}

/// Whether new accounts may be made on the way to this goal (17.1).
pub async fn signup_is_closed(state: &AppState, flow: &Flow) -> Result<bool, PageError> {
    let configuration = state.configuration();
    let method = configuration.method(&flow.method);
    let local = method.and_then(Method::local);
    if local.is_none_or(|local| local.disable_signup) || flow.link.is_some() {
        return Ok(true);
    }
    let Some(goal) = flow.authorize() else {
        return Ok(false);
    };
    let closed = async {
        let Some(pool) = state
            .portal_api
            .api(&goal.api)
            .await?
            .and_then(|api| api.pool)
        else {
            return Ok(false);
        };
        let pool = state.portal_api.pool(&pool).await?;
        Ok(pool.is_some_and(|pool| pool.is_closed()))
    };
    closed
        .await
        .map_err(|error| PageError::portal_api(state, &error))
}

/// Where the forms of a flow may lead.
pub fn targets(flow: &Flow) -> Vec<Url> {
    flow.authorize()
        .and_then(|goal| Url::parse(&goal.redirect_uri).ok())
        .into_iter()
        .collect()
}

/// Ends a request: the browser goes on to the client.
pub fn send(state: &AppState, visitor: Visitor, answer: Answer) -> Response {
    let (to, members) = match answer {
        Answer::Redirect(url) => return visitor.finish(redirect(&url)),
        Answer::Form { to, members } => (to, members),
    };
    let shell = Shell::new(state, &visitor, "", FormSource::Login, None);
    let target: Vec<Url> = Url::parse(&to).into_iter().collect();
    let page = FormPostPage {
        frame: shell.frame,
        common: shell.common,
        to,
        members,
    };
    pages::show(visitor, StatusCode::OK, &page, &target)
}

/// 302: old clients expect it after a form, too.
pub fn redirect(url: &str) -> Response {
    match HeaderValue::try_from(url) {
        Ok(location) => (StatusCode::FOUND, [(header::LOCATION, location)]).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The page for an error on the way.
pub fn page_error(state: &AppState, error: &InteractionError) -> PageError {
    match error {
        InteractionError::PortalApi(error) => PageError::portal_api(state, error),
        InteractionError::Database(error) => PageError::database(state, error),
        InteractionError::Provider(_) => PageError::provider(state, error),
    }
}
