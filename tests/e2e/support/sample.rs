//! A configuration of its own for a test: the sample, changed.

use std::{fs, path::Path};

use serde_json::Value;

/// Copies the sample configuration to `folder`.
pub fn copy_sample(folder: &Path) {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../static-config");
    copy(&sample, folder);
}

/// Changes a JSON file.
pub fn change(file: &Path, change: impl FnOnce(&mut Value)) {
    let mut json: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    change(&mut json);
    fs::write(file, json.to_string()).unwrap();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
