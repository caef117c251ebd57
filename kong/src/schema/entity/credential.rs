use serde_json::{Map, Value};

use super::{Faults, Field, Record, Type, text, with_common};
use crate::{Kind, jwt};

pub fn key_auth() -> Record {
    Record::new(with_common(
        Kind::KeyAuth,
        vec![
            Field::new("consumer", Type::Reference(Kind::Consumer)).required(),
            Field::new("key", Type::text()).unique().auto().secret(),
            Field::new("key_digest", Type::checked(text::digest))
                .unique()
                .secret(),
            Field::new("ttl", Type::integer(0, 100_000_000)),
        ],
    ))
    .with_check(|credential, faults| {
        let set = |field| !credential.get(field).is_none_or(Value::is_null);
        if set("key") && set("key_digest") {
            faults.entity("only one of these fields may be set: key, key_digest");
        }
    })
}

pub fn basic_auth() -> Record {
    Record::new(with_common(
        Kind::BasicAuth,
        vec![
            Field::new("consumer", Type::Reference(Kind::Consumer)).required(),
            Field::new("username", Type::checked(basic_username))
                .required()
                .unique(),
            Field::new("password", Type::text()).required().secret(),
        ],
    ))
}

/// In `Authorization` the first colon ends the name.
fn basic_username(name: &str) -> Result<(), String> {
    if name.contains(':') {
        return Err("a colon is not allowed".to_owned());
    }
    Ok(())
}

pub fn hmac_auth() -> Record {
    Record::new(with_common(
        Kind::HmacAuth,
        vec![
            Field::new("consumer", Type::Reference(Kind::Consumer)).required(),
            Field::new("username", Type::text()).required().unique(),
            Field::new("secret", Type::text()).auto().secret(),
        ],
    ))
}

pub fn jwt_secret() -> Record {
    Record::new(with_common(
        Kind::JwtSecret,
        vec![
            Field::new("consumer", Type::Reference(Kind::Consumer)).required(),
            Field::new("key", Type::text()).unique().auto(),
            Field::new("secret", Type::text()).auto().secret(),
            Field::new("algorithm", Type::one_of(jwt::ALGORITHMS))
                .required()
                .default("HS256"),
            Field::new("rsa_public_key", Type::text()),
        ],
    ))
    .with_check(check_public_key)
}

/// A client of Kong's own OAuth 2.0 plugin.
pub fn oauth2() -> Record {
    Record::new(with_common(
        Kind::Oauth2,
        vec![
            Field::new("consumer", Type::Reference(Kind::Consumer)).required(),
            Field::new("name", Type::text()).required(),
            Field::new("client_id", Type::text()).unique().auto(),
            Field::new("client_secret", Type::text()).auto().secret(),
            Field::new("hash_secret", Type::Boolean)
                .required()
                .default(false),
            Field::new("redirect_uris", Type::list(Type::checked(redirect_uri))),
            Field::new("client_type", Type::one_of(&["confidential", "public"]))
                .required()
                .default("confidential"),
        ],
    ))
}

fn redirect_uri(uri: &str) -> Result<(), String> {
    match url::Url::parse(uri) {
        Ok(url) if url.fragment().is_none() => Ok(()),
        Ok(_) => Err("a fragment is not allowed".to_owned()),
        Err(error) => Err(format!("not a URI ({error})")),
    }
}

fn check_public_key(credential: &Map<String, Value>, faults: &mut Faults) {
    let text = |field| credential.get(field).and_then(Value::as_str);
    let Some(algorithm) = text("algorithm") else {
        return;
    };
    if algorithm.starts_with("HS") || faults.contains("rsa_public_key") {
        return;
    }
    let fault = match text("rsa_public_key") {
        None => Some(format!("required for algorithm {algorithm}")),
        Some(pem) => jwt::public_key(algorithm, pem).err(),
    };
    if let Some(fault) = fault {
        faults.field("rsa_public_key", fault);
    }
}

pub fn acl() -> Record {
    Record::new(with_common(
        Kind::Acl,
        vec![
            Field::new("consumer", Type::Reference(Kind::Consumer)).required(),
            Field::new("group", Type::checked(text::header_value)).required(),
        ],
    ))
}
