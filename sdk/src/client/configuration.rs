//! Reading and changing the files of the configuration (portal-api 29.3).

use super::{Client, Error};
use crate::types::configuration::{CommitPreview, CommitRequest, ConfigCommit, ConfigDraft};

impl Client {
    /// `GET /config/files/<path>`
    pub async fn config_file(&self, path: &str) -> Result<String, Error> {
        let mut segments = vec!["config", "files"];
        segments.extend(path.split('/').filter(|segment| !segment.is_empty()));
        self.get(&segments).text().await
    }

    /// `GET /config/commits?path=`: newest first.
    pub async fn config_commits(&self, path: Option<&str>) -> Result<Vec<ConfigCommit>, Error> {
        self.get(&["config", "commits"])
            .query(path.map(|path| ("path", path)))
            .json()
            .await
    }

    /// `POST /config/commits` with `dryRun`: what would come of it.
    pub async fn preview_commit(&self, commit: &CommitRequest) -> Result<CommitPreview, Error> {
        let commit = CommitRequest {
            dry_run: true,
            ..commit.clone()
        };
        self.post(&["config", "commits"]).body(&commit).json().await
    }

    /// `POST /config/commits`
    pub async fn commit(&self, commit: &CommitRequest) -> Result<ConfigCommit, Error> {
        let commit = CommitRequest {
            dry_run: false,
            ..commit.clone()
        };
        self.post(&["config", "commits"]).body(&commit).json().await
    }

    /// `GET /config/draft`
    pub async fn config_draft(&self) -> Result<ConfigDraft, Error> {
        self.get(&["config", "draft"]).json().await
    }

    /// `PUT /config/draft`
    pub async fn put_config_draft(&self, draft: &ConfigDraft) -> Result<(), Error> {
        self.put(&["config", "draft"]).body(draft).empty().await
    }

    /// `DELETE /config/draft`
    pub async fn delete_config_draft(&self) -> Result<(), Error> {
        self.delete(&["config", "draft"]).empty().await
    }
}
