//! The operator's own pages (`templates/auth` of the configuration).
//!
//! A template is given the view model of its page and the language. What it makes stands in our frame,
//! or for itself if it is a whole document.

use std::collections::BTreeMap;

use askama::Template as _;
use axum::response::Response;
use http::StatusCode;
use sdk::template::{Template, html};
use serde_json::Value;
use ui::Frame;

use super::Page;

/// Templates by page, or page and language.
#[derive(Debug, Default)]
pub struct OwnPages(BTreeMap<String, Template>);

#[derive(askama::Template)]
#[template(path = "own.html")]
struct Framed<'a> {
    frame: &'a Frame,
    title: &'a str,
    content: &'a str,
}

impl OwnPages {
    /// Reads what portal-api serves. In the place of one that cannot be read our own page is shown.
    pub fn read(texts: BTreeMap<String, String>) -> Self {
        let read = |(name, text): (String, String)| match Template::parse(&text) {
            Ok(template) => Some((name, template)),
            Err(error) => {
                tracing::error!(
                    template = name,
                    "the page's template cannot be read, the built-in page is shown: {error}"
                );
                None
            }
        };
        Self(texts.into_iter().filter_map(read).collect())
    }

    /// Answers a page, by the operator's template if there is one.
    pub fn show<P: Page>(&self, status: StatusCode, page: &P) -> Response {
        match self.render(page) {
            Some(html) => ui::document(status, html),
            None => ui::page(status, page),
        }
    }

    fn render<P: Page>(&self, page: &P) -> Option<String> {
        let (id, frame) = (page.id(), page.frame());
        let lang = frame.lang().tag();
        let in_language = || self.0.get(&format!("{id}.{lang}"));
        let template = if self.0.is_empty() {
            None
        } else {
            in_language().or_else(|| self.0.get(id))
        }?;
        let mut model = serde_json::to_value(page).ok()?;
        model["lang"] = lang.into();
        // Users and applications choose many of the values.
        let content = template.render(&model, &|_, value| html::escape(value));
        if html::is_document(&content) {
            return Some(content);
        }
        let title = model.get("title").and_then(Value::as_str);
        let framed = Framed {
            frame,
            title: title.unwrap_or_default(),
            content: &content,
        };
        framed.render().ok()
    }
}
