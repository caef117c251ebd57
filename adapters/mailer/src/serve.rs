//! Starting, following the configuration, stopping.

use std::sync::Arc;

use axum::Router;
use sdk::{Auth, Client, Listener};
use service::{ServiceName, health::Readiness, ops, problem::Problem, token::Identity};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{Settings, handle::Mailer, mails::Mail};

/// Serves until `shutdown`. Waits for portal-api as long as it takes.
pub async fn serve(
    settings: Settings,
    listener: TcpListener,
    readiness: Readiness,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let identity = Identity::new(ServiceName::Mailer, settings.keys.clone());
    let client = Client::new(settings.portal_api.clone(), Auth::Service(identity));
    let mailer = Arc::new(Mailer::new(client.clone(), settings.rate_per_minute));
    let name = ServiceName::Mailer.wire_name();
    let receiver = Listener::new(name, client.clone(), &settings.keys)?
        .events(Mail::KINDS)
        .sensitive()
        .on({
            let mailer = mailer.clone();
            move |event| {
                let mailer = mailer.clone();
                async move { mailer.handle(event).await }
            }
        });
    let app = Router::new()
        .merge(ops::router(name, readiness.clone()))
        .merge(receiver.router())
        .fallback(async || Problem::new(http::StatusCode::NOT_FOUND, "not-found", "Not found."));

    let work = async {
        let mut news = client.watch_configuration();
        if !client.until_up(&readiness, &shutdown).await
            || !news.changed(&shutdown).await
            || !mailer
                .load_first(&settings.data, &readiness, &shutdown)
                .await
            || !receiver
                .register_at(&mailer.url(settings.url.clone()), &readiness, &shutdown)
                .await
        {
            return;
        }
        readiness.ready();
        while news.changed(&shutdown).await {
            if !mailer.load(&settings.data).await {
                news.again();
            }
        }
    };
    // Whatever is waited for, the order to stop ends the wait.
    let work = async {
        tokio::select! {
            () = work => {}
            () = shutdown.cancelled() => {}
        }
    };
    let serving = service::http::serve(ServiceName::Mailer, listener, app, shutdown.clone());
    let (served, ()) = tokio::join!(serving, work);
    served
}
