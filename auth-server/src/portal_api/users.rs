//! Users: login, sign-up, mail links, registrations, consent.

use std::net::IpAddr;

use http::StatusCode;
use sdk::{
    Optional,
    types::{
        Registration, Secret, User, Verification,
        grants::{Grant, GrantedScope, ScopeToGrant},
        registrations::{PoolInvitation, PutRegistration},
        users::{CreateUser, PatchUser},
        verifications::Kind,
    },
};
use serde_json::Value;
use ui::Lang;

use crate::federated::Identity;

use super::{PortalApi, PortalApiError};

/// What came of a name and a password.
pub enum LoginOutcome {
    Right(Box<User>),
    /// Unknown name, wrong password, no password: outside they must not differ.
    Refused,
    /// portal-api's own brake.
    Braked {
        retry_after: u64,
    },
}

/// What came of something a person typed.
pub enum SaveOutcome<T> {
    Saved(T),
    /// It is against a rule; one sentence for the person.
    Invalid(String),
    /// It exists already.
    Taken,
}

impl PortalApi {
    /// Checks name and password. `address` is the browser's.
    pub async fn login(
        &self,
        username: &str,
        password: &str,
        address: IpAddr,
    ) -> Result<LoginOutcome, PortalApiError> {
        let password = Secret::new(password);
        match self.0.sdk.login(username, &password, Some(address)).await {
            Ok(user) => Ok(LoginOutcome::Right(Box::new(user))),
            Err(PortalApiError::Api(error)) => match error.status {
                StatusCode::TOO_MANY_REQUESTS => Ok(LoginOutcome::Braked {
                    retry_after: error.retry_after.map_or(60, |after| after.as_secs()),
                }),
                StatusCode::NOT_FOUND | StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST => {
                    Ok(LoginOutcome::Refused)
                }
                _ => Err(error.into()),
            },
            Err(error) => Err(error),
        }
    }

    pub async fn user(&self, id: &str) -> Result<Option<User>, PortalApiError> {
        self.0.sdk.user(id).await.optional()
    }

    /// Creates a local account; mails to it are in `language`.
    pub async fn create_user(
        &self,
        email: &str,
        password: &str,
        validated: bool,
        language: Lang,
    ) -> Result<SaveOutcome<User>, PortalApiError> {
        let user = CreateUser {
            email: Some(email.to_owned()),
            password: Some(Secret::new(password)),
            validated: Some(validated),
            groups: Some(Vec::new()),
            language: Some(language.tag().to_owned()),
            ..CreateUser::default()
        };
        saved(self.0.sdk.create_user(&user).await)
    }

    pub async fn user_by_custom_id(&self, custom_id: &str) -> Result<Option<User>, PortalApiError> {
        match self.0.sdk.user_by_custom_id(custom_id).await? {
            Some(found) => self.user(&found.id).await,
            None => Ok(None),
        }
    }

    /// Creates the account of somebody whom a provider knows; `language` is that of the page.
    pub async fn create_federated_user(
        &self,
        custom_id: &str,
        identity: &Identity,
        email: &str,
        language: Option<Lang>,
    ) -> Result<SaveOutcome<User>, PortalApiError> {
        let user = CreateUser {
            email: Some(email.to_owned()),
            custom_id: Some(custom_id.to_owned()),
            validated: Some(identity.email_verified),
            groups: Some(identity.groups.clone()),
            language: language.map(|language| language.tag().to_owned()),
            ..CreateUser::default()
        };
        saved(self.0.sdk.create_user(&user).await)
    }

    pub async fn set_groups(
        &self,
        user_id: &str,
        groups: Vec<String>,
    ) -> Result<SaveOutcome<User>, PortalApiError> {
        let patch = PatchUser {
            groups: Some(groups),
            ..PatchUser::default()
        };
        saved(self.0.sdk.patch_user(user_id, &patch).await)
    }

    /// Gives a user a new password of his own choice.
    pub async fn change_password(
        &self,
        user_id: &str,
        password: &str,
    ) -> Result<SaveOutcome<User>, PortalApiError> {
        let patch = PatchUser {
            password: Some(Secret::new(password)),
            must_change_password: Some(false),
            ..PatchUser::default()
        };
        saved(self.0.sdk.patch_user(user_id, &patch).await)
    }

