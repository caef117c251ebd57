//! `/applications/{application}/invitations` and `/invitations/accept`.

use axum::{
    Json, Router,
    extract::{Path, State},
    response::Response,
    routing::{delete, get, post},
};
use http::StatusCode;
use sdk::types::{
    Application, Role,
    invitations::{AcceptInvitation, Invitation, NewInvitation},
};
use sea_orm::DatabaseTransaction;
use serde_json::{Value, json};
use service::{clock, random};

use super::{
    row,
    rules::{self, not_found},
    store,
};
use crate::{
    ApiError, AppState,
    applications::{
        self,
        access::{self, Demand, Right},
        wire,
    },
    audit::{self, Entry},
    caller::Caller,
    error::is_duplicate,
    events::{self, Event},
    extract::{Body, from_value},
    owners,
    paging::{self, Parameters},
};

const READ: Demand = Demand {
    scope: "read_applications",
    right: Right::Own,
    caller_first: false,
    validated: false,
    refusal: "Only owners and administrators may see who was invited.",
};

const WRITE: Demand = Demand {
    scope: "write_applications",
    right: Right::Own,
    caller_first: false,
    validated: true,
    refusal: "Only owners and administrators may invite somebody.",
};

pub fn routes() -> Router<AppState> {
    Router::new()
        .route(
            "/applications/{application}/invitations",
            get(list).post(create),
        )
        .route(
            "/applications/{application}/invitations/{id}",
            delete(withdraw),
        )
        .route(
            "/applications/{application}/invitations/{id}/resend",
            post(resend),
        )
        .route("/invitations/accept", post(accept))
}

fn shown(row: row::Model) -> Invitation {
    Invitation {
        id: row.id,
        email: row.email,
        role: owners::role(&row.role).unwrap_or(Role::Reader),
        created_at: row.created_at.into(),
        created_by: row.created_by,
        expires_at: row.expires_at.into(),
    }
}

/// `GET /applications/{application}/invitations`
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    access::open(&state, &caller, &id, READ).await?;
    let rows = store::list(state.db.read(), &id, clock::now()).await?;
    let shown = rows.into_iter().map(shown).collect();
    paging::array(shown, &parameters, |one: &Invitation| &one.id)
}

/// `POST /applications/{application}/invitations`: the token goes by mail only.
#[tracing::instrument(skip_all, fields(application.id = %id))]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Body(body): Body<Value>,
) -> Result<(StatusCode, Json<Invitation>), ApiError> {
    let application = access::open(&state, &caller, &id, WRITE).await?;
    let request: NewInvitation = from_value(body)?;
    let (email, role) = rules::check(&request, &application.owners)?;
    let (token, now) = (random::hex_id(), clock::now());
    let new = row::Model {
        id: random::hex_id(),
        application_id: id.clone(),
        email,
        role: role.as_str().to_owned(),
        digest: rules::digest(&token),
        created_at: now,
        created_by: caller.user_id().map(str::to_owned),
        expires_at: now + rules::LIFETIME,
    };
    let txn = state.db.write().await?;
    store::delete_expired(&txn, &id, &new.email, now).await?;
    let open = store::count(&txn, &id, now).await?;
    rules::check_count("An application", open, rules::MOST)?;
    let inserted = store::insert(&txn, new.clone()).await;
    inserted.map_err(rules::not_stored)?;
    tell(&txn, &state, &caller, &new, &token).await?;
    state.commit(txn).await?;
    Ok((StatusCode::CREATED, Json(shown(new))))
}

/// The event makes the mailer send the mail.
async fn tell(
    txn: &DatabaseTransaction,
    state: &AppState,
    caller: &Caller,
    invitation: &row::Model,
    token: &str,
) -> Result<(), ApiError> {
    let portal = state.configuration().globals.network.external_portal_url();
    let link = format!("{portal}/invitations/{{{{id}}}}");
    let event = Event::invitation_added(
        &invitation.application_id,
        &invitation.email,
        &invitation.role,
        caller.user_id(),
        token,
        &link,
        (invitation.digest.clone(), invitation.expires_at),
    );
    let event = event.becomes(&json!({
        "invitationId": invitation.id, "email": invitation.email, "role": invitation.role,
        "expiresAt": invitation.expires_at,
    }));
    events::append(txn, state, &caller.actor(), event).await
}

