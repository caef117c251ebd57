//! The seeds of the fuzz targets, once each: a short run of them on every change.

use std::{fs, path::PathBuf};

use gateway::fuzz::{Requests, document, routes};

fn each_seed(target: &str, least: usize, mut check: impl FnMut(&[u8])) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/seeds");
    let entries = fs::read_dir(PathBuf::from(folder).join(target)).unwrap();
    let files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= least, "{} seeds", files.len());
    for file in files {
        // Shown when a check fails.
        println!("{}", file.display());
        check(&fs::read(file).unwrap());
    }
}

#[test]
fn every_document_is_taken_or_refused() {
    each_seed("documents", 20, document);
}

#[test]
fn every_request_is_looked_up() {
    each_seed("routes", 7, routes);
}

#[test]
fn every_request_passes_the_plugins_or_is_refused() {
    service::http::install_crypto();
    let requests = Requests::default();
    each_seed("requests", 28, |input| requests.run(input));
}
