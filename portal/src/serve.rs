//! Starting and stopping.

use service::{ServiceName, health::Readiness};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{Settings, installation, routes, state::App};

/// Runs the portal on `listener` until `shutdown`.
///
/// It answers at once: with a waiting page and a readiness that names the reason as long as
/// portal-api cannot be reached.
pub async fn serve(
    settings: Settings,
    listener: TcpListener,
    readiness: Readiness,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let app = App::new(settings, readiness.clone())?;
    readiness.waiting("portal-api was not asked yet");
    let follower = tokio::spawn(installation::follow(
        app.clone(),
        readiness.clone(),
        shutdown.clone(),
    ));
    let result = service::http::serve(
        ServiceName::Portal,
        listener,
        routes::router(app, readiness, shutdown.clone()),
        shutdown,
    )
    .await;
    follower.abort();
    result
}
