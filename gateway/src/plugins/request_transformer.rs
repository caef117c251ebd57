mod values;

pub use values::{uri_capture, uri_captures};

use http::{
    HeaderValue, Method,
    header::{CONTENT_TYPE, HOST},
};
use kong::template::Template;
use serde::Deserialize;

use super::{
    Verdict,
    request_fields::RequestFields,
    transformer::{Change, HeaderChange, split},
};
use crate::proxy::Exchange;

#[derive(Deserialize)]
pub struct Config {
    http_method: Option<String>,
    remove: Entries,
    rename: Entries,
    replace: Entries,
    add: Entries,
    append: Entries,
}

#[derive(Deserialize)]
struct Entries {
    headers: Vec<String>,
    querystring: Vec<String>,
    body: Vec<String>,
    #[serde(default)]
    uri: Option<String>,
}

/// Changes method, path, headers, body and query on the way to the backend.
pub struct RequestTransformer {
    method: Option<Method>,
    uri: Option<Template>,
    headers: Vec<HeaderChange>,
    /// Values that differ from request to request, by the position of their change.
    header_templates: Vec<(usize, Template)>,
    query: Vec<(Change, String, Template)>,
    body: Vec<(Change, String, Template)>,
}

impl RequestTransformer {
    pub fn new(config: Config) -> Result<Self, String> {
        let groups = [
            (Change::Remove, &config.remove),
            (Change::Rename, &config.rename),
            (Change::Replace, &config.replace),
            (Change::Add, &config.add),
            (Change::Append, &config.append),
        ];
        let mut headers = Vec::new();
        let mut header_templates = Vec::new();
        let (mut query, mut body) = (Vec::new(), Vec::new());
        for (change, entries) in groups {
            for entry in &entries.headers {
                let template = Template::parse(split(change, entry).1)?;
                if !template.is_constant() {
                    header_templates.push((headers.len(), template));
                }
                headers.push(HeaderChange::new(change, entry)?);
            }
            for (entries, list) in [
                (&entries.querystring, &mut query),
                (&entries.body, &mut body),
            ] {
                for entry in entries {
                    let (name, value) = split(change, entry);
                    list.push((change, name.to_owned(), Template::parse(value)?));
                }
            }
        }
        Ok(Self {
            method: match config.http_method {
                Some(method) => Some(method.parse().map_err(|_| "not a method".to_owned())?),
                None => None,
            },
            uri: match &config.replace.uri {
                Some(uri) => Some(Template::parse(uri)?),
                None => None,
            },
            headers,
            header_templates,
            query,
            body,
        })
    }

    /// Also without changes of the body: a form goes into the query when the method has none.
    pub fn reads_body(&self) -> bool {
        !self.body.is_empty() || self.method.as_ref().is_some_and(has_no_body)
    }

    pub fn access(&self, exchange: &mut Exchange<'_>) -> Verdict {
        // All values are those of the request as it came.
        let uri = self.uri.as_ref().map(|uri| values::path(uri, exchange));
        let rendered = self.header_templates.iter();
        let mut rendered = rendered
            .map(|(position, template)| (*position, values::header(template, exchange)))
            .collect::<Vec<_>>()
            .into_iter()
            .peekable();
        let texts = |list: &[(Change, String, Template)]| -> Vec<String> {
            let texts = list.iter();
            texts
                .map(|(.., template)| values::text(template, exchange))
                .collect()
        };
        let (query, body) = (texts(&self.query), texts(&self.body));
        if let Some(uri) = uri {
            exchange.backend_path = Some(uri);
        }
        if let Some(method) = &self.method {
            exchange.head.method = method.clone();
        }
        for (position, change) in self.headers.iter().enumerate() {
            match rendered.next_if(|(of, _)| *of == position) {
                Some((_, value)) => change_header(exchange, change, Some(&value)),
                None => change_header(exchange, change, change.value()),
            }
        }
        if !self.body.is_empty() {
            self.change_body(exchange, &body);
        }
        if self.method.as_ref().is_some_and(has_no_body) {
            move_form_to_query(exchange);
        }
        if !self.query.is_empty() {
            self.change_query(exchange, &query);
        }
        Verdict::Continue
    }

    /// A body that is of another type, or not what it says, stays as it is.
    fn change_body(&self, exchange: &mut Exchange<'_>, values: &[String]) {
        let body = exchange.kept_body().cloned().unwrap_or_default();
        let Some(mut fields) = RequestFields::parse(&exchange.head.headers, &body) else {
            return;
        };
        for ((change, name, _), value) in self.body.iter().zip(values) {
            let appends_part =
                *change == Change::Append && matches!(fields, RequestFields::Multipart(_));
            if !appends_part {
                fields.change(*change, name, value);
            }
        }
        exchange.set_body(fields.write());
    }

    fn change_query(&self, exchange: &mut Exchange<'_>, values: &[String]) {
        let query = exchange.query().unwrap_or_default();
        let mut pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        for ((change, name, _), value) in self.query.iter().zip(values) {
            let is_there = pairs.iter().any(|(known, _)| known == name);
            match change {
                Change::Remove => pairs.retain(|(known, _)| known != name),
                Change::Rename if is_there => {
                    pairs.retain(|(known, _)| known != value);
                    for (known, _) in pairs.iter_mut().filter(|(known, _)| known == name) {
                        known.clone_from(value);
                    }
                }
                Change::Replace if is_there => {
                    pairs.retain(|(known, _)| known != name);
                    pairs.push((name.clone(), value.clone()));
                }
                Change::Add if !is_there => pairs.push((name.clone(), value.clone())),
                Change::Append => pairs.push((name.clone(), value.clone())),
                Change::Rename | Change::Replace | Change::Add => {}
            }
        }
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&pairs)
            .finish();
        exchange.set_query((!query.is_empty()).then_some(query));
    }
}

fn has_no_body(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::TRACE)
}

fn move_form_to_query(exchange: &mut Exchange<'_>) {
    let Some(body) = exchange.kept_body() else {
        return;
    };
    let fields = RequestFields::parse(&exchange.head.headers, body);
    let Some(pairs) = fields.and_then(RequestFields::into_pairs) else {
        return;
    };
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if let Some(sent) = exchange.query() {
        query.extend_pairs(url::form_urlencoded::parse(sent.as_bytes()));
    }
    let query = query.extend_pairs(pairs).finish();
    exchange.set_query((!query.is_empty()).then_some(query));
    exchange.set_body(bytes::Bytes::new());
    exchange.head.headers.remove(CONTENT_TYPE);
}

fn change_header(exchange: &mut Exchange<'_>, change: &HeaderChange, value: Option<&HeaderValue>) {
    if change.name != HOST {
        change.apply_value(&mut exchange.head.headers, value);
        return;
    }
    // The backend's host is set when the request is sent, not among these headers.
    if let (Change::Replace, Some(value)) = (change.change, value) {
        exchange.backend_host = Some(value.clone());
    }
}
