//! The ways to log in: `globals.portal.authMethods`, looked up in the auth servers (portal-ui 2.6).

use futures_util::{StreamExt, TryStreamExt, stream};
use sdk::{
    Client,
    types::{AuthServer, auth_servers::AuthMethod},
};
use serde_json::Value;

use crate::mine::PARALLEL;

/// The one auth server that the portal can be a client of.
pub const SERVER: &str = "default";
/// What stands for the API in the paths of a method's endpoints.
const API: &str = "portal-api";

/// A way to log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method {
    pub name: String,
    /// For the button.
    pub label: String,
    /// `local`, `google`, `saml`, …
    pub kind: String,
    /// Only for those who know its name.
    pub is_protected: bool,
    /// Paths below the auth server's base path.
    pub verify_email: String,
    pub grants: String,
}

impl Method {
    fn new(method: &AuthMethod) -> Self {
        Self {
            label: label(method),
            kind: method.kind.clone(),
            is_protected: method.is_protected(),
            verify_email: endpoint(method, API, "verifyEmailEndpoint", "/{{name}}/verifyemail"),
            grants: endpoint(method, API, "grantsEndpoint", "/{{name}}/grants"),
            name: method.name.clone(),
        }
    }
}

/// The word for a button.
pub fn label(method: &AuthMethod) -> String {
    let given = method.friendly_short.clone();
    given
        .filter(|label| !label.is_empty())
        .unwrap_or_else(|| method.name.clone())
}

/// A path of a method below the base path of its server: as configured, or the usual one.
pub fn endpoint(method: &AuthMethod, api: &str, member: &str, default: &str) -> String {
    let given = method.config.get(member).and_then(Value::as_str);
    let template = given.filter(|text| !text.is_empty()).unwrap_or(default);
    template
        .replace("{{name}}", &method.name)
        .replace("{{api}}", api)
}

/// All auth servers; APIs may use others than the portal.
pub async fn servers(client: &Client) -> Result<Vec<AuthServer>, sdk::Error> {
    let names = client.auth_servers().await?;
    stream::iter(names)
        .map(async |name| client.auth_server(&name).await)
        .buffered(PARALLEL)
        .try_collect()
        .await
}

/// The configured ways. An error names what an operator has to correct.
pub fn of(configured: &[String], servers: &[AuthServer]) -> anyhow::Result<Vec<Method>> {
    let server = servers.iter().find(|server| server.id == SERVER);
    resolve(configured, server.unwrap_or(&AuthServer::default()))
}

/// What is unknown or switched off is left out with a warning; nothing left is an error.
fn resolve(configured: &[String], server: &AuthServer) -> anyhow::Result<Vec<Method>> {
    let mut methods = Vec::new();
    for reference in configured {
        let Some((SERVER, name)) = reference.split_once(':') else {
            anyhow::bail!(
                "`portal.authMethods` names `{reference}`; only `{SERVER}:<method>` is possible"
            );
        };
        match server.method(name) {
            Some(method) if method.is_enabled() => methods.push(Method::new(method)),
            Some(_) => tracing::warn!("the way to log in `{reference}` is switched off"),
            None => tracing::warn!("there is no way to log in `{reference}`"),
        }
    }
    anyhow::ensure!(
        !methods.is_empty(),
        "`portal.authMethods` names no way to log in that exists and is switched on"
    );
    Ok(methods)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(configured: &[&str]) -> Result<Vec<String>, String> {
        let server = serde_json::from_str(
            r#"{"id": "default", "authMethods": [
                {"name": "local", "type": "local", "friendlyShort": "Mail"},
                {"name": "old", "type": "local", "enabled": false},
                {"name": "corp", "type": "saml", "protected": true, "config": {"grantsEndpoint": "/x/{{name}}/{{api}}"}}]}"#,
        )
        .unwrap();
        let configured: Vec<String> = configured.iter().map(|text| (*text).to_owned()).collect();
        match resolve(&configured, &server) {
            Ok(methods) => Ok(methods.into_iter().map(|method| method.grants).collect()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn what_is_off_or_unknown_is_left_out() {
        let known = names(&[
            "default:local",
            "default:old",
            "default:none",
            "default:corp",
        ]);
        assert_eq!(known.unwrap(), ["/local/grants", "/x/corp/portal-api"]);
    }

    #[test]
    fn nothing_left_and_other_servers_are_errors() {
        assert!(names(&["default:old"]).is_err());
        assert!(names(&[]).is_err());
        assert!(names(&["other:local"]).unwrap_err().contains("other:local"));
        assert!(names(&["local"]).is_err());
    }
}
