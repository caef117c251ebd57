//! `POST /config/hook`: a git host tells of a push (static-config 24.1).

use axum::{
    body::{Body, HttpBody},
    extract::{Request, State},
};
use futures_util::StreamExt;
use http::StatusCode;
use service::problem::Problem;

use super::signature::Check;
use crate::{ApiError, AppState};

/// Notices of pushes with many commits are large; they are never held in memory.
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// What the notice says does not matter: whoever knows the secret may have us look.
#[tracing::instrument(skip_all)]
pub async fn receive(
    State(state): State<AppState>,
    request: Request,
) -> Result<StatusCode, ApiError> {
    let Some(secret) = &state.in_force.hook_secret else {
        return Err(refused("The hook is closed; GIT_HOOK_SECRET opens it."));
    };
    let mut check = Check::new(request.headers(), secret.expose())
        .ok_or_else(|| refused("The notice carries no signature that is known here."))?;
    read(request.into_body(), &mut check).await?;
    if !check.finish() {
        return Err(refused("The signature of the notice is wrong."));
    }
    state.in_force.order();
    Ok(StatusCode::ACCEPTED)
}

async fn read(body: Body, check: &mut Check) -> Result<(), ApiError> {
    if body.size_hint().lower() > MAX_BYTES as u64 {
        return Err(too_large());
    }
    let mut left = MAX_BYTES;
    let mut parts = body.into_data_stream();
    while let Some(part) = parts.next().await {
        let part = part.map_err(|_| {
            ApiError::bad_request("unreadable-body", "The notice could not be read.")
        })?;
        left = left.checked_sub(part.len()).ok_or_else(too_large)?;
        check.update(&part);
    }
    Ok(())
}

fn refused(message: &str) -> ApiError {
    let problem = Problem::new(StatusCode::UNAUTHORIZED, "unsigned-notice", message);
    ApiError::Refused(Box::new(problem))
}

fn too_large() -> ApiError {
    let problem = Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too-large",
        "A notice has at most 32 MiB.",
    );
    ApiError::Refused(Box::new(problem))
}
