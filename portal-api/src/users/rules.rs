//! Decisions about users, without I/O.

use config::Configuration;

/// Whether these groups make an administrator, and whether they make an approver. Computed on each
/// read, so that a change of the configured groups acts at once.
pub fn rights(configuration: &Configuration, groups: &[String]) -> (bool, bool) {
    (
        configuration.groups.is_admin(groups),
        configuration.groups.is_approver(groups),
    )
}
