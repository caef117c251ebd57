use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Instant,
};

use axum::{
    body::Body,
    extract::{ConnectInfo, Request, State},
    response::Response,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use kong::{ApiError, Kind, error::Code};
use serde_json::{Value, json};
use subtle::ConstantTimeEq;

use super::{
    Admin, Answer, Reply, body, config,
    entities::{self, CALLER},
    information, lists, maintenance, proxy_cache, revocations, schemas, upstreams,
};
use crate::{numbers, settings::Mode, store::Key};

const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// Every call of the Admin API.
pub async fn dispatch(State(admin): State<Arc<Admin>>, request: Request) -> Response {
    let started = Instant::now();
    let is_head = request.method() == Method::HEAD;
    let is_options = request.method() == Method::OPTIONS;
    let origin = request.headers().get(header::ORIGIN).cloned();
    let outcome = if is_options {
        Ok(Reply::no_content())
    } else {
        let caller = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let caller = caller.map_or(Ipv4Addr::UNSPECIFIED.into(), |peer| peer.0.ip());
        CALLER.scope(caller, call(&admin, request)).await
    };
    let mut retry_after = None;
    let (status, body) = match outcome {
        Ok(reply) => (reply.status, reply.body),
        Err(error) => {
            retry_after = error.retry_after;
            let status =
                StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (
                status,
                Some(serde_json::to_value(&error).unwrap_or_default()),
            )
        }
    };
    let text = body.map(|body| body.to_string()).unwrap_or_default();
    let length = text.len();
    let mut response = Response::new(if is_head {
        Body::empty()
    } else {
        Body::from(text)
    });
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::SERVER, HeaderValue::from_static(crate::PRODUCT));
    if admin.shows_latency {
        let latency = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        headers.insert("x-kong-admin-latency", numbers::header(latency));
    }
    allow_origin(headers, origin.as_ref(), &admin.origins);
    if is_options {
        headers.insert(header::ALLOW, HeaderValue::from_static(METHODS));
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static(METHODS),
        );
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static("Content-Type, Kong-Admin-Token"),
        );
    }
    if let Some(seconds) = retry_after {
        headers.insert(header::RETRY_AFTER, numbers::header(seconds));
    }
    if status != StatusCode::NO_CONTENT && status != StatusCode::NOT_MODIFIED {
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json; charset=utf-8"),
        );
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    response
}

/// Says that a page of this origin may read the answer. Nobody's may unless it is listed: pages of
/// any site can call what listens on this machine.
fn allow_origin(headers: &mut HeaderMap, origin: Option<&HeaderValue>, allowed: &[String]) {
    let any = HeaderValue::from_static("*");
    if allowed.iter().any(|origin| origin == "*") {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any);
        return;
    }
    if allowed.is_empty() {
        return;
    }
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    let listed = |origin: &&HeaderValue| allowed.iter().any(|allowed| **origin == **allowed);
    if let Some(origin) = origin.filter(listed) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    }
}

