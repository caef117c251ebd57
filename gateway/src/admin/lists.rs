//! Pages of entities: in the order of their ids, so that a walk sees each entity exactly once,
//! whatever is written meanwhile.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use kong::{ApiError, Kind, error::Code};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Admin, Answer, Reply,
    dispatch::{Query, with_option},
    entities::Owner,
};
use crate::store::{Row, not_found, present};

/// Which entities a page shows.
struct Page {
    size: usize,
    after: Option<Uuid>,
    tags: Option<Tags>,
}

enum Tags {
    All(Vec<String>),
    Any(Vec<String>),
}

impl Tags {
    fn fit(&self, row: &Row) -> bool {
        let own = row.tags();
        let has = |tag: &String| own.contains(tag);
        match self {
            Self::All(tags) => tags.iter().all(has),
            Self::Any(tags) => tags.iter().any(has),
        }
    }
}

impl Page {
    fn parse(query: &Query) -> Result<Self, ApiError> {
        let size = match query.get("size") {
            None => 100,
            Some(text) => match text.parse() {
                Ok(size @ 1..=1000) => size,
                _ => {
                    return Err(with_option(
                        Code::InvalidSize,
                        "size",
                        "must be an integer between 1 and 1000",
                    ));
                }
            },
        };
        let after = match query.get("offset") {
            None => None,
            Some(text) => {
                let bytes = URL_SAFE_NO_PAD
                    .decode(text)
                    .ok()
                    .and_then(|bytes| Uuid::from_slice(&bytes).ok());
                Some(bytes.ok_or_else(|| {
                    with_option(Code::InvalidOffset, "offset", "not an offset of this list")
                })?)
            }
        };
        let tags = match query.get("tags") {
            None => None,
            Some(text) => Some(parse_tags(text)?),
        };
        Ok(Self { size, after, tags })
    }

    /// Takes the page's rows, and one more to see whether there is a next page.
    fn take<'a>(&self, rows: impl Iterator<Item = &'a Row>) -> Vec<Row> {
        rows.filter(|row| self.tags.as_ref().is_none_or(|tags| tags.fit(row)))
            .take(self.size + 1)
            .cloned()
            .collect()
    }

    fn reply(&self, path: &str, query: &Query, mut rows: Vec<Row>) -> Reply {
        let more = rows.len() > self.size;
        rows.truncate(self.size);
        let now = service::clock::now().timestamp();
        let data: Vec<Value> = rows.iter().map(|row| present(row, now).into()).collect();
        let Some(last) = rows.last().filter(|_| more) else {
            return Reply::ok(json!({ "data": data, "next": null }));
        };
        let offset = URL_SAFE_NO_PAD.encode(last.id.as_bytes());
        let mut next = url::form_urlencoded::Serializer::new(String::new());
        next.append_pair("offset", &offset);
        for name in ["size", "tags"] {
            if let Some(value) = query.get(name) {
                next.append_pair(name, value);
            }
        }
        Reply::ok(
            json!({ "data": data, "next": format!("{path}?{}", next.finish()), "offset": offset }),
        )
    }
}

fn parse_tags(text: &str) -> Result<Tags, ApiError> {
    let list = |sign| text.split(sign).map(str::to_owned).collect::<Vec<_>>();
    let tags = match (text.contains(','), text.contains('/')) {
        (true, true) => {
            return Err(with_option(
                Code::InvalidOptions,
                "tags",
                "use either , or / but not both",
            ));
        }
        (false, true) => Tags::Any(list('/')),
        _ => Tags::All(list(',')),
    };
    let (Tags::All(names) | Tags::Any(names)) = &tags;
    if names.iter().any(String::is_empty) {
        return Err(with_option(
            Code::InvalidOptions,
            "tags",
            "a tag must not be empty",
        ));
    }
    Ok(tags)
}

/// `GET /<collection>`
pub async fn flat(admin: &Arc<Admin>, kind: Kind, query: &Query) -> Answer {
    if kind == Kind::Consumer
        && let Some(custom_id) = query.get("custom_id")
    {
        return by_custom_id(admin, custom_id).await;
    }
    let page = Page::parse(query)?;
    let (page, rows) = admin
        .store
        .read(move |tables| {
            let rows = page.take(tables.all(kind, page.after));
            (page, rows.iter().map(|row| tables.shown(row)).collect())
        })
        .await?;
    Ok(page.reply(&format!("/{}", kind.collection()), query, rows))
}

