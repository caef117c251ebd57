//! Who is calling, and what that allows. Nobody is believed because of a header
//! (architecture, decision 3): a caller is a user with an access token, a service with a service
//! token, or a trusted peer that may use the bare headers of wicked.

mod headers;
pub use headers::subject;
mod services;

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use http::{header, request::Parts};
use ring::digest::{SHA256, digest};
use service::ServiceName;

use crate::{ApiError, AppState, audit::Identified, limits, users};

/// The caller of one request, with the user it acts for as the store has him now.
///
/// Extracting it never refuses a request without identity: many operations are open. The
/// `require_…` methods refuse; each operation of the index (portal-api 7) begins with them.
#[derive(Clone, Debug)]
pub struct Caller {
    via: Via,
    /// The id that was named, whether or not such a user exists.
    named_user: Option<String>,
    user: Option<User>,
    scopes: Vec<String>,
    source: IpAddr,
    /// Address of the browser for which a service calls, if it tells.
    browser: Option<IpAddr>,
    /// The client (application) behind a user's token.
    client_id: Option<String>,
}

/// How the caller proved who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Via {
    Nothing,
    UserToken,
    Service(ServiceName),
    /// A trusted peer; `gateway` says that it passed on a call of a gateway.
    Peer {
        gateway: bool,
    },
}

/// The user a call is made for, with the rights that follow from his groups.
#[derive(Clone, Debug)]
pub struct User {
    pub row: users::row::Model,
    pub admin: bool,
    pub approver: bool,
}

impl User {
    pub fn id(&self) -> &str {
        &self.row.id
    }

    /// Whether the user counts as a member: he has the group, or is an administrator.
    pub fn has_group(&self, group: &str) -> bool {
        self.admin || self.row.groups.0.iter().any(|member| member == group)
    }
}

impl Caller {
    /// Who made the change, for the audit log.
    pub fn actor(&self) -> crate::audit::Actor {
        self.into()
    }

    /// The user the call is made for, if he exists.
    pub const fn user(&self) -> Option<&User> {
        self.user.as_ref()
    }

    /// Whether a user was named, known or not. Some operations treat both cases differently.
    pub const fn names_a_user(&self) -> bool {
        self.named_user.is_some()
    }

    /// The named user id, known or not.
    pub fn named_user(&self) -> Option<&str> {
        self.named_user.as_deref()
    }

    /// Id of the existing user the call is made for; written to `changedBy`.
    pub fn user_id(&self) -> Option<&str> {
        self.user.as_ref().map(User::id)
    }

    /// The service that proved itself, whether or not it acts for a user.
    pub const fn service(&self) -> Option<ServiceName> {
        match self.via {
            Via::Service(service) => Some(service),
            _ => None,
        }
    }

    /// The service acting as itself, without a user.
    pub const fn acting_service(&self) -> Option<ServiceName> {
        if self.named_user.is_some() {
            None
        } else {
            self.service()
        }
    }

    pub const fn is_trusted_peer(&self) -> bool {
        matches!(self.via, Via::Peer { .. })
    }

    /// Address the call came from.
    pub const fn source(&self) -> IpAddr {
        self.source
    }

    /// Address of the browser for which a service calls.
    pub const fn browser(&self) -> Option<IpAddr> {
        self.browser
    }

    /// As whom calls are counted; nothing for services and other calls from inside, and for nobody.
    pub fn limited_as(&self) -> Option<String> {
        match self.via {
            Via::UserToken | Via::Peer { gateway: true } => {
                let client = || self.client_id.as_ref().map(|id| format!("client:{id}"));
                let user = self.named_user.as_ref().map(|id| format!("user:{id}"));
                Some(user.or_else(client).unwrap_or_else(|| "gateway".to_owned()))
            }
            Via::Nothing | Via::Service(_) | Via::Peer { gateway: false } => None,
        }
    }

    /// A digest of who calls and what he may do, the same at every call; nothing for nobody.
    pub fn principal(&self) -> Option<String> {
        if self.via == Via::Nothing {
            return None;
        }
        let mut scopes = self.scopes.clone();
        scopes.sort_unstable();
        let who = (&self.via, &self.named_user, &self.client_id, scopes);
        let digest = digest(&SHA256, format!("{who:?}").as_bytes());
        Some(hex::encode(digest))
    }

    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// A call that did not come through the gateway: a service, or a trusted peer without the
    /// gateway's header. Never a user's token (portal-api 4.3).
    pub const fn is_internal(&self) -> bool {
        matches!(self.via, Via::Service(_) | Via::Peer { gateway: false })
    }

