//! `/apis/{api}/definition.json`, `.yaml`, `/apis/{api}/postman.json`, `/apis/{api}/bruno.json`: what programs of
//! developers take (portal-ui 19.7). Collections have the same example requests as the reference;
//! secrets are variables that stay empty.

use std::sync::Arc;

use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use http::header;
use sdk::types::Api;
use serde_json::{Value, json};
use ui::Lang;

use super::{Credential, Definition, Operation, Request, operation::view, yaml};
use crate::{apis::credential, failure::Failure, visitor::Visitor, worker};

/// Operations in one collection; programs choke on more.
const MAX: usize = 2000;

/// `GET /apis/{api}/definition.json`: as a file.
pub async fn definition(visitor: Visitor, Path(id): Path<String>) -> Result<Response, Failure> {
    let definition: Value = visitor.client().api_definition(&id).await?;
    Ok(file(&format!("{id}.json"), &definition))
}

/// `GET /apis/{api}/definition.yaml`: the same for those who read it.
pub async fn as_yaml(visitor: Visitor, Path(id): Path<String>) -> Result<Response, Failure> {
    let definition: Value = visitor.client().api_definition(&id).await?;
    // A large definition takes a while.
    let text = worker::run(move || yaml::write(&definition)).await?;
    Ok(download(&format!("{id}.yaml"), "application/yaml", text))
}

/// `GET /apis/{api}/postman.json`: a collection in the format 2.1.
pub async fn postman(visitor: Visitor, Path(id): Path<String>) -> Result<Response, Failure> {
    let (api, groups) = collect(&visitor, &id).await?;
    let collection = to_postman(crate::catalogue::name(&api), &groups);
    Ok(file(&format!("{id}.postman_collection.json"), &collection))
}

/// `GET /apis/{api}/bruno.json`: a collection to import.
pub async fn bruno(visitor: Visitor, Path(id): Path<String>) -> Result<Response, Failure> {
    let (api, groups) = collect(&visitor, &id).await?;
    let collection = to_bruno(crate::catalogue::name(&api), &groups);
    Ok(file(&format!("{id}.bruno.json"), &collection))
}

fn file(name: &str, content: &Value) -> Response {
    let text = serde_json::to_string_pretty(content).unwrap_or_default();
    download(name, "application/json", text)
}

fn download(name: &str, kind: &str, text: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{}\"", name.replace(['"', '\\'], "")),
        ),
        (header::CACHE_CONTROL, "private, no-cache".to_owned()),
        (header::VARY, "Cookie".to_owned()),
    ];
    (headers, text).into_response()
}

/// Requests by tag.
type Groups = Vec<(String, Vec<(String, Request)>)>;

async fn collect(visitor: &Visitor, id: &str) -> Result<(Api, Groups), Failure> {
    let client = visitor.client();
    let api = client.api(id).await?;
    let definition = visitor.app.definitions().get(&client, &api.id).await?;
    let definition = definition.ok_or(Failure::NotFound)?;
    let (credential, lang) = (credential(visitor, &api), visitor.lang());
    // A large definition takes a while.
    let groups = worker::run(move || groups(&definition, &credential, lang)).await?;
    Ok((api, groups))
}

fn groups(definition: &Arc<Definition>, credential: &Credential, lang: Lang) -> Groups {
    let mut left = MAX;
    let request = |operation: &&Operation| {
        let request = view(definition, operation, credential, lang)?.request;
        Some((operation.title.clone(), with_variables(request)))
    };
    let groups = definition.groups().into_iter().map(|(tag, operations)| {
        let operations = operations.into_iter().take(left);
        let requests: Vec<_> = operations
            .filter_map(|operation| request(&operation))
            .collect();
        left -= requests.len();
        (tag.unwrap_or_default().to_owned(), requests)
    });
    groups.collect()
}

/// Both programs write variables in the same way.
fn with_variables(mut request: Request) -> Request {
    for (_, value) in &mut request.headers {
        *value = value
            .replace("$API_KEY", "{{apiKey}}")
            .replace("$TOKEN", "{{token}}");
    }
    request
}

