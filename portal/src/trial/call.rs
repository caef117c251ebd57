//! A form, read into the call that it asks for. No I/O.

use http::{HeaderName, HeaderValue, Method, header};
use url::{Url, form_urlencoded};

use super::target::{self, Refused};
use crate::{failure::Failure, form::Form, links, reference::Operation};

/// portal-ui 19.3
pub const MAX_BODY: usize = 1 << 20;
const MAX_HEADERS: usize = 50;
/// Values of one header are no longer.
const MAX_VALUE: usize = 8192;

/// What is sent, but for the credential.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: Method,
    pub url: Url,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: String,
}

impl Call {
    /// `allowed` are the API's own addresses. Either the form names an operation and fills it in,
    /// or it says method and address itself.
    pub fn read(
        form: &Form,
        operation: Option<&Operation>,
        bases: &[String],
        allowed: &[Url],
    ) -> Result<Self, Failure> {
        let refused = |reason: Refused| Failure::BadRequest(reason.to_string());
        let (method, address) = match operation {
            Some(operation) => {
                let base = match form.optional("server") {
                    // Only as the page offers it.
                    Some(given) => bases.iter().find(|base| *base == given),
                    None => bases.first(),
                };
                let base = base.ok_or_else(|| refused(Refused::Elsewhere))?;
                (
                    operation.method.to_uppercase(),
                    address(form, base, operation)?,
                )
            }
            None => (
                form.optional("method").unwrap_or("GET").to_uppercase(),
                form.text("url").to_owned(),
            ),
        };
        let body = body(form)?;
        Ok(Self {
            method: method_of(&method)?,
            url: target::check(&address, allowed).map_err(refused)?,
            headers: headers(form, !body.is_empty())?,
            body,
        })
    }
}

fn method_of(name: &str) -> Result<Method, Failure> {
    const KNOWN: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    let known = KNOWN.contains(&name).then(|| Method::try_from(name).ok());
    known
        .flatten()
        .ok_or_else(|| Failure::BadRequest(format!("`method` is one of {}", KNOWN.join(", "))))
}

/// The operation's address with the values of the form.
fn address(form: &Form, base: &str, operation: &Operation) -> Result<String, Failure> {
    let mut path = operation.path.clone();
    for (name, value) in form.below("path.") {
        if value.is_empty() {
            return Err(Failure::BadRequest(format!("`path.{name}` is empty")));
        }
        path = path.replace(&format!("{{{name}}}"), &links::segment(value));
    }
    if let Some((_, rest)) = path.split_once('{') {
        let name = rest.split('}').next().unwrap_or_default();
        return Err(Failure::BadRequest(format!("`path.{name}` is missing")));
    }
    let mut query = form_urlencoded::Serializer::new(String::new());
    let given = form.below("query.").filter(|(_, value)| !value.is_empty());
    query.extend_pairs(given);
    let query = query.finish();
    let mark = if query.is_empty() { "" } else { "?" };
    Ok(format!("{}{path}{mark}{query}", base.trim_end_matches('/')))
}

/// The text of the field, or the fields of a form that the API takes.
fn body(form: &Form) -> Result<String, Failure> {
    let mut fields = form_urlencoded::Serializer::new(String::new());
    fields.extend_pairs(form.below("form.").filter(|(_, value)| !value.is_empty()));
    let fields = fields.finish();
    let body = match form.exact("body") {
        // Browsers end lines with two characters.
        Some(text) if !text.trim().is_empty() => text.replace("\r\n", "\n"),
        _ => fields,
    };
    if body.len() > MAX_BODY {
        return Err(Failure::BadRequest(
            "`body` is longer than 1 MiB".to_owned(),
        ));
    }
    Ok(body)
}

fn headers(form: &Form, has_body: bool) -> Result<Vec<(HeaderName, HeaderValue)>, Failure> {
    let mut headers = Vec::new();
    for (name, value) in form.below("header.").filter(|(_, value)| !value.is_empty()) {
        let refused = |what: &str| Failure::BadRequest(format!("`header.{name}`: {what}"));
        let header = HeaderName::try_from(name).map_err(|_| refused("this is no header name"))?;
        if is_ours(&header) {
            return Err(refused("this header is set by the portal"));
        }
        let value = HeaderValue::try_from(value).ok();
        let value = value.filter(|value| value.len() <= MAX_VALUE);
        headers.push((
            header,
            value.ok_or_else(|| refused("this cannot be sent as a header"))?,
        ));
    }
    if headers.len() > MAX_HEADERS {
        return Err(Failure::BadRequest("there are too many headers".to_owned()));
    }
    let media = match form.optional("content_type") {
        _ if !has_body => None,
        None if form.below("form.").next().is_some() => Some("application/x-www-form-urlencoded"),
        given => given.or(Some("application/json")),
    };
    if let Some(media) = media {
        let value = HeaderValue::try_from(media)
            .map_err(|_| Failure::BadRequest("`content_type` is no media type".to_owned()))?;
        headers.retain(|(name, _)| *name != header::CONTENT_TYPE);
        headers.push((header::CONTENT_TYPE, value));
    }
    Ok(headers)
}

/// Headers that say who calls, or how the connection works.
fn is_ours(name: &HeaderName) -> bool {
    const OURS: [&str; 15] = [
        "host",
        "connection",
        "content-length",
        "transfer-encoding",
        "te",
        "trailer",
        "upgrade",
        "keep-alive",
        "expect",
        "cookie",
        "authorization",
        "proxy-authorization",
        "forwarded",
        "via",
        "correlation-id",
    ];
    let name = name.as_str();
    let prefixes = [
        "x-forwarded-",
        "x-consumer-",
        "x-authenticated-",
        "sec-",
        "proxy-",
    ];
    OURS.contains(&name) || prefixes.iter().any(|prefix| name.starts_with(prefix))
}
