//! Service tokens: how one service proves to another who it is (architecture, decision 3).
//!
//! A JWT signed HS256 with the key of purpose `service-token/<caller>`, so that whoever checks the
//! tokens of one service cannot make those of another with it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, RwLock},
    time::Duration,
};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::{
    ServiceName, clock, crypto,
    keys::{Keys, MissingKey, Purpose},
    random,
};

const TYPE: &str = "wg-service+jwt";
const ISSUER: &str = "wicketgate";
/// Longest time between `iat` and `exp`.
const LIFETIME: i64 = 60;
const LEEWAY: i64 = 5;
/// A token is made anew this long before it ends.
const RENEW_BEFORE: Duration = Duration::from_secs(20);

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    iat: i64,
    exp: i64,
    jti: String,
}

/// Makes the tokens of one service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Identity {
    service: ServiceName,
    keys: Keys,
    current: Arc<Mutex<HashMap<ServiceName, Current>>>,
}

struct Current {
    token: String,
    renew_at: i64,
}

impl std::fmt::Debug for Current {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Current(renew at {})", self.renew_at)
    }
}

impl Identity {
    pub fn new(service: ServiceName, keys: Keys) -> Self {
        crypto::install();
        Self {
            service,
            keys,
            current: Arc::default(),
        }
    }

    pub const fn service(&self) -> ServiceName {
        self.service
    }

    /// A token for calls to `audience`; the same one until shortly before it ends.
    pub fn token_for(&self, audience: ServiceName) -> Result<String, MissingKey> {
        let now = clock::now().timestamp();
        let mut current = self.current.lock().expect("no holder of this lock panics");
        if let Some(current) = current.get(&audience)
            && now < current.renew_at
        {
            return Ok(current.token.clone());
        }
        let token = self.sign(audience, now)?;
        let renew_at = now + LIFETIME - RENEW_BEFORE.as_secs().cast_signed();
        current.insert(
            audience,
            Current {
                token: token.clone(),
                renew_at,
            },
        );
        Ok(token)
    }

    fn sign(&self, audience: ServiceName, now: i64) -> Result<String, MissingKey> {
        let key = self.keys.derive(&Purpose::ServiceToken(self.service))?;
        let header = Header {
            typ: Some(TYPE.to_owned()),
            ..Header::new(Algorithm::HS256)
        };
        let claims = Claims {
            iss: ISSUER.to_owned(),
            sub: self.service.to_string(),
            aud: audience.to_string(),
            iat: now,
            exp: now + LIFETIME,
            jti: random::token(12),
        };
        let token = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(key.bytes()))
            .expect("HMAC signs everything");
        Ok(token)
    }
}

/// Why a service token was refused.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("the service token is not valid: {0}")]
    Invalid(#[from] jsonwebtoken::errors::Error),
    #[error("the token is not a service token")]
    NotAServiceToken,
    #[error("the service token names an unknown service")]
    UnknownService,
    #[error("the service token lives longer than {LIFETIME} s, or was issued in the future")]
    Lifetime,
    #[error(transparent)]
    MissingKey(#[from] MissingKey),
}

/// Checks tokens that other services present to this one. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Verifier {
    me: ServiceName,
    keys: Keys,
    accepted: Arc<RwLock<HashMap<String, Accepted>>>,
}

#[derive(Clone, Copy, Debug)]
struct Accepted {
    service: ServiceName,
    until: i64,
}

impl Verifier {
    pub fn new(me: ServiceName, keys: Keys) -> Self {
        crypto::install();
        Self {
            me,
            keys,
            accepted: Arc::default(),
        }
    }

    /// The service that `token` proves its caller to be.
    ///
    /// Services reuse a token for most of a minute, so accepted ones are remembered until they end.
    pub fn verify(&self, token: &str) -> Result<ServiceName, TokenError> {
        let now = clock::now().timestamp();
        if let Some(service) = self.remembered(token, now) {
            return Ok(service);
        }
        let (service, until) = self.check(token, now)?;
        let mut remembered = self
            .accepted
            .write()
            .expect("no holder of this lock panics");
        remembered.retain(|_, accepted| now <= accepted.until);
        if remembered.len() < 1000 {
            remembered.insert(token.to_owned(), Accepted { service, until });
        }
        Ok(service)
    }

