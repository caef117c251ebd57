use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::{
    HeaderMap, HeaderName, StatusCode,
    header::{AGE, CONTENT_LENGTH, CONTENT_TYPE, SET_COOKIE, TRAILER, VARY},
};
use http_body::Frame;

use super::{
    KEY, Key, ProxyCache, STATUS, Status, Store, Stored,
    control::{self, Directives},
    media_type::matches,
};
use crate::proxy::ResponseEdits;

/// The largest answer that is kept.
const MAX_BODY: usize = 8 << 20;

/// The answer to a request may be kept.
pub struct Keeping {
    plugin: Arc<ProxyCache>,
    store: Arc<Store>,
    key: Key,
    /// The request's, for an answer that depends on them.
    headers: HeaderMap,
}

/// An answer that is being kept.
pub struct Recording {
    stored: Stored,
    body: BytesMut,
    store: Arc<Store>,
    key: Key,
}

impl Keeping {
    pub fn new(
        plugin: &Arc<ProxyCache>,
        store: &Arc<Store>,
        key: Key,
        headers: &HeaderMap,
    ) -> Self {
        Self {
            plugin: plugin.clone(),
            store: store.clone(),
            key,
            headers: headers.clone(),
        }
    }

    /// The answer is here. Nothing, if it is not for others.
    pub fn answered(
        self,
        status: StatusCode,
        headers: &HeaderMap,
        edits: &mut ResponseEdits,
    ) -> Option<Recording> {
        let stored = self.stored(status, headers);
        if stored.is_none() {
            if self.plugin.shown.status {
                edits.set(STATUS, Status::Bypass.header());
            }
            edits.remove(KEY);
        }
        Some(Recording {
            stored: stored?,
            body: BytesMut::new(),
            store: self.store,
            key: self.key,
        })
    }

    fn stored(&self, status: StatusCode, headers: &HeaderMap) -> Option<Stored> {
        let plugin = &self.plugin;
        let said = Directives::of(headers);
        let now = service::clock::now().timestamp();
        let lifetime = if plugin.obeys {
            said.lifetime(headers, now)
        } else {
            plugin.ttl
        };
        let age = if plugin.obeys {
            control::age(headers)
        } else {
            0
        };
        let kind = headers.get(CONTENT_TYPE);
        let kind = kind.and_then(|value| value.to_str().ok()?.parse().ok())?;
        let is_public = plugin.codes.contains(&status.as_u16())
            && plugin.types.iter().any(|known| matches(known, &kind))
            && !headers.contains_key(SET_COOKIE)
            && !(plugin.obeys && (said.private || said.no_store || said.no_cache))
            && lifetime > age;
        if !is_public || announced(headers) > MAX_BODY as u64 {
            return None;
        }
        let kept_for = plugin.storage_ttl.unwrap_or(lifetime - age);
        Some(Stored {
            plugin: plugin.id,
            status,
            varies: self.varies(headers)?,
            headers: kept(headers),
            body: Bytes::new(),
            since: now,
            initial_age: age,
            lifetime,
            ends_at: now.saturating_add_unsigned(kept_for),
            may_be_stale: !said.must_revalidate && said.s_maxage.is_none(),
        })
    }

    /// What the answer depends on, as this request has it. Nothing, if that is anything at all.
    fn varies(&self, headers: &HeaderMap) -> Option<Vec<(HeaderName, Vec<http::HeaderValue>)>> {
        let mut varies = Vec::new();
        for value in headers.get_all(VARY) {
            for name in value.to_str().ok()?.split(',').map(str::trim) {
                if name.is_empty() {
                    continue;
                }
                // `*` is a token, too.
                let name: HeaderName = name.parse().ok().filter(|name: &HeaderName| name != "*")?;
                let values = self.headers.get_all(&name).iter().cloned().collect();
                varies.push((name, values));
            }
        }
        Some(varies)
    }
}

fn announced(headers: &HeaderMap) -> u64 {
    let length = headers.get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    length.unwrap_or(0)
}

/// Without what is about this one call.
fn kept(headers: &HeaderMap) -> HeaderMap {
    let is_passing = |name: &HeaderName| {
        [AGE, STATUS, KEY, TRAILER].contains(name) || name.as_str().contains("ratelimit-remaining")
    };
    let mut kept = headers.clone();
    for name in headers.keys().filter(|name| is_passing(name)) {
        kept.remove(name);
    }
    kept
}

impl Recording {
    /// Whether it can still be kept with this piece.
    pub fn add(&mut self, frame: &Frame<Bytes>) -> bool {
        let Some(data) = frame.data_ref() else {
            // Trailers belong to this call.
            return false;
        };
        self.body.extend_from_slice(data);
        self.body.len() <= MAX_BODY
    }

    /// The answer is whole.
    pub fn finish(self) {
        let stored = Stored {
            body: self.body.freeze(),
            ..self.stored
        };
        self.store.put(self.key, stored);
    }
}
