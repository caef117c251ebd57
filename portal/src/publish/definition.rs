//! The OpenAPI file of an API.

use axum::{extract::Path, response::Response};
use ui::{Html, texts};

use super::{
    fields,
    general::put_text,
    shell::{Opened, Tab},
};
use crate::{failure::Failure, form::Form, visitor::Visitor};

/// `GET /publish/apis/{api}/definition`
pub async fn show(visitor: Visitor, path: Path<String>) -> Result<Response, Failure> {
    let mut opened = Opened::new(&visitor, path).await?;
    let t = texts::Publish(visitor.lang());
    let file = opened.file("swagger.json");
    let text = opened.desk.text(&file).await?.unwrap_or_default();
    let parts = vec![
        fields::file(t.openapi_file(), "text", ".json,application/json"),
        fields::optional(
            fields::code("text", t.openapi(), text),
            visitor.lang(),
            Some(t.openapi_hint()),
        ),
    ];
    opened
        .page(&visitor, Tab::Definition, parts, Html::default())
        .await
}

/// `POST /publish/apis/{api}/definition`: `text`.
pub async fn save(visitor: Visitor, path: Path<String>, form: Form) -> Result<Response, Failure> {
    let mut opened = Opened::new(&visitor, path).await?;
    let file = opened.file("swagger.json");
    put_text(&mut opened, &file, form.text("text")).await?;
    opened.saved(&visitor, Tab::Definition).await
}
