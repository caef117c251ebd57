//! What the gateway at hand is and can, and how entities look for it (events-and-adapters C11).

use std::collections::{BTreeMap, BTreeSet};

use kong::{ApiError, Kind, Plugin, Service, admin::Node, schema::Remote};
use serde_json::{Map, Value, json};

use crate::entity::{self, Entity, Fields, Key};

/// Plugins that Kong cannot bind to a consumer, whatever its version.
const NOT_PER_CONSUMER: [&str; 13] = [
    "key-auth",
    "basic-auth",
    "hmac-auth",
    "jwt",
    "ldap-auth",
    "oauth2",
    "session",
    "acl",
    "cors",
    "bot-detection",
    "standard-webhooks",
    "pre-function",
    "post-function",
];
/// Minor versions of Kong 3 that this adapter was made for.
const NEWEST_KNOWN: Version = Version(3, 10);

/// Major and minor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32);

/// Which gateway it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gateway {
    Embedded,
    Kong {
        /// Without one only whole documents can be loaded.
        database: bool,
    },
}

/// The gateway with its abilities.
#[derive(Clone, Debug)]
pub struct Target {
    pub gateway: Gateway,
    pub version: Version,
    /// Nothing is known when a file is written.
    plugins: Option<BTreeSet<String>>,
    schemas: BTreeMap<String, Remote>,
}

impl Target {
    pub const fn embedded() -> Self {
        Self {
            gateway: Gateway::Embedded,
            version: NEWEST_KNOWN,
            plugins: None,
            schemas: BTreeMap::new(),
        }
    }

    /// A Kong that nobody can ask: that of a file.
    pub fn unseen_kong() -> Self {
        Self {
            gateway: Gateway::Kong { database: false },
            ..Self::embedded()
        }
    }

    pub fn of(node: &Node) -> Self {
        if node.is_embedded() {
            return Self::embedded();
        }
        let version = version(&node.version);
        if version < Version(2, 8) || version > NEWEST_KNOWN {
            tracing::warn!(
                "the gateway is Kong {}, which this adapter was not made for; it tries its best",
                node.version
            );
        }
        Self {
            gateway: Gateway::Kong {
                database: !node.is_db_less(),
            },
            version,
            plugins: Some(node.plugins.available_on_server.keys().cloned().collect()),
            schemas: BTreeMap::new(),
        }
    }

    #[must_use]
    pub fn with_schemas(mut self, schemas: BTreeMap<String, Remote>) -> Self {
        self.schemas = schemas;
        self
    }

    pub fn is_embedded(&self) -> bool {
        self.gateway == Gateway::Embedded
    }

    /// Whether entities can be written one by one.
    pub fn has_database(&self) -> bool {
        self.gateway != Gateway::Kong { database: false }
    }

    /// The kinds of entities that the gateway can hold.
    pub fn kinds(&self) -> &'static [Kind] {
        if self.is_embedded() {
            &Kind::WRITTEN
        } else {
            &Kind::OF_KONG
        }
    }

    pub fn has_plugin(&self, name: &str) -> bool {
        match (&self.plugins, self.gateway) {
            (_, Gateway::Embedded) => kong::plugins::find(name).is_some(),
            (Some(plugins), _) => plugins.contains(name),
            (None, _) => !name.starts_with("wicketgate-"),
        }
    }

    /// The schema of a plugin, as Kong has told it.
    pub fn schema(&self, plugin: &str) -> Option<&Remote> {
        self.schemas.get(plugin)
    }

    /// Whether a plugin has this field; true where the schema is not known.
    pub fn has_field(&self, plugin: &str, field: &str) -> bool {
        self.schema(plugin).is_none_or(|schema| schema.has(field))
    }

    /// The service as it is sent and compared, or what is wrong with it. Certificates are there on a
    /// Kong only.
    pub fn service(&self, mut service: Service) -> Result<Entity, String> {
        if self.is_embedded() {
            return entity::complete(&service);
        }
        let certificate = service.client_certificate.take();
        let authorities = service.ca_certificates.take();
        let (key, mut fields) = entity::complete(&service)?;
        if let Some(certificate) = certificate {
            fields.insert("client_certificate".to_owned(), json!(certificate));
        }
        if let Some(authorities) = authorities {
            fields.insert("ca_certificates".to_owned(), json!(authorities));
        }
        Ok((key, fields))
    }

    /// The plugin as it is sent and compared, or what is wrong with it.
    pub fn plugin(&self, plugin: &Plugin) -> Result<Entity, String> {
        if self.is_embedded() {
            return entity::complete(plugin);
        }
        if !self.has_plugin(&plugin.name) {
            return Err("this gateway does not have it".to_owned());
        }
        let schema = self.schema(&plugin.name);
        let refuses = schema.is_some_and(|schema| !schema.accepts_consumer());
        if plugin.consumer.is_some()
            && (refuses || NOT_PER_CONSUMER.contains(&plugin.name.as_str()))
        {
            return Err("it cannot be bound to a consumer, so it cannot be part of a plan".into());
        }
        let config = match schema {
            Some(schema) => schema
                .convert(plugin.config.clone())
                .map_err(|faults| ApiError::schema(faults.into_fields()).message)?,
            None => plugin.config.clone(),
        };
        let mut fields = Map::new();
        let mut set = |name: &str, value: Value| {
            fields.insert(name.to_owned(), value);
        };
        set("id", json!(plugin.id));
        set("name", json!(plugin.name));
        for (name, reference) in [
            ("service", plugin.service),
            ("route", plugin.route),
            ("consumer", plugin.consumer),
        ] {
            if let Some(reference) = reference {
                set(name, json!(reference));
            }
        }
        set("config", Value::Object(config));
        set("enabled", json!(plugin.enabled));
        set("tags", json!(plugin.tags));
        let key = Key {
            kind: Kind::Plugin,
            id: plugin.id,
        };
        Ok((key, fields))
    }

    /// What is sent: Kong gives absent fields their default, and older ones refuse those that they
    /// do not know.
    pub fn body(&self, fields: &Fields) -> Fields {
        if self.is_embedded() {
            return fields.clone();
        }
        let given = fields.iter().filter(|(_, value)| !value.is_null());
        given
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }
}

/// `3.10.0.1-enterprise` → 3.10
fn version(text: &str) -> Version {
    let mut parts = text
        .split(['.', '-'])
        .map(|part| part.parse::<u32>().unwrap_or_default());
    Version(
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_of_services_are_for_kong() {
        let id = uuid::Uuid::from_u128(1);
        let service = Service {
            host: "b.test".to_owned(),
            client_certificate: Some(id.into()),
            ca_certificates: Some(vec![id]),
            ..Service::default()
        };
        let (_, fields) = Target::unseen_kong().service(service.clone()).unwrap();
        assert_eq!(fields["client_certificate"], json!({"id": id}));
        assert_eq!(fields["ca_certificates"], json!([id]));
        assert!(Target::embedded().service(service).is_err());
    }

    #[test]
    fn versions_are_compared_by_number() {
        assert_eq!(version("3.10.0.1-enterprise-edition"), Version(3, 10));
        assert_eq!(version("2.8.4"), Version(2, 8));
        assert!(version("3.9.1") < NEWEST_KNOWN);
        assert_eq!(version("nonsense"), Version(0, 0));
    }
}
