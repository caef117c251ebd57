//! Registrations (portal-api 11).

use super::{Client, Error};
use crate::types::{
    ListQuery, Page, Registration, Secret,
    registrations::{
        NewPoolInvitation, OpenPoolInvitation, PoolInvitation, PutRegistration, RegistrationsOfUser,
    },
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

    /// `GET /registrations/pools/{pool}/invitations`: the open ones, the oldest first.
    pub async fn pool_invitations(&self, pool: &str) -> Result<Vec<PoolInvitation>, Error> {
        self.get(&["registrations", "pools", pool, "invitations"])
            .json()
            .await
    }

    /// `POST /registrations/pools/{pool}/invitations`
    pub async fn invite_into_pool(
        &self,
        pool: &str,
        new: &NewPoolInvitation,
    ) -> Result<PoolInvitation, Error> {
        self.post(&["registrations", "pools", pool, "invitations"])
            .body(new)
            .json()
            .await
    }

    /// `DELETE /registrations/pools/{pool}/invitations/{id}`
    pub async fn withdraw_pool_invitation(&self, pool: &str, id: &str) -> Result<(), Error> {
        self.delete(&["registrations", "pools", pool, "invitations", id])
            .empty()
            .await
    }

    /// `POST /registrations/pools/{pool}/invitations/{id}/resend`
    pub async fn resend_pool_invitation(
        &self,
        pool: &str,
        id: &str,
    ) -> Result<PoolInvitation, Error> {
        self.post(&["registrations", "pools", pool, "invitations", id, "resend"])
            .json()
            .await
    }

    /// `POST /registrations/invitations/open`: what a token invites to.
    pub async fn open_pool_invitation(&self, token: &Secret) -> Result<PoolInvitation, Error> {
        let token = OpenPoolInvitation {
            token: token.clone(),
        };
        self.post(&["registrations", "invitations", "open"])
            .body(&token)
            .json()
            .await
    }
}