    /// An administrator, or one of our services acting as itself within the scopes it has.
    pub fn is_admin(&self) -> bool {
        match &self.user {
            Some(user) => user.admin,
            None => self.acting_service().is_some_and(services::acts_as_admin),
        }
    }

    /// An administrator who is a person.
    pub fn is_admin_user(&self) -> bool {
        self.user.as_ref().is_some_and(|user| user.admin)
    }

    pub fn is_approver(&self) -> bool {
        self.user.as_ref().is_some_and(|user| user.approver)
    }

    /// Admin, or the very user with this id.
    pub fn is_self_or_admin(&self, user_id: &str) -> bool {
        self.is_admin() || self.named_user.as_deref() == Some(user_id)
    }

    /// Refuses everybody but administrators and the very user with this id. The id that was named
    /// counts, so a user who does not exist passes for himself and is told so later.
    pub fn require_self_or_admin(&self, user_id: &str) -> Result<(), ApiError> {
        if self.is_self_or_admin(user_id) {
            return Ok(());
        }
        Err(ApiError::forbidden(
            "other-user",
            "Only this user himself or an administrator may do this.",
        ))
    }

    pub fn has_scope(&self, scope: &str) -> bool {
        match self.acting_service() {
            Some(service) => services::scopes(service).contains(&scope),
            None => self.scopes.iter().any(|granted| granted == scope),
        }
    }

    /// Refuses a caller without `scope`, in the form of portal-api 4.2.
    pub fn require_scope(&self, scope: &'static str) -> Result<(), ApiError> {
        if self.has_scope(scope) {
            return Ok(());
        }
        Err(ApiError::forbidden_with_code(
            "missing-scope",
            format!("This call needs the scope `{scope}`, which the caller was not granted."),
        ))
    }

    /// Refuses calls from outside, in the form of portal-api 4.3.
    pub fn require_internal(&self) -> Result<(), ApiError> {
        if self.is_internal() {
            return Ok(());
        }
        Err(ApiError::forbidden_with_code(
            "internal-only",
            "This call is answered inside the network only.",
        ))
    }

    /// Refuses everybody but the named services acting as themselves.
    pub fn require_service(&self, allowed: &[ServiceName]) -> Result<ServiceName, ApiError> {
        self.acting_service()
            .filter(|service| allowed.contains(service))
            .ok_or_else(|| {
                ApiError::forbidden_with_code(
                    "service-only",
                    "Only certain services may make this call.",
                )
            })
    }

    /// The user, or 403: unknown and missing users are refused alike.
    pub fn require_user(&self) -> Result<&User, ApiError> {
        self.user.as_ref().ok_or_else(|| {
            ApiError::forbidden(
                "unknown-user",
                "This call has to be made for an existing user.",
            )
        })
    }

    /// Refuses everybody who is not an administrator (a person, or a service within its rights).
    pub fn require_admin(&self) -> Result<(), ApiError> {
        if self.is_admin() {
            return Ok(());
        }
        Err(ApiError::forbidden(
            "admins-only",
            "Only administrators may do this.",
        ))
    }

    /// Refuses everybody who is neither administrator nor approver.
    pub fn require_admin_or_approver(&self) -> Result<(), ApiError> {
        if self.is_admin() || self.is_approver() {
            return Ok(());
        }
        Err(ApiError::forbidden(
            "admins-only",
            "Only administrators and approvers may do this.",
        ))
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        if let Some(identified) = parts.extensions.get::<Self>() {
            return Ok(identified.clone());
        }
        let peer = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map_or(IpAddr::from([0, 0, 0, 0]), |peer| {
                peer.0.ip().to_canonical()
            });
        let mut caller = Self {
            via: Via::Nothing,
            named_user: None,
            user: None,
            scopes: Vec::new(),
            source: peer,
            browser: None,
            client_id: None,
        };
        let mut issued_at = None;
        if let Some(token) = bearer(parts) {
            if let Some(service) = state.service_tokens.verify_if_of_service(token) {
                let refused = |error| ApiError::unauthorized(format!("{error}."));
                caller.identify_service(service.map_err(refused)?, parts)?;
            } else {
                let token = state.user_tokens.verify(token, state).await?;
                issued_at = token.issued_at;
                caller.via = Via::UserToken;
                caller.named_user = token.user_id;
                caller.scopes = token.scopes;
                caller.client_id = Some(token.client_id);
            }
        } else if state
            .trusted_peers
            .iter()
            .any(|network| network.contains(&peer))
        {
            caller.via = Via::Peer {
                gateway: parts.headers.contains_key(headers::CONSUMER),
            };
            caller.take_over_headers(parts)?;
        }
        if let Some(id) = &caller.named_user {
            caller.user = load(state, id).await?;
            caller.check_user(issued_at)?;
        }
        if let Some(Identified(slot)) = parts.extensions.get() {
            slot.set(caller.actor()).ok();
        }
        limits::check(state, parts, &caller)?;
        Ok(caller)
    }
}

