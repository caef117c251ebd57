//! Which of several adapters works: the one that holds the lease at portal-api. The others stay
//! warm and take over when it ends (events-and-adapters C15).

use std::{sync::Arc, time::Duration};

use sdk::{Client, types::gateway::TakeLease};
use service::{health::Readiness, settings};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::{LISTENER, control::Order, state::Shared};

const TTL_SECONDS: u64 = 30;
/// So that two failed prolongations do not end the lease.
const EVERY: Duration = Duration::from_secs(10);
/// While portal-api has not answered yet.
const FIRST: Duration = Duration::from_millis(50);

/// What this instance does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Portal-api has not been asked successfully.
    Unknown,
    Leader,
    Standby,
}

/// The name of this instance. It is the same after a restart, so that the lease of a process that
/// has died is its successor's at once.
pub fn holder(port: u16) -> String {
    let host = settings::var("HOSTNAME")
        .or_else(|| std::fs::read_to_string("/etc/hostname").ok())
        .unwrap_or_default();
    let host: String = host
        .trim()
        .chars()
        .filter(|sign| sign.is_ascii_alphanumeric() || "-._".contains(*sign))
        .take(100)
        .collect();
    format!("{host}:{port}")
}

/// Keeps the lease, or waits for it, until `shutdown`; then gives it back.
pub async fn run(
    portal: Client,
    holder: String,
    role: watch::Sender<Role>,
    (readiness, shared): (Readiness, Arc<Shared>),
    orders: mpsc::Sender<Order>,
    shutdown: CancellationToken,
) {
    let portal = portal.with_patience(Duration::ZERO);
    let lease = TakeLease {
        holder: holder.clone(),
        ttl_seconds: TTL_SECONDS,
    };
    loop {
        match portal.take_lease(LISTENER, &lease).await {
            Ok(held) => {
                let is_ours = held.is_some();
                if let Some(held) = held {
                    let _ = orders.send(Order::LastSeq(held.last_seq)).await;
                }
                let now = if is_ours { Role::Leader } else { Role::Standby };
                if set(&role, now) {
                    tracing::info!("this adapter is the {now:?} of its installation");
                }
                shared.update_health(|health| health.is_standby = !is_ours);
                if !is_ours {
                    readiness.ready();
                }
            }
            // Without portal-api nobody can take it over either.
            Err(error) if *role.borrow() == Role::Unknown => {
                readiness.waiting(format!("portal-api: {error}"));
            }
            Err(error) => tracing::debug!("the lease could not be prolonged: {error}"),
        }
        let pause = match *role.borrow() {
            Role::Unknown => FIRST,
            Role::Leader | Role::Standby => EVERY,
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shutdown.cancelled() => break,
        }
    }
    if *role.borrow() == Role::Leader {
        // If it cannot be given back, it ends by itself.
        let _ = portal.give_back_lease(LISTENER, &holder).await;
    }
}

/// Whether it had another role. Only then is anybody told: whoever takes over compares everything.
fn set(role: &watch::Sender<Role>, now: Role) -> bool {
    role.send_if_modified(|role| std::mem::replace(role, now) != now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_that_is_prolonged_is_no_news() {
        let (role, mut heard) = watch::channel(Role::Unknown);
        assert!(set(&role, Role::Leader));
        heard.mark_unchanged();
        assert!(!set(&role, Role::Leader));
        assert!(!heard.has_changed().unwrap());
        assert!(set(&role, Role::Standby));
        assert!(heard.has_changed().unwrap());
    }
}
