//! Usage: delivering and reading it (portal-api 29.3, 29.5).

use super::{Client, Error};
use crate::types::usage::{Limit, Usage, UsageBatch, UsageQuery};

impl Client {
    /// `POST /usage/records`. The batch id makes a second arrival harmless.
    pub async fn post_usage(&self, batch: &UsageBatch) -> Result<(), Error> {
        self.post(&["usage", "records"])
            .body(batch)
            .repeatable()
            .empty()
            .await
    }

    /// `GET /usage`: the whole installation.
    pub async fn usage(&self, query: &UsageQuery) -> Result<Usage, Error> {
        self.usage_at(&["usage"], query).await
    }

    /// `GET /apis/{api}/usage`
    pub async fn usage_of_api(&self, api: &str, query: &UsageQuery) -> Result<Usage, Error> {
        self.usage_at(&["apis", api, "usage"], query).await
    }

    /// `GET /applications/{app}/usage`
    pub async fn usage_of_application(
        &self,
        application: &str,
        query: &UsageQuery,
    ) -> Result<Usage, Error> {
        self.usage_at(&["applications", application, "usage"], query)
            .await
    }

    /// `GET /applications/{app}/subscriptions/{api}/usage`
    pub async fn usage_of_subscription(
        &self,
        application: &str,
        api: &str,
        query: &UsageQuery,
    ) -> Result<Usage, Error> {
        self.usage_at(
            &["applications", application, "subscriptions", api, "usage"],
            query,
        )
        .await
    }

    /// `GET /applications/{app}/subscriptions/{api}/limits`
    pub async fn limits(&self, application: &str, api: &str) -> Result<Vec<Limit>, Error> {
        self.get(&["applications", application, "subscriptions", api, "limits"])
            .json()
            .await
    }

    async fn usage_at(&self, segments: &[&str], query: &UsageQuery) -> Result<Usage, Error> {
        let pairs = [
            ("from", query.from.map(|from| from.to_string())),
            ("to", query.to.map(|to| to.to_string())),
            ("step", query.step.clone()),
            ("by", query.by.clone()),
        ];
        let given = pairs
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        self.get(segments).query(given).json().await
    }
}
