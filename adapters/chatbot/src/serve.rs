//! Starting, following the configuration, stopping.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use sdk::listener::EventService;
use service::{ServiceName, health::Readiness, keys::Purpose, ops};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{Settings, handle::Chatbot, messages, queue::Queue, routes, watch};

/// How long a delivery waits for targets whose messages are kept in memory only. The events of the
/// others are acknowledged when they come again, and later events need not wait for them.
const PATIENCE: Duration = Duration::from_millis(500);

/// Serves until `shutdown`. Waits for portal-api as long as it takes.
pub async fn serve(
    settings: Settings,
    socket: TcpListener,
    readiness: Readiness,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let service = EventService::new(
        ServiceName::Chatbot,
        settings.portal_api.clone(),
        &settings.keys,
        &settings.access,
        readiness,
        &shutdown,
    );
    let queue = queue(&settings)?;
    let chatbot = Arc::new(Chatbot::new(service.client().clone(), &settings, queue));
    let receiver = service
        .listener()?
        .events(messages::events())
        .patience(PATIENCE)
        .on({
            let chatbot = chatbot.clone();
            move |event| {
                let chatbot = chatbot.clone();
                async move { chatbot.handle(event).await }
            }
        });
    let (name, shown) = (ServiceName::Chatbot.wire_name(), chatbot.clone());
    let ping = ops::working(name, service.readiness().clone(), move || shown.work());
    let routes = ping.merge(routes::routes(chatbot.clone(), service.operators()));

    let starting = service.clone();
    let registering = async { starting.register(&receiver, &chatbot.url()).await };
    let watching = watch::run(chatbot.clone(), settings.look_every);
    // On the heap: it holds a whole round of the watch.
    let work = Box::pin(starting.follow(|| chatbot.load(), registering, watching));
    service
        .serve(socket, receiver.clone(), routes, work, Duration::ZERO)
        .await
}

fn queue(settings: &Settings) -> anyhow::Result<Queue> {
    let Some(folder) = &settings.state else {
        return Ok(Queue::in_memory());
    };
    let key = settings
        .keys
        .derive(&Purpose::Queue(ServiceName::Chatbot))?;
    Queue::open(folder, key).with_context(|| format!("the state folder {}", folder.display()))
}
