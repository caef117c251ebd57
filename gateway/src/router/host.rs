/// The host that a request names, lower case, without trailing dot.
#[derive(Clone, Copy, Debug)]
pub struct RequestHost<'a> {
    /// As sent (lower case): with port if one was sent.
    pub text: &'a str,
    pub name: &'a str,
    /// The port sent, or the scheme's.
    pub port: u16,
}

impl<'a> RequestHost<'a> {
    /// `text` is a valid host with optional port, in lower case.
    pub fn new(text: &'a str, default_port: u16) -> Self {
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) if !name.contains(':') || name.ends_with(']') => {
                (name, port.parse().unwrap_or(default_port))
            }
            _ => (text, default_port),
        };
        let name = name.strip_suffix('.').unwrap_or(name);
        Self { text, name, port }
    }
}

/// One host of a route.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostRule {
    /// The whole entry in lower case, by which lists are kept.
    pub text: String,
    name: Name,
    pub port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Name {
    Plain(String),
    /// `*.x`: ends with this text, with at least one character before it.
    AnyBefore(String),
    /// `x.*`
    AnyAfter(String),
}

impl HostRule {
    pub fn new(entry: &str) -> Self {
        let text = entry.to_ascii_lowercase();
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) if !name.contains(':') || name.ends_with(']') => {
                (name, port.parse().ok())
            }
            _ => (text.as_str(), None),
        };
        let name = name.strip_suffix('.').unwrap_or(name);
        let name = if let Some(rest) = name.strip_prefix('*') {
            Name::AnyBefore(rest.to_owned())
        } else if let Some(rest) = name.strip_suffix('*') {
            Name::AnyAfter(rest.to_owned())
        } else {
            Name::Plain(unbracketed(name).to_owned())
        };
        Self { text, name, port }
    }

    pub fn is_wildcard(&self) -> bool {
        !matches!(self.name, Name::Plain(_))
    }

    /// The name of a plain entry.
    pub fn plain(&self) -> Option<&str> {
        match &self.name {
            Name::Plain(name) => Some(name),
            _ => None,
        }
    }

    pub fn matches(&self, host: &RequestHost<'_>) -> bool {
        if self.port.is_some_and(|port| port != host.port) {
            return false;
        }
        match &self.name {
            Name::Plain(name) => name == unbracketed(host.name),
            Name::AnyBefore(rest) => {
                host.name.len() > rest.len() && host.name.ends_with(rest.as_str())
            }
            Name::AnyAfter(rest) => {
                host.name.len() > rest.len() && host.name.starts_with(rest.as_str())
            }
        }
    }
}

/// IPv6 addresses match with and without brackets.
fn unbracketed(name: &str) -> &str {
    name.strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(name)
}
