//! `/users/me/export`: everything that is stored about the person, as a file.

use askama::Template;
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use ui::{Entry, Frame, Html, Icon, texts};

use super::{Part, tabs};
use crate::{failure::Failure, form::Form, json, visitor::Visitor};

#[derive(Template)]
#[template(path = "account/export.html")]
struct ExportPage {
    frame: Frame,
    tabs: Html,
    t: texts::Account,
}

/// `GET /users/me/export`: the page; for scripts the data themselves.
pub async fn show(visitor: Visitor) -> Result<Response, Failure> {
    let user = visitor.require_user()?;
    if visitor.wants_json {
        let data = visitor.client().export_user(&user.id).await?;
        return Ok(json::answer(&visitor, StatusCode::OK, &data));
    }
    let page = ExportPage {
        tabs: tabs(&visitor, Part::Export),
        t: texts::Account(visitor.lang()),
        frame: visitor.frame(Entry::Profile).await,
    };
    Ok(ui::page(StatusCode::OK, &page))
}

/// `POST /users/me/export`: the file.
pub async fn download(visitor: Visitor, _: Form) -> Result<Response, Failure> {
    let user = visitor.require_user()?;
    let data = visitor.client().export_user(&user.id).await?;
    let mut response = ui::no_store(Json(data).into_response());
    let name = HeaderValue::from_static("attachment; filename=\"my-data.json\"");
    response
        .headers_mut()
        .insert(header::CONTENT_DISPOSITION, name);
    Ok(response)
}
