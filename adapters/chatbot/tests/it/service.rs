//! A running chatbot.

use chatbot::Settings;
use sdk::{
    testing::{PortalApi, event},
    types::{Event, listeners::AckReport},
};
use serde_json::{Value, json};
use service::health::Readiness;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

pub struct TestChatbot {
    pub portal_api: PortalApi,
    pub url: Url,
    _stop: DropGuard,
}

impl TestChatbot {
    /// Starts with these targets; user `ada` exists and has a hostile name.
    pub async fn start(targets: Vec<Value>) -> Self {
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
        portal_api.answer(
            "GET /registrations/pools/wicked/users/ada",
            json!({"items": [{"name": "<!channel> *Ada* @here"}], "count": 1}),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let (readiness, stop) = (Readiness::new(), CancellationToken::new());
        let settings = Settings {
            portal_api: portal_api.url(),
            url: Some(url.clone()),
            keys: portal_api.keys(),
            allowed_networks: vec!["127.0.0.0/8".parse().unwrap()],
        };
        tokio::spawn(chatbot::serve(
            settings,
            listener,
            readiness.clone(),
            stop.clone(),
        ));
        readiness.until_ready().await;
        Self {
            portal_api,
            url,
            _stop: stop.drop_guard(),
        }
    }

    pub async fn deliver(&self, events: &[Event]) -> AckReport {
        self.portal_api.deliver("chatbot", events).await.unwrap()
    }

    /// Delivers until everything is finished, as portal-api does.
    pub async fn deliver_until_acked(&self, event: &Event) {
        while self
            .deliver(std::slice::from_ref(event))
            .await
            .acked
            .is_empty()
        {}
    }
}

pub fn application_added(user: &str) -> Event {
    event(
        "application",
        "add",
        json!({"applicationId": "my_app", "userId": user}),
    )
}
