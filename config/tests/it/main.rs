//! The crate as others use it: whole configurations, read from folders and repositories.

mod git;
mod problems;
mod sample;
mod wicked;
