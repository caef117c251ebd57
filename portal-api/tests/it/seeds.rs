//! The seeds of the fuzz targets, once each: a short run of them on every change.

use migrations::Location;
use portal_api::fuzz::{Lists, body};

use crate::support::Postgres;

include!("../../../fuzz/each_seed.rs");

#[test]
fn every_body_is_taken_or_refused() {
    each_seed("bodies", 70, body);
}

#[test]
fn every_query_of_a_list_is_answered_or_refused_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::in_folder(folder.path(), "portal-api.db");
    let lists = Lists::open(&location).unwrap();
    each_seed("lists", 40, |query| lists.query(query));
}

#[test]
fn every_query_of_a_list_is_answered_or_refused_on_postgres() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Some(postgres) = runtime.block_on(Postgres::fresh()) else {
        return;
    };
    let location = Location::Postgres(postgres.url());
    let lists = Lists::open(&location).unwrap();
    each_seed("lists", 40, |query| lists.query(query));
}
