//! Where a request came from: the browser's address, seen through our own gateway.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use axum::extract::{ConnectInfo, FromRef, FromRequestParts};
use http::request::Parts;
use ipnet::IpNet;

use crate::state::AppState;

/// The address that counts for limits and audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    pub address: IpAddr,
}

/// The last address in `X-Forwarded-For` that is none of our proxies', if the connection comes
/// from one of them; else the peer itself. What stands further left was written by strangers.
fn resolve(peer: IpAddr, forwarded: Option<&str>, proxies: &[IpNet]) -> IpAddr {
    let is_proxy = |address: &IpAddr| proxies.iter().any(|net| net.contains(address));
    let peer = peer.to_canonical();
    if !is_proxy(&peer) {
        return peer;
    }
    let mut last = peer;
    for part in forwarded.unwrap_or_default().rsplit(',') {
        let Ok(address) = part.trim().parse::<IpAddr>() else {
            break;
        };
        last = address.to_canonical();
        if !is_proxy(&last) {
            break;
        }
    }
    last
}

impl<S> FromRequestParts<S> for Peer
where
    AppState: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let state = AppState::from_ref(state);
        let peer = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.0.ip());
        let forwarded = parts
            .headers
            .get("x-forwarded-for")
            .and_then(|value| value.to_str().ok());
        Ok(Self {
            address: resolve(peer, forwarded, &state.settings.trusted_proxies),
        })
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_our_own_proxies_are_believed() {
        let proxies = [
            "127.0.0.0/8".parse().unwrap(),
            "10.0.0.0/8".parse().unwrap(),
        ];
        let resolve = |peer: &str, forwarded| {
            super::resolve(peer.parse().unwrap(), forwarded, &proxies).to_string()
        };
        assert_eq!(resolve("192.0.2.1", Some("198.51.100.9")), "192.0.2.1");
        assert_eq!(resolve("127.0.0.1", None), "127.0.0.1");
        assert_eq!(
            resolve("127.0.0.1", Some("1.2.3.4, 192.0.2.7, 10.1.1.1")),
            "192.0.2.7"
        );
        assert_eq!(resolve("::ffff:127.0.0.1", Some("192.0.2.7")), "192.0.2.7");
        assert_eq!(resolve("127.0.0.1", Some("junk")), "127.0.0.1");
    }
}
