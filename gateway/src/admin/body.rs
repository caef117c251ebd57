use axum::body::Body;
use http::{
    HeaderMap,
    header::{CONTENT_TYPE, ORIGIN},
};
use kong::{ApiError, Kind, schema};
use serde_json::{Map, Value};

use crate::plugins::RequestFields;

/// Largest body of a call.
const LIMIT: usize = 10 * 1024 * 1024;

/// What a client sent, before it is known which entity it describes.
pub enum Input {
    Json(Map<String, Value>),
    Form(Vec<(String, String)>),
}

impl Input {
    /// Values of a form get the types of the entity's fields.
    pub fn for_kind(self, kind: Kind) -> Map<String, Value> {
        match self {
            Self::Json(fields) => fields,
            Self::Form(pairs) => {
                let mut fields = schema::unfold(schema::entity::of(kind), &pairs);
                let config = fields
                    .get("name")
                    .and_then(Value::as_str)
                    .and_then(kong::plugins::find);
                if let (Kind::Plugin, Some(plugin)) = (kind, config) {
                    let pairs: Vec<(String, String)> = pairs
                        .iter()
                        .filter_map(|(name, value)| {
                            Some((name.strip_prefix("config.")?.to_owned(), value.clone()))
                        })
                        .collect();
                    fields.insert(
                        "config".to_owned(),
                        schema::unfold(plugin.config(), &pairs).into(),
                    );
                }
                fields
            }
        }
    }
}

/// A body before anybody has read more than its type.
pub enum Payload {
    /// JSON or YAML; empty where nothing was sent.
    Text(String),
    Form(Vec<(String, String)>),
}

/// Reads the body by its type.
pub async fn payload(headers: &HeaderMap, body: Body, limit: usize) -> Result<Payload, ApiError> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let content_type = match (types.next(), types.next()) {
        (Some(_), Some(_)) => return Err(ApiError::plain(400, "more than one Content-Type")),
        (Some(value), None) => value
            .to_str()
            .unwrap_or_default()
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase(),
        (None, _) => String::new(),
    };
    let bytes = axum::body::to_bytes(body, limit).await.map_err(|_| {
        let limit = limit >> 20;
        ApiError::plain(
            413,
            format!("the body is larger than {limit} MiB or was cut off"),
        )
    })?;
    match content_type.as_str() {
        "" if bytes.is_empty() => Ok(Payload::Text(String::new())),
        "application/json" | "application/yaml" | "text/yaml" | "application/x-yaml" => {
            String::from_utf8(bytes.into())
                .map(Payload::Text)
                .map_err(|_| ApiError::plain(400, "the body is not UTF-8"))
        }
        // A page of another site can make a browser send a form, but not JSON.
        "application/x-www-form-urlencoded" | "multipart/form-data"
            if headers.contains_key(ORIGIN) =>
        {
            Err(ApiError::plain(403, "browsers have to send JSON"))
        }
        "application/x-www-form-urlencoded" => Ok(Payload::Form(
            url::form_urlencoded::parse(&bytes).into_owned().collect(),
        )),
        "multipart/form-data" => RequestFields::parse(headers, &bytes)
            .map(|fields| Payload::Form(fields.named()))
            .ok_or_else(|| ApiError::plain(400, "not a multipart form")),
        _ => Err(ApiError::plain(415, "expected application/json or a form")),
    }
}

/// Reads the body of a call about entities.
pub async fn read(headers: &HeaderMap, body: Body) -> Result<Input, ApiError> {
    let is_yaml = headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().windows(4).any(|part| part == b"yaml"));
    if is_yaml {
        return Err(ApiError::plain(415, "expected application/json or a form"));
    }
    match payload(headers, body, LIMIT).await? {
        Payload::Form(pairs) => Ok(Input::Form(pairs)),
        Payload::Text(text) if text.trim().is_empty() => Ok(Input::Json(Map::new())),
        Payload::Text(text) => match serde_json::from_str(&text) {
            Ok(Value::Object(fields)) => Ok(Input::Json(fields)),
            Ok(_) => Err(ApiError::plain(400, "expected a JSON object")),
            Err(error) => Err(ApiError::plain(
                400,
                format!("Cannot parse JSON body: {error}"),
            )),
        },
    }
}
