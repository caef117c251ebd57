//! `globals.json`: settings of the whole installation.
//!
//! Code reads the typed members; what is served comes from the JSON, as a
//! [`Viewer`] may see it.

mod storage;
mod view;

use serde_json::{Value, json};

pub use storage::{InitialUser, PostgresStorage};
pub use view::Viewer;

use crate::{auth_servers::AuthMethodRef, environment::Environment, problem::Report, read::Object};

pub(crate) const FILE: &str = "globals.json";
const DEFAULT_OVERLAP_SECONDS: u64 = 30 * 24 * 60 * 60;

/// Which gateway checks the calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GatewayType {
    Embedded,
    #[default]
    Kong,
}

impl GatewayType {
    const CHOICES: &[(&str, Self)] = &[("embedded", Self::Embedded), ("kong", Self::Kong)];

    /// As it stands in `gateway.type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Kong => "kong",
        }
    }
}

/// Which credentials can be shown again (portal-api 29.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reveal {
    #[default]
    Classic,
    Always,
    Never,
}

/// `globals.credentials`
#[derive(Debug)]
pub struct Credentials {
    pub reveal: Reveal,
    /// How long an old credential may live on after a rotation.
    pub max_overlap_seconds: u64,
    pub max_age_days: Option<u64>,
    /// First part of new API keys.
    pub key_prefix: String,
}

/// `globals.network`
#[derive(Debug)]
pub struct Network {
    /// External scheme; anything but `https` is development mode.
    pub schema: String,
    /// External `host[:port]` of the portal.
    pub portal_host: String,
    /// External `host[:port]` of the gateway.
    pub api_host: String,
    pub force_redirect_to_https: bool,
}

impl Network {
    /// `https` outside, with everything that follows from it (secure cookies).
    pub fn is_production(&self) -> bool {
        self.schema == "https"
    }

    /// External URL of the portal, without `/` at the end.
    pub fn external_portal_url(&self) -> String {
        format!("{}://{}", self.schema, self.portal_host)
    }

    /// External URL of the gateway, without `/` at the end.
    pub fn external_api_url(&self) -> String {
        format!("{}://{}", self.schema, self.api_host)
    }
}

/// The settings that the program acts by; the others are only handed out.
#[derive(Debug)]
pub struct Globals {
    pub title: String,
    /// Name of a password rule (static-config 8.5).
    pub password_strategy: String,
    /// Given to users with a verified mail address.
    pub validated_user_group: Option<String>,
    /// Header that carries API keys.
    pub api_key_header: String,
    /// Needed for the built-in API `portal-api`.
    pub api_user_group: Option<String>,
    /// Needed for the built-in API `echo`.
    pub echo_user_group: Option<String>,
    pub network: Network,
    /// Log-in methods of the portal and of the built-in APIs.
    pub portal_auth_methods: Vec<AuthMethodRef>,
    pub gateway_type: GatewayType,
    pub credentials: Credentials,
    /// Changing one's own password needs the old one.
    pub require_current_password: bool,
    pub auditlog_days: u64,
    pub storage: Option<PostgresStorage>,
    pub initial_users: Vec<InitialUser>,
    json: Value,
}

impl Globals {
    /// What `viewer` may see of the file, substituted (portal-api 23.3).
    pub fn view(&self, viewer: Viewer) -> Value {
        view::view(&self.json, viewer)
    }

    /// `document` is substituted already; values in force are written back into it.
    pub(crate) fn read(mut document: Value, environment: &Environment, report: &Report) -> Self {
        apply_overrides(&mut document, environment);
        let empty = json!({});
        let root = Object::root(FILE, &document, report)
            .or_else(|| Object::root(FILE, &empty, report))
            .expect("an empty object is an object");
        let gateway_type = gateway_type(&root, environment);
        let mut globals = Self::typed(&root, gateway_type);
        drop(root);
        if document.is_object() {
            set(
                &mut document,
                "gateway",
                "type",
                gateway_type.as_str().into(),
            );
            set(
                &mut document,
                "api",
                "headerName",
                globals.api_key_header.clone().into(),
            );
        }
        globals.json = document;
        globals
    }

