//! Lists as portal-api 6 describes them: pages, counts, filters and orders over closed lists of
//! fields. Names in a query only ever choose among the fields of the list, and their values are
//! parameters, so no text of a caller becomes SQL.

mod cursor;
mod filter;

use std::{collections::BTreeMap, convert::Infallible};

use axum::{
    Json,
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header, request::Parts};
use sdk::types::{Page, page::CursorPage};
use sea_orm::{
    EntityTrait, ExprTrait, FromQueryResult, Order, PaginatorTrait, QueryOrder, QuerySelect,
    QueryTrait, Select, prelude::*, sea_query::Expr,
};
use serde::Serialize;

use crate::ApiError;
use cursor::Seek;
pub use filter::{Fields, Sort, json_text};

/// Most items of one answer (portal-api D27).
const MAX_LIMIT: u64 = 10_000;

/// Query parameters by name; of several with one name the first counts. Broken percent-encoding is
/// taken as it stands, never refused (portal-api 3.2).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub fn parse(query: &str) -> Self {
        Self(
            url::form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The same with another value for one of them.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut all = self.without(name);
        all.push((name.to_owned(), value.to_owned()));
        Self(all)
    }

    /// All but the one with this name, in their order.
    fn without(&self, name: &str) -> Vec<(String, String)> {
        let others = self.0.iter().filter(|(key, _)| key != name);
        others.cloned().collect()
    }

    /// Whether a switch such as `embed` is on: `1` or `true`.
    pub fn is_on(&self, name: &str) -> bool {
        matches!(self.get(name), Some("1" | "true"))
    }
}

impl<S: Sync> FromRequestParts<S> for Parameters {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

/// What a caller asks of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListQuery {
    /// 0 = as many as one answer may have.
    pub limit: u64,
    pub offset: u64,
    /// Full objects instead of ids.
    pub embed: bool,
    pub filter: BTreeMap<String, String>,
    pub order_by: Option<(String, Order)>,
    /// The whole query, if the list is asked for by cursor; read when the list is made, after the
    /// rights of the caller.
    by_cursor: Option<Parameters>,
}

impl ListQuery {
    /// What a query asks for. By offset nothing is refused: what cannot be read is ignored, as old
    /// clients rely on. By cursor everything has to be right.
    pub fn read(parameters: &Parameters) -> Self {
        let number = |name| {
            parameters
                .get(name)
                .and_then(|text| text.parse().ok())
                // Databases count with signed numbers.
                .map_or(0, |number: u64| Ord::min(number, u32::MAX.into()))
        };
        Self {
            limit: number("limit"),
            offset: number("offset"),
            embed: parameters.is_on("embed"),
            // A filter that is not an object of texts is ignored as a whole.
            filter: parameters
                .get("filter")
                .and_then(|text| serde_json::from_str(text).ok())
                .unwrap_or_default(),
            order_by: parameters.get("order_by").and_then(order),
            by_cursor: parameters
                .get("cursor")
                .is_some()
                .then(|| parameters.clone()),
        }
    }

    /// As much of the list as one answer may have, unless it is asked for by cursor.
    #[must_use]
    pub fn whole(&self) -> Self {
        Self {
            by_cursor: self.by_cursor.clone(),
            ..Self::default()
        }
    }

    /// The same page without the filter and order that act with `embed` only.
    #[must_use]
    pub fn plain(&self) -> Self {
        Self {
            limit: self.limit,
            offset: self.offset,
            by_cursor: self.by_cursor.clone(),
            ..Self::default()
        }
    }
}

impl<S: Sync> FromRequestParts<S> for ListQuery {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let parameters = Parameters::from_request_parts(parts, state).await?;
        Ok(Self::read(&parameters))
    }
}

/// `<field> ASC` or `<field> DESC`; anything else counts as not given.
fn order(text: &str) -> Option<(String, Order)> {
    let (field, direction) = text.trim().split_once(' ')?;
    let direction = match direction.trim().to_ascii_uppercase().as_str() {
        "ASC" => Order::Asc,
        "DESC" => Order::Desc,
        _ => return None,
    };
    Some((field.to_owned(), direction))
}

