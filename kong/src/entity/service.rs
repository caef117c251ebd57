use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Reference, entity};

/// The address of a backend.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Service {
    pub id: Uuid,
    pub name: Option<String>,
    /// `http`, `https`, `grpc` or `grpcs`.
    pub protocol: String,
    pub host: String,
    /// Kong's default is 80 for https too, so writers always say it.
    pub port: u16,
    pub path: Option<String>,
    /// Further tries after the first one.
    pub retries: u16,
    /// Milliseconds, as the two below.
    pub connect_timeout: u32,
    pub write_timeout: u32,
    pub read_timeout: u32,
    pub client_certificate: Option<Reference>,
    pub tls_verify: Option<bool>,
    pub tls_verify_depth: Option<u8>,
    pub ca_certificates: Option<Vec<Uuid>>,
    pub enabled: bool,
    pub tags: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<i64>,
    #[serde(skip_serializing)]
    pub updated_at: Option<i64>,
}

impl Default for Service {
    fn default() -> Self {
        Self {
            id: Uuid::nil(),
            name: None,
            protocol: "http".to_owned(),
            host: String::new(),
            port: 80,
            path: None,
            retries: 5,
            connect_timeout: 60_000,
            write_timeout: 60_000,
            read_timeout: 60_000,
            client_certificate: None,
            tls_verify: None,
            tls_verify_depth: None,
            ca_certificates: None,
            enabled: true,
            tags: None,
            created_at: None,
            updated_at: None,
        }
    }
}

entity!(Service, Service, |service| service.name.as_deref());
