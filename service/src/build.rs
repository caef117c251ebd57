//! Where this program was built from: `WICKETGATE_GIT_COMMIT`, `WICKETGATE_GIT_BRANCH` and
//! `WICKETGATE_BUILD_DATE` of the build's environment. Empty where they were not set.

/// The last commit.
pub const LAST_COMMIT: &str = or_empty(option_env!("WICKETGATE_GIT_COMMIT"));
/// The branch.
pub const BRANCH: &str = or_empty(option_env!("WICKETGATE_GIT_BRANCH"));
/// When it was built.
pub const DATE: &str = or_empty(option_env!("WICKETGATE_BUILD_DATE"));

const fn or_empty(value: Option<&'static str>) -> &'static str {
    match value {
        Some(text) => text,
        None => "",
    }
}