/// `POST …/invitations/{id}/resend`: a new token, and seven more days.
#[tracing::instrument(skip_all, fields(application.id = %application))]
async fn resend(
    State(state): State<AppState>,
    caller: Caller,
    Path((application, id)): Path<(String, String)>,
) -> Result<Json<Invitation>, ApiError> {
    access::open(&state, &caller, &application, WRITE).await?;
    let token = random::hex_id();
    let txn = state.db.write().await?;
    let found = store::find(&txn, &application, &id).await?;
    let mut invitation = found.ok_or_else(not_found)?;
    // The mail with the old one opens nothing any more.
    events::queue::erase_opened(&txn, &invitation.digest).await?;
    invitation.digest = rules::digest(&token);
    invitation.expires_at = clock::now() + rules::LIFETIME;
    store::update(&txn, invitation.clone()).await?;
    tell(&txn, &state, &caller, &invitation, &token).await?;
    state.commit(txn).await?;
    Ok(Json(shown(invitation)))
}

/// `DELETE …/invitations/{id}`: the mail that is on the way opens nothing any more.
#[tracing::instrument(skip_all, fields(application.id = %application))]
async fn withdraw(
    State(state): State<AppState>,
    caller: Caller,
    Path((application, id)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    access::open(&state, &caller, &application, WRITE).await?;
    let txn = state.db.write().await?;
    let found = store::find(&txn, &application, &id).await?;
    let invitation = found.ok_or_else(not_found)?;
    store::delete(&txn, &invitation).await?;
    let entry = Entry::new(caller.actor(), "invitation", "delete")
        .about(&id)
        .with_data(json!({"applicationId": application}))
        .was(&json!({"email": invitation.email, "role": invitation.role}));
    audit::record(&txn, &state, entry).await?;
    state.commit(txn).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /invitations/accept`: whoever got the mail, with whatever address he has here.
#[tracing::instrument(skip_all)]
async fn accept(
    State(state): State<AppState>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Result<Json<Application>, ApiError> {
    caller.require_scope("write_applications")?;
    let user = access::require_validated(&caller)?;
    let request: AcceptInvitation = from_value(body)?;
    let token = request.token.expose();
    rules::check_token("token", token)?;
    let digest = rules::digest(token);
    let txn = state.db.write().await?;
    let found = store::find_by_digest(&txn, &digest, clock::now()).await?;
    let invitation = found.ok_or_else(not_found)?;
    let id = &invitation.application_id;
    let application = applications::store::lock(&txn, id).await?;
    let application = application.ok_or_else(not_found)?;
    if !store::delete(&txn, &invitation).await? {
        return Err(not_found());
    }
    let role = owners::role(&invitation.role).unwrap_or(Role::Reader);
    let members = owners::store::list(&txn, id).await?;
    if owners::role_of(&members, user.id()).is_some() {
        let message = "You have a role on this application already.";
        return Err(ApiError::conflict("has-role", message));
    }
    match owners::store::insert(&txn, id, user.id(), role, clock::now()).await {
        Err(error) if is_duplicate(&error) => {
            let message = "You have a role on this application already.";
            return Err(ApiError::conflict("has-role", message));
        }
        inserted => inserted?,
    }
    let event = Event::owner_added(id, Some(user.id()), user.id(), role.as_str()).becomes(&json!({
        "userId": user.id(), "email": user.row.email, "role": role,
        "invitationId": invitation.id, "invitedBy": invitation.created_by,
    }));
    events::append(&txn, &state, &caller.actor(), event).await?;
    let owners = owners::store::list(&txn, id).await?;
    state.commit(txn).await?;
    Ok(Json(wire::with_owners(application, owners)))
}
