//! The table `auth_flows`.

use sea_orm::entity::prelude::*;

use crate::{
    factors::Proof,
    federated::{Identity, Link},
    scopes,
};

use super::{AuthorizeGoal, Flow, Goal, ResponseMode, ResponseType};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "auth_flows")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub browser_hash: String,
    pub method: String,
    pub api: Option<String>,
    pub client_id: Option<String>,
    pub redirect_uri: Option<String>,
    /// Rows of the previous release have none, and are about a code.
    pub response_type: Option<String>,
    pub state: Option<String>,
    pub scope: String,
    pub namespace: Option<String>,
    pub challenge: Option<String>,
    pub silent: bool,
    pub prefill_username: Option<String>,
    pub prompt: Option<String>,
    /// JSON.
    pub identity: Option<String>,
    pub target: Option<String>,
    pub pending_user: Option<String>,
    pub login_after: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub expires_at: DateTimeUtc,
    pub nonce: Option<String>,
    pub id_token_hint: Option<String>,
    pub resource: Option<String>,
    pub device: Option<String>,
    pub factor_user: Option<String>,
    pub proof: Option<String>,
    pub wants_factor: Option<bool>,
    /// JSON.
    pub link: Option<String>,
    pub response_mode: Option<String>,
    pub asks_consent: Option<bool>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The row of a new flow.
    pub fn new(flow: &Flow, browser: &str, now: DateTimeUtc) -> Self {
        let (goal, target) = match &flow.goal {
            Goal::Authorize(goal) => (Some(goal), None),
            Goal::OwnPage { target } => (None, Some(target.clone())),
        };
        Self {
            id: flow.id.clone(),
            browser_hash: crate::secret::digest(browser),
            method: flow.method.clone(),
            api: goal.map(|goal| goal.api.clone()),
            client_id: goal.map(|goal| goal.client_id.clone()),
            redirect_uri: goal.map(|goal| goal.redirect_uri.clone()),
            response_type: goal.map(|goal| goal.response.as_str().to_owned()),
            state: goal.and_then(|goal| goal.state.clone()),
            scope: goal.map_or_else(String::new, |goal| scopes::join(&goal.scope)),
            namespace: goal.and_then(|goal| goal.namespace.clone()),
            challenge: goal.and_then(|goal| goal.challenge.clone()),
            silent: goal.is_some_and(|goal| goal.silent),
            prefill_username: flow.prefill_username.clone(),
            prompt: flow.prompt.clone(),
            identity: flow.identity.as_ref().map(Identity::to_text),
            target,
            pending_user: flow.pending_user.clone(),
            login_after: flow.login_after,
            created_at: now,
            expires_at: now + super::LIFETIME,
            nonce: goal.and_then(|goal| goal.nonce.clone()),
            id_token_hint: goal.and_then(|goal| goal.id_token_hint.clone()),
            resource: goal.and_then(|goal| goal.resource.clone()),
            device: goal.and_then(|goal| goal.device.clone()),
            factor_user: flow.factor_user.clone(),
            proof: Some(flow.proof.as_str().to_owned()),
            wants_factor: Some(flow.wants_factor),
            link: flow.link.as_ref().map(Link::to_text),
            response_mode: goal.map(|goal| goal.mode.as_str().to_owned()),
            asks_consent: goal.map(|goal| goal.asks_consent),
        }
    }

    /// The flow; nothing when the row makes no sense.
    pub fn into_flow(self) -> Option<Flow> {
        let response = match self.response_type {
            Some(text) => ResponseType::parse(&text)?,
            None => ResponseType::Code,
        };
        let goal = match self.target {
            Some(target) => Goal::OwnPage { target },
            None => Goal::Authorize(Box::new(AuthorizeGoal {
                api: self.api?,
                client_id: self.client_id?,
                response,
                mode: match self.response_mode {
                    Some(text) => ResponseMode::parse(&text)?,
                    None => response.mode(),
                },
                redirect_uri: self.redirect_uri?,
                state: self.state,
                scope: scopes::split(&self.scope),
                namespace: self.namespace,
                challenge: self.challenge,
                nonce: self.nonce,
                id_token_hint: self.id_token_hint,
                resource: self.resource,
                device: self.device,
                silent: self.silent,
                asks_consent: self.asks_consent.unwrap_or(false),
                agreed_once: false,
            })),
        };
        Some(Flow {
            id: self.id,
            method: self.method,
            goal,
            login_after: self.login_after,
            factor_user: self.factor_user,
            pending_user: self.pending_user,
            proof: Proof::parse(self.proof.as_deref()),
            wants_factor: self.wants_factor.unwrap_or(false),
            link: self.link.as_deref().and_then(Link::parse),
            prefill_username: self.prefill_username,
            prompt: self.prompt,
            identity: self.identity.as_deref().and_then(Identity::parse),
        })
    }
}
