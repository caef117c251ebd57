//! Names and passwords that a directory knows: the account is searched for, and then its password is
//! tried (19.5).

use std::{collections::HashSet, time::Duration};

use ldap3::{LdapConnAsync, LdapConnSettings, Scope, SearchEntry, SearchOptions, ldap_escape};
use serde_json::{Map, Value};

use crate::{
    configuration::{LdapSettings, USERNAME},
    federated::{Identity, groups_of},
    interaction::InteractionError,
};

/// How long the directory may take for everything together.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long it may take to connect.
const CONNECT: Duration = Duration::from_secs(3);

/// What a directory answers when the password, or the account itself, is not accepted: wrong, locked,
/// ended, or not to be used like this (RFC 4511, appendix A).
const REFUSED: &[u32] = &[19, 48, 49, 50, 53];
const SIZE_LIMIT_EXCEEDED: u32 = 4;
const NO_SUCH_OBJECT: u32 = 32;

/// Who somebody is, or nothing if the directory refuses name and password.
pub async fn verify(
    settings: &LdapSettings,
    username: &str,
    password: &str,
) -> Result<Option<Identity>, InteractionError> {
    // An empty password would be a bind without authentication, which succeeds (F6).
    if password.is_empty() || !is_name(username) {
        return Ok(None);
    }
    let answer = tokio::time::timeout(TIMEOUT, ask(settings, username, password)).await;
    let error = match answer {
        Ok(Ok(identity)) => return Ok(identity),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "it takes too long".to_owned(),
    };
    Err(InteractionError::Provider(format!(
        "the directory cannot be asked: {error}"
    )))
}

/// `^[a-zA-Z0-9_@.+-]+$`
fn is_name(text: &str) -> bool {
    (1..=256).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_@.+-".contains(&byte))
}

/// Why a directory could not be asked.
#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error(transparent)]
    Ldap(#[from] ldap3::LdapError),
    #[error("it refuses the account that searches (code {0})")]
    Account(u32),
    #[error("the search fails (code {0})")]
    Search(u32),
    #[error("the log-in fails (code {0})")]
    Bind(u32),
}

async fn ask(
    settings: &LdapSettings,
    username: &str,
    password: &str,
) -> Result<Option<Identity>, AskError> {
    let connection = LdapConnSettings::new()
        .set_conn_timeout(CONNECT)
        .set_starttls(settings.start_tls)
        .set_config(settings.tls.clone());
    let url = settings.url.as_str();
    let (connection, mut ldap) = LdapConnAsync::with_settings(connection, url).await?;
    // Ends with the last handle.
    tokio::spawn(async move {
        if let Err(error) = connection.drive().await {
            tracing::debug!(%error, "the connection to a directory ended");
        }
    });
    if let Some((user, password)) = &settings.account {
        let result = ldap.simple_bind(user, password.expose()).await?;
        if result.rc != 0 {
            return Err(AskError::Account(result.rc));
        }
    }
    let filter = settings
        .filter
        .replacen(USERNAME, &ldap_escape(username), 1);
    let attributes = settings.profile.iter().map(|(_, attribute)| attribute);
    let attributes: HashSet<&str> = attributes
        .chain(&settings.group_field)
        .map(String::as_str)
        .collect();
    let attributes: Vec<&str> = attributes.into_iter().collect();
    // One more than there may be.
    ldap.with_search_options(SearchOptions::new().sizelimit(2));
    let found = ldap
        .search(&settings.base, Scope::Subtree, &filter, attributes)
        .await?;
    let (entries, result) = (found.0, found.1);
    if ![0, SIZE_LIMIT_EXCEEDED, NO_SUCH_OBJECT].contains(&result.rc) {
        return Err(AskError::Search(result.rc));
    }
    let mut entries = entries.into_iter().filter(|entry| !entry.is_ref());
    let (Some(entry), None) = (entries.next(), entries.next()) else {
        return Ok(None);
    };
    let entry = SearchEntry::construct(entry);
    let result = ldap.simple_bind(&entry.dn, password).await?;
    if REFUSED.contains(&result.rc) {
        return Ok(None);
    }
    if result.rc != 0 {
        return Err(AskError::Bind(result.rc));
    }
    ldap.unbind().await.ok();
    Ok(identity(settings, &entry))
}

/// What the entry says; nothing without id and mail address.
fn identity(settings: &LdapSettings, entry: &SearchEntry) -> Option<Identity> {
    let mut profile = Map::new();
    for (claim, attribute) in &settings.profile {
        if let Some(value) = value(entry, attribute) {
            profile.insert(claim.clone(), Value::String(value));
        }
    }
    let mut identity = Identity::of_profile(&profile)?;
    identity.email.as_ref()?;
    identity.email_verified = settings.trust_users;
    if let Some(field) = &settings.group_field {
        let names = texts(entry, field);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        identity.groups = groups_of(&settings.default_groups, &names);
    }
    Some(identity)
}

/// The first value; one that is no text, such as the `objectGUID` of Active Directory, in hex digits.
fn value(entry: &SearchEntry, attribute: &str) -> Option<String> {
    let mut binary = entry.bin_attrs.iter();
    let binary = binary.find(|(name, _)| name.eq_ignore_ascii_case(attribute));
    let binary = || Some(hex::encode(binary?.1.first()?));
    texts(entry, attribute).first().cloned().or_else(binary)
}

fn texts<'a>(entry: &'a SearchEntry, attribute: &str) -> &'a [String] {
    let mut all = entry.attrs.iter();
    let found = all.find(|(name, _)| name.eq_ignore_ascii_case(attribute));
    found
        .map(|(_, values)| values.as_slice())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_reach_a_directory() {
        assert!(is_name("ada.lovelace+1@example-a.org"));
        for wrong in ["", "*", "a)(uid=*", "a b", "ä", "a\0"] {
            assert!(!is_name(wrong), "{wrong}");
        }
    }
}
