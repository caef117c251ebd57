//! The four ways to write an entity, with all rules: schema, references, uniqueness.

use kong::{
    ApiError, Kind,
    error::Code,
    schema::{self, Faults},
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    Row, certificates,
    tables::Tables,
    unique::{TOGETHER, unique_values},
};

/// How an entity is named in a URL.
#[derive(Clone, Debug)]
pub enum Key {
    Id(Uuid),
    /// The natural key.
    Name(String),
}

impl Key {
    /// A text that looks like an id is one.
    pub fn parse(text: &str) -> Self {
        match Uuid::try_parse(text) {
            Ok(id) if text.len() == 36 => Self::Id(id),
            _ => Self::Name(text.to_owned()),
        }
    }
}

impl Tables {
    pub fn find(&self, kind: Kind, key: &Key) -> Option<&Row> {
        match key {
            Key::Id(id) => self.get(kind, *id),
            // A certificate goes by the names that it is for.
            Key::Name(name) if kind == Kind::Certificate => {
                let sni = self.by_unique(Kind::Sni, "name", name)?;
                self.get(kind, sni.reference("certificate")?)
            }
            Key::Name(name) => self.by_unique(kind, kind.natural_key()?, name),
        }
    }

    /// An entity below its parent, where some kinds go by a name that is unique only there.
    pub fn find_below(&self, parent: (Kind, Uuid), kind: Kind, key: &Key) -> Option<&Row> {
        match (key, kind.nested_key()) {
            (Key::Name(name), Some(field)) => {
                let name = match kind {
                    Kind::Target => schema::entity::complete_address(name),
                    _ => name.clone(),
                };
                self.children(parent, kind)
                    .find(|row| row.text(field).as_deref() == Some(&name))
            }
            _ => self.find(kind, key).filter(|row| {
                row.kind
                    .parents()
                    .iter()
                    .any(|(field, of)| *of == parent.0 && row.reference(field) == Some(parent.1))
            }),
        }
    }

    /// `POST`: a new entity. `now` in milliseconds.
    pub fn create(
        &mut self,
        kind: Kind,
        mut input: Map<String, Value>,
        now: i64,
    ) -> Result<Row, ApiError> {
        let id = match input.get("id").and_then(Value::as_str) {
            Some(text) => Uuid::try_parse(text).unwrap_or_else(|_| Uuid::new_v4()),
            None => Uuid::new_v4(),
        };
        input.entry("id").or_insert_with(|| json!(id.to_string()));
        if self.get(kind, id).is_some() {
            return Err(ApiError::new(
                Code::PrimaryKeyViolation,
                "an entity with this id exists already",
            )
            .with_fields(Map::from_iter([("id".to_owned(), json!(id.to_string()))])));
        }
        self.store(kind, id, input, None, now)
    }

    /// `PUT`: creates the entity, or replaces it but for its id and time of creation.
    pub fn upsert(
        &mut self,
        kind: Kind,
        key: &Key,
        mut input: Map<String, Value>,
        now: i64,
    ) -> Result<Row, ApiError> {
        let before = self.find(kind, key).cloned();
        let id = match (&before, key) {
            (Some(row), _) => row.id,
            (None, Key::Id(id)) => *id,
            (None, Key::Name(_)) => match input.get("id").and_then(Value::as_str) {
                Some(text) => Uuid::try_parse(text).unwrap_or_else(|_| Uuid::new_v4()),
                None => Uuid::new_v4(),
            },
        };
        let mut faults = Faults::default();
        let contradicts = |input: &Map<String, Value>, field: &str, value: &str| {
            input
                .get(field)
                .and_then(Value::as_str)
                .is_some_and(|given| !given.eq_ignore_ascii_case(value))
        };
        if contradicts(&input, "id", &id.to_string()) {
            faults.field("id", "contradicts the id in the URL");
        }
        if let (Key::Name(name), Some(field)) = (key, kind.natural_key()) {
            if input
                .get(field)
                .and_then(Value::as_str)
                .is_some_and(|given| given != name)
            {
                faults.field(field, "contradicts the key in the URL");
            }
            input.insert(field.to_owned(), json!(name));
        }
        if !faults.is_empty() {
            return Err(ApiError::schema(faults.into_fields()));
        }
        input.insert("id".to_owned(), json!(id.to_string()));
        self.store(kind, id, input, before.as_ref(), now)
    }

