use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, hash_map::Entry},
    rc::Rc,
    sync::Arc,
    task::{Context, Waker},
    time::{Duration, Instant},
};

use tokio::sync::Mutex;

use super::{connect::Places, wire::Wire};
use crate::{live::Origin, worker::Worker};

/// Idle connections that are kept per backend.
const MAX_IDLE: usize = 512;
const MAX_REQUESTS: u32 = 10_000;
const MAX_NAMED: usize = 4096;
const NOT_KEPT: usize = usize::MAX;
const IDLE: Duration = Duration::from_mins(1);

/// Idle connections to backends.
pub struct Pool {
    /// By the number of the origin.
    idle: RefCell<Vec<Vec<Idle>>>,
    /// Likewise those that several requests use at a time, in use or not.
    shared: RefCell<HashMap<usize, Vec<Wire>>>,
    /// Who connects to an origin whose connections are shared.
    turns: RefCell<HashMap<usize, Arc<Mutex<()>>>>,
    /// Origins under names that clients choose, with their numbers.
    named: RefCell<HashMap<(usize, Box<str>), usize>>,
    /// The time of the last look: exact enough for idle times, and asking the clock twice per
    /// request is not free.
    now: Cell<Instant>,
}

impl Default for Pool {
    fn default() -> Self {
        Self {
            idle: RefCell::default(),
            shared: RefCell::default(),
            turns: RefCell::default(),
            named: RefCell::default(),
            now: Cell::new(Instant::now()),
        }
    }
}

struct Idle {
    wire: Wire,
    requests: u32,
    since: Instant,
}

/// A connection in use.
pub struct Lease {
    pub wire: Wire,
    worker: Rc<Worker>,
    origin: Origin,
    requests: u32,
}

impl Pool {
    /// The connection used last, to the address whose turn it is: the others may then end.
    pub fn take(
        &self,
        worker: &Rc<Worker>,
        origin: Origin,
        places: &Places,
        context: &mut Context<'_>,
    ) -> Option<Lease> {
        if let Some(wires) = self.shared.borrow_mut().get_mut(&origin.0) {
            wires.retain(|wire| !wire.has_ended() && places.has(wire.address));
            let free = wires
                .iter_mut()
                .position(|wire| places.is_first(wire.address) && wire.is_free(context))?;
            return Some(Lease::new(wires[free].place()?, worker, origin));
        }
        let mut idle = self.idle.borrow_mut();
        let list = idle.get_mut(origin.0)?;
        let mut place = list.len();
        while place > 0 {
            place -= 1;
            let address = list[place].wire.address;
            if places.has(address) && !places.is_first(address) {
                continue;
            }
            // Those that are left out have been looked at, so their order need not stay.
            let mut candidate = list.swap_remove(place);
            if places.has(address)
                && self.now.get().duration_since(candidate.since) < IDLE
                && candidate.wire.is_free(context)
            {
                return Some(Lease {
                    wire: candidate.wire,
                    worker: worker.clone(),
                    origin,
                    requests: candidate.requests,
                });
            }
        }
        None
    }

    /// Held by whoever connects to this origin.
    pub fn turn(&self, origin: Origin) -> Arc<Mutex<()>> {
        self.turns.borrow_mut().entry(origin.0).or_default().clone()
    }

    /// The origin under this name. Clients choose it, so there are not any number of them: further
    /// ones keep no connections.
    pub fn named(&self, origin: Origin, name: &str) -> Origin {
        let mut named = self.named.borrow_mut();
        let next = 2 * named.len() + 1;
        let is_full = named.len() >= MAX_NAMED;
        match named.entry((origin.0, name.into())) {
            Entry::Occupied(known) => Origin(*known.get()),
            Entry::Vacant(_) if is_full => Origin(NOT_KEPT),
            Entry::Vacant(place) => Origin(*place.insert(next)),
        }
    }

    /// Closes connections that were idle for too long, and notices those that backends closed.
    pub fn sweep(&self) {
        let now = Instant::now();
        self.now.set(now);
        for list in self.idle.borrow_mut().iter_mut() {
            list.retain_mut(|idle| {
                idle.wire.drive(&mut Context::from_waker(Waker::noop()));
                !idle.wire.has_ended() && now.duration_since(idle.since) < IDLE
            });
        }
        self.shared.borrow_mut().retain(|_, wires| {
            wires.retain(|wire| {
                let is_needed = wire.unused_since().is_none_or(|(since, requests)| {
                    now.duration_since(since) < IDLE && requests < MAX_REQUESTS
                });
                !wire.has_ended() && is_needed
            });
            !wires.is_empty()
        });
    }
}

impl Lease {
    pub fn new(wire: Wire, worker: &Rc<Worker>, origin: Origin) -> Self {
        Self {
            wire,
            worker: worker.clone(),
            origin,
            requests: 0,
        }
    }

    /// Lets others use the connection at the same time, if it can do that.
    pub fn share(&self) {
        if self.origin.0 == NOT_KEPT {
            return;
        }
        if let Some(place) = self.wire.place() {
            let mut shared = self.worker.pool.shared.borrow_mut();
            let wires = shared.entry(self.origin.0).or_default();
            if wires.len() < MAX_IDLE {
                wires.push(place);
            }
        }
    }

    /// For the next request to the same backend.
    pub fn give_back(self) {
        let is_worn = self.requests + 1 >= MAX_REQUESTS;
        let is_shared = self.wire.is_shared();
        if self.wire.has_ended() || is_worn || is_shared || self.origin.0 == NOT_KEPT {
            return;
        }
        let since = self.worker.pool.now.get();
        let mut idle = self.worker.pool.idle.borrow_mut();
        let number = self.origin.0;
        if number >= idle.len() {
            idle.resize_with(number + 1, Vec::new);
        }
        let list = &mut idle[number];
        if list.len() < MAX_IDLE {
            list.push(Idle {
                wire: self.wire,
                requests: self.requests + 1,
                since,
            });
        }
    }
}
