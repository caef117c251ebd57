//! What follows from the answers of a listener: for each event, and for the listener as a whole.
//! Pure, so that every case can be looked at.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    answer::{Answered, Outcome, Report},
    claim::Due,
    schedule::{PATIENCE, Pace},
};
use crate::events::{own, row::listener};

/// What becomes of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    Acked,
    Dead {
        reason: String,
    },
    /// Stays in the queue, due at `next`; absent: when the listener is.
    Later {
        next: Option<DateTime<Utc>>,
        error: Option<String>,
    },
}

/// Deliveries with the same fate.
#[derive(Debug, PartialEq, Eq)]
pub struct Group {
    pub fate: Fate,
    pub status: Option<u16>,
    pub seqs: Vec<i64>,
}

/// Everything that follows.
#[derive(Debug, Default)]
pub struct Effects {
    pub groups: Vec<Group>,
    /// Requests that failed in a row, now.
    pub failures: i32,
    /// No request to the listener before.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// Switch the listener off.
    pub disable: Option<String>,
}

impl Effects {
    /// Whether the listener is left alone for a while.
    pub fn pause(&self) -> bool {
        self.next_attempt_at.is_some() || self.disable.is_some()
    }

    pub fn with(&self, wanted: impl Fn(&Fate) -> bool) -> Vec<i64> {
        let groups = self.groups.iter().filter(|group| wanted(&group.fate));
        groups
            .flat_map(|group| group.seqs.iter().copied())
            .collect()
    }

    fn add(&mut self, fate: Fate, status: Option<u16>, seq: i64) {
        let same = |group: &&mut Group| group.fate == fate && group.status == status;
        match self.groups.iter_mut().find(same) {
            Some(group) => group.seqs.push(seq),
            None => self.groups.push(Group {
                fate,
                status,
                seqs: vec![seq],
            }),
        }
    }
}

/// How time and chance stand.
#[derive(Clone, Copy)]
pub struct Now<'a> {
    pub at: DateTime<Utc>,
    pub pace: &'a Pace,
    /// Makes numbers from 0 to 1.
    pub jitter: fn() -> f64,
}

impl Now<'_> {
    fn after(&self, delay: std::time::Duration) -> DateTime<Utc> {
        self.at + TimeDelta::from_std(delay).unwrap_or_default()
    }

    fn after_failure(&self, attempts: i32, explicit: bool) -> DateTime<Utc> {
        let tries = attempts.unsigned_abs();
        self.after(self.pace.after_failure(tries, explicit, (self.jitter)()))
    }
}

pub fn effects(listener: &listener::Model, answers: &[Answered], now: Now<'_>) -> Effects {
    let is_alive = answers
        .iter()
        .any(|one| !matches!(one.outcome, Outcome::Failed { .. }));
    let mut effects = Effects {
        failures: if is_alive { 0 } else { listener.failures },
        ..Effects::default()
    };
    for answered in answers {
        let status = answered.outcome.status();
        match &answered.outcome {
            Outcome::Delivered { .. } => delivered(listener, answered, now, &mut effects),
            Outcome::Partial { report, .. } if is_empty(report) => {
                let reason = "nothing was acknowledged";
                refused(listener, answered, reason, None, now, &mut effects);
            }
            Outcome::Partial { report, .. } => {
                for due in &answered.due {
                    let fate = reported(listener, due, report, now);
                    effects.add(fate, status, due.event.seq);
                }
            }
            Outcome::Failed {
                reason,
                retry_after,
                may_be_poison,
                ..
            } => {
                if status == Some(410) && !own::is_component(&listener.id) {
                    effects.disable = Some(format!("{reason}: it is gone"));
                }
                let is_single = answered.due.len() == 1;
                let its_own = is_single && *may_be_poison && effects.failures == 0;
                if its_own && retry_after.is_none() {
                    put_off(
                        listener,
                        &answered.due[0],
                        status,
                        reason,
                        now,
                        &mut effects,
                    );
                    if !is_alive {
                        // The next failure is not this event's fault.
                        effects.failures = 1;
                    }
                } else {
                    refused(listener, answered, reason, *retry_after, now, &mut effects);
                }
            }
        }
    }
    effects
}

fn is_empty(report: &Report) -> bool {
    report.acked.is_empty() && report.failed.is_empty()
}

fn delivered(listener: &listener::Model, answered: &Answered, now: Now<'_>, effects: &mut Effects) {
    let status = answered.outcome.status();
    for due in &answered.due {
        let attempts = due.attempts + 1;
        let fate = if listener.acknowledges_by_response() {
            Fate::Acked
        } else if is_last(listener, attempts) {
            Fate::Dead {
                reason: "not acknowledged".to_owned(),
            }
        } else {
            let delay = now.pace.reminder(attempts.unsigned_abs());
            Fate::Later {
                next: Some(now.after(delay)),
                error: None,
            }
        };
        effects.add(fate, status, due.event.seq);
    }
}

fn reported(listener: &listener::Model, due: &Due, report: &Report, now: Now<'_>) -> Fate {
    if report.acked.contains(&due.event.id) {
        return Fate::Acked;
    }
    let (retry, reason) = match report.failed.get(&due.event.id) {
        Some((retry, reason)) => (*retry, reason.clone()),
        None => (true, "not acknowledged".to_owned()),
    };
    let attempts = due.attempts + 1;
    if !retry {
        let reason = format!("refused for good by the listener: {reason}");
        return Fate::Dead { reason };
    }
    if is_last(listener, attempts) {
        return Fate::Dead { reason };
    }
    let explicit = listener.mode == "explicit";
    Fate::Later {
        next: Some(now.after_failure(attempts, explicit)),
        error: Some(reason),
    }
}

/// The event failed, the listener did not: it waits, and others pass.
fn put_off(
    listener: &listener::Model,
    due: &Due,
    status: Option<u16>,
    reason: &str,
    now: Now<'_>,
    effects: &mut Effects,
) {
    let attempts = due.attempts + 1;
    let reason = reason.to_owned();
    let fate = if is_last(listener, attempts) {
        Fate::Dead { reason }
    } else {
        Fate::Later {
            next: Some(now.after_failure(attempts, listener.mode == "explicit")),
            error: Some(reason),
        }
    };
    effects.add(fate, status, due.event.seq);
}

/// The listener failed: it is left alone for a while, and its events stay where they are.
fn refused(
    listener: &listener::Model,
    answered: &Answered,
    reason: &str,
    retry_after: Option<std::time::Duration>,
    now: Now<'_>,
    effects: &mut Effects,
) {
    effects.failures = effects.failures.saturating_add(1);
    let explicit = listener.mode == "explicit";
    let next = match retry_after {
        Some(delay) => now.after(delay),
        // The first event that was sent alone: another one tells whether it was that one's fault.
        None if effects.failures == PATIENCE + 1 => now.after(now.pace.floor),
        None => now.after_failure(effects.failures, explicit),
    };
    effects.next_attempt_at = effects.next_attempt_at.max(Some(next));
    for due in &answered.due {
        let reason = reason.to_owned();
        let fate = if is_last(listener, due.attempts + 1) {
            Fate::Dead { reason }
        } else {
            Fate::Later {
                next: None,
                error: Some(reason),
            }
        };
        effects.add(fate, answered.outcome.status(), due.event.seq);
    }
}

fn is_last(listener: &listener::Model, attempts: i32) -> bool {
    listener.max_attempts.is_some_and(|most| attempts >= most)
}
