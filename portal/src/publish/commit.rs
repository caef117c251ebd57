//! Saving the draft, moving it onto newer commits, and dropping it.

use axum::{
    extract::Path,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use sdk::types::configuration::{CommitRequest, ConfigCommit};
use serde_json::json;
use ui::{Kind, texts};

use super::{changes::Rebase, desk::Desk, url};
use crate::{failure::Failure, form::Form, json, visitor::Visitor};

/// How often the draft is moved onto commits that come in between, before people are told to wait.
const TRIES: usize = 8;

/// What became of it.
enum Saved {
    Commit(ConfigCommit),
    /// Others changed the same.
    Conflict,
    /// portal-api says why not.
    Refused(sdk::ApiError),
}

/// `POST /publish/commit`: `message`, `branch`, `author`; `api` is the page to come back to.
pub async fn commit(visitor: Visitor, form: Form) -> Result<Response, Failure> {
    let mut desk = Desk::open(&visitor).await?;
    let t = texts::Publish(visitor.lang());
    if desk.is_clean() {
        return Err(Failure::BadRequest("there are no changes".to_owned()));
    }
    let request = CommitRequest {
        message: super::general::lines(form.text("message")),
        branch: form.optional("branch").map(str::to_owned),
        author: form.optional("author").map(str::to_owned),
        ..CommitRequest::default()
    };
    match save(&mut desk, &request).await? {
        Saved::Commit(commit) => {
            desk.client.delete_config_draft().await?;
            if visitor.wants_json {
                return Ok(json::answer(&visitor, StatusCode::CREATED, &commit));
            }
            let short = commit.commit.get(..7).unwrap_or(&commit.commit);
            let text = match &request.branch {
                Some(branch) => t.proposed(short, branch),
                None => t.committed(short),
            };
            visitor.leave(Kind::Good, text);
            Ok(back(&form))
        }
        Saved::Conflict if visitor.wants_json => {
            let body = json!({
                "statusCode": 409, "message": t.conflict(), "error": "Conflict",
                "draft": desk.draft(),
            });
            Ok(json::answer(&visitor, StatusCode::CONFLICT, &body))
        }
        Saved::Conflict => {
            visitor.leave(Kind::Waiting, t.conflict());
            Ok(back(&form))
        }
        Saved::Refused(error) if visitor.wants_json => Err(sdk::Error::from(error).into()),
        Saved::Refused(error) => {
            visitor.leave(Kind::Bad, error.message);
            Ok(back(&form))
        }
    }
}

/// Commits; what others committed meanwhile is taken over first, unless both changed the same.
async fn save(desk: &mut Desk, how: &CommitRequest) -> Result<Saved, Failure> {
    let mut refused = None;
    for _ in 0..TRIES {
        let request = CommitRequest {
            message: how.message.clone(),
            branch: how.branch.clone(),
            author: how.author.clone(),
            ..desk.request()
        };
        let error = match desk.client.commit(&request).await {
            Ok(commit) => return Ok(Saved::Commit(commit)),
            Err(sdk::Error::Api(error)) => error,
            Err(error) => return Err(error.into()),
        };
        if error.kind != "newer-commits" {
            let is_explained = matches!(
                error.status,
                StatusCode::BAD_REQUEST
                    | StatusCode::CONFLICT
                    | StatusCode::SERVICE_UNAVAILABLE
                    | StatusCode::FORBIDDEN
            );
            return if is_explained {
                Ok(Saved::Refused(error))
            } else {
                Err(sdk::Error::from(error).into())
            };
        }
        refused = Some(error);
        let preview = desk.client.preview_commit(&desk.request()).await?;
        let Some(newest) = preview.newest else {
            continue;
        };
        let rebase = Rebase::new(desk, newest).await?;
        if !rebase.is_clean() {
            return Ok(Saved::Conflict);
        }
        rebase.apply(desk, |_| true).await?;
        desk.save().await?;
        if desk.is_clean() {
            // Others have done the very same.
            return Ok(Saved::Commit(preview_commit(&desk.base)));
        }
    }
    refused.map(Saved::Refused).ok_or(Failure::NotFound)
}

/// The commit that has all of the draft already.
fn preview_commit(id: &str) -> ConfigCommit {
    ConfigCommit {
        commit: id.to_owned(),
        author: String::new(),
        date: String::new(),
        message: String::new(),
    }
}

/// `POST /publish/rebase`: moves the draft onto the newest commit. `keep/<path>` is `mine` or
/// `theirs` for each file of which both changed the same.
pub async fn rebase(visitor: Visitor, form: Form) -> Result<Response, Failure> {
    let mut desk = Desk::open(&visitor).await?;
    let preview = if desk.is_clean() {
        None
    } else {
        desk.client.preview_commit(&desk.request()).await?.newest
    };
    if let Some(newest) = preview {
        let rebase = Rebase::new(&mut desk, newest).await?;
        let choice = |path: &str| form.optional(&format!("keep/{path}"));
        if let Some(path) = rebase.undecided(|path| choice(path).is_some()) {
            let text = format!("`keep/{path}` is `mine` or `theirs`");
            return Err(Failure::BadRequest(text));
        }
        rebase
            .apply(&mut desk, |path| choice(path) != Some("theirs"))
            .await?;
        desk.save().await?;
    }
    if visitor.wants_json {
        return Ok(json::answer(&visitor, StatusCode::OK, &desk.draft()));
    }
    visitor.leave(Kind::Good, texts::Publish(visitor.lang()).taken_over());
    Ok(back(&form))
}

/// `POST /publish/discard`: all of the draft.
pub async fn discard(visitor: Visitor, _: Form) -> Result<Response, Failure> {
    visitor.require_user()?;
    visitor.client().delete_config_draft().await?;
    if visitor.wants_json {
        return Ok(json::done());
    }
    visitor.leave(Kind::Info, texts::Publish(visitor.lang()).discarded());
    Ok(Redirect::to("/publish").into_response())
}

/// `POST /publish/apis/{api}/discard`: what of the draft is about one API.
pub async fn discard_api(
    visitor: Visitor,
    Path(api): Path<String>,
    _: Form,
) -> Result<Response, Failure> {
    let mut desk = Desk::open(&visitor).await?;
    desk.entry(&api).await?;
    desk.reset(&api).await?;
    desk.save().await?;
    if visitor.wants_json {
        return Ok(json::answer(&visitor, StatusCode::OK, &desk.draft()));
    }
    visitor.leave(Kind::Info, texts::Publish(visitor.lang()).discarded());
    let is_left = desk.entry(&api).await.is_ok();
    let target = if is_left {
        url(&api)
    } else {
        "/publish".to_owned()
    };
    Ok(Redirect::to(&target).into_response())
}

fn back(form: &Form) -> Response {
    let target = match form.optional("api") {
        Some(api) => url(api),
        None => "/publish".to_owned(),
    };
    Redirect::to(&target).into_response()
}
