//! Auth server → service and routes: published like an API that checks nothing itself, and the
//! only one that is sent the session cookies of its own pages.

use sdk::types::AuthServer;
use serde_json::Value;

use super::{api, context::Context};
use crate::entity::Entity;

pub fn entities(context: &Context, name: &str, server: &AuthServer) -> Result<Vec<Entity>, String> {
    let plugins = api::configured(context, &server.config);
    let mut entities = api::published(context, name, &server.config, plugins)?;
    // The service stands first.
    if let Some((_, service)) = entities.first_mut()
        && let Some(tags) = service.get_mut("tags").and_then(Value::as_array_mut)
    {
        tags.push(kong::SESSIONS_TAG.into());
    }
    Ok(entities)
}
