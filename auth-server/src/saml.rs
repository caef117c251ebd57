//! Service provider of SAML 2.0 (19.6): people are sent to a provider and come back with a signed
//! assertion.
//!
//! One tree is parsed, checked and read: who somebody is stands only in the element whose signature
//! was verified, so there is no second reading that an attacker could make differ. Whoever comes back
//! is found by `RelayState`, used up once, and has to be the browser that was sent: browsers keep our
//! cookies from a form of another site, so the answer waits in the database until the browser asks for
//! it by GET.

mod answer;
mod assertion;
mod begin;
mod canonical;
mod encrypted;
mod logout;
mod message;
mod metadata;
mod profile;
mod redirect;
mod response;
mod signature;
mod xml;

use axum::{Router, routing::get};

use crate::{configuration::Method, configuration::SamlSettings, state::AppState};

pub use begin::begin;
pub use logout::leave_url;
pub use profile::Source;
pub use response::Keys as ResponseKeys;

const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";

/// Below the base path.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/{method}/metadata.xml", get(metadata::show))
        .route("/{method}/assert", get(answer::go_on).post(answer::receive))
}

/// What a provider knows this method by.
struct Place {
    /// Entity id; its description is there, too.
    entity: String,
    /// Where assertions and answers to log-outs go.
    assert: String,
}

impl Place {
    fn of(state: &AppState, method: &str) -> Self {
        let issuer = &state.configuration().issuer;
        Self {
            entity: format!("{issuer}/{method}/metadata.xml"),
            assert: format!("{issuer}/{method}/assert"),
        }
    }
}

/// The settings of `method`, if it is one of SAML.
fn settings(method: &Method) -> Option<&SamlSettings> {
    method.saml().map(|settings| &**settings)
}
