//! What the parts of the index hold, made from what portal-api serves.

use sdk::types::{
    Api,
    content::{Guide, TocEntry},
};
use serde_json::Value;
use ui::Lang;

use super::index::{Document, Kind};
use crate::{
    apis::guide_url,
    catalogue::name,
    help::Topic,
    links, markdown,
    reference::{Definition, operation_url, refs},
};

/// Letters of a text that results show.
const SHOWN: usize = 280;
/// Letters of a text that can be found.
const READ: usize = 20_000;
/// Parameters and properties of one operation.
const MAX_NAMES: usize = 100;

/// An API and its operations.
pub fn of_api(api: &Api, description: &str, definition: Option<&Definition>) -> Vec<Document> {
    let named = (api.id.clone(), name(api).to_owned());
    let short = markdown::plain(&api.desc);
    let own = Document {
        kind: Kind::Api,
        title: named.1.clone(),
        url: links::api(&api.id),
        text: cut(&short, SHOWN),
        api: Some(named.clone()),
        call: None,
        fields: vec![
            (8, named.1.clone()),
            (6, api.id.clone()),
            (5, api.tags.join(" ")),
            (3, short),
            (1, cut(&markdown::plain(description), READ)),
        ],
    };
    let operations = definition.into_iter().flat_map(|definition| {
        let named = named.clone();
        definition.operations().iter().map(move |operation| {
            let source = definition.source(operation);
            let text_of = |name: &str| source.as_ref()?.operation().get(name)?.as_str();
            let text = text_of("description")
                .map(markdown::plain)
                .unwrap_or_default();
            let id = text_of("operationId");
            let (members, notes) = source
                .as_ref()
                .map(|source| inputs(definition.root(), source.item(), source.operation()))
                .unwrap_or_default();
            Document {
                kind: Kind::Operation,
                title: operation.title.clone(),
                url: operation_url(&api.id, operation),
                text: cut(&text, SHOWN),
                api: Some(named.clone()),
                call: Some((operation.method, operation.path.clone())),
                fields: vec![
                    (8, operation.title.clone()),
                    (6, id.unwrap_or_default().to_owned()),
                    (5, operation.path.clone()),
                    (4, operation.tag.clone().unwrap_or_default()),
                    (3, named.1.clone()),
                    (3, members),
                    (2, cut(&text, READ)),
                    (1, cut(&notes, READ)),
                ],
            }
        })
    });
    std::iter::once(own).chain(operations).collect()
}

/// Names of parameters and of the body's members, and what is said about them.
fn inputs(root: &Value, item: &Value, source: &Value) -> (String, String) {
    let (mut names, mut texts) = (Vec::new(), Vec::new());
    let mut take = |name: &str, of: &Value| {
        if names.len() < MAX_NAMES {
            names.push(name.to_owned());
            texts.extend(
                of.get("description")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
            );
        }
    };
    for list in [item, source] {
        let list = list.get("parameters").and_then(Value::as_array);
        for parameter in list.into_iter().flatten() {
            if let Some((parameter, _)) = refs::resolve(root, parameter)
                && let Some(name) = parameter.get("name").and_then(Value::as_str)
            {
                take(name, parameter);
            }
        }
    }
    let body = source.get("requestBody");
    let body = body.and_then(|body| Some(refs::resolve(root, body)?.0));
    let media = body.and_then(|body| body.get("content")?.as_object()?.values().next());
    let schema = media.and_then(|media| media.get("schema"));
    let schema = schema.and_then(|schema| Some(refs::resolve(root, schema)?.0));
    let members = schema.and_then(|schema| schema.get("properties")?.as_object());
    for (name, member) in members.into_iter().flatten() {
        take(name, member);
    }
    (names.join(" "), texts.join(" "))
}

/// A guide of an API.
pub fn of_guide(api: &Api, guide: &Guide, source: &str) -> Document {
    let text = markdown::plain(source);
    Document {
        kind: Kind::Guide,
        title: guide.title.clone(),
        url: guide_url(&api.id, &guide.path),
        text: cut(&text, SHOWN),
        api: Some((api.id.clone(), name(api).to_owned())),
        call: None,
        fields: vec![
            (8, guide.title.clone()),
            (3, name(api).to_owned()),
            (2, cut(&text, READ)),
        ],
    }
}

/// A page of the operator's.
pub fn of_page(entry: &TocEntry, source: &str) -> Document {
    let text = markdown::plain(source);
    let sub_title = markdown::plain(entry.sub_title.as_deref().unwrap_or_default());
    let shown = if sub_title.is_empty() {
        &text
    } else {
        &sub_title
    };
    Document {
        kind: Kind::Page,
        title: entry.title.clone(),
        url: entry.url.clone(),
        text: cut(shown, SHOWN),
        api: None,
        call: None,
        fields: vec![
            (8, entry.title.clone()),
            (5, entry.tags.join(" ")),
            (3, sub_title),
            (2, cut(&text, READ)),
        ],
    }
}

/// All help texts of a language.
pub fn of_help(lang: Lang) -> Vec<Document> {
    let topics = Topic::ALL.iter();
    topics
        .map(|topic| {
            let text = markdown::plain(topic.source(lang));
            let title = topic.title(lang).to_owned();
            let shown = text.strip_prefix(&title).unwrap_or(&text).trim();
            Document {
                kind: Kind::Help,
                url: format!("/help/{}", topic.id()),
                text: cut(shown, SHOWN),
                api: None,
                call: None,
                fields: vec![(8, title.clone()), (2, text.clone())],
                title,
            }
        })
        .collect()
}

/// The beginning of a text, not in the middle of a word.
fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let start: String = text.chars().take(max).collect();
    let end = start.rfind(char::is_whitespace).unwrap_or(start.len());
    format!("{}…", start[..end].trim_end())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn operations_are_found_by_path_parameters_and_body() {
        let definition = Definition::new(&json!({"openapi": "3.0.0",
            "components": {"schemas": {"Order": {"properties": {"voucher": {"description": "A code"}}}}},
            "paths": {"/orders/{orderId}": {"parameters": [{"name": "orderId", "in": "path"}],
                "put": {"summary": "Change", "description": "Replaces *it*.", "parameters": [{"name": "dryRun", "in": "query", "description": "Only checks"}],
                    "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}}}}}}));
        let api: Api = serde_json::from_value(json!({"id": "shop", "name": "Shop"})).unwrap();
        let found = of_api(&api, "Long text", Some(&definition));
        assert_eq!(found.len(), 2);
        let operation = &found[1];
        assert_eq!(
            operation.call,
            Some(("put", "/orders/{orderId}".to_owned()))
        );
        assert_eq!(operation.text, "Replaces it.");
        let all: Vec<&str> = operation
            .fields
            .iter()
            .map(|(_, text)| text.as_str())
            .collect();
        let all = all.join("|");
        assert!(all.contains("orderId dryRun voucher"), "{all}");
        assert!(all.contains("Only checks A code"), "{all}");
    }

    #[test]
    fn long_texts_end_between_words() {
        assert_eq!(cut("one two three", 8), "one two…");
        assert_eq!(cut("short", 8), "short");
    }
}
