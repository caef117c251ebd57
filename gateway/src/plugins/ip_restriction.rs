use std::net::IpAddr;

use http::StatusCode;
use ipnet::IpNet;
use serde::Deserialize;

use super::Verdict;
use crate::proxy::{Answer, Exchange};

#[derive(Deserialize)]
pub struct Config {
    allow: Option<Vec<String>>,
    deny: Option<Vec<String>>,
    status: u16,
    message: Option<String>,
}

/// Lets in by the client's address.
pub struct IpRestriction {
    allow: Vec<IpNet>,
    deny: Vec<IpNet>,
    status: StatusCode,
    message: String,
}

impl IpRestriction {
    pub fn new(config: Config) -> Result<Self, String> {
        let networks = |list: Option<Vec<String>>| -> Result<Vec<IpNet>, String> {
            let list = list.unwrap_or_default();
            list.iter().map(|text| network(text)).collect()
        };
        Ok(Self {
            allow: networks(config.allow)?,
            deny: networks(config.deny)?,
            status: StatusCode::from_u16(config.status).map_err(|error| error.to_string())?,
            message: config
                .message
                .unwrap_or_else(|| "Calls from this address are not allowed".to_owned()),
        })
    }

    pub fn access(&self, exchange: &Exchange<'_>) -> Verdict {
        let client = exchange.client.to_canonical();
        let is_in = |networks: &[IpNet]| networks.iter().any(|network| network.contains(&client));
        if is_in(&self.deny) || !(self.allow.is_empty() || is_in(&self.allow)) {
            return Answer::new(self.status, self.message.clone()).into();
        }
        Verdict::Continue
    }
}

/// IPv4 addresses that are written as IPv6 are compared as what they are.
fn network(text: &str) -> Result<IpNet, String> {
    let address = || {
        text.parse::<IpAddr>()
            .ok()
            .map(|address| address.to_canonical())
    };
    let network = text
        .parse::<IpNet>()
        .ok()
        .or_else(|| address().map(IpNet::from))
        .ok_or_else(|| format!("`{text}` is neither an address nor a network"))?;
    let IpAddr::V4(mapped) = network.network().to_canonical() else {
        return Ok(network);
    };
    match network.prefix_len().checked_sub(96) {
        Some(length) if matches!(network, IpNet::V6(_)) => {
            IpNet::new(mapped.into(), length).map_err(|error| error.to_string())
        }
        _ => Ok(network),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_of_mapped_addresses_are_those_of_version_4() {
        for (text, expected) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("10.1.2.3", "10.1.2.3/32"),
            ("::ffff:10.1.2.3", "10.1.2.3/32"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("::/0", "::/0"),
        ] {
            assert_eq!(network(text).unwrap().to_string(), expected, "{text}");
        }
    }
}
