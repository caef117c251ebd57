use std::{collections::HashMap, net::IpAddr, rc::Rc, sync::Arc, time::Duration};

use http::{HeaderValue, StatusCode, Uri};
use kong::{Kind, entity::PathHandling};
use uuid::Uuid;

use crate::{
    plugins::{self, Plugin, usage::UsageSettings},
    router::{Router, Rule},
    store::{Row, SharedRow, Tables},
};

/// The snapshot: which requests go where, through which plugins.
#[derive(Default)]
pub struct Routing {
    pub router: Router,
    pub routes: Vec<Target>,
    /// Plugins for requests that belong to no route.
    pub global: Selected,
    /// Compiled parts by the row they come from, taken over when the row has not changed.
    plugins: HashMap<Uuid, (SharedRow, Bound)>,
    services: HashMap<Uuid, (SharedRow, Arc<Service>)>,
    rules: HashMap<Uuid, (SharedRow, Rule)>,
    origins: Origins,
}

/// A snapshot as one worker holds it: requests count their references to this, which no other
/// core touches, and not to the snapshot itself.
pub struct Snapshot(Arc<Routing>);

impl Snapshot {
    pub fn new(routing: Arc<Routing>) -> Rc<Self> {
        Rc::new(Self(routing))
    }

    pub fn is(&self, routing: &Arc<Routing>) -> bool {
        Arc::ptr_eq(&self.0, routing)
    }
}

impl std::ops::Deref for Snapshot {
    type Target = Routing;

    fn deref(&self) -> &Routing {
        &self.0
    }
}

/// A route with what happens to its requests.
pub struct Target {
    pub id: Uuid,
    /// Name, else id.
    pub label: Arc<str>,
    pub service: Option<Arc<Service>>,
    pub plugins: Selected,
    /// Those of its paths that are patterns.
    pub patterns: Vec<regex::bytes::Regex>,
    pub strip_path: bool,
    pub path_handling: PathHandling,
    pub preserve_host: bool,
    /// Status for plain http when only https is allowed.
    pub https_redirect: Option<StatusCode>,
    /// The first plain host, for redirects.
    pub plain_host: Option<String>,
}

/// What two services must have in common to share connections, as a number: workers keep their
/// connections by it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Origin(pub usize);

/// All origins there ever were in this process: a number never changes its meaning.
type Origins = HashMap<(Arc<str>, u16, bool, bool), Origin>;

/// A backend.
pub struct Service {
    pub id: Uuid,
    pub origin: Origin,
    /// Name, else id.
    pub label: Arc<str>,
    pub tls: bool,
    pub tls_verify: bool,
    pub host: Arc<str>,
    /// Of a host that is an address.
    pub address: Option<IpAddr>,
    pub port: u16,
    /// `Host` for the backend.
    pub authority: HeaderValue,
    pub base_path: String,
    pub retries: u16,
    pub connect_timeout: Duration,
    pub write_timeout: Duration,
    pub read_timeout: Duration,
    /// Whether the sessions of portal and auth server may reach it (gateway 5.4).
    pub may_see_sessions: bool,
}

/// A plugin with what it is bound to.
#[derive(Clone)]
pub struct Bound {
    pub ordinal: u8,
    pub route: Option<Uuid>,
    pub service: Option<Uuid>,
    pub consumer: Option<Uuid>,
    pub plugin: Arc<Plugin>,
}

/// At most one configuration per plugin, by ordinal; those of consumers are not among them.
#[derive(Default)]
pub struct Selected {
    pub mask: u32,
    by_ordinal: Vec<Option<Bound>>,
}

impl Bound {
    /// Nothing for a disabled plugin. One that cannot be understood stays in force and refuses
    /// its requests: it may have been there to protect them.
    pub fn new(row: &Row) -> Option<Self> {
        let entity: kong::Plugin = row.parse().unwrap_or_default();
        if !entity.enabled {
            return None;
        }
        let ordinal = plugins::ordinal(&entity.name);
        Some(Self {
            ordinal: ordinal.unwrap_or(plugins::UNKNOWN),
            route: row.reference("route"),
            service: row.reference("service"),
            consumer: row.reference("consumer"),
            plugin: Arc::new(Plugin::compile(&entity)),
        })
    }

