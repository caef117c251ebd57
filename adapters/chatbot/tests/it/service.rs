//! A running chatbot.

use chatbot::Settings;
use sdk::{
    testing::{PortalApi, event},
    types::{Event, listeners::AckReport},
};
use serde_json::{Value, json};
use service::{ServiceName, health::Readiness, keys::Keys};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

pub const TOKEN: &str = "the operator's token";

pub struct TestChatbot {
    pub portal_api: PortalApi,
    pub url: Url,
    running: JoinHandle<anyhow::Result<()>>,
    stop: DropGuard,
}

/// portal-api with these targets; user `ada` exists and has a hostile name.
pub async fn portal_api(targets: Vec<Value>) -> PortalApi {
    let portal_api = PortalApi::start().await;
    portal_api.answer(
        "GET /globals",
        json!({
            "title": "Acme APIs",
            "network": {"schema": "https", "portalHost": "portal.acme.example"},
            "chatbot": {"useChatbot": true, "username": "Acme", "icon_url": "https://acme.example/i.png", "targets": targets},
        }),
    );
    portal_api.answer(
        "GET /templates/chatbot",
        json!({"applicationAdded": "{{name}} made <{{applicationLink}}|{{applicationId}}>"}),
    );
    portal_api.answer(
        "GET /users/ada",
        json!({"id": "ada", "email": "ada@example.org"}),
    );
    named(&portal_api, "<!channel> *Ada* @here");
    portal_api
}

/// Gives `ada` a name.
pub fn named(portal_api: &PortalApi, name: &str) {
    portal_api.answer(
        "GET /registrations/pools/wicked/users/ada",
        json!({"items": [{"name": name}], "count": 1}),
    );
}

impl TestChatbot {
    /// Starts with these targets and without a state folder.
    pub async fn start(targets: Vec<Value>) -> Self {
        Self::run(portal_api(targets).await, |_| {}).await
    }

    pub async fn run(portal_api: PortalApi, change: impl FnOnce(&mut Settings)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let (readiness, stop) = (Readiness::new(), CancellationToken::new());
        // Nothing but the keys that `wicketgate keys derive --for chatbot` prints.
        let keys = portal_api.keys().needed_by(ServiceName::Chatbot).unwrap();
        let keys = Keys::from_derived(&keys).unwrap();
        let mut settings = Settings::new(portal_api.url(), keys);
        settings.url = Some(url.clone());
        settings.allowed_networks = vec!["127.0.0.0/8".parse().unwrap()];
        settings.access.admin_token = Some(TOKEN.into());
        change(&mut settings);
        let running = tokio::spawn(chatbot::serve(
            settings,
            listener,
            readiness.clone(),
            stop.clone(),
        ));
        readiness.until_ready().await;
        Self {
            portal_api,
            url,
            running,
            stop: stop.drop_guard(),
        }
    }

    pub async fn stop(self) -> PortalApi {
        drop(self.stop);
        self.running.await.unwrap().unwrap();
        self.portal_api
    }

    /// Waits until it ends by itself.
    pub async fn ended(self) {
        self.running.await.unwrap().unwrap();
    }

    pub async fn deliver(&self, events: &[Event]) -> AckReport {
        self.portal_api.deliver("chatbot", events).await.unwrap()
    }

    /// Delivers until everything is finished, as portal-api does.
    pub async fn deliver_until_acked(&self, event: &Event) {
        loop {
            let report = self.deliver(std::slice::from_ref(event)).await;
            let dead = report.failed.iter().find(|failure| !failure.retry);
            assert!(dead.is_none(), "{dead:?}");
            if !report.acked.is_empty() {
                return;
            }
        }
    }

    /// Calls an end point for operators.
    pub async fn operate(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let request = service::http::client()
            .request(method.parse().unwrap(), self.url.join(path).unwrap())
            .bearer_auth(TOKEN)
            .json(&body);
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or_default())
    }
}

pub fn application_added(user: &str) -> Event {
    event(
        "application",
        "add",
        json!({"applicationId": "my_app", "userId": user}),
    )
}
