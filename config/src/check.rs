//! Checks that need several files: references between them, and paths on the gateway.

mod login;
mod notices;
mod paths;
mod references;
mod theme;

use crate::{configuration::Configuration, problem::Report};

pub(crate) use login::check as login;
pub(crate) use notices::check as notices;

pub(crate) fn check(configuration: &Configuration, report: &Report) {
    references::check(configuration, report);
    paths::check(configuration, report);
}
