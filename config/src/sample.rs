//! The sample configuration as part of the program.

use std::{fs, io, path::Path};

use crate::crypto::ConfigKey;

include!(concat!(env!("OUT_DIR"), "/sample.rs"));

/// Starts a repository (`wicketgate init`): the sample in `static`, a new key for encrypted values,
/// and a `.gitignore` that keeps the key out of git.
pub fn init(folder: &Path) -> io::Result<()> {
    let files = folder.join("static");
    if folder.exists() && fs::read_dir(folder)?.next().is_some() {
        return Err(not_empty(folder));
    }
    write_to(&files)?;
    fs::write(
        folder.join(".gitignore"),
        "*envkey\n.DS_Store\ncerts\ndynamic\n",
    )?;
    let mut key = fs::OpenOptions::new();
    key.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut key, 0o600);
    let mut key = key.open(files.join("deploy.envkey"))?;
    io::Write::write_all(&mut key, ConfigKey::generate().as_str().as_bytes())
}

/// Writes the sample into a folder that is empty or does not exist yet.
pub fn write_to(folder: &Path) -> io::Result<()> {
    if folder.exists() && fs::read_dir(folder)?.next().is_some() {
        return Err(not_empty(folder));
    }
    for (path, bytes) in FILES {
        let target = folder.join(path);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(target, bytes)?;
    }
    Ok(())
}

fn not_empty(folder: &Path) -> io::Error {
    let message = format!("{} is not empty; choose a new folder", folder.display());
    io::Error::new(io::ErrorKind::AlreadyExists, message)
}
