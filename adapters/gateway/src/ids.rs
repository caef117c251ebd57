//! Names that never change: ids and tags follow from what an entity is, so that two adapters, or
//! one before and after a restart, speak of the same thing.

use kong::Kind;
use ring::digest;
use uuid::Uuid;

/// The tag that all our entities carry, whatever the instance.
const PRODUCT: &str = "wicketgate";
/// Our name space for ids of version 5. Never to be changed: all ids hang on it.
const NAMESPACE: Uuid = Uuid::from_u128(0xeec7_92b2_46e3_4c57_b7bd_7a77_a686_7b21);

/// Makes ids and tags of one installation.
#[derive(Clone, Debug)]
pub struct Ids {
    instance: String,
}

impl Ids {
    pub fn new(instance: &str) -> Self {
        Self {
            instance: instance.to_owned(),
        }
    }

    pub fn service(&self, name: &str) -> Uuid {
        self.id(Kind::Service, &[name])
    }

    pub fn route(&self, service: &str, position: usize) -> Uuid {
        self.id(Kind::Route, &[service, &position.to_string()])
    }

    /// A plugin bound to a service, a consumer, both or (both empty) to nothing.
    pub fn plugin(&self, name: &str, service: &str, consumer: &str) -> Uuid {
        self.id(Kind::Plugin, &[name, service, consumer])
    }

    pub fn consumer(&self, username: &str) -> Uuid {
        self.id(Kind::Consumer, &[username])
    }

    pub fn acl(&self, username: &str, group: &str) -> Uuid {
        self.id(Kind::Acl, &[username, group])
    }

    /// A credential by the text that makes it unique.
    pub fn credential(&self, kind: Kind, key: &str) -> Uuid {
        self.id(kind, &[key])
    }

    /// The tag by which this installation finds what it owns.
    pub fn own_tag(&self) -> String {
        tag(&format!("{PRODUCT}-{}", self.instance))
    }

    pub fn gateway_tags(&self) -> Vec<String> {
        vec![PRODUCT.to_owned(), self.own_tag()]
    }

    pub fn api_tags(&self, api: &str) -> Vec<String> {
        vec![PRODUCT.to_owned(), self.own_tag(), api_tag(api)]
    }

    pub fn application_tags(&self, application: &str) -> Vec<String> {
        vec![
            PRODUCT.to_owned(),
            self.own_tag(),
            application_tag(application),
        ]
    }

    /// An id of version 5 over instance, kind and natural key.
    fn id(&self, kind: Kind, natural_key: &[&str]) -> Uuid {
        let mut hash = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
        hash.update(NAMESPACE.as_bytes());
        for part in [self.instance.as_str(), kind.name()]
            .iter()
            .chain(natural_key)
        {
            hash.update(part.as_bytes());
            // No part holds this byte, so no two different keys look alike.
            hash.update(&[0]);
        }
        let hash = hash.finish();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.as_ref()[..16]);
        uuid::Builder::from_sha1_bytes(bytes).into_uuid()
    }
}

/// What the tag of an API begins with.
pub const API_TAG: &str = "wg-api-";
/// What the tag of an application begins with.
pub const APPLICATION_TAG: &str = "wg-app-";

pub fn api_tag(api: &str) -> String {
    tag(&format!("{API_TAG}{api}"))
}

pub fn application_tag(application: &str) -> String {
    tag(&format!("{APPLICATION_TAG}{application}"))
}

/// Comma and slash separate tags in queries, so they cannot stand in one.
fn tag(text: &str) -> String {
    text.replace([',', '/'], "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_depend_on_all_parts_and_on_nothing_else() {
        let ids = Ids::new("main");
        assert_eq!(
            ids.plugin("acl", "a", ""),
            Ids::new("main").plugin("acl", "a", "")
        );
        assert_ne!(ids.plugin("acl", "a", ""), ids.plugin("acl", "", "a"));
        assert_ne!(ids.service("a"), Ids::new("other").service("a"));
        assert_ne!(ids.service("a"), ids.consumer("a"));
        assert_eq!(ids.service("a").get_version_num(), 5);
    }

    #[test]
    fn tags_hold_no_separator() {
        assert_eq!(api_tag("a,b/c"), "wg-api-a_b_c");
    }
}
