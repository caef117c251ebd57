//! The seeds of the fuzz target, once each: a short run of it on every change.

#[path = "../../../fuzz/src/configuration.rs"]
mod configuration;

#[test]
fn every_seed_of_the_fuzz_target_is_taken_or_refused() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/seeds/configuration");
    let mut seeds = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        configuration::run(&std::fs::read(entry.unwrap().path()).unwrap());
        seeds += 1;
    }
    assert!(seeds > 40, "{seeds} seeds");
}
