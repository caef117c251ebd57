//! Auth server → service and routes: published like an API that checks nothing itself.

use sdk::types::AuthServer;

use super::{api, context::Context};
use crate::entity::Entity;

pub fn entities(context: &Context, name: &str, server: &AuthServer) -> Result<Vec<Entity>, String> {
    let plugins = api::configured(context, &server.config);
    api::published(context, name, &server.config, plugins)
}
