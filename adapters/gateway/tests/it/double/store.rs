//! Entities with Kong's rules: what must be unique, what refers to what, what goes along.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use super::{
    answer::Refusal,
    plugins,
    schema::{complete, field},
};

pub type Entity = Map<String, Value>;

/// Everything, by kind and id.
#[derive(Clone, Default)]
pub struct Store {
    pub all: BTreeMap<&'static str, BTreeMap<String, Entity>>,
    /// What must be unique, and who has it.
    taken: HashMap<String, String>,
    clock: i64,
}

/// What is known of a kind of entity.
pub struct Kind {
    pub name: &'static str,
    /// Path segments: flat, and below a parent.
    pub flat: &'static str,
    pub nested: &'static str,
    pub key: Option<&'static str>,
    pub unique: &'static [&'static str],
    pub parents: &'static [&'static str],
    pub cascades: bool,
}

pub const KINDS: [Kind; 8] = [
    kind(
        "services",
        "services",
        "services",
        Some("name"),
        &["name"],
        &[],
        true,
    ),
    kind(
        "routes",
        "routes",
        "routes",
        Some("name"),
        &["name"],
        &["service"],
        false,
    ),
    kind(
        "consumers",
        "consumers",
        "consumers",
        Some("username"),
        &["username", "custom_id"],
        &[],
        true,
    ),
    kind(
        "keyauth_credentials",
        "key-auths",
        "key-auth",
        Some("key"),
        &["key"],
        &["consumer"],
        true,
    ),
    kind(
        "jwt_secrets",
        "jwts",
        "jwt",
        Some("key"),
        &["key"],
        &["consumer"],
        true,
    ),
    kind(
        "oauth2_credentials",
        "oauth2",
        "oauth2",
        Some("client_id"),
        &["client_id"],
        &["consumer"],
        true,
    ),
    kind("acls", "acls", "acls", None, &[], &["consumer"], true),
    kind(
        "plugins",
        "plugins",
        "plugins",
        Some("instance_name"),
        &["instance_name"],
        &["service", "route", "consumer"],
        true,
    ),
];

const fn kind(
    name: &'static str,
    flat: &'static str,
    nested: &'static str,
    key: Option<&'static str>,
    unique: &'static [&'static str],
    parents: &'static [&'static str],
    cascades: bool,
) -> Kind {
    Kind {
        name,
        flat,
        nested,
        key,
        unique,
        parents,
        cascades,
    }
}

