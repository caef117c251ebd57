//! What the chat platforms differ in: escaping, links, the body of a post, the pace.

mod body;
mod cut;
mod escape;

use std::time::Duration;

use sdk::{template::Template, types::Event};
use serde_json::Value;

use crate::{messages::Kind, model::is_link};

/// A kind of target, by `type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// With blocks, which only Slack itself understands.
    Slack,
    /// Hooks that take what Slack once took, as Rocket.Chat and Mattermost do.
    SlackCompatible,
    RocketChat,
    Mattermost,
    /// Workflow hooks that take adaptive cards.
    Teams,
    /// The old connectors.
    TeamsLegacy,
    Discord,
    /// Any receiver of JSON.
    Webhook,
}

/// Who the messages come from, as far as platforms let a hook say so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sender {
    pub name: String,
    pub icon: Option<String>,
}

/// A message ready to be put into a body.
pub struct Message<'a> {
    pub kind: &'a Kind,
    pub text: String,
    /// Nothing for summaries and tests.
    pub event: Option<&'a Event>,
    pub model: &'a Value,
}

impl Platform {
    /// `host` is where the hook lies, `blocks` says whether it takes blocks.
    pub fn from_type(kind: &str, host: &str, blocks: Option<bool>) -> Option<Self> {
        let is_slack = || {
            ["slack.com", "slack-gov.com"]
                .iter()
                .any(|slack| host == *slack || host.ends_with(&format!(".{slack}")))
        };
        Some(match kind {
            "slack" if blocks.unwrap_or_else(is_slack) => Self::Slack,
            "slack" => Self::SlackCompatible,
            "rocketchat" => Self::RocketChat,
            "mattermost" => Self::Mattermost,
            "msteams" => Self::Teams,
            "msteams-legacy" => Self::TeamsLegacy,
            "discord" => Self::Discord,
            "webhook" => Self::Webhook,
            _ => return None,
        })
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Slack | Self::SlackCompatible => "slack",
            Self::RocketChat => "rocketchat",
            Self::Mattermost => "mattermost",
            Self::Teams => "msteams",
            Self::TeamsLegacy => "msteams-legacy",
            Self::Discord => "discord",
            Self::Webhook => "webhook",
        }
    }

    /// Time between two posts that the platform asks for.
    pub const fn interval(self) -> Duration {
        match self {
            Self::Slack | Self::SlackCompatible | Self::RocketChat => Duration::from_secs(1),
            Self::Teams | Self::TeamsLegacy => Duration::from_millis(250),
            Self::Discord => Duration::from_millis(400),
            Self::Mattermost => Duration::from_millis(100),
            Self::Webhook => Duration::ZERO,
        }
    }

    /// The text of a message, with everything that users chose made harmless.
    pub fn render(self, template: &Template, model: &Value) -> String {
        let text = template.render(model, &|name, value| {
            if is_link(name) {
                value.to_owned()
            } else {
                self.escape(value)
            }
        });
        cut::cut(&self.links(&text), self.max_text())
    }

    /// The body of a post.
    pub fn body(self, sender: &Sender, channel: Option<&str>, message: &Message<'_>) -> Value {
        body::body(self, sender, channel, message)
    }

    fn escape(self, text: &str) -> String {
        let text = escape::plain(text);
        match self {
            Self::Slack | Self::SlackCompatible => escape::slack(&text),
            Self::Webhook => text,
            _ => escape::markdown(&text),
        }
    }

    /// Templates write links as Slack does; other platforms get their own form.
    fn links(self, text: &str) -> String {
        match self {
            Self::Slack | Self::SlackCompatible => text.to_owned(),
            Self::Webhook => escape::links(text, |url, label| format!("{label} ({url})")),
            _ => escape::links(text, |url, label| format!("[{label}]({url})")),
        }
    }

    const fn max_text(self) -> usize {
        match self {
            Self::Discord => 2000,
            Self::Slack | Self::SlackCompatible | Self::RocketChat => 3000,
            // A card of Teams has room for 28 KB, and a character has up to four bytes.
            Self::Mattermost | Self::Teams | Self::TeamsLegacy => 4000,
            Self::Webhook => 10_000,
        }
    }
}
