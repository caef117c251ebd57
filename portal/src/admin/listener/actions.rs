//! What can be done about a listener.

use axum::{
    extract::Path,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use sdk::types::listeners::{Replay, RotateSecret};
use serde::Serialize;
use ui::{Entry, Kind, texts};

use super::check;
use crate::{
    admin::administrator,
    failure::Failure,
    form::Form,
    json, links,
    secret::{self, NewSecret},
    visitor::Visitor,
};

/// Checks who asks for what, and gives the words for the answer.
fn begin(visitor: &Visitor, id: &str) -> Result<texts::Admin, Failure> {
    administrator(visitor)?;
    check(id)?;
    Ok(texts::Admin(visitor.lang()))
}

/// Back to the listener with a word about what was done; for scripts what portal-api said.
fn done(visitor: &Visitor, id: &str, kind: Kind, text: String, body: &impl Serialize) -> Response {
    if visitor.wants_json {
        return json::answer(visitor, StatusCode::OK, body);
    }
    visitor.leave(kind, text);
    Redirect::to(&links::listener(id)).into_response()
}

/// A refusal that portal-api explains is said on the page.
fn refused(visitor: &Visitor, id: &str, error: sdk::Error) -> Result<Response, Failure> {
    match error {
        sdk::Error::Api(error)
            if !visitor.wants_json
                && matches!(
                    error.status,
                    StatusCode::BAD_REQUEST | StatusCode::CONFLICT | StatusCode::BAD_GATEWAY
                ) =>
        {
            visitor.leave(Kind::Bad, error.message);
            Ok(Redirect::to(&links::listener(id)).into_response())
        }
        error => Err(error.into()),
    }
}

/// `POST …/replay`: the events named by `id`, once more.
pub async fn replay(
    visitor: Visitor,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failure> {
    let t = begin(&visitor, &id)?;
    let ids: Vec<String> = form
        .all("id")
        .filter(|id| !id.is_empty())
        .map(str::to_owned)
        .collect();
    if ids.is_empty() {
        if visitor.wants_json {
            return Err(Failure::BadRequest("`id` is missing".to_owned()));
        }
        visitor.leave(Kind::Info, t.nothing_chosen());
        return Ok(Redirect::to(&links::listener(&id)).into_response());
    }
    let request = Replay {
        ids: Some(ids),
        ..Replay::default()
    };
    match visitor.client().replay_events(&id, &request).await {
        Ok(queued) => {
            let count = usize::try_from(queued.count).unwrap_or(usize::MAX);
            Ok(done(&visitor, &id, Kind::Good, t.queued(count), &queued))
        }
        Err(error) => refused(&visitor, &id, error),
    }
}

/// `POST …/retry`: all that was given up.
pub async fn retry(visitor: Visitor, Path(id): Path<String>, _: Form) -> Result<Response, Failure> {
    let t = begin(&visitor, &id)?;
    match visitor.client().retry_dead_letters(&id).await {
        Ok(queued) => {
            let count = usize::try_from(queued.count).unwrap_or(usize::MAX);
            Ok(done(&visitor, &id, Kind::Good, t.queued(count), &queued))
        }
        Err(error) => refused(&visitor, &id, error),
    }
}

/// `POST …/test`: one request outside the queue.
pub async fn test(visitor: Visitor, Path(id): Path<String>, _: Form) -> Result<Response, Failure> {
    let t = begin(&visitor, &id)?;
    match visitor.client().test_listener(&id).await {
        Ok(result) => {
            let (kind, text) = match (&result.error, result.status) {
                (None, Some(status)) => (Kind::Good, t.test_good(status, result.duration_ms)),
                (error, status) => {
                    let reason = error.clone().or(status.map(|status| status.to_string()));
                    (Kind::Bad, t.test_bad(reason.unwrap_or_default()))
                }
            };
            Ok(done(&visitor, &id, kind, text, &result))
        }
        Err(error) => refused(&visitor, &id, error),
    }
}

/// `POST …/enable`, if it answers a test.
pub async fn enable(
    visitor: Visitor,
    Path(id): Path<String>,
    _: Form,
) -> Result<Response, Failure> {
    let t = begin(&visitor, &id)?;
    match visitor.client().enable_listener(&id).await {
        Ok(()) => {
            let text = t.enabled().to_owned();
            let body = serde_json::json!({"id": id, "enabled": true});
            Ok(done(&visitor, &id, Kind::Good, text, &body))
        }
        Err(error) => refused(&visitor, &id, error),
    }
}

/// `POST …/disable`
pub async fn disable(
    visitor: Visitor,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failure> {
    let t = begin(&visitor, &id)?;
    let reason = form.optional("reason");
    match visitor.client().disable_listener(&id, reason).await {
        Ok(()) => {
            let text = t.disabled().to_owned();
            let body = serde_json::json!({"id": id, "enabled": false});
            Ok(done(&visitor, &id, Kind::Info, text, &body))
        }
        Err(error) => refused(&visitor, &id, error),
    }
}

/// `POST …/secret`: a new secret, shown this once; the one before signs for a day more.
pub async fn secret(
    visitor: Visitor,
    Path(id): Path<String>,
    _: Form,
) -> Result<Response, Failure> {
    let t = begin(&visitor, &id)?;
    let made = visitor
        .client()
        .create_listener_secret(&id, &RotateSecret::default())
        .await;
    let made = match made {
        Ok(made) => made,
        Err(error) => return refused(&visitor, &id, error),
    };
    if visitor.wants_json {
        return Ok(json::answer(&visitor, StatusCode::OK, &made));
    }
    let back = links::listener(&id);
    let page = NewSecret {
        lead: String::new(),
        crumbs: vec![
            ("/admin/listeners".to_owned(), t.listeners().to_owned()),
            (back.clone(), id.clone()),
        ],
        heading: t.new_secret(&id),
        promise: t.secret_once(),
        parts: vec![(t.signing_secret(), made.secret.expose().to_owned())],
        notes: vec![t.old_secret().to_owned()],
        back,
        entry: Entry::Admin,
        first_call: None,
        title: id,
    };
    Ok(secret::show(&visitor, page).await)
}
