//! A running mailer.

use std::{num::NonZeroU32, path::Path, time::Duration};

use mailer::{Schedule, Settings};
use sdk::{testing::PortalApi, types::Event};
use serde_json::{Value, json};
use service::{ServiceName, health::Readiness, keys::Keys};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

pub const TOKEN: &str = "the operator's token";

pub struct TestMailer {
    pub portal_api: PortalApi,
    pub url: Url,
    pub readiness: Readiness,
    pub data: tempfile::TempDir,
    running: JoinHandle<anyhow::Result<()>>,
    stop: DropGuard,
}

/// portal-api with these `globals.mailer`; user `ada` exists.
pub async fn portal_api(mailer: Value) -> PortalApi {
    let portal_api = PortalApi::start().await;
    portal_api.answer(
        "GET /globals",
        json!({
            "title": "Acme APIs",
            "network": {"schema": "https", "portalHost": "portal.acme.example", "apiHost": "api.acme.example"},
            "mailer": mailer,
        }),
    );
    portal_api.answer("GET /templates/email", json!({}));
    portal_api.answer(
        "GET /users/ada",
        json!({"id": "ada", "email": "ada@example.org"}),
    );
    portal_api.answer(
        "GET /registrations/pools/wicked/users/ada",
        json!({"items": [{"poolId": "wicked", "userId": "ada", "name": "Ada \"L\" O'Byron\r\nBcc: x@example.org"}], "count": 1}),
    );
    portal_api
}

impl TestMailer {
    /// Starts with `globals.mailer` and without a state folder.
    pub async fn start(mailer: Value) -> Self {
        Self::in_memory(portal_api(mailer).await).await
    }

    pub async fn in_memory(portal_api: PortalApi) -> Self {
        Self::run(portal_api, tempfile::tempdir().unwrap(), |_, _| {}).await
    }

    /// Starts with a queue on disk.
    pub async fn durable(mailer: Value) -> Self {
        let data = tempfile::tempdir().unwrap();
        Self::on_disk(portal_api(mailer).await, data).await
    }

    pub async fn on_disk(portal_api: PortalApi, data: tempfile::TempDir) -> Self {
        Self::run(portal_api, data, |settings, data| {
            settings.state = Some(data.join("state"));
        })
        .await
    }

    pub async fn run(
        portal_api: PortalApi,
        data: tempfile::TempDir,
        change: impl FnOnce(&mut Settings, &Path),
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let (readiness, stop) = (Readiness::new(), CancellationToken::new());
        // Nothing but the keys that `wicketgate keys derive --for mailer` prints.
        let keys = portal_api.keys().needed_by(ServiceName::Mailer).unwrap();
        let keys = Keys::from_derived(&keys).unwrap();
        let mut settings = Settings::new(portal_api.url(), keys, data.path());
        settings.url = Some(url.clone());
        settings.rate_per_minute = NonZeroU32::new(60_000).unwrap();
        settings.retries = Schedule::new(vec![Duration::from_millis(20)]);
        settings.access.admin_token = Some(TOKEN.into());
        change(&mut settings, data.path());
        let running = tokio::spawn(mailer::serve(
            settings,
            listener,
            readiness.clone(),
            stop.clone(),
        ));
        readiness.until_ready().await;
        Self {
            portal_api,
            url,
            readiness,
            data,
            running,
            stop: stop.drop_guard(),
        }
    }

    /// Stops it, and gives back what it leaves behind.
    pub async fn stop(self) -> (PortalApi, tempfile::TempDir) {
        drop(self.stop);
        self.running.await.unwrap().unwrap();
        (self.portal_api, self.data)
    }

    /// Waits until it ends by itself.
    pub async fn ended(self) {
        self.running.await.unwrap().unwrap();
    }

    /// Delivers one event and says whether it was acknowledged.
    pub async fn deliver(&self, event: &Event) -> Delivered {
        let report = self
            .portal_api
            .deliver("mailer", std::slice::from_ref(event))
            .await
            .unwrap();
        match report.failed.first() {
            Some(failure) if failure.retry => Delivered::Retry,
            Some(_) => Delivered::Dead,
            None if report.acked == [event.id.clone()] => Delivered::Acked,
            None => Delivered::Pending,
        }
    }

    /// The mails in the outbox, sorted by file name.
    pub fn outbox(&self) -> Vec<String> {
        mails(&self.data.path().join("outbox"))
    }

    /// Calls an end point for operators.
    pub async fn operate(&self, method: &str, path: &str, body: Value) -> (u16, String) {
        let request = service::http::client()
            .request(method.parse().unwrap(), self.url.join(path).unwrap())
            .bearer_auth(TOKEN)
            .json(&body);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// What `/ping` says, with its status.
    pub async fn ping(&self) -> (u16, Value) {
        let (status, body) = self.operate("GET", "ping", Value::Null).await;
        (status, serde_json::from_str(&body).unwrap())
    }

    pub async fn queue(&self) -> Vec<Value> {
        let (status, body) = self.operate("GET", "queue", Value::Null).await;
        assert_eq!(status, 200);
        let body: Value = serde_json::from_str(&body).unwrap();
        body["items"].as_array().unwrap().clone()
    }

    /// Waits until the queue is as `is_right` says.
    pub async fn until_queue(&self, is_right: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        for _ in 0..2000 {
            let queue = self.queue().await;
            if is_right(&queue) {
                return queue;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the queue is {:?}", self.queue().await)
    }
}

#[derive(Debug, PartialEq, Eq)]
pub enum Delivered {
    Acked,
    Retry,
    Dead,
    Pending,
}

fn mails(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect()
}
