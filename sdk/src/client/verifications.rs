//! Verifications (portal-api 17, D10).

use super::{Client, Error};
use crate::types::{
    Secret, Verification,
    verifications::{ConsumeVerification, CreateVerification, Kind},
};

impl Client {
    /// `POST /verifications`. `link` holds the literal `{{id}}`, `language` is that of the page. An
    /// unknown address is no error.
    pub async fn create_verification(
        &self,
        kind: Kind,
        email: &str,
        link: &str,
        language: Option<&str>,
    ) -> Result<(), Error> {
        let verification = CreateVerification {
            kind: kind.as_str().to_owned(),
            email: email.to_owned(),
            link: Some(link.to_owned()),
            language: language.map(str::to_owned),
        };
        self.post(&["verifications"])
            .body(&verification)
            .once()
            .empty()
            .await
    }

    /// `GET /verifications`
    pub async fn verifications(&self) -> Result<Vec<Verification>, Error> {
        self.get(&["verifications"]).json().await
    }

    /// `GET /verifications/{id}`
    pub async fn verification(&self, id: &Secret) -> Result<Verification, Error> {
        self.get(&["verifications", id.expose()]).json().await
    }

    /// `DELETE /verifications/{id}`
    pub async fn delete_verification(&self, id: &Secret) -> Result<(), Error> {
        self.delete(&["verifications", id.expose()]).empty().await
    }

    /// `POST /verifications/consume`: works once. With a password it must be one for that.
    pub async fn consume_verification(
        &self,
        token: &Secret,
        password: Option<&Secret>,
    ) -> Result<(), Error> {
        let body = ConsumeVerification {
            token: token.clone(),
            password: password.cloned(),
        };
        self.post(&["verifications", "consume"])
            .body(&body)
            .empty()
            .await
    }
}
