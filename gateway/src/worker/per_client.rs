use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

const SHARDS: usize = 32;

/// How many connections each client has, at all workers together (gateway 10.11). Looked at when a
/// connection begins and ends, never for a request.
pub struct PerClient {
    /// 0: nobody counts.
    most: u32,
    hasher: RandomState,
    shards: [Mutex<HashMap<IpAddr, u32>>; SHARDS],
}

/// A counted connection.
pub struct Place {
    clients: Arc<PerClient>,
    client: IpAddr,
}

impl PerClient {
    pub fn new(most: u32) -> Arc<Self> {
        Arc::new(Self {
            most,
            hasher: RandomState::new(),
            shards: std::array::from_fn(|_| Mutex::default()),
        })
    }

    /// Nothing if the client has as many as it may have.
    pub fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let client = client_of(address);
        if self.most > 0 {
            let mut counts = self.shard(client);
            let count = counts.entry(client).or_default();
            if *count >= self.most {
                return None;
            }
            *count += 1;
        }
        Some(Place {
            clients: self.clone(),
            client,
        })
    }

    fn shard(&self, client: IpAddr) -> MutexGuard<'_, HashMap<IpAddr, u32>> {
        let number = crate::numbers::part_of(self.hasher.hash_one(client), SHARDS);
        self.shards[number]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.clients.most == 0 {
            return;
        }
        let mut counts = self.clients.shard(self.client);
        if let Some(count) = counts.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.client);
            }
        }
    }
}

/// A network of IPv6 is one client: whoever has one address of it has all of them.
fn client_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let bits = address.to_bits() & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from_bits(bits))
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_given_back() {
        let clients = PerClient::new(2);
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let one = clients.enter(address("2001:db8::1")).unwrap();
        let other = clients.enter(address("2001:db8::2")).unwrap();
        assert!(clients.enter(address("2001:db8::3")).is_none());
        assert!(clients.enter(address("2001:db8:0:1::1")).is_some());
        drop(one);
        assert!(clients.enter(address("2001:db8::3")).is_some());
        drop(other);
        let left = clients
            .shards
            .iter()
            .map(|shard| shard.lock().unwrap().len());
        assert_eq!(left.sum::<usize>(), 0);
    }
}