async fn call(admin: &Arc<Admin>, request: Request) -> Answer {
    check_token(admin, request.headers())?;
    let (head, body) = request.into_parts();
    let segments = segments(head.uri.path())?;
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let segments = match segments.as_slice() {
        // There is one workspace.
        ["default", rest @ ..] => rest,
        all => all,
    };
    let query = Query(
        url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes())
            .into_owned()
            .collect(),
    );
    let method = if head.method == Method::HEAD {
        Method::GET
    } else {
        head.method.clone()
    };
    if method != Method::GET && admin.is_moving.load(Relaxed) {
        return Err(crate::store::moving());
    }
    let is_entity = segments
        .first()
        .is_some_and(|segment| Kind::from_collection(segment).is_some());
    let is_load = segments == ["config"] && method == Method::POST;
    let refused = match admin.mode {
        Mode::Persistent => None,
        Mode::Memory => Some("this gateway takes whole documents: POST /config"),
        Mode::Fixed => Some("this gateway serves an artefact; build another one to change it"),
    };
    let is_write = method != Method::GET && is_entity && !is_state(segments);
    if let Some(reason) = refused
        && (is_write || is_load && admin.mode == Mode::Fixed)
    {
        return Err(ApiError::new(Code::OperationUnsupported, reason));
    }
    if is_load {
        return config::post(admin, &query, &head.headers, body).await;
    }
    let input = || body::read(&head.headers, body);
    match (&method, segments) {
        (&Method::GET, []) => Ok(Reply::ok(information::node(admin).await?)),
        (&Method::GET, ["status"]) => {
            information::check_unit(&query)?;
            Ok(Reply::ok(information::status(admin)))
        }
        (&Method::GET, ["plugins", "enabled"]) => Ok(Reply::ok(information::enabled_plugins())),
        (&Method::GET, ["schemas", "plugins", plugin]) => schemas::plugin(plugin),
        (&Method::GET, ["plugins", "schema", plugin]) => schemas::plugin_config(plugin),
        (&Method::GET, ["endpoints"]) => Ok(Reply::ok(information::endpoints())),
        (&Method::DELETE, ["cache"] | ["cache", _]) => Ok(Reply::no_content()),
        (&Method::GET, ["schemas", entity]) => schemas::entity(entity),
        (&Method::POST, ["schemas", "plugins", "validate"]) => {
            schemas::validate("plugins", input().await?)
        }
        (&Method::POST, ["schemas", entity, "validate"]) => {
            schemas::validate(entity, input().await?)
        }
        (&Method::GET, ["tags"]) => lists::tags(admin, None, &query).await,
        (&Method::GET, ["tags", tag]) => lists::tags(admin, Some(tag), &query).await,
        (&Method::PUT, ["wicketgate", "log-level"]) => information::set_log_level(input().await?),
        (&Method::GET, ["wicketgate", "revocations"]) => Ok(revocations::show(admin)),
        (&Method::PUT, ["wicketgate", "revocations"]) => {
            revocations::put(admin, input().await?).await
        }
        (&Method::GET, ["wicketgate", "maintenance"]) => Ok(maintenance::list(admin)),
        (method, ["wicketgate", "maintenance", service]) => {
            maintenance::call(admin, method, service, input).await
        }
        (&Method::GET, ["config"]) => config::show(admin).await,
        (_, [] | ["config"] | ["wicketgate", "revocations" | "maintenance"]) => {
            Err(method_not_allowed())
        }
        // Tools read them; they stay empty.
        (&Method::GET, ["vaults" | "keys" | "key-sets"]) => {
            Ok(Reply::ok(json!({ "data": [], "next": null })))
        }
        (method, ["proxy-cache", rest @ ..]) => proxy_cache::call(admin, method, rest).await,
        (_, ["upstreams", upstream, rest @ ..]) if upstreams::is_own(rest) => {
            upstreams::call(admin, &method, upstream, rest, &query).await
        }
        (_, [collection, rest @ ..]) => match Kind::from_collection(collection) {
            Some(kind) => collection_call(admin, &method, kind, rest, &query, input).await,
            None if matches!(
                *collection,
                "vaults" | "keys" | "key-sets" | "tags" | "status" | "schemas"
            ) =>
            {
                Err(method_not_allowed())
            }
            None => Err(crate::store::not_found()),
        },
    }
}

