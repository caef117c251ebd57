//! Credentials of a subscription (portal-api A5).

use super::{Client, Error};
use crate::types::{
    Credential,
    credentials::{CreateCredential, PatchCredential, RotateCredential},
};

impl Client {
    /// `GET /applications/{app}/subscriptions/{api}/credentials`
    pub async fn credentials(
        &self,
        application: &str,
        api: &str,
    ) -> Result<Vec<Credential>, Error> {
        self.get(&[
            "applications",
            application,
            "subscriptions",
            api,
            "credentials",
        ])
        .json()
        .await
    }

    /// `POST …/credentials`: the answer is the only one that holds the secret.
    pub async fn create_credential(
        &self,
        application: &str,
        api: &str,
        credential: &CreateCredential,
    ) -> Result<Credential, Error> {
        self.post(&[
            "applications",
            application,
            "subscriptions",
            api,
            "credentials",
        ])
        .body(credential)
        .once()
        .json()
        .await
    }

    /// `PATCH …/credentials/{id}`
    pub async fn patch_credential(
        &self,
        application: &str,
        api: &str,
        id: &str,
        patch: &PatchCredential,
    ) -> Result<Credential, Error> {
        self.patch(&[
            "applications",
            application,
            "subscriptions",
            api,
            "credentials",
            id,
        ])
        .body(patch)
        .json()
        .await
    }

    /// `POST …/credentials/{id}/rotate`: answers with the new one.
    pub async fn rotate_credential(
        &self,
        application: &str,
        api: &str,
        id: &str,
        rotation: &RotateCredential,
    ) -> Result<Credential, Error> {
        self.post(&[
            "applications",
            application,
            "subscriptions",
            api,
            "credentials",
            id,
            "rotate",
        ])
        .body(rotation)
        .once()
        .json()
        .await
    }

    /// `DELETE …/credentials/{id}?reason=`
    pub async fn revoke_credential(
        &self,
        application: &str,
        api: &str,
        id: &str,
        reason: Option<&str>,
    ) -> Result<(), Error> {
        self.delete(&[
            "applications",
            application,
            "subscriptions",
            api,
            "credentials",
            id,
        ])
        .query(reason.map(|reason| ("reason", reason)))
        .empty()
        .await
    }
}
