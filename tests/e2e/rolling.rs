//! Every process of a balanced installation is replaced, one after the other, while people browse and
//! programs call.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use reqwest::{Client, StatusCode};
use tokio::task::JoinHandle;

use crate::{
    journey::Person,
    support::{Installation, Shape, Visitor, eventually},
};

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
    let Some(mut installation) = Installation::start(Shape::Balanced).await else {
        return;
    };
    let ada = Person::sign_up(&installation, "ada@example.org", "Ada Lovelace").await;
    let key = ada
        .subscribe_new_application("ada-shop", "petstore", "free")
        .await;
    drop(ada);
    let load = Load::begin(&installation, &key);
    for _ in 0..times {
        for name in installation.processes() {
            let before = load.count();
            installation.terminate(&name).await;
            installation.start_again(&name);
            installation.until_process_ready(&name).await;
            // HAProxy has seen it, and requests went on.
            eventually("requests go on", async || {
                (load.count() > before + 50).then_some(())
            })
            .await;
        }
    }
    let (count, failures) = load.end().await;
    assert!(
        failures.is_empty(),
        "{} of {count}: {failures:?}",
        failures.len()
    );
    println!("{count} requests, none failed");
}

/// Requests through HAProxy without a pause, until it ends.
struct Load {
    stop: Arc<AtomicBool>,
    count: Arc<AtomicUsize>,
    failures: Arc<Mutex<Vec<String>>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Load {
    fn begin(installation: &Installation, key: &str) -> Self {
        let load = Self {
            stop: Arc::default(),
            count: Arc::default(),
            failures: Arc::default(),
            tasks: Vec::new(),
        };
        let (portal, gateway) = (installation.portal(), installation.gateway());
        // Pages of the portal, with portal-api behind them; the auth server by way of the gateway;
        // an API that wants a key, whose plan is soon used up, which is an answer, too.
        let well_known = "/auth/.well-known/oauth-authorization-server";
        load.go(format!("{portal}/apis"), None, &[200])
            .go(format!("{portal}/apis/petstore"), None, &[200])
            .go(format!("{gateway}{well_known}"), None, &[200])
            .go(
                format!("{gateway}/petstore/v1/pets"),
                Some(key),
                &[200, 429],
            )
            .go(format!("{gateway}/petstore/v1/pets"), None, &[401])
    }

    fn go(mut self, url: String, key: Option<&str>, expected: &'static [u16]) -> Self {
        let client = Visitor::client();
        let key = key.map(str::to_owned);
        let (stop, count) = (self.stop.clone(), self.count.clone());
        let failures = self.failures.clone();
        self.tasks.push(tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let answered = ask(&client, &url, key.as_deref()).await;
                count.fetch_add(1, Ordering::Relaxed);
                match answered {
                    Ok(status) if expected.contains(&status.as_u16()) => {}
                    other => failures.lock().unwrap().push(format!("{url}: {other:?}")),
                }
                // As many as a small installation has, so that the machine is not the limit.
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }));
        self
    }

    fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    async fn end(self) -> (usize, Vec<String>) {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.unwrap();
        }
        let failures = std::mem::take(&mut *self.failures.lock().unwrap());
        (self.count.load(Ordering::Relaxed), failures)
    }
}

async fn ask(client: &Client, url: &str, key: Option<&str>) -> reqwest::Result<StatusCode> {
    let mut request = client.get(url);
    if let Some(key) = key {
        request = request.header("x-apikey", key);
    }
    let answer = request.send().await?;
    let status = answer.status();
    answer.bytes().await?;
    Ok(status)
}
