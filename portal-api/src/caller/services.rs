//! What each service may do as itself (portal-api 29.1). Everything else is refused.

use service::ServiceName;

/// Only these two may name a user and then have his rights.
pub const fn may_name_a_user(service: ServiceName) -> bool {
    matches!(service, ServiceName::AuthServer | ServiceName::Portal)
}

/// Whether the service passes as an administrator within its scopes. The portal does not: it sees
/// what an anonymous visitor sees.
pub const fn acts_as_admin(service: ServiceName) -> bool {
    matches!(
        service,
        ServiceName::AuthServer
            | ServiceName::GatewayAdapter
            | ServiceName::Mailer
            | ServiceName::Chatbot
    )
}

/// The scopes that a service has without a user.
pub const fn scopes(service: ServiceName) -> &'static [&'static str] {
    match service {
        ServiceName::AuthServer => &[
            "login",
            "read_apis",
            "read_applications",
            "read_auth_servers",
            "read_content",
            "read_grants",
            "read_groups",
            "read_namespaces",
            "read_plans",
            "read_registrations",
            "read_subscriptions",
            "read_templates",
            "read_users",
            "read_verifications",
            "write_grants",
            "write_registrations",
            "write_users",
            "write_verifications",
        ],
        ServiceName::Portal => &[
            "read_apis",
            "read_auth_servers",
            "read_content",
            "read_groups",
            "read_plans",
            "read_users",
        ],
        ServiceName::GatewayAdapter => &[
            "read_apis",
            "read_applications",
            "read_auth_servers",
            "read_groups",
            "read_plans",
            "read_subscriptions",
        ],
        ServiceName::Mailer | ServiceName::Chatbot => &[
            // Announcements go to those who use an API.
            "read_apis",
            "read_applications",
            "read_approvals",
            "read_registrations",
            "read_subscriptions",
            "read_templates",
            "read_users",
        ],
        ServiceName::PortalApi | ServiceName::Gateway => &[],
    }
}
