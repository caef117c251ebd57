//! Some APIs of a snapshot for a gateway that nobody will ever tell anything more.

use std::collections::{BTreeMap, BTreeSet};

use kong::Kind;
use sdk::types::{Snapshot, gateway::GatewayProblem};
use serde_json::Value;
use service::keys::{Keys, MasterKey, Purpose};
use uuid::Uuid;

use crate::{
    auth_servers,
    desired::{self, Context, Desired},
    document,
    entity::{Entities, Fields, reference, text},
    ids::Ids,
    keys::{self, KeysByServer, Unavailable},
    target::Target,
};

/// What a microgateway is made of.
pub struct Input {
    /// Its APIs, with the subscriptions to them.
    pub snapshot: Snapshot,
    /// JWKS documents by auth server: tokens of theirs are accepted.
    pub key_sets: BTreeMap<String, Vec<u8>>,
    /// By it an API key becomes its digest (gateway 12.2).
    pub digest_key: String,
    /// The installation that the subscriptions are of, and that will be told about the calls.
    pub instance: String,
    /// By it the gateway proves itself when it asks an auth server about tokens.
    pub introspection_token: Option<String>,
    /// What needs somebody else at each call, and is wanted nevertheless.
    pub allowed: BTreeSet<Outside>,
}

/// What a microgateway would have to ask for at each call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outside {
    /// Limits that are counted in a Redis.
    Redis,
    /// Kong's own OAuth 2.0 plugin, which keeps its tokens in a database.
    Oauth2,
    /// Tokens that an auth server is asked about.
    Introspection,
}

impl Outside {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Oauth2 => "oauth2",
            Self::Introspection => "introspection",
        }
    }

    fn of(fields: &Fields) -> Option<Self> {
        let config = fields.get("config").and_then(Value::as_object)?;
        let says = |name, value| text(config, name) == Some(value);
        match text(fields, "name")? {
            "oauth2" => Some(Self::Oauth2),
            "rate-limiting" | "response-ratelimiting" if says("policy", "redis") => {
                Some(Self::Redis)
            }
            "wicketgate-identity" if says("source", "introspection") => Some(Self::Introspection),
            _ => None,
        }
    }
}

/// What it serves.
pub struct Output {
    /// A declarative document (gateway 3). The same input always gives the same one.
    pub document: Value,
    /// When credentials end, in seconds since 1970, by the id of their entity.
    pub expires: BTreeMap<Uuid, i64>,
}

/// The document, or everything that stands in its way.
pub fn build(input: &Input) -> Result<Output, Vec<GatewayProblem>> {
    let mut problems = Vec::new();
    let key_sets = key_sets(input, &mut problems);
    let settings = desired::Settings {
        ids: Ids::new(&input.instance),
        digest_key: input.digest_key.clone(),
        usage_endpoint: kong::usage::FILES.to_owned(),
        usage_token: String::new(),
        // Without one it is not allowed to ask.
        introspection_token: input
            .introspection_token
            .clone()
            .unwrap_or("none".to_owned()),
        redis: None,
        // For Kong only.
        provision: Keys::from_master(MasterKey::generate())
            .derive(&Purpose::Provision)
            .expect("a master key has all"),
    };
    let target = Target::embedded();
    let context = Context::new(&settings, &input.snapshot, &key_sets, &target);
    let desired = desired::alone(&context, &input.snapshot);
    problems.extend(desired.problems.iter().cloned());
    problems.extend(desired.applications.values().flatten().cloned());
    for api in &input.snapshot.apis {
        if api.auth.as_deref() == Some("oauth2")
            && let Ok(rules) = context.token_rules(api)
        {
            let missing = rules
                .servers
                .iter()
                .filter(|name| !key_sets.contains_key(**name));
            problems.extend(missing.map(|name| GatewayProblem {
                kind: "api".to_owned(),
                id: api.id.clone(),
                message: format!(
                    "the keys of the auth server `{name}` are missing: save its key set \
                     (`…/oauth2/jwks`) as `keys/{name}.json`"
                ),
            }));
        }
    }
    problems.extend(from_outside(&desired.entities, &input.allowed));
    if input.allowed.contains(&Outside::Introspection) && input.introspection_token.is_none() {
        problems.push(GatewayProblem {
            kind: "gateway".to_owned(),
            id: "introspection".to_owned(),
            message: "asking about tokens needs the keys of the installation in the environment \
                      (WICKETGATE_DERIVED_KEYS)"
                .to_owned(),
        });
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let expires = expires(&desired, &input.snapshot);
    let text = document::render(&desired.entities, target.version, None, None);
    let mut document: Value = serde_json::from_slice(&text).expect("it was rendered as JSON");
    document["_transform"] = Value::Bool(false);
    Ok(Output { document, expires })
}

fn key_sets(input: &Input, problems: &mut Vec<GatewayProblem>) -> KeysByServer {
    let mut found = KeysByServer::new();
    for (server, text) in &input.key_sets {
        match keys::parse(text) {
            Ok(keys) => {
                found.insert(server.clone(), keys);
            }
            Err(message) => problems.push(GatewayProblem {
                kind: "auth-server".to_owned(),
                id: server.clone(),
                message: format!("keys/{server}.json: {message}"),
            }),
        }
    }
    found
}

/// Plugins that would ask somebody at each call.
fn from_outside<'a>(
    entities: &'a Entities,
    allowed: &'a BTreeSet<Outside>,
) -> impl Iterator<Item = GatewayProblem> + 'a {
    let plugins = entities.of_kind(Kind::Plugin);
    plugins.filter_map(|(_, fields)| {
        let outside = Outside::of(fields).filter(|outside| !allowed.contains(outside))?;
        let service = reference(fields, "service");
        let service = service.and_then(|id| {
            let mut services = entities.of_kind(Kind::Service);
            services.find(|(known, _)| *known == id)
        });
        let service = service.and_then(|(_, fields)| text(fields, "name"));
        let (name, word) = (text(fields, "name").unwrap_or_default(), outside.as_str());
        Some(GatewayProblem {
            kind: "api".to_owned(),
            id: service.unwrap_or("all").to_owned(),
            message: format!(
                "the plugin `{name}` needs another service at each call; build with \
                 `--allow {word}` if it will be reachable"
            ),
        })
    })
}

fn expires(desired: &Desired, snapshot: &Snapshot) -> BTreeMap<Uuid, i64> {
    let credentials = snapshot
        .subscriptions
        .iter()
        .flat_map(|one| &one.credentials);
    let ends: BTreeMap<&str, i64> = credentials
        .filter_map(|one| Some((one.id.as_str(), one.expires_at.as_ref()?.0.timestamp())))
        .collect();
    let credentials = desired.credentials.iter();
    credentials
        .filter_map(|(entity, credential)| Some((*entity, *ends.get(credential.as_str())?)))
        .collect()
}

/// The key sets that the auth servers of a snapshot publish now.
pub async fn fetch_key_sets(snapshot: &Snapshot) -> Result<BTreeMap<String, Vec<u8>>, Unavailable> {
    let mut found = BTreeMap::new();
    for server in &snapshot.auth_servers {
        let url = auth_servers::base_url(server).and_then(|base| base.join("oauth2/jwks").ok());
        let Some(url) = url else { continue };
        let name = desired::server_name(server).to_owned();
        found.insert(name, keys::fetch_set(url).await?);
    }
    Ok(found)
}
