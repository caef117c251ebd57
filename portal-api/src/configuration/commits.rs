//! `/config/commits`: the history of the repository, and changes made here that become commits.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use config::{
    Configuration, Origin, Problems, Proposal, ProposeError,
    git::{Author, Commit, Edit, FetchError, PushError},
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
    apis::access,
    audit::{self, Entry},
    caller::{Caller, User},
    extract::{Upload, from_value},
    paging::Parameters,
};

/// Commits in one answer.
const MAX_HISTORY: usize = 200;
const MAX_FILES: usize = 200;
const MAX_MESSAGE: usize = 4000;
const MAX_AUTHOR: usize = 200;

/// What of the history is asked for.
enum About {
    Everything,
    /// A file or folder.
    Path(String),
    /// An API: its folder, and its entry of the list.
    Api(String),
}

/// `GET /config/commits?path=`, `?api=`
#[tracing::instrument(skip_all)]
pub async fn history(
    State(state): State<AppState>,
    caller: Caller,
    parameters: Parameters,
) -> Result<Json<Vec<ConfigCommit>>, ApiError> {
    caller.require_scope("read_apis")?;
    let (about, is_owner) = asked(&state, &caller, &parameters)?;
    let found = blocking(move || {
        let newest = newest_commit(&state.in_force);
        let (Origin::Git(mirror), Some(newest)) = (&state.in_force.origin, newest) else {
            return Ok(Vec::new());
        };
        match &about {
            About::Everything => mirror.history(&newest, None, MAX_HISTORY),
            About::Path(path) => mirror.history(&newest, Some(path), MAX_HISTORY),
            About::Api(id) => mirror.history_of_api(&newest, id, MAX_HISTORY),
        }
    });
    let commits = found.await??;
    Ok(Json(
        commits
            .iter()
            .map(|commit| told(commit, is_owner))
            .collect(),
    ))
}

/// Refuses what the caller may not know. The flag says whether mail addresses are his business.
fn asked(
    state: &AppState,
    caller: &Caller,
    parameters: &Parameters,
) -> Result<(About, bool), ApiError> {
    let given = |name: &str| parameters.get(name).filter(|text| !text.is_empty());
    let configuration = state.configuration();
    if let Some(id) = given("api") {
        let api = access::visible(&configuration, id, caller)?;
        let reach = Reach::of(caller, &configuration);
        let is_owner = reach.is_ok_and(|(reach, _)| reach.covers(&api.id));
        return Ok((About::Api(id.to_owned()), is_owner));
    }
    let (reach, _) = Reach::of(caller, &configuration)?;
    match (&reach, given("path")) {
        (_, Some(path)) => {
            check_path(path.trim_end_matches('/'))?;
            reach.require_read(path, caller)?;
            Ok((About::Path(path.to_owned()), true))
        }
        (Reach::Everything, None) => Ok((About::Everything, true)),
        (Reach::Apis { .. }, None) => {
            let message = "Name one of your files in `path`, or an API in `api`.";
            Err(ApiError::invalid("path", "required", message))
        }
    }
}

