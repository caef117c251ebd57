//! Where a repository is: `https://…`, `http://…`, `ssh://…`, `user@host:path`, `file://…`, or
//! host and path alone (then https).

use std::fmt;

use url::Url;

/// An address without credentials; shown in errors and logs as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryAddress {
    url: String,
    user_password: Option<Secret>,
}

/// Its `Debug` prints nothing of it.
#[derive(Clone, PartialEq, Eq)]
struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// A text that is no address of a repository.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no address of a git repository")]
pub struct InvalidAddress;

impl RepositoryAddress {
    /// Reads `GIT_REPO` or the value of `--config`. Credentials in it are taken out.
    pub fn parse(text: &str) -> Result<Self, InvalidAddress> {
        let text = text.trim();
        if let Some((user, path)) = scp_form(text) {
            return Ok(Self {
                url: format!("{user}:{path}"),
                user_password: None,
            });
        }
        let with_scheme = if text.contains("://") {
            text.to_owned()
        } else {
            format!("https://{text}")
        };
        let mut url = Url::parse(&with_scheme).map_err(|_| InvalidAddress)?;
        if !matches!(url.scheme(), "http" | "https" | "ssh" | "file") {
            return Err(InvalidAddress);
        }
        let mut user_password = None;
        if matches!(url.scheme(), "http" | "https") && !url.username().is_empty() {
            let password = url.password().map(|password| format!(":{password}"));
            let both = format!("{}{}", url.username(), password.unwrap_or_default());
            user_password = Some(Secret(both));
            url.set_username("").map_err(|()| InvalidAddress)?;
        }
        if url.password().is_some() {
            url.set_password(None).map_err(|()| InvalidAddress)?;
        }
        Ok(Self {
            url: url.into(),
            user_password,
        })
    }

    /// Whether a value of `--config` means a repository rather than a folder.
    pub fn looks_like_one(text: &str) -> bool {
        text.contains("://") || scp_form(text).is_some()
    }

    /// The address without credentials.
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// Credentials that stood in the address, URL-encoded.
    pub(super) fn user_password(&self) -> Option<&str> {
        self.user_password.as_ref().map(|secret| secret.0.as_str())
    }
}

impl fmt::Display for RepositoryAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

/// `user@host:path`. (`user:password@host/…` is https with credentials.)
fn scp_form(text: &str) -> Option<(&str, &str)> {
    let (user_host, path) = text.split_once(':')?;
    let is_scp = user_host.contains('@') && !user_host.contains('/') && !path.starts_with("//");
    (is_scp && !path.is_empty()).then_some((user_host, path))
}

#[cfg(test)]
mod tests {
    use super::{InvalidAddress, RepositoryAddress};

    #[test]
    fn all_forms_are_read_and_credentials_taken_out() {
        for (text, shown, credentials) in [
            (
                "git.example.org/a/b.git",
                "https://git.example.org/a/b.git",
                None,
            ),
            ("http://git.example.org/a", "http://git.example.org/a", None),
            (
                "https://me:s3%40cret@git.example.org/a",
                "https://git.example.org/a",
                Some("me:s3%40cret"),
            ),
            (
                "ssh://git@git.example.org/a",
                "ssh://git@git.example.org/a",
                None,
            ),
            (
                "git@git.example.org:a/b.git",
                "git@git.example.org:a/b.git",
                None,
            ),
            ("file:///srv/config", "file:///srv/config", None),
        ] {
            let address = RepositoryAddress::parse(text).unwrap();
            assert_eq!(
                (address.as_str(), address.user_password()),
                (shown, credentials)
            );
            assert!(!format!("{address:?}").contains("s3%40cret"));
        }
        assert_eq!(RepositoryAddress::parse("ftp://x/y"), Err(InvalidAddress));
    }

    #[test]
    fn a_folder_is_no_repository() {
        assert!(!RepositoryAddress::looks_like_one("./static-config"));
        assert!(!RepositoryAddress::looks_like_one("/srv/config"));
        assert!(RepositoryAddress::looks_like_one("git@host:path"));
    }
}
