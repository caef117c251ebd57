//! `GET /config/files/<path>`: a file as it stands in the repository, variables unresolved.

use axum::{
    extract::{Path, State},
    response::Response,
};
use bytes::Bytes;
use config::{Origin, Rendered, Trouble, git::Commit};
use http::HeaderMap;

use super::{
    InForce,
    access::{Reach, check_path},
};
use crate::{
    ApiError, AppState,
    caller::Caller,
    paging::Parameters,
    rendered::{TEXT, respond},
};

/// Its `ETag` is the commit, the `base` of a later change. `?commit=` asks for an earlier one.
#[tracing::instrument(skip_all)]
pub async fn show(
    State(state): State<AppState>,
    Path(path): Path<String>,
    caller: Caller,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    caller.require_scope("read_apis")?;
    let configuration = state.configuration();
    let (reach, _) = Reach::of(&caller, &configuration)?;
    check_path(&path)?;
    reach.require_read(&path, &caller)?;
    let commit = parameters.get("commit").filter(|commit| !commit.is_empty());
    let found = read(&state, path.clone(), commit.map(str::to_owned)).await?;
    let (version, bytes) = found.ok_or_else(|| {
        let message = "There is no such commit, or it is not kept.";
        ApiError::not_found(message)
    })?;
    let bytes = bytes.ok_or_else(|| ApiError::not_found(format!("There is no file `{path}`.")))?;
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

/// The newest commit that is known, whether it is served, refused, or not looked at yet. Blocks.
pub fn newest_commit(in_force: &InForce) -> Option<Commit> {
    if let Origin::Git(mirror) = &in_force.origin
        && let Some(commit) = mirror.newest_known()
    {
        return Some(commit);
    }
    match &in_force.newest().refused {
        Some(refused) if refused.commit.is_some() => refused.commit.clone(),
        _ => in_force.current().commit(),
    }
}

/// A version and the file in it; nothing where there is no such version.
pub async fn read(
    state: &AppState,
    path: String,
    commit: Option<String>,
) -> Result<Option<(String, Option<Bytes>)>, ApiError> {
    let state = state.clone();
    let reading = tokio::task::spawn_blocking(move || read_now(&state, &path, commit.as_deref()));
    let read = reading.await.map_err(anyhow::Error::from)?;
    Ok(read.map_err(anyhow::Error::from)?)
}

fn read_now(
    state: &AppState,
    path: &str,
    wanted: Option<&str>,
) -> Result<Option<(String, Option<Bytes>)>, Trouble> {
    let in_force = &state.in_force;
    let commit = match (&in_force.origin, wanted) {
        (Origin::Git(mirror), Some(wanted)) => match mirror.commit(wanted)? {
            Some(commit) => Some(commit),
            None => return Ok(None),
        },
        _ => newest_commit(in_force),
    };
    let version = match (&commit, in_force.origin.folder_version()?) {
        (Some(commit), _) => commit.id.clone(),
        (None, Some(version)) => version,
        (None, None) => in_force.current().hash.clone(),
    };
    if wanted.is_some_and(|wanted| wanted != version) {
        return Ok(None);
    }
    let bytes = in_force.origin.file(path, commit.as_ref())?;
    Ok(Some((version, bytes)))
}
