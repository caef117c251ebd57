//! The envelope of lists and their query parameters (portal-api 6).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// One page of a list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// All matches, not only those of this page.
    pub count: u64,
    #[serde(default)]
    pub count_cached: bool,
    /// Absent in lists without paging (registrations of one user, grants).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

impl<T> Page<T> {
    /// A list that is always complete.
    pub fn complete(items: Vec<T>) -> Self {
        Self {
            count: items.len() as u64,
            items,
            count_cached: false,
            offset: None,
            limit: None,
        }
    }
}

/// A page of a list that was asked for with `cursor`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CursorPage<T> {
    pub items: Vec<T>,
    pub limit: u64,
    /// The `cursor` of the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// An item of a list that was asked without `embed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Id {
    pub id: String,
}

/// Query parameters of a list, as a client sends them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListQuery {
    pub offset: u64,
    /// 0 = as many as the server allows.
    pub limit: u64,
    /// Case-insensitive substrings per field; all must match.
    pub filter: BTreeMap<String, String>,
    /// `<field> ASC` or `<field> DESC`.
    pub order_by: Option<String>,
    /// The number of all matches is to be counted anew, by servers that remember it.
    pub fresh: bool,
}

/// Query parameters of a list that is read to its end, page by page (portal-api B1).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Walk {
    /// Texts that have to be part of the field, or objects of operators.
    pub filter: Map<String, Value>,
    /// `<field> ASC` or `<field> DESC`.
    pub order_by: Option<String>,
    /// `next` of the page before; empty for the first one.
    pub cursor: String,
    /// Up to 500.
    pub limit: u64,
}

impl Walk {
    /// The parameters as pairs.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = vec![
            ("cursor", self.cursor.clone()),
            ("limit", self.limit.to_string()),
            ("embed", "1".to_owned()),
        ];
        if !self.filter.is_empty() {
            let filter = serde_json::to_string(&self.filter).expect("texts are JSON");
            pairs.push(("filter", filter));
        }
        if let Some(order) = &self.order_by {
            pairs.push(("order_by", order.clone()));
        }
        pairs
    }
}

impl ListQuery {
    /// The parameters as pairs. `filter` and `order_by` only act together with `embed`.
    pub fn pairs(&self, embed: bool) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::new();
        if self.limit > 0 {
            pairs.push(("limit", self.limit.to_string()));
            pairs.push(("offset", self.offset.to_string()));
        }
        if embed {
            pairs.push(("embed", "1".to_owned()));
        }
        if !self.filter.is_empty() {
            let filter = serde_json::to_string(&self.filter).expect("texts are JSON");
            pairs.push(("filter", filter));
        }
        if let Some(order) = &self.order_by {
            pairs.push(("order_by", order.clone()));
        }
        if self.fresh {
            pairs.push(("no_cache", "1".to_owned()));
        }
        pairs
    }
}
