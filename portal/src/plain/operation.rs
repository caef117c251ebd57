//! An operation as Markdown.

use std::fmt::Write as _;

use sdk::types::Api;
use ui::texts;

use super::line;
use crate::{
    apis::credential,
    failure::Failure,
    markdown,
    reference::{Definition, Language, Operation, SchemaRow, view},
    visitor::Visitor,
};

/// Levels of nested fields.
const MAX_DEPTH: usize = 6;

/// `/apis/{api}/reference/{operation}`
pub async fn one(visitor: &Visitor, id: &str, slug: &str) -> Result<String, Failure> {
    let client = visitor.client();
    let api = client.api(id).await?;
    let definition = visitor.app.definitions().get(&client, id).await?;
    let definition = definition.ok_or(Failure::NotFound)?;
    let operation = definition.find(slug).ok_or(Failure::NotFound)?;
    text(visitor, &api, &definition, operation, 1).ok_or(Failure::NotFound)
}

/// With headings from this level on.
pub fn text(
    visitor: &Visitor,
    api: &Api,
    definition: &Definition,
    operation: &Operation,
    level: usize,
) -> Option<String> {
    let lang = visitor.lang();
    let t = texts::Reference(lang);
    let view = view(definition, operation, &credential(visitor, api), lang)?;
    let heading = |text: &mut String, deeper: usize, words: &str| {
        let _ = write!(text, "\n{} {words}\n\n", "#".repeat(level + deeper));
    };
    let mut text = String::new();
    heading(&mut text, 0, &line(&markdown::plain(&operation.title)));
    let method = operation.method.to_uppercase();
    let _ = write!(text, "`{method} {}`\n\n", operation.path);
    if view.deprecated {
        let _ = write!(text, "**{}**\n\n", t.deprecated());
    }
    let description = markdown::text_of(&view.description);
    if !description.is_empty() {
        let _ = writeln!(text, "{description}\n");
    }
    for scope in &view.scopes {
        let _ = writeln!(text, "- {}", t.scope(scope));
    }
    for (place, parameters) in &view.parameters {
        heading(&mut text, 1, place);
        rows(&mut text, t, parameters, 0);
    }
    if let Some(body) = &view.body {
        heading(&mut text, 1, &format!("{} ({})", t.body(), body.media));
        rows(&mut text, t, &body.rows, 0);
    }
    heading(&mut text, 1, t.responses());
    for response in &view.responses {
        let description = line(&response.description);
        let _ = writeln!(text, "- {} {description}", response.status);
        rows(&mut text, t, &response.rows, 1);
    }
    heading(&mut text, 1, t.sample());
    let sample = visitor
        .installation
        .samples
        .text(&view.request, Language::Curl);
    let _ = write!(text, "```sh\n{sample}\n```\n");
    Some(text)
}

fn rows(text: &mut String, t: texts::Reference, rows_of: &[SchemaRow], depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    for row in rows_of {
        let indent = "  ".repeat(depth);
        let mut notes = vec![row.kind.clone()];
        notes.extend(row.required.then(|| t.required().to_owned()));
        notes.extend(row.notes.iter().cloned());
        if !row.values.is_empty() {
            notes.push(row.values.join(" | "));
        }
        let name = if row.name.is_empty() { "*" } else { &row.name };
        let _ = write!(text, "{indent}- `{name}` ({})", notes.join(", "));
        let description = line(&markdown::text_of(&row.description));
        let colon = if description.is_empty() { "" } else { ": " };
        let _ = writeln!(text, "{colon}{description}");
        if let Some(nested) = &row.nested {
            rows(text, t, &nested.rows, depth + 1);
        }
    }
}
