//! Subscriptions (portal-api 14, 29.3).

use std::time::Duration;

use super::{Client, Error};
use crate::types::{
    ListQuery, Page, Secret, Subscription,
    page::{CursorPage, Walk},
    subscriptions::{
        CreateSubscription, Ended, PatchSubscription, SubscriptionOfClient, SubscriptionWithOwners,
        VerifyClient,
    },
};

/// Of a short answer.
const MAX_ANSWER: usize = 64 << 10;

impl Client {
    /// `GET /subscriptions?embed=1`
    pub async fn all_subscriptions(
        &self,
        query: &ListQuery,
    ) -> Result<Page<SubscriptionWithOwners>, Error> {
        self.get(&["subscriptions"])
            .query(query.pairs(true))
            .json()
            .await
    }

    /// As [`Client::all_subscriptions`], to go through all of them.
    pub async fn walk_subscriptions(
        &self,
        walk: &Walk,
    ) -> Result<CursorPage<SubscriptionWithOwners>, Error> {
        self.get(&["subscriptions"])
            .query(walk.pairs())
            .json()
            .await
    }

    /// `GET /applications/{app}/subscriptions`
    pub async fn subscriptions(&self, application: &str) -> Result<Vec<Subscription>, Error> {
        self.get(&["applications", application, "subscriptions"])
            .json()
            .await
    }

    /// `GET /applications/{app}/subscriptions?secrets=false`: without secrets, so that nobody is on
    /// record for having seen them.
    pub async fn subscriptions_without_secrets(
        &self,
        application: &str,
    ) -> Result<Vec<Subscription>, Error> {
        self.get(&["applications", application, "subscriptions"])
            .query([("secrets", "false")])
            .json()
            .await
    }

    /// `GET /applications/{app}/subscriptions?credentials=true`: the same with all credentials.
    pub async fn subscriptions_with_credentials(
        &self,
        application: &str,
    ) -> Result<Vec<Subscription>, Error> {
        self.get(&["applications", application, "subscriptions"])
            .query([("secrets", "false"), ("credentials", "true")])
            .json()
            .await
    }

    /// `GET /applications/{app}/subscriptions/{api}`
    pub async fn subscription(&self, application: &str, api: &str) -> Result<Subscription, Error> {
        self.get(&["applications", application, "subscriptions", api])
            .json()
            .await
    }

    /// `POST /applications/{app}/subscriptions`; the application is named by the body.
    pub async fn subscribe(
        &self,
        subscription: &CreateSubscription,
    ) -> Result<Subscription, Error> {
        self.post(&["applications", &subscription.application, "subscriptions"])
            .body(subscription)
            .once()
            .json()
            .await
    }

    /// `PATCH /applications/{app}/subscriptions/{api}`
    pub async fn patch_subscription(
        &self,
        application: &str,
        api: &str,
        patch: &PatchSubscription,
    ) -> Result<Subscription, Error> {
        self.patch(&["applications", application, "subscriptions", api])
            .body(patch)
            .json()
            .await
    }

    /// `DELETE /applications/{app}/subscriptions/{api}`; this also declines a request.
    pub async fn unsubscribe(&self, application: &str, api: &str) -> Result<(), Error> {
        self.delete(&["applications", application, "subscriptions", api])
            .empty()
            .await
    }

    /// `GET /subscriptions/{clientId}`
    pub async fn subscription_of_client(
        &self,
        client_id: &str,
    ) -> Result<SubscriptionOfClient, Error> {
        self.get(&["subscriptions", client_id]).json().await
    }

    /// `POST /subscriptions/{clientId}/verify`: checks a client secret without ever showing one.
    pub async fn verify_client(
        &self,
        client_id: &str,
        client_secret: &Secret,
    ) -> Result<SubscriptionOfClient, Error> {
        let body = VerifyClient {
            client_secret: client_secret.clone(),
        };
        self.post(&["subscriptions", client_id, "verify"])
            .body(&body)
            .repeatable()
            .json()
            .await
    }

    /// `GET /apis/{api}/subscriptions`
    pub async fn subscriptions_of_api(
        &self,
        api: &str,
        query: &ListQuery,
    ) -> Result<Page<Subscription>, Error> {
        self.get(&["apis", api, "subscriptions"])
            .query(query.pairs(false))
            .json()
            .await
    }

    /// `DELETE /apis/{api}/subscriptions`: of a deprecated API.
    pub async fn end_subscriptions_of_api(&self, api: &str) -> Result<Ended, Error> {
        self.delete(&["apis", api, "subscriptions"])
            .long(Duration::from_mins(5), MAX_ANSWER)
            .json()
            .await
    }
}