pub fn find_kind(is: impl Fn(&Kind) -> bool) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| is(kind))
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn schema(kind: &str) -> Value {
    let text = json!({"type": "string"});
    let flag = |default: bool| json!({"type": "boolean", "required": true, "default": default});
    let list = |element: Value| json!({"type": "array", "elements": element});
    let set = |element: Value| json!({"type": "set", "elements": element});
    let parent = |of: &str| json!({"type": "foreign", "reference": of});
    let time = json!({"type": "integer", "default": 60000, "between": [1, 2_147_483_646]});
    let mut fields = vec![field(
        "id",
        json!({"type": "string", "auto": true, "uuid": true}),
    )];
    let mut add = |name: &str, about: Value| fields.push(field(name, about));
    match kind {
        "services" => {
            add("name", text.clone());
            add(
                "protocol",
                json!({"type": "string", "required": true, "default": "http",
                "one_of": ["grpc", "grpcs", "http", "https", "tcp", "tls", "tls_passthrough", "udp"]}),
            );
            add("host", json!({"type": "string", "required": true}));
            add(
                "port",
                json!({"type": "integer", "required": true, "default": 80, "between": [0, 65535]}),
            );
            add("path", text.clone());
            add(
                "retries",
                json!({"type": "integer", "default": 5, "between": [0, 32767]}),
            );
            for name in ["connect_timeout", "write_timeout", "read_timeout"] {
                add(name, time.clone());
            }
            add("client_certificate", parent("certificates"));
            add("tls_verify", json!({"type": "boolean"}));
            add(
                "tls_verify_depth",
                json!({"type": "integer", "between": [0, 64]}),
            );
            add("ca_certificates", list(text.clone()));
            add("enabled", flag(true));
        }
        "routes" => {
            add("name", text.clone());
            add("service", parent("services"));
            add(
                "protocols",
                json!({"type": "set", "elements": {"type": "string"}, "required": true,
                "default": ["http", "https"], "len_min": 1}),
            );
            add("methods", set(text.clone()));
            add("hosts", list(text.clone()));
            add("paths", list(text.clone()));
            add(
                "headers",
                json!({"type": "map", "values": list(text.clone())}),
            );
            add("snis", set(text.clone()));
            add(
                "sources",
                json!({"type": "set", "elements": {"type": "record"}}),
            );
            add(
                "destinations",
                json!({"type": "set", "elements": {"type": "record"}}),
            );
            add(
                "https_redirect_status_code",
                json!({"type": "integer", "required": true,
                "default": 426, "one_of": [426, 301, 302, 307, 308]}),
            );
            add("regex_priority", json!({"type": "integer", "default": 0}));
            add("strip_path", flag(true));
            add(
                "path_handling",
                json!({"type": "string", "default": "v0", "one_of": ["v0", "v1"]}),
            );
            add("preserve_host", flag(false));
            add("request_buffering", flag(true));
            add("response_buffering", flag(true));
        }
        "consumers" => {
            add("username", text.clone());
            add("custom_id", text.clone());
        }
        "plugins" => {
            add("name", json!({"type": "string", "required": true}));
            add("instance_name", text.clone());
            for (name, of) in [
                ("service", "services"),
                ("route", "routes"),
                ("consumer", "consumers"),
            ] {
                add(name, parent(of));
            }
            add(
                "protocols",
                json!({"type": "set", "elements": {"type": "string"}, "required": true,
                "default": ["grpc", "grpcs", "http", "https"]}),
            );
            add("enabled", flag(true));
        }
        _ => {
            add(
                "consumer",
                json!({"type": "foreign", "reference": "consumers", "required": true}),
            );
        }
    }
    match kind {
        "keyauth_credentials" => {
            add("key", json!({"type": "string", "auto": true}));
            add("ttl", json!({"type": "integer"}));
        }
        "jwt_secrets" => {
            add("key", json!({"type": "string", "auto": true}));
            add("secret", json!({"type": "string", "auto": true}));
            add("rsa_public_key", text.clone());
            add(
                "algorithm",
                json!({"type": "string", "default": "HS256", "one_of": [
                "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512",
                "PS256", "PS384", "PS512", "EdDSA"]}),
            );
        }
        "acls" => add("group", json!({"type": "string", "required": true})),
        "oauth2_credentials" => {
            add("name", json!({"type": "string", "required": true}));
            add("client_id", json!({"type": "string", "auto": true}));
            add("client_secret", json!({"type": "string", "auto": true}));
            add("hash_secret", flag(false));
            add("redirect_uris", list(text.clone()));
            add(
                "client_type",
                json!({"type": "string", "required": true, "default": "confidential",
                "one_of": ["confidential", "public"]}),
            );
        }
        _ => {}
    }
    add("tags", set(text));
    add("created_at", json!({"type": "integer"}));
    if matches!(kind, "services" | "routes" | "consumers" | "plugins") {
        add("updated_at", json!({"type": "integer"}));
    }
    json!({"fields": fields})
}

/// Checks an entity by itself, and fills it in.
pub fn examine(
    kind: &Kind,
    mut input: Entity,
    version: &str,
    database: bool,
) -> Result<Entity, Refusal> {
    let config = input.remove("config");
    let mut entity = complete(&schema(kind.name), input).map_err(Refusal::schema)?;
    if kind.name == "plugins" {
        plugins::complete_config(&mut entity, config, version, database)
            .map_err(Refusal::schema)?;
    } else if config.is_some() {
        return Err(Refusal::schema(
            json!({"config": "unknown field"})
                .as_object()
                .unwrap()
                .clone(),
        ));
    }
    check(kind, &entity).map_err(Refusal::schema)?;
    Ok(entity)
}

impl Store {
    pub fn of(&self, kind: &str) -> Vec<&Entity> {
        self.all
            .get(kind)
            .into_iter()
            .flat_map(|all| all.values())
            .collect()
    }

