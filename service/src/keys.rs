//! One master key, one derived key per purpose (architecture, decision 4).
//!
//! HKDF-SHA256 with `info` = `wicketgate/<purpose>/v1`. A service may hold only the derived keys it
//! needs; then every other purpose is a [`MissingKey`].

mod needed;
mod provision;
mod rotation;
mod seal;
mod stream;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{hkdf, hmac};

use crate::ServiceName;
pub use provision::provision_key;
pub use seal::OpenError;
pub use stream::{CHUNK, HEAD, Opener, SEALED_CHUNK, Sealer};

/// What a derived key is for. Keys of different purposes tell nothing about each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Purpose {
    /// Encrypts the portal's session cookie.
    Cookie,
    /// Signs the service tokens *of* this service.
    ServiceToken(ServiceName),
    /// Makes the portal's own client id and secret.
    PortalClient,
    /// Encrypts credentials that may be shown again.
    Credential,
    /// Makes the digests by which credentials are found.
    CredentialLookup,
    /// Encrypts secrets inside events.
    EventData,
    /// Encrypts the secrets of foreign webhook listeners.
    ListenerSecret,
    /// Signs webhook deliveries to one of our own listeners.
    Listener(String),
    /// Makes the keys by which the auth server proves itself to Kong's OAuth 2.0 plugin.
    Provision,
    /// Lets a gateway deliver usage records to the adapter.
    UsageIntake,
    /// Lets a gateway ask the auth server about tokens.
    Introspection,
    /// Encrypts answers that are kept for the repetition of their request.
    KeptAnswer,
    /// Encrypts archives of all data.
    Archive,
    /// Encrypts what this service still has to do, in its state folder.
    Queue(ServiceName),
    /// Signs links that switch mails off.
    Unsubscribe,
    /// Makes each refresh token out of the one before it.
    RefreshToken,
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cookie => f.write_str("cookie"),
            Self::ServiceToken(service) => write!(f, "service-token/{service}"),
            Self::PortalClient => f.write_str("portal-client"),
            Self::Credential => f.write_str("credential"),
            Self::CredentialLookup => f.write_str("credential-lookup"),
            Self::EventData => f.write_str("event-data"),
            Self::ListenerSecret => f.write_str("listener-secret"),
            Self::Listener(id) => write!(f, "listener/{id}"),
            Self::Provision => f.write_str("provision"),
            Self::UsageIntake => f.write_str("usage-intake"),
            Self::Introspection => f.write_str("introspection"),
            Self::KeptAnswer => f.write_str("kept-answer"),
            Self::Archive => f.write_str("archive"),
            Self::Queue(service) => write!(f, "queue/{service}"),
            Self::Unsubscribe => f.write_str("unsubscribe"),
            Self::RefreshToken => f.write_str("refresh-token"),
        }
    }
}

/// The 32 bytes from which all other keys come. Its `Debug` prints nothing of it.
#[derive(Clone)]
pub struct MasterKey([u8; 32]);

/// A text that is no master key. Does not repeat the text.
#[derive(Debug, thiserror::Error)]
#[error("a master key is 32 bytes written as base64url (43 characters) or hex (64 characters)")]
pub struct InvalidMasterKey;

impl MasterKey {
    pub fn generate() -> Self {
        let mut bytes = [0; 32];
        crate::random::fill(&mut bytes);
        Self(bytes)
    }

    pub fn parse(text: &str) -> Result<Self, InvalidMasterKey> {
        let text = text.trim();
        let bytes = if text.len() == 64 {
            hex::decode(text).map_err(|_| InvalidMasterKey)?
        } else {
            URL_SAFE_NO_PAD
                .decode(text.trim_end_matches('='))
                .map_err(|_| InvalidMasterKey)?
        };
        bytes.try_into().map(Self).map_err(|_| InvalidMasterKey)
    }

