//! `POST /apis/{api}/announcements`: a word to everybody who uses an API (portal-api B17).

use axum::{
    Json,
    extract::{Path, State},
};
use http::StatusCode;
use sdk::types::apis::{Announcement, NewAnnouncement};
use sea_orm::{EntityTrait, IntoActiveModel};
use serde_json::Value;

use crate::{
    ApiError, AppState,
    apis::access,
    caller::Caller,
    events::{self, Event},
    extract::{Body, from_value},
};

const MAX_SUBJECT: usize = 256;
const MAX_TEXT: usize = 10_000;

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "announcements")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub api_id: String,
        pub subject: String,
        pub text: String,
        pub created_at: DateTimeUtc,
        pub created_by: Option<String>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// For administrators and the group that owns the API. The mailer sends it to the owners of the
/// applications that have a subscription.
#[tracing::instrument(skip_all, fields(api.id = %api))]
pub async fn announce(
    State(state): State<AppState>,
    caller: Caller,
    Path(api): Path<String>,
    Body(body): Body<Value>,
) -> Result<(StatusCode, Json<Announcement>), ApiError> {
    caller.require_scope("write_apis")?;
    let configuration = state.configuration();
    let known = access::visible(&configuration, &api, &caller)?;
    let owns = known
        .owner_group
        .as_ref()
        .is_some_and(|group| caller.user().is_some_and(|user| user.has_group(group)));
    if !owns {
        caller.require_admin()?;
    }
    let request: NewAnnouncement = from_value(body)?;
    let new = row::Model {
        id: service::random::hex_id(),
        api_id: api,
        subject: checked("subject", &request.subject, MAX_SUBJECT)?,
        text: checked("text", &request.text, MAX_TEXT)?,
        created_at: service::clock::now(),
        created_by: caller.user_id().map(str::to_owned),
    };
    let event = Event::announced(
        &new.id,
        &new.api_id,
        &new.subject,
        &new.text,
        caller.user_id(),
    );
    let txn = state.db.write().await?;
    row::Entity::insert(new.clone().into_active_model())
        .exec_without_returning(&txn)
        .await?;
    events::append(&txn, &state, &caller.actor(), event).await?;
    state.commit(txn).await?;
    Ok((
        StatusCode::CREATED,
        Json(Announcement {
            id: new.id,
            subject: new.subject,
            text: new.text,
            created_at: new.created_at.into(),
            created_by: new.created_by,
        }),
    ))
}

fn checked(field: &'static str, text: &str, most: usize) -> Result<String, ApiError> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > most {
        let message = format!("`{field}` has 1 to {most} characters.");
        return Err(ApiError::invalid(field, "length", message));
    }
    Ok(text.to_owned())
}
