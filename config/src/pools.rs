//! Registration pools (`pools/<id>.json`): which data people register with.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{
    catalog::{Catalog, Entry},
    path::JsonPath,
    problem::Report,
    read::Object,
    render::Rendered,
};

mod property;

/// Member of a registration that tells which version of a text was accepted, and when.
pub const CONSENTS: &str = "consents";

/// Member of the body by which somebody registers that holds his invitation.
pub const INVITATION: &str = "invitation";

pub use property::{Consent, Kind, PoolProperty};

/// What people give when they register, and where.
#[derive(Debug)]
pub struct Pool {
    /// Name of the file without `.json`.
    pub id: String,
    pub name: String,
    /// Registrations belong to a namespace (tenant).
    pub requires_namespace: bool,
    /// Nobody can register himself.
    pub disable_register: bool,
    /// Whoever registers himself has to be invited.
    pub requires_invitation: bool,
    pub properties: Vec<PoolProperty>,
    /// Answer of `GET /pools/{pool}`.
    pub rendered: Rendered,
}

impl Entry for Pool {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Pool {
    /// The field with this id.
    pub fn property(&self, id: &str) -> Option<&PoolProperty> {
        self.properties.iter().find(|property| property.id == id)
    }
}

/// All registration pools.
#[derive(Debug)]
pub struct Pools {
    pub all: Catalog<Pool>,
    /// Answer of `GET /pools`.
    pub rendered: Rendered,
}

impl Pools {
    pub(crate) fn read(documents: &BTreeMap<String, Value>, report: &Report) -> Self {
        let mut pools = Vec::new();
        let mut served = Map::new();
        for (file, document) in documents {
            let Some(id) = file
                .strip_prefix("pools/")
                .and_then(|name| name.strip_suffix(".json"))
            else {
                continue;
            };
            if let Some(pool) = read_pool(id, file, document, report) {
                served.insert(id.to_owned(), document.clone());
                pools.push(pool);
            }
        }
        let (all, _) = Catalog::new(pools);
        if !all.contains("wicked") {
            let message = "the pool of portal users is missing";
            report.error("pools/wicked.json", &JsonPath::default(), message);
        }
        Self {
            all,
            rendered: Rendered::json(&served),
        }
    }
}

fn read_pool(id: &str, file: &str, document: &Value, report: &Report) -> Option<Pool> {
    let is_valid = id
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte));
    if !is_valid || id.is_empty() {
        let message = "the file name of a pool may contain a-z, 0-9, `_` and `-` only";
        report.error(file, &JsonPath::default(), message);
        return None;
    }
    let root = Object::root(file, document, report)?;
    if root.get("disallowRegister").is_some() {
        root.warn(
            "disallowRegister",
            "it counts, but the member is called `disableRegister`",
        );
    }
    if root.text("id").is_some_and(|own| own != id) {
        root.warn("id", format!("the id of the pool is the file name, `{id}`"));
    }
    root.require_list("properties");
    let properties: Vec<_> = root
        .objects("properties")
        .iter()
        .filter_map(property::read)
        .collect();
    if root.get("properties").is_some() && !properties.iter().any(|property| property.id == "name")
    {
        root.error(
            "properties",
            "one of the fields has to be `name`: pages and mails show it",
        );
    }
    let has_consent = properties.iter().any(PoolProperty::is_consent);
    if has_consent && properties.iter().any(|property| property.id == CONSENTS) {
        root.error(
            "properties",
            "`consents` is where the versions that somebody accepted are kept; name the field \
             otherwise",
        );
    }
    let disable_register = root.flag("disableRegister") || root.flag("disallowRegister");
    let requires_invitation = root.flag("requiresInvitation");
    if requires_invitation && disable_register {
        root.warn(
            "requiresInvitation",
            "nobody can use an invitation as long as `disableRegister` is set",
        );
    }
    if requires_invitation && properties.iter().any(|one| one.id == INVITATION) {
        root.error(
            "properties",
            "`invitation` is where somebody who registers shows his invitation; name the field \
             otherwise",
        );
    }
    Some(Pool {
        id: id.to_owned(),
        name: root.required("name").unwrap_or_else(|| id.to_owned()),
        requires_namespace: root.flag("requiresNamespace"),
        disable_register,
        requires_invitation,
        properties,
        rendered: Rendered::json(document),
    })
}
