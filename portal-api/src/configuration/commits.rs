//! `/config/commits`: the history of the repository, and changes made here that become commits.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use config::{
    Configuration, Origin, Problems,
    git::{Author, Commit, Draft, Edit, FetchError, Mirror, PushError},
};
use http::StatusCode;
use sdk::types::configuration::{CommitPreview, CommitRequest, ConfigCommit, ConfigEdit, Finding};
use serde_json::{Value, json};
use service::problem::Problem;

use super::{
    access::{Reach, SHARED, check_path},
    files::newest_commit,
    kong, orphans,
    status::finding,
};
use crate::{
    ApiError, AppState,
    audit::{self, Entry},
    caller::{Caller, User},
    extract::{Upload, from_value},
    paging::Parameters,
};

/// Commits in one answer.
const MAX_HISTORY: usize = 200;
const MAX_FILES: usize = 200;
const MAX_MESSAGE: usize = 4000;

/// `GET /config/commits?path=`
#[tracing::instrument(skip_all)]
pub async fn history(
    State(state): State<AppState>,
    caller: Caller,
    parameters: Parameters,
) -> Result<Json<Vec<ConfigCommit>>, ApiError> {
    caller.require_scope("read_apis")?;
    let (reach, _) = Reach::of(&caller, &state.configuration())?;
    let path = parameters.get("path").filter(|path| !path.is_empty());
    match (&reach, path) {
        (_, Some(path)) => {
            check_path(path.trim_end_matches('/'))?;
            reach.require_read(path, &caller)?;
        }
        (Reach::Everything, None) => {}
        (Reach::Apis(_), None) => {
            let message = "Name one of your files in `path`.";
            return Err(ApiError::invalid("path", "required", message));
        }
    }
    let (Origin::Git(mirror), Some(newest)) = (
        state.in_force.origin.clone(),
        newest_commit(&state.in_force),
    ) else {
        return Ok(Json(Vec::new()));
    };
    let path = path.map(str::to_owned);
    let commits = blocking(move || mirror.history(&newest, path.as_deref(), MAX_HISTORY)).await?;
    Ok(Json(commits?.iter().map(shown).collect()))
}

/// `POST /config/commits`
#[tracing::instrument(skip_all)]
pub async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Upload(body): Upload<Value>,
) -> Result<Response, ApiError> {
    caller.require_scope("write_apis")?;
    let configuration = state.configuration();
    let (reach, user) = Reach::of(&caller, &configuration)?;
    let request: CommitRequest = from_value(body)?;
    check(&request)?;
    let Origin::Git(mirror) = state.in_force.origin.clone() else {
        return Err(conflict(
            "not-in-git",
            "This configuration does not come out of git, so nothing can be committed.",
        ));
    };
    let proposal = prepare(&mirror, &request).await?;
    let shared = shared_files(&mirror, &proposal.base).await?;
    let text = |path: &str| shared.get(path).cloned();
    reach.require_change(&request.files, text, &configuration)?;
    let checked = compare(&state, &mirror, &proposal).await?;
    if request.dry_run {
        return Ok(Json(preview(&state, &mirror, proposal, checked).await?).into_response());
    }
    if request.branch.is_none() && proposal.base != proposal.newest {
        return moved_on(&mirror, &proposal, &request.files).await;
    }
    if let Err(problems) = checked {
        return Err(refused(&problems));
    }
    let commit = push(&mirror, proposal, &request, author(user)).await?;
    record(&state, &caller, &commit, &request).await?;
    state.in_force.order();
    Ok((StatusCode::CREATED, Json(shown(&commit))).into_response())
}

/// Edits on top of the commit they were made on.
struct Proposal {
    base: Commit,
    /// What the remote has now.
    newest: Commit,
    draft: Draft,
}

