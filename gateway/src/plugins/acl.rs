use http::{HeaderValue, StatusCode};
use serde::Deserialize;

use super::Verdict;
use crate::proxy::{Answer, Exchange, headers::names};

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
        let (name, groups) = match consumer {
            // Those that the credential brought.
            _ if has_own && (!is_known || self.always_use_authenticated_groups) => {
                (names::AUTHENTICATED_GROUPS, &exchange.groups)
            }
            Some(consumer) => (names::CONSUMER_GROUPS, &consumer.groups),
            None => {
                return refuse(match exchange.credential {
                    Some(_) => StatusCode::FORBIDDEN,
                    None => StatusCode::UNAUTHORIZED,
                });
            }
        };
        let is_member = |list: &[String]| groups.iter().any(|group| list.contains(group));
        let passes = match (&self.allow, &self.deny) {
            (Some(allow), _) => is_member(allow),
            (None, Some(deny)) => !is_member(deny),
            (None, None) => false,
        };
        if !passes {
            let nobody = exchange.anonymous && groups.is_empty();
            return refuse(if nobody {
                StatusCode::UNAUTHORIZED
            } else {
                StatusCode::FORBIDDEN
            });
        }
        if !self.hide_groups_header {
            let value = match consumer {
                Some(consumer) if name == names::CONSUMER_GROUPS => consumer.groups_header.clone(),
                _ => HeaderValue::from_str(&groups.join(", ")).ok(),
            };
            if let Some(value) = value {
                exchange.head.headers.insert(name, value);
            }
        }
        Verdict::Continue
    }
}

fn refuse(status: StatusCode) -> Verdict {
    let message = match status {
        StatusCode::UNAUTHORIZED => "Unauthorized",
        _ => "You cannot consume this service",
    };
    Answer::new(status, message).into()
}
