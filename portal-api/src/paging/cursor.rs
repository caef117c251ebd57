//! Pages by cursor (portal-api B1): a page goes on after the last row of the one before, wherever
//! that stands by now. Rows that are added or go in between are neither lost nor shown twice.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, SecondsFormat, Utc};
use ring::digest::{SHA256, digest};
use sea_orm::{
    DbErr, EntityTrait, FromQueryResult, Iterable, ModelTrait, Order, PrimaryKeyToColumn,
    QueryFilter, QueryOrder, QueryResult, QuerySelect, Select,
    prelude::*,
    sea_query::{Expr, ExprTrait},
};
use serde::{Deserialize, Serialize};

use super::{
    Parameters,
    filter::{self, Condition, Fields, Kind, Sort, operand},
};
use crate::{ApiError, extract::null_character};

const DEFAULT_LIMIT: u64 = 50;
const MAX_LIMIT: u64 = 500;
/// Name of the column that tells where a row stands.
const POSITION: &str = "cursor_position";

/// What a caller asks of a list by cursor.
#[derive(Clone, Debug, PartialEq)]
pub struct Seek {
    pub limit: u64,
    conditions: Vec<Condition>,
    order: Option<(String, Order)>,
    after: Option<Position>,
    /// Digest of order and filter: a cursor continues only the list that it comes from.
    list: String,
    /// The query without its cursor, for the address of the next page.
    query: Vec<(String, String)>,
}

/// Where a page ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Position {
    #[serde(rename = "p")]
    place: String,
    #[serde(rename = "i")]
    id: serde_json::Value,
    #[serde(rename = "l")]
    list: String,
}

impl Seek {
    /// Nothing unless the query has a `cursor`, which is empty for the first page.
    pub fn read(parameters: &Parameters) -> Result<Option<Self>, ApiError> {
        let Some(cursor) = parameters.get("cursor") else {
            return Ok(None);
        };
        let limit = match parameters.get("limit") {
            None | Some("") => DEFAULT_LIMIT,
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| (1..=MAX_LIMIT).contains(limit))
                .ok_or_else(|| {
                    let message = format!("`limit` is a number from 1 to {MAX_LIMIT}.");
                    ApiError::invalid("limit", "range", message)
                })?,
        };
        let text = |name| parameters.get(name).filter(|text| !text.is_empty());
        let conditions = text("filter").map(filter::read).transpose()?;
        let order = match text("order_by") {
            None => None,
            Some(text) => Some(super::order(text).ok_or_else(|| {
                let message = "`order_by` is `<field> ASC` or `<field> DESC`.";
                ApiError::invalid("order_by", "format", message)
            })?),
        };
        let list = format!("{:?}\n{:?}", text("order_by"), text("filter"));
        let list = hex::encode(&digest(&SHA256, list.as_bytes()).as_ref()[..6]);
        let after = match cursor {
            "" => None,
            text => Some(Position::decode(text, &list)?),
        };
        Ok(Some(Self {
            limit,
            conditions: conditions.unwrap_or_default(),
            order,
            after,
            list,
            query: parameters.without("cursor"),
        }))
    }

    /// For lists that have neither fields nor a place in the database.
    fn expect_plain(&self) -> Result<(), ApiError> {
        if let Some((name, _)) = self.conditions.first() {
            return Err(filter::unknown("filter", name));
        }
        match &self.order {
            Some((name, _)) => Err(filter::unknown("order_by", name)),
            None => Ok(()),
        }
    }

    /// The `Link` header to the page that begins at `next`.
    pub fn link(&self, next: &str) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.query);
        query.append_pair("cursor", next);
        format!("<?{}>; rel=\"next\"", query.finish())
    }
}

impl Position {
    fn encode(&self) -> String {
        let text = serde_json::to_vec(self).expect("its members are texts");
        URL_SAFE_NO_PAD.encode(text)
    }

    fn decode(text: &str, list: &str) -> Result<Self, ApiError> {
        let refused = |rule, message: &str| ApiError::invalid("cursor", rule, message);
        let position: Option<Self> = URL_SAFE_NO_PAD
            .decode(text)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let position = position
            .ok_or_else(|| refused("format", "`cursor` has to be `next` of the page before."))?;
        if position.list != list {
            let message = "`cursor` belongs to another `filter` or `order_by`.";
            return Err(refused("list", message));
        }
        let has_null = |text: &str| text.contains('\0');
        if has_null(&position.place) || position.id.as_str().is_some_and(has_null) {
            return Err(null_character());
        }
        Ok(position)
    }

