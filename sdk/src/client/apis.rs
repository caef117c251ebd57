//! APIs (portal-api 18).

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::{Client, Error};
use crate::types::apis::{Announcement, ApiContext, NewAnnouncement};
use crate::types::{Api, ApiConfig, Apis, ListQuery, Page, Plan, users::Subscriber};

impl Client {
    /// `GET /apis`
    pub async fn apis(&self) -> Result<Apis, Error> {
        self.get(&["apis"]).json().await
    }

    /// `GET /apis/desc`: Markdown.
    pub async fn apis_description(&self) -> Result<String, Error> {
        self.get(&["apis", "desc"]).text().await
    }

    /// `GET /apis/{api}`
    pub async fn api(&self, id: &str) -> Result<Api, Error> {
        self.get(&["apis", id]).json().await
    }

    /// `GET /apis/{api}/config`; reduced for others than administrators.
    pub async fn api_config(&self, id: &str) -> Result<ApiConfig, Error> {
        self.get(&["apis", id, "config"]).json().await
    }

    /// `GET /apis/{api}/desc`: Markdown, empty when there is none.
    pub async fn api_description(&self, id: &str) -> Result<String, Error> {
        self.get(&["apis", id, "desc"]).text().await
    }

    /// `GET /apis/{api}/swagger`: the definition as the gateway publishes it, or the part of it that
    /// the caller's type has.
    pub async fn api_definition<T: DeserializeOwned>(&self, id: &str) -> Result<T, Error> {
        self.get(&["apis", id, "swagger"]).json().await
    }

    /// `GET /apis/{api}/swagger`: all of it, not read yet.
    pub async fn raw_api_definition(&self, id: &str) -> Result<Box<RawValue>, Error> {
        self.get(&["apis", id, "swagger"]).raw().await
    }

    /// `GET /apis/{api}/swagger?commit=`: the definition as it is written in a commit.
    pub async fn raw_api_definition_at(
        &self,
        id: &str,
        commit: &str,
    ) -> Result<Box<RawValue>, Error> {
        self.get(&["apis", id, "swagger"])
            .query([("commit", commit)])
            .raw()
            .await
    }

    /// `GET /apis/{api}/plans`: those the caller may choose.
    pub async fn plans_of_api(&self, id: &str) -> Result<Vec<Plan>, Error> {
        self.get(&["apis", id, "plans"]).json().await
    }

    /// `GET /apis/{api}/context`
    pub async fn api_context(&self, api: &str) -> Result<ApiContext, Error> {
        self.get(&["apis", api, "context"]).json().await
    }

    /// `GET /apis/{api}/subscribers`: the owners of all applications that use an API.
    pub async fn subscribers(
        &self,
        api: &str,
        query: &ListQuery,
    ) -> Result<Page<Subscriber>, Error> {
        self.get(&["apis", api, "subscribers"])
            .query(query.pairs(false))
            .json()
            .await
    }

    /// `POST /apis/{api}/announcements`
    pub async fn announce(&self, api: &str, new: &NewAnnouncement) -> Result<Announcement, Error> {
        self.post(&["apis", api, "announcements"])
            .body(new)
            .json()
            .await
    }
}
