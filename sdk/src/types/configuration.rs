//! The configuration in force and the one that should be (portal-api 29.3: `/config/…`).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Timestamp;

/// Answer of `GET /config/status`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigStatus {
    pub serving: ServedConfiguration,
    pub newest: NewestConfiguration,
    /// Where configurations come from.
    #[serde(default)]
    pub source: String,
    /// Branch or revision that is followed; absent = the remote's default branch, or no git.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// When the source was last asked with success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetched_at: Option<Timestamp>,
    /// Why it cannot be asked now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The configuration that requests see. Without `commit` it did not come out of git.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ServedConfiguration {
    pub commit: Option<String>,
    pub author: Option<String>,
    pub date: Option<String>,
    #[serde(default)]
    pub hash: String,
    /// How many there are, built-in ones not counted.
    #[serde(default)]
    pub apis: usize,
    #[serde(default)]
    pub plans: usize,
}

/// The newest configuration of the source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NewestConfiguration {
    pub commit: Option<String>,
    pub author: Option<String>,
    pub date: Option<String>,
    /// It has errors, so an earlier one is served.
    #[serde(default)]
    pub refused: bool,
    /// Errors of a refused one, else warnings.
    #[serde(default)]
    pub problems: Vec<Finding>,
}

/// Something that is wrong with a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// `error` or `warning`.
    #[serde(default)]
    pub severity: String,
    #[serde(default)]
    pub file: String,
    /// Place inside the file, such as `apis[2].plans[0]`.
    #[serde(default)]
    pub path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    #[serde(default)]
    pub message: String,
}

/// An entry of `GET /config/commits`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConfigCommit {
    pub commit: String,
    #[serde(default)]
    pub author: String,
    #[serde(default)]
    pub date: String,
    #[serde(default)]
    pub message: String,
}

/// Another content for a file of the configuration; without `content` it is removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConfigEdit {
    /// Relative to the folder of `globals.json`.
    pub path: String,
    #[serde(default)]
    pub content: Option<String>,
}

/// Body of `POST /config/commits`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommitRequest {
    /// Commit that the edits were made on.
    pub base: String,
    /// Branch to push to; the followed one if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Not needed for a dry run.
    #[serde(default)]
    pub message: String,
    /// `Name <mail address>` of whoever wrote the change; the sender if missing. The sender signs it
    /// off in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Only say what would come of it.
    #[serde(default)]
    pub dry_run: bool,
    pub files: Vec<ConfigEdit>,
}

/// Answer to a dry run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommitPreview {
    /// Unified diff.
    pub diff: String,
    pub problems: Vec<Finding>,
    /// Subscriptions that the configuration would not offer any more.
    pub affected_subscriptions: Vec<AffectedSubscriptions>,
    /// There are branches, authors and a history; a folder has none.
    #[serde(default)]
    pub in_git: bool,
    /// The newest commit, if the edits were made on an older one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<ConfigCommit>,
    /// Edited files that others have changed since, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<String>,
}

/// Answer of `GET /config/files/<path>`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigFile {
    pub text: String,
    /// Commit that it is from: the `base` of a change.
    pub version: String,
}

/// Subscriptions of one API whose API or plan would be gone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AffectedSubscriptions {
    pub api: String,
    /// Absent: the API itself would be gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    pub subscriptions: i64,
}

/// Somebody's own edits that are not committed yet: `/config/draft`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConfigDraft {
    pub base: String,
    pub files: Vec<ConfigEdit>,
}
