//! Where the auth servers are that this adapter itself asks something.

use sdk::types::AuthServer;
use url::Url;

/// `<upstream URL>{B}/`, the base of all its addresses inside the network.
pub fn base_url(server: &AuthServer) -> Option<Url> {
    let upstream = server.config.api.upstream_url.as_deref()?;
    let upstream = upstream.trim_end_matches('/');
    Url::parse(&format!("{upstream}{}/", server.base_path()?)).ok()
}
