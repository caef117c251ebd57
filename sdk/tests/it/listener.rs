use std::sync::{Arc, Mutex};

use axum::Router;
use http::StatusCode;
use sdk::{
    Auth, Client, Listener, Outcome,
    listener::Receiver,
    testing::{PortalApi, event},
    types::{Event, Mode},
};
use serde_json::json;
use service::{ServiceName, health::Readiness, token::Identity};
use tokio::{net::TcpListener, sync::Notify};
use tokio_util::sync::CancellationToken;
use url::Url;

fn listener(api: &PortalApi) -> Listener {
    let identity = Identity::new(ServiceName::Mailer, api.keys());
    let client = Client::new(api.url(), Auth::Service(identity));
    Listener::new("mailer", client, &api.keys()).unwrap()
}

/// Serves the receiver without registering it.
async fn serve(receiver: &Receiver) -> Url {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", socket.local_addr().unwrap())).unwrap();
    let app: Router = receiver.router();
    tokio::spawn(service::http::serve(
        ServiceName::Mailer,
        socket,
        app,
        CancellationToken::new(),
    ));
    url
}

async fn start(receiver: &Receiver) {
    let url = serve(receiver).await;
    assert!(
        receiver
            .register_at(&url, &Readiness::new(), &CancellationToken::new())
            .await
    );
}

fn user_added() -> Event {
    event("user", "add", json!({"userId": "ada"}))
}

