//! Registration pools (portal-api 10, static-config 15).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Extra, Registration, lenient};

/// The pool of portal users, in which display names are looked up.
pub const PORTAL_POOL: &str = "wicked";

/// Type of properties by which users accept a version of a text.
pub const CONSENT: &str = "consent";

/// What people give when they register.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pool {
    #[serde(default)]
    pub id: String,
    #[serde(default)]
    pub name: String,
    /// Registrations belong to a namespace (a tenant).
    #[serde(default, deserialize_with = "lenient::null_default")]
    pub requires_namespace: bool,
    /// No registration by the users themselves.
    #[serde(default, deserialize_with = "lenient::null_default")]
    pub disable_register: bool,
    /// Users register themselves only with an invitation.
    #[serde(default, deserialize_with = "lenient::null_default")]
    pub requires_invitation: bool,
    #[serde(default)]
    pub properties: Vec<Property>,
    #[serde(flatten)]
    pub extra: Extra,
}

impl Pool {
    /// Whether users register themselves nowhere; also under the name that wicked's editor wrote.
    pub fn is_closed(&self) -> bool {
        let old = self.extra.get("disallowRegister");
        let old = old.is_some_and(|flag| *flag == true || *flag == "true");
        self.disable_register || old
    }

    /// Whether a registration holds every consent that the pool demands today. Otherwise the user is
    /// asked again.
    pub fn is_consented(&self, registration: &Registration) -> bool {
        let demanded = self.properties.iter().filter(|property| {
            property.kind == CONSENT && property.required && property.version.is_some()
        });
        demanded
            .into_iter()
            .all(|property| registration.property(&property.id) == property.version.as_deref())
    }
}

/// One field of a registration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Property {
    pub id: String,
    /// The label.
    #[serde(default)]
    pub description: String,
    /// `string` (also if empty), `boolean`, `enum`, `email`, `url`, `date` or `consent`.
    #[serde(rename = "type", default)]
    pub kind: String,
    #[serde(default, deserialize_with = "lenient::null_default")]
    pub required: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u32>,
    /// With type `string`: what the whole text has to match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// With type `enum`: what can be chosen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// With type `consent`: version of the text that is accepted. The value of the property is the
    /// version that the user has accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// With type `consent`: where the text can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Claim from which it is filled and to which it is exported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oidc_claim: Option<String>,
    #[serde(flatten)]
    pub extra: Extra,
}
