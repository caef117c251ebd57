//! The crate as others use it: whole configurations, read from folders and repositories.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod git;
mod problems;
mod sample;
mod seeds;
mod ssh;
mod wicked;
