//! Every process of a balanced installation is replaced, one after the other, while people browse and
//! subscribe and programs call.

use service::keys::MasterKey;

use crate::support::{Installation, Load, Requests, Shape, Work, eventually, under_load};

#[tokio::test]
async fn a_rolling_restart_fails_no_request() {
    restart_everything(1).await;
}

#[tokio::test]
#[ignore = "takes minutes"]
async fn three_rolling_restarts_fail_no_request() {
    restart_everything(3).await;
}

async fn restart_everything(times: usize) {
    let Some(installation) = Installation::start(Shape::Balanced).await else {
        return;
    };
    let (requests, work) = under_load(&installation, async |load| {
        for _ in 0..times {
            replace(&installation, load, &installation.processes()).await;
        }
    })
    .await;
    expect_nothing_failed(&installation, &requests, &work).await;
}

/// The three steps of `docs/operations.md`.
#[tokio::test]
#[ignore = "takes minutes"]
async fn the_master_key_is_exchanged_without_a_failed_request() {
    let Some(installation) = Installation::start(Shape::Balanced).await else {
        return;
    };
    let (old, new) = (installation.master_key(), MasterKey::generate().to_text());
    let (requests, work) = under_load(&installation, async |load| {
        for (current, other) in [(&old, new.as_str()), (&new, old.as_str()), (&new, "")] {
            installation.use_master_keys(current, other);
            replace(&installation, load, &installation.processes()).await;
            if other == old {
                until_resealed(&installation, 4).await;
            }
        }
    })
    .await;
    expect_nothing_failed(&installation, &requests, &work).await;
}

/// As the processes that seal something say.
pub async fn until_resealed(installation: &Installation, processes: usize) {
    eventually("nothing is sealed with the other key", async || {
        let log = installation.log();
        let said = log.matches("is sealed with the other master key").count();
        (said >= processes).then_some(())
    })
    .await;
}

/// One process after the other, in this order.
pub async fn replace(installation: &Installation, load: &Load, names: &[String]) {
    for name in names {
        installation.terminate(name).await;
        installation.start_again(name);
        installation.until_process_ready(name).await;
        // HAProxy has seen it, and requests went on.
        load.until_further(50).await;
    }
}

pub async fn expect_nothing_failed(installation: &Installation, requests: &Requests, work: &Work) {
    requests.expect_none_failed();
    work.expect_none_failed();
    work.expect_nothing_lost(installation).await;
    let subscriptions = work.keys.len();
    println!(
        "{} requests and {subscriptions} subscriptions, none failed",
        requests.count
    );
}
