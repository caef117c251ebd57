//! Rules for texts. Each says in its message what would be right.

use std::net::IpAddr;

use ipnet::IpNet;
use regex::RegexBuilder;

use crate::path;

type Checked = Result<(), String>;

/// Compiled size that one pattern may have.
const REGEX_SIZE_LIMIT: usize = 1024 * 1024;

fn refuse(reason: &str) -> Checked {
    Err(reason.to_owned())
}

/// Names of services, routes and plugin instances.
pub fn name(text: &str) -> Checked {
    let fits =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '~' | '-') || !c.is_ascii();
    if text.chars().all(fits) {
        Ok(())
    } else {
        refuse("only letters, digits and . _ ~ - are allowed")
    }
}

pub fn tag(text: &str) -> Checked {
    let fits = |c: char| !c.is_ascii() || ((' '..='~').contains(&c) && c != ',' && c != '/');
    if text.chars().all(fits) {
        Ok(())
    } else {
        refuse("a tag has neither comma, slash nor control characters")
    }
}

pub fn uuid(text: &str) -> Checked {
    let dashes = text.len() == 36;
    match uuid::Uuid::try_parse(text) {
        Ok(_) if dashes => Ok(()),
        _ => refuse("expected a valid UUID"),
    }
}

/// A DNS name or an IP address, without port.
pub fn host(text: &str) -> Checked {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    if bare.parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    let label = |label: &str| {
        !label.is_empty()
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    if name.len() <= 255 && name.split('.').all(label) {
        Ok(())
    } else {
        refuse("expected a host name or an IP address without port")
    }
}

/// An IP address, or a network in CIDR notation.
pub fn network(text: &str) -> Checked {
    if text.parse::<IpNet>().is_ok() || text.parse::<IpAddr>().is_ok() {
        Ok(())
    } else {
        refuse("expected an IP address or a network such as 10.0.0.0/8")
    }
}

/// A host of a route: optional port, at most one `*` as whole first or last label.
pub fn route_host(text: &str) -> Checked {
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => (name, Some(port)),
        _ => (text, None),
    };
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return refuse("the port is not a number up to 65535");
    }
    let plain = match (name.strip_prefix("*."), name.strip_suffix(".*")) {
        (Some(rest), None) | (None, Some(rest)) => rest,
        (None, None) => name,
        (Some(_), Some(_)) => return refuse("only one wildcard is possible"),
    };
    if plain.contains('*') {
        return refuse("a wildcard stands for the whole first or last label");
    }
    host(plain)
}

/// Plain paths of services.
pub fn service_path(text: &str) -> Checked {
    if !text.starts_with('/') {
        return refuse("must start with /");
    }
    if text.contains("//") {
        return refuse("must not contain //");
    }
    path_characters(text)
}

/// Plain prefixes and `~/` patterns of routes.
pub fn route_path(text: &str) -> Checked {
    if let Some(pattern) = text.strip_prefix('~') {
        if !pattern.starts_with('/') {
            return refuse("a pattern must start with ~/");
        }
        return regex(pattern);
    }
    service_path(text)?;
    let normal = path::normalise(text.as_bytes());
    if *normal != *text.as_bytes() {
        return Err(format!(
            "must be normalised, as in {}",
            path::encode(&normal)
        ));
    }
    Ok(())
}

fn path_characters(text: &str) -> Checked {
    let mut rest = text.as_bytes();
    while let Some((byte, tail)) = rest.split_first() {
        if *byte == b'%' {
            let pair = tail
                .get(..2)
                .is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit));
            if !pair {
                return refuse("a percent sign needs two hex digits");
            }
        }
        let fits = byte.is_ascii_alphanumeric()
            || b"-._~!$&'()*+,;=:@%/".contains(byte)
            || !byte.is_ascii();
        if !fits {
            return Err(format!(
                "the character `{}` is not allowed in a path",
                char::from(*byte)
            ));
        }
        rest = tail;
    }
    Ok(())
}

/// A pattern that the linear-time engine takes.
pub fn regex(pattern: &str) -> Checked {
    match RegexBuilder::new(pattern)
        .size_limit(REGEX_SIZE_LIMIT)
        .build()
    {
        Ok(_) => Ok(()),
        Err(regex::Error::CompiledTooBig(_)) => refuse("the pattern is too large"),
        Err(error) => {
            let reason = error.to_string();
            let last = reason.lines().last().unwrap_or("syntax error");
            Err(format!(
                "not a valid pattern: {}",
                last.trim_start_matches("error: ")
            ))
        }
    }
}

/// A token of RFC 9110, as header and query parameter names are.
pub fn header_name(text: &str) -> Checked {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if text.bytes().all(fits) {
        Ok(())
    } else {
        refuse("not a valid header name")
    }
}

/// A value that can stand in a header.
pub fn header_value(text: &str) -> Checked {
    if text.chars().any(char::is_control) {
        refuse("control characters are not allowed")
    } else {
        Ok(())
    }
}

pub fn method(text: &str) -> Checked {
    if text.bytes().all(|byte| byte.is_ascii_uppercase()) {
        Ok(())
    } else {
        refuse("a method is written in capital letters")
    }
}

/// An absolute `http` or `https` URL.
pub fn url(text: &str) -> Checked {
    match url::Url::parse(text) {
        Ok(url) if url.has_host() && matches!(url.scheme(), "http" | "https") => Ok(()),
        _ => refuse("expected an http or https URL with a host"),
    }
}

/// 64 hex digits: a SHA-256 or HMAC-SHA256.
pub fn digest(text: &str) -> Checked {
    let fits = text.len() == 64
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if fits {
        Ok(())
    } else {
        refuse("expected 64 lower-case hex digits")
    }
}

/// 32 bytes as base64url without padding.
pub fn key_base64url(text: &str) -> Checked {
    let fits = text.len() == 43
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if fits {
        Ok(())
    } else {
        refuse("expected 32 bytes as base64url")
    }
}