    fn typed(root: &Object, gateway_type: GatewayType) -> Self {
        let api = root.object("api");
        let api_text = |key| api.as_ref().and_then(|api| api.text(key));
        Self {
            title: root.text_or("title", "API Portal"),
            password_strategy: password_strategy(root),
            validated_user_group: root.text("validatedUserGroup"),
            api_key_header: api_text("headerName").unwrap_or_else(|| "X-ApiKey".to_owned()),
            api_user_group: api_text("apiUserGroup"),
            echo_user_group: api_text("echoUserGroup"),
            network: network(root),
            portal_auth_methods: portal_auth_methods(root),
            gateway_type,
            credentials: credentials(root),
            require_current_password: root.flag("requireCurrentPassword"),
            auditlog_days: root
                .object("auditlog")
                .and_then(|log| log.number("logdays"))
                .unwrap_or(365),
            storage: storage::read(root),
            initial_users: storage::initial_users(root),
            json: Value::Null,
        }
    }
}

fn apply_overrides(document: &mut Value, environment: &Environment) {
    if document.is_object() {
        for (member, value) in &environment.overrides.network {
            set(document, "network", member, value.as_str().into());
        }
    }
}

/// Sets `object.member`, creating the object.
fn set(document: &mut Value, object: &str, member: &str, value: Value) {
    if document.get(object).is_none_or(Value::is_null) {
        document[object] = json!({});
    }
    if let Some(map) = document[object].as_object_mut() {
        map.insert(member.to_owned(), value);
    }
}

fn gateway_type(root: &Object, environment: &Environment) -> GatewayType {
    if let Some(name) = environment.var("WICKETGATE_GATEWAY") {
        if let Some((_, kind)) = GatewayType::CHOICES
            .iter()
            .find(|(choice, _)| *choice == name)
        {
            return *kind;
        }
        root.error_here("WICKETGATE_GATEWAY has to be `embedded` or `kong`");
    }
    root.object("gateway")
        .and_then(|gateway| gateway.choice("type", GatewayType::CHOICES))
        .unwrap_or(environment.overrides.default_gateway)
}

fn password_strategy(root: &Object) -> String {
    const KNOWN: [&str; 5] = [
        "PW_6_24",
        "PW_8_24_UPPER_LOWER",
        "PW_8_24_UPPER_LOWER_DIGIT",
        "PW_8_24_UPPER_LOWER_DIGIT_SPECIAL",
        "PW_12_128",
    ];
    let name = root.text_or("passwordStrategy", KNOWN[0]);
    if KNOWN.contains(&name.as_str()) {
        return name;
    }
    root.warn(
        "passwordStrategy",
        format!("`{name}` is unknown; `{}` is used", KNOWN[0]),
    );
    KNOWN[0].to_owned()
}

fn network(root: &Object) -> Network {
    let Some(network) = root.object("network") else {
        if root.get("network").is_none() {
            root.error("network", "`network` is missing");
        }
        return Network {
            schema: String::new(),
            portal_host: String::new(),
            api_host: String::new(),
            force_redirect_to_https: false,
        };
    };
    for key in [
        "apiUrl",
        "portalUrl",
        "kongAdapterUrl",
        "kongAdminUrl",
        "kongProxyUrl",
        "mailerUrl",
        "chatbotUrl",
    ] {
        network.url(key);
    }
    Network {
        schema: network
            .choice("schema", &[("http", "http"), ("https", "https")])
            .map_or_else(
                || network.required("schema").unwrap_or_default(),
                str::to_owned,
            ),
        portal_host: network.required("portalHost").unwrap_or_default(),
        api_host: network.required("apiHost").unwrap_or_default(),
        force_redirect_to_https: network.flag("forceRedirectToHttps"),
    }
}

fn portal_auth_methods(root: &Object) -> Vec<AuthMethodRef> {
    let Some(portal) = root.object("portal") else {
        root.error("portal", "`portal` with `authMethods` is missing");
        return Vec::new();
    };
    portal.require_list("authMethods");
    AuthMethodRef::list(&portal, "authMethods")
}

fn credentials(root: &Object) -> Credentials {
    let object = root.object("credentials");
    let object = object.as_ref();
    let choices = [
        ("classic", Reveal::Classic),
        ("always", Reveal::Always),
        ("never", Reveal::Never),
    ];
    Credentials {
        reveal: object
            .and_then(|object| object.choice("reveal", &choices))
            .unwrap_or_default(),
        max_overlap_seconds: object
            .and_then(|object| object.number("maxOverlapSeconds"))
            .unwrap_or(DEFAULT_OVERLAP_SECONDS),
        max_age_days: object.and_then(|object| object.number("maxAgeDays")),
        key_prefix: object
            .and_then(|object| object.text("keyPrefix"))
            .unwrap_or_else(|| "wg".to_owned()),
    }
}
