//! What the configuration says about this installation, read from portal-api and followed.

use std::{sync::Arc, time::Duration};

use http::HeaderValue;
use sdk::{
    Error,
    types::{AuthServer, Globals},
};
use serde_json::{Value, json};
use service::{backoff::Backoff, health::Readiness};
use tokio_util::sync::CancellationToken;
use ui::{Html, Languages, PasswordRule, Site, security};
use url::Url;

use crate::{
    layout::{self, Console, Views},
    login::{Method, methods},
    markdown,
    reference::Samples,
    search::Library,
    state::App,
};

/// How often portal-api is asked whether other configuration is in force.
const FOLLOW: Duration = Duration::from_secs(10);
/// `credentials.maxOverlapSeconds`, where nothing is written: 30 days.
const MAX_OVERLAP: u64 = 30 * 24 * 60 * 60;

/// One state of the configuration.
#[derive(Clone, Debug)]
pub struct Installation {
    /// Which configuration this is.
    pub hash: Arc<str>,
    pub site: Arc<Site>,
    /// The portal as browsers see it, with a slash at the end.
    pub external: Url,
    /// The auth server as browsers see it, with a slash at the end.
    pub issuer: Url,
    /// The gateway as clients see it, without a slash at the end.
    pub gateway: String,
    /// The same as this process reaches it.
    pub proxy: Url,
    /// What templates of content pages may know of the settings.
    pub glob: Arc<Value>,
    /// Where tokens for APIs come from.
    pub auth_servers: Vec<AuthServer>,
    /// Header that carries API keys.
    pub key_header: String,
    /// Seconds for which an old credential may live on beside its successor.
    pub max_overlap: u64,
    /// What becomes of a secret after it was shown.
    pub keeping: Keeping,
    /// Plain requests are sent on to https instead of being refused.
    pub redirect_to_https: bool,
    policy: HeaderValue,
    /// For pages that count the visit.
    counting_policy: HeaderValue,
    /// Ways to log in, in the order of the configuration.
    pub methods: Vec<Method>,
    /// What a new password has to be like; portal-api decides.
    pub password_rule: PasswordRule,
    /// The group of everybody with a confirmed address.
    pub validated_group: Option<String>,
    pub views: Views,
    /// Code samples in the operator's words.
    pub samples: Samples,
    pub console: Console,
    /// What pages can be read in.
    pub languages: Languages,
    /// `auditlog.useAuditlog`; on unless it is switched off.
    pub keeps_audit_log: bool,
}

/// What is read from portal-api beside the globals.
struct Read {
    style: Option<String>,
    logo: Option<String>,
    console_style: Option<String>,
    methods: Vec<Method>,
    auth_servers: Vec<AuthServer>,
    languages: Languages,
}

/// What pages may promise about a new secret (portal-api 29.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// Nobody can show it again.
    Fingerprint,
    /// It is kept, but these pages do not show it again.
    Hidden,
}

impl Installation {
    /// Whether the outside speaks https, so that cookies may insist on it.
    pub fn secure(&self) -> bool {
        self.external.scheme() == "https"
    }

    fn new(app: &App, hash: Arc<str>, globals: &Globals, read: Read) -> anyhow::Result<Self> {
        let settings = app.settings();
        let outside = |given: &Option<Url>, configured: Option<String>, what: &str| match given {
            Some(url) => Ok(url.clone()),
            None => configured
                .and_then(|text| text.parse().ok())
                .ok_or_else(|| anyhow::anyhow!("globals.json has no usable `network.{what}`")),
        };
        let external: Url = outside(
            &settings.external_url,
            globals.network.portal(),
            "portalHost",
        )?;
        let gateway: Url = outside(&settings.issuer, globals.network.gateway(), "apiHost")?;
        let issuer = crate::settings::below(&gateway, settings.auth_url.path());
        let proxy = globals.network.kong_proxy_url.as_deref();
        let proxy = proxy.and_then(|text| text.parse().ok());
        let statistics = layout::statistics(portal_member(globals, "analytics"));
        let origins = statistics.iter().flat_map(|counted| &counted.origins);
        let origins: Vec<&str> = origins.map(String::as_str).collect();
        let own = std::slice::from_ref(&issuer);
        let policy = security::content_security_policy(own);
        let counting_policy = security::content_security_policy_with(own, &origins);
        let mut site = site(globals, external.scheme(), &read);
        site.statistics = statistics.map(|counted| counted.script);
        Ok(Self {
            site: Arc::new(site),
            gateway: globals
                .network
                .gateway()
                .unwrap_or_else(|| gateway.origin().ascii_serialization()),
            key_header: globals.api.header_name.clone(),
            keeping: keeping(globals),
            max_overlap: max_overlap(globals),
            keeps_audit_log: keeps_audit_log(globals),
            redirect_to_https: globals.network.force_redirect_to_https.unwrap_or_default(),
            external: crate::settings::below(&external, ""),
            proxy: proxy.unwrap_or_else(|| gateway.clone()),
            issuer,
            policy,
            counting_policy,
            hash,
            methods: read.methods,
            languages: read.languages,
            auth_servers: read.auth_servers,
            glob: Arc::new(glob(globals)),
            password_rule: PasswordRule::named(globals.password_strategy.as_deref()),
            validated_group: globals.validated_user_group.clone(),
            views: layout::views(globals),
            samples: Samples::of(portal_member(globals, "samples")),
            console: layout::console(globals, read.console_style),
        })
    }

