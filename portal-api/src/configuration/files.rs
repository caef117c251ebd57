//! `GET /config/files/<path>`: a file as it stands in the repository, variables unresolved.

use axum::{
    extract::{Path, State},
    response::Response,
};
use config::{Rendered, git::Commit};
use http::HeaderMap;

use super::{
    InForce,
    access::{Reach, check_path},
};
use crate::{
    ApiError, AppState,
    caller::Caller,
    rendered::{TEXT, respond},
};

/// Its `ETag` is the commit, the `base` of a later change.
#[tracing::instrument(skip_all)]
pub async fn show(
    State(state): State<AppState>,
    Path(path): Path<String>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    caller.require_scope("read_apis")?;
    let configuration = state.configuration();
    let (reach, _) = Reach::of(&caller, &configuration)?;
    check_path(&path)?;
    reach.require_read(&path, &caller)?;
    let commit = newest_commit(&state.in_force);
    let version = commit
        .as_ref()
        .map_or_else(|| configuration.hash.clone(), |commit| commit.id.clone());
    let text = text(&state, &path, commit).await?;
    let bytes = text.ok_or_else(|| ApiError::not_found(format!("There is no file `{path}`.")))?;
    let file = Rendered {
        bytes,
        etag: format!("\"{version}\""),
    };
    let is_text = std::str::from_utf8(&file.bytes).is_ok();
    let kind = if is_text {
        TEXT
    } else {
        "application/octet-stream"
    };
    Ok(respond(&headers, &file, kind))
}

/// The newest commit that was looked at, whether it is served or refused.
pub fn newest_commit(in_force: &InForce) -> Option<Commit> {
    match &in_force.newest().refused {
        Some(refused) if refused.commit.is_some() => refused.commit.clone(),
        _ => in_force.current().commit(),
    }
}

async fn text(
    state: &AppState,
    path: &str,
    commit: Option<Commit>,
) -> Result<Option<bytes::Bytes>, ApiError> {
    let (state, path) = (state.clone(), path.to_owned());
    let reading =
        tokio::task::spawn_blocking(move || state.in_force.origin.file(&path, commit.as_ref()));
    let read = reading.await.map_err(anyhow::Error::from)?;
    Ok(read.map_err(anyhow::Error::from)?)
}
