//! Consent (portal-api 16).

use super::{Client, Error};
use crate::types::{
    Grant, Page,
    grants::{PutGrants, ScopeToGrant},
};

impl Client {
    /// `GET /grants/{user}`
    pub async fn grants(&self, user: &str) -> Result<Vec<Grant>, Error> {
        let page: Page<Grant> = self.get(&["grants", user]).json().await?;
        Ok(page.items)
    }

    /// `DELETE /grants/{user}`: all of them.
    pub async fn delete_grants(&self, user: &str) -> Result<(), Error> {
        self.delete(&["grants", user]).empty().await
    }

    /// `GET /grants/{user}/applications/{app}/apis/{api}`
    pub async fn grant(&self, user: &str, application: &str, api: &str) -> Result<Grant, Error> {
        self.get(&["grants", user, "applications", application, "apis", api])
            .json()
            .await
    }

    /// `PUT /grants/{user}/applications/{app}/apis/{api}`: replaces the list of scopes.
    pub async fn put_grant(
        &self,
        user: &str,
        application: &str,
        api: &str,
        grants: Vec<ScopeToGrant>,
    ) -> Result<(), Error> {
        let grants = PutGrants { grants };
        self.put(&["grants", user, "applications", application, "apis", api])
            .body(&grants)
            .empty()
            .await
    }

    /// `DELETE /grants/{user}/applications/{app}/apis/{api}`
    pub async fn delete_grant(
        &self,
        user: &str,
        application: &str,
        api: &str,
    ) -> Result<(), Error> {
        self.delete(&["grants", user, "applications", application, "apis", api])
            .empty()
            .await
    }
}
