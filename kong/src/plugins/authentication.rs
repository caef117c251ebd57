//! Plugins that find out who calls.

use serde_json::Value;

use super::PluginSchema;
use crate::schema::{Field, Record, Type, text};

pub fn key_auth() -> PluginSchema {
    let schema = Record::new(vec![
        Field::new("key_names", Type::list(Type::checked(text::header_name)))
            .required()
            .default(vec!["apikey"])
            .len_min(1),
        Field::new("key_in_header", Type::Boolean)
            .required()
            .default(true),
        Field::new("key_in_query", Type::Boolean)
            .required()
            .default(true),
        Field::new("key_in_body", Type::Boolean)
            .required()
            .default(false),
        hide_credentials(),
        Field::new("anonymous", Type::text()),
        Field::new("realm", Type::checked(text::header_value)),
        Field::new("run_on_preflight", Type::Boolean)
            .required()
            .default(true),
        Field::new("digest_key", Type::checked(text::key_base64url)).secret(),
    ]);
    PluginSchema::new("key-auth", 1250, schema)
}

pub fn basic_auth() -> PluginSchema {
    let schema = Record::new(vec![
        hide_credentials(),
        Field::new("anonymous", Type::text()),
        Field::new("realm", Type::checked(text::header_value))
            .required()
            .default("service"),
    ]);
    PluginSchema::new("basic-auth", 1100, schema)
}

/// Digests that a client may sign with.
const HMAC_ALGORITHMS: &[&str] = &["hmac-sha1", "hmac-sha256", "hmac-sha384", "hmac-sha512"];

pub fn hmac_auth() -> PluginSchema {
    let schema = Record::new(vec![
        hide_credentials(),
        Field::new(
            "clock_skew",
            Type::Number {
                between: Some((0.001, 1e9)),
            },
        )
        .default(300),
        Field::new("anonymous", Type::text()),
        Field::new("validate_request_body", Type::Boolean)
            .required()
            .default(false),
        Field::new("enforce_headers", Type::list(Type::checked(signed_name)))
            .default(Vec::<String>::new()),
        Field::new("algorithms", Type::list(Type::one_of(HMAC_ALGORITHMS)))
            .default(HMAC_ALGORITHMS.to_vec()),
        Field::new("realm", Type::checked(text::header_value)),
    ]);
    PluginSchema::new("hmac-auth", 1030, schema)
}

/// A header, or one of the names that stand for the request line.
fn signed_name(name: &str) -> Result<(), String> {
    text::header_name(name.strip_prefix('@').unwrap_or(name))
}

fn hide_credentials() -> Field {
    Field::new("hide_credentials", Type::Boolean)
        .required()
        .default(false)
}

pub fn jwt() -> PluginSchema {
    let names = |name, default: Vec<&str>| {
        Field::new(name, Type::set(Type::checked(text::header_name))).default(default)
    };
    let schema = Record::new(vec![
        names("uri_param_names", vec!["jwt"]),
        names("cookie_names", vec![]),
        names("header_names", vec!["authorization"]),
        Field::new("key_claim_name", Type::text()).default("iss"),
        Field::new("secret_is_base64", Type::Boolean)
            .required()
            .default(false),
        Field::new("claims_to_verify", Type::set(Type::one_of(&["exp", "nbf"]))),
        Field::new(
            "maximum_expiration",
            Type::Number {
                between: Some((0.0, 31_536_000.0)),
            },
        )
        .default(0),
        Field::new("anonymous", Type::text()),
        Field::new("realm", Type::checked(text::header_value)),
        // Not Kong's.
        Field::new("resource_metadata", Type::checked(text::url)),
        Field::new("run_on_preflight", Type::Boolean)
            .required()
            .default(true),
    ])
    .with_check(|config, faults| {
        let limited = config
            .get("maximum_expiration")
            .and_then(Value::as_f64)
            .unwrap_or(0.0)
            > 0.0;
        let verifies_exp = config
            .get("claims_to_verify")
            .and_then(Value::as_array)
            .is_some_and(|claims| claims.iter().any(|claim| claim == "exp"));
        if limited && !verifies_exp {
            faults.field(
                "claims_to_verify",
                "must contain exp when maximum_expiration is set",
            );
        }
    });
    PluginSchema::new("jwt", 1450, schema)
}

