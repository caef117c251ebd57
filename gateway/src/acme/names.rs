//! Which names get a certificate.

use std::collections::BTreeSet;

use anyhow::ensure;

/// Authorities limit how many certificates they give; so do we.
const MAX_NAMES: usize = 100;
const MAX_LENGTH: usize = 253;

/// An entry of the operator's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    Name(String),
    /// `.x` of `*.x`: names that routes have below it.
    Below(String),
}

impl Host {
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let text = text.to_ascii_lowercase();
        let suffix = text.strip_prefix('*').filter(|text| text.starts_with('.'));
        ensure!(
            is_name(suffix.map_or(text.as_str(), |suffix| &suffix[1..])),
            "`{text}` is neither a name such as api.example.org nor of the form *.example.org"
        );
        Ok(match suffix {
            Some(suffix) => Self::Below(suffix.to_owned()),
            None => Self::Name(text),
        })
    }

    fn allows(&self, name: &str) -> bool {
        match self {
            Self::Name(own) => own == name,
            Self::Below(suffix) => name.len() > suffix.len() && name.ends_with(suffix),
        }
    }
}

/// The names of the list, and those of routes that it allows.
pub fn wanted<'a>(hosts: &[Host], routes: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    let mut wanted: BTreeSet<String> = hosts
        .iter()
        .filter_map(|host| match host {
            Host::Name(name) => Some(name.clone()),
            Host::Below(_) => None,
        })
        .collect();
    for host in routes {
        let name = host.split(':').next().unwrap_or_default();
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        if !is_name(&name) || !hosts.iter().any(|host| host.allows(&name)) {
            continue;
        }
        if wanted.len() >= MAX_NAMES && !wanted.contains(&name) {
            tracing::error!("no more than {MAX_NAMES} names get a certificate, so not `{name}`");
            continue;
        }
        wanted.insert(name);
    }
    wanted
}

/// Of the public name space; it is the name of a file, too.
fn is_name(name: &str) -> bool {
    let is_label = |label: &str| {
        let bytes = label.as_bytes();
        let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
        (1..=63).contains(&bytes.len())
            && bytes.iter().all(is_allowed)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_address = name
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    name.len() <= MAX_LENGTH && name.contains('.') && name.split('.').all(is_label) && !is_address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_names() {
        for (text, is_taken) in [
            ("api.example.org", true),
            ("*.example.org", true),
            ("API.Example.org", true),
            ("localhost", false),
            ("*", false),
            ("*.*.org", false),
            ("a.*", false),
            ("127.0.0.1", false),
            ("../etc.x", false),
            ("-a.example", false),
            ("a..example", false),
            ("a_b.example", false),
        ] {
            assert_eq!(Host::parse(text).is_ok(), is_taken, "{text}");
        }
    }

    #[test]
    fn routes_bring_the_names_that_are_allowed() {
        let hosts = ["api.example.org", "*.apis.example.org"];
        let hosts = hosts.map(|host| Host::parse(host).unwrap());
        let routes = [
            "shop.apis.example.org:8443",
            "A.B.apis.example.org",
            "*.apis.example.org",
            "apis.example.org",
            "evilapis.example.org",
            "other.example.org",
        ];
        let wanted = wanted(&hosts, routes.into_iter());
        let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
        assert_eq!(
            wanted,
            [
                "a.b.apis.example.org",
                "api.example.org",
                "shop.apis.example.org"
            ]
        );
    }

    #[test]
    fn there_are_not_too_many() {
        let hosts = [Host::parse("*.example.org").unwrap()];
        let routes: Vec<String> = (0..200).map(|n| format!("a{n}.example.org")).collect();
        let wanted = wanted(&hosts, routes.iter().map(String::as_str));
        assert_eq!(wanted.len(), MAX_NAMES);
    }
}
