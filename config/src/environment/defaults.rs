//! Values of the variables that a configuration may leave out (static-config 3.6, 24.1). None of
//! them is a password.

/// Looked up when neither the process nor an environment file defines the variable.
pub const DEFAULTS: &[(&str, &str)] = &[
    ("HELM_NAME", "undefined-undefined"),
    ("K8S_NAMESPACE", "default"),
    ("PORTAL_CONFIG_BASE", "/var/portal-api/"),
    ("PORTAL_API_DYNAMIC_CONFIG", "${PORTAL_CONFIG_BASE}dynamic"),
    ("PORTAL_NETWORK_SCHEMA", "https"),
    ("PORTAL_NETWORK_APIHOST", "api.portal.com"),
    ("PORTAL_NETWORK_PORTALHOST", "portal.com"),
    ("PORTAL_API_URL", "http://portal-api:3001"),
    ("PORTAL_ECHO_URL", "http://portal-api:3009"),
    ("PORTAL_PORTAL_URL", "http://portal:3000"),
    ("PORTAL_KONG_ADAPTER_URL", "http://portal-kong-adapter:3002"),
    ("PORTAL_KONG_ADMIN_URL", "http://kong:8001"),
    ("PORTAL_KONG_PROXY_URL", "http://kong:8000"),
    ("PORTAL_MAILER_URL", "http://portal-mailer:3003"),
    ("PORTAL_CHATBOT_URL", "http://portal-chatbot:3004"),
    ("PORTAL_AUTHSERVER_URL", "http://portal-auth:3010"),
    ("PORTAL_SESSIONSTORE_TYPE", "redis"),
    ("PORTAL_SESSIONSTORE_HOST", "portal-redis"),
    ("PORTAL_SESSIONSTORE_PORT", "6379"),
    ("PORTAL_STORAGE_PGHOST", "wicked-database"),
    ("PORTAL_STORAGE_PGPORT", "5432"),
    ("PORTAL_STORAGE_PGDATABASE", "wicked"),
    ("DOCKER_HOST", "not-defined"),
];
