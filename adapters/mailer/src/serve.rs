//! Starting, following the configuration, stopping.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use axum::Router;
use sdk::{Auth, Client, Listener, types::Secret};
use service::{
    ServiceName, health::Readiness, keys::Purpose, operator::Operators, ops, problem::Problem,
    token::Identity,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{Settings, handle::Mailer, mails::Mail, post, queue::Queue, rate::Rate, routes};

/// How long a delivery waits for mails that are kept in memory only. Those that have not left by
/// then are acknowledged when their events come again, and later events need not wait.
const PATIENCE: Duration = Duration::from_secs(2);

/// Serves until `shutdown`. Waits for portal-api as long as it takes.
pub async fn serve(
    settings: Settings,
    listener: TcpListener,
    readiness: Readiness,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let identity = Identity::new(ServiceName::Mailer, settings.keys.clone());
    let client = Client::new(settings.portal_api.clone(), Auth::Service(identity));
    let rate = Rate::per_minute(settings.rate_per_minute);
    let token = settings.admin_token.as_ref().map(Secret::expose);
    let operators = Operators::new(ServiceName::Mailer, settings.keys.clone(), token);
    let mailer = Arc::new(Mailer::new(
        client.clone(),
        settings.clone(),
        queue(&settings)?,
    ));
    let name = ServiceName::Mailer.wire_name();
    let receiver = Listener::new(name, client.clone(), &settings.keys)?
        .events(Mail::KINDS)
        .sensitive()
        .patience(PATIENCE)
        .on({
            let mailer = mailer.clone();
            move |event| {
                let mailer = mailer.clone();
                async move { mailer.handle(event).await }
            }
        });
    let work_of = mailer.clone();
    let app = Router::new()
        .merge(ops::working(name, readiness.clone(), move || {
            routes::work(&work_of)
        }))
        .merge(receiver.router())
        .merge(routes::routes(mailer.clone(), operators))
        .fallback(async || Problem::new(http::StatusCode::NOT_FOUND, "not-found", "Not found."));

    // On the heap: it holds the whole conversation with a mail server.
    let work = Box::pin(async {
        let mut news = client.watch_configuration();
        if !client.until_up(&readiness, &shutdown).await
            || !news.changed(&shutdown).await
            || !mailer.load_first(&readiness, &shutdown).await
        {
            return;
        }
        // Mails of an earlier process need nobody's registration.
        let posting = post::run(mailer.clone(), rate, shutdown.clone());
        let following = async {
            let url = mailer.url();
            if !receiver.register_at(&url, &readiness, &shutdown).await {
                return;
            }
            readiness.ready();
            while news.changed(&shutdown).await {
                if !mailer.load().await {
                    news.again();
                }
            }
        };
        let following = async {
            tokio::select! {
                () = following => {}
                () = shutdown.cancelled() => {}
            }
        };
        tokio::join!(posting, following);
    });
    let starting = shutdown.clone();
    let serving = service::http::serve(ServiceName::Mailer, listener, app, shutdown.clone());
    let (served, ()) = tokio::join!(serving, until_over(work, starting));
    served
}

/// Whatever is waited for, the order to stop ends the wait, after the time that mails on their way
/// may take.
async fn until_over(work: impl Future<Output = ()>, shutdown: CancellationToken) {
    tokio::select! {
        () = work => {}
        () = async {
            shutdown.cancelled().await;
            tokio::time::sleep(Duration::from_secs(12)).await;
        } => {}
    }
}

fn queue(settings: &Settings) -> anyhow::Result<Queue> {
    let Some(folder) = &settings.state else {
        return Ok(Queue::in_memory());
    };
    let key = settings.keys.derive(&Purpose::Queue(ServiceName::Mailer))?;
    Queue::open(folder, key).with_context(|| format!("the state folder {}", folder.display()))
}
