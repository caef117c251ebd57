//! Running an HTTP server and calling other ones: one server loop, one client per process.

mod authorities;
mod body;
mod correlation;
mod guarded;
mod observe;
mod series;
mod server;
mod site;
mod time_limit;
mod wicked;

use std::{
    net::{IpAddr, SocketAddr},
    sync::OnceLock,
    time::Duration,
};

pub use crate::crypto::install as install_crypto;
pub use authorities::{AuthoritiesError, authorities};
pub use body::{BodyError, innermost, read_at_most};
pub use correlation::{CORRELATION_ID, CorrelationId, current_correlation_id, with_correlation_id};
pub use guarded::{Permissions, Refused, check_foreign_url, guarded_client, is_refused};
pub use observe::OwnLine;
pub use series::Series;
pub use server::{Door, serve, serve_at};
pub use time_limit::{TimeLimit, within};
pub use wicked::WickedMetrics;

/// The client of this process. Clones share one connection pool.
///
/// Redirects are not followed and proxies of the environment are ignored: services talk to
/// configured addresses and to nothing else.
pub fn client() -> reqwest::Client {
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    CLIENT
        .get_or_init(|| builder().build().expect("the settings above are valid"))
        .clone()
}

/// A client of its own that also believes these authorities.
pub fn client_with(
    authorities: Vec<reqwest::Certificate>,
) -> Result<reqwest::Client, reqwest::Error> {
    builder().tls_certs_merge(authorities).build()
}

/// As [`client_with`], and `host` is reached at this address only, whatever its name leads to.
pub fn client_at(
    host: &str,
    address: IpAddr,
    authorities: Vec<reqwest::Certificate>,
) -> Result<reqwest::Client, reqwest::Error> {
    builder()
        .tls_certs_merge(authorities)
        // Without a port that of the URL counts.
        .resolve(host, SocketAddr::new(address, 0))
        .build()
}

fn builder() -> reqwest::ClientBuilder {
    install_crypto();
    reqwest::Client::builder()
        .user_agent(concat!("wicketgate/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(2))
        .timeout(Duration::from_secs(10))
        .pool_idle_timeout(Duration::from_secs(30))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
}
