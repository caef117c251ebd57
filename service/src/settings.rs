//! Reading settings from the process environment. An empty variable counts as absent
//! (static-config 24.1); for secrets `<NAME>_FILE` names a file with the value.

use std::{fs, str::FromStr};

/// A setting that cannot be used. Never contains the value of a secret.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("{name}: cannot read the file `{path}`: {source}")]
    SecretFile {
        name: String,
        path: String,
        source: std::io::Error,
    },
    #[error("{name}: `{value}` is not valid: {reason}")]
    Invalid {
        name: String,
        value: String,
        reason: String,
    },
}

/// The variable `name`, or nothing when it is absent or empty.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
pub fn var(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The whole environment without empty variables, as the static configuration needs it.
pub fn all() -> std::collections::BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

/// The secret `name`, from the variable itself or from the file that `<name>_FILE` names.
/// White space around the content of the file is removed.
pub fn secret(name: &str) -> Result<Option<String>, SettingsError> {
    if let Some(value) = var(name) {
        return Ok(Some(value));
    }
    let Some(path) = var(&format!("{name}_FILE")) else {
        return Ok(None);
    };
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
        Err(source) => Err(SettingsError::SecretFile {
            name: format!("{name}_FILE"),
            path,
            source,
        }),
    }
}

/// The variable `name` as a number, address, URL or whatever `T` parses.
pub fn parsed<T>(name: &str) -> Result<Option<T>, SettingsError>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    let Some(value) = var(name) else {
        return Ok(None);
    };
    match value.parse() {
        Ok(parsed) => Ok(Some(parsed)),
        Err(reason) => Err(SettingsError::Invalid {
            name: name.to_owned(),
            reason: T::Err::to_string(&reason),
            value,
        }),
    }
}
