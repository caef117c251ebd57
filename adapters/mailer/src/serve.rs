//! Starting, following the configuration, stopping.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use sdk::listener::EventService;
use service::{ServiceName, health::Readiness, keys::Purpose, ops};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{Settings, handle::Mailer, mails::Mail, post, queue::Queue, rate::Rate, routes};

/// How long a delivery waits for mails that are kept in memory only. Those that have not left by
/// then are acknowledged when their events come again, and later events need not wait.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long mails on their way may take after the order to stop.
const GRACE: Duration = Duration::from_secs(12);

/// Serves until `shutdown`. Waits for portal-api as long as it takes.
pub async fn serve(
    settings: Settings,
    socket: TcpListener,
    readiness: Readiness,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let service = EventService::new(
        ServiceName::Mailer,
        settings.portal_api.clone(),
        &settings.keys,
        &settings.access,
        readiness,
        &shutdown,
    );
    let rate = Rate::per_minute(settings.rate_per_minute);
    let queue = queue(&settings)?;
    let mailer = Arc::new(Mailer::new(service.client().clone(), settings, queue));
    let receiver = service
        .listener()?
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
    let (name, shown) = (ServiceName::Mailer.wire_name(), mailer.clone());
    let ping = ops::working(name, service.readiness().clone(), move || {
        routes::work(&shown)
    });
    let routes = ping.merge(routes::routes(mailer.clone(), service.operators()));

    let starting = service.clone();
    let registering = async { starting.register(&receiver, &mailer.url()).await };
    // Mails of an earlier process need nobody's registration.
    let posting = post::run(mailer.clone(), rate, service.shutdown().clone());
    // On the heap: it holds the whole conversation with a mail server.
    let work = Box::pin(starting.follow(|| mailer.load(), registering, posting));
    service
        .serve(socket, receiver.clone(), routes, work, GRACE)
        .await
}

fn queue(settings: &Settings) -> anyhow::Result<Queue> {
    let Some(folder) = &settings.state else {
        return Ok(Queue::in_memory());
    };
    let key = settings.keys.derive(&Purpose::Queue(ServiceName::Mailer))?;
    Queue::open(folder, key).with_context(|| format!("the state folder {}", folder.display()))
}
