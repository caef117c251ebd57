//! The table of contents: APIs and pages (portal-api 20).

use std::collections::BTreeMap;

use serde::Serialize;

use super::Content;
use crate::apis::Apis;

/// A line of the table of contents, as it goes over the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TocEntry {
    /// `api` or `content`.
    pub category: &'static str,
    pub url: String,
    pub title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required_group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// Title and subtitle by language.
    #[serde(skip)]
    pub translations: BTreeMap<String, (Option<String>, Option<String>)>,
}

impl TocEntry {
    /// The entry in the words of a language, as far as there are any.
    #[must_use]
    pub fn in_language(&self, language: &str) -> Self {
        let mut entry = self.clone();
        if let Some((title, sub_title)) = self.translations.get(language).cloned() {
            entry.title = title.unwrap_or(entry.title);
            entry.sub_title = sub_title;
        }
        entry
    }
}

/// Sorted by category, then title without regard to case.
pub(crate) fn build(content: &Content, apis: &Apis) -> Vec<TocEntry> {
    let apis = apis
        .iter()
        .filter(|api| api.lifecycle.is_callable())
        .map(|api| TocEntry {
            category: "api",
            url: format!("/apis/{}", api.id),
            title: api.name.clone(),
            sub_title: Some(api.desc.clone()).filter(|desc| !desc.is_empty()),
            required_group: api.required_group.clone(),
            tags: Some(api.tags.clone()),
            translations: BTreeMap::new(),
        });
    let pages = content.pages.iter().filter_map(|(path, page)| {
        let metadata = page.metadata.clone()?;
        Some(TocEntry {
            category: "content",
            url: format!("/content/{path}"),
            title: metadata.title.unwrap_or_else(|| path.clone()),
            sub_title: metadata.sub_title,
            required_group: metadata.required_group,
            tags: metadata.tags,
            translations: page.titles(),
        })
    });
    let mut toc: Vec<_> = apis.chain(pages).collect();
    toc.sort_by_cached_key(|entry| {
        (
            entry.category,
            entry.title.to_lowercase(),
            entry.url.clone(),
        )
    });
    toc
}