impl Caller {
    fn identify_service(&mut self, service: ServiceName, parts: &Parts) -> Result<(), ApiError> {
        self.via = Via::Service(service);
        if services::may_name_a_user(service) {
            self.take_over_headers(parts)?;
        }
        if let Some(address) = headers::real_ip(&parts.headers) {
            // The auth server passes on the browser's address, so that limits meet the right one.
            self.source = address;
            self.browser = Some(address);
        }
        Ok(())
    }

    /// A locked user does nothing, and tokens from before his last change of password are no
    /// longer his (portal-api B8). 401 makes a browser's session end.
    fn check_user(&self, issued_at: Option<i64>) -> Result<(), ApiError> {
        let Some(user) = &self.user else {
            return Ok(());
        };
        let ended = user.row.sessions_ended_at;
        // Tokens tell seconds, so one of the very second of the change counts as newer.
        let is_old = self.via == Via::UserToken
            && ended.is_some_and(|ended| issued_at.is_none_or(|at| at < ended.timestamp()));
        match (&self.via, user.row.disabled_at.is_some()) {
            (Via::UserToken, true) => Err(ApiError::unauthorized("This account is locked.")),
            (_, true) => Err(ApiError::forbidden(
                "user-disabled",
                "This account is locked.",
            )),
            (_, false) if is_old => Err(ApiError::unauthorized(
                "The access token has ended with a change of the account; log in again.",
            )),
            _ => Ok(()),
        }
    }

    fn take_over_headers(&mut self, parts: &Parts) -> Result<(), ApiError> {
        self.named_user = headers::user_id(&parts.headers)?;
        self.scopes = headers::scopes(&parts.headers);
        Ok(())
    }
}

fn bearer(parts: &Parts) -> Option<&str> {
    let value = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The user as he is now, so that a change of groups acts at once.
async fn load(state: &AppState, id: &str) -> Result<Option<User>, ApiError> {
    let Some(row) = users::store::find(state.db.read(), id).await? else {
        return Ok(None);
    };
    let configuration = state.configuration();
    let (admin, approver) = users::rules::rights(&configuration, &row.groups.0);
    Ok(Some(User {
        row,
        admin,
        approver,
    }))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn caller(via: Via, change: impl FnOnce(&mut users::row::Model)) -> Caller {
        let moment = DateTime::UNIX_EPOCH;
        let mut row = users::row::Model {
            id: "u1".to_owned(),
            email: "ada@example.org".to_owned(),
            custom_id: None,
            password_hash: None,
            validated: true,
            must_change_password: false,
            groups: users::row::Groups::default(),
            created_at: moment,
            changed_at: moment,
            changed_by: None,
            disabled_at: None,
            disabled_reason: None,
            sessions_ended_at: None,
        };
        change(&mut row);
        Caller {
            via,
            named_user: Some("u1".to_owned()),
            user: Some(User {
                row,
                admin: false,
                approver: false,
            }),
            scopes: Vec::new(),
            source: IpAddr::from([127, 0, 0, 1]),
            browser: None,
            client_id: None,
        }
    }

    #[test]
    fn tokens_from_before_a_change_of_the_account_do_not_count() {
        let ended = DateTime::from_timestamp(200, 500_000_000);
        let caller = caller(Via::UserToken, |user| user.sessions_ended_at = ended);
        assert!(caller.check_user(Some(199)).is_err());
        assert!(caller.check_user(Some(200)).is_ok());
        assert!(
            caller.check_user(None).is_err(),
            "nobody knows how old it is"
        );
    }

    #[test]
    fn nobody_acts_for_a_locked_user() {
        for via in [
            Via::UserToken,
            Via::Service(ServiceName::AuthServer),
            Via::Peer { gateway: true },
        ] {
            let locked = Some(DateTime::UNIX_EPOCH);
            assert!(
                caller(via, |user| user.disabled_at = locked)
                    .check_user(None)
                    .is_err()
            );
            assert!(caller(via, |_| {}).check_user(None).is_ok());
        }
    }
}
