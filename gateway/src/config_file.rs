//! A document in a file: served from the start on, and read again when it changes.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{
    admin::{self, Admin},
    document::{self, Document},
    store::Tables,
};

/// How often we look whether the file has changed.
const LOOK: Duration = Duration::from_secs(2);

/// Loads a document before anything is served.
pub fn load_text(text: &str, tables: &mut Tables) -> anyhow::Result<()> {
    let value = document::parse(text)
        .map_err(|reason| anyhow::anyhow!("the document cannot be parsed: {reason}"))?;
    let now = service::clock::now().timestamp_millis();
    document::load(tables, Document::new(value), now).map_err(|faulty| {
        let error = faulty.error(false);
        let fields = serde_json::Value::Object(*error.fields);
        anyhow::anyhow!("the document has faults: {fields}")
    })?;
    tables.take_changes();
    Ok(())
}

pub struct ConfigFile {
    path: PathBuf,
    changed: Option<SystemTime>,
}

impl ConfigFile {
    pub fn new(path: PathBuf) -> Self {
        let changed = changed(&path);
        Self { path, changed }
    }

    /// Loads the document before anything is served; its hash.
    pub fn load_first(path: &Path, tables: &mut Tables) -> anyhow::Result<String> {
        let text = fs::read_to_string(path)
            .with_context(|| format!("cannot read `{}`", path.display()))?;
        load_text(&text, tables).with_context(|| format!("`{}`", path.display()))?;
        Ok(admin::md5(text.as_bytes()))
    }

    /// Loads it again on SIGHUP and when it has changed. A faulty one is reported, and what was in
    /// force stays.
    pub async fn follow(mut self, admin: Arc<Admin>, shutdown: CancellationToken) {
        let mut asked = match signal(SignalKind::hangup()) {
            Ok(asked) => asked,
            Err(error) => {
                tracing::error!("cannot listen for SIGHUP: {error}");
                return;
            }
        };
        let mut interval = tokio::time::interval(LOOK);
        loop {
            let is_asked = tokio::select! {
                _ = interval.tick() => false,
                _ = asked.recv() => true,
                () = shutdown.cancelled() => return,
            };
            let path = self.path.clone();
            let now = tokio::task::spawn_blocking(move || changed(&path)).await;
            let now = now.unwrap_or_default();
            if now.is_some() && (is_asked || now != self.changed) {
                self.changed = now;
                self.load(&admin).await;
            }
        }
    }

    async fn load(&self, admin: &Arc<Admin>) {
        let path = self.path.display();
        let text = match tokio::fs::read_to_string(&self.path).await {
            Ok(text) => text,
            Err(error) => {
                tracing::error!("cannot read `{path}`: {error}");
                return;
            }
        };
        let hash = admin::md5(text.as_bytes());
        match admin::load(admin, text, hash, false).await {
            Ok(_) => tracing::info!("`{path}` is in force"),
            Err(error) => {
                let fields = serde_json::Value::Object(*error.fields);
                let message = error.message;
                tracing::error!("`{path}` is not used: {message} {fields}");
            }
        }
    }
}

fn changed(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}
