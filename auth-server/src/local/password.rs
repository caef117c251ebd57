//! Whether a name and a password belong together: asked by the log-in page and by the password grant,
//! and braked for both.

use std::{net::IpAddr, time::Duration};

use service::clock;
use ui::Lang;

use super::{dummy, external, ldap};
use crate::{
    brake::{self, Act, BrakeError, Who},
    configuration::{Method, MethodKind},
    factors::Proof,
    federated::{self, Identity, Loaded, Person},
    interaction::InteractionError,
    portal_api::LoginOutcome,
    records,
    state::AppState,
    upstream,
};

/// What came of a name and a password.
pub enum Checked {
    Right(Box<Person>),
    /// After a delay: unknown name, wrong password and no password do not differ.
    Wrong,
    TooMany {
        wait: Duration,
    },
    /// The right password, but another account has the mail address (8.2).
    AddressTaken,
}

/// What has to be known about somebody whom a provider vouches for.
#[derive(Clone, Copy, Debug)]
pub enum Wanted {
    /// His account here, made if need be in the language of the page, if there is one.
    Account(Option<Lang>),
    /// Only what the provider says: the API passes its users through.
    Identity,
}

/// Checks name and password. Failures of every kind look alike and get slower.
pub async fn check_password(
    state: &AppState,
    method: &Method,
    address: IpAddr,
    username: &str,
    password: &str,
    wanted: Wanted,
) -> Result<Checked, InteractionError> {
    let username = username.trim();
    let whos = [
        Who::AccountAt(username, address),
        Who::Account(username),
        Who::Address(address),
    ];
    match brake::check(&state.database, Act::Login, &whos, clock::now()).await {
        Ok(()) => {}
        Err(BrakeError::Braked(braked)) => return Ok(Checked::TooMany { wait: braked.0 }),
        Err(BrakeError::Database(error)) => return Err(error.into()),
    }
    let outcome = identify(state, method, address, (username, password), wanted).await?;
    match outcome {
        Outcome::Right(person) => {
            brake::release(&state.database, Act::Login, &whos).await?;
            Ok(Checked::Right(person))
        }
        Outcome::AddressTaken => Ok(Checked::AddressTaken),
        Outcome::Refused => {
            let now = clock::now();
            let delay = brake::count(&state.database, Act::Login, &whos, now).await?;
            let act = records::Act::LoginRefused { username };
            let txn = state.database.write().await?;
            records::insert(&txn, act, &method.id, address, now).await?;
            txn.commit().await?;
            state.records.notify_one();
            metrics::counter!("wicketgate_auth_logins", "outcome" => "failed").increment(1);
            tracing::info!(source = %address, "log-in failed");
            tokio::time::sleep(delay).await;
            Ok(Checked::Wrong)
        }
        Outcome::Braked { retry_after } => {
            tracing::info!(source = %address, retry_after, "log-in braked by portal-api");
            Ok(Checked::TooMany {
                wait: Duration::from_secs(retry_after),
            })
        }
    }
}

enum Outcome {
    Right(Box<Person>),
    Refused,
    /// By portal-api's own brake.
    Braked {
        retry_after: u64,
    },
    AddressTaken,
}

/// Asks whoever knows.
async fn identify(
    state: &AppState,
    method: &Method,
    address: IpAddr,
    (username, password): (&str, &str),
    wanted: Wanted,
) -> Result<Outcome, InteractionError> {
    // An empty password never reaches a provider (F6).
    if username.is_empty() || password.is_empty() {
        return Ok(Outcome::Refused);
    }
    let identity = match ask(state, method, username, password).await? {
        Asked::Known(identity) => identity,
        Asked::Refused => return Ok(Outcome::Refused),
        Asked::Ours => {
            return Ok(
                match state.portal_api.login(username, password, address).await? {
                    LoginOutcome::Right(user) => {
                        Outcome::Right(Box::new(Person::local(*user, Proof::Password)))
                    }
                    LoginOutcome::Refused => Outcome::Refused,
                    LoginOutcome::Braked { retry_after } => Outcome::Braked { retry_after },
                },
            );
        }
    };
    let user = match wanted {
        Wanted::Identity => None,
        Wanted::Account(language) => {
            match federated::load(state, method, &identity, language).await? {
                Loaded::User(user) => Some(*user),
                Loaded::AddressTaken => return Ok(Outcome::AddressTaken),
                // With a password nobody can be asked for an address.
                Loaded::AddressMissing => return Ok(Outcome::Refused),
            }
        }
    };
    Ok(Outcome::Right(Box::new(Person {
        user,
        identity: Some(identity),
        proof: match method.external() {
            Some(_) => Proof::Password,
            None => Proof::Elsewhere,
        },
    })))
}

/// What somebody else says of a name and a password.
enum Asked {
    /// Nobody else is asked: it is an account of this installation.
    Ours,
    Known(Identity),
    Refused,
}

async fn ask(
    state: &AppState,
    method: &Method,
    username: &str,
    password: &str,
) -> Result<Asked, InteractionError> {
    let identity = match &method.kind {
        MethodKind::Local(_) => return Ok(Asked::Ours),
        MethodKind::External(settings) => {
            external::verify(state, settings, username, password).await?
        }
        MethodKind::Ldap(settings) => ldap::verify(settings, username, password).await?,
        MethodKind::Redirect(settings) if settings.takes_passwords => {
            upstream::verify(settings, username, password).await?
        }
        MethodKind::Redirect(_) | MethodKind::Saml(_) => None,
        MethodKind::Dummy => Some(dummy::identity()),
    };
    Ok(identity.map_or(Asked::Refused, Asked::Known))
}
