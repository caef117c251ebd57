use std::{
    collections::{BTreeSet, HashMap},
    rc::Rc,
    sync::Arc,
};

use http::StatusCode;
use kong::{Kind, entity::PathHandling};
use uuid::Uuid;

use super::{
    backends::{Compiler, Origins, Service},
    upstream::Upstream,
};
use crate::{
    plugins::{self, Plugin, usage::UsageSettings},
    router::{Router, Rule},
    store::{Row, Tables},
};

/// The snapshot: which requests go where, through which plugins.
#[derive(Default)]
pub struct Routing {
    pub router: Router,
    pub routes: Vec<Target>,
    /// Plugins for requests that belong to no route.
    pub global: Selected,
    /// Compiled parts by the row they come from, taken over when the row has not changed.
    plugins: HashMap<Uuid, (Row, Bound)>,
    services: HashMap<Uuid, (Row, Arc<Service>)>,
    /// By name, each with the rows that it comes from.
    upstreams: HashMap<String, (Vec<Row>, Arc<Upstream>)>,
    rules: HashMap<Uuid, (Row, Rule)>,
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
    pub row: Row,
    /// Name, else id.
    pub label: Arc<str>,
    pub service: Option<Arc<Service>>,
    pub plugins: Selected,
    /// Those of its paths that are patterns.
    pub patterns: Vec<regex::bytes::Regex>,
    pub strip_path: bool,
    pub path_handling: PathHandling,
    pub preserve_host: bool,
    /// The backend is asked only when the whole body is there.
    pub request_buffering: bool,
    /// Of a route for gRPC.
    pub grpc: Option<Grpc>,
    /// Status for plain http when only https is allowed.
    pub https_redirect: Option<StatusCode>,
    /// The first plain host, for redirects.
    pub plain_host: Option<String>,
}

/// Over which connections gRPC is spoken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Grpc {
    Any,
    Encrypted,
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
    /// In the order of the bits.
    chosen: Box<[Bound]>,
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
        let mut chosen: Vec<Bound> = fitting.cloned().collect();
        chosen.sort_by_key(|bound| (bound.ordinal, bound.level()));
        chosen.dedup_by_key(|bound| bound.ordinal);
        Self {
            mask: chosen
                .iter()
                .fold(0, |mask, bound| mask | 1 << bound.ordinal),
            chosen: chosen.into(),
        }
    }

    pub fn get(&self, ordinal: u8) -> Option<&Bound> {
        let bit = 1 << ordinal;
        let before = (self.mask & (bit - 1)).count_ones() as usize;
        (self.mask & bit != 0).then(|| self.chosen.get(before))?
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
        let upstreams = compile_upstreams(tables, &previous.upstreams);
        let mut backends = Compiler::new(tables, &upstreams, previous.origins.clone());
        let services = tables
            .all(Kind::Service, None)
            .filter_map(|row| {
                let known = previous.services.get(&row.id);
                let known = known
                    .filter(|(before, service)| before.is(row) && backends.is_current(service))
                    .map(|(_, service)| service.clone());
                let service = known.or_else(|| backends.service(row).map(Arc::new))?;
                Some((row.id, (row.clone(), service)))
            })
            .collect::<HashMap<_, _>>();
        for (_, bound) in plugins.values() {
            if let Plugin::Compose(compose) = &*bound.plugin {
                compose.connect(&mut backends);
            }
        }
        let origins = backends.into_origins();
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
        let mut compiled: Vec<(&Row, &Rule, Target)> = rules
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
        compiled.sort_by_key(|(row, ..)| (row.created_at(), row.position, row.id));
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
            upstreams,
            rules,
            origins,
        }
    }

    pub fn upstreams(&self) -> impl Iterator<Item = &Arc<Upstream>> {
        self.upstreams.values().map(|(_, upstream)| upstream)
    }

    /// Whose certificates clients are asked for; nothing where none is wanted.
    pub fn client_authorities(&self) -> Option<BTreeSet<Uuid>> {
        let mut asked: Option<BTreeSet<Uuid>> = None;
        for (_, bound) in self.plugins.values() {
            if let Plugin::MtlsAuth(plugin) = &*bound.plugin {
                asked.get_or_insert_default().extend(plugin.authorities());
            }
        }
        asked
    }

    /// The settings of the global usage plugin.
    pub fn usage(&self) -> Option<Arc<UsageSettings>> {
        match &*self.global.get(plugins::USAGE)?.plugin {
            Plugin::Usage(usage) => Some(usage.settings.clone()),
            _ => None,
        }
    }
}

/// An upstream that has the same rows as before stays the one that it was.
fn compile_upstreams(
    tables: &Tables,
    previous: &HashMap<String, (Vec<Row>, Arc<Upstream>)>,
) -> HashMap<String, (Vec<Row>, Arc<Upstream>)> {
    let rows = tables.all(Kind::Upstream, None);
    rows.filter_map(|row| {
        let targets: Vec<Row> = tables
            .children((Kind::Upstream, row.id), Kind::Target)
            .cloned()
            .collect();
        let name = row.text("name")?.to_ascii_lowercase();
        let known = previous.get(&name);
        let mut rows = vec![row.clone()];
        rows.extend(targets.iter().cloned());
        let is_same = |before: &[Row]| {
            before.len() == rows.len() && before.iter().zip(&rows).all(|(one, other)| one.is(other))
        };
        let upstream = match known {
            Some((before, upstream)) if is_same(before) => upstream.clone(),
            _ => {
                let before = known
                    .map(|(_, upstream)| &**upstream)
                    .filter(|upstream| upstream.id == row.id);
                Arc::new(Upstream::new(row, &targets, before)?)
            }
        };
        Some((name, (rows, upstream)))
    })
    .collect()
}

fn reuse<T: Clone>(
    tables: &Tables,
    kind: Kind,
    previous: &HashMap<Uuid, (Row, T)>,
    mut compile: impl FnMut(&Row) -> Option<T>,
) -> HashMap<Uuid, (Row, T)> {
    tables
        .all(kind, None)
        .filter_map(|row| {
            let compiled = match previous.get(&row.id) {
                Some((known, compiled)) if known.is(row) => compiled.clone(),
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
        let has = |wanted: &str| route.protocols.iter().any(|protocol| protocol == wanted);
        let https_only = has("https") && !has("http");
        let grpc = match (has("grpc"), has("grpcs")) {
            (true, _) => Some(Grpc::Any),
            (false, true) => Some(Grpc::Encrypted),
            (false, false) => None,
        };
        let plain_host = route
            .hosts
            .iter()
            .flatten()
            .find(|host| !host.contains('*'))
            .cloned();
        Some(Self {
            id: route.id,
            row: row.clone(),
            label: route.name.unwrap_or_else(|| route.id.to_string()).into(),
            service,
            plugins,
            patterns: rule.patterns().cloned().collect(),
            strip_path: route.strip_path,
            path_handling: route.path_handling,
            preserve_host: route.preserve_host,
            // The answers to a call may come before all of it is sent.
            request_buffering: route.request_buffering && grpc.is_none(),
            grpc,
            https_redirect: https_only
                .then(|| StatusCode::from_u16(route.https_redirect_status_code).ok())
                .flatten(),
            plain_host,
        })
    }
}
