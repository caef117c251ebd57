// Part of the tests that run the seeds once each: a short run of fuzzing on every change.

/// Gives `check` each seed of a target, of which there are at least so many.
fn each_seed(target: &str, least: usize, mut check: impl FnMut(&[u8])) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/seeds");
    let entries = std::fs::read_dir(std::path::Path::new(folder).join(target)).unwrap();
    let files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= least, "{} seeds", files.len());
    for file in files {
        // Shown when a check fails.
        println!("{}", file.display());
        check(&std::fs::read(file).unwrap());
    }
}
