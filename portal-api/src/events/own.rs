//! The listeners of our own components.

use service::ServiceName;

const COMPONENTS: [ServiceName; 4] = [
    ServiceName::AuthServer,
    ServiceName::GatewayAdapter,
    ServiceName::Mailer,
    ServiceName::Chatbot,
];

/// The listener id that belongs to `service`, if it has one.
pub fn listener_of(service: ServiceName) -> Option<&'static str> {
    COMPONENTS.contains(&service).then(|| service.wire_name())
}

/// Whether `id` belongs to one of our components. Such listeners get signed requests and may lie
/// inside the network; only the component itself (or a trusted peer) registers them.
pub fn is_component(id: &str) -> bool {
    COMPONENTS.iter().any(|service| service.wire_name() == id)
}
