use std::path::{Path, PathBuf};

use url::Url;

/// Where a database is.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    Sqlite(PathBuf),
    /// A `postgres://` URL; holds the password, so it is never printed.
    Postgres(Url),
}

/// A database URL that is neither `postgres://…` nor `sqlite:FILE`. Does not repeat the URL, which
/// may hold a password.
#[derive(Debug, thiserror::Error)]
#[error("a database is named by `postgres://USER:PASSWORD@HOST/DATABASE` or `sqlite:FILE`")]
pub struct InvalidLocation;

impl Location {
    pub fn parse(text: &str) -> Result<Self, InvalidLocation> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return Ok(Self::Sqlite(PathBuf::from(path)));
        }
        let url = Url::parse(text).map_err(|_| InvalidLocation)?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(InvalidLocation);
        }
        Ok(Self::Postgres(url))
    }

    /// A file of this name in the data folder.
    pub fn in_folder(data: &Path, file: &str) -> Self {
        Self::Sqlite(data.join(file))
    }
}

/// For logs and errors: without password.
impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "SQLite file {}", path.display()),
            Self::Postgres(url) => write!(
                f,
                "PostgreSQL at {}:{}{}",
                url.host_str().unwrap_or("localhost"),
                url.port().unwrap_or(5432),
                url.path(),
            ),
        }
    }
}

impl std::fmt::Debug for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_printed() {
        let location = Location::parse("postgres://ada:secret@db.example:5433/portal").unwrap();
        assert_eq!(location.to_string(), "PostgreSQL at db.example:5433/portal");
        assert!(!format!("{location:?}").contains("secret"));
    }

    #[test]
    fn files_and_servers_are_told_apart() {
        assert_eq!(
            Location::parse("sqlite:a/b.db").unwrap(),
            Location::Sqlite("a/b.db".into())
        );
        assert!(Location::parse("mysql://localhost/x").is_err());
        assert!(Location::parse("portal.db").is_err());
    }
}
