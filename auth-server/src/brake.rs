//! The brake on guessing: failures per account and per address, in the database so that it
//! makes no difference which instance is asked.

mod row;

use std::{net::IpAddr, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use migrations::Database;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, DbErr, EntityTrait, ExprTrait, QueryFilter,
    sea_query::{Expr, OnConflict},
};

use crate::secret;

/// What is guessed at or asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Login,
    ClientSecret,
    /// Asking for mails; each counts, since none is a failure.
    Mail,
    VerificationId,
    Signup,
    /// What is shown beside a password.
    SecondFactor,
    /// The code that a device shows.
    UserCode,
    /// A device that begins to wait; each counts.
    Device,
    /// A request of a public client that is kept; each counts.
    PushedRequest,
}

/// Whose attempts are counted.
#[derive(Clone, Copy, Debug)]
pub enum Who<'a> {
    /// From wherever.
    Account(&'a str),
    /// From one address.
    AccountAt(&'a str, IpAddr),
    Address(IpAddr),
}

/// Too many attempts; the next one is looked at after this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts; the next one counts in {} s", .0.as_secs())]
pub struct Braked(pub Duration);

/// Why an attempt was not looked at.
#[derive(Debug, thiserror::Error)]
pub enum BrakeError {
    #[error(transparent)]
    Braked(#[from] Braked),
    #[error("the failed attempts could not be read")]
    Database(#[from] DbErr),
}

/// So many attempts of one address count for the account as such: whoever guesses from one place locks
/// out that place, and not the owner elsewhere.
const COUNTED_ELSEWHERE: i64 = 5;
/// How long attempts are remembered.
const WINDOW: TimeDelta = TimeDelta::minutes(15);
/// Shortest answer to a failure.
const FIRST_DELAY: Duration = Duration::from_millis(500);
/// Longest one: a request is never held longer.
const LONGEST_DELAY: Duration = Duration::from_secs(8);

impl Act {
    const fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::ClientSecret => "client-secret",
            Self::Mail => "mail",
            Self::VerificationId => "verification",
            Self::Signup => "signup",
            Self::SecondFactor => "second-factor",
            Self::UserCode => "user-code",
            Self::Device => "device",
            Self::PushedRequest => "pushed-request",
        }
    }

    /// Attempts within the window. An address stands for many people behind one router.
    const fn limit(self, who: Who<'_>) -> i64 {
        match (self, who) {
            (Self::Login, Who::AccountAt(..))
            | (
                Self::Login | Self::VerificationId | Self::SecondFactor | Self::UserCode,
                Who::Account(_),
            ) => 10,
            (Self::UserCode, Who::Address(_)) => 50,
            (Self::Mail | Self::Signup, Who::Account(_)) => 5,
            (Self::ClientSecret | Self::Device | Self::PushedRequest, Who::Account(_))
            | (_, Who::AccountAt(..) | Who::Address(_)) => 100,
        }
    }

    fn key(self, who: Who<'_>) -> String {
        let who = match who {
            Who::Account(name) => format!("account/{}", name.trim().to_lowercase()),
            Who::AccountAt(name, address) => {
                let name = name.trim().to_lowercase();
                format!("account/{name}/at/{}", network(address))
            }
            Who::Address(address) => format!("address/{}", network(address)),
        };
        secret::digest(&format!("{}/{who}", self.name()))
    }
}

/// What one person can change at will: the single IPv4 address, the /64 of IPv6.
fn network(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// Refuses when one of `whos` has used up its attempts.
pub async fn check(
    database: &Database,
    act: Act,
    whos: &[Who<'_>],
    now: DateTime<Utc>,
) -> Result<(), BrakeError> {
    let keys: Vec<String> = whos.iter().map(|who| act.key(*who)).collect();
    let rows = row::Entity::find()
        .filter(row::Column::KeyHash.is_in(&keys))
        .filter(row::Column::ExpiresAt.gt(now))
        .all(database.read())
        .await?;
    let wait = rows
        .iter()
        .filter(|row| {
            let who = keys.iter().position(|key| *key == row.key_hash);
            who.is_some_and(|index| row.failures >= act.limit(whos[index]))
        })
        .map(|row| row.expires_at - now)
        .max();
    match wait {
        Some(wait) => Err(Braked(wait.to_std().unwrap_or_default()).into()),
        None => Ok(()),
    }
}

/// Counts an attempt and says how long to wait before answering it: longer each time. An account's
/// place goes before the account.
pub async fn count(
    database: &Database,
    act: Act,
    whos: &[Who<'_>],
    now: DateTime<Utc>,
) -> Result<Duration, DbErr> {
    let txn = database.write().await?;
    let mut most = 1;
    for who in whos {
        if matches!(who, Who::Account(_)) && most > COUNTED_ELSEWHERE {
            continue;
        }
        let key = act.key(*who);
        row::Entity::delete_many()
            .filter(row::Column::KeyHash.eq(&key))
            .filter(row::Column::ExpiresAt.lte(now))
            .exec(&txn)
            .await?;
        row::Entity::insert(row::ActiveModel {
            key_hash: Set(key.clone()),
            failures: Set(1),
            expires_at: Set(now + WINDOW),
        })
        .on_conflict(
            OnConflict::column(row::Column::KeyHash)
                .value(
                    row::Column::Failures,
                    Expr::col((row::Entity, row::Column::Failures)).add(1),
                )
                .to_owned(),
        )
        .exec_without_returning(&txn)
        .await?;
        if matches!(who, Who::Account(_) | Who::AccountAt(..)) {
            let row = row::Entity::find_by_id(key).one(&txn).await?;
            most = Ord::max(most, row.map_or(1, |row| row.failures));
        }
    }
    txn.commit().await?;
    Ok(delay(most))
}

/// Forgets the failures of an account whose owner has got in.
pub async fn release(database: &Database, act: Act, whos: &[Who<'_>]) -> Result<(), DbErr> {
    // An address stands for other people, too.
    let own = whos.iter().filter(|who| !matches!(who, Who::Address(_)));
    let keys: Vec<String> = own.map(|who| act.key(*who)).collect();
    let counted = row::Entity::find().filter(row::Column::KeyHash.is_in(&keys));
    if counted.one(database.read()).await?.is_some() {
        let txn = database.write().await?;
        row::Entity::delete_many()
            .filter(row::Column::KeyHash.is_in(keys))
            .exec(&txn)
            .await?;
        txn.commit().await?;
    }
    Ok(())
}

/// Half a second for the first failure, doubling.
fn delay(failures: i64) -> Duration {
    let doublings = Ord::min(u32::try_from(failures - 1).unwrap_or(0), 8);
    (FIRST_DELAY * 2_u32.pow(doublings)).min(LONGEST_DELAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_answered_slower_and_slower() {
        let seconds = |failures| delay(failures).as_secs_f32();
        assert!((seconds(1) - 0.5).abs() < 0.01);
        assert!((seconds(3) - 2.0).abs() < 0.01);
        assert!((seconds(50) - 8.0).abs() < 0.01);
    }

    #[test]
    fn one_network_of_ipv6_is_one_address() {
        let key = |address: &str| Act::Login.key(Who::Address(address.parse().unwrap()));
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:2"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
    }
}
