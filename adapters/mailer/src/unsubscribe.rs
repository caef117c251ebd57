//! Links by which a user ends mails of one kind (RFC 8058).

use service::keys::Key;

use crate::{configuration::Configuration, letter::Letter};

/// The link, for mails that a user may do without.
pub fn link(key: Option<&Key>, letter: &Letter, configuration: &Configuration) -> Option<String> {
    let user = letter.to.user_id.as_deref()?;
    let mail = letter.kind();
    if !mail.is_optional() {
        return None;
    }
    let token = sdk::unsubscribe::sign(key?, user, mail.template());
    Some(format!("{}/unsubscribe/{token}", configuration.portal))
}
