//! The authorization request: client, redirect URI, challenge and scope.

use std::{borrow::Cow, sync::Arc};

use oxide_auth::{
    code_grant::{
        authorization::{Authorization, Error, Input, Output, Request},
        error::{AuthorizationError, AuthorizationErrorType},
        extensions::Pkce,
    },
    primitives::{
        grant::Extensions,
        registrar::{BoundClient, PreGrant},
    },
};

use crate::{
    apis::ApiPolicy,
    authorize::{AuthorizeParameters, rules},
    clients::Client,
    flows::ResponseType,
    oauth::{ErrorCode, OAuthError},
    portal_api::PortalApiError,
    resources, scopes,
    state::AppState,
    token::{Endpoint, is_client_id},
};

/// A request that passed every check that needs no user.
#[derive(Debug)]
pub struct Accepted {
    pub client: Arc<Client>,
    pub api: ApiPolicy,
    pub redirect_uri: String,
    pub scope: Vec<String>,
    pub challenge: Option<String>,
}

/// What is wrong with a request before the client can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorizeFault {
    ClientIdMissing,
    ClientUnknown,
    NoRedirectUri,
    RedirectUriNotRegistered,
}

/// Why a request was not accepted.
#[derive(Debug)]
pub enum AuthorizeRefused {
    /// Shown to the person: nobody is trusted to be told by a redirect.
    Page(AuthorizeFault),
    /// Sent back to the client.
    Redirect {
        to: String,
        error: OAuthError,
    },
    PortalApi(PortalApiError),
}

/// Checks a request. `endpoint` says which API the URL named, if any.
pub async fn authorize(
    state: &AppState,
    parameters: &AuthorizeParameters,
    endpoint: &Endpoint,
) -> Result<Accepted, AuthorizeRefused> {
    let request = OxideRequest {
        parameters,
        scope: parameters
            .scope
            .as_deref()
            .map(|scope| scopes::parse(scope).join(" ")),
    };
    let mut machine = Authorization::new(&request);
    let mut step = Step::of(machine.advance(Input::None));
    let mut bound: Option<Bound> = None;
    loop {
        step = match step {
            Step::Bind {
                client_id,
                redirect_uri,
            } => {
                let found = bind(
                    state,
                    parameters,
                    &client_id,
                    redirect_uri.as_deref(),
                    endpoint,
                )
                .await?;
                let bound_client = found.as_oxide()?;
                rules::check_api(state, parameters, endpoint, &found.api)
                    .map_err(|error| found.refuse(error))?;
                let resource = parameters.resource.as_deref();
                let is_known = resources::is_of(state, &found.api, resource).await;
                if !is_known.map_err(AuthorizeRefused::PortalApi)? {
                    let text = "`resource` is no address of this client's API.";
                    return Err(found.refuse(OAuthError::new(ErrorCode::InvalidTarget, text)));
                }
                bound = Some(found);
                Step::of(machine.advance(Input::Bound {
                    request: &request,
                    bound_client,
                }))
            }
            Step::Extend => {
                let bound = bound.as_ref().ok_or_else(no_id)?;
                let extensions = extend(parameters, &bound.client, takes_plain(state, endpoint))
                    .map_err(|error| bound.refuse(error))?;
                Step::of(machine.advance(Input::Extended(extensions)))
            }
            Step::Negotiate => {
                let bound = bound.as_mut().ok_or_else(no_id)?;
                bound
                    .negotiate(&request)
                    .map_err(|error| bound.refuse(error))?;
                let pre_grant = bound.pre_grant()?;
                let state = parameters.state.clone();
                Step::of(machine.advance(Input::Negotiated { pre_grant, state }))
            }
            Step::Done(extensions) => {
                let bound = bound.ok_or_else(no_id)?;
                return Ok(Accepted {
                    challenge: super::challenge_of(&pkce(&bound.client), &extensions),
                    client: bound.client,
                    api: bound.api,
                    redirect_uri: bound.redirect_uri,
                    scope: bound.scope,
                });
            }
            Step::Failed(error) => return Err(failed(error, bound.as_ref())),
        };
    }
}