    /// The id as what the primary key is; databases do not compare texts with numbers.
    fn id<E: EntityTrait>(&self) -> Option<sea_orm::Value> {
        let key = primary_key::<E>()?.def();
        match (&self.id, key.get_column_type()) {
            (serde_json::Value::Number(number), ColumnType::BigInteger) => {
                number.as_i64().map(Into::into)
            }
            (_, ColumnType::BigInteger) => None,
            (serde_json::Value::String(text), _) => Some(text.as_str().into()),
            _ => None,
        }
    }
}

/// A row and where it stands.
struct Placed<M> {
    model: M,
    position: String,
}

/// Reads the position as a text, or as a time.
struct Text<M>(Placed<M>);
struct Time<M>(Placed<M>);

impl<M: FromQueryResult> FromQueryResult for Text<M> {
    fn from_query_result(row: &QueryResult, prefix: &str) -> Result<Self, DbErr> {
        Ok(Self(Placed {
            model: M::from_query_result(row, prefix)?,
            position: row.try_get(prefix, POSITION)?,
        }))
    }
}

impl<M: FromQueryResult> FromQueryResult for Time<M> {
    fn from_query_result(row: &QueryResult, prefix: &str) -> Result<Self, DbErr> {
        let moment: DateTime<Utc> = row.try_get(prefix, POSITION)?;
        Ok(Self(Placed {
            model: M::from_query_result(row, prefix)?,
            position: moment.to_rfc3339_opts(SecondsFormat::Nanos, true),
        }))
    }
}

/// One page, and the cursor of the next one. `id` is the column of the primary key.
pub async fn page<E>(
    db: &impl ConnectionTrait,
    select: Select<E>,
    seek: &Seek,
    fields: &Fields,
    default: Sort,
    id: Expr,
) -> Result<(Vec<E::Model>, Option<String>), ApiError>
where
    E: EntityTrait,
    E::Model: FromQueryResult + Send + Sync,
{
    let sort = match &seek.order {
        None => default,
        Some((name, order)) => {
            let field = fields
                .find(name)
                .ok_or_else(|| filter::unknown("order_by", name))?;
            Sort::chosen(field, order.clone())
        }
    };
    let mut select = filter::conditions(select, &seek.conditions, fields)?;
    if let Some(after) = &seek.after {
        select = select.filter(beyond::<E>(&sort, &id, after)?);
    }
    let select = select
        .expr_as(sort.expression.clone(), POSITION)
        .order_by(sort.expression, sort.order)
        .order_by(id, Order::Asc)
        // One more tells whether there is another page.
        .limit(seek.limit + 1);
    let mut rows: Vec<Placed<E::Model>> = match sort.kind {
        Kind::Text => {
            let rows = select.into_model::<Text<E::Model>>().all(db).await?;
            rows.into_iter().map(|row| row.0).collect()
        }
        Kind::Time => {
            let rows = select.into_model::<Time<E::Model>>().all(db).await?;
            rows.into_iter().map(|row| row.0).collect()
        }
    };
    let is_last = rows.len() as u64 <= seek.limit;
    rows.truncate(usize::try_from(seek.limit).unwrap_or(usize::MAX));
    let next = rows
        .last()
        .filter(|_| !is_last)
        .and_then(|row| cursor_of::<E>(row, &seek.list));
    Ok((rows.into_iter().map(|row| row.model).collect(), next))
}

/// Behind the position, in the direction of the order; rows that are equal in it by their id.
fn beyond<E: EntityTrait>(sort: &Sort, id: &Expr, after: &Position) -> Result<Expr, ApiError> {
    let broken = || {
        let message = "`cursor` has to be `next` of the page before.";
        ApiError::invalid("cursor", "format", message)
    };
    let position = operand(sort.kind, &after.place).map_err(|_| broken())?;
    let later = id.clone().gt(after.id::<E>().ok_or_else(broken)?);
    let expression = || sort.expression.clone();
    // The first part is one that an index can begin at.
    Ok(match sort.order {
        Order::Desc => expression()
            .lte(position.clone())
            .and(expression().lt(position).or(later)),
        _ => expression()
            .gte(position.clone())
            .and(expression().gt(position).or(later)),
    })
}

fn primary_key<E: EntityTrait>() -> Option<E::Column> {
    Some(E::PrimaryKey::iter().next()?.into_column())
}

fn cursor_of<E: EntityTrait>(row: &Placed<E::Model>, list: &str) -> Option<String> {
    let key = primary_key::<E>()?;
    let id = match row.model.get(key) {
        sea_orm::Value::String(text) => text.as_deref()?.into(),
        sea_orm::Value::BigInt(number) => number?.into(),
        _ => return None,
    };
    let position = Position {
        place: row.position.clone(),
        id,
        list: list.to_owned(),
    };
    Some(position.encode())
}

