//! Tokens whose signature was verified: that costs more than everything else a read needs.

use std::sync::Arc;

use jsonwebtoken::DecodingKey;
use quick_cache::sync::Cache;
use ring::digest;

use super::Claims;

/// At some 400 bytes each.
const CAPACITY: usize = 10_000;

/// By the digest of the whole token. An entry counts only as long as the very key that verified it
/// is published, and until the token expires.
pub struct Verified(Cache<[u8; 32], Entry>);

#[derive(Clone)]
struct Entry {
    key: Arc<DecodingKey>,
    claims: Arc<Claims>,
}

impl Default for Verified {
    fn default() -> Self {
        Self(Cache::new(CAPACITY))
    }
}

impl Verified {
    /// What the token says, if it was verified with `key` and has not expired.
    pub fn get(&self, token: &str, key: &Arc<DecodingKey>) -> Option<Arc<Claims>> {
        let entry = self.0.get(&digest(token))?;
        let is_good =
            Arc::ptr_eq(&entry.key, key) && entry.claims.exp > service::clock::now().timestamp();
        is_good.then_some(entry.claims)
    }

    pub fn insert(&self, token: &str, key: Arc<DecodingKey>, claims: Arc<Claims>) {
        self.0.insert(digest(token), Entry { key, claims });
    }
}

pub fn digest(token: &str) -> [u8; 32] {
    let digest = digest::digest(&digest::SHA256, token.as_bytes());
    digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
}
