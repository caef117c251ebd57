//! Counts that several gateways share in a Redis (gateway 8): one script call per request, which
//! checks all periods and counts in all of them or in none.

mod client;

use std::{collections::HashMap, sync::Arc};

use ring::digest;
use tokio::runtime::Handle;
use uuid::Uuid;

pub use client::{Client, RedisConfig};

use super::{
    Limit,
    counters::{Key, Outcome, Who},
    window::Windows,
};

/// Reads all counts; if none has reached its limit, counts in all of them. The expiry is set with
/// the first count.
pub const SCRIPT: &str = "\
local used, open = {}, 1
for i = 1, #KEYS do
  used[i] = tonumber(redis.call('GET', KEYS[i]) or '0')
  if used[i] >= tonumber(ARGV[2 * i - 1]) then open = 0 end
end
if open == 1 then
  for i = 1, #KEYS do
    used[i] = redis.call('INCR', KEYS[i])
    if used[i] == 1 then redis.call('EXPIRE', KEYS[i], ARGV[2 * i]) end
  end
end
used[#KEYS + 1] = open
return used";

/// The store was asked in vain.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the Redis did not answer in time")]
    Timeout,
    #[error("the Redis cannot be reached: {0}")]
    Connection(String),
    #[error("the Redis refused: {0}")]
    Refused(String),
    #[error("the Redis failed a moment ago and is left alone")]
    LeftAlone,
}

/// Counts the request unless a period is used up anywhere.
pub async fn count(
    client: &Arc<Client>,
    key: &Key,
    limits: &[Limit],
    windows: &Windows,
    runtime: &Handle,
) -> Result<Outcome, StoreError> {
    let owner = owner(key);
    let mut keys = Vec::with_capacity(limits.len());
    let mut arguments = Vec::with_capacity(2 * limits.len());
    for limit in limits {
        let start = windows.start(limit.period);
        // In braces is what a cluster finds the place by: it is the same for all periods.
        keys.push(format!(
            "wicketgate:limit:{{{owner}}}:{}:{start}",
            limit.period.name()
        ));
        arguments.push(limit.requests.to_string());
        // Clocks of gateways differ by less than a second; months are longer than they are called.
        let expiry = limit.period.seconds() + 2 + limit.period.seconds() / 10;
        arguments.push(expiry.to_string());
    }
    let answer = client.call(keys, arguments, runtime).await?;
    let mut outcome = Outcome {
        allowed: false,
        used: [0; 6],
    };
    let Some((open, used)) = answer
        .split_last()
        .filter(|(_, used)| used.len() == limits.len())
    else {
        return Err(StoreError::Refused("an answer of another form".to_owned()));
    };
    outcome.allowed = *open == 1;
    for (slot, used) in outcome.used.iter_mut().zip(used) {
        *slot = u32::try_from(*used).unwrap_or(u32::MAX);
    }
    Ok(outcome)
}

fn owner(key: &Key) -> String {
    let who = match &key.who {
        Who::Consumer(id) => format!("consumer:{id}"),
        Who::Credential(id) => format!("credential:{id}"),
        Who::Service(id) => format!("service:{id}"),
        Who::Address(address) => format!("ip:{address}"),
        // What a client says can be of any length, and hold any byte.
        Who::Value(bytes) => {
            let digest = digest::digest(&digest::SHA256, bytes);
            format!("value:{}", hex::encode(&digest.as_ref()[..16]))
        }
    };
    let id = |id: Option<Uuid>| id.unwrap_or_default();
    format!("{}:{}:{who}", id(key.route), id(key.service))
}

/// One client per store, however many plugins count there.
pub fn client(config: RedisConfig) -> Arc<Client> {
    use std::sync::{Mutex, PoisonError, Weak};
    static KNOWN: Mutex<Option<HashMap<RedisConfig, Weak<Client>>>> = Mutex::new(None);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    known.retain(|_, client| client.strong_count() > 0);
    if let Some(client) = known.get(&config).and_then(Weak::upgrade) {
        return client;
    }
    let client = Arc::new(Client::new(config.clone()));
    known.insert(config, Arc::downgrade(&client));
    client
}
