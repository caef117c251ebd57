//! The data folder: rights, the master key, room on the disk.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use super::finding::Finding;
use crate::keys;

/// Below this there is not much room left for logs, events and mails.
const LITTLE: u64 = 1 << 30;
/// Below this databases may stop to write any day.
const TOO_LITTLE: u64 = 100 << 20;

pub fn check(data: &Path) -> Vec<Finding> {
    let mut findings = vec![key(data)];
    if data.is_dir() {
        findings.push(rights(data));
    }
    // Before the first start the folder is not there; the one above it is.
    let existing = data.ancestors().find(|folder| folder.is_dir());
    findings.push(room(existing.unwrap_or(Path::new("."))));
    findings
}

fn rights(data: &Path) -> Finding {
    const WHAT: &str = "data folder";
    let name = data.display();
    let metadata = match data.metadata() {
        Ok(metadata) => metadata,
        Err(error) => {
            let advice = "let the user that runs wicketgate own it";
            return Finding::bad(WHAT, format!("{name}: {error}"), advice);
        }
    };
    let access =
        rustix::fs::Access::READ_OK | rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
    if let Err(error) = rustix::fs::access(data, access) {
        let advice = "let the user that runs wicketgate own it";
        return Finding::bad(WHAT, format!("{name} cannot be used: {error}"), advice);
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        let advice = format!("chmod 700 {name}");
        return Finding::odd(WHAT, format!("{name} can be read by others"), advice);
    }
    Finding::good(WHAT, name.to_string())
}

fn key(data: &Path) -> Finding {
    const WHAT: &str = "master key";
    let file = data.join(keys::FILE);
    match keys::find(data) {
        Err(error) => {
            let advice = "put the key of this installation there; it is 43 characters of base64url";
            return Finding::bad(WHAT, format!("{error:#}"), advice);
        }
        Ok(None) if data.join("portal-api.db").exists() => {
            let advice = format!(
                "bring back {} from your backup, or set WICKETGATE_MASTER_KEY: without it nothing in \
                 the database can be read",
                file.display()
            );
            return Finding::bad(WHAT, "there is a database, but no key to it", advice);
        }
        Ok(None) => return Finding::good(WHAT, "the first start makes one"),
        Ok(Some(_)) => {}
    }
    let mode = fs::metadata(&file).map(|metadata| metadata.permissions().mode());
    if mode.is_ok_and(|mode| mode & 0o077 != 0) {
        let text = format!("{} can be read by others", file.display());
        return Finding::odd(WHAT, text, format!("chmod 600 {}", file.display()));
    }
    Finding::good(WHAT, "there is one; keep a copy apart from the databases")
}

fn room(folder: &Path) -> Finding {
    const WHAT: &str = "disk";
    let disk = match rustix::fs::statvfs(folder) {
        Ok(disk) => disk,
        Err(error) => {
            let text = format!("{}: {error}", folder.display());
            return Finding::odd(WHAT, text, "look at the disk yourself");
        }
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let text = format!("{} MiB free at {}", free >> 20, folder.display());
    let advice = "make room, or move the data folder";
    // Some file systems have no table of files, and say 0 of 0.
    let no_files = disk.f_files > 0 && disk.f_favail < 1000;
    if free < TOO_LITTLE {
        Finding::bad(WHAT, text, advice)
    } else if no_files {
        Finding::bad(WHAT, "no more files can be made", advice)
    } else if free < LITTLE {
        Finding::odd(WHAT, text, advice)
    } else {
        Finding::good(WHAT, text)
    }
}
