//! Reading and changing the files of the configuration (portal-api 29.3).

use std::time::Duration;

use http::header;

use super::{
    Client, Error,
    call::{malformed, read},
};
use crate::types::configuration::{
    CommitPreview, CommitRequest, ConfigCommit, ConfigDraft, ConfigFile,
};

/// No file of a configuration is larger.
const MAX_FILE: usize = 16 << 20;
/// A remote is asked, and perhaps written to.
const PUSH: Duration = Duration::from_mins(1);

impl Client {
    /// `GET /config/files/<path>`, of the newest commit or of the one named.
    pub async fn config_file(&self, path: &str, commit: Option<&str>) -> Result<ConfigFile, Error> {
        const CALL: &str = "GET /config/files";
        let mut segments = vec!["config", "files"];
        segments.extend(path.split('/').filter(|segment| !segment.is_empty()));
        let query = commit.map(|commit| ("commit", commit));
        let response = self.get(&segments).query(query).send().await?;
        let tag = response.headers().get(header::ETAG);
        let version = tag.and_then(|tag| tag.to_str().ok());
        let version = version.unwrap_or_default().trim_matches('"').to_owned();
        let body = read(response, MAX_FILE, CALL).await?;
        let text =
            String::from_utf8(body.into()).map_err(|_| malformed(CALL, "it is not UTF-8 text"))?;
        Ok(ConfigFile { text, version })
    }

    /// `GET /config/commits?path=`: newest first.
    pub async fn config_commits(&self, path: Option<&str>) -> Result<Vec<ConfigCommit>, Error> {
        self.get(&["config", "commits"])
            .query(path.map(|path| ("path", path)))
            .json()
            .await
    }

    /// `GET /config/commits?api=`: what changed an API, newest first.
    pub async fn commits_of_api(&self, api: &str) -> Result<Vec<ConfigCommit>, Error> {
        self.get(&["config", "commits"])
            .query([("api", api)])
            .json()
            .await
    }

    /// `POST /config/commits` with `dryRun`: what would come of it.
    pub async fn preview_commit(&self, commit: &CommitRequest) -> Result<CommitPreview, Error> {
        let commit = CommitRequest {
            dry_run: true,
            ..commit.clone()
        };
        self.post(&["config", "commits"])
            .long(PUSH, MAX_FILE)
            .body(&commit)
            .json()
            .await
    }

    /// `POST /config/commits`
    pub async fn commit(&self, commit: &CommitRequest) -> Result<ConfigCommit, Error> {
        let commit = CommitRequest {
            dry_run: false,
            ..commit.clone()
        };
        self.post(&["config", "commits"])
            .long(PUSH, MAX_FILE)
            .body(&commit)
            .json()
            .await
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
