//! One page: the source in Markdown, HTML with Mustache or Jade, and its metadata in a JSON file of the same name.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::{path::JsonPath, problem::Report, read::Object, render::Rendered, tree::Tree};

/// The language of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageKind {
    Markdown,
    /// HTML with Mustache, filled by the portal with what readers may know.
    Template,
    /// Template code of wicked; handed out as source, never executed.
    Jade,
}

impl PageKind {
    /// Value of `Content-Type`.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Markdown => "text/markdown",
            Self::Template => "text/x-html-template",
            Self::Jade => "text/jade",
        }
    }
}

/// Title of a page, its place and who may read it.
#[derive(Clone, Debug, Default)]
pub struct Metadata {
    pub title: Option<String>,
    /// Markdown.
    pub sub_title: Option<String>,
    /// Only members (and administrators) read the page.
    pub required_group: Option<String>,
    pub tags: Option<Vec<String>>,
    pub order: u64,
}

/// The source of a page and what its metadata say.
#[derive(Clone, Debug)]
pub struct Page {
    pub kind: PageKind,
    pub source: Rendered,
    /// `None`: the page stands in no table of contents.
    pub metadata: Option<Metadata>,
    /// Value of the header `X-MetaInfo`: Base64 of the metadata as configured.
    pub meta_header: String,
    /// By language: `<name>.de.md` beside `<name>.md`. Who may read the page is said by the page
    /// itself.
    pub translations: BTreeMap<String, Page>,
}

impl Page {
    /// Title and subtitle of each translation.
    pub fn titles(&self) -> BTreeMap<String, (Option<String>, Option<String>)> {
        let of = |page: &Page| {
            let metadata = page.metadata.clone().unwrap_or_default();
            (metadata.title, metadata.sub_title)
        };
        let translations = self.translations.iter();
        translations
            .map(|(language, page)| (language.clone(), of(page)))
            .collect()
    }
}

/// A guide of an API.
#[derive(Clone, Debug)]
pub struct DocPage {
    pub title: String,
    pub order: u64,
    pub page: Page,
}

/// The name of a page file without its extension.
pub(super) fn name(path: &str) -> Option<&str> {
    path.strip_suffix(".md")
        .or_else(|| path.strip_suffix(".html.tmpl"))
        .or_else(|| path.strip_suffix(".jade"))
}

const KINDS: [(&str, PageKind); 3] = [
    ("md", PageKind::Markdown),
    ("html.tmpl", PageKind::Template),
    ("jade", PageKind::Jade),
];

/// The page that a name such as `terms.de` translates, and the language, if there is that page.
pub(super) fn translated<'a>(
    tree: &Tree,
    folder: &str,
    name: &'a str,
) -> Option<(&'a str, &'a str)> {
    let (of, language) = name.rsplit_once('.').filter(|(_, tag)| is_language(tag))?;
    let is_there = |(extension, _): &(&str, _)| {
        let file = format!("{folder}{of}.{extension}");
        tree.get(&file).is_some()
    };
    KINDS.iter().any(is_there).then_some((of, language))
}

fn is_language(tag: &str) -> bool {
    tag.len() == 2 && tag.bytes().all(|letter| letter.is_ascii_lowercase())
}

/// The page `<stem>.md`, else `<stem>.html.tmpl`, else `<stem>.jade`, with `<stem>.json` and all
/// translations.
pub(super) fn read(
    tree: &Tree,
    documents: &BTreeMap<String, Value>,
    stem: &str,
    report: &Report,
) -> Option<Page> {
    let mut page = read_one(tree, documents, stem, None, report)?;
    let of_it = format!("{stem}.");
    let languages: BTreeSet<&str> = tree
        .below(&of_it)
        .filter_map(|(rest, _)| name(rest).filter(|tag| is_language(tag)))
        .collect();
    for language in languages {
        let file = format!("{stem}.{language}");
        if let Some(translation) = read_one(tree, documents, &file, Some(stem), report) {
            page.translations.insert(language.to_owned(), translation);
        }
    }
    Some(page)
}

