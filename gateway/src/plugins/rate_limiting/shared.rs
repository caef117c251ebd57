//! Counts that several gateways share in a Redis (gateway 8): one script call per request, which
//! checks all periods and counts in all of them or in none.

mod client;
mod synced;

use std::{
    sync::{Arc, Mutex, atomic::Ordering::Relaxed},
    time::Duration,
};

use ring::digest;
use tokio::runtime::Handle;
use uuid::Uuid;

pub use client::{Client, RedisConfig};
pub use synced::Synced;

use super::{
    FAILURES, Limit,
    counters::{Key, Outcome, Who},
    window::{Period, Windows},
};
use crate::plugins::shared::{Known, one_for};
use client::Script;

/// What can be done with counts, each in one step.
const SCRIPTS: [&str; 2] = [COUNT, ADD];

/// Adds to all counts, and answers what they are then.
const ADD: &str = "\
local used = {}
for i = 1, #KEYS do
  local more = tonumber(ARGV[2 * i - 1])
  if more > 0 then
    used[i] = redis.call('INCRBY', KEYS[i], more)
    if used[i] == more then redis.call('EXPIRE', KEYS[i], ARGV[2 * i]) end
  else
    used[i] = tonumber(redis.call('GET', KEYS[i]) or '0')
  end
end
return used";

/// Reads all counts; if none has reached its limit, counts in all of them. The expiry is set with
/// the first count.
const COUNT: &str = "\
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

impl StoreError {
    /// Says so, but not for each request while the store is left alone.
    pub fn report(&self) {
        FAILURES.fetch_add(1, Relaxed);
        if !matches!(self, Self::LeftAlone) {
            tracing::error!("rate limits cannot be counted: {self}");
        }
    }
}

/// Counts the request unless a period is used up anywhere.
pub async fn count(
    client: &Arc<Client>,
    key: &Key,
    limits: &[Limit],
    windows: &Windows,
    runtime: &Handle,
) -> Result<Outcome, StoreError> {
    let counts = limits
        .iter()
        .map(|limit| (limit.period, windows.start(limit.period), limit.requests));
    let (keys, arguments) = keys(key, counts);
    let answer = client.call(Script::Count, keys, arguments, runtime).await?;
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

/// Adds so many to each window, by its start; what is used up then.
pub async fn add(
    client: &Arc<Client>,
    key: &Key,
    counts: impl Iterator<Item = (Period, i64, u32)>,
    runtime: &Handle,
) -> Result<Vec<u32>, StoreError> {
    let (keys, arguments) = keys(key, counts);
    let expected = keys.len();
    let answer = client.call(Script::Add, keys, arguments, runtime).await?;
    if answer.len() != expected {
        return Err(StoreError::Refused("an answer of another form".to_owned()));
    }
    let used = answer.into_iter();
    Ok(used
        .map(|used| u32::try_from(used).unwrap_or(u32::MAX))
        .collect())
}

/// Names of the counts, and for each a number and how long it is kept.
fn keys(key: &Key, counts: impl Iterator<Item = (Period, i64, u32)>) -> (Vec<String>, Vec<String>) {
    let owner = owner(key);
    let (mut keys, mut arguments) = (Vec::new(), Vec::new());
    for (period, start, number) in counts {
        // In braces is what a cluster finds the place by: it is the same for all periods.
        keys.push(format!(
            "wicketgate:limit:{{{owner}}}:{}:{start}",
            period.name()
        ));
        arguments.push(number.to_string());
        // Clocks of gateways differ by less than a second; months are longer than they are called.
        let expiry = period.seconds() + 2 + period.seconds() / 10;
        arguments.push(expiry.to_string());
    }
    (keys, arguments)
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
    let name = match &key.name {
        Some(name) => format!(":{name}"),
        None => String::new(),
    };
    format!("{}:{}:{who}{name}", id(key.route), id(key.service))
}

/// One client per store, however many plugins count there.
pub fn client(config: RedisConfig) -> Arc<Client> {
    static KNOWN: Known<RedisConfig, Client> = Mutex::new(None);
    one_for(&KNOWN, config, |config| Client::new(config.clone()))
}

/// One set of counts per store and interval, so that a change of a plugin loses none.
pub fn synced(config: RedisConfig, every: Duration) -> Arc<Synced> {
    static KNOWN: Known<(RedisConfig, Duration), Synced> = Mutex::new(None);
    one_for(&KNOWN, (config, every), |(config, every)| {
        Synced::new(client(config.clone()), *every)
    })
}
