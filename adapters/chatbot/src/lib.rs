//! Chat messages on events: Slack, Rocket.Chat, Mattermost, Teams, Discord, and any web hook.
//!
//! Every target has a worker of its own, so that one that is away delays no other. The queue at
//! portal-api is the only memory: an event is acknowledged when every target has it or refused it
//! for good.

mod configuration;
mod delivered;
mod handle;
mod messages;
mod model;
mod platform;
mod post;
mod serve;
mod settings;
mod target;

pub use serve::serve;
pub use settings::Settings;