    /// `PATCH`: merges the changes into the entity.
    pub fn merge(
        &mut self,
        kind: Kind,
        key: &Key,
        mut changes: Map<String, Value>,
        now: i64,
    ) -> Result<Row, ApiError> {
        let before = self.find(kind, key).cloned().ok_or_else(not_found)?;
        schema::entity::expand_shorthands(kind, &mut changes);
        let mut merged = present(&before, now / 1000);
        let name = before.text("name").unwrap_or_default();
        let config = (kind == Kind::Plugin)
            .then(|| kong::plugins::find(&name))
            .flatten();
        // The schema of a plugin's configuration depends on its name, so it is merged by hand.
        if let (Some(plugin), Some(Value::Object(change))) = (config, changes.get_mut("config")) {
            let mut change = std::mem::take(change);
            if let Some(expand) = plugin.expand_shorthands {
                expand(&mut change);
            }
            if let Some(Value::Object(stored)) = merged.get_mut("config") {
                plugin.config().merge(stored, change);
            }
            changes.remove("config");
        }
        schema::entity::of(kind).merge(&mut merged, changes);
        merged.insert("id".to_owned(), json!(before.id.to_string()));
        self.store(kind, before.id, merged, Some(&before), now)
    }

    /// `DELETE`: the entity and all that vanishes with it.
    pub fn delete(&mut self, kind: Kind, id: Uuid) -> Result<(), ApiError> {
        if kind == Kind::CaCertificate {
            self.check_unused(id)?;
        }
        let children = self.all_children((kind, id));
        if let Some(child) = children.iter().find(|child| !child.kind.cascades()) {
            let message = format!("{} still refer to this entity", child.kind.name());
            return Err(
                ApiError::new(Code::ForeignKeyViolation, message).with_fields(Map::from_iter([(
                    "@referenced_by".to_owned(),
                    json!(child.kind.name()),
                )])),
            );
        }
        for child in children {
            self.delete(child.kind, child.id)?;
        }
        if self.get(kind, id).is_some() {
            self.remove(kind, id);
        }
        Ok(())
    }

    fn store(
        &mut self,
        kind: Kind,
        id: Uuid,
        mut input: Map<String, Value>,
        before: Option<&Row>,
        now: i64,
    ) -> Result<Row, ApiError> {
        self.resolve_references(kind, &mut input)?;
        let mut fields = examine(kind, input, now / 1000)
            .map_err(|faults| ApiError::schema(faults.into_fields()))?;
        fields.insert("id".to_owned(), json!(id.hyphenated().to_string()));
        let snis = match kind {
            Kind::Certificate => fields.shift_remove("snis"),
            _ => None,
        };
        fill_in(kind, &mut fields, before, now);
        let row = Row::new(kind, id, 0, &fields);
        self.check_references(&row)?;
        self.check_authorities(&row)?;
        self.log_folders.check(&row)?;
        self.check_unique(&row)?;
        self.check_protocols(&row)?;
        self.put(row.clone());
        if let Some(Value::Array(names)) = snis {
            self.name_certificate(id, &names, now)?;
        }
        Ok(row)
    }

    /// The SNIs that lead to a certificate are these and no others.
    fn name_certificate(&mut self, id: Uuid, names: &[Value], now: i64) -> Result<(), ApiError> {
        let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
        for (position, name) in names.iter().enumerate() {
            let owner = self.by_unique(Kind::Sni, "name", name);
            let owner = owner.and_then(|sni| sni.reference("certificate"));
            if owner.is_some_and(|owner| owner != id) {
                let mut faults = Faults::default();
                let field = format!("snis.{}", position + 1);
                faults.field(&field, format!("`{name}` belongs to another certificate"));
                return Err(ApiError::schema(faults.into_fields()));
            }
        }
        let present: Vec<(Uuid, String)> = self
            .children((Kind::Certificate, id), Kind::Sni)
            .filter_map(|sni| Some((sni.id, sni.text("name")?)))
            .collect();
        for (sni, name) in &present {
            if !names.contains(&name.as_str()) {
                self.remove(Kind::Sni, *sni);
            }
        }
        for name in names {
            if !present.iter().any(|(_, known)| known == name) {
                let sni = json!({ "name": name, "certificate": { "id": id.to_string() } });
                let Value::Object(sni) = sni else { continue };
                self.create(Kind::Sni, sni, now)?;
            }
        }
        Ok(())
    }

