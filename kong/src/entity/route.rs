use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Reference, entity};

/// A rule that selects requests for a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "the fields are Kong's")]
#[serde(default)]
pub struct Route {
    pub id: Uuid,
    pub name: Option<String>,
    pub service: Option<Reference>,
    pub protocols: Vec<String>,
    pub methods: Option<Vec<String>>,
    pub hosts: Option<Vec<String>>,
    /// Plain prefixes, or regular expressions that begin with `~/`.
    pub paths: Option<Vec<String>>,
    pub headers: Option<BTreeMap<String, Vec<String>>>,
    pub snis: Option<Vec<String>>,
    pub https_redirect_status_code: u16,
    pub regex_priority: i64,
    pub strip_path: bool,
    pub path_handling: PathHandling,
    pub preserve_host: bool,
    pub request_buffering: bool,
    pub response_buffering: bool,
    pub tags: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<i64>,
    #[serde(skip_serializing)]
    pub updated_at: Option<i64>,
}

/// How the backend's path is joined from the service's and the request's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PathHandling {
    #[default]
    V0,
    V1,
}

impl Default for Route {
    fn default() -> Self {
        Self {
            id: Uuid::nil(),
            name: None,
            service: None,
            protocols: vec!["http".to_owned(), "https".to_owned()],
            methods: None,
            hosts: None,
            paths: None,
            headers: None,
            snis: None,
            https_redirect_status_code: 426,
            regex_priority: 0,
            strip_path: true,
            path_handling: PathHandling::V0,
            preserve_host: false,
            request_buffering: true,
            response_buffering: true,
            tags: None,
            created_at: None,
            updated_at: None,
        }
    }
}

entity!(Route, Route, |route| route.name.as_deref());
