//! Users and logins (portal-api 8, 9.3, 17.5).

use std::net::IpAddr;

use http::HeaderName;

use super::{Client, Error, Optional, call::malformed};
use crate::types::{
    ListQuery, Page, Secret, User,
    applications::ApplicationOfUser,
    page::{CursorPage, Walk},
    users::{
        CreateUser, Login, PatchUser, Preferences, Unsubscribe, Unsubscribed, UserExport,
        UserSummary,
    },
};

const VERIFICATION: HeaderName = HeaderName::from_static("x-verificationid");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

impl Client {
    /// `GET /users`
    pub async fn users(&self, query: &ListQuery) -> Result<Page<UserSummary>, Error> {
        self.get(&["users"]).query(query.pairs(false)).json().await
    }

    /// `GET /users?email=`
    pub async fn user_by_email(&self, email: &str) -> Result<Option<UserSummary>, Error> {
        self.find_user("email", email).await
    }

    /// `GET /users?customId=`
    pub async fn user_by_custom_id(&self, custom_id: &str) -> Result<Option<UserSummary>, Error> {
        self.find_user("customId", custom_id).await
    }

    /// `GET /users?approverOf=`: who may decide about requests for an API.
    pub async fn approvers_of_api(&self, api: &str) -> Result<Vec<UserSummary>, Error> {
        self.get(&["users"])
            .query([("approverOf", api)])
            .json()
            .await
    }

    async fn find_user(&self, by: &str, value: &str) -> Result<Option<UserSummary>, Error> {
        let users: Result<Vec<UserSummary>, Error> =
            self.get(&["users"]).query([(by, value)]).json().await;
        Ok(users.optional()?.and_then(|users| users.into_iter().next()))
    }

    /// `POST /users`
    pub async fn create_user(&self, user: &CreateUser) -> Result<User, Error> {
        self.post(&["users"]).body(user).once().json().await
    }

    /// `GET /users/{id}`
    pub async fn user(&self, id: &str) -> Result<User, Error> {
        self.get(&["users", id]).json().await
    }

    /// `PATCH /users/{id}`
    pub async fn patch_user(&self, id: &str, patch: &PatchUser) -> Result<User, Error> {
        self.patch(&["users", id]).body(patch).json().await
    }

    /// `PATCH /users/{id}` on the strength of a verification: only `password` or `validated`.
    pub async fn patch_user_by_verification(
        &self,
        id: &str,
        verification: &Secret,
        patch: &PatchUser,
    ) -> Result<(), Error> {
        self.patch(&["users", id])
            .header(VERIFICATION, verification.expose())
            .body(patch)
            .empty()
            .await
    }

    /// `DELETE /users/{id}`
    pub async fn delete_user(&self, id: &str) -> Result<(), Error> {
        self.delete(&["users", id]).empty().await
    }

    /// `DELETE /users/{id}/password`
    pub async fn delete_password(&self, id: &str) -> Result<(), Error> {
        self.delete(&["users", id, "password"]).empty().await
    }

    /// `POST /login`. `source` is the browser's address, for the brake on failed attempts.
    pub async fn login(
        &self,
        email: &str,
        password: &Secret,
        source: Option<IpAddr>,
    ) -> Result<User, Error> {
        let login = Login {
            email: Some(email.to_owned()),
            username: None,
            password: Some(password.clone()),
        };
        let mut call = self.post(&["login"]).body(&login);
        if let Some(source) = source {
            call = call.header(REAL_IP, source.to_string());
        }
        let users: Vec<User> = call.json().await?;
        let user = users.into_iter().next();
        user.ok_or_else(|| malformed("POST /login", "it holds no user"))
    }

    /// `POST /users/machine`: an account for a service.
    pub async fn create_machine_user(&self, user: &CreateUser) -> Result<User, Error> {
        self.post(&["users", "machine"]).body(user).json().await
    }

    /// `GET /users/{id}/applications`: those on which the user has a role, with their subscriptions.
    pub async fn walk_applications_of_user(
        &self,
        id: &str,
        walk: &Walk,
    ) -> Result<CursorPage<ApplicationOfUser>, Error> {
        self.get(&["users", id, "applications"])
            .query(walk.pairs())
            .json()
            .await
    }

    /// `GET /users/{id}/export`
    pub async fn export_user(&self, id: &str) -> Result<UserExport, Error> {
        self.get(&["users", id, "export"]).json().await
    }

    /// `DELETE /users/{id}?applications=`: applications that only he owns get the new owner, or go.
    pub async fn delete_user_with_applications(
        &self,
        id: &str,
        new_owner: Option<&str>,
    ) -> Result<(), Error> {
        let applications = match new_owner {
            Some(owner) => format!("transfer:{owner}"),
            None => "delete".to_owned(),
        };
        self.delete(&["users", id])
            .query([("applications", applications)])
            .empty()
            .await
    }

    /// `GET /users/{id}/preferences`
    pub async fn preferences(&self, id: &str) -> Result<Preferences, Error> {
        self.get(&["users", id, "preferences"]).json().await
    }

    /// `POST /unsubscribe`: the user of a link in a mail does not want mails of its kind any more.
    pub async fn stop_mails(&self, token: &str) -> Result<Unsubscribed, Error> {
        let token = Unsubscribe {
            token: token.to_owned(),
        };
        self.post(&["unsubscribe"]).body(&token).json().await
    }

    /// `PUT /users/{id}/preferences`
    pub async fn put_preferences(
        &self,
        id: &str,
        preferences: &Preferences,
    ) -> Result<Preferences, Error> {
        self.put(&["users", id, "preferences"])
            .body(preferences)
            .json()
            .await
    }
}
