//! `/apis/{api}/reference`, `/apis/{api}/reference/{operation}`, `/apis/{api}/swagger`.

use std::sync::Arc;

use askama::Template;
use axum::{
    Json, Router,
    extract::{Path, Query},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, StatusCode, header};
use sdk::types::Api;
use serde::Deserialize;
use ui::{Entry, Frame, Html, Icon, texts};

use super::{
    Definition, Language, Operation, SampleView, export, highlight,
    operation::{OperationView, view},
    schema,
};
use crate::{
    apis::{ApiHead, ApiTab, credential, guides_of},
    failure::Failure,
    links, mine,
    state::App,
    trial::{self, Subject, TrialForm},
    visitor::Visitor,
};

const COOKIE: &str = "wicketgate_sample";

pub fn routes() -> Router<App> {
    Router::new()
        .route("/apis/{api}/reference", get(list))
        .route("/apis/{api}/reference/{operation}", get(one))
        .route("/apis/{api}/definition.json", get(export::definition))
        .route("/apis/{api}/definition.yaml", get(export::as_yaml))
        .route("/apis/{api}/postman.json", get(export::postman))
        .route("/apis/{api}/bruno.json", get(export::bruno))
        .route("/apis/{api}/swagger", get(download).options(preflight))
}

/// Address of an operation's page.
pub fn operation_url(api: &str, operation: &Operation) -> String {
    format!("/apis/{api}/reference/{}", operation.slug)
}

#[derive(Template)]
#[template(path = "reference/list.html")]
struct ListPage {
    frame: Frame,
    t: texts::Reference,
    api: ApiHead,
    definition: Option<Arc<Definition>>,
}

#[derive(Template)]
#[template(path = "reference/operation.html")]
struct OperationPage<'a> {
    frame: Frame,
    t: texts::Reference,
    api: ApiHead,
    definition: &'a Definition,
    operation: &'a Operation,
    view: OperationView,
    sample: SampleView,
    key_note: Option<String>,
    answer: Option<Html>,
    /// For those who may call; others find a link.
    trial: Option<Html>,
    trial_url: String,
}

/// Rows of a schema; calls itself for what is inside.
#[derive(Template)]
#[template(path = "reference/rows.html")]
struct Rows<'a> {
    t: texts::Reference,
    rows: &'a [schema::SchemaRow],
}

fn rows(t: texts::Reference, rows: &[schema::SchemaRow]) -> Html {
    Html::trusted(Rows { t, rows }.render().unwrap_or_default())
}

#[derive(Deserialize)]
struct Choice {
    lang: Option<String>,
}

async fn list(visitor: Visitor, Path(api): Path<String>) -> Result<Response, Failure> {
    let client = visitor.client();
    let api = client.api(&api).await?;
    let definition = visitor.app.definitions().get(&client, &api.id).await?;
    let has_guides = !guides_of(&visitor, &api.id).await?.is_empty();
    let page = ListPage {
        t: texts::Reference(visitor.lang()),
        api: ApiHead::new(&visitor, &api, definition.as_deref(), has_guides),
        frame: visitor.frame(Entry::Apis).await,
        definition,
    };
    Ok(ui::page(StatusCode::OK, &page))
}

async fn one(
    visitor: Visitor,
    Path((api, slug)): Path<(String, String)>,
    Query(choice): Query<Choice>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let client = visitor.client();
    let api = client.api(&api).await?;
    let definition = visitor
        .app
        .definitions()
        .get(&client, &api.id)
        .await?
        .ok_or(Failure::NotFound)?;
    let operation = definition.find(&slug).ok_or(Failure::NotFound)?;
    let credential = credential(&visitor, &api);
    let view =
        view(&definition, operation, &credential, visitor.lang()).ok_or(Failure::NotFound)?;

    let has_guides = !guides_of(&visitor, &api.id).await?.is_empty();
    let chosen = choice.lang.as_deref().and_then(Language::from_value);
    let language = chosen.or_else(|| remembered(&headers)).unwrap_or_default();
    let t = texts::Reference(visitor.lang());
    let trial = trial(&visitor, &api, &definition, operation, &view).await?;
    let answer = view
        .responses
        .iter()
        .find(|response| response.status.starts_with('2'));
    let page = OperationPage {
        t,
        api: ApiHead::new(&visitor, &api, Some(&definition), has_guides),
        frame: visitor.frame(Entry::Apis).await.about(visitor.about(
            &operation_url(&api.id, operation),
            &operation.title,
            "",
        )),
        sample: visitor.installation.samples.view(&view.request, language),
        key_note: crate::apis::credential_note(&credential, visitor.lang()),
        answer: answer
            .and_then(|response| response.example.as_ref())
            .map(highlight::json),
        trial,
        trial_url: links::with_query(
            &format!("{}/try", links::api(&api.id)),
            [("operation", operation.slug.as_str())],
        ),
        definition: &definition,
        operation,
        view,
    };
    let mut response = ui::page(StatusCode::OK, &page);
    if chosen.is_some() {
        let cookie = format!(
            "{COOKIE}={}; Path=/apis; Max-Age=31536000; HttpOnly; SameSite=Lax",
            language.value()
        );
        if let Ok(cookie) = cookie.parse() {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    Ok(response)
}

/// The form beside the operation, for somebody with a session to send it in.
async fn trial(
    visitor: &Visitor,
    api: &Api,
    definition: &Definition,
    operation: &Operation,
    view: &OperationView,
) -> Result<Option<Html>, Failure> {
    if visitor.user().is_none() {
        return Ok(None);
    }
    let ((bases, _), mine) = tokio::try_join!(
        trial::bases(visitor, api, Some(definition)),
        mine::all(visitor),
    )?;
    if bases.is_empty() {
        return Ok(None);
    }
    let asked = trial::Asked::default();
    let subject = Subject {
        api,
        operation,
        view,
        bases,
    };
    let form = TrialForm::new(visitor, subject, &mine, &asked, None);
    Ok(Some(form.html()))
}

fn remembered(headers: &HeaderMap) -> Option<Language> {
    let cookies = headers.get(header::COOKIE)?.to_str().ok()?;
    let mut pairs = cookies
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='));
    Language::from_value(pairs.find(|(name, _)| *name == COOKIE)?.1)
}

/// The definition itself, with the visitor's rights. `forUser` of old links is ignored: it let
/// anybody read as anybody.
async fn download(visitor: Visitor, Path(api): Path<String>) -> Result<Response, Failure> {
    let definition: serde_json::Value = visitor.client().api_definition(&api).await?;
    let headers = [
        (
            header::ACCESS_CONTROL_ALLOW_ORIGIN,
            visitor.installation.gateway.clone(),
        ),
        (header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true".to_owned()),
        (header::CACHE_CONTROL, "private, no-cache".to_owned()),
        (header::VARY, "Cookie, Origin".to_owned()),
    ];
    Ok((headers, Json(definition)).into_response())
}

/// Asked by consoles on the gateway's name that send headers of their own.
async fn preflight(visitor: Visitor) -> Response {
    let headers = [
        (
            header::ACCESS_CONTROL_ALLOW_ORIGIN,
            visitor.installation.gateway.clone(),
        ),
        (header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true".to_owned()),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET".to_owned()),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "Accept, Content-Type, Correlation-Id, X-Requested-With".to_owned(),
        ),
        (header::ACCESS_CONTROL_MAX_AGE, "600".to_owned()),
        (header::VARY, "Origin".to_owned()),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}
