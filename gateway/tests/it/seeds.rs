//! The seeds of the fuzz targets, once each: a short run of them on every change.

use gateway::fuzz::{Requests, document, routes};

include!("../../../fuzz/each_seed.rs");

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