/// The metadata of `<stem>.json`; of a translation those of the page, and what it says otherwise.
fn described<'a>(
    documents: &'a BTreeMap<String, Value>,
    stem: &str,
    original: Option<&str>,
) -> Option<Cow<'a, Value>> {
    let own = documents.get(&format!("{stem}.json"));
    let of_page = original.and_then(|original| documents.get(&format!("{original}.json")));
    match (own.and_then(Value::as_object), of_page) {
        (Some(own), Some(Value::Object(members))) => {
            let mut both = members.clone();
            both.extend(own.clone());
            Some(Cow::Owned(both.into()))
        }
        _ => own.or(of_page).map(Cow::Borrowed),
    }
}

fn read_one(
    tree: &Tree,
    documents: &BTreeMap<String, Value>,
    stem: &str,
    original: Option<&str>,
    report: &Report,
) -> Option<Page> {
    let (file, kind, source) = KINDS.into_iter().find_map(|(extension, kind)| {
        let file = format!("{stem}.{extension}");
        let source: Bytes = tree.get(&file)?.clone();
        Some((file, kind, source))
    })?;
    if kind == PageKind::Jade {
        let message = "Jade is program code and is not executed; write the page in Markdown, or as \
                       HTML with Mustache in a file that ends in `.html.tmpl`";
        report.warn(&file, &JsonPath::default(), message);
    }
    if std::str::from_utf8(&source).is_err() {
        report.error(&file, &JsonPath::default(), "the text is not UTF-8");
    }
    let own_file = format!("{stem}.json");
    let metadata_file = match original {
        Some(original) if !documents.contains_key(&own_file) => format!("{original}.json"),
        _ => own_file,
    };
    let document = described(documents, stem, original);
    let metadata = document.as_deref().and_then(|document| {
        let root = Object::root(&metadata_file, document, report)?;
        if root.get("subtitle").is_some() {
            root.warn(
                "subtitle",
                "this has no effect; the member is called `subTitle`",
            );
        }
        if root.get("showtitle").is_some() {
            root.warn(
                "showtitle",
                "this is an old spelling; the member is called `showTitle`",
            );
        }
        Some(Metadata {
            title: root.text("title"),
            sub_title: root.text("subTitle"),
            required_group: root.text("requiredGroup"),
            tags: root.get("tags").map(|_| root.texts("tags")),
            order: root.number("order").unwrap_or(u64::MAX),
        })
    });
    let without = json!({"showTitle": false});
    let meta =
        serde_json::to_vec(document.as_deref().unwrap_or(&without)).expect("JSON has text keys");
    let meta_header = STANDARD.encode(meta);
    // The metadata travels with the page, so the validator covers both.
    let etag = Rendered::new([&source[..], meta_header.as_bytes()].concat()).etag;
    Some(Page {
        kind,
        source: Rendered {
            bytes: source,
            etag,
        },
        metadata,
        meta_header,
        translations: BTreeMap::new(),
    })
}

/// The guides below `apis/<id>/docs/`, by path without extension.
pub(crate) fn docs(
    tree: &Tree,
    documents: &BTreeMap<String, Value>,
    api_folder: &str,
    report: &Report,
) -> BTreeMap<String, DocPage> {
    let folder = format!("{api_folder}docs/");
    let pages = tree.below(&folder).filter_map(|(path, _)| {
        let name = path.strip_suffix(".md")?;
        if translated(tree, &folder, name).is_some() {
            return None;
        }
        let page = read(tree, documents, &format!("{folder}{name}"), report)?;
        let metadata = page.metadata.as_ref();
        let title = metadata.and_then(|metadata| metadata.title.clone());
        let title = title.unwrap_or_else(|| name.to_owned());
        let order = metadata.map_or(u64::MAX, |metadata| metadata.order);
        Some((name.to_owned(), DocPage { title, order, page }))
    });
    pages.collect()
}