    /// Has a mail sent that proves an address, or lets its owner choose a new password; `language`
    /// is that of the page.
    pub async fn create_verification(
        &self,
        kind: Kind,
        email: &str,
        link: &str,
        language: impl Into<Option<Lang>>,
    ) -> Result<(), PortalApiError> {
        let language = language.into().map(Lang::tag);
        let made = self.0.sdk.create_verification(kind, email, link, language);
        match made.await {
            // A federated user has no password to reset; outside this must not show.
            Err(error) if error.status() == Some(StatusCode::BAD_REQUEST) => Ok(()),
            other => other,
        }
    }

    /// What a mail link stands for.
    pub async fn verification(&self, id: &str) -> Result<Option<Verification>, PortalApiError> {
        self.0.sdk.verification(&Secret::new(id)).await.optional()
    }

    /// Uses a mail link up.
    pub async fn consume_verification(
        &self,
        id: &str,
        password: Option<&str>,
    ) -> Result<SaveOutcome<()>, PortalApiError> {
        let password = password.map(Secret::new);
        let id = Secret::new(id);
        saved(
            self.0
                .sdk
                .consume_verification(&id, password.as_ref())
                .await,
        )
    }

    pub async fn registrations(
        &self,
        pool: &str,
        user_id: &str,
    ) -> Result<Vec<Registration>, PortalApiError> {
        self.0.sdk.registrations(pool, user_id).await
    }

    /// What a namespace is called; nothing if it does not exist any more.
    pub async fn namespace(
        &self,
        pool: &str,
        namespace: &str,
    ) -> Result<Option<String>, PortalApiError> {
        let found = self.0.sdk.namespace(pool, namespace).await.optional()?;
        Ok(found.map(|found| {
            let description = found.get("description").and_then(Value::as_str);
            let description = description.filter(|text| !text.is_empty());
            description.unwrap_or(namespace).to_owned()
        }))
    }

    pub async fn put_registration(
        &self,
        pool: &str,
        user_id: &str,
        registration: &PutRegistration,
    ) -> Result<SaveOutcome<()>, PortalApiError> {
        saved(
            self.0
                .sdk
                .put_registration(pool, user_id, registration)
                .await,
        )
    }

    /// What the token of an invitation invites to.
    pub async fn invitation(&self, token: &str) -> Result<Option<PoolInvitation>, PortalApiError> {
        let opened = self.0.sdk.open_pool_invitation(&Secret::new(token)).await;
        opened.optional()
    }

    /// The scopes that a user granted to an application.
    pub async fn granted_scopes(
        &self,
        user_id: &str,
        application: &str,
        api: &str,
    ) -> Result<Vec<String>, PortalApiError> {
        let granted = self.granted(user_id, application, api).await?;
        Ok(granted.into_iter().map(|one| one.scope).collect())
    }

    /// As [`Self::granted_scopes`], with when each ends.
    pub async fn granted(
        &self,
        user_id: &str,
        application: &str,
        api: &str,
    ) -> Result<Vec<GrantedScope>, PortalApiError> {
        let grant = self.0.sdk.grant(user_id, application, api).await;
        Ok(grant
            .optional()?
            .map_or_else(Vec::new, |grant| grant.grants))
    }

    /// The name to show for an application, if it still exists.
    pub async fn application_name(&self, id: &str) -> Result<Option<String>, PortalApiError> {
        let application = self.0.sdk.application(id).await.optional()?;
        Ok(application
            .map(|application| application.name)
            .filter(|name| !name.is_empty()))
    }

    pub async fn grants(&self, user_id: &str) -> Result<Vec<Grant>, PortalApiError> {
        self.0.sdk.grants(user_id).await
    }

    pub async fn put_grant(
        &self,
        user_id: &str,
        application: &str,
        api: &str,
        scopes: Vec<ScopeToGrant>,
    ) -> Result<(), PortalApiError> {
        self.0
            .sdk
            .put_grant(user_id, application, api, scopes)
            .await
    }

    /// Withdraws consent. False: there was none.
    pub async fn delete_grant(
        &self,
        user_id: &str,
        application: &str,
        api: &str,
    ) -> Result<bool, PortalApiError> {
        let deleted = self.0.sdk.delete_grant(user_id, application, api).await;
        Ok(deleted.optional()?.is_some())
    }
}

fn saved<T>(result: Result<T, PortalApiError>) -> Result<SaveOutcome<T>, PortalApiError> {
    match result {
        Ok(value) => Ok(SaveOutcome::Saved(value)),
        Err(PortalApiError::Api(error)) => match error.status {
            StatusCode::BAD_REQUEST => Ok(SaveOutcome::Invalid(error.message)),
            StatusCode::CONFLICT => Ok(SaveOutcome::Taken),
            _ => Err(error.into()),
        },
        Err(error) => Err(error),
    }
}
