mod values;

use http::{HeaderValue, Method, header::HOST};
use kong::template::Template;
use serde::Deserialize;

use super::{
    Verdict,
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
    #[serde(default)]
    uri: Option<String>,
}

/// Changes method, path, headers and query on the way to the backend.
pub struct RequestTransformer {
    method: Option<Method>,
    uri: Option<Template>,
    headers: Vec<HeaderChange>,
    /// Values that differ from request to request, by the position of their change.
    header_templates: Vec<(usize, Template)>,
    query: Vec<(Change, String, Template)>,
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
        let mut query = Vec::new();
        for (change, entries) in groups {
            for entry in &entries.headers {
                let template = Template::parse(split(change, entry).1)?;
                if !template.is_constant() {
                    header_templates.push((headers.len(), template));
                }
                headers.push(HeaderChange::new(change, entry)?);
            }
            for entry in &entries.querystring {
                let (name, value) = split(change, entry);
                query.push((change, name.to_owned(), Template::parse(value)?));
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
        })
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
        let query = self.query.iter();
        let query: Vec<String> = query
            .map(|(.., template)| values::text(template, exchange))
            .collect();
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
        if !self.query.is_empty() {
            self.change_query(exchange, &query);
        }
        Verdict::Continue
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
