//! The guides of an API.

use askama::Template;
use axum::{
    extract::{Path, Query},
    response::Response,
};
use sdk::Optional;
use serde::Deserialize;
use serde_json::Value;
use ui::{Html, Icon, texts};

use super::{
    desk::Members,
    fields::{self, Choice},
    general::{label, lines},
    shell::{Opened, Tab},
};
use crate::{failure::Failure, form::Form, links, visitor::Visitor};

/// Which guide is edited below; `new` is one that is not there yet.
#[derive(Deserialize)]
pub struct Selection {
    doc: Option<String>,
}

struct Row {
    path: String,
    title: String,
    url: String,
}

#[derive(Template)]
#[template(path = "publish/docs.html")]
struct DocsList {
    t: texts::Publish,
    csrf: Html,
    rows: Vec<Row>,
    new_url: String,
    action: String,
    /// Path of the one that is edited; empty for a new one.
    path: String,
    parts: Vec<Html>,
    is_open: bool,
}

/// `GET /publish/apis/{api}/docs?doc=`
pub async fn show(
    visitor: Visitor,
    path: Path<String>,
    Query(selection): Query<Selection>,
) -> Result<Response, Failure> {
    let mut opened = Opened::new(&visitor, path).await?;
    let t = texts::Publish(visitor.lang());
    let action = Tab::Docs.url(&opened.api);
    let rows = rows(&mut opened, &action).await?;
    let chosen = selection.doc.unwrap_or_default();
    let is_open = !chosen.is_empty();
    let path = Some(chosen).filter(|doc| rows.iter().any(|row| row.path == *doc));
    let path = path.unwrap_or_default();
    let list = DocsList {
        t,
        csrf: visitor.frame_csrf(),
        new_url: format!("{action}?doc=new"),
        parts: parts(&visitor, &mut opened, &path).await?,
        action,
        path,
        rows,
        is_open,
    };
    let below = Html::of(&list);
    opened.page(&visitor, Tab::Docs, Vec::new(), below).await
}

/// Those that are served, as the draft has them.
async fn rows(opened: &mut Opened, action: &str) -> Result<Vec<Row>, Failure> {
    let served = opened.desk.client.guides(&opened.api).await.optional()?;
    let mut paths: Vec<String> = served
        .unwrap_or_default()
        .into_iter()
        .map(|guide| guide.path)
        .collect();
    let folder = opened.file("docs/");
    let texts = opened
        .desk
        .edited()
        .filter_map(|path| path.strip_prefix(&folder));
    for path in texts.filter_map(|path| path.strip_suffix(".md")) {
        if !paths.iter().any(|known| known == path) {
            paths.push(path.to_owned());
        }
    }
    let mut rows = Vec::new();
    for path in paths {
        let file = opened.file(&format!("docs/{path}.md"));
        // One that the draft takes away.
        if opened.desk.edit_of(&file).is_some_and(Option::is_none) {
            continue;
        }
        let companion = opened
            .desk
            .json(&opened.file(&format!("docs/{path}.json")))
            .await?;
        let title = companion["title"].as_str().unwrap_or(&path).to_owned();
        rows.push(Row {
            url: format!("{action}?doc={}", links::segment(&path)),
            title,
            path,
        });
    }
    Ok(rows)
}

async fn parts(visitor: &Visitor, opened: &mut Opened, path: &str) -> Result<Vec<Html>, Failure> {
    let t = texts::Publish(visitor.lang());
    let lang = visitor.lang();
    let mut parts = Vec::new();
    let (mut companion, mut text) = (Value::Null, String::new());
    if path.is_empty() {
        let field = fields::line("path", t.doc_path(), String::new());
        parts.push(fields::with_hint(field, t.doc_path_hint()));
    } else {
        let file = opened.file(&format!("docs/{path}"));
        companion = opened.desk.json(&format!("{file}.json")).await?;
        text = opened
            .desk
            .text(&format!("{file}.md"))
            .await?
            .unwrap_or_default();
    }
    let title = companion["title"].as_str().unwrap_or_default().to_owned();
    let order = companion["order"].as_i64().map(|order| order.to_string());
    let required = companion["requiredGroup"].as_str().unwrap_or_default();
    let groups = opened.desk.client.groups().await?.groups;
    let everybody = Choice::new("", t.everybody(), required.is_empty());
    let named = groups
        .iter()
        .map(|group| Choice::new(&group.id, label(group), group.id == required));
    let groups: Vec<_> = [everybody].into_iter().chain(named).collect();
    parts.push(fields::line("title", t.doc_title(), title).html());
    let order = fields::line("order", t.doc_order(), order.unwrap_or_default());
    parts.push(fields::optional(order, lang, Some(t.doc_order_hint())));
    parts.push(fields::select(
        "requiredGroup",
        t.visible_to(),
        None,
        &groups,
    ));
    parts.push(fields::with_hint(
        fields::markdown("text", t.doc_text(), text, lang),
        t.markdown_hint(),
    ));
    Ok(parts)
}

/// `POST /publish/apis/{api}/docs`: `doc` (the one that is changed) or `path` (of a new one),
/// `title`, `order`, `requiredGroup`, `text`; `remove` takes it away.
pub async fn save(visitor: Visitor, path: Path<String>, form: Form) -> Result<Response, Failure> {
    let mut opened = Opened::new(&visitor, path).await?;
    let doc = form.optional("doc").unwrap_or(form.text("path"));
    if !is_path(doc) {
        let text = "`path` has letters, digits, -, _ and /, such as `start` or `more/limits`";
        return Err(Failure::BadRequest(text.to_owned()));
    }
    let file = opened.file(&format!("docs/{doc}"));
    let (text, companion) = (format!("{file}.md"), format!("{file}.json"));
    if form.has("remove") {
        opened.desk.put(&text, None).await?;
        opened.desk.put(&companion, None).await?;
        return opened.saved(&visitor, Tab::Docs).await;
    }
    let order = form.optional("order").map(str::parse::<u64>).transpose();
    let order = order.map_err(|_| Failure::BadRequest("`order` is a whole number".to_owned()))?;
    let body = format!("{}\n", lines(form.text("text")));
    let before = opened.desk.original(&text).await?;
    let is_same = before.as_deref().map(str::trim_end) == Some(body.trim_end());
    opened
        .desk
        .put(&text, if is_same { before } else { Some(body) })
        .await?;
    let mut members = Members::of(&mut opened.desk, &companion, Vec::new()).await?;
    members.text(&["title"], form.text("title")).await?;
    members.number(&["order"], order).await?;
    members
        .text(&["requiredGroup"], form.text("requiredGroup"))
        .await?;
    opened.saved(&visitor, Tab::Docs).await
}

fn is_path(path: &str) -> bool {
    let is_name = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    path.len() <= 120 && path.split('/').all(is_name)
}