fn body(request: &Request) -> Option<String> {
    let body = request.body.as_ref()?;
    serde_json::to_string_pretty(body).ok()
}

fn to_postman(name: &str, groups: &Groups) -> Value {
    let item = |(title, request): &(String, Request)| {
        let headers = request.headers.iter();
        let headers: Vec<_> = headers
            .map(|(name, value)| json!({"key": name, "value": value}))
            .collect();
        let mut item = json!({
            "name": title,
            "request": {"method": request.method, "header": headers, "url": request.url},
        });
        if let Some(body) = body(request) {
            let options = json!({"raw": {"language": "json"}});
            item["request"]["body"] = json!({"mode": "raw", "raw": body, "options": options});
        }
        item
    };
    let items = in_folders(
        groups,
        item,
        |tag, items| json!({"name": tag, "item": items}),
    );
    json!({
        "info": {
            "name": name,
            "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
        },
        "item": items,
        "variable": [{"key": "apiKey", "value": ""}, {"key": "token", "value": ""}],
    })
}

fn to_bruno(name: &str, groups: &Groups) -> Value {
    let item = |(title, request): &(String, Request)| {
        let headers = request.headers.iter();
        let headers: Vec<_> = headers
            .map(|(name, value)| json!({"name": name, "value": value, "enabled": true}))
            .collect();
        let body = match body(request) {
            Some(text) => json!({"mode": "json", "json": text}),
            None => json!({"mode": "none"}),
        };
        json!({
            "type": "http-request",
            "name": title,
            "request": {
                "method": request.method, "url": request.url, "headers": headers, "params": [],
                "body": body, "auth": {"mode": "none"},
            },
        })
    };
    let folder =
        |tag: &str, items: Vec<Value>| json!({"type": "folder", "name": tag, "items": items});
    let variable = |name: &str| json!({"name": name, "value": "", "type": "text", "enabled": true, "secret": true});
    json!({
        "name": name,
        "version": "1",
        "items": in_folders(groups, item, folder),
        "environments": [{"name": "default", "variables": [variable("apiKey"), variable("token")]}],
    })
}

/// Those without a tag stand beside the folders.
fn in_folders(
    groups: &Groups,
    item: impl Fn(&(String, Request)) -> Value,
    folder: impl Fn(&str, Vec<Value>) -> Value,
) -> Vec<Value> {
    let mut all = Vec::new();
    for (tag, requests) in groups {
        let items: Vec<_> = requests.iter().map(&item).collect();
        if tag.is_empty() {
            all.extend(items);
        } else {
            all.push(folder(tag, items));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collections_have_folders_examples_and_no_secret() {
        let definition = Arc::new(Definition::new(&json!({
            "openapi": "3.1.0", "servers": [{"url": "http://api.example/v1"}],
            "paths": {
                "/pets": {"post": {"summary": "Add", "tags": ["Pets"], "requestBody": {"content": {
                    "application/json": {"schema": {"type": "object", "properties": {"name": {"type": "string", "example": "Rex"}}}},
                }}, "responses": {}}},
                "/ping": {"get": {"summary": "Ping", "responses": {}}},
            },
        })));
        let groups = groups(
            &definition,
            &Credential::Key("X-ApiKey".to_owned()),
            Lang::EN,
        );
        let postman = to_postman("Pets", &groups);
        let add = &postman["item"][0]["item"][0]["request"];
        assert_eq!(add["url"], "http://api.example/v1/pets");
        assert!(
            add["body"]["raw"].as_str().unwrap().contains("Rex"),
            "{postman}"
        );
        assert!(add["header"].to_string().contains("{{apiKey}}"));
        assert_eq!(postman["item"][1]["name"], "Ping");
        let bruno = to_bruno("Pets", &groups);
        assert_eq!(bruno["items"][0]["items"][0]["request"]["method"], "POST");
        assert_eq!(bruno["items"][1]["request"]["body"]["mode"], "none");
    }
}
