//! How requests say which trace they belong to.

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// `traceparent` (W3C Trace Context).
    W3c,
    /// `X-B3-…`
    B3,
    /// `b3`
    B3Single,
}

const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");
const B3: HeaderName = HeaderName::from_static("b3");
const B3_TRACE: HeaderName = HeaderName::from_static("x-b3-traceid");
const B3_SPAN: HeaderName = HeaderName::from_static("x-b3-spanid");
const B3_PARENT: HeaderName = HeaderName::from_static("x-b3-parentspanid");
const B3_SAMPLED: HeaderName = HeaderName::from_static("x-b3-sampled");
const B3_FLAGS: HeaderName = HeaderName::from_static("x-b3-flags");

/// The place of a request in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace {
    id: u128,
    /// Our part.
    span: u64,
    /// What the request is a part of.
    parent: Option<u64>,
    /// The try that the backend's part belongs to.
    client: u64,
    pub is_sampled: bool,
}

/// What came with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Came {
    id: Option<u128>,
    parent: Option<u64>,
    pub is_sampled: Option<bool>,
}

impl Trace {
    pub fn new(id: u128, spans: u128) -> Self {
        Self {
            id: id.max(1),
            span: low(spans).max(1),
            parent: None,
            client: low(spans >> 64).max(1),
            is_sampled: false,
        }
    }

    pub fn continues(&mut self, came: &Came) {
        if let Some(id) = came.id {
            self.id = id;
            self.parent = came.parent;
        }
    }

    /// 32 hex digits; the others are 16.
    pub fn id(&self) -> String {
        format!("{:032x}", self.id)
    }

    fn span(&self) -> String {
        format!("{:016x}", self.span)
    }

    /// Of the last try, which the backend knows about.
    fn client(&self) -> String {
        format!("{:016x}", self.client_number(0))
    }

    fn client_number(&self, tries_after: usize) -> u64 {
        let number = (tries_after as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (self.client ^ number).max(1)
    }

    pub fn id_bytes(&self) -> Vec<u8> {
        self.id.to_be_bytes().to_vec()
    }

    pub fn span_bytes(&self) -> Vec<u8> {
        self.span.to_be_bytes().to_vec()
    }

    /// Nothing for the first span of a trace.
    pub fn parent_bytes(&self) -> Vec<u8> {
        let parent = self.parent.map(u64::to_be_bytes);
        parent.map_or_else(Vec::new, Vec::from)
    }

    /// Of a try with so many after it.
    pub fn client_bytes(&self, tries_after: usize) -> Vec<u8> {
        self.client_number(tries_after).to_be_bytes().to_vec()
    }
}

#[expect(clippy::cast_possible_truncation, reason = "half of it is wanted")]
const fn low(number: u128) -> u64 {
    number as u64
}

impl Format {
    pub fn read(self, headers: &HeaderMap) -> Option<Came> {
        match self {
            Self::W3c => w3c(single(headers, &TRACE_PARENT)?),
            Self::B3Single => b3(single(headers, &B3)?),
            Self::B3 => {
                let flags = single(headers, &B3_FLAGS);
                let sampled = match (flags, single(headers, &B3_SAMPLED)) {
                    (Some("1"), _) => Some(true),
                    (_, Some(text)) => b3_sampled(text),
                    _ => None,
                };
                let ids = single(headers, &B3_TRACE).zip(single(headers, &B3_SPAN));
                match ids {
                    Some((trace, span)) => Some(Came {
                        id: Some(b3_trace(trace)?),
                        parent: Some(span_id(span)?),
                        is_sampled: sampled,
                    }),
                    None => sampled.map(|sampled| Came {
                        id: None,
                        parent: None,
                        is_sampled: Some(sampled),
                    }),
                }
            }
        }
    }

