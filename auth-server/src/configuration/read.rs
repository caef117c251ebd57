//! Reading the settings of a login method.

use sdk::types::{AuthMethod, Secret};
use serde_json::Value;
use url::Url;

/// What is wrong with the settings of a method; names the member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The definition is not taken.
    Refused(String),
    /// wicked took it, so an installation that comes from there has to start: the method is left out.
    LeftOut(String),
}

/// The members of `config`. Paths have slashes: `endpoints/tokenEndpoint`. An empty text counts as
/// absent.
pub struct Reader<'a>(pub &'a AuthMethod);

impl Reader<'_> {
    pub fn value(&self, path: &str) -> Option<&Value> {
        let mut names = path.split('/');
        let first = self.0.config.get(names.next()?)?;
        let value = names.try_fold(first, |value, name| value.get(name))?;
        Some(value).filter(|value| !value.is_null())
    }

    pub fn text(&self, path: &str) -> Option<String> {
        let text = self.value(path)?.as_str()?;
        Some(text.to_owned()).filter(|text| !text.is_empty())
    }

    pub fn needed(&self, path: &str) -> Result<String, Wrong> {
        let missing = || Wrong::Refused(format!("`{}` is missing", path.replace('/', ".")));
        self.text(path).ok_or_else(missing)
    }

    pub fn secret(&self, path: &str) -> Result<Secret, Wrong> {
        self.needed(path).map(Secret::new)
    }

    /// An address of the web.
    pub fn url(&self, path: &str) -> Result<Option<Url>, Wrong> {
        let Some(text) = self.text(path) else {
            return Ok(None);
        };
        let url = Url::parse(&text).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let wrong = || {
            let path = path.replace('/', ".");
            Wrong::Refused(format!("`{path}` is no http or https URL"))
        };
        url.map(Some).ok_or_else(wrong)
    }

    pub fn needed_url(&self, path: &str) -> Result<Url, Wrong> {
        self.needed(path)?;
        self.url(path)
            .map(|url| url.expect("it was just seen to be there"))
    }

    /// The address that is written, or that of the public service.
    pub fn url_or(&self, path: &str, default: &str) -> Result<Url, Wrong> {
        let default = || Url::parse(default).expect("a constant address is valid");
        Ok(self.url(path)?.unwrap_or_else(default))
    }

    /// Flags may be texts (2.3).
    pub fn flag(&self, path: &str) -> bool {
        match self.value(path) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => text == "true" || text == "yes",
            Some(Value::Number(number)) => number.as_i64() != Some(0),
            _ => false,
        }
    }

    /// An object with texts, also written as JSON in a text.
    pub fn texts(&self, path: &str) -> Result<Vec<(String, String)>, Wrong> {
        let wrong = || {
            let path = path.replace('/', ".");
            Wrong::Refused(format!("`{path}` is no object with texts"))
        };
        let parsed: Value;
        let value = match self.value(path) {
            None => return Ok(Vec::new()),
            Some(Value::String(text)) if text.trim().is_empty() => return Ok(Vec::new()),
            Some(Value::String(text)) => {
                parsed = serde_json::from_str(text).map_err(|_| wrong())?;
                &parsed
            }
            Some(value) => value,
        };
        let members = value.as_object().ok_or_else(wrong)?;
        let member = |(name, value): (&String, &Value)| match value {
            Value::String(text) => Ok((name.clone(), text.clone())),
            Value::Number(_) | Value::Bool(_) => Ok((name.clone(), value.to_string())),
            _ => Err(wrong()),
        };
        members.iter().map(member).collect()
    }
}
