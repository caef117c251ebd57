use std::{
    cell::RefCell,
    task::{Context, Poll, Waker},
    time::Instant,
};

use slab::Slab;

/// Timeouts of requests. Nearly none is ever reached, so looking through all of them at every tick
/// costs less than a timer for each; they come up to one tick late.
#[derive(Default)]
pub struct Deadlines(RefCell<Slab<Entry>>);

struct Entry {
    at: Instant,
    waker: Option<Waker>,
    is_over: bool,
}

/// Gone from the list when it is dropped.
pub struct Deadline<'a> {
    list: &'a Deadlines,
    number: usize,
}

impl Deadlines {
    pub fn start(&self, at: Instant) -> Deadline<'_> {
        let entry = Entry {
            at,
            waker: None,
            is_over: false,
        };
        let number = self.0.borrow_mut().insert(entry);
        Deadline { list: self, number }
    }

    pub fn wake_expired(&self) {
        let now = Instant::now();
        for (_, entry) in self.0.borrow_mut().iter_mut() {
            if entry.at <= now {
                entry.is_over = true;
                if let Some(waker) = &entry.waker {
                    waker.wake_by_ref();
                }
            }
        }
    }
}

impl Deadline<'_> {
    /// Ready when the time is over.
    pub fn poll(&self, context: &Context<'_>) -> Poll<()> {
        let mut entries = self.list.0.borrow_mut();
        let entry = &mut entries[self.number];
        if entry.is_over {
            return Poll::Ready(());
        }
        match &mut entry.waker {
            Some(waker) => waker.clone_from(context.waker()),
            None => entry.waker = Some(context.waker().clone()),
        }
        Poll::Pending
    }

    pub fn postpone(&self, at: Instant) {
        let mut entries = self.list.0.borrow_mut();
        let entry = &mut entries[self.number];
        entry.at = at;
        entry.is_over = false;
    }
}

impl Drop for Deadline<'_> {
    fn drop(&mut self) {
        self.list.0.borrow_mut().remove(self.number);
    }
}
