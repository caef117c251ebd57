//! Links in mails by which a user ends mails of one kind, without logging in (RFC 8058). Made by
//! the mailer, checked by portal-api, with the key of purpose `unsubscribe`.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use service::keys::Key;

/// Half of a digest is enough for a right that weighs so little, and keeps links short.
const TAG: usize = 16;

/// The token for `user` and `mail`. It does not end: a mail may be read years later, and all it can
/// do is to make one kind of mail stop.
pub fn sign(key: &Key, user: &str, mail: &str) -> String {
    let content = format!("{user}\n{mail}");
    let tag = &key.hmac_sha256(content.as_bytes())[..TAG];
    format!("{}.{}", BASE64.encode(&content), BASE64.encode(tag))
}

/// User and mail of a token that [`sign`] made.
pub fn verify(key: &Key, token: &str) -> Option<(String, String)> {
    let (content, tag) = token.split_once('.')?;
    let content = String::from_utf8(BASE64.decode(content).ok()?).ok()?;
    let (user, mail) = content.split_once('\n')?;
    let given = BASE64.decode(tag).ok()?;
    let is_same = key.both().any(|key| {
        // Compared as digests, so that the time it takes tells nothing.
        let wanted = key.hmac_sha256(content.as_bytes());
        key.hmac_sha256(&wanted[..TAG]) == key.hmac_sha256(&given)
    });
    is_same.then(|| (user.to_owned(), mail.to_owned()))
}

#[cfg(test)]
mod tests {
    use service::keys::{Keys, MasterKey, Purpose};

    use super::*;

    #[test]
    fn a_token_is_good_for_its_user_and_mail_only() {
        let key = || {
            Keys::from_master(MasterKey::generate())
                .derive(&Purpose::Unsubscribe)
                .unwrap()
        };
        let (ours, theirs) = (key(), key());
        let token = sign(&ours, "ada", "announcement");
        let expected = ("ada".to_owned(), "announcement".to_owned());
        assert_eq!(verify(&ours, &token), Some(expected));
        assert_eq!(verify(&theirs, &token), None);
        let (_, tag) = token.split_once('.').unwrap();
        let forged = format!("{}.{tag}", BASE64.encode("eve\nannouncement"));
        assert_eq!(verify(&ours, &forged), None);
        assert_eq!(verify(&ours, "nonsense"), None);
    }
}
