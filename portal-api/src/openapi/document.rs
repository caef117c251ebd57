//! Putting the operations together.

use std::collections::BTreeMap;

use serde_json::json;
use utoipa::openapi::{
    Components, ContentBuilder, HttpMethod, InfoBuilder, LicenseBuilder, Object, OpenApi,
    OpenApiBuilder, PathItem, PathsBuilder, Ref, RefOr, Required, Response, Schema, ServerBuilder,
    header::HeaderBuilder,
    path::{
        Operation as PathOperation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn,
    },
    request_body::{RequestBody, RequestBodyBuilder},
    response::{ResponseBuilder, ResponsesBuilder},
    schema::{ArrayBuilder, ComponentsBuilder, ObjectBuilder, Type},
    security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    tag::TagBuilder,
};

use super::{
    operation::{Operation, Query, Schemas, Who},
    operations,
};

const PROBLEM: &str = "Problem";

pub fn build() -> OpenApi {
    let mut schemas = Schemas::new();
    let mut paths = BTreeMap::<&str, Vec<(HttpMethod, PathOperation)>>::new();
    let mut order = Vec::new();
    let mut tags = Vec::new();
    for (tag, operations) in operations::all() {
        tags.push(TagBuilder::new().name(tag).build());
        for operation in operations {
            if !paths.contains_key(operation.path) {
                order.push(operation.path);
            }
            let described = (
                method(operation.method),
                describe(&operation, tag, &mut schemas),
            );
            paths.entry(operation.path).or_default().push(described);
        }
    }
    let paths = order.into_iter().fold(PathsBuilder::new(), |built, path| {
        let mut item = PathItem::default();
        for (method, operation) in paths.remove(path).unwrap_or_default() {
            item.merge_operations(PathItem::new(method, operation));
        }
        // A parameter that takes the rest of the address has no form of its own there.
        built.path(path.replace("{*", "{"), item)
    });
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Portal API")
                .version(service::VERSION)
                .description(Some(
                    "Users, applications, subscriptions and everything else the portal shows.",
                ))
                .license(Some(LicenseBuilder::new().name("Apache-2.0").build()))
                .build(),
        )
        .servers(Some([ServerBuilder::new().url("/").build()]))
        .tags(Some(tags))
        .paths(paths.build())
        .components(Some(components(schemas)))
        .build()
}

fn method(name: &str) -> HttpMethod {
    match name {
        "POST" => HttpMethod::Post,
        "PUT" => HttpMethod::Put,
        "PATCH" => HttpMethod::Patch,
        "DELETE" => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}

fn components(schemas: Schemas) -> Components {
    let user = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some(
            "Access token of an auth server, of a user or of a client. The scopes that an operation \
             needs stand with it.",
        ));
    let service = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some(
            "Service token of one of the installation's own services.",
        ));
    schemas
        .into_iter()
        .fold(ComponentsBuilder::new(), |built, (name, schema)| {
            built.schema(name, schema)
        })
        .schema(PROBLEM, problem())
        .security_scheme("token", SecurityScheme::Http(user.build()))
        .security_scheme("service", SecurityScheme::Http(service.build()))
        .build()
}

/// The body of every refusal (portal-api 5, A2).
fn problem() -> Object {
    let text = |description: &str| {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(description))
    };
    let number = |description: &str| {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .description(Some(description))
    };
    let field_error = ObjectBuilder::new()
        .property("field", text("The member that is wrong"))
        .property("rule", text("What it breaks"))
        .property("message", text("The same in a sentence"))
        .required("field")
        .required("rule")
        .required("message");
    ObjectBuilder::new()
        .property("status", number("The status of the answer"))
        .property("message", text("What is wrong and what to do, for people"))
        .property(
            "code",
            number("The status once more, where a scope is missing"),
        )
        .property("error", text("Further detail"))
        .property("type", text("Stable name of the case"))
        .property("title", text("What the status means"))
        .property("detail", text("As `message`"))
        .property("instance", text("This occurrence"))
        .property("errors", ArrayBuilder::new().items(field_error))
        .property("correlationId", text("By which the log knows the request"))
        .required("status")
        .required("message")
        .required("type")
        .examples([json!({
            "status": 400, "message": "`email` is not a mail address such as name@example.org.",
            "type": "urn:wicketgate:problem:invalid-request", "title": "Bad Request",
            "detail": "`email` is not a mail address such as name@example.org.",
            "errors": [{"field": "email", "rule": "format",
                "message": "`email` is not a mail address such as name@example.org."}],
            "correlationId": "6b0f4b62-0c4e-4e0c-9b7b-0f5a2f3f0c11",
        })])
        .build()
}