/// A list as it was asked for.
#[derive(Debug)]
pub enum Listed<T> {
    ByOffset(Page<T>),
    ByCursor {
        page: CursorPage<T>,
        /// To the next page.
        link: Option<String>,
    },
}

impl<T> Listed<T> {
    fn by_cursor(seek: &Seek, (items, next): (Vec<T>, Option<String>)) -> Self {
        Self::ByCursor {
            link: next.as_deref().map(|next| seek.link(next)),
            page: CursorPage {
                items,
                limit: seek.limit,
                next,
            },
        }
    }

    pub fn items(&self) -> &[T] {
        match self {
            Self::ByOffset(page) => &page.items,
            Self::ByCursor { page, .. } => &page.items,
        }
    }

    /// The same list with other items.
    pub fn map<B>(self, mut change: impl FnMut(T) -> B) -> Listed<B> {
        self.filter_map(|item| Some(change(item)))
    }

    /// The same list with other items, as far as there still are any.
    pub fn filter_map<B>(self, change: impl FnMut(T) -> Option<B>) -> Listed<B> {
        match self {
            Self::ByOffset(page) => Listed::ByOffset(Page {
                items: page.items.into_iter().filter_map(change).collect(),
                count: page.count,
                count_cached: page.count_cached,
                offset: page.offset,
                limit: page.limit,
            }),
            Self::ByCursor { page, link } => Listed::ByCursor {
                page: CursorPage {
                    items: page.items.into_iter().filter_map(change).collect(),
                    limit: page.limit,
                    next: page.next,
                },
                link,
            },
        }
    }
}

impl<T: Serialize> Listed<T> {
    /// For lists that are plain arrays in the contract, unless they are asked for by cursor.
    pub fn into_array_response(self) -> Response {
        match self {
            Self::ByOffset(page) => Json(page.items).into_response(),
            by_cursor @ Self::ByCursor { .. } => by_cursor.into_response(),
        }
    }
}

impl<T: Serialize> IntoResponse for Listed<T> {
    fn into_response(self) -> Response {
        match self {
            Self::ByOffset(page) => Json(page).into_response(),
            Self::ByCursor { page, link } => {
                let mut response = Json(page).into_response();
                if let Some(link) = link.and_then(|link| HeaderValue::from_str(&link).ok()) {
                    response.headers_mut().insert(header::LINK, link);
                }
                response
            }
        }
    }
}

/// One page of `select`. By offset with the number of all matches: two statements, whatever the
/// length; by cursor one.
///
/// `default` is the order when the caller names none; rows that are equal in it, and everything
/// after an order of the caller's choice, are ordered by `id`, the primary key, so that pages do not
/// overlap.
pub async fn page<E>(
    db: &impl ConnectionTrait,
    select: Select<E>,
    query: &ListQuery,
    fields: &Fields,
    default: Sort,
    id: Expr,
) -> Result<Listed<E::Model>, ApiError>
where
    E: EntityTrait,
    E::Model: FromQueryResult + Send + Sync,
{
    if let Some(parameters) = &query.by_cursor
        && let Some(seek) = Seek::read(parameters)?
    {
        let page = cursor::page(db, select, &seek, fields, default, id).await?;
        return Ok(Listed::by_cursor(&seek, page));
    }
    let matching = filter(select, query, fields);
    let limit = if query.limit == 0 {
        MAX_LIMIT
    } else {
        Ord::min(query.limit, MAX_LIMIT)
    };
    let offset = if query.limit == 0 { 0 } else { query.offset };
    let (order, direction) =
        chosen_order(query, fields).unwrap_or((default.expression, default.order));
    let page_of = |select: Select<E>| {
        select
            .order_by(order.clone(), direction.clone())
            .order_by(id.clone(), Order::Asc)
    };
    let mut wanted = page_of(matching.clone()).limit(limit);
    if offset > 0 {
        // The rows before the page are passed over by their ids alone, in an index where the order
        // has one.
        let ids = wanted
            .offset(offset)
            .select_only()
            .expr(id.clone())
            .into_query();
        wanted = page_of(matching.clone().filter(id.clone().in_subquery(ids)));
    }
    let items = wanted.all(db).await?;
    let all_are_here = offset == 0 && (items.len() as u64) < limit;
    let count = if all_are_here {
        items.len() as u64
    } else {
        matching.count(db).await?
    };
    Ok(Listed::ByOffset(Page {
        items,
        count,
        count_cached: false,
        offset: Some(query.offset),
        limit: Some(query.limit),
    }))
}