/// The machine's output without its borrow, so that it may be answered later.
enum Step {
    Bind {
        client_id: String,
        redirect_uri: Option<String>,
    },
    Extend,
    Negotiate,
    Done(Extensions),
    Failed(Error),
}

impl Step {
    fn of(output: Output<'_>) -> Self {
        match output {
            Output::Bind {
                client_id,
                redirect_uri,
            } => Self::Bind {
                client_id,
                redirect_uri: redirect_uri.map(|uri| uri.as_str().to_owned()),
            },
            Output::Extend => Self::Extend,
            Output::Negotiate { .. } => Self::Negotiate,
            Output::Ok { extensions, .. } => Self::Done(extensions),
            Output::Err(error) => Self::Failed(error),
        }
    }
}

/// Client and redirect URI belong together from here on.
struct Bound {
    client: Arc<Client>,
    api: ApiPolicy,
    redirect_uri: String,
    response: ResponseType,
    scope: Vec<String>,
}

async fn bind(
    state: &AppState,
    parameters: &AuthorizeParameters,
    client_id: &str,
    redirect_uri: Option<&str>,
    endpoint: &Endpoint,
) -> Result<Bound, AuthorizeRefused> {
    let unknown = || AuthorizeRefused::Page(AuthorizeFault::ClientUnknown);
    if !is_client_id(client_id) {
        return Err(unknown());
    }
    let client = state
        .portal_api
        .client(client_id)
        .await
        .map_err(AuthorizeRefused::PortalApi)?;
    let client = client.ok_or_else(unknown)?;
    if let Endpoint::PerMethod { api, .. } = endpoint
        && client.api_id != *api
    {
        return Err(unknown());
    }
    if client.redirect_uris.is_empty() {
        return Err(AuthorizeRefused::Page(AuthorizeFault::NoRedirectUri));
    }
    let redirect_uri = client
        .redirect_uri(redirect_uri)
        .ok_or(AuthorizeRefused::Page(
            AuthorizeFault::RedirectUriNotRegistered,
        ))?;
    let api = state
        .portal_api
        .api(&client.api_id)
        .await
        .map_err(AuthorizeRefused::PortalApi)?;
    Ok(Bound {
        api: api.ok_or_else(unknown)?,
        client,
        redirect_uri,
        response: parameters.response(),
        scope: Vec::new(),
    })
}

impl Bound {
    fn as_oxide(&self) -> Result<BoundClient<'static>, AuthorizeRefused> {
        Ok(BoundClient {
            client_id: Cow::Owned(self.client.client_id.clone()),
            redirect_uri: Cow::Owned(super::exact(&self.redirect_uri).ok_or(
                AuthorizeRefused::Page(AuthorizeFault::RedirectUriNotRegistered),
            )?),
        })
    }

    fn pre_grant(&self) -> Result<PreGrant, AuthorizeRefused> {
        Ok(PreGrant {
            client_id: self.client.client_id.clone(),
            redirect_uri: self.as_oxide()?.redirect_uri.into_owned(),
            scope: super::scope(&self.scope),
        })
    }

    /// Which of the requested scopes the client gets if the user agrees.
    fn negotiate(&mut self, request: &OxideRequest<'_>) -> Result<(), OAuthError> {
        let requested = scopes::split(request.scope.as_deref().unwrap_or_default());
        let filter = match self.response {
            ResponseType::Code => scopes::filter_with_identity,
            // Nothing that a token in a fragment could prove about the user.
            ResponseType::Token => scopes::filter,
        };
        let granted = filter(
            &requested,
            &self.api.scope_ids(),
            self.client.trusted,
            &self.client.scope_limit,
        )
        .map_err(|unknown| {
            OAuthError::new(
                ErrorCode::InvalidScope,
                format!("The API has no scope `{}`.", unknown.0),
            )
        })?;
        self.scope = granted.scope;
        Ok(())
    }

    fn refuse(&self, error: OAuthError) -> AuthorizeRefused {
        AuthorizeRefused::Redirect {
            to: self.redirect_uri.clone(),
            error,
        }
    }
}

/// Public clients must use PKCE; of confidential ones it is wanted, not demanded (10.6).
fn pkce(client: &Client) -> Pkce {
    if client.kind.is_confidential() {
        Pkce::optional()
    } else {
        Pkce::required()
    }
}

