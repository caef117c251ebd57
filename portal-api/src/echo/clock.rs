//! The world clock of the sample configuration.

use axum::{Json, Router, extract::Query, routing::get};
use chrono::{DateTime, FixedOffset, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use super::backend::Refusal;

pub fn routes() -> Router {
    Router::new()
        .route("/time", get(time))
        .route("/difference", get(difference))
}

#[derive(Deserialize)]
struct TimeQuery {
    zone: Option<String>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Reading {
    zone: String,
    time: String,
    unix: i64,
}

async fn time(Query(query): Query<TimeQuery>) -> Result<Json<Reading>, Refusal> {
    let zone = query.zone.unwrap_or_else(|| "UTC".to_owned());
    let offset = offset("zone", &zone)?;
    Ok(Json(time_in(zone, offset, service::clock::now())))
}

fn time_in(zone: String, offset: FixedOffset, now: DateTime<Utc>) -> Reading {
    let local = now.with_timezone(&offset);
    Reading {
        zone,
        time: local.to_rfc3339_opts(SecondsFormat::Secs, true),
        unix: now.timestamp(),
    }
}

#[derive(Deserialize)]
struct DifferenceQuery {
    from: Option<String>,
    to: Option<String>,
}

#[derive(Serialize)]
struct Difference {
    from: String,
    to: String,
    minutes: i32,
}

async fn difference(Query(query): Query<DifferenceQuery>) -> Result<Json<Difference>, Refusal> {
    let from = query.from.unwrap_or_else(|| "UTC".to_owned());
    let to = query.to.unwrap_or_else(|| "UTC".to_owned());
    let seconds = offset("to", &to)?.local_minus_utc() - offset("from", &from)?.local_minus_utc();
    Ok(Json(Difference {
        from,
        to,
        minutes: seconds / 60,
    }))
}

/// `UTC` or an offset such as `+09:00`, up to 14:59 either way.
fn offset(name: &str, zone: &str) -> Result<FixedOffset, Refusal> {
    let parsed = || {
        if zone == "UTC" {
            return FixedOffset::east_opt(0);
        }
        let offset: FixedOffset = zone.parse().ok()?;
        let canonical = zone.len() == 6 && offset.local_minus_utc().abs() < 15 * 3600;
        canonical.then_some(offset)
    };
    parsed().ok_or_else(|| {
        Refusal::invalid(format!(
            "`{name}` has to be UTC or an offset such as +09:00"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_the_zone_that_was_asked_for() {
        let now = DateTime::from_timestamp(1_795_239_000, 0).unwrap();
        let tokyo = offset("zone", "+09:00").ok().unwrap();
        assert_eq!(
            time_in("+09:00".to_owned(), tokyo, now).time,
            "2026-11-21T14:30:00+09:00"
        );
        assert!(offset("zone", "+15:00").is_err());
        assert!(offset("zone", "Tokyo").is_err());
    }
}
