//! Decisions about invitations into pools, without I/O.

use config::{Configuration, pools::Pool};

use crate::ApiError;

/// Open invitations of one pool.
pub const MOST: u64 = 1000;

/// The auth server whose page somebody opens by an invitation, if no API says which.
const DEFAULT_SERVER: &str = "default";

/// Refuses to invite where nobody needs it.
pub fn require_invitations(pool: &Pool) -> Result<(), ApiError> {
    if pool.requires_invitation {
        return Ok(());
    }
    let message = format!(
        "Nobody needs an invitation to the pool `{}`: it has no `requiresInvitation`.",
        pool.id
    );
    Err(ApiError::bad_request("no-invitations", message))
}

/// The link for the mail: a page of the auth server by which people log in to what the pool is for.
/// The mailer puts the token in.
pub fn link(configuration: &Configuration, pool: &str) -> Option<String> {
    let of_pool = configuration.apis.iter();
    let server = of_pool
        .filter(|api| api.registration_pool.as_deref() == Some(pool))
        .find_map(|api| api.auth_methods.first())
        .map_or(DEFAULT_SERVER, |method| &method.server);
    let servers = &configuration.auth_servers;
    let server = servers
        .get(server)
        .or_else(|| servers.get(DEFAULT_SERVER))?;
    let base = configuration.globals.network.external_api_url();
    let path = server.base_path().trim_end_matches('/');
    Some(format!("{base}{path}/invitations/{{{{id}}}}"))
}
