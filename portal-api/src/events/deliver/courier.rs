//! The courier of one listener: takes what is due, sends it, notes what came of it, and goes home
//! when nothing is due.
//!
//! While a request is open, the next events are fetched and what came of the last ones is written,
//! so the listener need not wait for the database. What is being worked on stays in the queue; the
//! courier alone knows of it.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use futures_util::{
    FutureExt, StreamExt,
    future::{BoxFuture, OptionFuture},
    stream::FuturesUnordered,
};
use sdk::signature::Secrets;
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use super::{
    Office,
    answer::Answered,
    claim::{self, Claim, Due},
    request, settle,
};
use crate::{ApiError, events::row::listener};

/// A courier who has been at work this long goes home when others wait for one.
const SHIFT: Duration = Duration::from_secs(1);
/// Results of single events that are written together.
const RESULTS: usize = 256;
/// They wait this long for others: each transaction waits for the disk.
const GATHER: Duration = Duration::from_millis(10);
/// While callers are being served, a backlog is fetched at most this often, which leaves most of the
/// processor to them.
const COURTESY: Duration = Duration::from_millis(20);

/// Works for the listener `id` until nothing is due, or `stop`.
pub async fn run(office: Office, id: String, stop: CancellationToken) {
    let mut courier = Courier {
        begun: Instant::now(),
        listener: None,
        buffer: VecDeque::new(),
        known: BTreeSet::new(),
        open: FuturesUnordered::new(),
        results: Vec::new(),
        since: Instant::now(),
        claiming: None,
        settling: None,
        more: true,
        fetched: None,
        halted: false,
        office,
        id,
        stop,
    };
    if let Err(error) = courier.work().await {
        tracing::warn!(
            listener.id = courier.id,
            "cannot work on the deliveries: {error}"
        );
    }
}

struct Courier {
    office: Office,
    id: String,
    stop: CancellationToken,
    begun: Instant,
    /// As it was when events were last fetched.
    listener: Option<Arc<(listener::Model, Secrets)>>,
    buffer: VecDeque<Due>,
    /// Numbers of everything that is fetched and not yet written down.
    known: BTreeSet<i64>,
    open: FuturesUnordered<BoxFuture<'static, Answered>>,
    results: Vec<Answered>,
    /// When the first of them came in.
    since: Instant,
    claiming: Option<BoxFuture<'static, Result<Option<Claim>, ApiError>>>,
    settling: Option<BoxFuture<'static, Result<settle::After, ApiError>>>,
    /// There may be more that is due.
    more: bool,
    /// When events were last fetched, if as many as possible were due.
    fetched: Option<Instant>,
    /// The listener is away, or the order to stop came: finish what is begun, begin nothing.
    halted: bool,
}

impl Courier {
    async fn work(&mut self) -> Result<(), ApiError> {
        let mut rings = self.office.state.bell.listen();
        loop {
            if self.stop.is_cancelled() || self.is_relieved() {
                self.halt();
            }
            self.begin();
            if self.is_idle() {
                // Rung since the last look: there is something new.
                if self.halted || !rings.has_changed().unwrap_or(false) {
                    return Ok(());
                }
                rings.mark_unchanged();
                self.more = true;
                continue;
            }
            tokio::select! {
                Some(answered) = self.open.next(), if !self.open.is_empty() => {
                    if self.results.is_empty() {
                        self.since = Instant::now();
                    }
                    self.results.push(answered);
                }
                Some(claimed) = OptionFuture::from(self.claiming.as_mut()) => {
                    self.claiming = None;
                    self.take(claimed?);
                }
                Some(settled) = OptionFuture::from(self.settling.as_mut()) => {
                    self.settling = None;
                    self.written(settled?);
                }
                _ = rings.changed(), if !self.more && !self.halted => self.more = true,
                () = sleep_until((self.since + GATHER).into()), if self.gathers() => {}
                () = self.stop.cancelled(), if !self.halted => {}
            }
        }
    }

    fn is_idle(&self) -> bool {
        self.open.is_empty() && self.claiming.is_none() && self.settling.is_none()
    }

    /// Others wait, or another instance may have taken the listener over.
    fn is_relieved(&self) -> bool {
        let is_late = self.begun.elapsed() > SHIFT;
        (is_late && self.office.crowded.load(Ordering::Relaxed)) || !self.office.lease.holds()
    }

    fn halt(&mut self) {
        self.halted = true;
        self.more = false;
        for due in self.buffer.drain(..) {
            self.known.remove(&due.event.seq);
        }
    }

