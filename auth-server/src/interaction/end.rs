//! The end of a flow: a code for the client, or an error.

use service::{clock, random};

use crate::{
    codes,
    families::{self, Family, RevokeReason},
    flows::{self, AuthorizeGoal, Flow},
    oauth::{OAuthError, answer_url},
    sessions::{self, Login, Session},
    state::AppState,
};

/// Issues a code and answers the redirect that carries it.
pub async fn issue_code(
    state: &AppState,
    flow: &Flow,
    goal: &AuthorizeGoal,
    session: &Session,
    login: &Login,
    namespace: Option<String>,
) -> Result<String, sea_orm::DbErr> {
    let now = clock::now();
    let family = Family {
        id: random::hex_id(),
        client_id: goal.client_id.clone(),
        api: goal.api.clone(),
        method: flow.method.clone(),
        user_id: login.user_id.clone(),
        namespace: namespace.clone(),
        scope: goal.scope.clone(),
        sid: Some(session.sid.clone()),
        auth_time: Some(login.auth_time),
        began_at: login.auth_time,
        expires_at: now + codes::LIFETIME,
        revoked: false,
    };
    let txn = state.database.write().await?;
    families::begin(&txn, &family, now).await?;
    let challenge = goal.challenge.as_deref();
    let code = codes::insert(&txn, &family.id, &goal.redirect_uri, challenge, now).await?;
    flows::delete(&txn, &flow.id).await?;
    txn.commit().await?;
    let issuer = &state.configuration().issuer;
    let mut members = vec![("code", code.expose())];
    members.extend(goal.state.as_deref().map(|state| ("state", state)));
    members.extend(
        namespace
            .as_deref()
            .map(|namespace| ("namespace", namespace)),
    );
    members.push(("iss", issuer));
    Ok(answer_url(&goal.redirect_uri, &members))
}

/// The redirect that tells the client why there is no code.
pub fn refusal_url(state: &AppState, goal: &AuthorizeGoal, error: &OAuthError) -> String {
    crate::authorize::answer_error(state, &goal.redirect_uri, goal.state.as_deref(), error)
}

/// Ends all sessions and tokens of a user.
pub async fn revoke_user(
    state: &AppState,
    user_id: &str,
    reason: RevokeReason,
) -> Result<(), sea_orm::DbErr> {
    let txn = state.database.write().await?;
    sessions::delete_of(&txn, user_id).await?;
    families::revoke_of_user(&txn, user_id, reason, clock::now()).await?;
    txn.commit().await
}
