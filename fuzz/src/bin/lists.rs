//! Queries of lists, on a database.
#![no_main]

use std::sync::LazyLock;

use migrations::Location;
use portal_api::fuzz::Lists;
use tempfile::TempDir;

static LISTS: LazyLock<(Lists, TempDir)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder for the database");
    let location = Location::in_folder(folder.path(), "portal-api.db");
    let lists = Lists::open(&location).expect("a new database opens");
    (lists, folder)
});

libfuzzer_sys::fuzz_target!(|input: &[u8]| LISTS.0.query(input));
