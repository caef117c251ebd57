//! The visitor's own applications and their subscriptions, which several pages show.

use futures_util::{StreamExt, TryStreamExt, stream};
use http::StatusCode;
use sdk::{
    Client, Optional,
    types::{Application, Subscription},
};

use crate::{failure::Failure, visitor::Visitor};

/// How many calls to portal-api one page makes at the same time.
pub const PARALLEL: usize = 8;
/// People with more applications see the first ones here and all of them in the list.
const MAX_APPLICATIONS: usize = 50;

/// An application with its subscriptions.
#[derive(Clone, Debug)]
pub struct Mine {
    pub application: Application,
    pub subscriptions: Vec<Subscription>,
}

impl Mine {
    pub fn subscription(&self, api: &str) -> Option<&Subscription> {
        self.subscriptions
            .iter()
            .find(|subscription| subscription.api == api)
    }

    /// Whether the visitor may add a subscription.
    pub fn may_subscribe(&self) -> bool {
        self.application.links.contains_key("addSubscription")
    }
}

/// Ids of the applications in which the visitor has a role; none for a guest.
async fn application_ids(visitor: &Visitor) -> Result<Vec<String>, Failure> {
    let Some(user) = visitor.user() else {
        return Ok(Vec::new());
    };
    let user = visitor.client().user(&user.id).await?;
    Ok(user
        .applications
        .into_iter()
        .map(|application| application.id)
        .collect())
}

/// What the visitor may still see: since his list was read, somebody may have taken him out of an
/// application, or deleted it.
fn seen<T>(answer: Result<T, sdk::Error>) -> Result<Option<T>, sdk::Error> {
    match answer {
        Err(error) if error.status() == Some(StatusCode::FORBIDDEN) => Ok(None),
        answer => answer.optional(),
    }
}

/// All applications of the visitor.
pub async fn applications(visitor: &Visitor) -> Result<Vec<Application>, Failure> {
    named(visitor, application_ids(visitor).await?).await
}

/// The applications with these ids, without those that the visitor may not see.
pub async fn named(visitor: &Visitor, ids: Vec<String>) -> Result<Vec<Application>, Failure> {
    let client = &visitor.client();
    let found = stream::iter(ids)
        .map(async |id| seen(client.application(&id).await))
        .buffered(PARALLEL)
        .try_collect::<Vec<_>>()
        .await?;
    Ok(found.into_iter().flatten().collect())
}

/// Applications with their subscriptions, which come without secrets: pages show hints at most.
pub async fn all(visitor: &Visitor) -> Result<Vec<Mine>, Failure> {
    let ids = application_ids(visitor).await?;
    let client = &visitor.client();
    let found = stream::iter(ids.into_iter().take(MAX_APPLICATIONS))
        .map(async |id| one(client, &id).await)
        .buffered(PARALLEL)
        .try_collect::<Vec<_>>()
        .await?;
    Ok(found.into_iter().flatten().collect())
}

async fn one(client: &Client, id: &str) -> Result<Option<Mine>, sdk::Error> {
    let (application, subscriptions) =
        futures_util::try_join!(async { seen(client.application(id).await) }, async {
            seen(client.subscriptions_without_secrets(id).await)
        },)?;
    Ok(application.map(|application| Mine {
        application,
        subscriptions: subscriptions.unwrap_or_default(),
    }))
}
