//! Talking to the remote: credentials, and limits in time and size.

use std::{
    cell::RefCell,
    time::{Duration, Instant},
};

use git2::{
    CertificateCheckStatus, Cred, CredentialType, ErrorCode, RemoteCallbacks,
    cert::{Cert, CertHostkey},
};
use url::Url;

use super::{Credentials, RepositoryAddress, Source, host_key};

const MAX_DURATION: Duration = Duration::from_mins(2);
const MAX_BYTES: usize = 512 * 1024 * 1024;
/// User name for hosts that take a token as password of anybody.
const TOKEN_USER: &str = "x-access-token";

/// What libgit2 does not say itself when it fails.
#[derive(Default)]
pub struct Failure {
    /// Type and fingerprint of an ssh host key.
    host_key: RefCell<Option<String>>,
}

impl Failure {
    /// Why something failed, for people, without credentials.
    pub fn reason(&self, error: &git2::Error) -> String {
        match (error.code(), &*self.host_key.borrow()) {
            (ErrorCode::Certificate, Some(key)) => format!(
                "the key of the host is not known ({key}); if it is the right one, put what \
                 `ssh-keyscan` prints into GIT_SSH_KNOWN_HOSTS"
            ),
            _ => error.message().to_owned(),
        }
    }
}

pub fn callbacks<'a>(source: &'a Source, failure: &'a Failure) -> RemoteCallbacks<'a> {
    let started = Instant::now();
    let mut asked = 0;
    let mut callbacks = RemoteCallbacks::new();
    callbacks.transfer_progress(move |progress| {
        started.elapsed() < MAX_DURATION && progress.received_bytes() < MAX_BYTES
    });
    callbacks.credentials(move |url, user, allowed| {
        asked += 1;
        // libgit2 asks again and again while the host refuses; and a redirect must not carry the
        // password to another host.
        if asked > 2 || place(url) != place(source.address.as_str()) {
            return Err(git2::Error::from_str(
                "the repository refused the credentials",
            ));
        }
        credential(&source.address, &source.credentials, user, allowed)
    });
    callbacks.certificate_check(move |certificate: &Cert<'_>, host| {
        let Some(key) = certificate.as_hostkey() else {
            // TLS is checked against the authorities of the system.
            return Ok(CertificateCheckStatus::CertificatePassthrough);
        };
        *failure.host_key.borrow_mut() = Some(describe(key));
        let Some(lines) = &source.credentials.known_hosts else {
            return Ok(CertificateCheckStatus::CertificatePassthrough);
        };
        let port = place(source.address.as_str()).map_or(22, |(_, _, port)| port);
        match key.hostkey() {
            Some(key) if host_key::is_known(lines, host, port, key) => {
                Ok(CertificateCheckStatus::CertificateOk)
            }
            _ => Err(git2::Error::new(
                ErrorCode::Certificate,
                git2::ErrorClass::Ssh,
                "unknown host key",
            )),
        }
    });
    callbacks
}

fn describe(key: &CertHostkey<'_>) -> String {
    let kind = key.hostkey_type().map_or("unknown", |kind| kind.name());
    let key = key.hostkey().map(host_key::fingerprint);
    format!("{kind} {}", key.unwrap_or_default())
}

fn credential(
    address: &RepositoryAddress,
    credentials: &Credentials,
    user: Option<&str>,
    allowed: CredentialType,
) -> Result<Cred, git2::Error> {
    let user = user.unwrap_or("git");
    if allowed.contains(CredentialType::SSH_KEY) {
        return match &credentials.ssh_key {
            // A key that lost its last line end on the way is not understood otherwise.
            Some(key) => Cred::ssh_key_from_memory(user, None, &format!("{}\n", key.trim()), None),
            None => Cred::ssh_key_from_agent(user),
        };
    }
    if allowed.contains(CredentialType::USERNAME) {
        return Cred::username(user);
    }
    let given = credentials
        .user_password
        .as_deref()
        .or_else(|| address.user_password());
    let Some(given) = given.filter(|_| allowed.contains(CredentialType::USER_PASS_PLAINTEXT))
    else {
        return Err(git2::Error::from_str(
            "the repository needs credentials (GIT_CREDENTIALS)",
        ));
    };
    let (user, password) = given.split_once(':').unwrap_or((TOKEN_USER, given));
    Cred::userpass_plaintext(&decode(user), &decode(password))
}

/// Resolves `%xx`; anything else stays as it is.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = (*first == b'%')
            .then(|| tail.get(..2).and_then(|digits| hex::decode(digits).ok()))
            .flatten();
        if let Some(byte) = escaped {
            bytes.extend(byte);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// Scheme, host and port. A password that is meant for https does not go out by http either.
fn place(url: &str) -> Option<(String, String, u16)> {
    if let Ok(url) = Url::parse(url) {
        let port = url
            .port_or_known_default()
            .or((url.scheme() == "ssh").then_some(22));
        return Some((url.scheme().to_owned(), url.host_str()?.to_owned(), port?));
    }
    let (_, host_path) = url.split_once('@')?;
    let (host, _) = host_path.split_once(':')?;
    Some(("ssh".to_owned(), host.to_owned(), 22))
}

#[cfg(test)]
mod tests {
    use super::{decode, place};

    #[test]
    fn credentials_are_decoded() {
        assert_eq!(decode("p%40ss%3Aword%"), "p@ss:word%");
    }

    #[test]
    fn the_place_of_every_form_is_found() {
        for (url, scheme, port) in [
            ("https://a.example/x", "https", 443),
            ("http://a.example/x", "http", 80),
            ("https://a.example:8443/x", "https", 8443),
            ("git@a.example:x", "ssh", 22),
            ("ssh://git@a.example/x", "ssh", 22),
            ("ssh://git@a.example:2222/x", "ssh", 2222),
        ] {
            let expected = (scheme.to_owned(), "a.example".to_owned(), port);
            assert_eq!(place(url), Some(expected));
        }
    }
}
