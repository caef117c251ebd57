//! One call, several backends. What is asked and what of it is answered is decided here, from
//! memory; `proxy::composed` asks.

mod failed;
mod plan;
mod values;

use std::{collections::BTreeMap, sync::Arc};

use arc_swap::ArcSwap;
use kong::plugins::{
    compose::{Backend, Config},
    expression::Variable,
};
use uuid::Uuid;

use super::{Verdict, operations::Calls};
use crate::{
    live::{Compiler, Consumer, Service},
    proxy::Exchange,
    store::Row,
};

pub use failed::Failed;
pub use plan::{Call, Operation, Plan, Step};
pub use values::{Shared, object};

pub struct Compose {
    calls: Calls,
    plan: Arc<Plan>,
    /// What the gateway knows services as, one for each backend.
    rows: Vec<Row>,
    /// Those that can be reached, as the entities say that they refer to.
    backends: ArcSwap<Backends>,
}

/// By the number of the backend.
pub type Backends = Vec<Option<Arc<Service>>>;

/// What a call is answered by.
pub struct Composition {
    pub plan: Arc<Plan>,
    pub operation: usize,
    pub backends: Arc<Backends>,
    pub path: Vec<(String, String)>,
    pub consumer: Shared,
}

impl Compose {
    pub fn new(entity: &kong::Plugin, config: &Config) -> Result<Self, String> {
        let operations = config.operations.iter();
        let calls = operations.map(|operation| (&*operation.method, &*operation.path));
        let backends = config.backends.iter();
        let rows = backends
            .map(|(name, backend)| row(entity.id, name, backend))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            calls: Calls::new(calls, config.others)?,
            plan: Arc::new(Plan::new(config)?),
            backends: ArcSwap::from_pointee(rows.iter().map(|_| None).collect()),
            rows,
        })
    }

    /// Finds out how the backends are reached now.
    pub fn connect(&self, compiler: &mut Compiler<'_>) {
        let before = self.backends.load();
        let is_current = |service: &Option<Arc<Service>>| {
            let service = service.as_ref();
            service.is_some_and(|service| compiler.is_current(service))
        };
        if before.iter().all(is_current) {
            return;
        }
        let services = self
            .rows
            .iter()
            .map(|row| compiler.service(row).map(Arc::new));
        self.backends.store(Arc::new(services.collect()));
    }

    pub fn access(&self, exchange: &mut Exchange<'_>) -> Verdict {
        match self.calls.find(exchange) {
            Ok(Some((operation, path))) => {
                exchange.composition = Some(Box::new(Composition {
                    plan: self.plan.clone(),
                    operation,
                    backends: self.backends.load_full(),
                    path,
                    consumer: consumer(exchange.consumer.as_deref()),
                }));
                Verdict::Continue
            }
            Ok(None) => Verdict::Continue,
            Err(answer) => answer.into(),
        }
    }
}

/// A backend as a service of the gateway: with all that one has.
fn row(plugin: Uuid, name: &str, backend: &Backend) -> Result<Row, String> {
    let url = url::Url::parse(&backend.url).map_err(|error| error.to_string())?;
    let service = kong::Service {
        id: plugin,
        name: Some(format!("{plugin}/{name}")),
        protocol: url.scheme().to_owned(),
        host: url.host_str().ok_or("a host is missing")?.to_owned(),
        port: url.port_or_known_default().unwrap_or(80),
        path: Some(url.path().to_owned()),
        retries: backend.retries,
        connect_timeout: backend.connect_timeout,
        ..kong::Service::default()
    };
    let fields = serde_json::to_value(service).map_err(|error| error.to_string())?;
    match fields {
        serde_json::Value::Object(fields) => Ok(Row::new(kong::Kind::Service, plugin, 0, &fields)),
        _ => Err("a service is an object".to_owned()),
    }
}

/// Who calls, for expressions.
fn consumer(consumer: Option<&Consumer>) -> Shared {
    let Some(consumer) = consumer else {
        return Shared::new(Variable::Null);
    };
    let text = |value: Option<String>| Shared::new(value.map_or(Variable::Null, Variable::String));
    let shown = |value: Option<&str>| text(value.map(str::to_owned));
    object(BTreeMap::from([
        ("id".to_owned(), text(Some(consumer.id().to_string()))),
        ("username".to_owned(), shown(consumer.username())),
        ("custom_id".to_owned(), shown(consumer.custom_id())),
    ]))
}
