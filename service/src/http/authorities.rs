//! Authorities that certificates of other services may be of.

use std::path::{Path, PathBuf};

use reqwest::Certificate;

/// Why there are no authorities in a file.
#[derive(Debug, thiserror::Error)]
pub enum AuthoritiesError {
    #[error("{path} cannot be read: {source}", path = .path.display())]
    File {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path} holds something else than certificates: {source}", path = .path.display())]
    Certificates {
        path: PathBuf,
        source: reqwest::Error,
    },
    #[error("{path} holds no certificate", path = .0.display())]
    None(PathBuf),
}

/// The certificates of a PEM file, at least one.
pub fn authorities(path: &Path) -> Result<Vec<Certificate>, AuthoritiesError> {
    let pem = std::fs::read(path).map_err(|source| AuthoritiesError::File {
        path: path.to_owned(),
        source,
    })?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(none) if none.is_empty() => Err(AuthoritiesError::None(path.to_owned())),
        Ok(authorities) => Ok(authorities),
        Err(source) => Err(AuthoritiesError::Certificates {
            path: path.to_owned(),
            source,
        }),
    }
}