    /// The entity with this id or natural key.
    pub fn find(&self, kind: &Kind, id_or_key: &str) -> Option<&Entity> {
        if uuid::Uuid::try_parse(id_or_key).is_ok() {
            return self.all.get(kind.name)?.get(id_or_key);
        }
        let key = kind.key?;
        self.of(kind.name)
            .into_iter()
            .find(|entity| entity[key] == id_or_key)
    }

    /// Checks an entity, fills it in and keeps it; `id` is the one it replaces.
    pub fn put(
        &mut self,
        kind: &'static Kind,
        input: Entity,
        version: &str,
        database: bool,
    ) -> Result<Entity, Refusal> {
        let mut entity = examine(kind, input, version, database)?;
        self.clock += 1;
        if entity["id"].is_null() {
            entity.insert("id".to_owned(), json!(uuid::Uuid::new_v4()));
        }
        let id = entity["id"].as_str().unwrap().to_owned();
        let before = self
            .all
            .get(kind.name)
            .and_then(|all| all.get(&id))
            .cloned();
        for auto in ["key", "secret", "client_id", "client_secret"] {
            if entity.get(auto).is_some_and(Value::is_null) {
                let known = before.as_ref().map(|before| before[auto].clone());
                let made = json!(format!("{:032x}", uuid::Uuid::new_v4().as_u128()));
                entity.insert(auto.to_owned(), known.unwrap_or(made));
            }
        }
        let created = before
            .as_ref()
            .map_or(json!(self.clock), |before| before["created_at"].clone());
        entity.insert("created_at".to_owned(), created);
        if entity.contains_key("updated_at") {
            entity.insert("updated_at".to_owned(), json!(self.clock));
        }
        self.check_references(kind, &entity)?;
        self.check_unique(kind, &id, &entity)?;
        self.keep(kind, id, entity.clone());
        Ok(entity)
    }

    fn check_references(&self, kind: &Kind, entity: &Entity) -> Result<(), Refusal> {
        for parent in kind.parents {
            let id = entity[*parent]["id"].as_str();
            let of = format!("{parent}s");
            if let Some(id) = id
                && !self
                    .all
                    .get(of.as_str())
                    .is_some_and(|all| all.contains_key(id))
            {
                return Err(Refusal::reference(json!({*parent: {"id": id}})));
            }
        }
        Ok(())
    }

    fn check_unique(&self, kind: &Kind, id: &str, entity: &Entity) -> Result<(), Refusal> {
        for (key, fields) in unique(kind, entity) {
            if self.taken.get(&key).is_some_and(|owner| owner != id) {
                return Err(Refusal::unique(fields));
            }
        }
        Ok(())
    }

    fn keep(&mut self, kind: &'static Kind, id: String, entity: Entity) {
        self.forget(kind, &id);
        for (key, _) in unique(kind, &entity) {
            self.taken.insert(key, id.clone());
        }
        self.all.entry(kind.name).or_default().insert(id, entity);
    }

    fn forget(&mut self, kind: &Kind, id: &str) {
        let all = self.all.get_mut(kind.name);
        if let Some(entity) = all.and_then(|all| all.remove(id)) {
            for (key, _) in unique(kind, &entity) {
                self.taken.remove(&key);
            }
        }
    }

    /// Removes an entity and what goes along.
    pub fn delete(&mut self, kind: &Kind, id: &str) -> Result<(), Refusal> {
        let singular = kind.name.trim_end_matches('s');
        let children = || {
            KINDS
                .iter()
                .filter(|child| child.parents.contains(&singular))
        };
        for child in children().filter(|child| !child.cascades) {
            if self
                .of(child.name)
                .iter()
                .any(|entity| entity[singular]["id"] == id)
            {
                return Err(Refusal::coded(
                    400,
                    4,
                    "foreign key violation",
                    format!(
                        "an existing '{}' entity references this '{}' entity",
                        child.name, kind.name
                    ),
                    json!({"@referenced_by": child.name}),
                ));
            }
        }
        for child in children().filter(|child| child.cascades) {
            let gone: Vec<String> = self
                .of(child.name)
                .into_iter()
                .filter(|entity| entity[singular]["id"] == id)
                .map(|entity| entity["id"].as_str().unwrap().to_owned())
                .collect();
            for id in &gone {
                self.forget(child, id);
            }
        }
        self.forget(kind, id);
        Ok(())
    }
}