    /// The text that [`MasterKey::parse`] reads; for the key file only.
    pub fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    fn derive(&self, purpose: &Purpose) -> [u8; 32] {
        let info = format!("wicketgate/{purpose}/v1");
        let info = [info.as_bytes()];
        let mut key = [0; 32];
        hkdf::Salt::new(hkdf::HKDF_SHA256, &[])
            .extract(&self.0)
            .expand(&info, hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut key))
            .expect("32 bytes are within the limit of HKDF");
        key
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// This process was not given the key for a purpose.
#[derive(Clone, Debug, thiserror::Error)]
#[error("no key for `{0}`: set WICKETGATE_MASTER_KEY, or give this service a derived key for it")]
pub struct MissingKey(String);

/// The keys that a process holds. Cheap to clone.
#[derive(Clone)]
pub struct Keys {
    source: Arc<Source>,
    /// The look-up key that the database holds, since it outlives master keys.
    lookup: Arc<RwLock<Option<[u8; 32]>>>,
}

enum Source {
    Master {
        current: MasterKey,
        previous: Option<MasterKey>,
    },
    /// Each with the one of the other master key during a rotation.
    Derived(BTreeMap<String, Key>),
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(…)")
    }
}

impl Keys {
    pub fn from_master(current: MasterKey) -> Self {
        Self::new(Source::Master {
            current,
            previous: None,
        })
    }

    /// During a rotation: new values are made with `current`, those of both are read.
    pub fn from_rotation(current: MasterKey, previous: MasterKey) -> Self {
        Self::new(Source::Master {
            current,
            previous: Some(previous),
        })
    }

    /// The form of `WICKETGATE_DERIVED_KEYS`: `purpose=base64url`, separated by blanks or lines; two
    /// keys with a comma during a rotation.
    pub fn from_derived(text: &str) -> Result<Self, InvalidMasterKey> {
        let mut keys = BTreeMap::new();
        for pair in text.split_whitespace() {
            let (purpose, key) = pair.split_once('=').ok_or(InvalidMasterKey)?;
            keys.insert(purpose.to_owned(), Key::parse(key)?);
        }
        Ok(Self::new(Source::Derived(keys)))
    }

    fn new(source: Source) -> Self {
        Self {
            source: Arc::new(source),
            lookup: Arc::default(),
        }
    }

    /// From now on, credentials are looked up with this key, whatever the master key is: nobody knows
    /// the credentials of which other digests could be made. All clones do so.
    pub fn look_up_with(&self, key: [u8; 32]) {
        *self.lookup.write().unwrap_or_else(PoisonError::into_inner) = Some(key);
    }

    /// Whether two master keys are in force.
    pub fn are_rotated(&self) -> bool {
        matches!(
            &*self.source,
            Source::Master {
                previous: Some(_),
                ..
            }
        )
    }

    /// The key for `purpose`.
    pub fn derive(&self, purpose: &Purpose) -> Result<Key, MissingKey> {
        if *purpose == Purpose::CredentialLookup {
            let lookup = self.lookup.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(current) = *lookup {
                return Ok(Key {
                    current,
                    previous: None,
                });
            }
        }
        self.derive_anew(purpose)
    }

    /// What follows from the master key, also for looking up credentials.
    pub fn derive_anew(&self, purpose: &Purpose) -> Result<Key, MissingKey> {
        match &*self.source {
            Source::Master { current, previous } => Ok(Key {
                current: current.derive(purpose),
                previous: previous.as_ref().map(|key| key.derive(purpose)),
            }),
            Source::Derived(keys) => {
                let purpose = purpose.to_string();
                let key = keys.get(&purpose).cloned();
                key.ok_or(MissingKey(purpose))
            }
        }
    }
}

/// The key of one purpose.
#[derive(Clone)]
pub struct Key {
    current: [u8; 32],
    previous: Option<[u8; 32]>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.current
    }

    /// The key before the running rotation, accepted for reading.
    pub const fn previous(&self) -> Option<&[u8; 32]> {
        self.previous.as_ref()
    }

    /// The current key, and the other one during a rotation.
    pub fn both(&self) -> impl Iterator<Item = Self> {
        let keys = std::iter::once(self.current).chain(self.previous);
        keys.map(|current| Self {
            current,
            previous: None,
        })
    }

    pub fn base64url(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.current)
    }

    pub fn hmac_sha256(&self, data: &[u8]) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.current);
        hmac::sign(&key, data)
            .as_ref()
            .try_into()
            .expect("HMAC-SHA256 has 32 bytes")
    }

    /// One key, or two with a comma between them.
    fn parse(text: &str) -> Result<Self, InvalidMasterKey> {
        let (current, previous) = text
            .split_once(',')
            .map_or((text, None), |(current, previous)| {
                (current, Some(previous))
            });
        Ok(Self {
            current: MasterKey::parse(current)?.0,
            previous: previous.map(MasterKey::parse).transpose()?.map(|key| key.0),
        })
    }

    /// What [`Keys::from_derived`] reads.
    fn to_text(&self) -> String {
        let keys: Vec<String> = self.both().map(|key| key.base64url()).collect();
        keys.join(",")
    }
}

