//! How requests and answers are treated on their way (gateway 4.7, 5, 10). The defaults are the safe
//! choices.

use anyhow::{Context, bail};
use http::HeaderName;
use service::settings;

use super::list;

#[derive(Clone, Debug)]
pub struct Traffic {
    pub forwarded_for: ForwardedFor,
    pub encoded_slash: EncodedSlash,
    pub underscores: Underscores,
    pub plain_http: PlainHttp,
    /// Further headers that no client may bring.
    pub strip_headers: Vec<HeaderName>,
    pub answer_headers: AnswerHeaders,
    /// Form of what is said about a backend's failure to a client that names none.
    pub error_type: ErrorType,
    /// Whether `Kong-Debug: 1` is answered with the names of route and service.
    pub debug_header: bool,
    /// Largest body of a request.
    pub max_body: u64,
    /// Bytes of a buffered body that are kept in memory; the rest goes into a file.
    pub body_in_memory: usize,
    /// Memory for answers that `proxy-cache` keeps.
    pub cache_bytes: u64,
    /// Connections of one address at a time, but for trusted peers. 0: any number.
    pub max_connections_per_client: u32,
    /// Port that we listen on → port that clients know.
    pub port_maps: Vec<(u16, u16)>,
}

/// What becomes of an `X-Forwarded-For` that a peer sends whom nobody trusts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedFor {
    #[default]
    Replace,
    /// As Kong does.
    Append,
}

/// What becomes of a path that hides a way out of its prefix behind an encoded separator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EncodedSlash {
    #[default]
    Reject,
    /// As Kong does.
    Pass,
}

/// What becomes of a request with a header that must not pass, spelt with `_`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Underscores {
    #[default]
    Drop,
    Refuse,
}

/// Versions that are spoken without TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlainHttp {
    #[default]
    Http1,
    Http1AndHttp2,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ErrorType {
    Json,
    Html,
    Xml,
    #[default]
    Text,
}

/// A header of the gateway's own in answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    Server,
    Via,
    UpstreamLatency,
    ProxyLatency,
    ResponseLatency,
    AdminLatency,
    RequestId,
    UpstreamStatus,
}

/// Those that are sent (gateway 5.8).
#[derive(Clone, Copy, Debug)]
pub struct AnswerHeaders(u8);

impl Default for AnswerHeaders {
    fn default() -> Self {
        Self::of(&[
            Shown::Server,
            Shown::Via,
            Shown::UpstreamLatency,
            Shown::ProxyLatency,
            Shown::ResponseLatency,
            Shown::AdminLatency,
            Shown::RequestId,
        ])
    }
}

impl AnswerHeaders {
    fn of(shown: &[Shown]) -> Self {
        Self(shown.iter().fold(0, |bits, shown| bits | shown.bit()))
    }

    pub const fn has(self, header: Shown) -> bool {
        self.0 & header.bit() != 0
    }

    /// `off`, or a list of headers and groups of them.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let mut shown = Vec::new();
        for name in list(text) {
            match name.to_ascii_lowercase().as_str() {
                "off" => {}
                "server_tokens" => shown.extend([Shown::Server, Shown::Via]),
                "latency_tokens" => shown.extend([
                    Shown::UpstreamLatency,
                    Shown::ProxyLatency,
                    Shown::ResponseLatency,
                    Shown::AdminLatency,
                ]),
                "server" => shown.push(Shown::Server),
                "via" => shown.push(Shown::Via),
                "x-kong-upstream-latency" => shown.push(Shown::UpstreamLatency),
                "x-kong-proxy-latency" => shown.push(Shown::ProxyLatency),
                "x-kong-response-latency" => shown.push(Shown::ResponseLatency),
                "x-kong-admin-latency" => shown.push(Shown::AdminLatency),
                "x-kong-request-id" => shown.push(Shown::RequestId),
                "x-kong-upstream-status" => shown.push(Shown::UpstreamStatus),
                _ => bail!(
                    "`{name}` is not valid; it can be off, server_tokens, latency_tokens, server, via, \
                     or x-kong- with upstream-latency, proxy-latency, response-latency, admin-latency, \
                     request-id, upstream-status"
                ),
            }
        }
        Ok(Self::of(&shown))
    }
}

impl Shown {
    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            forwarded_for: ForwardedFor::default(),
            encoded_slash: EncodedSlash::default(),
            underscores: Underscores::default(),
            plain_http: PlainHttp::default(),
            strip_headers: Vec::new(),
            answer_headers: AnswerHeaders::default(),
            error_type: ErrorType::default(),
            debug_header: false,
            max_body: u64::MAX,
            body_in_memory: 256 * 1024,
            cache_bytes: 128 << 20,
            max_connections_per_client: 4096,
            port_maps: Vec::new(),
        }
    }
}

