//! Client credentials: the client acts for itself.

use std::borrow::Cow;

use oxide_auth::{
    code_grant::client_credentials::{ClientCredentials, Input, Output, Request},
    primitives::{
        grant::Extensions,
        registrar::{BoundClient, PreGrant},
    },
};
use service::clock;

use crate::{
    address::Peer,
    apis::ApiPolicy,
    clients::Client,
    oauth::{Grant, Refusal},
    scopes,
    state::AppState,
    token::{self, Endpoint, TokenAnswer, TokenError, TokenRequest},
};

/// Issues a token to a client. The form of the request was checked before.
pub async fn client_credentials(
    state: &AppState,
    request: &TokenRequest,
    endpoint: &Endpoint,
    peer: Peer,
) -> Result<TokenAnswer, TokenError> {
    let requested = request
        .scope
        .as_deref()
        .map(scopes::parse)
        .unwrap_or_default();
    let oxide_request = OxideRequest {
        request,
        scope: requested.join(" "),
    };
    let mut machine = ClientCredentials::new(&oxide_request);
    let mut input = Input::None;
    let mut bound: Option<(Client, ApiPolicy)> = None;
    let mut granted: Vec<String> = Vec::new();
    loop {
        input = match Step::of(&machine.advance(input))? {
            Step::Authenticate => {
                let grant = Grant::ClientCredentials;
                let client = token::authenticate(state, request, grant, endpoint, peer)
                    .await
                    .map_err(not_confidential)?;
                let api = token::api_of(state, request, &client, endpoint, grant).await?;
                bound = Some((client, api));
                Input::Authenticated
            }
            Step::Bind { client_id } => Input::Bound {
                bound_client: BoundClient {
                    client_id: Cow::Owned(client_id),
                    redirect_uri: Cow::Owned(super::no_redirect_uri()),
                },
            },
            Step::Extend => Input::Extended {
                extensions: Extensions::new(),
            },
            Step::Negotiate => {
                let (client, api) = bound.as_ref().ok_or(TokenError::Internal)?;
                granted = negotiate(client, api, &requested)?;
                Input::Negotiated {
                    pre_grant: PreGrant {
                        client_id: client.client_id.clone(),
                        redirect_uri: super::no_redirect_uri(),
                        scope: super::scope(&granted),
                    },
                }
            }
            Step::Done => {
                let (client, api) = bound.as_ref().ok_or(TokenError::Internal)?;
                let client = (client, request.client_secret.as_deref());
                let wanted = (granted.as_slice(), request.resource.as_deref());
                return token::issue_to_client(state, client, api, wanted, clock::now()).await;
            }
        };
    }
}

fn negotiate(
    client: &Client,
    api: &ApiPolicy,
    requested: &[String],
) -> Result<Vec<String>, Refusal> {
    scopes::filter(
        requested,
        &api.scope_ids(),
        client.trusted,
        &client.scope_limit,
    )
    .map(|granted| granted.scope)
    .map_err(|unknown| Refusal::ScopeUnknown(unknown.0))
}

/// A public client has no secret at all; here that means the grant is not for it.
fn not_confidential(error: TokenError) -> TokenError {
    match error {
        TokenError::Refused(Refusal::SecretNotAllowed { .. }) => {
            Refusal::ClientNotConfidential.into()
        }
        other => other,
    }
}

/// The machine's output without its borrow.
enum Step {
    Authenticate,
    Bind { client_id: String },
    Extend,
    Negotiate,
    Done,
}

impl Step {
    fn of(output: &Output<'_>) -> Result<Self, TokenError> {
        Ok(match output {
            Output::Authenticate { .. } => Self::Authenticate,
            Output::Binding { client_id } => Self::Bind {
                client_id: client_id.to_string(),
            },
            Output::Extend => Self::Extend,
            Output::Negotiate { .. } => Self::Negotiate,
            Output::Ok { .. } => Self::Done,
            Output::Err(_) => return Err(Refusal::Malformed("The request is malformed.").into()),
        })
    }
}

struct OxideRequest<'a> {
    request: &'a TokenRequest,
    scope: String,
}

impl Request for OxideRequest<'_> {
    fn valid(&self) -> bool {
        true
    }

    fn authorization(&self) -> Option<(Cow<'_, str>, Cow<'_, [u8]>)> {
        let id = self.request.client_id.as_deref()?;
        // What proves it is looked at when the machine asks for it.
        Some((Cow::Borrowed(id), Cow::Borrowed(&[])))
    }

    fn scope(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(&self.scope))
    }

    fn grant_type(&self) -> Option<Cow<'_, str>> {
        self.request.grant_type.as_deref().map(Cow::Borrowed)
    }

    /// Credentials were already taken from body or header; a second place would confuse.
    fn extension(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }
}
