use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    net::SocketAddr,
    rc::Rc,
    sync::atomic::Ordering::Relaxed,
    time::Duration,
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::AbortHandle};

use super::{Worker, framing::Watched};
use crate::proxy::{self, Connection};

/// Time for the first request head, and between requests of a kept-alive connection. One look at
/// all connections per tick costs less than a timer per request.
const FIRST_HEAD: Duration = Duration::from_mins(1);
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// While stopping: the last answer may still be on its way into the socket.
const SETTLE: Duration = Duration::from_millis(30);
/// Request line and headers together (gateway 5.7).
const MAX_HEAD: usize = 64 * 1024;
/// Connections of one worker; further ones are closed at once.
const MAX_CONNECTIONS: usize = 16_384;

/// The open connections of a worker.
#[derive(Default)]
pub struct Connections {
    open: RefCell<HashMap<u64, (AbortHandle, Rc<Connection>)>>,
    next: Cell<u64>,
}

impl Connections {
    /// Ends connections that wait for a request; returns how many are open still.
    pub fn end_idle(&self) -> usize {
        self.end(|connection| connection.idle_for() > SETTLE);
        self.open.borrow().len()
    }

    /// Ends connections whose client takes too long to send a request.
    pub fn end_expired(&self) {
        self.end(|connection| {
            let limit = if connection.requests.get() == 0 {
                FIRST_HEAD
            } else {
                KEEP_ALIVE
            };
            connection.idle_for() > limit
        });
    }

    fn end(&self, is_due: impl Fn(&Connection) -> bool) {
        for (abort, connection) in self.open.borrow().values() {
            if is_due(connection) {
                abort.abort();
            }
        }
    }
}

/// Removes the connection from the books, however its task ends.
struct Leave {
    worker: Rc<Worker>,
    number: u64,
}

impl Drop for Leave {
    fn drop(&mut self) {
        self.worker
            .connections
            .open
            .borrow_mut()
            .remove(&self.number);
        self.worker.counters().active.fetch_sub(1, Relaxed);
    }
}

/// Starts a task for the connection.
pub fn serve(worker: &Rc<Worker>, stream: TcpStream, peer: SocketAddr, local: SocketAddr) {
    if worker.connections.open.borrow().len() >= MAX_CONNECTIONS {
        return;
    }
    let _ = stream.set_nodelay(true);
    let local = stream.local_addr().unwrap_or(local);
    let number = worker.connections.next.get();
    worker.connections.next.set(number + 1);
    worker.counters().accepted.fetch_add(1, Relaxed);
    worker.counters().active.fetch_add(1, Relaxed);
    let connection = Rc::new(Connection::new(peer, local, number));
    let leave = Leave {
        worker: worker.clone(),
        number,
    };
    let task = {
        let (worker, connection) = (worker.clone(), connection.clone());
        tokio::task::spawn_local(async move {
            let _leave = leave;
            let socket = TokioIo::new(Watched::new(stream, connection.framing.clone()));
            let service = service_fn(move |request| {
                proxy::answer(worker.clone(), connection.clone(), request)
            });
            let served = http1::Builder::new()
                .max_buf_size(MAX_HEAD)
                .serve_connection(socket, service)
                .with_upgrades();
            if let Err(error) = served.await {
                tracing::debug!(%peer, "connection ended: {error}");
            }
        })
    };
    worker
        .connections
        .open
        .borrow_mut()
        .insert(number, (task.abort_handle(), connection));
}