fn check(request: &CommitRequest) -> Result<(), ApiError> {
    if request.files.is_empty() || request.files.len() > MAX_FILES {
        let message = format!("`files` has 1 to {MAX_FILES} entries.");
        return Err(ApiError::invalid("files", "length", message));
    }
    for edit in &request.files {
        check_path(&edit.path)?;
    }
    if request.base.len() > 64 {
        let message = "`base` is the full hash of a commit.";
        return Err(ApiError::invalid("base", "length", message));
    }
    let message = request.message.trim();
    if !request.dry_run && (message.is_empty() || message.len() > MAX_MESSAGE) {
        let message = format!("`message` says in 1 to {MAX_MESSAGE} characters what changes.");
        return Err(ApiError::invalid("message", "length", message));
    }
    if let Some(branch) = &request.branch
        && !is_branch(branch)
    {
        let message = "`branch` may contain letters, digits, `-`, `_`, `.` and `/`.";
        return Err(ApiError::invalid("branch", "pattern", message));
    }
    Ok(())
}

fn is_branch(name: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty() && !part.starts_with(['.', '-']) && !part.ends_with(['.', '-'])
    };
    name.len() <= 100
        && !name.contains("..")
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte))
        && name.split('/').all(is_part)
}

async fn prepare(mirror: &Mirror, request: &CommitRequest) -> Result<Proposal, ApiError> {
    let mirror = mirror.clone();
    let id = request.base.clone();
    let edits: Vec<_> = request.files.iter().map(edit).collect();
    let prepared = blocking(move || {
        let newest = mirror.fetch()?;
        let Some(base) = mirror.commit(&id)? else {
            return Ok::<_, FetchError>(None);
        };
        let draft = mirror.draft(&base, &edits)?;
        Ok(Some(Proposal {
            base,
            newest,
            draft,
        }))
    });
    prepared.await??.ok_or_else(|| {
        ApiError::invalid("base", "unknown", "`base` is no commit of the repository.")
    })
}

fn edit(edit: &ConfigEdit) -> Edit {
    Edit {
        path: edit.path.clone(),
        content: edit.content.clone(),
    }
}

/// The lists in which owners have entries, as they were.
async fn shared_files(
    mirror: &Mirror,
    base: &Commit,
) -> Result<BTreeMap<&'static str, String>, ApiError> {
    let (mirror, base) = (mirror.clone(), base.clone());
    let read = blocking(move || {
        let mut texts = BTreeMap::new();
        for path in SHARED {
            let text = mirror.file(&base, path)?;
            let text = text.and_then(|bytes| String::from_utf8(bytes.into()).ok());
            texts.extend(text.map(|text| (path, text)));
        }
        Ok::<_, FetchError>(texts)
    });
    Ok(read.await??)
}

/// The configuration as it would be, or what is wrong with it.
async fn compare(
    state: &AppState,
    mirror: &Mirror,
    proposal: &Proposal,
) -> Result<Result<Arc<Configuration>, Problems>, ApiError> {
    let (state, mirror, draft) = (state.clone(), mirror.clone(), proposal.draft.clone());
    blocking(move || {
        let in_force = &state.in_force;
        let tree = mirror.draft_files(&draft)?;
        let loaded =
            Configuration::from_tree(&tree, &in_force.origin.name(), &in_force.environment)?;
        Ok(loaded.configuration)
    })
    .await
}

async fn preview(
    state: &AppState,
    mirror: &Mirror,
    proposal: Proposal,
    checked: Result<Arc<Configuration>, Problems>,
) -> Result<CommitPreview, ApiError> {
    let affected = match &checked {
        Ok(configuration) => orphans::affected(state, configuration).await?,
        Err(_) => Vec::new(),
    };
    let problems = match &checked {
        Ok(configuration) => &configuration.notices,
        Err(problems) => problems,
    };
    let mut problems: Vec<Finding> = problems.iter().map(finding).collect();
    if let Ok(configuration) = &checked {
        problems.extend(kong::lost_credentials(state, configuration).await?);
    }
    let mirror = mirror.clone();
    let diff = blocking(move || mirror.diff(&proposal.draft)).await?;
    Ok(CommitPreview {
        diff: diff?,
        problems,
        affected_subscriptions: affected,
    })
}

