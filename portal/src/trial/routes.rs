//! `GET` and `POST /apis/{api}/try`

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, Query},
    response::Response,
    routing::{get, post},
};
use http::StatusCode;
use sdk::types::Api;
use serde::Deserialize;
use serde_json::json;
use ui::{Entry, Frame, Html, Icon, Kind, texts};

use super::{
    answer::{self, AnswerView},
    call::{Call, MAX_BODY},
    credential::{self, Carried},
    page::{self, Subject, TrialForm},
    person, send,
};
use crate::{
    apis::{ApiHead, ApiTab, credential as credential_of, guides_of},
    catalogue::needs_subscription,
    failure::Failure,
    form::Form,
    json, login, mine,
    redirect::found,
    reference::{Definition, Operation, operation_url, view},
    state::App,
    visitor::Visitor,
};

/// A form writes some letters of a body with three.
const MAX_FORM: usize = 3 * MAX_BODY + (256 << 10);

pub fn routes() -> Router<App> {
    Router::new()
        .route("/apis/{api}/try", get(show).post(send_call))
        .route("/apis/{api}/try/login", post(person::begin))
        .route("/try/callback", get(person::finish))
        .layer(DefaultBodyLimit::max(MAX_FORM))
}

/// Which operation is meant, and with whose credential.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    pub operation: Option<String>,
    pub application: Option<String>,
}

#[derive(Template)]
#[template(path = "trial/page.html")]
struct TrialPage {
    frame: Frame,
    t: texts::Reference,
    tt: texts::Trial,
    api: ApiHead,
    definition: Arc<Definition>,
    operation: Operation,
    operation_url: String,
    form: Html,
    answer: Option<Html>,
}

impl TrialPage {
    fn url(&self, operation: &Operation) -> String {
        let query = [("operation", operation.slug.as_str())];
        crate::links::with_query(&page::path(&self.api.id), query)
    }
}

/// `GET /apis/{api}/try`: the form.
async fn show(
    visitor: Visitor,
    Path(api): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let trial = Trial::load(&visitor, &api, asked.operation.as_deref()).await?;
    if needs_subscription(&trial.api) && visitor.user().is_none() {
        return Ok(found(&login::url(&visitor.preferences.here)));
    }
    // The form needs a token, and the token a session.
    visitor.open_session(|_| ());
    trial.page(&visitor, &asked, None, Beside::Nothing).await
}

/// `POST /apis/{api}/try`: calls, and shows what came back.
async fn send_call(
    visitor: Visitor,
    Path(api): Path<String>,
    form: Form,
) -> Result<Response, Failure> {
    let api = visitor.client().api(&api).await?;
    let user = visitor.user();
    if needs_subscription(&api) && user.is_none() {
        return Err(Failure::LoginNeeded);
    }
    let who = user.map_or_else(|| format!("guest {}", visitor.csrf()), |user| user.id);
    visitor.app.trial_pace(&who)?;

    let slug = form.optional("operation");
    let trial = Trial::of(&visitor, api, slug).await?;
    let named = slug.map(|_| &trial.operation);
    let call = match Call::read(&form, named, &trial.bases, &trial.allowed) {
        Err(Failure::BadRequest(text)) => return trial.refused(&visitor, &form, text).await,
        call => call?,
    };
    let application = form.text("application");
    let found = credential::find(&visitor, &trial.api, &form).await?;
    let carried = match found {
        Ok(carried) => carried,
        Err(text) => return trial.refused(&visitor, &form, text).await,
    };
    let outcome = send::send(&visitor.installation.proxy, &call, carried.as_ref()).await;
    note(&trial.api, application, &call, &outcome);
    if visitor.wants_json {
        return Ok(as_json(&visitor, &call, carried.as_ref(), &outcome));
    }
    let view = AnswerView::new(visitor.lang(), &call, carried.as_ref(), &outcome);
    let answer = Beside::Answer(view.html());
    trial
        .page(&visitor, &Asked::default(), Some(&form), answer)
        .await
}