fn chosen_order(query: &ListQuery, fields: &Fields) -> Option<(Expr, Order)> {
    let (name, direction) = query.order_by.as_ref()?;
    Some((fields.find(name)?.expression.clone(), direction.clone()))
}

/// The rows of `select` that the filter of an old client means.
pub fn filter<E: EntityTrait>(select: Select<E>, query: &ListQuery, fields: &Fields) -> Select<E> {
    filter::substrings(select, &query.filter, fields)
}

/// A list that is always complete in the contract, or a page by cursor in the order of `id`. For
/// lists that are short by nature.
pub fn complete<T: Serialize>(
    items: Vec<T>,
    parameters: &Parameters,
    id: impl Fn(&T) -> &str,
) -> Result<Response, ApiError> {
    Ok(short(items, parameters, id)?.into_response())
}

/// A list that has no pages in the contract: a plain array, or a page by cursor in the order of
/// `id`. For lists that are short by nature.
pub fn array<T: Serialize>(
    items: Vec<T>,
    parameters: &Parameters,
    id: impl Fn(&T) -> &str,
) -> Result<Response, ApiError> {
    Ok(short(items, parameters, id)?.into_array_response())
}

/// Such a list before it is shown, so that only what is on the page has to be read.
pub fn short<T>(
    items: Vec<T>,
    parameters: &Parameters,
    id: impl Fn(&T) -> &str,
) -> Result<Listed<T>, ApiError> {
    let Some(seek) = Seek::read(parameters)? else {
        return Ok(Listed::ByOffset(Page::complete(items)));
    };
    let page = cursor::slice(items, &seek, id)?;
    Ok(Listed::by_cursor(&seek, page))
}

/// A page by cursor of what the configuration holds, in the order of `id`: unlike the order of the
/// files it is the same when another configuration comes into force between two pages. Nothing if
/// the list is not asked for by cursor.
pub fn of_configuration<T, S: Serialize>(
    parameters: &Parameters,
    items: impl IntoIterator<Item = T>,
    id: impl Fn(&T) -> &str,
    shown: impl FnMut(T) -> S,
) -> Result<Option<Response>, ApiError> {
    let Some(seek) = Seek::read(parameters)? else {
        return Ok(None);
    };
    let page = cursor::slice(items.into_iter().collect(), &seek, id)?;
    Ok(Some(
        Listed::by_cursor(&seek, page).map(shown).into_response(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> ListQuery {
        ListQuery::read(&Parameters::parse(text))
    }

    #[test]
    fn a_filter_that_is_not_an_object_of_texts_is_ignored() {
        assert_eq!(query(r#"filter={"name":"ada"}"#).filter["name"], "ada");
        for broken in [
            r#"filter={"name":1,"email":"x"}"#,
            "filter={",
            "filter=name",
            "filter=%7B%",
        ] {
            assert!(query(broken).filter.is_empty(), "{broken}");
        }
    }

    #[test]
    fn an_order_needs_a_direction() {
        assert_eq!(
            query("order_by=name%20desc").order_by,
            Some(("name".to_owned(), Order::Desc))
        );
        assert_eq!(
            query("order_by=name+ASC").order_by,
            Some(("name".to_owned(), Order::Asc))
        );
        assert_eq!(query("order_by=name").order_by, None);
        assert_eq!(query("order_by=name+asc;drop").order_by, None);
    }

    #[test]
    fn numbers_that_are_none_count_as_absent() {
        let query = query("limit=10&offset=x&embed=true");
        assert_eq!((query.limit, query.offset, query.embed), (10, 0, true));
    }
}
