use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use hyper::client::conn::http1::SendRequest;

use super::body::RequestBody;
use crate::{live::Service, worker::Worker};

/// Idle connections that are kept per backend.
const MAX_IDLE: usize = 512;
const MAX_REQUESTS: u32 = 10_000;
const IDLE: Duration = Duration::from_mins(1);

/// What two services must have in common to share connections.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    host: Arc<str>,
    port: u16,
    tls: bool,
    tls_verify: bool,
}

impl Origin {
    pub fn of(service: &Service) -> Self {
        Self {
            host: service.host.clone(),
            port: service.port,
            tls: service.tls,
            tls_verify: service.tls_verify,
        }
    }
}

/// Idle connections to backends.
pub struct Pool {
    idle: RefCell<HashMap<Origin, Vec<Idle>>>,
    /// The time of the last look: exact enough for idle times, and asking the clock twice per
    /// request is not free.
    now: Cell<Instant>,
}

impl Default for Pool {
    fn default() -> Self {
        Self {
            idle: RefCell::default(),
            now: Cell::new(Instant::now()),
        }
    }
}

struct Idle {
    sender: SendRequest<RequestBody>,
    requests: u32,
    since: Instant,
}

/// A connection in use.
pub struct Lease {
    pub sender: SendRequest<RequestBody>,
    worker: Rc<Worker>,
    origin: Origin,
    requests: u32,
}

impl Pool {
    /// The connection used last: the others may then end.
    pub fn take(&self, worker: &Rc<Worker>, origin: &Origin) -> Option<Lease> {
        let mut idle = self.idle.borrow_mut();
        let list = idle.get_mut(origin)?;
        while let Some(candidate) = list.pop() {
            if candidate.sender.is_ready() && self.now.get().duration_since(candidate.since) < IDLE
            {
                return Some(Lease {
                    sender: candidate.sender,
                    worker: worker.clone(),
                    origin: origin.clone(),
                    requests: candidate.requests,
                });
            }
        }
        None
    }

    /// Closes connections that were idle for too long.
    pub fn sweep(&self) {
        let now = Instant::now();
        self.now.set(now);
        self.idle.borrow_mut().retain(|_, list| {
            list.retain(|idle| !idle.sender.is_closed() && now.duration_since(idle.since) < IDLE);
            !list.is_empty()
        });
    }
}

impl Lease {
    pub fn new(sender: SendRequest<RequestBody>, worker: &Rc<Worker>, origin: Origin) -> Self {
        Self {
            sender,
            worker: worker.clone(),
            origin,
            requests: 0,
        }
    }

    /// For the next request to the same backend.
    pub fn give_back(self) {
        if self.sender.is_closed() || self.requests + 1 >= MAX_REQUESTS {
            return;
        }
        let since = self.worker.pool.now.get();
        let mut idle = self.worker.pool.idle.borrow_mut();
        let list = idle.entry(self.origin).or_default();
        if list.len() < MAX_IDLE {
            list.push(Idle {
                sender: self.sender,
                requests: self.requests + 1,
                since,
            });
        }
    }
}
