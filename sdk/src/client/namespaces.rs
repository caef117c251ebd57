//! Namespaces of pools (portal-api 12).

use serde_json::Value;

use super::{Client, Error};
use crate::types::{ListQuery, Page};

impl Client {
    /// `GET /pools/{pool}/namespaces`; a namespace has members of the installation's choice.
    pub async fn namespaces(&self, pool: &str, query: &ListQuery) -> Result<Page<Value>, Error> {
        self.get(&["pools", pool, "namespaces"])
            .query(query.pairs(true))
            .json()
            .await
    }

    /// `GET /pools/{pool}/namespaces/{namespace}`
    pub async fn namespace(&self, pool: &str, namespace: &str) -> Result<Value, Error> {
        self.get(&["pools", pool, "namespaces", namespace])
            .json()
            .await
    }

    /// `PUT /pools/{pool}/namespaces/{namespace}`; `body` needs a `description`.
    pub async fn put_namespace(
        &self,
        pool: &str,
        namespace: &str,
        body: &Value,
    ) -> Result<(), Error> {
        self.put(&["pools", pool, "namespaces", namespace])
            .body(body)
            .empty()
            .await
    }

    /// `DELETE /pools/{pool}/namespaces/{namespace}`; `cascade` takes registrations along.
    pub async fn delete_namespace(
        &self,
        pool: &str,
        namespace: &str,
        cascade: bool,
    ) -> Result<(), Error> {
        self.delete(&["pools", pool, "namespaces", namespace])
            .query(cascade.then_some(("cascade", "true")))
            .empty()
            .await
    }
}
