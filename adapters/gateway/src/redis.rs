//! The Redis in which several embedded gateways count calls together.

use std::fmt;

use serde_json::{Map, Value};
use url::Url;

/// The member `redis` of a plugin. Its `Debug` prints nothing of it, since it may hold a password.
#[derive(Clone)]
pub struct Redis(Map<String, Value>);

impl Redis {
    /// Reads `redis://[USER:PASSWORD@]HOST[:PORT][/NUMBER]`; `rediss` is with TLS.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let form = "write redis://[USER:PASSWORD@]HOST[:PORT][/NUMBER], or rediss://… for TLS";
        let url = Url::parse(text).map_err(|_| form)?;
        if !matches!(url.scheme(), "redis" | "rediss") {
            return Err(form);
        }
        let mut fields = Map::new();
        let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        let host = url.host_str().filter(|host| !host.is_empty());
        put("host", host.ok_or(form)?.into());
        if let Some(port) = url.port() {
            put("port", port.into());
        }
        for (name, part) in [
            ("username", Some(url.username())),
            ("password", url.password()),
        ] {
            if let Some(part) = part.filter(|part| !part.is_empty()) {
                let part = percent_encoding::percent_decode_str(part).decode_utf8();
                put(name, part.map_err(|_| form)?.into());
            }
        }
        let number = url.path().trim_start_matches('/');
        if !number.is_empty() {
            let number: u16 = number.parse().map_err(|_| form)?;
            put("database", number.into());
        }
        if url.scheme() == "rediss" {
            put("ssl", true.into());
        }
        Ok(Self(fields))
    }

    /// As a plugin wants it.
    pub const fn fields(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redis(…)")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_address_becomes_the_fields_of_a_plugin() {
        let cases = [
            ("redis://portal-redis", json!({"host": "portal-redis"})),
            (
                "rediss://ada:p%40ss@cache.example:6380/2",
                json!({"host": "cache.example", "port": 6380, "username": "ada", "password": "p@ss",
                    "database": 2, "ssl": true}),
            ),
            ("redis://:hush@h", json!({"host": "h", "password": "hush"})),
        ];
        for (text, expected) in cases {
            assert_eq!(
                json!(Redis::parse(text).unwrap().fields()),
                expected,
                "{text}"
            );
        }
        for text in [
            "portal-redis:6379",
            "http://h",
            "redis://",
            "redis://h/many",
        ] {
            assert!(Redis::parse(text).is_err(), "{text}");
        }
    }
}
