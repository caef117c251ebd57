//! The forms of 9.1 and 9.2: properties of a pool, and the choice of a tenant.

use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::post,
};
use sdk::types::{Extra, Pool, registrations::PutRegistration};
use serde::Deserialize;
use serde_json::{Map, Value};
use ui::registration_answer;

use crate::{
    flows::{self, Flow, FormSource, Goal},
    interaction::{self, Next},
    local::{PageForm, delay, logged_in_user, method_of, open_form},
    pages::{Fault, PageError},
    portal_api::SaveOutcome,
    state::AppState,
    visitor::Visitor,
};

/// Below the base path.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/{method}/register", post(register))
        .route("/{method}/selectnamespace", post(select))
}

/// `POST {B}/{method}/register`: field names are the properties of the pool.
async fn register(
    State(state): State<AppState>,
    Path(method): Path<String>,
    visitor: Visitor,
    PageForm(form): PageForm<Map<String, Value>>,
) -> Result<Response, PageError> {
    let method = method_of(&state, &method)?;
    // Old clients send the token as `nonce`.
    let token = form
        .get("_csrf")
        .or_else(|| form.get("nonce"))
        .and_then(Value::as_str);
    let source = FormSource::Register;
    if visitor.check_form(&state, source, token).is_err() {
        delay().await;
        // Unlike other forms (9.1).
        return Err(PageError::new(&state, Fault::Flow));
    }
    let flow = open_form(&state, &visitor, &method.id, source, token).await?;
    let next = interaction::next(&state, &flow, visitor.session.as_ref())
        .await
        .map_err(|error| interaction::page_error(&state, &error))?;
    // Registered meanwhile, in another tab, or not logged in any more: that goes first.
    let Next::Register(asked) = next else {
        return interaction::respond(&state, visitor, flow, false).await;
    };
    let registration = PutRegistration {
        namespace: flow.authorize().and_then(|goal| goal.namespace.clone()),
        invitation: None,
        properties: answers(&asked.pool, &form),
    };
    let saved = state
        .portal_api
        .put_registration(&asked.pool_id, &asked.user.id, &registration)
        .await
        .map_err(|error| PageError::portal_api(&state, &error))?;
    match saved {
        SaveOutcome::Saved(()) => interaction::respond(&state, visitor, flow, false).await,
        SaveOutcome::Invalid(message) => {
            let typed = Some((message, form));
            Ok(interaction::show_register(
                &state, visitor, &flow, *asked, typed,
            ))
        }
        SaveOutcome::Taken => Err(PageError::new(&state, Fault::Internal)),
    }
}

/// What a form says of the properties of a pool.
pub fn answers(pool: &Pool, form: &Map<String, Value>) -> Extra {
    let answers = pool.properties.iter().filter_map(|property| {
        let given = form.get(&property.id).and_then(Value::as_str);
        let value = registration_answer(property, given)?;
        Some((property.id.clone(), Value::String(value)))
    });
    Extra(answers.collect())
}

#[derive(Deserialize)]
struct Selection {
    #[serde(rename = "_csrf")]
    csrf: Option<String>,
    #[serde(default)]
    namespace: String,
}

/// `POST {B}/{method}/selectnamespace`
async fn select(
    State(state): State<AppState>,
    Path(method): Path<String>,
    visitor: Visitor,
    PageForm(form): PageForm<Selection>,
) -> Result<Response, PageError> {
    let method = method_of(&state, &method)?;
    let source = FormSource::SelectNamespace;
    let mut flow = open_form(&state, &visitor, &method.id, source, form.csrf.as_deref()).await?;
    if logged_in_user(&state, &visitor, &method.id)
        .await?
        .is_none()
    {
        return interaction::respond(&state, visitor, flow, false).await;
    }
    let next = interaction::next(&state, &flow, visitor.session.as_ref())
        .await
        .map_err(|error| interaction::page_error(&state, &error))?;
    let Next::SelectNamespace(offered) = next else {
        return interaction::respond(&state, visitor, flow, false).await;
    };
    if !offered
        .iter()
        .any(|choice| choice.namespace == form.namespace)
    {
        return Err(PageError::new(&state, Fault::Namespace));
    }
    choose(&state, &mut flow, &form.namespace)
        .await
        .map_err(|error| PageError::database(&state, &error))?;
    interaction::respond(&state, visitor, flow, false).await
}

/// Remembers the tenant in the flow.
async fn choose(state: &AppState, flow: &mut Flow, namespace: &str) -> Result<(), sea_orm::DbErr> {
    let txn = state.database.write().await?;
    flows::set_namespace(&txn, &flow.id, namespace).await?;
    txn.commit().await?;
    if let Goal::Authorize(goal) = &mut flow.goal {
        goal.namespace = Some(namespace.to_owned());
    }
    Ok(())
}
