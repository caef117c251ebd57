//! Invitations to work on an application (portal-api B5).

use super::{Client, Error};
use crate::types::{
    Application, Role, Secret,
    applications::ChangeRole,
    invitations::{AcceptInvitation, Invitation, NewInvitation},
};

impl Client {
    /// `GET /applications/{app}/invitations`
    pub async fn invitations(&self, application: &str) -> Result<Vec<Invitation>, Error> {
        self.get(&["applications", application, "invitations"])
            .json()
            .await
    }

    /// `POST /applications/{app}/invitations`
    pub async fn invite(
        &self,
        application: &str,
        email: &str,
        role: Role,
    ) -> Result<Invitation, Error> {
        let new = NewInvitation {
            email: email.to_owned(),
            role: role.as_str().to_owned(),
        };
        self.post(&["applications", application, "invitations"])
            .body(&new)
            .json()
            .await
    }

    /// `DELETE /applications/{app}/invitations/{id}`
    pub async fn withdraw_invitation(&self, application: &str, id: &str) -> Result<(), Error> {
        self.delete(&["applications", application, "invitations", id])
            .empty()
            .await
    }

    /// `POST /applications/{app}/invitations/{id}/resend`
    pub async fn resend_invitation(
        &self,
        application: &str,
        id: &str,
    ) -> Result<Invitation, Error> {
        self.post(&["applications", application, "invitations", id, "resend"])
            .json()
            .await
    }

    /// `POST /invitations/accept`
    pub async fn accept_invitation(&self, token: &Secret) -> Result<Application, Error> {
        let token = AcceptInvitation {
            token: token.clone(),
        };
        self.post(&["invitations", "accept"])
            .body(&token)
            .json()
            .await
    }

    /// `PATCH /applications/{app}/owners/{user}`
    pub async fn change_role(
        &self,
        application: &str,
        user_id: &str,
        role: Role,
    ) -> Result<Application, Error> {
        let role = ChangeRole {
            role: role.as_str().to_owned(),
        };
        self.patch(&["applications", application, "owners", user_id])
            .body(&role)
            .json()
            .await
    }
}
