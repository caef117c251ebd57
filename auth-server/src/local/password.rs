//! Whether a name and a password belong together: asked by the log-in page and by the password grant,
//! and braked for both.

use std::{net::IpAddr, time::Duration};

use sdk::types::User;
use service::clock;
use ui::Lang;

use super::external;
use crate::{
    brake::{self, Act, BrakeError, Who},
    configuration::{Method, MethodKind},
    federated,
    interaction::InteractionError,
    portal_api::LoginOutcome,
    records,
    state::AppState,
};

/// What came of a name and a password.
pub enum Checked {
    Right(Box<User>),
    /// After a delay: unknown name, wrong password and no password do not differ.
    Wrong,
    TooMany {
        wait: Duration,
    },
    /// The right password, but another account has the mail address (8.2).
    AddressTaken,
}

/// Checks name and password; `language` is that of the page, if it is asked by one. Failures of every kind look alike and get slower.
pub async fn check_password(
    state: &AppState,
    method: &Method,
    address: IpAddr,
    username: &str,
    password: &str,
    language: Option<Lang>,
) -> Result<Checked, InteractionError> {
    let username = username.trim();
    let whos = [Who::Account(username), Who::Address(address)];
    match brake::check(&state.database, Act::Login, &whos, clock::now()).await {
        Ok(()) => {}
        Err(BrakeError::Braked(braked)) => return Ok(Checked::TooMany { wait: braked.0 }),
        Err(BrakeError::Database(error)) => return Err(error.into()),
    }
    // An empty password never reaches a provider (F6).
    let outcome = if username.is_empty() || password.is_empty() {
        LoginOutcome::Refused
    } else {
        match &method.kind {
            MethodKind::Local(_) => state.portal_api.login(username, password, address).await?,
            MethodKind::External(settings) => {
                match external::verify(settings, username, password).await? {
                    Some(identity) => {
                        match federated::load(state, method, &identity, language).await? {
                            Some(user) => LoginOutcome::Right(Box::new(user)),
                            None => return Ok(Checked::AddressTaken),
                        }
                    }
                    None => LoginOutcome::Refused,
                }
            }
        }
    };
    match outcome {
        LoginOutcome::Right(user) => {
            brake::release(&state.database, Act::Login, username).await?;
            Ok(Checked::Right(user))
        }
        LoginOutcome::Refused => {
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
        LoginOutcome::Braked { retry_after } => {
            tracing::info!(source = %address, retry_after, "log-in braked by portal-api");
            Ok(Checked::TooMany {
                wait: Duration::from_secs(retry_after),
            })
        }
    }
}