async fn collection_call<F>(
    admin: &Arc<Admin>,
    method: &Method,
    kind: Kind,
    rest: &[&str],
    query: &Query,
    input: impl FnOnce() -> F,
) -> Answer
where
    F: Future<Output = Result<body::Input, ApiError>>,
{
    match (method, rest) {
        (&Method::GET, []) => lists::flat(admin, kind, query).await,
        (&Method::POST, []) => {
            entities::create(admin, kind, input().await?.for_kind(kind), None).await
        }
        // A group is no natural key, so it names nothing on its own.
        (&Method::GET, [key]) => entities::get(admin, kind, Key::parse(key)).await,
        (&Method::PUT, [key]) => {
            entities::put(
                admin,
                kind,
                Key::parse(key),
                input().await?.for_kind(kind),
                None,
            )
            .await
        }
        (&Method::PATCH, [key]) => {
            entities::patch(
                admin,
                kind,
                Key::parse(key),
                input().await?.for_kind(kind),
                None,
            )
            .await
        }
        (&Method::DELETE, [key]) => entities::delete(admin, kind, Key::parse(key), None).await,
        (_, [] | [_]) => Err(method_not_allowed()),
        (_, [key, nested, child @ ..]) => {
            let owner = entities::Owner {
                kind,
                key: Key::parse(key),
            };
            if let Some(child_kind) = entities::child_kind(kind, nested) {
                return child_call(admin, method, owner, child_kind, child, query, input).await;
            }
            match (entities::parent_field(kind, nested), child) {
                (Some((field, parent)), []) => {
                    let change = match *method {
                        Method::GET => None,
                        Method::PUT | Method::PATCH => Some(input().await?.for_kind(parent)),
                        Method::DELETE => {
                            entities::parent(admin, owner, field, parent, None).await?;
                            return Err(method_not_allowed());
                        }
                        _ => return Err(method_not_allowed()),
                    };
                    entities::parent(
                        admin,
                        owner,
                        field,
                        parent,
                        change.map(|change| (method.clone(), change)),
                    )
                    .await
                }
                _ => Err(crate::store::not_found()),
            }
        }
    }
}

async fn child_call<F>(
    admin: &Arc<Admin>,
    method: &Method,
    owner: entities::Owner,
    kind: Kind,
    rest: &[&str],
    query: &Query,
    input: impl FnOnce() -> F,
) -> Answer
where
    F: Future<Output = Result<body::Input, ApiError>>,
{
    match (method, rest) {
        (&Method::GET, []) => lists::nested(admin, owner, kind, query).await,
        (&Method::POST, []) => {
            entities::create(admin, kind, input().await?.for_kind(kind), Some(owner)).await
        }
        (&Method::GET, [key]) => entities::get_child(admin, owner, kind, key).await,
        (&Method::PUT, [key]) => {
            entities::put(
                admin,
                kind,
                Key::parse(key),
                input().await?.for_kind(kind),
                Some(owner),
            )
            .await
        }
        (&Method::PATCH, [key]) => {
            entities::patch(
                admin,
                kind,
                Key::parse(key),
                input().await?.for_kind(kind),
                Some(owner),
            )
            .await
        }
        (&Method::DELETE, [key]) => {
            entities::delete(admin, kind, Key::parse(key), Some(owner)).await
        }
        (_, [] | [_]) => Err(method_not_allowed()),
        _ => Err(crate::store::not_found()),
    }
}

/// `/upstreams/…/healthy`: it changes no entity.
fn is_state(segments: &[&str]) -> bool {
    matches!(segments, ["upstreams", _, rest @ ..] if upstreams::is_own(rest))
}

/// Query parameters.
pub struct Query(Vec<(String, String)>);

impl Query {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

fn check_token(admin: &Admin, headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(token) = &admin.token else {
        return Ok(());
    };
    let given = headers
        .get("kong-admin-token")
        .map(HeaderValue::as_bytes)
        .unwrap_or_default();
    if bool::from(given.ct_eq(token.as_bytes())) {
        return Ok(());
    }
    Err(ApiError::plain(401, "a valid Kong-Admin-Token is required"))
}

/// The path's segments, each percent-decoded once. A slash at the end means nothing.
fn segments(path: &str) -> Result<Vec<String>, ApiError> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() {
        return Ok(Vec::new());
    }
    path.split('/')
        .map(|segment| {
            percent_encoding::percent_decode_str(segment)
                .decode_utf8()
                .map(std::borrow::Cow::into_owned)
                .map_err(|_| ApiError::plain(400, "the path is not UTF-8"))
        })
        .collect()
}

pub fn method_not_allowed() -> ApiError {
    ApiError::plain(405, "Method not allowed")
}

/// Shorthand for errors with fields.
pub fn with_option(code: Code, name: &str, fault: &str) -> ApiError {
    let mut error = ApiError::new(code, fault);
    let fields = serde_json::Map::from_iter([(name.to_owned(), Value::from(fault))]);
    if code == Code::InvalidOptions {
        error.options = fields.into();
    } else {
        error.fields = fields.into();
    }
    error
}
