//! What the gateway does for an API beside checking who calls: the plugins of its `config.json`.

use axum::{extract::Path, response::Response};
use http::StatusCode;
use serde_json::Value;
use ui::{Field, Html, texts};

use super::{
    desk::Members,
    fields,
    shell::{Opened, Tab},
};
use crate::{failure::Failure, form::Form, visitor::Visitor};

/// `GET /publish/apis/{api}/plugins`
pub async fn show(visitor: Visitor, path: Path<String>) -> Result<Response, Failure> {
    let mut opened = Opened::new(&visitor, path).await?;
    let file = opened.file("config.json");
    let config = opened.desk.json(&file).await?;
    let text = match &config["plugins"] {
        Value::Null => "[]".to_owned(),
        plugins => serde_json::to_string_pretty(plugins).unwrap_or_default(),
    };
    page(opened, &visitor, text, None).await
}

async fn page(
    opened: Opened,
    visitor: &Visitor,
    text: String,
    error: Option<String>,
) -> Result<Response, Failure> {
    let t = texts::Publish(visitor.lang());
    let is_wrong = error.is_some();
    let field = Field {
        error,
        ..fields::code("plugins", t.plugins(), text)
    };
    let parts = vec![fields::with_hint(field, t.plugins_hint())];
    let below = Html::default();
    let mut page = opened.page(visitor, Tab::Plugins, parts, below).await?;
    if is_wrong {
        *page.status_mut() = StatusCode::BAD_REQUEST;
    }
    Ok(page)
}

/// `POST /publish/apis/{api}/plugins`: `plugins`, a list as JSON. Whether the gateway takes their
/// options, the check of the whole configuration says.
pub async fn save(visitor: Visitor, path: Path<String>, form: Form) -> Result<Response, Failure> {
    let mut opened = Opened::new(&visitor, path).await?;
    let text = form.text("plugins");
    let plugins = match serde_json::from_str::<Vec<serde_json::Map<String, Value>>>(text) {
        Ok(plugins) => plugins,
        Err(error) if visitor.wants_json => {
            return Err(Failure::BadRequest(format!("`plugins`: {error}")));
        }
        Err(error) => {
            let t = texts::Publish(visitor.lang());
            let fault = t.no_list(error.line(), error.column());
            return page(opened, &visitor, text.to_owned(), Some(fault)).await;
        }
    };
    let plugins = plugins.into_iter().map(Value::Object).collect();
    let file = opened.file("config.json");
    let mut config = Members::of(&mut opened.desk, &file, Vec::new()).await?;
    config.set(&["plugins"], Some(plugins)).await?;
    opened.saved(&visitor, Tab::Plugins).await
}