pub fn mtls_auth() -> PluginSchema {
    let schema = Record::new(vec![
        Field::new("ca_certificates", Type::list(Type::checked(text::uuid)))
            .required()
            .len_min(1),
        Field::new(
            "consumer_by",
            Type::set(Type::one_of(&["username", "custom_id"])),
        )
        .default(vec!["username", "custom_id"])
        .len_min(1),
        Field::new("skip_consumer_lookup", Type::Boolean)
            .required()
            .default(false),
        Field::new("authenticated_group_by", Type::one_of(&["CN"])).default("CN"),
        Field::new(
            "revocation_check_mode",
            Type::one_of(&["SKIP", "IGNORE_CA_ERROR", "STRICT"]),
        )
        .required()
        .default("IGNORE_CA_ERROR"),
        // Not Kong's, which asks the addresses in certificates.
        Field::new("crls", Type::list(Type::checked(revocation_list))),
        Field::new("crl_urls", Type::set(Type::checked(text::url))).len_min(1),
        Field::new("crl_ttl", Type::integer(1, 604_800))
            .required()
            .default(3600),
        Field::new("anonymous", Type::text()),
    ])
    .with_check(|config, faults| {
        let is_strict =
            config.get("revocation_check_mode").and_then(Value::as_str) == Some("STRICT");
        let lacks = |field: &str| config.get(field).is_none_or(Value::is_null);
        if is_strict && lacks("crls") && lacks("crl_urls") && !faults.contains("crls") {
            faults.field("crls", "or `crl_urls` is needed for the mode STRICT");
        }
        let urls = config.get("crl_urls").and_then(Value::as_array);
        if urls.is_some_and(|urls| urls.len() > MAX_LISTS) {
            faults.field("crl_urls", format!("has at most {MAX_LISTS} addresses"));
        }
    });
    PluginSchema::new("mtls-auth", 1600, schema)
}

/// Addresses of revocation lists.
const MAX_LISTS: usize = 16;

/// Algorithms whose keys can be published.
const PUBLIC_ALGORITHMS: &[&str] = &[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
];

pub fn openid_connect() -> PluginSchema {
    let path = |name| Field::new(name, Type::list(Type::text())).len_min(1);
    let flag = |name, default: bool| Field::new(name, Type::Boolean).required().default(default);
    let amount = |name, from, to, default: i64| {
        Field::new(name, Type::integer(from, to))
            .required()
            .default(default)
    };
    let schema = Record::new(vec![
        Field::new("issuer", Type::checked(issuer)).required(),
        // Optional at Kong; a token for somebody else is nobody's business here.
        Field::new("audience_required", Type::list(Type::text()))
            .required()
            .len_min(1),
        path("audience_claim").required().default(vec!["aud"]),
        path("scopes_required"),
        path("scopes_claim").required().default(vec!["scope"]),
        Field::new("algorithms", Type::set(Type::one_of(PUBLIC_ALGORITHMS)))
            .required()
            .default(PUBLIC_ALGORITHMS.to_vec())
            .len_min(1),
        amount("leeway", 0, 300, 0),
        path("consumer_claim"),
        Field::new(
            "consumer_by",
            Type::set(Type::one_of(&["username", "custom_id"])),
        )
        .default(vec!["username", "custom_id"])
        .len_min(1),
        flag("consumer_optional", false),
        path("credential_claim").required().default(vec!["sub"]),
        path("authenticated_groups_claim"),
        Field::new("upstream_headers_claims", Type::list(Type::text())),
        Field::new(
            "upstream_headers_names",
            Type::list(Type::checked(told_header)),
        ),
        amount("keys_ttl", 1, 86_400, 300),
        amount("keys_stale_ttl", 0, 2_592_000, 86_400),
        amount("timeout", 1, 60_000, 10_000),
        flag("hide_credentials", false),
        flag("run_on_preflight", true),
        Field::new("anonymous", Type::text()),
        Field::new("realm", Type::checked(text::header_value)),
        Field::new("resource_metadata", Type::checked(text::url)),
    ])
    .with_check(|config, faults| {
        let length = |field: &str| {
            config
                .get(field)
                .and_then(Value::as_array)
                .map_or(0, Vec::len)
        };
        if length("upstream_headers_claims") != length("upstream_headers_names") {
            faults.field(
                "upstream_headers_names",
                "needs one name for each of upstream_headers_claims",
            );
        }
    });
    PluginSchema::new("openid-connect", 1050, schema)
}

