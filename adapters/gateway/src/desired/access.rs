//! The plugins that an API's `auth` brings (events-and-adapters C4, C11).

use std::fmt::Write;

use kong::Plugin;
use sdk::types::{Api, ApiConfig, apis::ApiSettings};
use serde_json::{Map, Value, json};

use super::{
    context::{self, Context, TokenMode, TokenRules},
    global::{only_known, plugin},
};

/// Turns a verified token into identity headers; `@…@` is filled in.
const IDENTITY: &str = include_str!("identity.lua");

pub fn plugins(
    context: &Context,
    api: &Api,
    config: &ApiConfig,
    auth: &str,
) -> Result<Vec<Plugin>, String> {
    // The editor writes the one, the original read the other.
    let written = api.extra.get("hide_credentials").and_then(Value::as_bool);
    let hide = config.api.hide_credentials.or(written).unwrap_or(false);
    let acl = plugin("acl", json!({ "allow": [context::group(api)] }));
    match auth {
        "none" => Ok(Vec::new()),
        "key-auth" => Ok(vec![key_auth(context, hide), acl]),
        "oauth2" => {
            let rules = context.token_rules(api)?;
            let mut plugins = match rules.mode {
                TokenMode::Jwt => verified_tokens(context, api, &rules, hide),
                TokenMode::Asked => vec![asked_about_tokens(context, api, &rules, hide)],
                TokenMode::KongOauth2 => vec![kong_oauth2(context, api, hide)],
            };
            plugins.push(acl);
            Ok(plugins)
        }
        "" => Err("auth: must be written; an open API says `none`".to_owned()),
        other => Err(format!("auth: `{other}` is not known")),
    }
}

fn key_auth(context: &Context, hide: bool) -> Plugin {
    let globals = &context.config.globals.api;
    let in_query = globals.extra.get("keyInQuery").and_then(Value::as_bool);
    let mut config = json!({
        "key_names": [globals.header_name],
        "key_in_query": in_query.unwrap_or(true),
        "hide_credentials": hide,
    });
    if context.target.is_embedded() {
        config["digest_key"] = json!(context.digest_key());
    }
    only_known(context, plugin("key-auth", config))
}

fn verified_tokens(context: &Context, api: &Api, rules: &TokenRules, hide: bool) -> Vec<Plugin> {
    let mut jwt = json!({
        "key_claim_name": "gateway_key",
        "claims_to_verify": ["exp"],
        "header_names": ["authorization"],
        "uri_param_names": [],
    });
    let identity = if context.target.is_embedded() {
        jwt["resource_metadata"] = json!(resource_metadata(api, rules));
        let config = json!({
            "source": "jwt",
            "required_issuer": rules.issuers,
            "required_audience": [api.id],
            "resource_metadata": resource_metadata(api, rules),
            "remove_token": hide,
        });
        plugin("wicketgate-identity", config)
    } else {
        let code = identity_code(&rules.issuers, &api.id, hide);
        plugin("post-function", json!({ "access": [code] }))
    };
    vec![plugin("jwt", jwt), identity]
}

/// The gateway asks what a token stands for, and knows the consumer by its subscription.
fn asked_about_tokens(context: &Context, api: &Api, rules: &TokenRules, hide: bool) -> Plugin {
    let config = json!({
        "source": "introspection",
        "introspection_url": rules.introspection,
        "introspection_token": context.settings.introspection_token,
        "required_issuer": rules.issuers,
        "required_audience": [api.id],
        "resource_metadata": resource_metadata(api, rules),
        "remove_token": hide,
    });
    plugin("wicketgate-identity", config)
}

/// Where a client that was refused reads how to get a token (RFC 9728).
fn resource_metadata(api: &Api, rules: &TokenRules) -> Option<String> {
    let issuer = rules.issuers.first()?;
    Some(format!(
        "{issuer}/.well-known/oauth-protected-resource/{}",
        api.id
    ))
}

/// The function that Kong runs after it has verified a token.
fn identity_code(issuers: &[String], audience: &str, hide: bool) -> String {
    let issuers: Vec<String> = issuers.iter().map(|issuer| lua_text(issuer)).collect();
    IDENTITY
        .replace("@ISSUERS@", &issuers.join(", "))
        .replace("@AUDIENCE@", &lua_text(audience))
        .replace("@HIDE_TOKEN@", if hide { "true" } else { "false" })
}

/// A text as Lua writes it. All bytes but the harmless ones are escaped by number, so that nothing
/// in it can end the text or look like a place to be filled in.
fn lua_text(text: &str) -> String {
    let mut written = String::from("\"");
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:/".contains(&byte) {
            written.push(char::from(byte));
        } else {
            // Writing to a text does not fail.
            let _ = write!(written, "\\{byte:03}");
        }
    }
    written.push('"');
    written
}

/// Kong's own OAuth 2.0 plugin, which makes and keeps the tokens.
fn kong_oauth2(context: &Context, api: &Api, hide: bool) -> Plugin {
    let none = ApiSettings::default();
    let settings = api.settings.as_deref().unwrap_or(&none);
    let groups = context.config.groups.iter();
    let scopes: Vec<String> = settings
        .scopes()
        .map(|(scope, _)| scope.to_owned())
        .chain(groups.map(|group| format!("wicked:{}", group.id)))
        .collect();
    let passes_through = api.passthrough_users && api.passthrough_scope_url.is_some();
    let is_on = |flag: Option<bool>| flag.unwrap_or(false);
    let mut config = json!({
        "scopes": scopes,
        "mandatory_scope": is_on(settings.mandatory_scope),
        "token_expiration": settings.token_expiration_seconds().unwrap_or(3600),
        "enable_authorization_code": is_on(settings.enable_authorization_code),
        "enable_client_credentials": is_on(settings.enable_client_credentials),
        "enable_implicit_grant": is_on(settings.enable_implicit_grant),
        "enable_password_grant": passes_through || is_on(settings.enable_password_grant),
        "hide_credentials": hide,
        "accept_http_if_already_terminated": true,
        "global_credentials": api.bundle.as_deref().is_some_and(|bundle| !bundle.is_empty()),
        "provision_key": context.settings.provision_key(&api.id),
    });
    if let Some(ttl) = settings.refresh_token_ttl_seconds() {
        config["refresh_token_ttl"] = json!(ttl);
    }
    let config = match config {
        Value::Object(config) => config,
        _ => Map::new(),
    };
    Plugin {
        name: "oauth2".to_owned(),
        config,
        ..Plugin::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_cannot_leave_their_place_in_the_function() {
        assert_eq!(lua_text("a\"]@b\\\n"), r#""a\034\093\064b\092\010""#);
        let issuers = ["https://a/auth".to_owned(), "@AUDIENCE@".to_owned()];
        let code = identity_code(&issuers, "pets", true);
        assert!(code.contains(r#"= {"https://a/auth", "\064AUDIENCE\064"}, "pets", true"#));
    }
}
