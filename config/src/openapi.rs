//! API definitions (`swagger.json`): rewritten so that they describe the API as it is reached
//! through the gateway (static-config 12.5, portal-api 18.5).

mod clear;
mod generated;
mod rewriting;

use serde_json::Value;
use url::Url;

pub use rewriting::{OAuthScheme, Rewriting, Security};

use crate::{apis::Api, auth_servers::AuthServers, globals::Globals, render::Rendered};

/// The definition of an API.
#[derive(Clone, Debug)]
pub enum Definition {
    Missing,
    /// Answer of `GET /apis/{api}/swagger`, rewritten.
    Local(Rendered),
    /// To be fetched, and then rewritten by [`rewrite`].
    Remote {
        url: Url,
        rewriting: Box<Rewriting>,
    },
    /// Why it cannot be used.
    Broken(String),
}

impl Definition {
    pub(crate) fn new(
        document: Option<&Value>,
        config: &Value,
        api: &Api,
        globals: &Globals,
        auth_servers: &AuthServers,
    ) -> Self {
        let made;
        let document = if let Some(document) = document {
            document
        } else {
            let version = api.version.as_deref();
            let Some(document) = generated::document(&api.name, &api.desc, version, config) else {
                return Self::Missing;
            };
            made = document;
            &made
        };
        let rewriting = Rewriting::new(api, globals, auth_servers);
        if let Some(href) = document.get("href").and_then(Value::as_str) {
            return match Url::parse(href) {
                Ok(url) if matches!(url.scheme(), "http" | "https") => Self::Remote {
                    url,
                    rewriting: Box::new(rewriting),
                },
                _ => Self::Broken("`href` is no http or https URL".to_owned()),
            };
        }
        match rewrite(document.clone(), &rewriting) {
            Ok(document) => Self::Local(Rendered::json(&document)),
            Err(error) => Self::Broken(error.to_string()),
        }
    }
}

/// A document that is no API definition.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("neither Swagger 2.0 (`swagger`) nor OpenAPI 3 (`openapi`)")]
pub struct NotADefinition;

/// Replaces servers and security of a Swagger 2.0 or OpenAPI 3 document.
pub fn rewrite(mut document: Value, rewriting: &Rewriting) -> Result<Value, NotADefinition> {
    let begins = |key, version| {
        document
            .get(key)
            .and_then(Value::as_str)
            .is_some_and(|text: &str| text.starts_with(version))
    };
    if begins("swagger", "2") {
        rewriting.apply_to_swagger_2(&mut document);
    } else if begins("openapi", "3") {
        rewriting.apply_to_openapi_3(&mut document);
    } else {
        return Err(NotADefinition);
    }
    Ok(document)
}

#[cfg(test)]
mod tests;