async fn by_custom_id(admin: &Arc<Admin>, custom_id: &str) -> Answer {
    if custom_id.is_empty() {
        return Err(with_option(
            Code::InvalidOptions,
            "custom_id",
            "must not be empty",
        ));
    }
    let custom_id = custom_id.to_owned();
    let row = admin
        .store
        .read(move |tables| {
            tables
                .by_unique(Kind::Consumer, "custom_id", &custom_id)
                .cloned()
        })
        .await?;
    let now = service::clock::now().timestamp();
    let data: Vec<Value> = row.iter().map(|row| present(row, now).into()).collect();
    Ok(Reply::ok(json!({ "data": data, "next": null })))
}

/// `GET /<collection>/{key}/<children>`
pub async fn nested(admin: &Arc<Admin>, owner: Owner, kind: Kind, query: &Query) -> Answer {
    let page = Page::parse(query)?;
    let (page, path, rows) = admin
        .store
        .read(move |tables| {
            let parent = tables
                .find(owner.kind, &owner.key)
                .ok_or_else(not_found)?
                .id;
            let children = tables.children((owner.kind, parent), kind);
            let rows = if kind == Kind::Target {
                page.take(newest_first(children, page.after).into_iter())
            } else {
                let after = page.after.unwrap_or_default();
                page.take(children.filter(|row| row.id > after || after.is_nil()))
            };
            let rows = rows.iter().map(|row| tables.shown(row)).collect();
            Ok::<_, ApiError>((
                page,
                format!("/{}/{parent}/{}", owner.kind.collection(), kind.nested()),
                rows,
            ))
        })
        .await??;
    Ok(page.reply(&path, query, rows))
}

/// Targets, as far as they come after that one.
pub fn newest_first<'a>(
    targets: impl Iterator<Item = &'a Row>,
    after: Option<Uuid>,
) -> Vec<&'a Row> {
    let moment = |row: &Row| row.value("created_at").as_f64();
    let mut targets: Vec<&Row> = targets.collect();
    targets.sort_by(|one, other| {
        let (first, second) = (
            moment(other).unwrap_or_default(),
            moment(one).unwrap_or_default(),
        );
        first.total_cmp(&second).then(other.id.cmp(&one.id))
    });
    let known = after.and_then(|after| targets.iter().position(|row| row.id == after));
    targets.split_off(known.map_or(0, |position| position + 1))
}

/// `GET /tags`, `GET /tags/{tag}`
pub async fn tags(admin: &Arc<Admin>, tag: Option<&str>, query: &Query) -> Answer {
    let page = Page::parse(query)?;
    let wanted = tag.map(str::to_owned);
    let rows = admin
        .store
        .read(move |tables| {
            let after = page.after.unwrap_or_default();
            let mut rows: Vec<Row> = tables
                .rows()
                .filter(|row| row.id > after || after.is_nil())
                .filter(|row| match &wanted {
                    Some(tag) => row.tags().contains(tag),
                    None => !row.tags().is_empty(),
                })
                .cloned()
                .collect();
            rows.sort_by_key(|row| row.id);
            rows.truncate(page.size + 1);
            (page, rows)
        })
        .await?;
    let (page, mut rows) = rows;
    let more = rows.len() > page.size;
    rows.truncate(page.size);
    let data: Vec<Value> = rows
        .iter()
        .flat_map(|row| {
            row.tags()
                .into_iter()
                .filter(|own| tag.is_none_or(|tag| own == tag))
                .map(|own| json!({ "tag": own, "entity_name": row.kind.name(), "entity_id": row.id }))
                .collect::<Vec<_>>()
        })
        .collect();
    let path = tag.map_or_else(|| "/tags".to_owned(), |tag| format!("/tags/{tag}"));
    match rows.last().filter(|_| more) {
        None => Ok(Reply::ok(json!({ "data": data, "next": null }))),
        Some(last) => {
            let offset = URL_SAFE_NO_PAD.encode(last.id.as_bytes());
            Ok(Reply::ok(
                json!({ "data": data, "next": format!("{path}?offset={offset}"), "offset": offset }),
            ))
        }
    }
}
