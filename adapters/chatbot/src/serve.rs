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

use crate::{Settings, handle::Chatbot, messages, queue::Queue, routes};

/// How long a delivery waits for targets whose messages are kept in memory only. The events of the
/// others are acknowledged when they come again, and later events need not wait for them.
const PATIENCE: Duration = Duration::from_millis(500);

/// Serves until `shutdown`. Waits for portal-api as long as it takes.
pub async fn serve(
    settings: Settings,
    listener: TcpListener,
    readiness: Readiness,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let identity = Identity::new(ServiceName::Chatbot, settings.keys.clone());
    let client = Client::new(settings.portal_api.clone(), Auth::Service(identity));
    let token = settings.admin_token.as_ref().map(Secret::expose);
    let operators = Operators::new(ServiceName::Chatbot, settings.keys.clone(), token);
    let queue = queue(&settings)?;
    let chatbot = Arc::new(Chatbot::new(client.clone(), &settings, queue));
    let name = ServiceName::Chatbot.wire_name();
    let receiver = Listener::new(name, client.clone(), &settings.keys)?
        .events(messages::events())
        .patience(PATIENCE)
        .on({
            let chatbot = chatbot.clone();
            move |event| {
                let chatbot = chatbot.clone();
                async move { chatbot.handle(event).await }
            }
        });
    let work_of = chatbot.clone();
    let app = Router::new()
        .merge(ops::working(name, readiness.clone(), move || {
            work_of.work()
        }))
        .merge(receiver.router())
        .merge(routes::routes(chatbot.clone(), operators))
        .fallback(async || Problem::new(http::StatusCode::NOT_FOUND, "not-found", "Not found."));

    let work = async {
        let mut news = client.watch_configuration();
        if !client.until_up(&readiness, &shutdown).await
            || !news.changed(&shutdown).await
            || !chatbot.load_first(&readiness, &shutdown).await
            || !receiver
                .register_at(&chatbot.url(), &readiness, &shutdown)
                .await
        {
            return;
        }
        readiness.ready();
        while news.changed(&shutdown).await {
            if let Err(error) = chatbot.load().await {
                tracing::error!("the old chat settings stay in force: {error}");
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
    let serving = service::http::serve(ServiceName::Chatbot, listener, app, shutdown.clone());
    let (served, ()) = tokio::join!(serving, work);
    served
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
