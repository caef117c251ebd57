//! `/applications/{app}/listeners`: addresses that are told what happens to an application
//! (portal-ui 22.9).

use askama::Template;
use axum::{
    extract::{Path, Query},
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use sdk::types::{Application, ListenerRegistration, listeners::Format};
use serde_json::json;
use ui::{Breakable, Entry, Field, FieldKind, Frame, Html, Icon, Kind, texts};

use super::{Tab, tabs};
use crate::{
    failure::Failure,
    form::Form,
    json, links,
    listeners::{Listener, Question, View},
    secret::{self, NewSecret},
    visitor::Visitor,
};

#[derive(Template)]
#[template(path = "listeners/list.html")]
struct ListPage {
    frame: Frame,
    t: texts::Listeners,
    ta: texts::Admin,
    tabs: Html,
    application: Application,
    url: String,
    rows: Vec<Row>,
    fields: Html,
    may_change: bool,
}

struct Row {
    path: String,
    url: String,
    events: String,
    is_enabled: bool,
    reason: Option<String>,
}

impl Row {
    fn new(application: &str, listener: ListenerRegistration) -> Self {
        let named = Listener {
            application: Some(application.to_owned()),
            id: listener.id,
        };
        Self {
            path: named.path(),
            url: listener.url.unwrap_or_default(),
            events: listener.events.unwrap_or_default().join(" "),
            is_enabled: listener.enabled != Some(false),
            reason: listener.disabled_reason,
        }
    }
}

/// What is entered about a listener.
#[derive(Template)]
#[template(path = "listeners/fields.html")]
struct Fields {
    t: texts::Listeners,
    optional: &'static str,
    url: String,
    events: String,
    is_cloudevents: bool,
    fault: Option<String>,
}

impl Fields {
    fn url_field(&self) -> Field {
        Field {
            kind: FieldKind::Text,
            value: self.url.clone(),
            hint: Some(self.t.url_hint().to_owned()),
            error: self.fault.clone(),
            max_length: Some(2048),
            autocomplete: "off",
            ..Field::required("url", self.t.url())
        }
    }

    fn events_field(&self) -> Field {
        Field {
            value: self.events.clone(),
            hint: Some(self.t.events_hint().to_owned()),
            optional: Some(self.optional),
            max_length: Some(1000),
            autocomplete: "off",
            ..Field::required("events", self.t.events())
        }
    }
}

fn may_change(application: &Application) -> bool {
    application.links.contains_key("patchApplication")
}

/// What a form says; the rest stays as it is in `known`.
fn read(form: &Form, known: ListenerRegistration) -> ListenerRegistration {
    let words = |text: &str| -> Vec<String> {
        let words = text.split([' ', ',', '\n', '\r', '\t']);
        let words = words.filter(|word| !word.is_empty());
        words.map(str::to_owned).collect()
    };
    let events: Vec<String> = form.all("events").flat_map(words).collect();
    let is_new = known.id.is_empty();
    ListenerRegistration {
        url: form.optional("url").map(str::to_owned).or(known.url),
        events: if form.has("events") {
            Some(events).filter(|events| !events.is_empty())
        } else {
            known.events
        },
        format: match form.text("format") {
            "cloudevents" => Some(Format::CloudEvents),
            "standard" => Some(Format::Standard),
            _ if is_new => Some(Format::Standard),
            _ => known.format,
        },
        ..known
    }
}

/// `GET /applications/{app}/listeners`
pub async fn list(visitor: Visitor, Path(id): Path<String>) -> Result<Response, Failure> {
    visitor.require_user()?;
    show(&visitor, &id, None, None).await
}

/// The list; after a refusal with what was entered and why.
async fn show(
    visitor: &Visitor,
    id: &str,
    form: Option<&Form>,
    fault: Option<sdk::ApiError>,
) -> Result<Response, Failure> {
    let client = visitor.client();
    let (application, listeners) =
        tokio::try_join!(client.application(id), client.application_listeners(id))?;
    let t = texts::Listeners(visitor.lang());
    if visitor.wants_json {
        let body = json!({"title": t.title(), "listeners": listeners});
        return Ok(json::answer(visitor, StatusCode::OK, &body));
    }
    let frame = visitor.frame(Entry::Applications).await;
    let entered = |name: &str| form.map(|form| form.text(name).to_owned());
    let status = fault.as_ref().map_or(StatusCode::OK, |fault| fault.status);
    let fields = Fields {
        t,
        optional: frame.t().optional(),
        url: entered("url").unwrap_or_default(),
        events: entered("events").unwrap_or_default(),
        is_cloudevents: entered("format").is_some_and(|format| format == "cloudevents"),
        fault: fault.map(|fault| fault.message),
    };
    let page = ListPage {
        t,
        ta: texts::Admin(visitor.lang()),
        tabs: tabs(&frame, &application, Tab::Listeners),
        url: format!("{}/listeners", links::application(id)),
        rows: listeners.into_iter().map(|one| Row::new(id, one)).collect(),
        fields: Html::of(&fields),
        may_change: may_change(&application),
        application,
        frame,
    };
    Ok(ui::page(status, &page))
}

/// `POST /applications/{app}/listeners`: `url`, `events`, `format`. The answer shows the secret, once.
pub async fn create(
    visitor: Visitor,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failure> {
    visitor.require_user()?;
    let new = read(&form, ListenerRegistration::default());
    let client = visitor.client();
    let made = match client.create_application_listener(&id, &new).await {
        Ok(made) => made,
        Err(sdk::Error::Api(error)) if !visitor.wants_json && is_explained(error.status) => {
            return show(&visitor, &id, Some(&form), Some(error)).await;
        }
        Err(error) => return Err(error.into()),
    };
    if visitor.wants_json {
        return Ok(json::answer(&visitor, StatusCode::CREATED, &made));
    }
    let t = texts::Listeners(visitor.lang());
    let ta = texts::Admin(visitor.lang());
    let listener = Listener {
        application: Some(id.clone()),
        id: made.listener.id,
    };
    let page = NewSecret {
        title: t.created().to_owned(),
        lead: made.listener.url.unwrap_or_default(),
        crumbs: vec![
            (links::application(&id), id.clone()),
            (listener.list(), t.title().to_owned()),
        ],
        heading: t.created().to_owned(),
        promise: ta.secret_once(),
        parts: vec![(ta.signing_secret(), made.secret.secret.expose().to_owned())],
        notes: vec![t.check_signature().to_owned()],
        back: listener.path(),
        entry: Entry::Applications,
        calls: Vec::new(),
    };
    Ok(secret::show(&visitor, page).await)
}

fn is_explained(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_REQUEST | StatusCode::CONFLICT)
}

#[derive(Template)]
#[template(path = "listeners/one.html")]
struct OnePage {
    frame: Frame,
    t: texts::Listeners,
    tabs: Html,
    application: Application,
    view: Html,
    url: String,
    fields: Html,
    may_change: bool,
}

/// `GET /applications/{app}/listeners/{id}`
pub async fn one(
    visitor: Visitor,
    listener: Listener,
    Query(question): Query<Question>,
) -> Result<Response, Failure> {
    let client = visitor.client();
    let id = listener.application.clone().unwrap_or_default();
    let t = texts::Listeners(visitor.lang());
    if visitor.wants_json {
        let pairs = question.pairs();
        let (registration, deliveries, stats) = tokio::try_join!(
            listener.registration(&client),
            async { Ok(listener.deliveries(&client, &pairs).await?) },
            async { Ok(listener.stats(&client).await?) }
        )?;
        let body = json!({
            "title": t.title(), "listener": registration, "deliveries": deliveries, "stats": stats,
        });
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let application = client.application(&id).await?;
    let may_change = may_change(&application);
    let view = View::load(&visitor, &listener, question, may_change).await?;
    let frame = visitor.frame(Entry::Applications).await;
    let known = &view.registration;
    let fields = Fields {
        t,
        optional: frame.t().optional(),
        url: known.url.clone().unwrap_or_default(),
        events: known.events.clone().unwrap_or_default().join(" "),
        is_cloudevents: known.format == Some(Format::CloudEvents),
        fault: None,
    };
    let page = OnePage {
        t,
        tabs: tabs(&frame, &application, Tab::Listeners),
        application,
        url: listener.path(),
        fields: Html::of(&fields),
        view: view.html(),
        may_change,
        frame,
    };
    Ok(ui::page(StatusCode::OK, &page))
}

/// `POST /applications/{app}/listeners/{id}`: `url`, `events`, `format`.
pub async fn change(visitor: Visitor, listener: Listener, form: Form) -> Result<Response, Failure> {
    let client = visitor.client();
    let application = listener.application.clone().unwrap_or_default();
    let known = listener.registration(&client).await?;
    let changed = client
        .put_application_listener(&application, &read(&form, known))
        .await;
    match changed {
        Ok(changed) if visitor.wants_json => Ok(json::answer(&visitor, StatusCode::OK, &changed)),
        Ok(_) => {
            let t = texts::Listeners(visitor.lang());
            visitor.leave(Kind::Good, t.saved());
            Ok(Redirect::to(&listener.path()).into_response())
        }
        Err(sdk::Error::Api(error)) if !visitor.wants_json && is_explained(error.status) => {
            visitor.leave(Kind::Bad, error.message);
            Ok(Redirect::to(&listener.path()).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /applications/{app}/listeners/{id}/delete`
pub async fn delete(visitor: Visitor, listener: Listener, _: Form) -> Result<Response, Failure> {
    let client = visitor.client();
    let application = listener.application.clone().unwrap_or_default();
    client
        .delete_application_listener(&application, &listener.id)
        .await?;
    if visitor.wants_json {
        return Ok(json::done());
    }
    visitor.leave(Kind::Good, texts::Listeners(visitor.lang()).removed());
    Ok(Redirect::to(&listener.list()).into_response())
}
