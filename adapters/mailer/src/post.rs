//! The workers that take letters out of the queue.

use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::{handle::Mailer, rate::Rate, transport::MAX_CONNECTIONS};

/// After this time without mails connections are given back.
const REST: Duration = Duration::from_secs(15);
/// How long mails that are on their way may take after the order to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Sends what is due until `shutdown`, then lets what is on its way arrive.
pub async fn run(mailer: Arc<Mailer>, rate: Rate, shutdown: CancellationToken) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    mailer.measure();
    tokio::select! {
        () = work(&mailer, &rate, &slots) => {}
        () = shutdown.cancelled() => {}
    }
    let all = u32::try_from(MAX_CONNECTIONS).unwrap_or(u32::MAX);
    let _ = tokio::time::timeout(GRACE, slots.acquire_many(all)).await;
}

async fn work(mailer: &Arc<Mailer>, rate: &Rate, slots: &Arc<Semaphore>) {
    loop {
        let Ok(slot) = slots.clone().acquire_owned().await else {
            return;
        };
        let Some(letter) = mailer.queue.next(REST).await else {
            if let Some(configuration) = mailer.current() {
                configuration.transport.rest().await;
            }
            continue;
        };
        rate.wait().await;
        let mailer = mailer.clone();
        tokio::spawn(async move {
            mailer.deliver(letter).await;
            drop(slot);
        });
    }
}
