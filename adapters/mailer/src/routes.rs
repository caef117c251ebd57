//! End points for operators (events-and-adapters F1).

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service::{clock, operator::Operators, ops::Work, problem::Problem, random};

use crate::{
    compose, handle,
    handle::Mailer,
    letter::{Letter, Receiver},
    mails::Mail,
    sample,
};

pub fn routes(mailer: Arc<Mailer>, operators: Operators) -> Router {
    let routes = Router::new()
        .route("/queue", get(queue))
        .route("/queue/{id}/retry", post(retry))
        .route("/preview/{template}", get(preview))
        .route("/test", post(test));
    operators.only(routes).with_state(mailer)
}

/// What `/ping` says.
pub fn work(mailer: &Mailer) -> Work {
    let state = mailer.health.state();
    let (queue_length, problems) = mailer.queue.lengths();
    let configuration = mailer.current();
    Work {
        is_failing: state.is_failing,
        error: state.error,
        warnings: configuration.map_or_else(Vec::new, |configuration| configuration.warnings()),
        problems,
        queue_length,
        last_success: state.last_success,
        ping_url: mailer.url().join("ping").map(String::from).ok(),
    }
}

/// A mail in the queue, without what it says.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    id: String,
    template: &'static str,
    event_id: String,
    to: String,
    /// `waiting` or `failed`.
    state: &'static str,
    attempts: u32,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
}

impl From<Letter> for Item {
    fn from(letter: Letter) -> Self {
        let has_failed = letter.failed_at.is_some();
        Self {
            template: letter.mail.template(),
            to: letter.to.masked(),
            state: if has_failed { "failed" } else { "waiting" },
            next_attempt_at: (!has_failed).then_some(letter.next_attempt_at),
            id: letter.id,
            event_id: letter.content.event.id,
            attempts: letter.attempts,
            created_at: letter.created_at,
            expires_at: letter.expires_at,
            failed_at: letter.failed_at,
            last_error: letter.last_error,
        }
    }
}

/// `GET /queue`: what waits, and what was given up in the last week.
async fn queue(State(mailer): State<Arc<Mailer>>) -> Response {
    let items: Vec<Item> = mailer.queue.list().into_iter().map(Item::from).collect();
    let count = items.len();
    Json(json!({"items": items, "count": count})).into_response()
}

/// `POST /queue/{id}/retry`: another try now.
async fn retry(
    State(mailer): State<Arc<Mailer>>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    if mailer.queue.retry(&id).await {
        return Ok(StatusCode::ACCEPTED);
    }
    let message = "There is no such mail in the queue.";
    Err(Problem::new(StatusCode::NOT_FOUND, "not-found", message))
}

#[derive(Deserialize)]
struct Look {
    #[serde(default)]
    locale: Option<String>,
    #[serde(default)]
    format: Option<String>,
}

/// `GET /preview/{template}`: a mail with made-up content, as a browser or a terminal shows it.
async fn preview(
    State(mailer): State<Arc<Mailer>>,
    Path(template): Path<String>,
    Query(look): Query<Look>,
) -> Result<Response, Problem> {
    let mail = Mail::named(&template).ok_or_else(|| {
        let message = format!("There is no mail `{template}`.");
        Problem::new(StatusCode::NOT_FOUND, "not-found", message)
    })?;
    let configuration = mailer
        .current()
        .ok_or_else(|| Problem::unavailable("The configuration is not read yet."))?;
    let letter = sample::letter(mail, look.locale.filter(|locale| !locale.is_empty()));
    let unsubscribe = mail
        .is_optional()
        .then(|| format!("{}/unsubscribe/sample", configuration.portal));
    let (subject, rendered) = handle::render(&letter, &configuration, unsubscribe.as_deref());
    match look.format.as_deref() {
        Some("html") => match rendered.html {
            Some(html) => Ok(Html(html).into_response()),
            None => Err(Problem::new(
                StatusCode::NOT_FOUND,
                "not-found",
                "This mail has no HTML in this language.",
            )),
        },
        None | Some("text") => {
            Ok(format!("Subject: {subject}\n\n{}", rendered.text).into_response())
        }
        Some(_) => Err(Problem::invalid(
            "format",
            "enum",
            "`format` is `html` or `text`.",
        )),
    }
}

#[derive(Deserialize)]
struct TestMail {
    to: String,
}

/// `POST /test`: puts a mail into the queue that says that mails arrive.
async fn test(
    State(mailer): State<Arc<Mailer>>,
    Json(body): Json<TestMail>,
) -> Result<Response, Problem> {
    let address = compose::address(&body.to)
        .ok_or_else(|| Problem::invalid("to", "format", "`to` is not a mail address."))?;
    let mut letter = sample::letter(Mail::Test, None);
    letter.content.event.id = random::hex_id();
    let to = Receiver {
        user_id: None,
        name: None,
        address,
        language: None,
        wants_digest: false,
    };
    let letter = Letter::new(Mail::Test, to, letter.content, clock::now());
    let id = letter.id.clone();
    mailer
        .post(letter)
        .await
        .map_err(|error| Problem::unavailable(error.to_string()))?;
    Ok((StatusCode::ACCEPTED, Json(json!({"id": id}))).into_response())
}
