//! Chat messages on events: Slack, Rocket.Chat, Mattermost, Teams, Discord, and any web hook.
//!
//! Every target has a worker of its own, so that one that is away delays no other. An event is
//! acknowledged when its messages lie in the queue in the state folder, or, without such a folder,
//! when every target has its message or refused it for good.

mod configuration;
mod handle;
mod messages;
mod model;
mod platform;
mod post;
mod queue;
mod routes;
mod serve;
mod settings;
mod target;
mod watch;

pub use serve::serve;
pub use settings::Settings;