/// A URL that a description can be below.
fn issuer(text: &str) -> Result<(), String> {
    text::url(text)?;
    match url::Url::parse(text) {
        Ok(url) if super::observation::is_link_local(&url) => {
            Err(super::observation::LINK_LOCAL.to_owned())
        }
        Ok(url)
            if url.query().is_none() && url.fragment().is_none() && url.username().is_empty() =>
        {
            Ok(())
        }
        _ => Err("has neither user, query nor fragment".to_owned()),
    }
}

/// A header that may tell the backend something.
fn told_header(name: &str) -> Result<(), String> {
    text::header_name(name)?;
    let name = name.to_ascii_lowercase();
    let own = [
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "te",
        "upgrade",
    ];
    if own.contains(&&*name) || name.starts_with("x-consumer-") || name.starts_with("x-forwarded-")
    {
        return Err("this header cannot be chosen".to_owned());
    }
    Ok(())
}

fn revocation_list(pem: &str) -> Result<(), String> {
    if pem.contains("-----BEGIN X509 CRL-----") {
        Ok(())
    } else {
        Err("expected a PEM block `X509 CRL`".to_owned())
    }
}

pub fn identity() -> PluginSchema {
    let one_or_many = || Type::list(Type::text());
    let header = |name, default| {
        Field::new(name, Type::checked(text::header_name))
            .required()
            .default(default)
    };
    let schema = Record::new(vec![
        Field::new("source", Type::one_of(&["jwt", "none", "introspection"]))
            .required()
            .default("jwt"),
        Field::new("introspection_url", Type::checked(text::url)),
        Field::new(
            "introspection_token",
            Type::checked(text::header_value).referenceable(),
        )
        .secret(),
        Field::new(
            "cache_ttl",
            Type::Number {
                between: Some((0.0, 60.0)),
            },
        )
        .required()
        .default(5),
        Field::new("userid_claim", Type::text())
            .required()
            .default("authenticated_userid"),
        Field::new("scope_claim", Type::text())
            .required()
            .default("scope"),
        header("userid_header", "X-Authenticated-UserId"),
        header("scope_header", "X-Authenticated-Scope"),
        Field::new(
            "userid_prefix",
            Type::Text {
                one_of: &[],
                check: Some(text::header_value),
                may_be_empty: true,
                referenceable: false,
            },
        )
        .default(""),
        Field::new("required_scopes", one_or_many()),
        Field::new("required_audience", one_or_many()),
        Field::new("required_issuer", one_or_many()),
        Field::new("resource_metadata", Type::checked(text::url)),
        Field::new("remove_token", Type::Boolean)
            .required()
            .default(false),
        Field::new("on_missing", Type::one_of(&["deny", "pass"]))
            .required()
            .default("deny"),
    ])
    .with_check(|config, faults| {
        let is_written = |field: &str| config.get(field).is_some_and(Value::is_string);
        if config.get("source").and_then(Value::as_str) != Some("introspection") {
            return;
        }
        for field in ["introspection_url", "introspection_token"] {
            if !is_written(field) {
                faults.field(field, "is needed to ask about tokens");
            }
        }
    });
    let mut plugin = PluginSchema::new("wicketgate-identity", 1000, schema);
    plugin.expand_shorthands = Some(|config| {
        // A single text is accepted in the place of a list.
        for field in ["required_audience", "required_issuer"] {
            if let Some(value @ Value::String(_)) = config.get_mut(field) {
                *value = Value::Array(vec![value.take()]);
            }
        }
    });
    plugin
}