    /// As [`Self::verify`], or nothing for a token that is none of a service.
    pub fn verify_if_of_service(&self, token: &str) -> Option<Result<ServiceName, TokenError>> {
        match self.remembered(token, clock::now().timestamp()) {
            Some(service) => Some(Ok(service)),
            None => is_service_token(token).then(|| self.verify(token)),
        }
    }

    fn remembered(&self, token: &str, now: i64) -> Option<ServiceName> {
        let accepted = self.accepted.read().expect("no holder of this lock panics");
        let accepted = accepted.get(token)?;
        (now <= accepted.until).then_some(accepted.service)
    }

    fn check(&self, token: &str, now: i64) -> Result<(ServiceName, i64), TokenError> {
        if jsonwebtoken::decode_header(token)?.typ.as_deref() != Some(TYPE) {
            return Err(TokenError::NotAServiceToken);
        }
        // The caller's name chooses the key; everything else is read after the signature holds.
        let caller: ServiceName = jsonwebtoken::dangerous::insecure_decode_claims::<Claims>(token)?
            .sub
            .parse()
            .map_err(|_| TokenError::UnknownService)?;
        let key = self.keys.derive(&Purpose::ServiceToken(caller))?;
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = LEEWAY.cast_unsigned();
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[self.me.as_str()]);
        validation.set_required_spec_claims(&["iss", "sub", "aud", "exp"]);
        let decode = |bytes: &[u8; 32]| {
            jsonwebtoken::decode::<Claims>(token, &DecodingKey::from_secret(bytes), &validation)
        };
        let claims = match (decode(key.bytes()), key.previous()) {
            (Err(_), Some(previous)) => decode(previous)?,
            (result, _) => result?,
        }
        .claims;
        if claims.exp - claims.iat > LIFETIME || claims.iat > now + LEEWAY {
            return Err(TokenError::Lifetime);
        }
        Ok((caller, claims.exp + LEEWAY))
    }
}

/// Whether a bearer token claims to be a service token; says nothing about its validity.
pub fn is_service_token(token: &str) -> bool {
    jsonwebtoken::decode_header(token).is_ok_and(|header| header.typ.as_deref() == Some(TYPE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::MasterKey;

    #[test]
    fn a_token_proves_its_service_to_its_audience_only() {
        let keys = Keys::from_master(MasterKey::generate());
        let mailer = Identity::new(ServiceName::Mailer, keys.clone());
        let token = mailer.token_for(ServiceName::PortalApi).unwrap();
        let api = Verifier::new(ServiceName::PortalApi, keys.clone());
        assert_eq!(api.verify(&token).unwrap(), ServiceName::Mailer);
        assert_eq!(
            api.verify(&token).unwrap(),
            ServiceName::Mailer,
            "from memory"
        );
        assert!(
            Verifier::new(ServiceName::AuthServer, keys)
                .verify(&token)
                .is_err()
        );
        assert!(is_service_token(&token));
    }

    #[test]
    fn tokens_of_another_installation_and_old_tokens_are_refused() {
        let ours = Keys::from_master(MasterKey::generate());
        let theirs = Keys::from_master(MasterKey::generate());
        let foreign = Identity::new(ServiceName::Mailer, theirs).token_for(ServiceName::PortalApi);
        let api = Verifier::new(ServiceName::PortalApi, ours.clone());
        assert!(api.verify(&foreign.unwrap()).is_err());
        let identity = Identity::new(ServiceName::Mailer, ours);
        let now = clock::now().timestamp();
        assert!(
            api.verify(&identity.sign(ServiceName::PortalApi, now - 120).unwrap())
                .is_err()
        );
        assert!(
            api.verify(&identity.sign(ServiceName::PortalApi, now + 30).unwrap())
                .is_err()
        );
        assert!(api.verify("not.a.token").is_err());
    }
}
