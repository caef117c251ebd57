//! The way of a request through login, registration and consent to its end (section 8).
//!
//! Every step is decided anew from the flow, the session and what portal-api says now. So it makes
//! no difference which instance answers, in which order pages are opened, or what another request
//! of the same browser found out (F2).

mod consent;
mod end;
mod pages;
mod registration;

use consent::Consent;
use sdk::types::User;
use service::clock;

use crate::{
    apis::NotAdmitted,
    configuration::Method,
    factors,
    flows::{AuthorizeGoal, Flow, Goal, ResponseType},
    oauth::{Answer, ErrorCode, OAuthError},
    openid,
    pages::{Fault, NamespaceChoice},
    passthrough,
    portal_api::PortalApiError,
    sessions::{Login, Session},
    state::AppState,
    subject::Subject,
};

pub use end::{refuse, refuse_in_words, revoke_user};
pub use pages::{
    confirm_address_page, login_page, page_error, redirect, register_page, respond, send,
    show_register, signup_is_closed, signup_page, store, targets,
};
pub use registration::Form as RegisterForm;

/// What comes next.
pub enum Next {
    /// Nobody is logged in, or not recently enough.
    Login,
    /// The user is registered for several tenants.
    SelectNamespace(Vec<NamespaceChoice>),
    /// The API wants to be sure of the user's mail address.
    ConfirmAddress(Box<User>),
    /// The user has to say more about himself.
    Register(Box<registration::Form>),
    /// The user has to agree to these scopes.
    Consent(Box<consent::Request>),
    /// Done: to the client, or to a page of our own.
    Done(Answer),
    Refuse(Fault),
}

impl Next {
    /// Whether somebody could only go on by registering, or choosing a tenant.
    const fn is_about_registering(&self) -> bool {
        matches!(
            self,
            Self::Register(_)
                | Self::SelectNamespace(_)
                | Self::Refuse(Fault::NotInvited | Fault::RegisterOff)
        )
    }
}