/// Everybody else learns who it was by name, and nothing of the lines that end a message.
fn told(commit: &Commit, is_owner: bool) -> ConfigCommit {
    let shown = shown(commit);
    if is_owner {
        return shown;
    }
    let name = |text: &str| text.split('<').next().unwrap_or_default().trim().to_owned();
    let lines = shown.message.lines();
    let own = lines.filter(|line| !line.contains("-by: "));
    ConfigCommit {
        author: name(&shown.author),
        message: own.collect::<Vec<_>>().join("\n").trim_end().to_owned(),
        ..shown
    }
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
    let author = author(&request, user)?;
    // One after the other: not every kind of remote refuses the later one of two pushes at once.
    let saving = state.in_force.saving.lock().await;
    let proposal = Arc::new(propose(&state, &request).await?);
    let shared = shared_files(&proposal).await?;
    let text = |path: &str| shared.get(path).cloned();
    reach.require_change(&request.files, text, &configuration)?;
    if request.branch.is_some() && !proposal.is_in_git() {
        let message = "A folder has no branches; leave `branch` out.";
        return Err(ApiError::invalid("branch", "no-git", message));
    }
    let checked = compare(&state, &proposal).await?;
    if request.dry_run {
        drop(saving);
        return Ok(Json(preview(&state, proposal, checked, &request.files).await?).into_response());
    }
    if request.branch.is_none() && proposal.is_outdated {
        return moved_on(proposal, &request.files).await;
    }
    if let Err(problems) = checked {
        return Err(refused(&problems));
    }
    let commit = save(proposal, &request, author).await?;
    drop(saving);
    record(&state, &caller, &commit, &request).await?;
    // Whoever looks at the pages next finds what was saved.
    let order = state.in_force.order();
    if request.branch.is_none() {
        state.in_force.until_carried_out(order).await;
    }
    Ok((StatusCode::CREATED, Json(shown(&commit))).into_response())
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

async fn propose(state: &AppState, request: &CommitRequest) -> Result<Proposal, ApiError> {
    let origin = state.in_force.origin.clone();
    let base = request.base.clone();
    let edits: Vec<_> = request.files.iter().map(edit).collect();
    let proposed = blocking(move || origin.propose(&base, edits)).await?;
    proposed.map_err(|error| match error {
        ProposeError::ReadOnly => conflict(
            "not-in-git",
            "This configuration is part of the program, so nothing can be committed. \
             `wicketgate init` writes it into a folder that can be changed.",
        ),
        ProposeError::UnknownBase(_) => {
            ApiError::invalid("base", "unknown", "`base` is no commit of the repository.")
        }
        ProposeError::Fetch(error) => error.into(),
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
    proposal: &Arc<Proposal>,
) -> Result<BTreeMap<&'static str, String>, ApiError> {
    let proposal = proposal.clone();
    let read = blocking(move || {
        let mut texts = BTreeMap::new();
        for path in SHARED {
            let text = proposal.file_before(path)?;
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
    proposal: &Arc<Proposal>,
) -> Result<Result<Arc<Configuration>, Problems>, ApiError> {
    let (state, proposal) = (state.clone(), proposal.clone());
    blocking(move || {
        let in_force = &state.in_force;
        let tree = proposal.files()?;
        let loaded =
            Configuration::from_tree(&tree, &in_force.origin.name(), &in_force.environment)?;
        Ok(loaded.configuration)
    })
    .await
}

async fn preview(
    state: &AppState,
    proposal: Arc<Proposal>,
    checked: Result<Arc<Configuration>, Problems>,
    edits: &[ConfigEdit],
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
    let newest = proposal.is_outdated.then(|| shown(&proposal.newest));
    let in_git = proposal.is_in_git();
    let conflicts = conflicts(&proposal, edits).await?;
    let diff = blocking(move || proposal.diff()).await?;
    Ok(CommitPreview {
        diff: diff?,
        problems,
        affected_subscriptions: affected,
        in_git,
        newest,
        conflicts,
    })
}

/// Files that others have changed since, too.
async fn conflicts(
    proposal: &Arc<Proposal>,
    edits: &[ConfigEdit],
) -> Result<Vec<String>, ApiError> {
    let proposal = proposal.clone();
    let changed = blocking(move || proposal.changed_since()).await??;
    let edited = edits.iter().map(|edit| &edit.path);
    Ok(edited
        .filter(|path| changed.contains(path))
        .cloned()
        .collect())
}

/// 409: others have committed since; `conflicts` are the files that both changed.
async fn moved_on(proposal: Arc<Proposal>, edits: &[ConfigEdit]) -> Result<Response, ApiError> {
    let conflicts = conflicts(&proposal, edits).await?;
    let message = NEWER;
    let body = json!({
        "status": 409, "message": message, "type": "urn:wicketgate:problem:newer-commits",
        "title": "Conflict", "detail": message, "commit": proposal.newest.id, "conflicts": conflicts,
    });
    Ok((StatusCode::CONFLICT, Json(body)).into_response())
}

const NEWER: &str =
    "The repository has newer commits; look at them and try again on top of the newest.";

async fn save(
    proposal: Arc<Proposal>,
    request: &CommitRequest,
    people: People,
) -> Result<Commit, ApiError> {
    let branch = request.branch.clone();
    // Whoever sends the change signs it off, as many repositories demand.
    let message = format!(
        "{}\n\nSigned-off-by: {} <{}>\n",
        request.message.trim(),
        people.sender.name,
        people.sender.email
    );
    let saved = blocking(move || proposal.save(&message, &people.author, branch.as_deref()));
    saved.await?.map_err(|error| match error {
        PushError::MovedOn => conflict("newer-commits", NEWER),
        PushError::Refused(reason) => conflict(
            "refused-by-repository",
            format!("The configuration refused the change: {reason}."),
        ),
        PushError::Fetch(error) => error.into(),
    })
}

/// Who is named in a commit.
struct People {
    /// Whoever wrote the change; the sender unless another one is named.
    author: Author,
    /// Whoever is logged in, and signs it off.
    sender: Author,
}

fn author(request: &CommitRequest, user: &User) -> Result<People, ApiError> {
    // Angle brackets and line ends would end the field.
    let plain = |text: &str| text.replace(['<', '>', '\n', '\r'], "");
    let email = plain(&user.row.email);
    let name = email.split('@').next().filter(|name| !name.is_empty());
    let sender = Author {
        name: name.unwrap_or("unknown").to_owned(),
        email: email.clone(),
    };
    let author = match &request.author {
        None => sender.clone(),
        Some(text) => named(text).ok_or_else(|| {
            let message = format!("`author` is `Name <mail address>`, at most {MAX_AUTHOR} long.");
            ApiError::invalid("author", "pattern", message)
        })?,
    };
    Ok(People { author, sender })
}

/// `Name <mail address>`
fn named(text: &str) -> Option<Author> {
    let (name, email) = text.trim().strip_suffix('>')?.split_once('<')?;
    let is_plain = |part: &str| {
        !part.trim().is_empty() && !part.contains(['<', '>']) && !part.chars().any(char::is_control)
    };
    let is_fit = text.len() <= MAX_AUTHOR && is_plain(name) && is_plain(email);
    (is_fit && email.contains('@')).then(|| Author {
        name: name.trim().to_owned(),
        email: email.trim().to_owned(),
    })
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
        .with_data(json!({
            "files": paths, "message": request.message, "branch": request.branch,
            "author": request.author,
        }));
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
