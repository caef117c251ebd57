//! Applications and their owners (portal-api 13).

use super::{Client, Error};
use crate::types::{
    Application, ListQuery, Page, Role,
    applications::{AddOwner, CreateApplication, PatchApplication, RoleDescription},
    page::Id,
};

impl Client {
    /// `GET /applications?embed=1`
    pub async fn applications(&self, query: &ListQuery) -> Result<Page<Application>, Error> {
        self.get(&["applications"])
            .query(query.pairs(true))
            .json()
            .await
    }

    /// `GET /applications`: ids only.
    pub async fn application_ids(&self, query: &ListQuery) -> Result<Page<Id>, Error> {
        self.get(&["applications"])
            .query(query.pairs(false))
            .json()
            .await
    }

    /// `POST /applications`
    pub async fn create_application(
        &self,
        application: &CreateApplication,
    ) -> Result<Application, Error> {
        self.post(&["applications"])
            .body(application)
            .once()
            .json()
            .await
    }

    /// `GET /applications/{app}`
    pub async fn application(&self, id: &str) -> Result<Application, Error> {
        self.get(&["applications", id]).json().await
    }

    /// `PATCH /applications/{app}`. What is empty is cleared, what is absent stays.
    pub async fn patch_application(
        &self,
        id: &str,
        patch: &PatchApplication,
    ) -> Result<Application, Error> {
        // The contract wants the id repeated in the body.
        let patch = PatchApplication {
            id: Some(id.to_owned()),
            ..patch.clone()
        };
        self.patch(&["applications", id]).merge(&patch).json().await
    }

    /// `DELETE /applications/{app}`
    pub async fn delete_application(&self, id: &str) -> Result<(), Error> {
        self.delete(&["applications", id]).empty().await
    }

    /// `GET /applications/roles`
    pub async fn roles(&self) -> Result<Vec<RoleDescription>, Error> {
        self.get(&["applications", "roles"]).json().await
    }

    /// `POST /applications/{app}/owners`
    pub async fn add_owner(&self, id: &str, email: &str, role: Role) -> Result<Application, Error> {
        let owner = AddOwner {
            email: email.to_owned(),
            role: role.to_string(),
        };
        self.post(&["applications", id, "owners"])
            .body(&owner)
            .json()
            .await
    }

    /// `DELETE /applications/{app}/owners?userEmail=`
    pub async fn delete_owner(&self, id: &str, email: &str) -> Result<Application, Error> {
        self.delete(&["applications", id, "owners"])
            .query([("userEmail", email)])
            .json()
            .await
    }
}