/// Why the next step could not be found.
#[derive(Debug, thiserror::Error)]
pub enum InteractionError {
    #[error("portal-api failed")]
    PortalApi(#[from] PortalApiError),
    #[error("the database failed")]
    Database(#[from] sea_orm::DbErr),
    /// Whoever knows the users failed; the text holds no secret.
    #[error("{0}")]
    Provider(String),
}

/// The login that `flow` may build on: by its method, recent enough, and with a second proof if the
/// client wants one and the user has it.
async fn login_of<'s>(
    state: &AppState,
    flow: &Flow,
    session: Option<&'s Session>,
) -> Result<Option<(&'s Session, &'s Login)>, InteractionError> {
    // Who is to be joined with an account has to log in to it, whatever was before.
    let session = session.filter(|_| flow.link.is_none());
    let login = session.and_then(|session| {
        let login = session.login(&flow.method, flow.login_after)?;
        Some((session, login))
    });
    if let Some((_, weak)) = login.filter(|(_, login)| !login.proof.is_multi_factor())
        && flow.wants_factor
        && factors::is_on(state.database.read(), &weak.user_id).await?
    {
        return Ok(None);
    }
    Ok(login)
}

/// Finds the next step of `flow`.
pub async fn next(
    state: &AppState,
    flow: &Flow,
    session: Option<&Session>,
) -> Result<Next, InteractionError> {
    let login = login_of(state, flow, session).await?;
    let goal = match &flow.goal {
        Goal::OwnPage { target } => {
            return Ok(match login {
                Some(_) => Next::Done(Answer::Redirect(target.clone())),
                None => Next::Login,
            });
        }
        Goal::Authorize(goal) => goal,
    };
    let refuse =
        |code, text: &str| Next::Done(end::refusal(state, goal, &OAuthError::new(code, text)));
    let login_needed = || {
        let configuration = state.configuration();
        let method = configuration.method(&flow.method);
        if goal.silent && !method.is_some_and(Method::can_be_silent) {
            refuse(ErrorCode::LoginRequired, "Nobody is logged in.")
        } else {
            Next::Login
        }
    };
    let Some((session, login)) = login else {
        return Ok(login_needed());
    };
    let (Some(api), Some(client)) = (
        state.portal_api.api(&goal.api).await?,
        state.portal_api.client(&goal.client_id).await?,
    ) else {
        return Ok(Next::Refuse(Fault::ClientUnknown));
    };
    let configuration = state.configuration();
    let Some(method) = configuration.method(&flow.method) else {
        return Ok(Next::Refuse(Fault::NotFound));
    };
    // The account may be gone; so is what its session could do.
    let Some(subject) = Subject::of_login(state, &api, method, login).await? else {
        return Ok(login_needed());
    };
    if let Some(hint) = &goal.id_token_hint {
        let hint = openid::read_hint(state, hint, clock::now());
        if hint.is_none_or(|hint| hint.sub != subject.id) {
            let text = "Somebody else is logged in.";
            return Ok(refuse(ErrorCode::LoginRequired, text));
        }
    }
    if let Err(reason) = api.admits(subject.user.as_ref()) {
        return turn_away(state, goal, subject, reason);
    }
    let namespace = match registration::decide(state, (&client, &api), &subject, goal).await? {
        registration::Decision::Registered { namespace } => namespace,
        registration::Decision::Ask(next) if goal.silent && next.is_about_registering() => {
            let text = "The user has to be asked something.";
            return Ok(refuse(ErrorCode::InteractionRequired, text));
        }
        registration::Decision::Ask(next) => return Ok(next),
    };
    let decided =
        passthrough::decide(state, &api, &goal.scope, &flow.method, &subject.profile).await;
    let decision = match decided {
        Ok(decision) => decision,
        Err(error) => return Ok(Next::Done(end::refusal(state, goal, &error.answer()))),
    };
    let scope = decision.as_ref().map_or(&goal.scope, |one| &one.scope);
    if api.lacks_scope(scope, &subject.groups) {
        let text = "The API demands a scope, and none is left.";
        return Ok(refuse(ErrorCode::InvalidScope, text));
    }
    // Whoever asks a scope service asks nobody else (9.3).
    if decision.is_none() {
        match consent::missing(state, &client, &api, &subject, goal).await? {
            Consent::Given => {}
            Consent::Impossible => {
                let text = "Users of this API cannot agree to a scope.";
                return Ok(refuse(ErrorCode::AccessDenied, text));
            }
            Consent::Missing(_) if goal.silent => {
                let text = "The user has not agreed to the scope.";
                return Ok(refuse(ErrorCode::ConsentRequired, text));
            }
            Consent::Missing(request) => return Ok(Next::Consent(request)),
        }
    }
    let end = end::End {
        state,
        flow,
        goal,
        session,
        login,
        namespace,
        api: &api,
        subject: &subject,
        decision,
    };
    Ok(Next::Done(match (&goal.device, goal.response) {
        (Some(device), _) => end.device(device).await?,
        (None, ResponseType::Code) => end.code().await?,
        (None, ResponseType::Token) => end.token(&client).await,
    }))
}

/// The step of somebody who may have no tokens of the API.
fn turn_away(
    state: &AppState,
    goal: &AuthorizeGoal,
    subject: Subject,
    reason: NotAdmitted,
) -> Result<Next, InteractionError> {
    let code = match reason {
        NotAdmitted::Group => ErrorCode::AccessDenied,
        NotAdmitted::Address if goal.silent => ErrorCode::InteractionRequired,
        NotAdmitted::Address => {
            let user = subject.user.ok_or_else(|| {
                let text = "somebody without an account has no address that could be confirmed";
                InteractionError::Provider(text.to_owned())
            })?;
            return Ok(Next::ConfirmAddress(Box::new(user)));
        }
    };
    let error = OAuthError::new(code, reason.description());
    Ok(Next::Done(end::refusal(state, goal, &error)))
}
