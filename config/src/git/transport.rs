//! Talking to the remote: credentials, and limits in time and size.

use std::time::{Duration, Instant};

use git2::{Cred, CredentialType, RemoteCallbacks};

use super::{Credentials, RepositoryAddress, Source};

const MAX_DURATION: Duration = Duration::from_mins(2);
const MAX_BYTES: usize = 512 * 1024 * 1024;
/// User name for hosts that take a token as password of anybody.
const TOKEN_USER: &str = "x-access-token";

pub fn callbacks(source: &Source) -> RemoteCallbacks<'_> {
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
        if asked > 2 || host(url) != host(source.address.as_str()) {
            return Err(git2::Error::from_str(
                "the repository refused the credentials",
            ));
        }
        credential(&source.address, &source.credentials, user, allowed)
    });
    callbacks
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
            Some(key) => Cred::ssh_key_from_memory(user, None, key, None),
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

fn host(url: &str) -> Option<String> {
    if let Ok(url) = url::Url::parse(url) {
        return url.host_str().map(str::to_owned);
    }
    let (_, host_path) = url.split_once('@')?;
    host_path.split_once(':').map(|(host, _)| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{decode, host};

    #[test]
    fn credentials_are_decoded() {
        assert_eq!(decode("p%40ss%3Aword%"), "p@ss:word%");
    }

    #[test]
    fn the_host_of_every_form_is_found() {
        for url in [
            "https://a.example/x",
            "git@a.example:x",
            "ssh://git@a.example/x",
        ] {
            assert_eq!(host(url).as_deref(), Some("a.example"));
        }
    }
}
