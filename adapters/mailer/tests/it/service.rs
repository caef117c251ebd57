//! A running mailer.

use std::{num::NonZeroU32, path::Path};

use mailer::Settings;
use sdk::{testing::PortalApi, types::Event};
use serde_json::{Value, json};
use service::health::Readiness;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

pub struct TestMailer {
    pub portal_api: PortalApi,
    pub url: Url,
    pub readiness: Readiness,
    pub data: tempfile::TempDir,
    _stop: DropGuard,
}

impl TestMailer {
    /// Starts with `globals.mailer`; user `ada` exists.
    pub async fn start(mailer: Value) -> Self {
        let portal_api = PortalApi::start().await;
        portal_api.answer(
            "GET /globals",
            json!({
                "title": "Acme APIs",
                "network": {"schema": "https", "portalHost": "portal.acme.example", "apiHost": "api.acme.example"},
                "mailer": mailer,
            }),
        );
        portal_api.answer(
            "GET /users/ada",
            json!({"id": "ada", "email": "ada@example.org"}),
        );
        portal_api.answer(
            "GET /registrations/pools/wicked/users/ada",
            json!({"items": [{"poolId": "wicked", "userId": "ada", "name": "Ada \"L\" O'Byron\r\nBcc: x@example.org"}], "count": 1}),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let (readiness, stop) = (Readiness::new(), CancellationToken::new());
        let data = tempfile::tempdir().unwrap();
        let settings = Settings {
            portal_api: portal_api.url(),
            url: Some(url.clone()),
            keys: portal_api.keys(),
            data: data.path().to_owned(),
            rate_per_minute: NonZeroU32::new(6000).unwrap(),
        };
        tokio::spawn(mailer::serve(
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
            _stop: stop.drop_guard(),
        }
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
