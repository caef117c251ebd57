//! End points for operators (events-and-adapters F1).

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service::{operator::Operators, problem::Problem};

use crate::{handle::Chatbot, target};

pub fn routes(chatbot: Arc<Chatbot>, operators: Operators) -> Router {
    let routes = Router::new()
        .route("/queue", get(queue))
        .route("/test", post(test));
    operators.only(routes).with_state(chatbot)
}

#[derive(Serialize)]
struct Item {
    target: usize,
    #[serde(rename = "type")]
    kind: &'static str,
    host: String,
    #[serde(flatten)]
    state: target::State,
}

/// `GET /queue`: how each target does, and what waits for it.
async fn queue(State(chatbot): State<Arc<Chatbot>>) -> Response {
    let configuration = chatbot.current();
    let targets = configuration.iter().flat_map(|one| &one.targets);
    let items: Vec<Item> = targets
        .into_iter()
        .map(|target| Item {
            target: target.index,
            kind: target.platform.as_str(),
            host: target.host.clone(),
            state: target.status.state(),
        })
        .collect();
    let count = items.len();
    Json(json!({"items": items, "count": count})).into_response()
}

#[derive(Deserialize)]
struct Test {
    target: usize,
}

/// `POST /test`: a message that says that messages arrive.
async fn test(
    State(chatbot): State<Arc<Chatbot>>,
    Json(body): Json<Test>,
) -> Result<StatusCode, Problem> {
    match chatbot.test(body.target).await {
        Ok(true) => Ok(StatusCode::ACCEPTED),
        Ok(false) => {
            let message = "There is no such target, or it cannot be used; see `warnings` in /ping.";
            Err(Problem::new(StatusCode::NOT_FOUND, "not-found", message))
        }
        Err(reason) => Err(Problem::unavailable(reason.to_string())),
    }
}