    /// Every authority that a service or plugin trusts is there.
    fn check_authorities(&self, row: &Row) -> Result<(), ApiError> {
        for (position, id) in authorities(row).into_iter().enumerate() {
            if self.get(Kind::CaCertificate, id).is_none() {
                let mut faults = Faults::default();
                let place = match row.kind {
                    Kind::Plugin => "config.ca_certificates",
                    _ => "ca_certificates",
                };
                let field = format!("{place}.{}", position + 1);
                faults.field(&field, "there is no authority with this id");
                return Err(ApiError::schema(faults.into_fields()));
            }
        }
        Ok(())
    }

    /// Nobody trusts this authority.
    fn check_unused(&self, id: Uuid) -> Result<(), ApiError> {
        let users = [Kind::Service, Kind::Plugin];
        let mut users = users.into_iter().flat_map(|kind| self.all(kind, None));
        match users.find(|row| authorities(row).contains(&id)) {
            None => Ok(()),
            Some(row) => Err(ApiError::new(
                Code::ReferencedByOthers,
                format!("{} of {} trusts this authority", row.id, row.kind),
            )),
        }
    }

    /// References by natural key, `{"name": "x"}`, become references by id.
    fn resolve_references(
        &self,
        kind: Kind,
        input: &mut Map<String, Value>,
    ) -> Result<(), ApiError> {
        for (field, parent) in kind.parents() {
            let Some(Value::Object(reference)) = input.get(*field) else {
                continue;
            };
            let Some(natural_key) = parent.natural_key() else {
                continue;
            };
            if reference.contains_key("id") {
                continue;
            }
            let Some(name) = reference.get(natural_key).and_then(Value::as_str) else {
                continue;
            };
            let Some(row) = self.by_unique(*parent, natural_key, name) else {
                let fault = json!({ natural_key: format!("no entity of {parent} with {natural_key} `{name}`") });
                return Err(ApiError::new(
                    Code::ForeignKeysUnresolved,
                    "a reference could not be resolved",
                )
                .with_fields(Map::from_iter([((*field).to_owned(), fault)])));
            };
            let id = row.id;
            input.insert((*field).to_owned(), json!({ "id": id.to_string() }));
        }
        Ok(())
    }

    fn check_references(&self, row: &Row) -> Result<(), ApiError> {
        for (field, parent) in row.kind.parents() {
            let Some(id) = row.reference(field) else {
                continue;
            };
            if self.get(*parent, id).is_none() {
                let message = format!("the {field} this entity refers to does not exist");
                return Err(
                    ApiError::new(Code::ForeignKeyViolation, message).with_fields(Map::from_iter(
                        [((*field).to_owned(), json!({ "id": id.to_string() }))],
                    )),
                );
            }
        }
        Ok(())
    }

    fn check_unique(&self, row: &Row) -> Result<(), ApiError> {
        for (field, value) in unique_values(row) {
            let Some(other) = self.by_unique(row.kind, field, &value) else {
                continue;
            };
            if other.id == row.id {
                continue;
            }
            let names: &[&str] = if field == TOGETHER {
                row.kind.unique_together()
            } else {
                &[field]
            };
            let fields = names
                .iter()
                .map(|name| ((*name).to_owned(), row.value(name)))
                // A key that is taken is somebody else's secret.
                .map(|(name, value)| {
                    if name.starts_with("key") && row.kind == Kind::KeyAuth {
                        (name, json!("taken"))
                    } else {
                        (name, value)
                    }
                })
                .collect();
            return Err(ApiError::new(
                Code::UniqueViolation,
                format!(
                    "{} with this {} exists already",
                    row.kind.name(),
                    names.join(", ")
                ),
            )
            .with_fields(fields));
        }
        Ok(())
    }

