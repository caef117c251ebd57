//! Names of backends. The system's own look-up does not say for how long an answer counts, so name
//! servers are asked directly, as `resolv.conf` says; what they do not know is looked up by the
//! system, which may have other sources.

mod hosts;
mod message;
mod servers;

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::{runtime::Handle, time::timeout};

use message::{A, AAAA, SRV, Service};
use servers::{Servers, Unanswered};

/// How long an answer counts that does not say it.
const UNTOLD: Duration = Duration::from_secs(30);
/// Bounds of what answers say.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_hours(1);
/// A name that is not known is not asked for again at once.
const UNKNOWN_FOR: Duration = Duration::from_secs(1);
/// For all of a look-up.
const PATIENCE: Duration = Duration::from_secs(10);
/// Names come from the configuration; so many are forgotten at once.
const MAX_NAMES: usize = 16_384;

/// Places of one service that are looked at.
const MAX_SERVICES: usize = 32;

/// The name leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unresolved;

/// Looks names up, and remembers the answers as long as they count.
pub struct Resolver {
    /// In the place of those of the system.
    servers: Vec<SocketAddr>,
    known: Mutex<HashMap<Arc<str>, Known>>,
    runtime: Handle,
}

/// What a name leads to; nothing, if it is not known. The port is 0 where the name says none.
struct Known {
    addresses: Arc<[SocketAddr]>,
    until: Instant,
    is_renewed: bool,
}

/// Addresses, with how long they count.
type Found = (Vec<SocketAddr>, Duration);

impl Resolver {
    /// With these name servers, or those of the system if there are none. On the runtime of the
    /// caller, which outlives those of the workers.
    pub fn here(servers: Vec<SocketAddr>) -> Arc<Self> {
        Arc::new(Self {
            servers,
            known: Mutex::default(),
            runtime: Handle::current(),
        })
    }

