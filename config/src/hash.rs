//! The configuration hash: an opaque text that changes exactly when the configuration does.
//!
//! SHA-256 over all files, sorted. Not in it: clone metadata (a commit that changes nothing needs
//! no reload) and the key file.

use ring::hmac;
use sha2::{Digest, Sha256};

use crate::{environment::Environment, tree::Tree};

/// `used` are the variables that the configuration refers to, with their values. They count only
/// with a key (see [`Environment::hash_key`]).
pub(crate) fn hash(tree: &Tree, environment: &Environment, used: &[(String, String)]) -> String {
    let mut hasher = Sha256::new();
    for (path, bytes) in tree.iter().filter(|(path, _)| counts(path)) {
        part(&mut hasher, path.as_bytes());
        part(&mut hasher, bytes);
    }
    part(&mut hasher, environment.name().as_bytes());
    for name in ["WICKETGATE_GATEWAY", "WICKETGATE_TOKEN_MODE"] {
        part(
            &mut hasher,
            environment.var(name).unwrap_or_default().as_bytes(),
        );
    }
    let overrides = &environment.overrides;
    part(&mut hasher, format!("{overrides:?}").as_bytes());
    let digest: [u8; 32] = hasher.finalize().into();
    let Some(key) = environment.hash_key else {
        return hex::encode(&digest[..20]);
    };
    let mut mac = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &key));
    mac.update(&digest);
    for (name, value) in used {
        for text in [name, value] {
            mac.update(&text.len().to_be_bytes());
            mac.update(text.as_bytes());
        }
    }
    hex::encode(&mac.sign().as_ref()[..20])
}

/// Id of a version of the files alone, whatever environment they are read in.
pub(crate) fn of_files(tree: &Tree) -> String {
    let mut hasher = Sha256::new();
    for (path, bytes) in tree.iter() {
        part(&mut hasher, path.as_bytes());
        part(&mut hasher, bytes);
    }
    hex::encode(&hasher.finalize()[..20])
}

/// With its length in front, so that parts cannot be shifted into each other.
fn part(hasher: &mut Sha256, bytes: &[u8]) {
    hasher.update(bytes.len().to_be_bytes());
    hasher.update(bytes);
}

fn counts(path: &str) -> bool {
    path != "last_commit" && path != "build_date" && !crate::files::is_key_file(path)
}

#[cfg(test)]
mod tests {
    use super::hash;
    use crate::{environment::Environment, tree::Tree};

    #[test]
    fn only_what_matters_changes_the_hash() {
        let environment = Environment::default();
        let mut tree = Tree::sample();
        let before = hash(&tree, &environment, &[]);
        tree.insert("last_commit", "abc");
        tree.insert("deploy.envkey", "key");
        assert_eq!(hash(&tree, &environment, &[]), before);
        tree.insert("content/new.md", "text");
        assert_ne!(hash(&tree, &environment, &[]), before);
    }

    #[test]
    fn values_count_with_a_key_only() {
        let tree = Tree::default();
        let used = [("A".to_owned(), "1".to_owned())];
        let mut environment = Environment::default();
        assert_eq!(
            hash(&tree, &environment, &used),
            hash(&tree, &environment, &[])
        );
        environment.hash_key = Some([7; 32]);
        assert_ne!(
            hash(&tree, &environment, &used),
            hash(&tree, &environment, &[])
        );
    }
}