/// One page of a list that is short enough to be at hand as a whole, in the order of `id`.
pub fn slice<T>(
    items: Vec<T>,
    seek: &Seek,
    id: impl Fn(&T) -> &str,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    seek.expect_plain()?;
    let mut items = items;
    items.sort_by(|a, b| id(a).cmp(id(b)));
    if let Some(after) = &seek.after {
        items.retain(|item| id(item) > after.place.as_str());
    }
    let limit = usize::try_from(seek.limit).unwrap_or(usize::MAX);
    let is_last = items.len() <= limit;
    items.truncate(limit);
    let next = items.last().filter(|_| !is_last).map(|item| {
        let position = Position {
            place: id(item).to_owned(),
            id: serde_json::Value::Null,
            list: seek.list.clone(),
        };
        position.encode()
    });
    Ok((items, next))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn read(query: &str) -> Result<Option<Seek>, ApiError> {
        Seek::read(&Parameters::parse(query))
    }

    #[test]
    fn a_query_without_cursor_is_none_by_cursor() {
        assert_eq!(read("limit=10").unwrap(), None);
        assert_eq!(read("cursor=").unwrap().unwrap().limit, 50);
        assert_eq!(read("cursor=&limit=500").unwrap().unwrap().limit, 500);
        for refused in [
            "cursor=&limit=0",
            "cursor=&limit=501",
            "cursor=&limit=x",
            "cursor=nonsense",
            "cursor=&filter=x",
            "cursor=&order_by=name",
        ] {
            assert!(read(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn pages_of_a_short_list_lose_and_repeat_nothing() {
        let all: Vec<String> = (0..25).map(|number| format!("{number:02}")).collect();
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let wanted = read(&format!("cursor={cursor}&limit=10")).unwrap().unwrap();
            let (items, next) = slice(all.clone(), &wanted, |item| item).unwrap();
            seen.extend(items);
            match next {
                Some(next) => cursor = next,
                None => break,
            }
        }
        assert_eq!(seen, all);
    }

    #[test]
    fn a_cursor_continues_only_its_own_list() {
        let first = read("cursor=&limit=1").unwrap().unwrap();
        let items = vec!["a".to_owned(), "b".to_owned()];
        let (_, next) = slice(items, &first, |item| item).unwrap();
        let next = next.unwrap();
        assert!(read(&format!("cursor={next}")).unwrap().is_some());
        assert!(read(&format!("cursor={next}&order_by=name+ASC")).is_err());
        let link = first.link(&next);
        assert_eq!(link, format!("<?limit=1&cursor={next}>; rel=\"next\""));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn pages_of_any_short_list_lose_and_repeat_nothing_while_it_changes(
            before in prop::collection::btree_set("\\PC{0,4}", 0..30),
            steps in prop::collection::vec(("\\PC{0,4}", any::<prop::sample::Index>()), 0..20),
            limit in 1..7_u64,
        ) {
            let (mut items, mut stayed) = (before.clone(), before);
            let (mut seen, mut cursor) = (Vec::new(), String::new());
            let mut steps = steps.into_iter();
            loop {
                let wanted = read(&format!("cursor={cursor}&limit={limit}")).unwrap().unwrap();
                let (page, next) = slice(items.iter().cloned().collect(), &wanted, |item| item).unwrap();
                seen.extend(page);
                // Between two pages one comes and one goes.
                if let Some((new, gone)) = steps.next() {
                    if !items.is_empty() {
                        let gone = items.iter().nth(gone.index(items.len())).unwrap().clone();
                        items.remove(&gone);
                        // It may come again, in a place that was read already.
                        stayed.remove(&gone);
                    }
                    items.insert(new);
                }
                match next {
                    Some(next) => cursor = next,
                    None => break,
                }
            }
            let unique: BTreeSet<String> = seen.iter().cloned().collect();
            prop_assert_eq!(unique.len(), seen.len());
            prop_assert!(stayed.is_subset(&unique));
        }

        #[test]
        fn no_cursor_breaks_it(text in "\\PC{0,40}", place: String, number: Option<i64>) {
            let list = read("cursor=").unwrap().unwrap().list;
            prop_assert!(Position::decode(&text, &list).is_err());
            let position = Position { place: place.clone(), id: serde_json::json!(number), list: list.clone() };
            let read = Position::decode(&position.encode(), &list);
            prop_assert_eq!(read.ok(), (!place.contains('\0')).then_some(position));
        }
    }
}
