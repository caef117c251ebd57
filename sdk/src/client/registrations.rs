//! Registrations (portal-api 11).

use super::{Client, Error};
use crate::types::{
    ListQuery, Page, Registration,
    registrations::{PutRegistration, RegistrationsOfUser},
};

impl Client {
    /// `GET /registrations/pools/{pool}`; `namespace` is mandatory for pools that have them.
    pub async fn registrations_of_pool(
        &self,
        pool: &str,
        namespace: Option<&str>,
        query: &ListQuery,
    ) -> Result<Page<Registration>, Error> {
        self.get(&["registrations", "pools", pool])
            .query(query.pairs(true))
            .query(namespace.map(|namespace| ("namespace", namespace)))
            .json()
            .await
    }

    /// `GET /registrations/pools/{pool}/users/{user}`: all namespaces; empty when there is none.
    pub async fn registrations(&self, pool: &str, user: &str) -> Result<Vec<Registration>, Error> {
        let page: Page<Registration> = self
            .get(&["registrations", "pools", pool, "users", user])
            .json()
            .await?;
        Ok(page.items)
    }

    /// `GET /registrations/users/{user}`
    pub async fn registrations_of_user(&self, user: &str) -> Result<RegistrationsOfUser, Error> {
        self.get(&["registrations", "users", user]).json().await
    }

    /// `PUT /registrations/pools/{pool}/users/{user}`: creates or replaces.
    pub async fn put_registration(
        &self,
        pool: &str,
        user: &str,
        registration: &PutRegistration,
    ) -> Result<(), Error> {
        self.put(&["registrations", "pools", pool, "users", user])
            .body(registration)
            .empty()
            .await
    }

    /// `DELETE /registrations/pools/{pool}/users/{user}`
    pub async fn delete_registration(
        &self,
        pool: &str,
        user: &str,
        namespace: Option<&str>,
    ) -> Result<(), Error> {
        self.delete(&["registrations", "pools", pool, "users", user])
            .query(namespace.map(|namespace| ("namespace", namespace)))
            .empty()
            .await
    }
}
