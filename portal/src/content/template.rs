//! Content pages in HTML with Mustache (portal-ui 13.3). A template names values and nothing else;
//! what it gets of the settings is listed here, and what comes out is sanitised like Markdown.

use askama::filters::{Html as Escaper, escape};
use sdk::{template::Template, types::content::Metadata};
use serde_json::{Value, json};
use ui::Html;

use crate::{failure::Failure, markdown, visitor::Visitor};

pub fn render(
    visitor: &Visitor,
    source: &[u8],
    metadata: &Metadata,
    path: &str,
) -> Result<Html, Failure> {
    let template = Template::parse(&String::from_utf8_lossy(source)).map_err(|error| {
        tracing::error!("content page `{path}` is no template: {error}");
        Failure::Broken
    })?;
    let html = template.render(&model(visitor, metadata, path), &|_, text| {
        let Ok(safe) = escape(text, Escaper);
        safe.to_string()
    });
    Ok(markdown::clean(&html))
}

fn model(visitor: &Visitor, metadata: &Metadata, path: &str) -> Value {
    let mut model = json!({
        "title": metadata.title, "subTitle": metadata.sub_title,
        "showTitle": metadata.show_title, "omitContainer": metadata.omit_container,
        "route": format!("/content/{path}"), "glob": *visitor.installation.glob,
    });
    if let Some(user) = visitor.user() {
        model["authUser"] = json!({
            "id": user.id, "name": user.name, "email": user.email, "admin": user.admin,
            "approver": user.approver,
        });
    }
    model
}
