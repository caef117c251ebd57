//! Web sockets: after the handshake bytes go both ways untouched.

use http::{
    HeaderMap, HeaderValue,
    header::{CONNECTION, UPGRADE},
};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

/// Asks the backend to switch, as the client asked us.
pub fn ask(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

/// Copies until either side ends.
pub fn tunnel(client: OnUpgrade, backend: OnUpgrade) {
    tokio::task::spawn_local(async move {
        let (client, backend) = match tokio::try_join!(client, backend) {
            Ok(both) => both,
            Err(error) => {
                tracing::debug!("a WebSocket was not opened: {error}");
                return;
            }
        };
        let (mut client, mut backend) = (TokioIo::new(client), TokioIo::new(backend));
        if let Err(error) = tokio::io::copy_bidirectional(&mut client, &mut backend).await {
            tracing::debug!("a WebSocket ended: {error}");
        }
    });
}
