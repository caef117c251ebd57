//! Access tokens that ended before their time, from the auth servers to each embedded gateway
//! (auth-server, Part 4). Beside the control loop: nothing that it waits for may delay this.
//!
//! For each gateway and auth server one task asks, waits for the answer and hands it on. It keeps
//! nothing but its place: a gateway that has lost something says so, and is told all of it again.

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use kong::admin::Error;
use service::{
    ServiceName,
    backoff::Backoff,
    keys::Keys,
    revocations::{AGE, Feed, Source},
    token::Identity,
};
use tokio::{sync::watch, task::AbortHandle, time::Instant};
use url::Url;

use crate::{gateways::Gateways, lease::Role, node::Node, state::Shared};

/// How often is looked whether there are other gateways or auth servers, or one that lost its list.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Until a gateway is asked again whether it takes such lists.
const ASK_AGAIN: Duration = Duration::from_mins(1);
/// Status of a gateway that misses something.
const CONFLICT: u16 = 409;

pub struct Revocations {
    pub gateways: Gateways,
    pub shared: Arc<Shared>,
    pub role: watch::Receiver<Role>,
    pub keys: Keys,
}

/// Ends with its handle.
struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Revocations {
    /// Goes on until it is dropped.
    pub async fn run(mut self) {
        let identity = Identity::new(ServiceName::GatewayAdapter, self.keys.clone());
        let mut tasks: BTreeMap<(String, Url), Task> = BTreeMap::new();
        loop {
            let (nodes, servers) = if *self.role.borrow_and_update() == Role::Leader {
                let published = self.shared.published();
                (self.gateways.nodes().await, published.auth_servers.clone())
            } else {
                (Vec::new(), BTreeSet::new())
            };
            let mut wanted = BTreeMap::new();
            for node in nodes {
                for server in &servers {
                    wanted.insert((node.address(), server.clone()), node.clone());
                }
            }
            tasks.retain(|pair, _| wanted.contains_key(pair));
            for (pair, node) in wanted {
                tasks.entry(pair).or_insert_with_key(|(_, server)| {
                    let source = Source::new(server, identity.clone());
                    Task(tokio::spawn(follow(node, source)).abort_handle())
                });
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                Ok(()) = self.role.changed() => {}
            }
        }
    }
}

const fn pauses() -> Backoff {
    Backoff::new(Duration::from_millis(50), Duration::from_secs(2))
}

/// Keeps one gateway informed about one auth server's tokens.
async fn follow(node: Node, source: Source) {
    until_embedded(&node).await;
    let age = metrics::gauge!(AGE, "gateway" => node.address());
    let (mut place, mut told) = (Feed::default(), Instant::now());
    let (mut backoff, mut is_held_up) = (pauses(), false);
    loop {
        match hand_on(&node, &source, &place).await {
            Ok(next) => {
                (place, told) = (next, Instant::now());
                (backoff, is_held_up) = (pauses(), false);
                age.set(0.0);
            }
            Err(failed) => {
                if !is_held_up {
                    tracing::warn!(
                        "gateway {} does not learn which access tokens have ended: {failed}",
                        node.address()
                    );
                    is_held_up = true;
                }
                age.set(told.elapsed().as_secs_f64());
                backoff.wait().await;
            }
        }
    }
}

/// Waits for news and tells the gateway; answers with the new place, as a feed without entries.
///
/// While there is no news the gateway is told so now and then: one that has begun anew at the same
/// address notices that it misses something.
async fn hand_on(node: &Node, source: &Source, place: &Feed) -> Result<Feed, String> {
    let mut news = pin!(source.after(place.seq));
    let feed = loop {
        tokio::select! {
            feed = &mut news => break feed.map_err(|error| error.to_string())?,
            () = tokio::time::sleep(LOOK_EVERY), if place.seq > 0 => {
                if !put(node, place).await? {
                    return Ok(Feed::default());
                }
            }
        }
    };
    let next = Feed {
        issuer: feed.issuer.clone(),
        after: feed.seq,
        seq: feed.seq,
        revocations: Vec::new(),
    };
    Ok(if put(node, &feed).await? {
        next
    } else {
        Feed::default()
    })
}

/// False: the gateway misses what came before.
async fn put(node: &Node, feed: &Feed) -> Result<bool, String> {
    match node.put_revocations(feed).await {
        Ok(()) => Ok(true),
        Err(error) if error.status() == Some(CONFLICT) => Ok(false),
        Err(error) => Err(error.to_string()),
    }
}

/// Kong takes no such lists: there tokens count until they end by themselves.
async fn until_embedded(node: &Node) {
    let mut backoff = pauses();
    loop {
        match node.describe().await {
            Ok(described) if described.is_embedded() => return,
            Ok(_) | Err(Error::Refused(_)) => tokio::time::sleep(ASK_AGAIN).await,
            Err(_) => backoff.wait().await,
        }
    }
}
