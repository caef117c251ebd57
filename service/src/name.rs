use std::{fmt, str::FromStr};

/// A service as it is named in service tokens and as a subcommand (architecture, section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ServiceName {
    PortalApi,
    AuthServer,
    Portal,
    GatewayAdapter,
    Mailer,
    Chatbot,
    Gateway,
}

/// A text that names no service.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not the name of a service")]
pub struct UnknownService(String);

impl ServiceName {
    pub const ALL: [Self; 7] = [
        Self::PortalApi,
        Self::AuthServer,
        Self::Portal,
        Self::GatewayAdapter,
        Self::Mailer,
        Self::Chatbot,
        Self::Gateway,
    ];

    /// The name in tokens, on the command line and in logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PortalApi => "portal-api",
            Self::AuthServer => "auth-server",
            Self::Portal => "portal",
            Self::GatewayAdapter => "gateway-adapter",
            Self::Mailer => "mailer",
            Self::Chatbot => "chatbot",
            Self::Gateway => "gateway",
        }
    }

    /// The name in `/systemhealth` and of the webhook listener, kept from wicked so that old
    /// monitors and queues go on working.
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::PortalApi => "api",
            Self::AuthServer => "auth",
            Self::GatewayAdapter => "kong-adapter",
            Self::Gateway => "kong",
            Self::Portal | Self::Mailer | Self::Chatbot => self.as_str(),
        }
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ServiceName {
    type Err = UnknownService;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|name| name.as_str() == text)
            .ok_or_else(|| UnknownService(text.to_owned()))
    }
}
