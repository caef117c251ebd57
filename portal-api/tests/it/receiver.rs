//! A listener: takes deliveries, remembers them, and answers as it is told.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, Response, Uri},
    routing::any,
};
use serde_json::Value;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

/// Nothing that is waited for takes this long.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone, Debug)]
pub struct Received {
    pub at: Instant,
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Of either format.
    pub events: Vec<Value>,
}

impl Received {
    pub fn ids(&self) -> Vec<String> {
        let ids = self.events.iter().map(|event| event["id"].as_str());
        ids.map(|id| id.unwrap().to_owned()).collect()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

/// What a listener answers.
#[derive(Clone, Debug)]
pub struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    delay: Duration,
}

impl Reply {
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: String::new(),
            delay: Duration::ZERO,
        }
    }

    pub fn ok() -> Self {
        Self::status(200)
    }

    pub fn json(body: &Value) -> Self {
        let mut reply = Self::ok().header("content-type", "application/json");
        reply.body = body.to_string();
        reply
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

type Behaviour = Box<dyn FnMut(&Received) -> Reply + Send>;

#[derive(Clone)]
struct Inside {
    received: Arc<Mutex<Vec<Received>>>,
    behaviour: Arc<Mutex<Behaviour>>,
    arrived: Arc<watch::Sender<usize>>,
}

pub struct Receiver {
    pub url: String,
    inside: Inside,
    server: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Receiver {
    pub async fn start(behaviour: impl FnMut(&Received) -> Reply + Send + 'static) -> Self {
        let inside = Inside {
            received: Arc::default(),
            behaviour: Arc::new(Mutex::new(Box::new(behaviour))),
            arrived: Arc::new(watch::Sender::new(0)),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let app = Router::new().fallback(any(take)).with_state(inside.clone());
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            url,
            inside,
            server,
        }
    }

    pub fn behave(&self, behaviour: impl FnMut(&Received) -> Reply + Send + 'static) {
        *self.inside.behaviour.lock().unwrap() = Box::new(behaviour);
    }

    pub fn received(&self) -> Vec<Received> {
        self.inside.received.lock().unwrap().clone()
    }

    /// Every event that came, as often as it came.
    pub fn events(&self) -> Vec<Value> {
        let received = self.received();
        received.into_iter().flat_map(|one| one.events).collect()
    }

    pub fn ids(&self) -> Vec<String> {
        let received = self.received();
        received.iter().flat_map(Received::ids).collect()
    }

    /// Waits until what came is as wanted.
    #[track_caller]
    pub fn until<'a>(
        &'a self,
        what: &'a str,
        wanted: impl Fn(&[Received]) -> bool + 'a,
    ) -> impl Future<Output = Vec<Received>> + 'a {
        let mut arrived = self.inside.arrived.subscribe();
        async move {
            let waiting = async {
                loop {
                    let received = self.received();
                    if wanted(&received) {
                        return received;
                    }
                    arrived.changed().await.unwrap();
                }
            };
            tokio::time::timeout(PATIENCE, waiting)
                .await
                .unwrap_or_else(|_| {
                    let ids = self.ids();
                    panic!("{what} does not happen; {} came: {ids:?}", ids.len())
                })
        }
    }
}

async fn take(
    State(inside): State<Inside>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let events = match serde_json::from_slice(&body) {
        Ok(Value::Array(events)) => events,
        Ok(event @ Value::Object(_)) => vec![event],
        _ => Vec::new(),
    };
    let received = Received {
        at: Instant::now(),
        method,
        path: uri.path().to_owned(),
        headers,
        body,
        events,
    };
    let reply = (inside.behaviour.lock().unwrap())(&received);
    inside.received.lock().unwrap().push(received);
    inside.arrived.send_modify(|count| *count += 1);
    if !reply.delay.is_zero() {
        tokio::time::sleep(reply.delay).await;
    }
    let mut response = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(reply.body)).unwrap()
}
