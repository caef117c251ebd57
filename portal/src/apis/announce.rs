//! `/apis/{api}/announcements`: a mail to all who use an API (portal-ui 22.11).

use askama::Template;
use axum::{
    extract::Path,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use sdk::types::{Api, apis::NewAnnouncement};
use ui::{Entry, Field, FieldKind, Frame, Icon, Kind, texts};

use crate::{catalogue::name, failure::Failure, form::Form, json, links, visitor::Visitor};

#[derive(Template)]
#[template(path = "announce.html")]
struct AnnouncePage {
    frame: Frame,
    t: texts::Apis,
    api: Api,
    subject: String,
    text: String,
}

impl AnnouncePage {
    fn api_name(&self) -> &str {
        name(&self.api)
    }

    fn api_url(&self) -> String {
        links::api(&self.api.id)
    }

    fn subject_field(&self) -> Field {
        Field {
            value: self.subject.clone(),
            max_length: Some(200),
            autocomplete: "off",
            ..Field::required("subject", self.t.subject())
        }
    }

    fn text_field(&self) -> Field {
        Field {
            kind: FieldKind::Area,
            value: self.text.clone(),
            hint: Some(self.t.announce_hint().to_owned()),
            max_length: Some(10_000),
            ..Field::required("text", self.t.text())
        }
    }
}

/// `GET /apis/{api}/announcements`: the form.
pub async fn show(visitor: Visitor, Path(id): Path<String>) -> Result<Response, Failure> {
    visitor.require_user()?;
    page(&visitor, &id, None, None).await
}

async fn page(
    visitor: &Visitor,
    id: &str,
    form: Option<&Form>,
    fault: Option<(StatusCode, String)>,
) -> Result<Response, Failure> {
    let context = visitor.client().api_context(id).await?;
    if !context.rights.announce {
        return Err(Failure::Forbidden);
    }
    let mut frame = visitor.frame(Entry::Apis).await;
    let mut status = StatusCode::OK;
    if let Some((refused, text)) = fault {
        status = refused;
        frame = frame.with_message(Kind::Bad, text);
    }
    let entered = |name: &str| {
        form.map(|form| form.text(name).to_owned())
            .unwrap_or_default()
    };
    let page = AnnouncePage {
        frame,
        t: texts::Apis(visitor.lang()),
        api: context.api,
        subject: entered("subject"),
        text: entered("text"),
    };
    Ok(ui::page(status, &page))
}

/// `POST /apis/{api}/announcements`: `subject`, `text`.
pub async fn send(
    visitor: Visitor,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failure> {
    visitor.require_user()?;
    let new = NewAnnouncement {
        subject: form.text("subject").to_owned(),
        text: form.text("text").to_owned(),
    };
    match visitor.client().announce(&id, &new).await {
        Ok(sent) if visitor.wants_json => Ok(json::answer(&visitor, StatusCode::CREATED, &sent)),
        Ok(_) => {
            visitor.leave(Kind::Good, texts::Apis(visitor.lang()).announced());
            Ok(Redirect::to(&links::api(&id)).into_response())
        }
        Err(sdk::Error::Api(error))
            if !visitor.wants_json && error.status == StatusCode::BAD_REQUEST =>
        {
            let fault = Some((error.status, error.message));
            page(&visitor, &id, Some(&form), fault).await
        }
        Err(error) => Err(error.into()),
    }
}
