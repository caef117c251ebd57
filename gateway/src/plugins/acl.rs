use http::StatusCode;
use serde::Deserialize;

use super::Verdict;
use crate::proxy::{Answer, Exchange, headers::names};

/// Lets members of some groups in, or keeps them out.
#[derive(Deserialize)]
pub struct Acl {
    allow: Option<Vec<String>>,
    deny: Option<Vec<String>>,
    hide_groups_header: bool,
}

impl Acl {
    /// The table of gateway 7.6. No step here sets authenticated groups, so the consumer's count.
    pub fn access(&self, exchange: &mut Exchange<'_>) -> Verdict {
        let Some(consumer) = &exchange.consumer else {
            let status = match exchange.credential {
                Some(_) => StatusCode::FORBIDDEN,
                None => StatusCode::UNAUTHORIZED,
            };
            return refuse(status);
        };
        let is_member = |list: &[String]| consumer.groups.iter().any(|group| list.contains(group));
        let passes = match (&self.allow, &self.deny) {
            (Some(allow), _) => is_member(allow),
            (None, Some(deny)) => !is_member(deny),
            (None, None) => false,
        };
        if !passes {
            let nobody = exchange.anonymous && consumer.groups.is_empty();
            return refuse(if nobody {
                StatusCode::UNAUTHORIZED
            } else {
                StatusCode::FORBIDDEN
            });
        }
        if !self.hide_groups_header
            && let Some(groups) = &consumer.groups_header
        {
            exchange
                .head
                .headers
                .insert(names::CONSUMER_GROUPS, groups.clone());
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
