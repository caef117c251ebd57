//! What can be done about a listener.

use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use sdk::types::listeners::Replay;
use serde::Serialize;
use ui::{Kind, texts};

use super::Listener;
use crate::{
    failure::Failure,
    form::Form,
    json,
    secret::{self, NewSecret},
    visitor::Visitor,
};

/// Back to the listener with a word about what was done; for scripts what portal-api said.
fn done(
    visitor: &Visitor,
    listener: &Listener,
    kind: Kind,
    text: String,
    body: &impl Serialize,
) -> Response {
    if visitor.wants_json {
        return json::answer(visitor, StatusCode::OK, body);
    }
    visitor.leave(kind, text);
    Redirect::to(&listener.path()).into_response()
}

/// A refusal that portal-api explains is said on the page.
fn refused(visitor: &Visitor, listener: &Listener, error: sdk::Error) -> Result<Response, Failure> {
    match error {
        sdk::Error::Api(error)
            if !visitor.wants_json
                && matches!(
                    error.status,
                    StatusCode::BAD_REQUEST | StatusCode::CONFLICT | StatusCode::BAD_GATEWAY
                ) =>
        {
            visitor.leave(Kind::Bad, error.message);
            Ok(Redirect::to(&listener.path()).into_response())
        }
        error => Err(error.into()),
    }
}

/// `POST …/replay`: the events named by `id`, once more.
pub async fn replay(visitor: Visitor, listener: Listener, form: Form) -> Result<Response, Failure> {
    let t = texts::Admin(visitor.lang());
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
        return Ok(Redirect::to(&listener.path()).into_response());
    }
    let request = Replay {
        ids: Some(ids),
        ..Replay::default()
    };
    match listener.replay(&visitor.client(), &request).await {
        Ok(queued) => {
            let count = usize::try_from(queued.count).unwrap_or(usize::MAX);
            Ok(done(
                &visitor,
                &listener,
                Kind::Good,
                t.queued(count),
                &queued,
            ))
        }
        Err(error) => refused(&visitor, &listener, error),
    }
}

/// `POST …/retry`: all that was given up.
pub async fn retry(visitor: Visitor, listener: Listener, _: Form) -> Result<Response, Failure> {
    let t = texts::Admin(visitor.lang());
    match listener.retry(&visitor.client()).await {
        Ok(queued) => {
            let count = usize::try_from(queued.count).unwrap_or(usize::MAX);
            Ok(done(
                &visitor,
                &listener,
                Kind::Good,
                t.queued(count),
                &queued,
            ))
        }
        Err(error) => refused(&visitor, &listener, error),
    }
}

/// `POST …/test`: one request outside the queue.
pub async fn test(visitor: Visitor, listener: Listener, _: Form) -> Result<Response, Failure> {
    let t = texts::Admin(visitor.lang());
    match listener.test(&visitor.client()).await {
        Ok(result) => {
            let (kind, text) = match (&result.error, result.status) {
                (None, Some(status)) => (Kind::Good, t.test_good(status, result.duration_ms)),
                (error, status) => {
                    let reason = error.clone().or(status.map(|status| status.to_string()));
                    (Kind::Bad, t.test_bad(reason.unwrap_or_default()))
                }
            };
            Ok(done(&visitor, &listener, kind, text, &result))
        }
        Err(error) => refused(&visitor, &listener, error),
    }
}

/// `POST …/enable`, if it answers a test.
pub async fn enable(visitor: Visitor, listener: Listener, _: Form) -> Result<Response, Failure> {
    let t = texts::Admin(visitor.lang());
    match listener.enable(&visitor.client()).await {
        Ok(()) => {
            let text = t.enabled().to_owned();
            let body = serde_json::json!({"id": listener.id, "enabled": true});
            Ok(done(&visitor, &listener, Kind::Good, text, &body))
        }
        Err(error) => refused(&visitor, &listener, error),
    }
}

/// `POST …/disable`
pub async fn disable(
    visitor: Visitor,
    listener: Listener,
    form: Form,
) -> Result<Response, Failure> {
    let t = texts::Admin(visitor.lang());
    let reason = form.optional("reason");
    match listener.disable(&visitor.client(), reason).await {
        Ok(()) => {
            let text = t.disabled().to_owned();
            let body = serde_json::json!({"id": listener.id, "enabled": false});
            Ok(done(&visitor, &listener, Kind::Info, text, &body))
        }
        Err(error) => refused(&visitor, &listener, error),
    }
}

/// `POST …/secret`: a new secret, shown this once; the one before signs for a day more.
pub async fn secret(visitor: Visitor, listener: Listener, _: Form) -> Result<Response, Failure> {
    let t = texts::Admin(visitor.lang());
    let made = listener.new_secret(&visitor.client()).await;
    let made = match made {
        Ok(made) => made,
        Err(error) => return refused(&visitor, &listener, error),
    };
    if visitor.wants_json {
        return Ok(json::answer(&visitor, StatusCode::OK, &made));
    }
    let page = NewSecret {
        lead: String::new(),
        crumbs: vec![
            (listener.list(), t.listeners().to_owned()),
            (listener.path(), listener.id.clone()),
        ],
        heading: t.new_secret(&listener.id),
        promise: t.secret_once(),
        parts: vec![(t.signing_secret(), made.secret.expose().to_owned())],
        notes: vec![t.old_secret().to_owned()],
        back: listener.path(),
        entry: listener.entry(),
        calls: Vec::new(),
        title: listener.id,
    };
    Ok(secret::show(&visitor, page).await)
}
