use http::{HeaderValue, StatusCode};
use serde::Deserialize;

use super::Verdict;
use crate::{
    live::Consumer,
    proxy::{Answer, Exchange, headers::names},
};

/// Lets members of some groups in, or keeps them out.
#[derive(Deserialize)]
pub struct Acl {
    allow: Option<Vec<String>>,
    deny: Option<Vec<String>>,
    hide_groups_header: bool,
    always_use_authenticated_groups: bool,
}

impl Acl {
    /// The table of gateway 7.6.
    pub fn access(&self, exchange: &mut Exchange<'_>) -> Verdict {
        let consumer = exchange.consumer.as_ref();
        let is_known = consumer.is_some() && !exchange.anonymous;
        let has_own = !exchange.groups.is_empty();
        let groups = match consumer {
            // Those that the credential brought.
            _ if has_own && (!is_known || self.always_use_authenticated_groups) => {
                Groups::OfCredential(&exchange.groups)
            }
            Some(consumer) => Groups::OfConsumer(consumer),
            None => {
                return refuse(match exchange.credential {
                    Some(_) => StatusCode::FORBIDDEN,
                    None => StatusCode::UNAUTHORIZED,
                });
            }
        };
        let is_member = |list: &[String]| match groups {
            Groups::OfCredential(groups) => groups.iter().any(|group| list.contains(group)),
            Groups::OfConsumer(consumer) => consumer
                .groups()
                .any(|group| list.iter().any(|one| one == group)),
        };
        let passes = match (&self.allow, &self.deny) {
            (Some(allow), _) => is_member(allow),
            (None, Some(deny)) => !is_member(deny),
            (None, None) => false,
        };
        if !passes {
            let is_alone = match groups {
                Groups::OfCredential(groups) => groups.is_empty(),
                Groups::OfConsumer(consumer) => consumer.groups().next().is_none(),
            };
            return refuse(if exchange.anonymous && is_alone {
                StatusCode::UNAUTHORIZED
            } else {
                StatusCode::FORBIDDEN
            });
        }
        if !self.hide_groups_header {
            let (name, value) = match groups {
                Groups::OfConsumer(consumer) => (names::CONSUMER_GROUPS, consumer.groups_header()),
                Groups::OfCredential(groups) => (
                    names::AUTHENTICATED_GROUPS,
                    HeaderValue::from_str(&groups.join(", ")).ok(),
                ),
            };
            if let Some(value) = value {
                exchange.head.headers.insert(name, value);
            }
        }
        Verdict::Continue
    }
}

/// Those that count.
enum Groups<'a> {
    OfCredential(&'a [String]),
    OfConsumer(&'a Consumer),
}

fn refuse(status: StatusCode) -> Verdict {
    let message = match status {
        StatusCode::UNAUTHORIZED => "Unauthorized",
        _ => "You cannot consume this service",
    };
    Answer::new(status, message).into()
}