fn as_json(
    visitor: &Visitor,
    call: &Call,
    carried: Option<&Carried>,
    outcome: &Result<send::Answer, send::Silence>,
) -> Response {
    match outcome {
        Ok(came) => {
            let body = answer::json(call, carried, came);
            json::answer(visitor, StatusCode::OK, &body)
        }
        Err(silence) => {
            let t = texts::Trial(visitor.lang());
            let status = silence.status();
            let body = json!({
                "statusCode": status.as_u16(), "message": answer::silent(*silence, t),
                "error": t.no_answer(),
                "correlationId": service::http::current_correlation_id(),
            });
            json::answer(visitor, status, &body)
        }
    }
}

/// Who called what, but not with which values.
fn note(api: &Api, application: &str, call: &Call, outcome: &Result<send::Answer, send::Silence>) {
    let status = outcome.as_ref().map_or(0, |answer| answer.status.as_u16());
    tracing::info!(
        api.id = %api.id, application.id = application, method = %call.method,
        path = call.url.path(), status, "an API was tried"
    );
}

/// What stands on the page beside the form.
enum Beside {
    Nothing,
    Answer(Html),
    Fault(String),
}

/// An operation that is tried, and where.
struct Trial {
    api: Api,
    definition: Arc<Definition>,
    operation: Operation,
    bases: Vec<String>,
    allowed: Vec<url::Url>,
}

impl Trial {
    async fn load(visitor: &Visitor, api: &str, slug: Option<&str>) -> Result<Self, Failure> {
        let api = visitor.client().api(api).await?;
        Self::of(visitor, api, slug).await
    }

    /// Without a name it is the first operation that reads.
    async fn of(visitor: &Visitor, api: Api, slug: Option<&str>) -> Result<Self, Failure> {
        let definitions = visitor.app.definitions();
        let definition = definitions.get(&visitor.client(), &api.id).await?;
        let definition = definition.ok_or(Failure::NotFound)?;
        let operation = match slug {
            Some(slug) => definition.find(slug),
            None => definition.first_call(),
        };
        let operation = operation.cloned().ok_or(Failure::NotFound)?;
        let (bases, allowed) = page::bases(visitor, &api, Some(&definition)).await?;
        Ok(Self {
            api,
            definition,
            operation,
            bases,
            allowed,
        })
    }

    /// The form again, and what is wrong with it.
    async fn refused(
        self,
        visitor: &Visitor,
        form: &Form,
        text: String,
    ) -> Result<Response, Failure> {
        if visitor.wants_json {
            return Err(Failure::BadRequest(text));
        }
        let asked = Asked::default();
        self.page(visitor, &asked, Some(form), Beside::Fault(text))
            .await
    }

    async fn page(
        self,
        visitor: &Visitor,
        asked: &Asked,
        form: Option<&Form>,
        beside: Beside,
    ) -> Result<Response, Failure> {
        let lang = visitor.lang();
        let credential = credential_of(visitor, &self.api);
        let view = view(&self.definition, &self.operation, &credential, lang);
        let view = view.ok_or(Failure::NotFound)?;
        let (mine, guides) =
            tokio::try_join!(mine::all(visitor), guides_of(visitor, &self.api.id))?;
        let subject = Subject {
            api: &self.api,
            operation: &self.operation,
            view: &view,
            bases: self.bases,
        };
        let trial = TrialForm::new(visitor, subject, &mine, asked, form);
        let mut frame = visitor.frame(Entry::Apis).await;
        let (status, answer) = match beside {
            Beside::Nothing => (StatusCode::OK, None),
            Beside::Answer(answer) => (StatusCode::OK, Some(answer)),
            Beside::Fault(text) => {
                frame = frame.with_message(Kind::Bad, text);
                (StatusCode::BAD_REQUEST, None)
            }
        };
        let page = TrialPage {
            t: texts::Reference(lang),
            tt: texts::Trial(lang),
            api: ApiHead::new(
                visitor,
                &self.api,
                Some(&self.definition),
                !guides.is_empty(),
            ),
            operation_url: operation_url(&self.api.id, &self.operation),
            form: trial.html(),
            operation: self.operation,
            definition: self.definition,
            answer,
            frame,
        };
        Ok(ui::no_store(ui::page(status, &page)))
    }
}
