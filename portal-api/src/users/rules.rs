//! Decisions about users, without I/O.

use config::Configuration;

/// Whether these groups make an administrator, and whether they make an approver. Computed on each
/// read, so that a change of the configured groups acts at once.
pub fn rights(configuration: &Configuration, groups: &[String]) -> (bool, bool) {
    let mut rights = (false, false);
    for group in configuration.groups() {
        if groups.contains(&group.id) {
            rights.0 |= group.admin_group;
            rights.1 |= group.approver_group;
        }
    }
    rights
}