/// 409: others have committed since; `conflicts` are the files that both changed.
async fn moved_on(
    mirror: &Mirror,
    proposal: &Proposal,
    edits: &[ConfigEdit],
) -> Result<Response, ApiError> {
    let (mirror, base, newest) = (
        mirror.clone(),
        proposal.base.clone(),
        proposal.newest.clone(),
    );
    let commit = newest.id.clone();
    let changed = blocking(move || mirror.changed_files(&base, &newest)).await?;
    let changed = changed?;
    let conflicts: Vec<_> = edits
        .iter()
        .map(|edit| &edit.path)
        .filter(|path| changed.contains(path))
        .collect();
    let message =
        "The repository has newer commits; look at them and try again on top of the newest.";
    let body = json!({
        "status": 409, "message": message, "type": "urn:wicketgate:problem:newer-commits",
        "title": "Conflict", "detail": message, "commit": commit, "conflicts": conflicts,
    });
    Ok((StatusCode::CONFLICT, Json(body)).into_response())
}

async fn push(
    mirror: &Mirror,
    proposal: Proposal,
    request: &CommitRequest,
    author: Author,
) -> Result<Commit, ApiError> {
    let mirror = mirror.clone();
    let branch = request.branch.clone();
    // Whoever sends the change signs it off, as many repositories demand.
    let message = format!(
        "{}\n\nSigned-off-by: {} <{}>\n",
        request.message.trim(),
        author.name,
        author.email
    );
    let pushed =
        blocking(move || mirror.push(&proposal.draft, &message, &author, branch.as_deref()));
    pushed.await?.map_err(|error| match error {
        PushError::MovedOn => conflict(
            "newer-commits",
            "The branch has newer commits; look at them and try again on top of the newest.",
        ),
        PushError::Refused(reason) => conflict(
            "refused-by-repository",
            format!("The repository refused the commit: {reason}."),
        ),
        PushError::Fetch(error) => error.into(),
    })
}

fn author(user: &User) -> Author {
    // Angle brackets and line ends would end the field.
    let plain = |text: &str| text.replace(['<', '>', '\n', '\r'], "");
    let email = plain(&user.row.email);
    let name = email.split('@').next().filter(|name| !name.is_empty());
    Author {
        name: name.unwrap_or("unknown").to_owned(),
        email: email.clone(),
    }
}

async fn record(
    state: &AppState,
    caller: &Caller,
    commit: &Commit,
    request: &CommitRequest,
) -> Result<(), ApiError> {
    let paths: Vec<_> = request
        .files
        .iter()
        .map(|edit| edit.path.as_str())
        .collect();
    let txn = state.db.write().await?;
    let entry = Entry::new(caller.actor(), "configuration", "commit")
        .about(commit.id.clone())
        .with_data(json!({"files": paths, "message": request.message, "branch": request.branch}));
    audit::record(&txn, state, entry).await?;
    state.commit(txn).await
}

fn shown(commit: &Commit) -> ConfigCommit {
    ConfigCommit {
        commit: commit.id.clone(),
        author: commit.author.clone(),
        date: commit.date.clone(),
        message: commit.message.clone(),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(anyhow::Error::from)?)
}

fn conflict(kind: &'static str, message: impl Into<String>) -> ApiError {
    ApiError::Refused(Box::new(Problem::new(StatusCode::CONFLICT, kind, message)))
}

/// 503: the repository cannot be asked now.
impl From<FetchError> for ApiError {
    fn from(error: FetchError) -> Self {
        tracing::warn!("{error}");
        let message = "The configuration repository does not answer. Try again later.";
        Self::Refused(Box::new(Problem::unavailable(message)))
    }
}

/// 400 with the first problem in the message and where it is.
fn refused(problems: &Problems) -> ApiError {
    let first = problems.iter().next().map(ToString::to_string);
    let message = format!(
        "The configuration would have {} error(s); a dry run shows all. {}",
        problems.errors(),
        first.unwrap_or_default()
    );
    ApiError::invalid("files", "configuration", message)
}