    /// Whether it is for requests of this route and service.
    pub fn fits(&self, route: Option<Uuid>, service: Option<Uuid>) -> bool {
        (self.route.is_none() || self.route == route)
            && (self.service.is_none() || self.service == service)
    }

    /// 1 is the most specific (gateway 6.1).
    pub fn level(&self) -> u8 {
        match (
            self.route.is_some(),
            self.service.is_some(),
            self.consumer.is_some(),
        ) {
            (true, true, true) => 1,
            (true, false, true) => 2,
            (false, true, true) => 3,
            (true, true, false) => 4,
            (false, false, true) => 5,
            (true, false, false) => 6,
            (false, true, false) => 7,
            (false, false, false) => 8,
        }
    }
}

impl Selected {
    fn new<'a>(fitting: impl Iterator<Item = &'a Bound>) -> Self {
        let mut by_ordinal: Vec<Option<Bound>> = vec![None; plugins::COUNT + 1];
        for bound in fitting {
            let place = &mut by_ordinal[usize::from(bound.ordinal)];
            if place
                .as_ref()
                .is_none_or(|chosen| bound.level() < chosen.level())
            {
                *place = Some(bound.clone());
            }
        }
        let mask = by_ordinal
            .iter()
            .flatten()
            .fold(0, |mask, bound| mask | 1 << bound.ordinal);
        Self { mask, by_ordinal }
    }

    pub fn get(&self, ordinal: u8) -> Option<&Bound> {
        self.by_ordinal.get(usize::from(ordinal))?.as_ref()
    }
}

impl Routing {
    /// Compiles the entities; parts of `previous` whose rows are the same are taken over.
    pub fn compile(tables: &Tables, previous: &Self) -> Self {
        let plugins = reuse(tables, Kind::Plugin, &previous.plugins, |row| {
            match row.reference("consumer") {
                Some(_) => None,
                None => Bound::new(row),
            }
        });
        let mut origins = previous.origins.clone();
        let services = reuse(tables, Kind::Service, &previous.services, |row| {
            let service: kong::Service = row.parse().ok()?;
            service
                .enabled
                .then(|| Service::new(&service, &mut origins).map(Arc::new))
                .flatten()
        });
        let rules = reuse(tables, Kind::Route, &previous.rules, |row| {
            Rule::new(&row.parse().ok()?).ok()
        });
        // By what they are bound to, so that a route looks at its own plugins only.
        let mut by_scope: HashMap<(Option<Uuid>, Option<Uuid>), Vec<&Bound>> = HashMap::new();
        for (_, bound) in plugins.values() {
            by_scope
                .entry((bound.route, bound.service))
                .or_default()
                .push(bound);
        }
        let mut compiled: Vec<(&SharedRow, &Rule, Target)> = rules
            .values()
            .filter_map(|(row, rule)| {
                let service = row.reference("service").map(|id| services.get(&id));
                // Routes of a disabled service are not loaded.
                let service = match service {
                    Some(found) => Some(found?.1.clone()),
                    None => None,
                };
                let (route, id) = (Some(row.id), service.as_ref().map(|service| service.id));
                let scopes = [(None, None), (route, None), (None, id), (route, id)];
                let mut fitting: Vec<&Bound> = Vec::new();
                for (position, scope) in scopes.iter().enumerate() {
                    if !scopes[..position].contains(scope) {
                        fitting.extend(by_scope.get(scope).into_iter().flatten());
                    }
                }
                Some((
                    row,
                    rule,
                    Target::new(row, rule, service, Selected::new(fitting.into_iter()))?,
                ))
            })
            .collect();
        compiled.sort_by_key(|(row, ..)| (row.created_at(), row.id));
        let ordered: Vec<Rule> = compiled
            .iter()
            .map(|(_, rule, _)| (*rule).clone())
            .collect();
        let routes = compiled.into_iter().map(|(.., target)| target).collect();
        let global = Selected::new(by_scope.get(&(None, None)).into_iter().flatten().copied());
        Self {
            router: Router::new(&ordered),
            routes,
            global,
            plugins,
            services,
            rules,
            origins,
        }
    }

