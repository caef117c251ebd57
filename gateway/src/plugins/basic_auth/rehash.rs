//! Hashes taken over from Kong are weak. They are replaced as soon as the password is seen
//! (gateway D8).

use kong::Kind;
use serde_json::{Map, json};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::store::{Key, Store};

/// Passwords that wait; further ones are hashed when they are seen next.
const MAX_WAITING: usize = 64;

/// A credential with the hash that it gets.
pub type Rehashed = (Uuid, String);

pub fn channel() -> (mpsc::Sender<Rehashed>, mpsc::Receiver<Rehashed>) {
    mpsc::channel(MAX_WAITING)
}

/// Stores new hashes until nobody sends any.
pub async fn run(store: Store, mut waiting: mpsc::Receiver<Rehashed>) {
    while let Some((credential, hash)) = waiting.recv().await {
        let changes = Map::from_iter([("password".to_owned(), json!(hash))]);
        let now = service::clock::now().timestamp_millis();
        let stored = store
            .write(move |tables| {
                tables.merge(Kind::BasicAuth, &Key::Id(credential), changes, now)?;
                Ok(())
            })
            .await;
        if let Err(error) = stored {
            tracing::warn!(credential.id = %credential, "a password keeps its old hash: {error}");
        }
    }
}
