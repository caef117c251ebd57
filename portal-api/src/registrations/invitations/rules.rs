//! Decisions about invitations into pools, without I/O.

use config::{Configuration, pools::Pool};
use sdk::types::registrations::NewPoolInvitation;

use crate::{ApiError, invitations::rules::MAX_TOKEN, users::email};

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

/// The address of a request, as it is stored.
pub fn address(request: &NewPoolInvitation) -> Result<String, ApiError> {
    let address = email::fold(&request.email);
    if email::is_valid(&address) {
        return Ok(address);
    }
    let message = "`email` is not a mail address such as name@example.org.";
    Err(ApiError::invalid("email", "format", message))
}

/// Refuses what cannot be a token; `field` is where it stood.
pub fn check_token(field: &str, token: &str) -> Result<(), ApiError> {
    if token.len() <= MAX_TOKEN {
        return Ok(());
    }
    let message = format!("`{field}` is longer than a token of an invitation.");
    Err(ApiError::invalid(field, "length", message))
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
