use std::{collections::HashMap, rc::Rc, sync::Arc};

use super::Token;
use crate::live::Directory;

/// Tokens whose signature this worker has verified, by the digest of their whole text: an ES256
/// verification costs more than everything else a request needs.
///
/// An entry is worth something only as long as the very key that verified it is in force. So a
/// key that is changed, removed, or moved to another consumer empties its entries at once.
#[derive(Default)]
pub struct TokenCache {
    tokens: HashMap<[u8; 32], Rc<Token>>,
}

const CAPACITY: usize = 4096;

impl TokenCache {
    pub fn get(
        &mut self,
        digest: &[u8; 32],
        key_claim: &str,
        directory: &Directory,
    ) -> Option<Rc<Token>> {
        let token = self.tokens.get(digest)?;
        let current = directory.token_key(&token.key_name);
        let valid = token.key_claim == key_claim
            && current.is_some_and(|current| Arc::ptr_eq(&current, &token.key));
        if !valid {
            self.tokens.remove(digest);
            return None;
        }
        Some(token.clone())
    }

    pub fn insert(&mut self, digest: [u8; 32], token: Rc<Token>) {
        if !token.key.key.is_asymmetric() {
            // Cheap to verify, and the plugin's settings decide what the secret is.
            return;
        }
        if self.tokens.len() >= CAPACITY {
            let now = service::clock::now().timestamp();
            self.tokens.retain(|_, token| token.expires_at > now);
            if self.tokens.len() >= CAPACITY {
                self.tokens.clear();
            }
        }
        self.tokens.insert(digest, token);
    }
}