/// The kinds of handled events, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn add(&self, event: &Event) {
        self.0.lock().unwrap().push(event.id.clone());
    }

    fn ids(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn events_are_handled_once_and_in_order() {
    let api = PortalApi::start().await;
    let log = Log::default();
    let handled = log.clone();
    let receiver = listener(&api).sensitive().on(move |event| {
        handled.add(&event);
        async { Outcome::Done }
    });
    start(&receiver).await;
    let registration = api.registered("mailer").await;
    assert_eq!(
        (registration.mode, registration.sensitive),
        (Some(Mode::Ack), Some(true))
    );

    let mut events: Vec<Event> = (0..5).map(|_| user_added()).collect();
    for (event, seq) in events.iter_mut().zip([3, 1, 5, 2, 4]) {
        event.seq = Some(seq);
    }
    let report = api.deliver("mailer", &events).await.unwrap();
    assert_eq!(report.acked.len(), 5);
    assert_eq!(api.deliver("mailer", &events).await.unwrap().acked.len(), 5);
    events.sort_by_key(|event| event.seq);
    assert_eq!(
        log.ids(),
        events.into_iter().map(|event| event.id).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn failures_and_panics_touch_only_their_own_event() {
    let api = PortalApi::start().await;
    let receiver = listener(&api).on(async |event| match event.text("do") {
        Some("panic") => panic!("as asked"),
        Some("retry") => Outcome::Retry("later".to_owned()),
        Some("dead") => Outcome::Dead("never".to_owned()),
        _ => Outcome::Done,
    });
    start(&receiver).await;
    let events: Vec<Event> = ["panic", "retry", "dead", "work"]
        .map(|what| event("user", "add", json!({"do": what})))
        .into();
    let report = api.deliver("mailer", &events).await.unwrap();
    assert_eq!(report.acked, [events[3].id.clone()]);
    let failed: Vec<_> = report
        .failed
        .iter()
        .map(|failure| (failure.id.as_str(), failure.retry))
        .collect();
    assert_eq!(
        failed,
        [
            (events[0].id.as_str(), true),
            (events[1].id.as_str(), true),
            (events[2].id.as_str(), false)
        ]
    );
}

#[tokio::test]
async fn unfinished_work_goes_on_and_is_acknowledged_later() {
    let api = PortalApi::start().await;
    let (finish, log) = (Arc::new(Notify::new()), Log::default());
    let (finished, handled) = (finish.clone(), log.clone());
    let receiver = listener(&api)
        .patience(std::time::Duration::ZERO)
        .on(move |event| {
            handled.add(&event);
            let finished = finished.clone();
            async move {
                Outcome::When(Box::pin(async move {
                    finished.notified().await;
                    Outcome::Done
                }))
            }
        });
    start(&receiver).await;
    let event = user_added();
    for _ in 0..2 {
        let report = api
            .deliver("mailer", std::slice::from_ref(&event))
            .await
            .unwrap();
        assert!(report.acked.is_empty() && report.failed.is_empty());
    }
    finish.notify_one();
    while api
        .deliver("mailer", std::slice::from_ref(&event))
        .await
        .unwrap()
        .acked
        .is_empty()
    {}
    assert_eq!(log.ids().len(), 1);
}

#[tokio::test]
async fn in_the_compatible_mode_finished_events_are_acknowledged_at_once() {
    let api = PortalApi::start().await;
    let receiver = listener(&api).explicit().on_batch(async |events| {
        let first = events.len().min(2);
        (0..first).map(|_| Outcome::Done).collect()
    });
    start(&receiver).await;
    let events: Vec<Event> = (0..3).map(|_| user_added()).collect();
    api.deliver("mailer", &events).await.unwrap();
    let expected: Vec<_> = events[..2].iter().map(|event| event.id.clone()).collect();
    assert_eq!(
        api.acknowledged(),
        expected,
        "the third has no outcome and stays"
    );
}

#[tokio::test]
async fn before_registration_and_without_signature_nothing_is_accepted() {
    let api = PortalApi::start().await;
    let receiver = listener(&api).on(async |_| Outcome::Done);
    let url = serve(&receiver).await;
    let post = || service::http::client().post(url.clone()).body("[]").send();
    assert_eq!(
        post().await.unwrap().status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert!(
        receiver
            .register_at(&url, &Readiness::new(), &CancellationToken::new())
            .await
    );
    assert_eq!(post().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let big = service::http::client()
        .post(url.clone())
        .body(vec![b' '; 3 << 20])
        .send()
        .await;
    assert_eq!(big.unwrap().status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn an_unsigned_delivery_is_only_a_hint_to_read_the_queue() {
    let api = PortalApi::start().await;
    let log = Log::default();
    let handled = log.clone();
    let identity = Identity::new(ServiceName::Mailer, api.keys());
    let client = Client::new(api.url(), Auth::Service(identity));
    let receiver = Listener::with_secrets("mailer", client, sdk::signature::Secrets::default()).on(
        move |event| {
            handled.add(&event);
            async { Outcome::Done }
        },
    );
    start(&receiver).await;
    let queued = user_added();
    api.answer("GET /webhooks/events/mailer?limit=100", json!([]));
    api.answer_once("GET /webhooks/events/mailer?limit=100", json!([queued]));
    let forged = serde_json::to_string(&[user_added()]).unwrap();
    let url = api.registered("mailer").await.url.unwrap();
    let response = service::http::client()
        .post(url)
        .body(forged)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(log.ids(), [queued.id]);
}

/// Serves it with reading of the queue after 20 ms without deliveries.
async fn start_polling(api: &PortalApi, log: &Log, mode: Mode) -> Receiver {
    let handled = log.clone();
    let receiver = listener(api)
        .with(|registration| registration.mode = Some(mode))
        .poll_every(std::time::Duration::from_millis(20))
        .on(move |event| {
            handled.add(&event);
            let outcome = match event.text("do") {
                Some("dead") => Outcome::Dead("never".to_owned()),
                _ => Outcome::Done,
            };
            async { outcome }
        });
    start(&receiver).await;
    let polling = receiver.clone();
    tokio::spawn(async move { polling.poll().await });
    receiver
}

#[tokio::test]
async fn without_deliveries_the_queue_is_read_and_what_is_done_is_acknowledged() {
    service::metrics::recorder();
    let api = PortalApi::start().await;
    let (good, bad) = (user_added(), event("user", "add", json!({"do": "dead"})));
    let log = Log::default();
    api.answer("GET /webhooks/events/mailer?limit=100", json!([]));
    start_polling(&api, &log, Mode::Ack).await;
    api.answer("GET /webhooks/events/mailer?limit=100", json!([good, bad]));
    api.until(|api| !api.acknowledged().is_empty()).await;
    let polls = |api: &PortalApi| {
        let calls = api.calls();
        calls
            .iter()
            .filter(|call| call.starts_with("GET /webhooks/events"))
            .count()
    };
    let before = polls(&api);
    api.until(|api| polls(api) > before + 2).await;
    assert_eq!(
        log.ids(),
        [good.id.clone(), bad.id.clone()],
        "nothing is done twice"
    );
    assert!(
        !api.acknowledged().contains(&bad.id),
        "it is no dead letter yet"
    );
    let report = api
        .deliver("mailer", std::slice::from_ref(&bad))
        .await
        .unwrap();
    assert!(!report.failed[0].retry, "the next delivery makes it one");
    let metrics = service::metrics::render();
    for line in [
        r#"wicketgate_queue_poll_total{listener="mailer",result="ok"}"#,
        r#"wicketgate_ack_total{listener="mailer",result="ok"}"#,
    ] {
        assert!(metrics.contains(line), "{metrics}");
    }
}

#[tokio::test]
async fn a_listener_that_was_forgotten_registers_again() {
    let api = PortalApi::start().await;
    start_polling(&api, &Log::default(), Mode::Ack).await;
    let registrations = |api: &PortalApi| {
        let calls = api.calls();
        calls
            .iter()
            .filter(|call| call.starts_with("PUT /webhooks/listeners/"))
            .count()
    };
    // The queue of an unknown listener is 404.
    api.until(|api| registrations(api) > 2).await;
}