/// Old clients send challenges in clear, if the operator lets them.
fn takes_plain(state: &AppState, endpoint: &Endpoint) -> bool {
    state.settings.grants.plain_pkce && matches!(endpoint, Endpoint::PerMethod { .. })
}

fn extend(
    parameters: &AuthorizeParameters,
    client: &Client,
    takes_plain: bool,
) -> Result<Extensions, OAuthError> {
    // There is no code that a challenge could guard.
    if parameters.response() == ResponseType::Token {
        return Ok(Extensions::new());
    }
    let is_plain = takes_plain && parameters.code_challenge_method.as_deref() != Some("S256");
    let challenge = parameters.code_challenge.as_deref().map(|sent| {
        if is_plain {
            sent.to_owned()
        } else {
            rules::normal_challenge(sent)
        }
    });
    let wrong = || {
        OAuthError::new(
            ErrorCode::InvalidRequest,
            "`code_challenge` with `code_challenge_method` `S256` is needed.",
        )
    };
    let lengths = if is_plain { 43..=128 } else { 43..=43 };
    if challenge
        .as_deref()
        .is_some_and(|challenge| !lengths.contains(&challenge.len()))
    {
        return Err(wrong());
    }
    let mut pkce = pkce(client);
    if takes_plain {
        pkce.allow_plain();
    }
    let method = parameters
        .code_challenge_method
        .as_deref()
        .map(Cow::Borrowed);
    let value = pkce
        .challenge(method, challenge.map(Cow::Owned))
        .map_err(|()| wrong())?;
    let mut extensions = Extensions::new();
    if let Some(value) = value {
        extensions.set(&pkce, value);
    }
    Ok(extensions)
}

/// The machine's own refusals, in our words.
fn failed(mut error: Error, bound: Option<&Bound>) -> AuthorizeRefused {
    let Some(bound) = bound else {
        return match error {
            Error::Ignore => no_id(),
            _ => AuthorizeRefused::Page(AuthorizeFault::RedirectUriNotRegistered),
        };
    };
    let kind = error.description().map(AuthorizationError::kind);
    let (code, text) = match kind {
        Some(AuthorizationErrorType::UnsupportedResponseType) => (
            ErrorCode::UnsupportedResponseType,
            "Only `response_type` `code` is offered.",
        ),
        Some(AuthorizationErrorType::InvalidScope) => (
            ErrorCode::InvalidScope,
            "`scope` holds a character that scopes do not have.",
        ),
        Some(AuthorizationErrorType::InvalidRequest) => {
            (ErrorCode::InvalidRequest, "The request is malformed.")
        }
        _ => (ErrorCode::ServerError, "The request went astray."),
    };
    bound.refuse(OAuthError::new(code, text))
}

fn no_id() -> AuthorizeRefused {
    AuthorizeRefused::Page(AuthorizeFault::ClientIdMissing)
}

struct OxideRequest<'a> {
    parameters: &'a AuthorizeParameters,
    /// Separated by blanks, whatever the client used.
    scope: Option<String>,
}

impl Request for OxideRequest<'_> {
    fn valid(&self) -> bool {
        true
    }

    fn client_id(&self) -> Option<Cow<'_, str>> {
        self.parameters.client_id.as_deref().map(Cow::Borrowed)
    }

    fn scope(&self) -> Option<Cow<'_, str>> {
        self.scope.as_deref().map(Cow::Borrowed)
    }

    fn redirect_uri(&self) -> Option<Cow<'_, str>> {
        self.parameters.redirect_uri.as_deref().map(Cow::Borrowed)
    }

    fn state(&self) -> Option<Cow<'_, str>> {
        self.parameters.state.as_deref().map(Cow::Borrowed)
    }

    fn response_type(&self) -> Option<Cow<'_, str>> {
        // The machine knows one type only; whether the other is allowed was checked before.
        let wanted = self.parameters.response_type.as_deref()?;
        let known = ResponseType::parse(wanted).map(|_| ResponseType::Code.as_str());
        Some(Cow::Borrowed(known.unwrap_or(wanted)))
    }

    fn extension(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }
}
