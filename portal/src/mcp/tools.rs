//! What an assistant may ask.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Fault;
use crate::{failure::Failure, links, plain, search, visitor::Visitor};

/// Results of one search.
const MAX_HITS: usize = 20;

/// The tools, with what they take.
pub fn list() -> Value {
    let text = |description: &str| json!({"type": "string", "description": description});
    let tool =
        |name: &str, title: &str, description: &str, properties: Value, required: &[&str]| {
            json!({
                "name": name, "title": title, "description": description,
                "inputSchema": {
                    "type": "object", "properties": properties, "required": required,
                    "additionalProperties": false,
                },
                "annotations": {"readOnlyHint": true, "openWorldHint": false},
            })
        };
    json!([
        tool(
            "search",
            "Search the catalogue",
            "Finds operations, APIs, guides, pages and help by words. Forgives typing errors.",
            json!({"query": text("Words to look for")}),
            &["query"],
        ),
        tool(
            "list_apis",
            "List APIs",
            "All APIs that may be seen, with one line about each.",
            json!({}),
            &[],
        ),
        tool(
            "get_api",
            "Read an API",
            "What an API does, its addresses, plans, operations and guides.",
            json!({"api": text("Id of the API")}),
            &["api"],
        ),
        tool(
            "get_operation",
            "Read an operation",
            "Parameters, body, answers and a sample of one operation.",
            json!({"api": text("Id of the API"), "operation": text("Last part of the operation's address")}),
            &["api", "operation"],
        ),
        tool(
            "get_guide",
            "Read a guide",
            "A guide of an API.",
            json!({"api": text("Id of the API"), "path": text("Path of the guide")}),
            &["api", "path"],
        ),
        tool(
            "read_page",
            "Read a page",
            "A page of the portal by its path, such as /content/terms or /help/api.",
            json!({"path": text("Path of the page")}),
            &["path"],
        ),
    ])
}

/// Runs a tool. A wrong name or argument is a fault of the client's.
pub async fn call(
    visitor: &Visitor,
    name: &str,
    arguments: &Value,
) -> Result<Result<String, Failure>, Fault> {
    let text = |name: &str| match arguments.get(name).and_then(Value::as_str) {
        Some(text) if !text.is_empty() && text.len() <= 1000 => Ok(text),
        _ => Err(Fault::params(format!(
            "`{name}` has to be a text of 1 to 1000 letters"
        ))),
    };
    let path = match name {
        "search" => return Ok(found(visitor, text("query")?).await),
        "list_apis" => "/apis".to_owned(),
        "get_api" => links::api(text("api")?),
        "get_operation" => format!(
            "{}/reference/{}",
            links::api(text("api")?),
            links::segment(text("operation")?)
        ),
        "get_guide" => format!("{}/docs/{}", links::api(text("api")?), text("path")?),
        "read_page" => text("path")?.trim_end_matches(".md").to_owned(),
        other => return Err(Fault::params(format!("there is no tool `{other}`"))),
    };
    Ok(plain::page(visitor, &path)
        .await
        .unwrap_or(Err(Failure::NotFound)))
}

async fn found(visitor: &Visitor, query: &str) -> Result<String, Failure> {
    let hits = search::find(visitor, query).await?;
    if hits.is_empty() {
        return Ok("Nothing was found.".to_owned());
    }
    let mut text = String::new();
    for hit in hits.iter().take(MAX_HITS) {
        let document = &hit.document;
        let kind = document.kind.as_str();
        let _ = write!(text, "- {kind} [{}]({})", document.title, document.url);
        if let Some((method, path)) = &document.call {
            let _ = write!(text, " `{} {path}`", method.to_uppercase());
        }
        if let Some((id, name)) = &document.api {
            let _ = write!(text, ", API {name} (`{id}`)");
        }
        let _ = writeln!(text, ": {}", document.text);
    }
    Ok(text)
}