    /// Begins whatever can be begun now.
    fn begin(&mut self) {
        while let Some(batch) = self.next_batch() {
            let Some(sendee) = self.listener.clone() else {
                break;
            };
            let office = self.office.clone();
            let sending = async move {
                let permit = office.requests.clone().acquire_owned().await;
                let answered = request::send(&office.state, &sendee.0, &sendee.1, batch).await;
                drop(permit);
                answered
            };
            self.open.push(sending.boxed());
        }
        if self.settling.is_none()
            && !self.results.is_empty()
            && !self.gathers()
            && let Some(sendee) = self.listener.clone()
        {
            let count = self.results.len().min(RESULTS);
            let results: Vec<_> = self.results.drain(..count).collect();
            let state = self.office.state.clone();
            let settling = async move { settle::settle(&state, &sendee.0, results).await };
            self.settling = Some(settling.boxed());
        }
        if self.more && !self.halted && self.claiming.is_none() && self.wants_more() {
            let known: Vec<i64> = self.known.iter().copied().collect();
            let (state, id) = (self.office.state.clone(), self.id.clone());
            let pause = self.courtesy();
            let claiming = async move {
                if let Some(pause) = pause {
                    tokio::time::sleep(pause).await;
                }
                claim::claim(&state, &id, &known).await
            };
            self.claiming = Some(claiming.boxed());
        }
    }

    /// How long a backlog has to wait for those who are being served. Whoever acknowledges by calls
    /// of his own sets the pace himself.
    fn courtesy(&self) -> Option<Duration> {
        let (listener, _) = self.listener.as_deref()?;
        if listener.mode == "explicit" || !self.office.state.traffic.is_flowing() {
            return None;
        }
        COURTESY.checked_sub(self.fetched?.elapsed())
    }

    /// Whether the results wait for more of them, which are about to come.
    fn gathers(&self) -> bool {
        let listener = self.listener.as_deref().map(|(listener, _)| listener);
        self.settling.is_none()
            && (1..RESULTS).contains(&self.results.len())
            && !self.open.is_empty()
            && self.since.elapsed() < GATHER
            && listener.is_some_and(|one| one.is_single() && !one.is_ordered())
    }

    /// Whether the next events are to be fetched. With order only when everything before them is
    /// written down; where the listener acknowledges by itself, as late as possible, because it may
    /// have done so meanwhile.
    fn wants_more(&self) -> bool {
        match self.listener.as_deref() {
            None => self.known.is_empty(),
            Some((listener, _)) if listener.is_ordered() || listener.mode == "explicit" => {
                self.known.is_empty()
            }
            // No request waits for them, and some of the results are written down.
            Some((listener, _)) if listener.is_single() => {
                self.buffer.len() < RESULTS / 4 && self.results.len() < RESULTS
            }
            Some(_) => self.buffer.is_empty() && self.results.len() < 2,
        }
    }

    /// The events of the next request, if one may be made now.
    fn next_batch(&mut self) -> Option<Vec<Due>> {
        let (listener, _) = self.listener.as_deref()?;
        let parallel = if listener.is_single() {
            self.office.state.events.max_parallel
        } else {
            1
        };
        if self.buffer.is_empty() || self.open.len() >= parallel {
            return None;
        }
        // What was in several failed requests goes alone, so that it holds up nobody else.
        let count = if listener.is_single() || self.buffer[0].is_suspect {
            1
        } else {
            let innocent = self.buffer.iter().take_while(|due| !due.is_suspect);
            innocent.count()
        };
        Some(self.buffer.drain(..count).collect())
    }

    fn take(&mut self, claimed: Option<Claim>) {
        let Some(claim) = claimed else {
            // Gone, off, or to be left alone for a while.
            self.halt();
            return;
        };
        self.more = claim.more;
        self.fetched = claim.more.then(Instant::now);
        if self.halted {
            return;
        }
        if claim.is_probe {
            self.more = false;
        }
        self.listener = Some(Arc::new((claim.listener, claim.secrets)));
        for due in claim.due {
            if self.known.insert(due.event.seq) {
                self.buffer.push_back(due);
            }
        }
    }

    fn written(&mut self, after: settle::After) {
        for seq in after.seqs {
            self.known.remove(&seq);
        }
        if let Some(sendee) = &mut self.listener
            && sendee.0.failures != after.failures
        {
            Arc::make_mut(sendee).0.failures = after.failures;
        }
        if after.pause {
            self.halt();
        } else if !self.halted {
            // Some that waited for these may be due now.
            self.more = true;
        }
    }
}
