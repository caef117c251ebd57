//! The sample configuration as part of the program.

use std::{fs, io, path::Path};

include!(concat!(env!("OUT_DIR"), "/sample.rs"));

/// Writes the sample into a folder that is empty or does not exist yet (`wicketgate init`).
pub fn write_to(folder: &Path) -> io::Result<()> {
    if folder.exists() && fs::read_dir(folder)?.next().is_some() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            format!("{} is not empty", folder.display()),
        ));
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
