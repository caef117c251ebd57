//! What this server asks portal-api, and for how long it remembers the answer.
//!
//! Users, consent and registrations are always asked anew. Clients and verified secrets are
//! remembered for two seconds, which is how fast a revocation has to be seen (Part 4).

mod clients;
mod users;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use sdk::{
    Client as SdkClient, Optional,
    client::ContentAnswer,
    types::{Api, AuthServer, Globals, Pool, audit::NewAuditRecord},
};
use service::{ServiceName, keys::Keys, token::Identity};
use url::Url;

use crate::{apis::ApiPolicy, cache::Cache, clients::Client, foreign::TrustedIssuer};

pub use clients::VerifiedSecret;
pub use sdk::Error as PortalApiError;
pub use users::{LoginOutcome, SaveOutcome};

/// The id of portal-api among the APIs.
pub const PORTAL_API: &str = "portal-api";
/// How long a client or a verified secret is remembered.
const CLIENTS: Duration = Duration::from_secs(2);
/// How long configuration is remembered.
const CONFIGURATION: Duration = Duration::from_secs(5);

/// Typed access to portal-api with this service's own identity. Cheap to clone.
#[derive(Clone)]
pub struct PortalApi(Arc<Inner>);

struct Inner {
    sdk: SdkClient,
    apis: Cache<(), Arc<Vec<Api>>>,
    pools: Cache<String, Option<Arc<Pool>>>,
    /// Paths at the gateway, by API.
    paths: Cache<String, Arc<Vec<String>>>,
    clients: Cache<String, Option<Arc<Client>>>,
    /// By digest of id and secret.
    secrets: Cache<[u8; 32], Arc<Client>>,
}

impl PortalApi {
    pub fn new(url: Url, keys: Keys) -> Self {
        let identity = Identity::new(ServiceName::AuthServer, keys);
        Self(Arc::new(Inner {
            sdk: SdkClient::new(url, sdk::Auth::Service(identity))
                .with_patience(Duration::from_secs(5)),
            apis: Cache::new(CONFIGURATION, 1),
            pools: Cache::new(CONFIGURATION, 1000),
            paths: Cache::new(CONFIGURATION, 1000),
            clients: Cache::new(CLIENTS, 10_000),
            secrets: Cache::new(CLIENTS, 10_000),
        }))
    }

    /// The calls of this server as itself.
    pub fn as_service(&self) -> &SdkClient {
        &self.0.sdk
    }

    pub async fn globals(&self) -> Result<Globals, PortalApiError> {
        self.0.sdk.globals().await
    }

    pub async fn auth_server(&self, name: &str) -> Result<Option<AuthServer>, PortalApiError> {
        self.0.sdk.auth_server(name).await.optional()
    }

    /// The OAuth side of an API.
    pub async fn api(&self, id: &str) -> Result<Option<ApiPolicy>, PortalApiError> {
        Ok(ApiPolicy::find(&self.apis().await?, id))
    }

    /// The APIs that take tokens of `issuer`, each with what it says about him.
    pub async fn apis_that_trust(
        &self,
        issuer: &str,
    ) -> Result<Vec<(ApiPolicy, TrustedIssuer)>, PortalApiError> {
        let apis = self.apis().await?;
        // Most have none, and need not be looked at further.
        let with_some = apis.iter().filter(|api| {
            let settings = api.settings.as_ref();
            settings.is_some_and(|settings| settings.extra.0.contains_key("trusted_issuers"))
        });
        let policies = with_some.filter_map(|api| ApiPolicy::find(&apis, &api.id));
        Ok(policies
            .filter_map(|api| {
                let trusted = api
                    .trusted_issuers
                    .iter()
                    .find(|one| one.is(issuer))
                    .cloned();
                trusted.map(|trusted| (api, trusted))
            })
            .collect())
    }

    /// The APIs whose users register in `pool`.
    pub async fn apis_with_pool(&self, pool: &str) -> Result<Vec<ApiPolicy>, PortalApiError> {
        let apis = self.apis().await?;
        let of_pool = apis
            .iter()
            .filter(|api| api.registration_pool.as_deref() == Some(pool));
        Ok(of_pool
            .filter_map(|api| ApiPolicy::find(&apis, &api.id))
            .collect())
    }

    async fn apis(&self) -> Result<Arc<Vec<Api>>, PortalApiError> {
        if let Some(apis) = self.0.apis.get(&()) {
            return Ok(apis);
        }
        let apis = Arc::new(self.0.sdk.apis().await?.apis);
        self.0.apis.put((), apis.clone());
        Ok(apis)
    }

    /// Under which paths the gateway publishes an API that exists. Patterns are no addresses.
    pub async fn paths_of(&self, api: &str) -> Result<Arc<Vec<String>>, PortalApiError> {
        if let Some(paths) = self.0.paths.get(api) {
            return Ok(paths);
        }
        let config = self.0.sdk.api_config(api).await?;
        let routes = config.api.routes.into_iter();
        let paths = routes
            .flat_map(|route| route.paths)
            .filter(|path| path.starts_with('/'));
        let paths = Arc::new(paths.collect::<Vec<_>>());
        self.0.paths.put(api.to_owned(), paths.clone());
        Ok(paths)
    }

    /// Puts something on record; a record that is there already is not stored again.
    pub async fn add_records(&self, records: &[NewAuditRecord]) -> Result<(), PortalApiError> {
        self.0.sdk.add_audit_records(records).await
    }

    /// A file of the configuration that everybody may see.
    pub async fn content(&self, path: &str) -> Result<Option<ContentAnswer>, PortalApiError> {
        self.0.sdk.content(path).await.optional()
    }

    /// The operator's own pages, by name. An older portal-api has none.
    pub async fn page_templates(&self) -> Result<BTreeMap<String, String>, PortalApiError> {
        let templates = self.0.sdk.auth_page_templates().await.optional()?;
        Ok(templates.unwrap_or_default())
    }

    /// Texts of pages in the operator's words, by language.
    pub async fn texts(&self) -> Result<ui::TextFiles, PortalApiError> {
        self.0.sdk.texts().await
    }

    pub async fn pool(&self, id: &str) -> Result<Option<Arc<Pool>>, PortalApiError> {
        if let Some(pool) = self.0.pools.get(id) {
            return Ok(pool);
        }
        let pool = self.0.sdk.pool(id).await.optional()?.map(Arc::new);
        self.0.pools.put(id.to_owned(), pool.clone());
        Ok(pool)
    }
}
