//! Every process of a balanced installation is replaced, one after the other, while people browse and
//! subscribe and programs call.

use crate::support::{Installation, Shape, under_load};

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
            for name in installation.processes() {
                installation.terminate(&name).await;
                installation.start_again(&name);
                installation.until_process_ready(&name).await;
                // HAProxy has seen it, and requests went on.
                load.until_further(50).await;
            }
        }
    })
    .await;
    requests.expect_none_failed();
    work.expect_none_failed();
    work.expect_nothing_lost(&installation).await;
    let subscriptions = work.keys.len();
    println!(
        "{} requests and {subscriptions} subscriptions, none failed",
        requests.count
    );
}