    /// The settings of the global usage plugin.
    pub fn usage(&self) -> Option<Arc<UsageSettings>> {
        match &*self.global.get(plugins::USAGE)?.plugin {
            Plugin::Usage(usage) => Some(usage.settings.clone()),
            _ => None,
        }
    }
}

fn reuse<T: Clone>(
    tables: &Tables,
    kind: Kind,
    previous: &HashMap<Uuid, (SharedRow, T)>,
    mut compile: impl FnMut(&Row) -> Option<T>,
) -> HashMap<Uuid, (SharedRow, T)> {
    tables
        .all(kind, None)
        .filter_map(|row| {
            let compiled = match previous.get(&row.id) {
                Some((known, compiled)) if Arc::ptr_eq(known, row) => compiled.clone(),
                _ => compile(row)?,
            };
            Some((row.id, (row.clone(), compiled)))
        })
        .collect()
}

impl Target {
    fn new(
        row: &Row,
        rule: &Rule,
        service: Option<Arc<Service>>,
        plugins: Selected,
    ) -> Option<Self> {
        let route: kong::Route = row.parse().ok()?;
        let https_only = !route.protocols.iter().any(|protocol| protocol == "http");
        let plain_host = route
            .hosts
            .iter()
            .flatten()
            .find(|host| !host.contains('*'))
            .cloned();
        Some(Self {
            id: route.id,
            label: route.name.unwrap_or_else(|| route.id.to_string()).into(),
            service,
            plugins,
            patterns: rule.patterns().cloned().collect(),
            strip_path: route.strip_path,
            path_handling: route.path_handling,
            preserve_host: route.preserve_host,
            https_redirect: https_only
                .then(|| StatusCode::from_u16(route.https_redirect_status_code).ok())
                .flatten(),
            plain_host,
        })
    }
}

impl Service {
    fn new(service: &kong::Service, origins: &mut Origins) -> Option<Self> {
        let tls = service.protocol == "https";
        let default_port = if tls { 443 } else { 80 };
        let bare = service.host.trim_start_matches('[').trim_end_matches(']');
        let address: Option<IpAddr> = bare.parse().ok();
        let host = match address {
            Some(IpAddr::V6(address)) => format!("[{address}]"),
            _ => service.host.clone(),
        };
        let authority = if service.port == default_port {
            host
        } else {
            format!("{host}:{}", service.port)
        };
        // The schema allows only what makes a valid authority.
        authority.parse::<Uri>().ok()?;
        let tags = service.tags.as_deref().unwrap_or_default();
        let tls_verify = service.tls_verify.unwrap_or(true);
        let host: Arc<str> = service.host.as_str().into();
        let next = Origin(origins.len());
        let origin = *origins
            .entry((host.clone(), service.port, tls, tls_verify))
            .or_insert(next);
        let timeout = |milliseconds: u32| Duration::from_millis(u64::from(milliseconds));
        Some(Self {
            id: service.id,
            origin,
            label: service
                .name
                .clone()
                .unwrap_or_else(|| service.id.to_string())
                .into(),
            tls,
            tls_verify,
            host,
            address,
            port: service.port,
            authority: HeaderValue::from_str(&authority).ok()?,
            base_path: service.path.clone().unwrap_or_else(|| "/".to_owned()),
            retries: service.retries,
            connect_timeout: timeout(service.connect_timeout),
            write_timeout: timeout(service.write_timeout),
            read_timeout: timeout(service.read_timeout),
            may_see_sessions: tags.iter().any(|tag| tag == kong::SESSIONS_TAG),
        })
    }
}