    /// The addresses of a name, at least one. Nobody waits for newer ones while there are old ones.
    pub async fn addresses(self: &Arc<Self>, host: &str) -> Result<Arc<[SocketAddr]>, Unresolved> {
        if let Some(known) = self.recall(host) {
            return known;
        }
        self.renew(host.into()).await
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Arc<str>, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn recall(self: &Arc<Self>, host: &str) -> Option<Result<Arc<[SocketAddr]>, Unresolved>> {
        let mut all = self.known();
        let known = all.get_mut(host)?;
        let is_over = known.until <= Instant::now();
        if known.addresses.is_empty() {
            return (!is_over).then_some(Err(Unresolved));
        }
        if is_over && !std::mem::replace(&mut known.is_renewed, true) {
            let (resolver, host) = (self.clone(), Arc::from(host));
            self.runtime
                .spawn(async move { resolver.renew(host).await });
        }
        Some(Ok(known.addresses.clone()))
    }

    /// Looks the name up, and remembers what comes of it. Old addresses stay in use when nothing does.
    async fn renew(&self, host: Arc<str>) -> Result<Arc<[SocketAddr]>, Unresolved> {
        let found = timeout(PATIENCE, self.look_up(&host)).await;
        let (addresses, counts) = found.unwrap_or_default();
        let mut all = self.known();
        let before = all.get(&host).map(|known| known.addresses.clone());
        let (addresses, counts) = match before {
            _ if !addresses.is_empty() => (addresses.into(), counts),
            Some(before) => (before, UNKNOWN_FOR),
            None => (Arc::default(), UNKNOWN_FOR),
        };
        if all.len() >= MAX_NAMES {
            all.clear();
        }
        let known = Known {
            addresses: addresses.clone(),
            until: Instant::now() + counts,
            is_renewed: false,
        };
        all.insert(host, known);
        if addresses.is_empty() {
            return Err(Unresolved);
        }
        Ok(addresses)
    }

    async fn look_up(&self, host: &str) -> Found {
        let listed = hosts::find(host).await;
        if !listed.is_empty() {
            return (listed.into_iter().map(without_port).collect(), UNTOLD);
        }
        let asked = if host.starts_with('_') {
            self.ask_for_service(host).await
        } else {
            self.ask(host).await
        };
        match asked {
            Ok(Some(found)) => return found,
            Ok(None) => {}
            Err(Unanswered) => tracing::warn!("no name server says where `{host}` is"),
        }
        match tokio::net::lookup_host((host, 0)).await {
            Ok(found) => (found.collect(), UNTOLD),
            Err(error) => {
                tracing::warn!("cannot resolve `{host}`: {error}");
                Found::default()
            }
        }
    }

    /// What name servers say: nothing, if they say that there is no such name.
    async fn ask(&self, host: &str) -> Result<Option<Found>, Unanswered> {
        let servers = Servers::of_system(&self.servers).await;
        for name in servers.candidates(host) {
            let (four, six) = tokio::join!(servers.ask(&name, A), servers.ask(&name, AAAA));
            // One kind of address is enough.
            let found = match (four, six) {
                (Err(Unanswered), Err(Unanswered)) => return Err(Unanswered),
                (four, six) => [four, six].into_iter().filter_map(Result::ok).flatten(),
            };
            let mut addresses = Vec::new();
            let mut counts = LONGEST;
            for answer in found {
                counts = counts.min(Duration::from_secs(answer.ttl.into()));
                addresses.extend(answer.addresses.into_iter().map(without_port));
            }
            if !addresses.is_empty() {
                return Ok(Some((addresses, counts.max(SHORTEST))));
            }
        }
        Ok(None)
    }

    /// Where a service is offered, `_http._tcp.shop` for example: its addresses with their ports, each as
    /// often as its weight wants it.
    async fn ask_for_service(&self, name: &str) -> Result<Option<Found>, Unanswered> {
        let servers = Servers::of_system(&self.servers).await;
        for name in servers.candidates(name) {
            let Some(answer) = servers.ask(&name, SRV).await? else {
                continue;
            };
            let mut counts = Duration::from_secs(answer.ttl.into());
            let mut addresses = Vec::new();
            for (service, times) in chosen(&answer.services) {
                if let Ok(Some((found, for_as_long))) = self.ask(&service.host).await {
                    counts = counts.min(for_as_long);
                    for mut address in found {
                        address.set_port(service.port);
                        addresses.extend(std::iter::repeat_n(address, times));
                    }
                }
            }
            if !addresses.is_empty() {
                return Ok(Some((addresses, counts.clamp(SHORTEST, LONGEST))));
            }
        }
        Ok(None)
    }
}

fn without_port(address: IpAddr) -> SocketAddr {
    SocketAddr::new(address, 0)
}

/// Those of the highest priority, each with how often it is to be among so and so many.
fn chosen(services: &[Service]) -> Vec<(&Service, usize)> {
    const MOST: u32 = 16;
    let first = services.iter().map(|service| service.priority).min();
    let first = services
        .iter()
        .filter(|service| Some(service.priority) == first);
    let first: Vec<&Service> = first.take(MAX_SERVICES).collect();
    let heaviest = first.iter().map(|service| service.weight).max();
    let heaviest = u32::from(heaviest.unwrap_or_default().max(1));
    let times = |service: &Service| (u32::from(service.weight) * MOST).div_ceil(heaviest).max(1);
    let times = |service| usize::try_from(times(service)).unwrap_or(1);
    let counts: Vec<usize> = first.iter().map(|service| times(service)).collect();
    let is_even = counts.windows(2).all(|pair| pair[0] == pair[1]);
    let counts = counts
        .into_iter()
        .map(|count| if is_even { 1 } else { count });
    first.into_iter().zip(counts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_services_have_their_turn_by_weight() {
        let service = |priority, weight, port| Service {
            priority,
            weight,
            port,
            host: "h".to_owned(),
        };
        for (services, expected) in [
            (vec![], vec![]),
            (
                vec![service(1, 0, 1), service(1, 0, 2)],
                vec![(1, 1), (2, 1)],
            ),
            (vec![service(2, 9, 1), service(1, 0, 2)], vec![(2, 1)]),
            (
                vec![service(1, 10, 1), service(1, 5, 2)],
                vec![(1, 16), (2, 8)],
            ),
            (
                vec![service(1, 60_000, 1), service(1, 1, 2)],
                vec![(1, 16), (2, 1)],
            ),
        ] {
            let chosen = chosen(&services);
            let found: Vec<(u16, usize)> = chosen
                .into_iter()
                .map(|(one, times)| (one.port, times))
                .collect();
            assert_eq!(found, expected);
        }
    }
}
