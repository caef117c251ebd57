//! `/openapi.json`: everything that the pages do, for programs (portal-ui 26.1). A route that has a JSON
//! answer and no row in [`operations::ALL`] fails a test.

mod operations;

use std::sync::LazyLock;

use axum::{
    Router,
    response::{IntoResponse, Response},
    routing::get,
};
use http::header;
use serde_json::{Value, json};
use service::VERSION;

use crate::{state::App, visitor::Visitor};
use operations::{ALL, Operation};

pub fn routes() -> Router<App> {
    Router::new().route("/openapi.json", get(show))
}

/// `GET /openapi.json`
async fn show(visitor: Visitor) -> Response {
    static PATHS: LazyLock<Value> = LazyLock::new(paths);
    let url = visitor.installation.external.as_str().trim_end_matches('/');
    let document = document(&visitor.installation.site.title, url, &PATHS);
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "public, max-age=300"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    (headers, document.to_string()).into_response()
}

fn document(title: &str, url: &str, paths: &Value) -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": format!("{title}: portal"),
            "version": VERSION,
            "description": "The pages of the portal as JSON. Send `Accept: application/json`, and a \
                personal access token (`/users/me/tokens`) or the session's cookie with the token that \
                answers carry in `X-CSRF-Token`. Changes take JSON or forms.",
        },
        "servers": [{"url": url}],
        "security": [{"token": []}, {"session": [], "csrf": []}, {}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "A personal access token."},
                "session": {"type": "apiKey", "in": "cookie", "name": "portal.cookie.sid"},
                "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token"},
            },
            "responses": {"Refused": {
                "description": "Refused; `message` says why.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
            }},
            "schemas": {"Error": {
                "type": "object",
                "required": ["statusCode", "message", "error"],
                "properties": {
                    "statusCode": {"type": "integer"}, "message": {"type": "string"},
                    "error": {"type": "string"}, "correlationId": {"type": "string"},
                },
            }},
        },
    })
}

fn paths() -> Value {
    let mut paths = json!({});
    for operation in ALL {
        let path = operation.path.replace("{*path}", "{path}");
        paths[path][operation.method.to_lowercase()] = described(operation);
    }
    paths
}

fn described(operation: &Operation) -> Value {
    let in_path = operation
        .path
        .split(['{', '}'])
        .skip(1)
        .step_by(2)
        .map(|name| {
            let name = name.trim_start_matches('*');
            json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}})
        });
    let is_change = operation.method == "POST";
    let names = || operation.fields.split_whitespace();
    let in_query = names().filter(|_| !is_change);
    let in_query =
        in_query.map(|name| json!({"name": name, "in": "query", "schema": {"type": "string"}}));
    let parameters: Vec<_> = in_path.chain(in_query).collect();
    let mut described = json!({
        "summary": operation.summary,
        "tags": [operation.tag()],
        "parameters": parameters,
        "responses": {
            operation.status.to_string(): {"description": "Done"},
            "default": {"$ref": "#/components/responses/Refused"},
        },
    });
    if operation.status != 204 {
        let members = operation.answer.split_whitespace();
        let members = members.map(|name| (name.to_owned(), json!({})));
        let schema = if operation.answer.is_empty() {
            json!({})
        } else {
            json!({"type": "object", "properties": members.collect::<Value>()})
        };
        let answer = &mut described["responses"][operation.status.to_string()];
        answer["content"]["application/json"]["schema"] = schema;
    }
    if is_change && !operation.fields.is_empty() {
        let fields = names().map(|name| match name.strip_suffix("[]") {
            Some(name) => (
                name.to_owned(),
                json!({"type": "array", "items": {"type": "string"}}),
            ),
            None => (
                name.to_owned(),
                json!({"type": ["string", "boolean", "number"]}),
            ),
        });
        let schema = json!({"type": "object", "properties": fields.collect::<Value>()});
        described["requestBody"]["content"] = json!({
            "application/json": {"schema": schema},
            "application/x-www-form-urlencoded": {"schema": schema},
        });
    }
    described
}

#[cfg(test)]
#[path = "../tests/support/routes.rs"]
mod routes;

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, path::Path};

    use super::*;

    /// Routes that answer with nothing but pages, files or redirects.
    const WITHOUT_JSON: &[&str] = &[
        "GET /",
        "GET /admin/apis/{api}/delete_subscriptions",
        "GET /apis/{api}/announcements",
        "GET /apis/{api}/changelog.atom",
        "GET /apis/{api}/definition.yaml",
        "GET /apis/{api}/reference",
        "GET /apis/{api}/reference/{operation}",
        "GET /apis/{api}/subscribe",
        "GET /applications/{application}/unregister",
        "GET /applications/{application}/unsubscribe/{api}",
        "GET /contact",
        "GET /content/",
        "GET /content/contact",
        "GET /help",
        "GET /help/oauth2/implicit_grant",
        "GET /help/oauth2_implicit_grant",
        "GET /help/{topic}",
        "GET /invitations/{token}",
        "GET /llms-full.txt",
        "GET /llms.txt",
        "GET /login",
        "GET /login/callback",
        "GET /login/logout",
        "GET /publish/new",
        "GET /robots.txt",
        "GET /signup",
        "GET /sitemap.xml",
        "GET /swagger-ui/",
        "GET /swagger-ui/index.html",
        "GET /swagger-ui/oauth2-redirect.html",
        "GET /swagger-ui/{file}",
        "GET /try/callback",
        "GET /unsubscribe/{token}",
        "GET /users/{user}/delete",
        "GET /openapi.json",
        "POST /apis/{api}/try/login",
        "POST /kill",
        "POST /mcp",
        "POST /login/logout",
        "POST /unsubscribe/{token}",
        "POST /content/contact",
        "POST /publish/apis/{api}/preview",
    ];

    fn routes() -> BTreeSet<String> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let written = |(method, path): (&str, String)| format!("{method} {path}");
        routes::below(&source).into_iter().map(written).collect()
    }

    #[test]
    fn every_route_with_a_json_answer_is_described() {
        let described: BTreeSet<_> = ALL
            .iter()
            .map(|operation| format!("{} {}", operation.method, operation.path))
            .collect();
        assert_eq!(described.len(), ALL.len(), "an operation is there twice");
        let routes = routes();
        let missing: Vec<_> = routes
            .iter()
            .filter(|route| !described.contains(*route) && !WITHOUT_JSON.contains(&route.as_str()))
            .collect();
        assert!(missing.is_empty(), "not described: {missing:#?}");
        let gone: Vec<_> = described.difference(&routes).collect();
        assert!(gone.is_empty(), "no such route: {gone:#?}");
    }

    #[test]
    fn parameters_are_declared_as_openapi_wants_it() {
        let paths = paths();
        for (path, item) in paths.as_object().unwrap() {
            let wanted: Vec<_> = path.split(['{', '}']).skip(1).step_by(2).collect();
            for operation in item.as_object().unwrap().values() {
                let declared = operation["parameters"].as_array().unwrap().iter();
                let declared: Vec<_> = declared
                    .filter(|parameter| parameter["in"] == "path")
                    .map(|parameter| parameter["name"].as_str().unwrap())
                    .collect();
                assert_eq!(declared, wanted, "{path}");
            }
        }
    }
}
