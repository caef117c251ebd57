//! The plugins that the embedded gateway has: name, priority, scope and configuration schema.
//! What is not listed here does not exist and is refused by name.

mod access;
mod authentication;
mod caching;
pub mod compose;
pub mod data_service;
pub mod expression;
mod limits;
mod observation;
pub mod operations;
pub mod transformation;

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use crate::{
    Kind,
    schema::{Field, Record, Type, entity},
};

/// One plugin.
pub struct PluginSchema {
    pub name: &'static str,
    /// Higher runs first; equal ones by name.
    pub priority: i32,
    /// Whether it may be bound to a consumer.
    pub per_consumer: bool,
    /// Whether it can be bound to nothing at all.
    pub global_only: bool,
    schema: Record,
    /// Moves values of old field names to where they stand now.
    pub expand_shorthands: Option<fn(&mut Map<String, Value>)>,
}

impl PluginSchema {
    fn new(name: &'static str, priority: i32, schema: Record) -> Self {
        Self {
            name,
            priority,
            per_consumer: false,
            global_only: false,
            schema,
            expand_shorthands: None,
        }
    }

    fn per_consumer(mut self) -> Self {
        self.per_consumer = true;
        self
    }

    /// The schema of `config`.
    pub fn config(&self) -> &Record {
        &self.schema
    }

    /// `GET /schemas/plugins/{name}`.
    pub fn render(&self) -> Value {
        let config = json!({ "config": {
            "type": "record", "required": true, "fields": self.schema.render_fields()
        } });
        let common = entity::of(Kind::Plugin).render_fields();
        let mut fields: Vec<Value> = common
            .into_iter()
            .filter(|field| field.get("protocols").is_some())
            .collect();
        if !self.per_consumer {
            fields.push(
                json!({ "consumer": { "type": "foreign", "reference": "consumers", "eq": null } }),
            );
        }
        fields.push(config);
        json!({ "entity_checks": [], "fields": fields })
    }
}

/// All plugins, in the order in which they run.
pub fn all() -> &'static [PluginSchema] {
    static ALL: LazyLock<Vec<PluginSchema>> = LazyLock::new(|| {
        let mut all = vec![
            observation::correlation_id(),
            access::bot_detection(),
            access::cors(),
            authentication::mtls_auth(),
            authentication::jwt(),
            authentication::key_auth(),
            authentication::basic_auth(),
            authentication::openid_connect(),
            authentication::hmac_auth(),
            authentication::identity(),
            access::ip_restriction(),
            limits::request_size_limiting(),
            access::acl(),
            limits::rate_limiting(),
            limits::response_ratelimiting(),
            transformation::request_transformer(),
            transformation::response_transformer(),
            access::redirect(),
            caching::proxy_cache(),
            observation::opentelemetry(),
            observation::prometheus(),
            observation::http_log(),
            observation::usage(),
            observation::file_log(),
            access::request_termination(),
            compose::schema(),
            data_service::schema(),
        ];
        all.sort_by(|one, other| {
            other
                .priority
                .cmp(&one.priority)
                .then(one.name.cmp(other.name))
        });
        all
    });
    &ALL
}

pub fn find(name: &str) -> Option<&'static PluginSchema> {
    all().iter().find(|plugin| plugin.name == name)
}

/// Answers that are put together here.
fn max_response_size() -> Field {
    Field::new("max_response_size", Type::integer(1024, 8 << 20))
        .required()
        .default(1 << 20)
}

/// Why a plugin name is refused.
pub fn unknown(name: &str) -> String {
    match name {
        "pre-function" | "post-function" => format!(
            "`{name}` is not available, since this gateway runs no Lua; for identity headers from \
             a verified token there is `wicketgate-identity`"
        ),
        _ => format!("plugin `{name}` does not exist here"),
    }
}