impl Traffic {
    pub fn apply_env(&mut self) -> anyhow::Result<()> {
        use ForwardedFor::{Append, Replace};
        let forwarded_for = [("replace", Replace), ("append", Append)];
        set(
            &mut self.forwarded_for,
            "GATEWAY_FORWARDED_FOR",
            &forwarded_for,
        )?;
        let slash = [
            ("reject", EncodedSlash::Reject),
            ("pass", EncodedSlash::Pass),
        ];
        set(&mut self.encoded_slash, "GATEWAY_ENCODED_SLASH", &slash)?;
        let underscores = [("drop", Underscores::Drop), ("refuse", Underscores::Refuse)];
        set(&mut self.underscores, "GATEWAY_UNDERSCORES", &underscores)?;
        let h2c = [
            ("false", PlainHttp::Http1),
            ("true", PlainHttp::Http1AndHttp2),
        ];
        set(&mut self.plain_http, "GATEWAY_H2C", &h2c)?;
        let types = [
            ("text/plain", ErrorType::Text),
            ("application/json", ErrorType::Json),
            ("text/html", ErrorType::Html),
            ("application/xml", ErrorType::Xml),
        ];
        set(&mut self.error_type, "GATEWAY_ERROR_DEFAULT_TYPE", &types)?;
        if let Some(names) = settings::var("GATEWAY_STRIP_HEADERS") {
            let names = list(&names).map(|name| {
                name.replace('_', "-")
                    .parse()
                    .with_context(|| format!("GATEWAY_STRIP_HEADERS: `{name}` is no header name"))
            });
            self.strip_headers = names.collect::<anyhow::Result<_>>()?;
        }
        if let Some(text) = settings::var("GATEWAY_HEADERS") {
            self.answer_headers = AnswerHeaders::parse(&text).context("GATEWAY_HEADERS")?;
        }
        if let Some(shown) = settings::parsed("GATEWAY_ALLOW_DEBUG_HEADER")? {
            self.debug_header = shown;
        }
        if let Some(text) = settings::var("GATEWAY_CLIENT_MAX_BODY_SIZE") {
            let bytes = size(&text).context("GATEWAY_CLIENT_MAX_BODY_SIZE")?;
            self.max_body = if bytes == 0 { u64::MAX } else { bytes };
        }
        if let Some(text) = settings::var("GATEWAY_CLIENT_BODY_BUFFER_SIZE") {
            let bytes = size(&text).context("GATEWAY_CLIENT_BODY_BUFFER_SIZE")?;
            self.body_in_memory = usize::try_from(bytes.min(64 << 20))?;
        }
        if let Some(text) = settings::var("GATEWAY_CACHE_SIZE") {
            self.cache_bytes = size(&text).context("GATEWAY_CACHE_SIZE")?;
        }
        if let Some(most) = settings::parsed("GATEWAY_MAX_CONNECTIONS_PER_CLIENT")? {
            self.max_connections_per_client = most;
        }
        if let Some(text) = settings::var("GATEWAY_PORT_MAPS") {
            let pairs = list(&text).map(|pair| {
                let ports = pair.split_once(':');
                let ports = ports
                    .and_then(|(public, local)| Some((local.parse().ok()?, public.parse().ok()?)));
                ports.with_context(|| {
                    format!("GATEWAY_PORT_MAPS: `{pair}` is not of the form 443:8443")
                })
            });
            self.port_maps = pairs.collect::<anyhow::Result<_>>()?;
        }
        Ok(())
    }

    /// The port by which clients know the one that we listen on.
    pub fn public_port(&self, local: u16) -> u16 {
        let mapped = self.port_maps.iter().find(|(known, _)| *known == local);
        mapped.map_or(local, |(_, public)| *public)
    }
}

/// Takes over the choice that the variable makes.
fn set<T: Copy>(value: &mut T, name: &str, choices: &[(&str, T)]) -> anyhow::Result<()> {
    let Some(text) = settings::var(name) else {
        return Ok(());
    };
    let Some((_, chosen)) = choices.iter().find(|(known, _)| *known == text) else {
        let known: Vec<&str> = choices.iter().map(|(known, _)| *known).collect();
        bail!(
            "{name}: `{text}` is not valid; it can be {}",
            known.join(", ")
        );
    };
    *value = *chosen;
    Ok(())
}

/// `512`, `64k`, `8m`, `1g`.
fn size(text: &str) -> anyhow::Result<u64> {
    let text = text.trim().to_ascii_lowercase();
    let (number, shift) = match text.strip_suffix(['k', 'm', 'g']) {
        Some(number) if text.ends_with('k') => (number, 10),
        Some(number) if text.ends_with('m') => (number, 20),
        Some(number) => (number, 30),
        None => (text.as_str(), 0),
    };
    let number: Option<u64> = number.trim().parse().ok();
    number
        .and_then(|number| number.checked_mul(1 << shift))
        .with_context(|| format!("`{text}` is not a size such as 512, 64k or 8m"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_headers_are_read() {
        for (text, via, latency, status) in [
            ("server_tokens, latency_tokens", true, true, false),
            ("off", false, false, false),
            ("X-Kong-Upstream-Status", false, false, true),
            ("via", true, false, false),
        ] {
            let headers = AnswerHeaders::parse(text).unwrap();
            assert_eq!(headers.has(Shown::Via), via, "{text}");
            assert_eq!(headers.has(Shown::UpstreamLatency), latency, "{text}");
            assert_eq!(headers.has(Shown::UpstreamStatus), status, "{text}");
        }
        assert!(AnswerHeaders::parse("x-powered-by").is_err());
        assert!(AnswerHeaders::default().has(Shown::RequestId));
    }

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in [("0", Some(0)), ("512", Some(512)), ("64K", Some(65_536))] {
            assert_eq!(size(text).ok(), bytes, "{text}");
        }
        for text in ["", "m", "-1", "1t", "99999999999g"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
