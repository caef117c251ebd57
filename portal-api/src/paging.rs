//! Lists as portal-api 6 describes them: pages, counts, filters and orders over closed lists of
//! fields. Names in a query only ever choose among the fields of the list, and their values are
//! parameters, so no text of a caller becomes SQL.

use std::{collections::BTreeMap, convert::Infallible};

use axum::extract::FromRequestParts;
use http::request::Parts;
use sdk::types::Page;
use sea_orm::{
    DbErr, EntityTrait, Order, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    prelude::*,
    sea_query::{BinOper, Expr, ExprTrait, Func, LikeExpr},
};

/// Most items of one answer (portal-api D27).
const MAX_LIMIT: u64 = 10_000;

/// Query parameters by name; of several with one name the first counts. Broken percent-encoding is
/// taken as it stands, never refused (portal-api 3.2).
#[derive(Clone, Debug, Default)]
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
}

impl From<&Parameters> for ListQuery {
    fn from(parameters: &Parameters) -> Self {
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
        }
    }
}

impl<S: Sync> FromRequestParts<S> for ListQuery {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let parameters = Parameters::from_request_parts(parts, state).await?;
        Ok(Self::from(&parameters))
    }
}

impl ListQuery {
    /// The same page of a list without filter and order: both act with `embed` only.
    #[must_use]
    pub fn plain(&self) -> Self {
        Self {
            limit: self.limit,
            offset: self.offset,
            ..Self::default()
        }
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

/// The fields of a list by which a caller may filter and order.
#[derive(Debug, Default)]
pub struct Fields(Vec<(String, Expr)>);

impl Fields {
    pub fn new() -> Self {
        Self::default()
    }

    /// `expression` has to be a text.
    #[must_use]
    pub fn with(mut self, name: &str, expression: Expr) -> Self {
        self.0.push((name.to_owned(), expression));
        self
    }

    fn find(&self, name: &str) -> Option<&Expr> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, expression)| expression)
    }
}

/// One page of `select`, and the number of all matches: two statements, whatever the length.
///
/// `default` is the order when the caller names none; rows that are equal in it, and everything
/// after an order of the caller's choice, are ordered by `id`, so that pages do not overlap.
pub async fn page<E>(
    db: &impl ConnectionTrait,
    select: Select<E>,
    query: &ListQuery,
    fields: &Fields,
    default: (Expr, Order),
    id: Expr,
) -> Result<Page<E::Model>, DbErr>
where
    E: EntityTrait,
    E::Model: Send + Sync,
{
    let matching = filter(select, query, fields);
    let limit = if query.limit == 0 {
        MAX_LIMIT
    } else {
        Ord::min(query.limit, MAX_LIMIT)
    };
    let offset = if query.limit == 0 { 0 } else { query.offset };
    let ordered = match chosen_order(query, fields) {
        Some((expression, direction)) => matching.clone().order_by(expression, direction),
        None => matching.clone().order_by(default.0, default.1),
    };
    let items = ordered
        .order_by(id, Order::Asc)
        .limit(limit)
        .offset(offset)
        .all(db)
        .await?;
    let all_are_here = offset == 0 && (items.len() as u64) < limit;
    let count = if all_are_here {
        items.len() as u64
    } else {
        matching.count(db).await?
    };
    Ok(Page {
        items,
        count,
        count_cached: false,
        offset: Some(query.offset),
        limit: Some(query.limit),
    })
}

fn chosen_order(query: &ListQuery, fields: &Fields) -> Option<(Expr, Order)> {
    let (name, direction) = query.order_by.as_ref()?;
    Some((fields.find(name)?.clone(), direction.clone()))
}

/// All entries have to match, as substrings without regard to case. A field that the list does not
/// have matches nothing.
pub fn filter<E: EntityTrait>(
    mut select: Select<E>,
    query: &ListQuery,
    fields: &Fields,
) -> Select<E> {
    for (name, text) in &query.filter {
        select = select.filter(match fields.find(name) {
            Some(expression) => contains(expression.clone(), text),
            None => Expr::val(false),
        });
    }
    select
}

/// SQLite folds ASCII only, so there other letters match in the case in which they are stored or in
/// small letters.
fn contains(expression: Expr, text: &str) -> Expr {
    let escaped = text
        .to_lowercase()
        .replace('\\', r"\\")
        .replace('%', r"\%")
        .replace('_', r"\_");
    let pattern = LikeExpr::new(format!("%{escaped}%")).escape('\\');
    Expr::expr(Func::lower(expression)).like(pattern)
}

/// A text member of a JSON column; the operator is the same in both databases.
pub fn json_text(column: impl ColumnTrait, member: &str) -> Expr {
    Expr::col(column).binary(BinOper::Custom("->>"), Expr::val(member))
}

/// A page with other items.
pub fn map<A, B>(page: Page<A>, change: impl FnMut(A) -> B) -> Page<B> {
    Page {
        items: page.items.into_iter().map(change).collect(),
        count: page.count,
        count_cached: page.count_cached,
        offset: page.offset,
        limit: page.limit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> ListQuery {
        ListQuery::from(&Parameters::parse(text))
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
