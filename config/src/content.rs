//! Pages, pictures and style sheets of the portal (`content/**`, `index.md`), and guides of APIs.

mod page;
mod toc;

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::Value;

pub use page::{DocPage, Metadata, Page, PageKind};
pub use toc::TocEntry;

pub(crate) use page::docs;
pub(crate) use toc::build as build_toc;

use crate::{globals::Network, problem::Report, render::Rendered, tree::Tree};

/// Extension → media type of files that everybody may fetch.
const ASSETS: &[(&str, &str)] = &[
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("png", "image/png"),
    ("gif", "image/gif"),
    ("css", "text/css"),
    ("js", "text/javascript"),
    ("svg", "image/svg+xml"),
    ("webp", "image/webp"),
    ("avif", "image/avif"),
    ("ico", "image/x-icon"),
    ("woff2", "font/woff2"),
    ("pdf", "application/pdf"),
    ("mp4", "video/mp4"),
];

/// The media type of a path that names a public asset.
pub fn asset_type(path: &str) -> Option<&'static str> {
    let (_, extension) = path.rsplit_once('.')?;
    ASSETS
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(extension))
        .map(|(_, kind)| *kind)
}

/// Everything that the portal shows beside the APIs.
#[derive(Debug)]
pub struct Content {
    /// Landing page.
    pub index: Option<Page>,
    /// By path without extension.
    pub pages: BTreeMap<String, Page>,
    /// By path with extension.
    pub assets: BTreeMap<String, Rendered>,
    /// All pages that have metadata and all APIs, sorted; not yet filtered by group.
    pub toc: Vec<TocEntry>,
}

impl Content {
    pub(crate) fn read(
        tree: &Tree,
        documents: &BTreeMap<String, Value>,
        network: &Network,
        report: &Report,
    ) -> Self {
        let index = page::read(tree, documents, "index", report);
        if index.is_none() {
            let path = crate::path::JsonPath::default();
            report.error("index.md", &path, "the landing page is missing");
        }
        let mut pages = BTreeMap::new();
        for (path, _) in tree.below("content/") {
            let Some(name) = page::name(path) else {
                continue;
            };
            if page::translated(tree, "content/", name).is_some() {
                continue;
            }
            if let Some(page) = page::read(tree, documents, &format!("content/{name}"), report) {
                pages.insert(name.to_owned(), page);
            }
        }
        Self {
            index,
            pages,
            assets: assets(tree, network),
            toc: Vec::new(),
        }
    }
}

/// Assets as they are; `x.css.mustache` becomes `x.css`.
fn assets(tree: &Tree, network: &Network) -> BTreeMap<String, Rendered> {
    let mut assets = BTreeMap::new();
    for (path, bytes) in tree.below("content/") {
        if let Some(name) = path
            .strip_suffix(".mustache")
            .filter(|name| asset_type(name) == Some("text/css"))
        {
            assets.insert(name.to_owned(), Rendered::new(style_sheet(bytes, network)));
        } else if asset_type(path).is_some() {
            assets
                .entry(path.to_owned())
                .or_insert_with(|| Rendered::new(bytes.clone()));
        }
    }
    assets
}

fn style_sheet(template: &Bytes, network: &Network) -> Bytes {
    let mut text = String::from_utf8_lossy(template).into_owned();
    for (name, value) in [
        ("portalUrl", network.external_portal_url()),
        ("apiUrl", network.external_api_url()),
    ] {
        text = text.replace(&format!("{{{{{{{name}}}}}}}"), &value);
        text = text.replace(&format!("{{{{{name}}}}}"), &value);
    }
    text.into()
}
