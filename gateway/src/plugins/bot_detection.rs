use http::{StatusCode, header::USER_AGENT};
use regex::RegexSet;
use serde::Deserialize;

use super::Verdict;
use crate::proxy::{Answer, Exchange};

#[derive(Deserialize)]
pub struct Config {
    allow: Option<Vec<String>>,
    deny: Option<Vec<String>>,
}

/// Keeps programs out that call themselves robots.
pub struct BotDetection {
    allow: RegexSet,
    deny: RegexSet,
}

/// Crawlers and libraries for downloading in masses. Tools of developers (curl) are not among them.
const KNOWN: &[&str] = &[
    r"(?i)(bot|crawler|spider|scraper)[/ -]v?\d",
    r"(?i)(google|bing|yandex|duckduck|apple|petal|semrush|ahrefs|mj12|dot|exa|sogou |baidu)(bot|spider)",
    r"(?i)(gptbot|claudebot|ccbot|bytespider|facebookexternalhit|ia_archiver|slurp)",
    r"(?i)^(scrapy|python-requests|python-urllib|libwww-perl|wget|httrack|nutch|java)/",
];

impl BotDetection {
    pub fn new(config: &Config) -> Result<Self, String> {
        let set = |patterns: Option<&Vec<String>>, known: &[&str]| {
            let patterns = patterns.into_iter().flatten().map(String::as_str);
            RegexSet::new(patterns.chain(known.iter().copied())).map_err(|error| error.to_string())
        };
        Ok(Self {
            allow: set(config.allow.as_ref(), &[])?,
            deny: set(config.deny.as_ref(), KNOWN)?,
        })
    }

    pub fn access(&self, exchange: &Exchange<'_>) -> Verdict {
        let mut agents = exchange.head.headers.get_all(USER_AGENT).iter();
        let agent = match (agents.next(), agents.next()) {
            (None, _) => return Verdict::Continue,
            (Some(agent), None) => String::from_utf8_lossy(agent.as_bytes()),
            (Some(_), Some(_)) => {
                return Answer::new(StatusCode::BAD_REQUEST, "Bad request").into();
            }
        };
        if self.admits(&agent) {
            return Verdict::Continue;
        }
        Answer::new(StatusCode::FORBIDDEN, "Forbidden").into()
    }

    fn admits(&self, agent: &str) -> bool {
        self.allow.is_match(agent) || !self.deny.is_match(agent)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Who is let in by name is let in, whatever else the name is; who is kept out by name is not
        /// let in by what stands around it.
        #[test]
        fn lists_count_wherever_a_name_stands(before in ".{0,20}", after in ".{0,20}") {
            let plugin = BotDetection::new(&Config {
                allow: Some(vec!["^friend".to_owned()]),
                deny: Some(vec!["evil".to_owned()]),
            });
            let plugin = plugin.unwrap();
            let friendly = format!("friend {before} evil googlebot/2 {after}");
            prop_assert!(plugin.admits(&friendly));
            let evil = format!("x {before}evil{after}");
            prop_assert!(!plugin.admits(&evil));
        }
    }

    #[test]
    fn people_and_their_tools_are_no_robots() {
        let plugin = BotDetection::new(&Config {
            allow: None,
            deny: None,
        })
        .unwrap();
        for agent in [
            "curl/8.5.0",
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Mozilla/5.0 (Linux; Android 15; Cubot P80) AppleWebKit/537.36 Chrome/120.0",
        ] {
            assert!(!plugin.deny.is_match(agent), "{agent}");
        }
        for agent in [
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "my-crawler/1.0",
            "python-requests/2.31",
            "facebookexternalhit/1.1",
        ] {
            assert!(plugin.deny.is_match(agent), "{agent}");
        }
    }
}
