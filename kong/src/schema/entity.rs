//! The schema of each kind of entity.

mod certificate;
mod credential;
mod plugin;
mod route;
mod service;
mod upstream;

use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::{Faults, Field, Record, Type, text};
use crate::Kind;

pub use plugin::examine as examine_plugin;
pub use upstream::complete_address;

/// The schema of a kind. That of plugins leaves `config` open: see [`examine`].
pub fn of(kind: Kind) -> &'static Record {
    static SERVICE: LazyLock<Record> = LazyLock::new(service::schema);
    static ROUTE: LazyLock<Record> = LazyLock::new(route::schema);
    static CONSUMER: LazyLock<Record> = LazyLock::new(consumer);
    static KEY_AUTH: LazyLock<Record> = LazyLock::new(credential::key_auth);
    static JWT_SECRET: LazyLock<Record> = LazyLock::new(credential::jwt_secret);
    static OAUTH2: LazyLock<Record> = LazyLock::new(credential::oauth2);
    static ACL: LazyLock<Record> = LazyLock::new(credential::acl);
    static PLUGIN: LazyLock<Record> = LazyLock::new(plugin::schema);
    static CERTIFICATE: LazyLock<Record> = LazyLock::new(certificate::certificate);
    static SNI: LazyLock<Record> = LazyLock::new(certificate::sni);
    static AUTHORITY: LazyLock<Record> = LazyLock::new(certificate::authority);
    static UPSTREAM: LazyLock<Record> = LazyLock::new(upstream::upstream);
    static TARGET: LazyLock<Record> = LazyLock::new(upstream::target);
    static BASIC_AUTH: LazyLock<Record> = LazyLock::new(credential::basic_auth);
    static HMAC_AUTH: LazyLock<Record> = LazyLock::new(credential::hmac_auth);
    match kind {
        Kind::Certificate => &CERTIFICATE,
        Kind::Sni => &SNI,
        Kind::CaCertificate => &AUTHORITY,
        Kind::Upstream => &UPSTREAM,
        Kind::Target => &TARGET,
        Kind::BasicAuth => &BASIC_AUTH,
        Kind::HmacAuth => &HMAC_AUTH,
        Kind::Service => &SERVICE,
        Kind::Route => &ROUTE,
        Kind::Consumer => &CONSUMER,
        Kind::KeyAuth => &KEY_AUTH,
        Kind::JwtSecret => &JWT_SECRET,
        Kind::Oauth2 => &OAUTH2,
        Kind::Acl => &ACL,
        Kind::Plugin => &PLUGIN,
    }
}

/// Completes an entity of any kind, a plugin together with its configuration.
pub fn examine(kind: Kind, mut input: Map<String, Value>) -> Result<Map<String, Value>, Faults> {
    expand_shorthands(kind, &mut input);
    if kind == Kind::Plugin {
        return plugin::examine(input);
    }
    of(kind).complete(input)
}

/// Replaces write-only fields by those they stand for; needed before a merge, too.
pub fn expand_shorthands(kind: Kind, input: &mut Map<String, Value>) {
    match kind {
        Kind::Service => service::expand_url(input),
        Kind::Route => route::keep_path(input),
        Kind::Plugin => plugin::expand_shorthands(input),
        Kind::Upstream => upstream::expand_algorithm(input),
        Kind::Target => upstream::expand_target(input),
        _ => {}
    }
}

/// `id`, `created_at`, `tags` and, but for credentials, `updated_at`.
fn with_common(kind: Kind, mut fields: Vec<Field>) -> Vec<Field> {
    let mut all = vec![
        Field::new("id", Type::checked(text::uuid))
            .auto()
            .mark("uuid"),
    ];
    // Targets are told apart by when they came, so theirs is finer.
    let moment = |name| {
        let value = match kind {
            Kind::Target => Type::Number {
                between: Some((0.0, 1e12)),
            },
            _ => Type::integer(0, i64::MAX),
        };
        Field::new(name, value).auto().mark("timestamp")
    };
    all.append(&mut fields);
    all.push(Field::new("tags", Type::set(Type::checked(text::tag))));
    all.push(moment("created_at"));
    if !kind.is_credential() {
        all.push(moment("updated_at"));
    }
    all
}

fn consumer() -> Record {
    Record::new(with_common(
        Kind::Consumer,
        vec![
            Field::new("username", Type::text()).unique(),
            Field::new("custom_id", Type::text()).unique(),
        ],
    ))
    .with_check(|consumer, faults| {
        if consumer.get("username").is_none_or(Value::is_null)
            && consumer.get("custom_id").is_none_or(Value::is_null)
            && faults.is_empty()
        {
            faults.entity("at least one of these fields must be set: username, custom_id");
        }
    })
}