/// The portal's own client. portal-api and portal compute the same one, so nothing has to be
/// handed over (portal-api 2.2).
#[derive(Clone)]
pub struct PortalClient {
    pub client_id: String,
    pub client_secret: String,
}

impl fmt::Debug for PortalClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PortalClient({}, …)", self.client_id)
    }
}

/// The client that the portal is now, and during a rotation the one that it was or will be.
pub fn portal_clients(keys: &Keys) -> Result<Vec<PortalClient>, MissingKey> {
    let key = keys.derive(&Purpose::PortalClient)?;
    let clients = key.both().map(|key| PortalClient {
        client_id: base62(&key.hmac_sha256(b"id"), 32),
        client_secret: base62(&key.hmac_sha256(b"secret"), 43),
    });
    Ok(clients.collect())
}

/// The first `length` base62 digits of a number of 32 bytes, most significant first.
fn base62(number: &[u8; 32], length: usize) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    // 62^43 is just above 2^256, so 43 divisions take the number apart completely.
    let mut rest = *number;
    let mut digits: Vec<char> = (0..43)
        .map(|_| {
            let remainder = rest.iter_mut().fold(0_u32, |carry, byte| {
                let value = carry * 256 + u32::from(*byte);
                *byte = u8::try_from(value / 62).expect("carry is below 62");
                value % 62
            });
            char::from(DIGITS[remainder as usize])
        })
        .collect();
    digits.reverse();
    digits.into_iter().take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        Keys::from_master(MasterKey([7; 32]))
    }

    #[test]
    fn each_purpose_has_its_own_key_and_it_is_always_the_same() {
        let cookie = keys().derive(&Purpose::Cookie).unwrap();
        let credential = keys().derive(&Purpose::Credential).unwrap();
        assert_ne!(cookie.bytes(), credential.bytes());
        assert_eq!(
            cookie.bytes(),
            keys().derive(&Purpose::Cookie).unwrap().bytes()
        );
    }

    #[test]
    fn a_master_key_is_read_as_base64url_and_as_hex() {
        let key = MasterKey::generate();
        assert_eq!(MasterKey::parse(&key.to_text()).unwrap().0, key.0);
        assert_eq!(MasterKey::parse(&hex::encode(key.0)).unwrap().0, key.0);
        assert!(MasterKey::parse("too short").is_err());
    }

    #[test]
    fn a_service_with_derived_keys_has_no_others() {
        let cookie = keys().derive(&Purpose::Cookie).unwrap();
        let held = Keys::from_derived(&format!("cookie={}", cookie.base64url())).unwrap();
        assert_eq!(
            held.derive(&Purpose::Cookie).unwrap().bytes(),
            cookie.bytes()
        );
        assert!(held.derive(&Purpose::Credential).is_err());
    }

    #[test]
    fn during_a_rotation_derived_keys_come_in_pairs() {
        let both = Keys::from_rotation(MasterKey([7; 32]), MasterKey([8; 32]));
        let text = both.needed_by(ServiceName::Portal).unwrap();
        let held = Keys::from_derived(&text).unwrap();
        let [now, other] = [&both, &held].map(|keys| keys.derive(&Purpose::Cookie).unwrap());
        assert_eq!(now.bytes(), other.bytes());
        assert_eq!(now.previous(), other.previous());
        assert_eq!(portal_clients(&held).unwrap().len(), 2);
    }

    #[test]
    fn base62_agrees_with_known_values() {
        let mut one = [0; 32];
        one[31] = 62;
        assert_eq!(base62(&one, 43), format!("{}10", "0".repeat(41)));
    }

    #[test]
    fn the_portal_client_is_stable_and_its_parts_differ() {
        let client = portal_clients(&keys()).unwrap().remove(0);
        assert_eq!(client.client_id.len(), 32);
        assert!(!client.client_secret.starts_with(&client.client_id));
        let other = portal_clients(&keys()).unwrap().remove(0);
        assert_eq!(client.client_id, other.client_id);
    }
}