/// What no other entity of the kind may have, as texts.
fn unique(kind: &Kind, entity: &Entity) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for field in kind.unique {
        let value = &entity[*field];
        if !value.is_null() {
            all.push((
                format!("{} {field} {value}", kind.name),
                json!({*field: value}),
            ));
        }
    }
    let together: &[&str] = match kind.name {
        "plugins" => &["name", "service", "route", "consumer"],
        "acls" => &["consumer", "group"],
        _ => return all,
    };
    let fields: Map<String, Value> = together
        .iter()
        .map(|name| ((*name).to_owned(), entity[*name].clone()))
        .collect();
    let fields = Value::Object(fields);
    all.push((format!("{} {fields}", kind.name), fields));
    all
}

/// Rules beyond types.
fn check(kind: &Kind, entity: &Entity) -> Result<(), Map<String, Value>> {
    let mut faults = Map::new();
    let text = |name: &str| entity.get(name).and_then(Value::as_str);
    let list = |name: &str| {
        entity
            .get(name)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    if let Some(name) = text("name").filter(|_| matches!(kind.name, "services" | "routes")) {
        let fits = |sign: char| sign.is_alphanumeric() || ".-_~".contains(sign);
        if !name.chars().all(fits) {
            faults.insert(
                "name".to_owned(),
                json!(
                    "invalid value: it must only contain alphanumeric and '., -, _, ~' characters"
                ),
            );
        }
    }
    for tag in list("tags") {
        if tag.as_str().unwrap().contains([',', '/']) {
            faults.insert("tags".to_owned(), json!("invalid tag"));
        }
    }
    match kind.name {
        "services" => {
            if let Some(path) = text("path")
                && (!path.starts_with('/') || path.contains("//"))
            {
                faults.insert(
                    "path".to_owned(),
                    json!("should start with: / and must not have empty segments"),
                );
            }
            let host = text("host").unwrap_or_default();
            if host.contains(['/', ':', ' ']) && host.parse::<std::net::IpAddr>().is_err() {
                faults.insert("host".to_owned(), json!("invalid value"));
            }
        }
        "routes" => {
            for (position, path) in list("paths").iter().enumerate() {
                let path = path.as_str().unwrap();
                let plain = path.bytes().all(|byte| {
                    byte.is_ascii_alphanumeric() || b"-._~/%!$&'()*+,;=:@".contains(&byte)
                });
                let is_regex = path.starts_with("~/");
                if !is_regex
                    && (!path.starts_with('/')
                        || path.contains("//")
                        || path.contains("/.")
                        || !plain)
                {
                    let fault = json!({(position + 1).to_string(): "not normalized path, or should start with: / (fixed path) or ~/ (regex path)"});
                    faults.insert("paths".to_owned(), fault);
                }
            }
            let selects = ["paths", "hosts", "methods", "snis"]
                .iter()
                .any(|name| !list(name).is_empty())
                || entity["headers"]
                    .as_object()
                    .is_some_and(|headers| !headers.is_empty());
            if !selects {
                faults.insert("@entity".to_owned(), json!(["must set one of 'methods', 'hosts', 'headers', 'paths', 'snis' when 'protocols' is 'https'"]));
            }
        }
        "consumers" if text("username").is_none() && text("custom_id").is_none() => {
            let fault =
                json!(["at least one of these fields must be non-empty: 'custom_id', 'username'"]);
            faults.insert("@entity".to_owned(), fault);
        }
        "jwt_secrets" => {
            let algorithm = text("algorithm").unwrap_or_default();
            if !algorithm.starts_with("HS")
                && !text("rsa_public_key")
                    .is_some_and(|key| key.starts_with("-----BEGIN PUBLIC KEY-----"))
            {
                faults.insert("rsa_public_key".to_owned(), json!("required field missing"));
            }
        }
        "oauth2_credentials" => {
            for (position, uri) in list("redirect_uris").iter().enumerate() {
                if !url::Url::parse(uri.as_str().unwrap()).is_ok_and(|uri| uri.fragment().is_none())
                {
                    faults.insert(
                        "redirect_uris".to_owned(),
                        json!({(position + 1).to_string(): "cannot be parsed or has a fragment"}),
                    );
                }
            }
        }
        _ => {}
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults)
    }
}