fn describe(operation: &Operation, tag: &str, schemas: &mut Schemas) -> PathOperation {
    let mut about = operation.who.sentence().to_owned();
    if !operation.description.is_empty() {
        about = format!("{about} {}", operation.description);
    }
    let mut built = OperationBuilder::new()
        .tag(tag)
        .operation_id(Some(id(operation)))
        .summary(Some(operation.summary))
        .description(Some(about))
        .parameters(Some(parameters(operation)));
    built = built.request_body(request(operation, schemas));
    built
        .responses(responses(operation, schemas).build())
        .securities(Some(securities(operation)))
        .build()
}

/// `GET /users/{user}` is `getUsersUser`.
fn id(operation: &Operation) -> String {
    let mut id = operation.method.to_ascii_lowercase();
    let words = operation.path.split(|c: char| !c.is_ascii_alphanumeric());
    for word in words {
        let mut letters = word.chars();
        if let Some(first) = letters.next() {
            id.push(first.to_ascii_uppercase());
            id.push_str(letters.as_str());
        }
    }
    id
}

fn parameters(operation: &Operation) -> Vec<Parameter> {
    let mut all: Vec<Parameter> = operation
        .path
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            let name = name.trim_start_matches('*');
            parameter(name, ParameterIn::Path, "", true)
        })
        .collect();
    let given =
        |query: &Query, place| parameter(query.name, place, query.description, query.required);
    let queries = operation.query.iter();
    all.extend(queries.map(|query| given(query, ParameterIn::Query)));
    let headers = operation.headers.iter();
    all.extend(headers.map(|header| given(header, ParameterIn::Header)));
    let mut header = |name, description| {
        all.push(parameter(name, ParameterIn::Header, description, false));
    };
    if operation.method == "POST" {
        header(
            "Idempotency-Key",
            "A text of the caller's choice. The same request with the same key within 24 hours is \
             carried out once and gets the same answer; with another body it is a conflict",
        );
    }
    if operation.method == "GET" && operation.names_one() {
        header(
            "If-None-Match",
            "An `ETag` that the caller has; 304 if it still holds",
        );
    }
    if operation.conditional {
        header(
            "If-Match",
            "The `ETag` that was read; 412 if it does not hold any more",
        );
    }
    all
}

fn parameter(name: &str, place: ParameterIn, description: &str, required: bool) -> Parameter {
    let description = Some(description).filter(|text| !text.is_empty());
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(if required {
            Required::True
        } else {
            Required::False
        })
        .description(description)
        .schema(Some(Object::with_type(Type::String)))
        .build()
}

fn request(operation: &Operation, schemas: &mut Schemas) -> Option<RequestBody> {
    let content = operation.request.as_ref()?;
    let body = ContentBuilder::new()
        .schema(Some((content.schema)(schemas)))
        .example(operation.example.clone())
        .build();
    Some(
        RequestBodyBuilder::new()
            .content(content.media_type, body)
            .build(),
    )
}

fn responses(operation: &Operation, schemas: &mut Schemas) -> ResponsesBuilder {
    let mut success = ResponseBuilder::new().description(reason(operation.status));
    if let Some(content) = &operation.answer {
        let schema = (content.schema)(schemas);
        success = success.content(
            content.media_type,
            ContentBuilder::new().schema(Some(schema)).build(),
        );
        if operation.method == "GET" && operation.names_one() {
            let tag = HeaderBuilder::new()
                .schema(Some(Object::with_type(Type::String)))
                .description(Some("Changes with the answer"));
            success = success.header("ETag", tag.build());
        }
    }
    let built = ResponsesBuilder::new().response(operation.status.to_string(), success.build());
    refusals(operation)
        .into_iter()
        .fold(built, |built, status| {
            built.response(status.to_string(), refusal(status))
        })
}

/// What follows from the kind of the operation, and what it adds.
fn refusals(operation: &Operation) -> Vec<u16> {
    let mut all = operation.refusals.clone();
    if operation.who != Who::Open {
        all.extend([401, 403, 429]);
    }
    if operation.request.is_some() {
        all.extend([400, 413, 415]);
    }
    if operation.method == "POST" {
        all.push(409);
    }
    if operation.method == "GET" && operation.names_one() {
        all.push(304);
    }
    if operation.conditional {
        all.push(412);
    }
    all.push(503);
    all.sort_unstable();
    all.dedup();
    all
}

fn refusal(status: u16) -> Response {
    let built = ResponseBuilder::new().description(reason(status));
    if status == 304 {
        return built.build();
    }
    let schema: RefOr<Schema> = Ref::from_schema_name(PROBLEM).into();
    let content = ContentBuilder::new().schema(Some(schema)).build();
    built
        .content("application/json", content.clone())
        .content("application/problem+json", content)
        .build()
}

fn reason(status: u16) -> &'static str {
    http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or_default()
}

fn securities(operation: &Operation) -> Vec<SecurityRequirement> {
    let service = || SecurityRequirement::new("service", Vec::<String>::new());
    match operation.who {
        Who::Open => Vec::new(),
        Who::Service | Who::Internal => vec![service()],
        _ => vec![
            SecurityRequirement::new("token", operation.scopes.iter().copied()),
            service(),
        ],
    }
}
