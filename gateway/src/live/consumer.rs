use bytes::Bytes;
use http::HeaderValue;
use kong::Kind;
use uuid::Uuid;

use super::routing::Bound;
use crate::store::{Row, SharedRow, Tables};

/// A consumer with all that a request needs of it.
///
/// There may be hundreds of thousands, so the texts stand in one piece that headers share.
pub struct Consumer {
    pub row: SharedRow,
    /// Id, custom id, username and the groups with a comma and a blank between them. A text that
    /// is missing is empty, which no given one may be.
    texts: Bytes,
    /// Where each of them ends.
    ends: Box<[u32]>,
    pub plugins: Box<[Bound]>,
    /// Ordinals of `plugins` as bits.
    pub mask: u32,
}

/// Between two groups in their header.
const BETWEEN: &str = ", ";

impl Consumer {
    pub fn new(row: SharedRow, tables: &Tables) -> Self {
        let parent = (Kind::Consumer, row.id);
        let mut acls: Vec<&Row> = tables
            .children(parent, Kind::Acl)
            .map(AsRef::as_ref)
            .collect();
        acls.sort_by_key(|acl| (acl.created_at(), acl.id));
        let plugins: Box<[Bound]> = tables
            .children(parent, Kind::Plugin)
            .filter_map(|plugin| Bound::new(plugin))
            .collect();

        let mut texts = row.id.to_string();
        let mut ends = Vec::with_capacity(3 + acls.len());
        let mut end = |texts: &String| ends.push(u32::try_from(texts.len()).unwrap_or(u32::MAX));
        end(&texts);
        for field in ["custom_id", "username"] {
            texts.push_str(&row.text(field).unwrap_or_default());
            end(&texts);
        }
        for (position, group) in acls.iter().filter_map(|acl| acl.text("group")).enumerate() {
            if position > 0 {
                texts.push_str(BETWEEN);
            }
            texts.push_str(&group);
            end(&texts);
        }
        Self {
            texts: texts.into_boxed_str().into_boxed_bytes().into(),
            ends: ends.into(),
            mask: plugins
                .iter()
                .fold(0, |mask, plugin| mask | 1 << plugin.ordinal),
            plugins,
            row,
        }
    }

    pub fn id(&self) -> Uuid {
        self.row.id
    }

    pub fn custom_id(&self) -> Option<&str> {
        self.text(1)
    }

    pub fn username(&self) -> Option<&str> {
        self.text(2)
    }

    /// In order of creation.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        (3..self.ends.len()).map(|number| {
            let start = self.end(number - 1) + if number > 3 { BETWEEN.len() } else { 0 };
            self.read(start, self.end(number))
        })
    }

    /// `X-Consumer-ID`.
    pub fn id_header(&self) -> HeaderValue {
        self.header(0, 0).unwrap_or(HeaderValue::from_static(""))
    }

    /// `X-Consumer-Custom-ID`; nothing if it cannot stand in a header.
    pub fn custom_id_header(&self) -> Option<HeaderValue> {
        self.header(1, 1)
    }

    /// `X-Consumer-Username`, likewise.
    pub fn username_header(&self) -> Option<HeaderValue> {
        self.header(2, 2)
    }

    /// `X-Consumer-Groups`, likewise.
    pub fn groups_header(&self) -> Option<HeaderValue> {
        self.header(3, self.ends.len().checked_sub(1)?)
    }

    fn end(&self, number: usize) -> usize {
        self.ends.get(number).map_or(0, |end| *end as usize)
    }

    fn start(&self, number: usize) -> usize {
        number.checked_sub(1).map_or(0, |before| self.end(before))
    }

    fn read(&self, start: usize, end: usize) -> &str {
        let bytes = self.texts.get(start..end).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    fn text(&self, number: usize) -> Option<&str> {
        Some(self.read(self.start(number), self.end(number))).filter(|text| !text.is_empty())
    }

    fn header(&self, first: usize, last: usize) -> Option<HeaderValue> {
        let (start, end) = (self.start(first), self.end(last));
        if start >= end {
            return None;
        }
        HeaderValue::from_maybe_shared(self.texts.slice(start..end)).ok()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A consumer with these fields, in these groups.
    fn consumer(fields: &Value, groups: &[&str]) -> Consumer {
        let mut tables = Tables::default();
        let fields = fields.as_object().unwrap().clone();
        let row = tables.create(Kind::Consumer, fields, 0).unwrap();
        for (moment, group) in (0..).zip(groups) {
            let acl = json!({"group": group, "consumer": {"id": row.id}});
            let acl = acl.as_object().unwrap().clone();
            tables.create(Kind::Acl, acl, moment * 1000).unwrap();
        }
        Consumer::new(row, &tables)
    }

    #[test]
    fn each_text_is_itself() {
        let whole = json!({"username": "ädå", "custom_id": "shop-petstore"});
        let ada = consumer(&whole, &["zoo", "a, b", "c"]);
        assert_eq!(ada.custom_id(), Some("shop-petstore"));
        assert_eq!(ada.username(), Some("ädå"));
        assert_eq!(ada.groups().collect::<Vec<_>>(), ["zoo", "a, b", "c"]);
        assert_eq!(ada.id_header(), ada.id().to_string().as_str());
        let bytes = |header: Option<HeaderValue>| header.map(|value| value.as_bytes().to_vec());
        assert_eq!(bytes(ada.username_header()), Some("ädå".into()));
        assert_eq!(bytes(ada.custom_id_header()), Some("shop-petstore".into()));
        assert_eq!(bytes(ada.groups_header()), Some("zoo, a, b, c".into()));
    }

    #[test]
    fn what_is_missing_has_no_header() {
        let bare = consumer(&json!({"custom_id": "two\nlines"}), &[]);
        assert_eq!(bare.username(), None);
        assert_eq!(bare.username_header(), None);
        assert_eq!(bare.custom_id(), Some("two\nlines"));
        assert_eq!(bare.custom_id_header(), None, "it would be two headers");
        assert_eq!(bare.groups().count(), 0);
        assert_eq!(bare.groups_header(), None);
    }
}
