//! The databases of portal-api and auth server.

use std::path::Path;

use migrations::{Location, Seen, auth_server, look, portal_api};

use super::{clocks::Clocks, finding::Finding};
use crate::{backup::DATABASES, up};

pub async fn check(data: &Path, clocks: &mut Clocks) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (what, file) in [("portal-api", DATABASES[0]), ("auth server", DATABASES[1])] {
        findings.push(one(what, file, data, clocks).await);
    }
    findings
}

async fn one(what: &str, file: &str, data: &Path, clocks: &mut Clocks) -> Finding {
    const WHAT: &str = "database";
    let location = match up::database(data, file) {
        Ok(location) => location,
        Err(error) => return Finding::bad(WHAT, format!("{error:#}"), "correct DATABASE_URL"),
    };
    let is_there = match &location {
        Location::Sqlite(path) => path.exists(),
        Location::Postgres(_) => true,
    };
    if !is_there {
        return Finding::good(WHAT, format!("{what}: the first start makes {location}"));
    }
    let seen = if file == DATABASES[0] {
        look::<portal_api::Migrator>(&location).await
    } else {
        look::<auth_server::Migrator>(&location).await
    };
    match seen {
        Ok(seen) => judge(what, &location, &seen, clocks),
        Err(error) => {
            let advice = match &location {
                Location::Sqlite(_) => {
                    "stop the installation and bring back a backup (`wicketgate restore FILE --replace`)"
                }
                Location::Postgres(_) => {
                    "start the server, or correct host, user and password in DATABASE_URL"
                }
            };
            Finding::bad(WHAT, format!("{what}: {location}: {error}"), advice)
        }
    }
}

fn judge(what: &str, location: &Location, seen: &Seen, clocks: &mut Clocks) -> Finding {
    const WHAT: &str = "database";
    if let Some(now) = seen.now {
        clocks.note(location.to_string(), now);
    }
    let server = seen
        .server
        .as_deref()
        .and_then(|text| text.split(" on ").next());
    let server = server
        .map(|server| format!(" ({server})"))
        .unwrap_or_default();
    let text = format!("{what}: {location}{server}");
    if let Some(newest) = seen.unknown.last() {
        let text = format!("{text} was made by a newer release ({newest})");
        return Finding::odd(
            WHAT,
            text,
            "this release can run on it, as during an upgrade; go on to the newer one",
        );
    }
    match seen.pending {
        0 => Finding::good(WHAT, text),
        pending => Finding::odd(
            WHAT,
            format!("{text} lacks {pending} migrations"),
            "the next start runs them; make a backup before",
        ),
    }
}
