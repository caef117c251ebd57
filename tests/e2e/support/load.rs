//! Requests without a pause, while something happens to the installation.

use std::{
    collections::BTreeMap,
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt;
use reqwest::{Client, StatusCode};
use tokio::task::JoinHandle;

use super::{Installation, Visitor, eventually};
use crate::journey::Person;

/// What programs call.
const PETS: &str = "/petstore/v1/pets";

/// How much goes on: the time between two requests of a kind, and between two applications that
/// somebody makes.
#[derive(Clone, Copy)]
pub struct Pace {
    pub requests: Duration,
    pub applications: Duration,
}

impl Pace {
    /// As much as a small installation has, so that the machine is not the limit.
    const BUSY: Self = Self {
        requests: Duration::from_millis(20),
        applications: Duration::from_millis(100),
    };
    /// For hours: what one person has made stays within the limits for one person.
    pub const STEADY: Self = Self {
        requests: Duration::from_millis(100),
        applications: Duration::from_secs(15),
    };
}

/// Programs that call and guests who browse, until it ends.
pub struct Load {
    stop: Arc<AtomicBool>,
    pace: Pace,
    count: Arc<AtomicUsize>,
    failures: Arc<Mutex<Vec<String>>>,
    tasks: Vec<JoinHandle<()>>,
}

/// What became of the requests.
pub struct Requests {
    pub count: usize,
    /// What was asked for, and what came instead of the answer.
    pub failures: Vec<String>,
}

impl Load {
    /// Pages of the portal, with portal-api behind them; the auth server by way of the gateway;
    /// an API that wants a key, whose plan is soon used up, which is an answer, too.
    fn begin(installation: &Installation, key: &str, pace: Pace) -> Self {
        let load = Self {
            stop: Arc::default(),
            pace,
            count: Arc::default(),
            failures: Arc::default(),
            tasks: Vec::new(),
        };
        let (portal, gateway) = (installation.portal(), installation.gateway());
        let well_known = "/auth/.well-known/oauth-authorization-server";
        let pets = format!("{gateway}{PETS}");
        load.go(format!("{portal}/apis"), None, &[200])
            .go(format!("{portal}/apis/petstore"), None, &[200])
            .go(format!("{gateway}{well_known}"), None, &[200])
            .go(pets.clone(), Some(key), &[200, 429])
            .go(pets, None, &[401])
    }

    fn go(mut self, url: String, key: Option<&str>, expected: &'static [u16]) -> Self {
        let client = Visitor::client();
        let key = key.map(str::to_owned);
        let (stop, count) = (self.stop.clone(), self.count.clone());
        let (pause, failures) = (self.pace.requests, self.failures.clone());
        self.tasks.push(tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let answered = ask(&client, &url, key.as_deref()).await;
                count.fetch_add(1, Ordering::Relaxed);
                match answered {
                    Ok(status) if expected.contains(&status.as_u16()) => {}
                    other => failures.lock().unwrap().push(format!("{url}: {other:?}")),
                }
                tokio::time::sleep(pause).await;
            }
        }));
        self
    }

    /// Waits until so many more requests have been made.
    pub async fn until_further(&self, requests: usize) {
        let enough = self.count() + requests;
        eventually("requests go on", async || {
            (self.count() >= enough).then_some(())
        })
        .await;
    }

    fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    fn has_ended(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    async fn end(mut self) -> Requests {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks.drain(..) {
            task.await.unwrap();
        }
        Requests {
            count: self.count(),
            failures: std::mem::take(&mut *self.failures.lock().unwrap()),
        }
    }
}

/// Runs `drill` while programs call, guests browse, and somebody logs in and subscribes.
pub async fn under_load(
    installation: &Installation,
    drill: impl AsyncFnOnce(&Load),
) -> (Requests, Work) {
    under_load_of(installation, Pace::BUSY, drill).await
}

pub async fn under_load_of(
    installation: &Installation,
    pace: Pace,
    drill: impl AsyncFnOnce(&Load),
) -> (Requests, Work) {
    let ada = Person::sign_up(installation, "ada@example.org", "Ada Lovelace").await;
    let key = ada
        .subscribe_new_application("ada-shop", "petstore", "free")
        .await;
    let load = Load::begin(installation, &key, pace);
    let work = async {
        drill(&load).await;
        load.stop.store(true, Ordering::Relaxed);
    };
    let (work, ()) = tokio::join!(subscribe_meanwhile(ada, &load), work);
    (load.end().await, work)
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

/// What a person has done meanwhile.
#[derive(Default)]
pub struct Work {
    /// The keys that he was shown, by application: promised by that.
    pub keys: BTreeMap<String, String>,
    /// Rounds that did not come to their end.
    pub failures: Vec<String>,
}

impl Requests {
    /// Those of programs, which need nothing but the gateway and the backend.
    pub fn failed_calls(&self) -> Vec<&String> {
        let is_call = |failure: &&String| failure.contains(PETS);
        self.failures.iter().filter(is_call).collect()
    }

    #[track_caller]
    pub fn expect_none_failed(&self) {
        let (count, failures) = (self.count, &self.failures);
        assert!(
            failures.is_empty(),
            "{} of {count}: {failures:?}",
            failures.len()
        );
    }
}

impl Work {
    #[track_caller]
    pub fn expect_none_failed(&self) {
        assert!(self.failures.is_empty(), "{:?}", self.failures);
        assert!(!self.keys.is_empty(), "nobody has subscribed");
    }

    /// Every key that was shown works, at every gateway.
    pub async fn expect_nothing_lost(&self, installation: &Installation) {
        for (application, key) in &self.keys {
            let works = async |gateway: &str| {
                let call = installation.http.get(format!("{gateway}{PETS}"));
                let answer = call.header("x-apikey", key).send().await;
                answer.is_ok_and(|answer| answer.status() == 200)
            };
            let what = format!("the key of {application} works");
            installation.at_every_gateway(&what, works).await;
        }
    }
}

/// Logs in, makes an application and subscribes it, again and again until `load` ends. A page
/// that is not as expected ends the round.
async fn subscribe_meanwhile(mut person: Person<'_>, load: &Load) -> Work {
    let mut work = Work::default();
    for number in 1.. {
        if load.has_ended() {
            break;
        }
        let name = format!("meanwhile-{number:04}");
        let round = async {
            person.log_in_again().await;
            person.create_application(&name).await;
            let page = person.subscribe(&name, "petstore", "free").await;
            Person::secret(&page).unwrap_or_else(|| panic!("no key:\n{}", page.text()))
        };
        match AssertUnwindSafe(round).catch_unwind().await {
            Ok(key) => {
                work.keys.insert(name, key);
            }
            Err(panic) => {
                let text = panic.downcast_ref::<String>().cloned();
                work.failures.push(text.unwrap_or_default());
            }
        }
        tokio::time::sleep(load.pace.applications).await;
    }
    work
}
