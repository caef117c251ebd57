//! The end of a flow: a code or a token for the client, or an error.

use axum::response::Response;
use chrono::{DateTime, Utc};
use service::{clock, random};

use crate::{
    apis::ApiPolicy,
    clients::Client,
    codes::{self, NewCode},
    devices,
    families::{self, Family, RevokeReason},
    flows::{self, AuthorizeGoal, Flow},
    oauth::{Answer, Dialect, OAuthError},
    passthrough::Decision,
    personal,
    sessions::{self, Login, Session},
    state::AppState,
    subject::Subject,
    token::{self, TokenAnswer, TokenError, UserFlow, UserGrant},
    visitor::Visitor,
};

use super::send;

/// What is known when nothing is left to be asked.
pub struct End<'a> {
    pub state: &'a AppState,
    pub flow: &'a Flow,
    pub goal: &'a AuthorizeGoal,
    pub session: &'a Session,
    pub login: &'a Login,
    pub namespace: Option<String>,
    pub api: &'a ApiPolicy,
    pub subject: &'a Subject,
    /// What a scope service decided, if the API has one.
    pub decision: Option<Decision>,
}

impl End<'_> {
    /// Issues a code and answers what carries it.
    pub async fn code(&self) -> Result<Answer, sea_orm::DbErr> {
        let (state, goal) = (self.state, self.goal);
        let now = clock::now();
        let family = self.family(now + codes::LIFETIME);
        let txn = state.database.write().await?;
        families::begin(&txn, &family, now).await?;
        let new = NewCode {
            family: &family.id,
            redirect_uri: &goal.redirect_uri,
            challenge: goal.challenge.as_deref(),
            nonce: goal.nonce.as_deref(),
            resource: goal.resource.as_deref(),
        };
        let code = codes::insert(&txn, new, now).await?;
        flows::delete(&txn, &self.flow.id).await?;
        txn.commit().await?;
        Ok(self.answer(&[("code", code.expose())]))
    }

    /// Lets a device have its tokens; answers where that is said.
    pub async fn device(&self, device: &str) -> Result<Answer, sea_orm::DbErr> {
        let (state, now) = (self.state, clock::now());
        let family = Family {
            // The device stays logged in when this browser does not.
            sid: None,
            ..self.family(now + devices::LIFETIME)
        };
        let txn = state.database.write().await?;
        families::begin(&txn, &family, now).await?;
        if !devices::grant(&txn, device, &family.id, now).await? {
            return Ok(devices::outcome(state, "ended"));
        }
        flows::delete(&txn, &self.flow.id).await?;
        txn.commit().await?;
        Ok(devices::outcome(state, "allowed"))
    }

    /// Issues a token and answers what carries it, or says why there is none.
    pub async fn token(&self, client: &Client) -> Answer {
        match self.issue(client).await {
            Ok(answer) => self.answer(&[
                ("access_token", &answer.access_token),
                ("token_type", "bearer"),
                ("expires_in", &answer.expires_in.to_string()),
                ("scope", &answer.scope),
            ]),
            Err(error) => {
                let error = token::refuse(&error, Dialect::Standard);
                refusal(self.state, self.goal, &error)
            }
        }
    }

    async fn issue(&self, client: &Client) -> Result<TokenAnswer, TokenError> {
        let (state, now) = (self.state, clock::now());
        let family = self.family(now);
        let grant = UserGrant {
            by: UserFlow::Implicit,
            client,
            secret: None,
            api: self.api,
            family: &family,
            scope: &family.scope,
            groups: &self.subject.groups,
            refresh: None,
            nonce: None,
            resource: self.goal.resource.as_deref(),
        };
        let made = token::make(state, &grant, now).await?;
        let txn = state.database.write().await?;
        families::begin(&txn, &family, now).await?;
        let answer = token::keep(&txn, &grant, made, now).await?;
        flows::delete(&txn, &self.flow.id).await?;
        txn.commit().await?;
        Ok(answer)
    }

    fn family(&self, expires_at: DateTime<Utc>) -> Family {
        let decision = self.decision.as_ref();
        let text = decision.and_then(|decision| decision.user_id.as_deref());
        Family {
            id: random::hex_id(),
            client_id: self.goal.client_id.clone(),
            api: self.goal.api.clone(),
            method: self.flow.method.clone(),
            user_id: self.subject.id.clone(),
            namespace: self.namespace.clone(),
            scope: decision
                .map_or(&self.goal.scope, |decision| &decision.scope)
                .clone(),
            sid: Some(self.session.sid.clone()),
            auth_time: Some(self.login.auth_time),
            began_at: self.login.auth_time,
            expires_at,
            revoked: false,
            verbatim: text.map(str::to_owned),
            profile: self.subject.kept(self.api, text),
            proof: self.login.proof,
        }
    }

    fn answer(&self, granted: &[(&str, &str)]) -> Answer {
        let goal = self.goal;
        let issuer = &self.state.configuration().issuer;
        let mut members = granted.to_vec();
        members.extend(goal.state.as_deref().map(|state| ("state", state)));
        let namespace = self.namespace.as_deref();
        members.extend(namespace.map(|namespace| ("namespace", namespace)));
        members.push(("iss", issuer));
        Answer::new(&goal.redirect_uri, goal.mode, &members)
    }
}

/// What tells the client why there is no code.
pub fn refusal(state: &AppState, goal: &AuthorizeGoal, error: &OAuthError) -> Answer {
    // There is no client to go back to.
    if goal.device.is_some() {
        return devices::outcome(state, "ended");
    }
    let to = (goal.redirect_uri.as_str(), goal.mode);
    crate::authorize::answer_error(state, to, goal.state.as_deref(), error)
}

/// Tells the client why there is no code.
pub fn refuse(
    state: &AppState,
    visitor: Visitor,
    goal: &AuthorizeGoal,
    error: &OAuthError,
) -> Response {
    send(state, visitor, refusal(state, goal, error))
}

/// The same in the words of a provider, whose codes need not be among ours.
pub fn refuse_in_words(
    state: &AppState,
    visitor: Visitor,
    goal: &AuthorizeGoal,
    (code, description): (&str, &str),
) -> Response {
    if goal.device.is_some() {
        return send(state, visitor, devices::outcome(state, "ended"));
    }
    let issuer = &state.configuration().issuer;
    let mut members = vec![("error", code), ("error_description", description)];
    members.extend(goal.state.as_deref().map(|state| ("state", state)));
    members.push(("iss", issuer));
    let answer = Answer::new(&goal.redirect_uri, goal.mode, &members);
    send(state, visitor, answer)
}

/// Ends all sessions and tokens of a user.
pub async fn revoke_user(
    state: &AppState,
    user_id: &str,
    reason: RevokeReason,
) -> Result<(), sea_orm::DbErr> {
    let txn = state.database.write().await?;
    sessions::delete_of(&txn, user_id).await?;
    if reason == RevokeReason::UserGone {
        personal::delete_of(&txn, user_id).await?;
    }
    families::revoke_of_user(&txn, user_id, reason, clock::now()).await?;
    txn.commit().await
}