    /// Tells the backend.
    pub fn write(self, trace: &Trace, headers: &mut HeaderMap) {
        let sampled = u8::from(trace.is_sampled);
        let (id, span) = (trace.id(), trace.client());
        let mut set = |name: HeaderName, value: String| {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        };
        match self {
            Self::W3c => set(TRACE_PARENT, format!("00-{id}-{span}-0{sampled}")),
            Self::B3Single => set(B3, format!("{id}-{span}-{sampled}-{}", trace.span())),
            Self::B3 => {
                set(B3_TRACE, id);
                set(B3_SPAN, span);
                set(B3_PARENT, trace.span());
                set(B3_SAMPLED, sampled.to_string());
                headers.remove(B3_FLAGS);
            }
        }
    }
}

/// Nothing if there are several: which one would count?
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

fn w3c(text: &str) -> Option<Came> {
    let is_lower = |text: &str| {
        text.bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let mut parts = text.splitn(5, '-');
    let (version, id, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    // A later version may have more.
    let fits = version.len() == 2 && version != "ff" && (version != "00" || parts.next().is_none());
    if !fits || flags.len() != 2 || ![version, id, parent, flags].into_iter().all(is_lower) {
        return None;
    }
    let flags = u8::from_str_radix(flags, 16).ok()?;
    Some(Came {
        id: Some(trace_id(id)?),
        parent: Some(span_id(parent)?),
        is_sampled: Some(flags & 1 == 1),
    })
}

fn b3(text: &str) -> Option<Came> {
    let parts: Vec<&str> = text.split('-').collect();
    let (id, span, sampled) = match parts[..] {
        [sampled] => {
            return Some(Came {
                id: None,
                parent: None,
                is_sampled: Some(b3_sampled(sampled)?),
            });
        }
        [id, span] => (id, span, None),
        [id, span, sampled] | [id, span, sampled, _] => (id, span, Some(sampled)),
        _ => return None,
    };
    Some(Came {
        id: Some(b3_trace(id)?),
        parent: Some(span_id(span)?),
        is_sampled: match sampled {
            Some(sampled) => Some(b3_sampled(sampled)?),
            None => None,
        },
    })
}

fn b3_sampled(text: &str) -> Option<bool> {
    match text {
        "1" | "true" | "d" => Some(true),
        "0" | "false" => Some(false),
        _ => None,
    }
}

/// Of 64 or 128 bits.
fn b3_trace(text: &str) -> Option<u128> {
    match text.len() {
        16 => span_id(text).map(u128::from),
        _ => trace_id(text),
    }
}

fn trace_id(text: &str) -> Option<u128> {
    let id = is_hex(text, 32).then(|| u128::from_str_radix(text, 16))?;
    id.ok().filter(|id| *id != 0)
}

fn span_id(text: &str) -> Option<u64> {
    let id = is_hex(text, 16).then(|| u64::from_str_radix(text, 16))?;
    id.ok().filter(|id| *id != 0)
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        let pairs = pairs.iter().cloned();
        pairs
            .map(|(name, value)| (name, HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    #[test]
    fn only_what_follows_its_format_counts() {
        const ID: &str = "0af7651916cd43dd8448eb211c80319c";
        const SPAN: &str = "b7ad6b7169203331";
        for (text, sampled) in [
            (format!("00-{ID}-{SPAN}-01"), Some(true)),
            (format!("00-{ID}-{SPAN}-00"), Some(false)),
            (format!("01-{ID}-{SPAN}-03-more"), Some(true)),
            (format!("00-{ID}-{SPAN}-01-more"), None),
            (format!("ff-{ID}-{SPAN}-01"), None),
            (format!("00-{}-{SPAN}-01", "0".repeat(32)), None),
            (format!("00-{ID}-{}-01", "0".repeat(16)), None),
            (format!("00-{}-{SPAN}-01", ID.to_uppercase()), None),
            (format!("00-{ID}-{SPAN}"), None),
            (format!("00-{ID}-{SPAN}-1"), None),
            (String::new(), None),
        ] {
            let came = Format::W3c.read(&headers(&[(TRACE_PARENT, &text)]));
            assert_eq!(came.and_then(|came| came.is_sampled), sampled, "{text}");
        }
        for (text, id, sampled) in [
            (format!("{ID}-{SPAN}-1-{SPAN}"), true, Some(true)),
            (format!("{ID}-{SPAN}-d"), true, Some(true)),
            (format!("{SPAN}-{SPAN}-0"), true, Some(false)),
            (format!("{ID}-{SPAN}"), true, None),
            ("0".to_owned(), false, Some(false)),
            (format!("{ID}-{SPAN}-x"), false, None),
            (ID.to_owned(), false, None),
        ] {
            let came = Format::B3Single.read(&headers(&[(B3, &text)]));
            assert_eq!(came.is_some_and(|came| came.id.is_some()), id, "{text}");
            assert_eq!(came.and_then(|came| came.is_sampled), sampled, "{text}");
        }
        let several = headers(&[(B3_TRACE, ID), (B3_SPAN, SPAN), (B3_FLAGS, "1")]);
        assert_eq!(Format::B3.read(&several).unwrap().is_sampled, Some(true));
        let twice = headers(&[(TRACE_PARENT, "a"), (TRACE_PARENT, "b")]);
        assert_eq!(Format::W3c.read(&twice), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(id: u128, spans: u128, is_sampled: bool) {
            let mut trace = Trace::new(id, spans);
            trace.is_sampled = is_sampled;
            for format in [Format::W3c, Format::B3, Format::B3Single] {
                let mut headers = HeaderMap::new();
                format.write(&trace, &mut headers);
                let came = format.read(&headers).unwrap();
                prop_assert_eq!(came.id, Some(trace.id));
                prop_assert_eq!(came.parent, Some(trace.client));
                prop_assert_eq!(came.is_sampled, Some(is_sampled));
            }
        }

        #[test]
        fn any_text_is_read_or_left(text in "[0-9a-fA-FxX-]{0,70}|.{0,60}") {
            if let Ok(value) = HeaderValue::from_str(&text) {
                let names = [TRACE_PARENT, B3, B3_TRACE, B3_SPAN, B3_SAMPLED, B3_FLAGS];
                let headers: HeaderMap = names.map(|name| (name, value.clone())).into_iter().collect();
                for format in [Format::W3c, Format::B3, Format::B3Single] {
                    if let Some(came) = format.read(&headers) {
                        prop_assert!(came.id != Some(0) && came.parent != Some(0));
                    }
                }
            }
        }
    }
}
