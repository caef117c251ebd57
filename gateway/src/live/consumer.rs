use bytes::Bytes;
use http::HeaderValue;
use kong::Kind;
use uuid::Uuid;

use super::routing::Bound;
use crate::store::{Row, Tables};

/// A consumer with all that a request needs of it. There may be hundreds of thousands.
pub struct Consumer {
    pub row: Row,
    /// The groups in order of creation with a comma and a blank between them, as one piece that
    /// headers share, behind their number and where each of them ends. Nothing without groups.
    groups: Bytes,
    /// Few have any.
    own: Option<Box<Own>>,
}

/// Plugins that are bound to a consumer.
struct Own {
    /// Ordinals as bits.
    mask: u32,
    plugins: Vec<Bound>,
}

/// Between two groups in their header.
const BETWEEN: &str = ", ";
/// Bytes of the number of groups, and of each end.
const NUMBER: usize = size_of::<u32>();

impl Consumer {
    pub fn new(row: Row, tables: &Tables) -> Self {
        let parent = (Kind::Consumer, row.id);
        let mut acls: Vec<&Row> = tables.children(parent, Kind::Acl).collect();
        acls.sort_by_key(|acl| (acl.created_at(), acl.id));
        let groups = acls.iter().filter_map(|acl| acl.text("group"));
        let groups: Vec<String> = groups.collect();
        let plugins = tables.children(parent, Kind::Plugin);
        let plugins: Vec<Bound> = plugins.filter_map(Bound::new).collect();
        let own = (!plugins.is_empty()).then(|| {
            let bits = plugins.iter().map(|plugin| 1 << plugin.ordinal);
            let mask = bits.fold(0, std::ops::BitOr::bitor);
            Box::new(Own { mask, plugins })
        });
        Self {
            groups: pack(&groups),
            own,
            row: row.shaped(),
        }
    }

    /// Ordinals of `plugins` as bits.
    pub fn mask(&self) -> u32 {
        self.own.as_ref().map_or(0, |own| own.mask)
    }

    pub fn plugins(&self) -> &[Bound] {
        self.own.as_ref().map_or(&[], |own| &own.plugins)
    }

    pub fn id(&self) -> Uuid {
        self.row.id
    }

    pub fn custom_id(&self) -> Option<&str> {
        self.row.name("custom_id")
    }

    pub fn username(&self) -> Option<&str> {
        self.row.name("username")
    }

    /// In order of creation.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        (0..self.count()).map(|group| {
            let start = match group {
                0 => self.start(),
                _ => self.end(group - 1) + BETWEEN.len(),
            };
            let text = &self.groups[start..self.end(group)];
            std::str::from_utf8(text).unwrap_or_default()
        })
    }

    /// `X-Consumer-ID`.
    pub fn id_header(&self) -> Option<HeaderValue> {
        id_header(self.row.id)
    }

    /// `X-Consumer-Custom-ID`; nothing if it cannot stand in a header.
    pub fn custom_id_header(&self) -> Option<HeaderValue> {
        text_header(self.custom_id()?)
    }

    /// `X-Consumer-Username`, likewise.
    pub fn username_header(&self) -> Option<HeaderValue> {
        text_header(self.username()?)
    }

    /// `X-Consumer-Groups`, likewise.
    pub fn groups_header(&self) -> Option<HeaderValue> {
        let last = self.count().checked_sub(1)?;
        HeaderValue::from_maybe_shared(self.groups.slice(self.start()..self.end(last))).ok()
    }

    fn number(&self, position: usize) -> usize {
        let bytes = self.groups.get(position * NUMBER..);
        let bytes = bytes.and_then(<[u8]>::first_chunk);
        bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes) as usize)
    }

    fn count(&self) -> usize {
        self.number(0)
    }

    fn start(&self) -> usize {
        NUMBER * (1 + self.count())
    }

    fn end(&self, group: usize) -> usize {
        self.number(1 + group)
    }
}

pub fn id_header(id: Uuid) -> Option<HeaderValue> {
    text_header(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
}

/// Nothing for a text that cannot stand in a header.
pub fn text_header(text: &str) -> Option<HeaderValue> {
    HeaderValue::from_bytes(text.as_bytes()).ok()
}

fn pack(groups: &[String]) -> Bytes {
    if groups.is_empty() {
        return Bytes::new();
    }
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes();
    let mut end = NUMBER * (1 + groups.len());
    let mut packed = number(groups.len()).to_vec();
    for (position, group) in groups.iter().enumerate() {
        end += group.len() + if position > 0 { BETWEEN.len() } else { 0 };
        packed.extend(number(end));
    }
    packed.extend_from_slice(groups.join(BETWEEN).as_bytes());
    packed.into_boxed_slice().into()
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
        assert_eq!(ada.id_header().unwrap(), ada.id().to_string().as_str());
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