    /// What browsers may load with a page.
    pub fn policy(&self, counts_visit: bool) -> &HeaderValue {
        if counts_visit {
            &self.counting_policy
        } else {
            &self.policy
        }
    }

    /// A page of the auth server, as browsers see it.
    pub fn auth_url(&self, path: &str) -> String {
        format!("{}{}", self.issuer, path.trim_start_matches('/'))
    }

    /// The way to log in with this name, or the first one.
    fn method(&self, name: &str) -> Option<&Method> {
        let mut methods = self.methods.iter();
        let named = methods.find(|method| method.name == name);
        named.or_else(|| self.methods.first())
    }

    /// Pages about the own account for somebody who logged in this way.
    pub fn endpoints(&self, method: &str) -> Endpoints {
        let method = self.method(method);
        let page = |path: fn(&Method) -> &String| {
            method.map_or_else(
                || self.issuer.to_string(),
                |method| self.auth_url(path(method)),
            )
        };
        Endpoints {
            verify_email: page(|method| &method.verify_email),
            grants: page(|method| &method.grants),
        }
    }
}

/// Pages of the auth server about the own account.
pub struct Endpoints {
    /// Where a mail address is confirmed.
    pub verify_email: String,
    /// Which applications may act for the person.
    pub grants: String,
}

fn site(globals: &Globals, schema: &str, read: &Read) -> Site {
    let title = Some(globals.title.clone())
        .filter(|title| !title.is_empty())
        .unwrap_or_else(|| "Wicketgate".to_owned());
    let mut site = Site {
        company: globals.company.clone().unwrap_or_else(|| title.clone()),
        title,
        footer: globals
            .footer
            .as_deref()
            .map_or_else(Html::default, markdown::clean),
        portal: String::new(),
        base: String::new(),
        style: read.style.clone(),
        logo: read.logo.clone(),
        development: schema != "https",
        version: service::VERSION,
        ..Site::default()
    };
    layout::apply(&mut site, globals);
    site
}

/// portal-ui 13.3: nothing else, since settings hold secrets.
fn glob(globals: &Globals) -> Value {
    let member = |name: &str| globals.extra.get(name).cloned().unwrap_or_default();
    json!({
        "title": globals.title, "company": globals.company,
        "network": {
            "portalHost": globals.network.portal_host, "apiHost": globals.network.api_host,
            "schema": globals.network.schema,
        },
        "layouts": member("layouts"), "views": member("views"),
        "api": {"headerName": globals.api.header_name},
    })
}

fn keeps_audit_log(globals: &Globals) -> bool {
    let switch = globals
        .extra
        .get("auditlog")
        .and_then(|value| value.get("useAuditlog"));
    switch.and_then(Value::as_bool) != Some(false)
}

fn portal_member<'a>(globals: &'a Globals, name: &str) -> Option<&'a Value> {
    globals.portal.as_ref()?.extra.get(name)
}

fn max_overlap(globals: &Globals) -> u64 {
    let limits = globals.extra.get("credentials");
    let seconds = limits.and_then(|limits| limits.get("maxOverlapSeconds")?.as_u64());
    seconds.unwrap_or(MAX_OVERLAP)
}

fn keeping(globals: &Globals) -> Keeping {
    let reveal = globals
        .extra
        .get("credentials")
        .and_then(|value| value.get("reveal"));
    let to_kong = globals
        .gateway
        .as_ref()
        .and_then(|gateway| gateway.kind.as_deref())
        == Some("kong");
    match reveal.and_then(Value::as_str) {
        Some("never") if !to_kong => Keeping::Fingerprint,
        _ => Keeping::Hidden,
    }
}

/// Reads the configuration until it is there, then follows it until `shutdown`.
pub async fn follow(app: App, readiness: Readiness, shutdown: CancellationToken) {
    if !app.service().until_up(&readiness, &shutdown).await {
        return;
    }
    let mut backoff = Backoff::for_start();
    loop {
        let pause = match update(&app).await {
            Ok(()) => {
                readiness.ready();
                FOLLOW
            }
            Err(error) if app.installation().is_some() => {
                tracing::warn!("going on with the configuration read before: {error:#}");
                FOLLOW
            }
            Err(error) => {
                readiness.waiting(format!("configuration from portal-api: {error:#}"));
                backoff.next_delay()
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = app.until_outdated() => {}
            () = shutdown.cancelled() => return,
        }
    }
}

async fn update(app: &App) -> anyhow::Result<()> {
    let hash = app.service().config_hash().await?;
    if app.installation().is_some_and(|known| *known.hash == *hash) {
        return Ok(());
    }
    let globals = app.service().globals().await?;
    let configured = globals.portal.as_ref();
    let configured = configured.map_or(&[][..], |portal| &portal.auth_methods);
    let auth_servers = methods::servers(app.service()).await?;
    let read = Read {
        style: operator_file(app, "wicked.css").await?,
        logo: operator_file(app, "images/wicked-40.png").await?,
        console_style: operator_file(app, "swagger-override.css").await?,
        methods: methods::of(configured, &auth_servers)?,
        auth_servers,
        languages: Languages::of(app.service().texts().await?),
    };
    app.install(Installation::new(app, hash.into(), &globals, read)?);
    app.definitions().clear();
    Library::clear(app).await;
    Ok(())
}

/// Where a file of the operator is, if there is one.
async fn operator_file(app: &App, path: &str) -> Result<Option<String>, Error> {
    match app.service().content(path).await {
        Ok(_) => Ok(Some(format!("/content/{path}"))),
        Err(Error::Api(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
