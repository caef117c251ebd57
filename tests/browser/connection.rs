//! The ``DevTools`` protocol over a pair of pipes: one JSON object per message, ended by a zero byte.
//!
//! With pipes no port is open and no WebSocket client is needed; the few commands used here do not
//! justify generated types for the whole protocol.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{ChildStdin, ChildStdout},
    sync::oneshot,
};

use crate::watch::Watch;

/// Longer than any command of these tests takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Clones share the pipes.
#[derive(Clone)]
pub struct Connection(Arc<Shared>);

struct Shared {
    to_browser: tokio::sync::Mutex<ChildStdin>,
    last_id: AtomicU64,
    answers: Mutex<HashMap<u64, oneshot::Sender<Value>>>,
    watches: Mutex<HashMap<String, Arc<Watch>>>,
}

impl Connection {
    pub fn over(to_browser: ChildStdin, from_browser: ChildStdout) -> Self {
        let connection = Self(Arc::new(Shared {
            to_browser: tokio::sync::Mutex::new(to_browser),
            last_id: AtomicU64::new(0),
            answers: Mutex::default(),
            watches: Mutex::default(),
        }));
        tokio::spawn(connection.clone().read(from_browser));
        connection
    }

    /// Sends events of `session` to `watch`.
    pub fn watch(&self, session: &str, watch: Arc<Watch>) {
        self.0
            .watches
            .lock()
            .unwrap()
            .insert(session.to_owned(), watch);
    }

    /// Runs a command; the error is the browser's message.
    pub async fn call(
        &self,
        session: Option<&str>,
        method: &str,
        parameters: Value,
    ) -> Result<Value, String> {
        let id = self.0.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let mut message = json!({ "id": id, "method": method, "params": parameters });
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        let (sender, answer) = oneshot::channel();
        self.0.answers.lock().unwrap().insert(id, sender);
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.0
            .to_browser
            .lock()
            .await
            .write_all(&bytes)
            .await
            .map_err(|error| error.to_string())?;
        let mut answer = tokio::time::timeout(PATIENCE, answer)
            .await
            .map_err(|_| format!("{method}: no answer"))?
            .map_err(|_| format!("{method}: the browser is gone"))?;
        match answer.get("error") {
            Some(error) => Err(format!("{method}: {error}")),
            None => Ok(answer["result"].take()),
        }
    }

    async fn read(self, from_browser: ChildStdout) {
        let mut from_browser = BufReader::new(from_browser);
        let mut message = Vec::new();
        while from_browser
            .read_until(0, &mut message)
            .await
            .is_ok_and(|length| length > 0)
        {
            message.pop();
            if let Ok(message) = serde_json::from_slice(&message) {
                self.dispatch(message);
            }
            message.clear();
        }
        // Whoever still waits learns that there will be no answer.
        self.0.answers.lock().unwrap().clear();
    }

    fn dispatch(&self, message: Value) {
        if let Some(id) = message["id"].as_u64() {
            if let Some(sender) = self.0.answers.lock().unwrap().remove(&id) {
                let _ = sender.send(message);
            }
        } else if let (Some(session), Some(method)) =
            (message["sessionId"].as_str(), message["method"].as_str())
        {
            let watch = self.0.watches.lock().unwrap().get(session).cloned();
            if let Some(watch) = watch {
                watch.note(method, &message["params"]);
            }
        }
    }
}