    /// A plugin must share a protocol with what it is bound to, else it would never run.
    fn check_protocols(&self, row: &Row) -> Result<(), ApiError> {
        if row.kind != Kind::Plugin {
            return Ok(());
        }
        let routes: Vec<&Row> = match (row.reference("route"), row.reference("service")) {
            (Some(route), _) => self.get(Kind::Route, route).into_iter().collect(),
            (None, Some(service)) => self
                .children((Kind::Service, service), Kind::Route)
                .collect(),
            (None, None) => return Ok(()),
        };
        let list = |row: &Row| {
            let protocols = row.value("protocols");
            protocols.as_array().cloned().unwrap_or_default()
        };
        let own = list(row);
        let shares = routes.is_empty()
            || routes
                .iter()
                .any(|route| list(route).iter().any(|protocol| own.contains(protocol)));
        if shares {
            return Ok(());
        }
        let mut faults = Faults::default();
        faults.field("protocols", "none of them is a protocol of the route");
        Err(ApiError::schema(faults.into_fields()))
    }
}

/// Completes an entity and finds all its faults but those that concern others. `now` in seconds.
pub fn examine(
    kind: Kind,
    input: Map<String, Value>,
    now: i64,
) -> Result<Map<String, Value>, Faults> {
    let mut fields = schema::entity::examine(kind, input)?;
    certificates::complete(kind, &mut fields, now)?;
    Ok(fields)
}

/// The ids of the authorities that a service or plugin trusts.
fn authorities(row: &Row) -> Vec<Uuid> {
    const LIST: &str = "ca_certificates";
    let list = match row.kind {
        Kind::Service => row.value(LIST),
        Kind::Plugin => row
            .value("config")
            .get_mut(LIST)
            .map_or(Value::Null, Value::take),
        _ => return Vec::new(),
    };
    serde_json::from_value(list).unwrap_or_default()
}

/// The entity as it is answered: a time to live is the rest of it.
pub fn present(row: &Row, now_seconds: i64) -> Map<String, Value> {
    let mut fields = row.fields();
    if row.kind == Kind::KeyAuth
        && let Some(expires) = fields.get("ttl").and_then(Value::as_i64)
    {
        fields.insert("ttl".to_owned(), json!((expires - now_seconds).max(1)));
    }
    fields
}

pub fn not_found() -> ApiError {
    ApiError::plain(404, "Not found")
}

/// Times, and texts that the gateway makes up.
fn fill_in(kind: Kind, fields: &mut Map<String, Value>, before: Option<&Row>, now: i64) {
    let seconds = now / 1000;
    let moment = match kind {
        #[expect(
            clippy::cast_precision_loss,
            reason = "milliseconds since 1970 fit a float"
        )]
        Kind::Target if now % 1000 != 0 => json!(now as f64 / 1000.0),
        _ => json!(seconds),
    };
    let created_at = match before.map(|before| before.value("created_at")) {
        Some(before) => before,
        None => match fields.get("created_at") {
            Some(given) if !given.is_null() => given.clone(),
            _ => moment.clone(),
        },
    };
    fields.insert("created_at".to_owned(), created_at);
    if !kind.is_credential() {
        fields.insert("updated_at".to_owned(), moment);
    }
    let is_null =
        |fields: &Map<String, Value>, field: &str| fields.get(field).is_none_or(Value::is_null);
    match kind {
        Kind::KeyAuth => {
            if is_null(fields, "key") && is_null(fields, "key_digest") {
                fields.insert("key".to_owned(), json!(made_up()));
            }
            // Stored as the moment of expiry; answered as the rest.
            if let Some(ttl) = fields.get("ttl").and_then(Value::as_i64) {
                let expires = if ttl == 0 {
                    Value::Null
                } else {
                    json!(seconds + ttl)
                };
                fields.insert("ttl".to_owned(), expires);
            }
        }
        Kind::HmacAuth if is_null(fields, "secret") => {
            fields.insert("secret".to_owned(), json!(made_up()));
        }
        Kind::JwtSecret => {
            for field in ["key", "secret"] {
                if is_null(fields, field) {
                    fields.insert(field.to_owned(), json!(made_up()));
                }
            }
        }
        _ => {}
    }
}

/// 32 alphanumeric characters from 24 random bytes.
fn made_up() -> String {
    loop {
        let text = service::random::token(24);
        if text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return text;
        }
    }
}
