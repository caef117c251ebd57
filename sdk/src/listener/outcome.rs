use std::fmt;

use futures_util::future::BoxFuture;

/// What became of an event.
pub enum Outcome {
    /// Its effect is in place, or it needs none.
    Done,
    /// It did not work now; the event shall come again. The text says why.
    Retry(String),
    /// It will never work; the event goes to the dead letters. The text says why.
    Dead(String),
    /// Work goes on while later events are looked at. What is not finished when the time of the
    /// delivery is over, goes on all the same; the event stays pending and is acknowledged when it
    /// comes again.
    When(BoxFuture<'static, Outcome>),
}

impl Outcome {
    pub(super) const fn label(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Retry(_) => "retry",
            Self::Dead(_) => "dead",
            Self::When(_) => "unfinished",
        }
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retry(reason) | Self::Dead(reason) => write!(f, "{}({reason})", self.label()),
            _ => f.write_str(self.label()),
        }
    }
}
