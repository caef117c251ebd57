//! `wicketgate backup` and `restore`: the databases of an installation on SQLite in one file.
//!
//! The file is a tar archive of whole databases, each as of one moment, so that it can be looked into
//! and used without this program.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::{MetadataExt, OpenOptionsExt, fchown},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use migrations::Location;
use service::{keys::MasterKey, settings};

use crate::{
    cli::{Backup, Restore},
    keys, up,
};

/// Without the first there is nothing to restore.
pub const DATABASES: [&str; 2] = ["portal-api.db", "auth-server.db"];
/// What SQLite keeps beside a database.
const BESIDE: [&str; 2] = ["-wal", "-shm"];
/// Longest key file that is looked at.
const MAX_KEY: u64 = 1024;

/// `wicketgate backup`
pub async fn backup(options: Backup) -> anyhow::Result<()> {
    let Backup {
        file,
        data,
        with_key,
    } = options;
    ensure!(
        !file.exists(),
        "{} is there already; a backup is never overwritten",
        file.display()
    );
    let mut contents = Vec::new();
    for (name, database) in databases(&data)? {
        if !database.is_file() {
            ensure!(
                name != DATABASES[0],
                "there is no {}; --data names the data folder",
                database.display()
            );
            continue;
        }
        let copy = Temporary(beside(&file, &format!(".{name}.part")));
        copy.remove();
        let copied = migrations::copy_file(&database, &copy.0).await;
        copied.with_context(|| format!("cannot copy {}", database.display()))?;
        contents.push((name, copy));
    }
    let key = with_key.then(|| master_key(&data)).transpose()?;
    let has_key = key.is_some();
    let target = file.clone();
    tokio::task::spawn_blocking(move || pack(&target, &contents, key.as_deref())).await??;
    say!("{} ({} bytes)", file.display(), file.metadata()?.len());
    if has_key {
        say!("It holds the master key: whoever has this file can read everything in it.");
    } else {
        say!(
            "It is of use only together with the master key, which is not in it (--with-key): keep \
             {} or WICKETGATE_MASTER_KEY as well, apart from this file.",
            data.join(keys::FILE).display()
        );
    }
    Ok(())
}

/// Under another name until it is whole.
fn pack(file: &Path, databases: &[(&str, Temporary)], key: Option<&str>) -> anyhow::Result<()> {
    let part = Temporary(beside(file, ".part"));
    let target = private(&part.0).with_context(|| format!("cannot write {}", part.0.display()))?;
    let mut archive = tar::Builder::new(target);
    for (name, copy) in databases {
        let database = File::open(&copy.0)?;
        let length = database.metadata()?.len();
        archive.append_data(&mut header(length), name, database)?;
    }
    if let Some(key) = key {
        archive.append_data(&mut header(key.len() as u64), keys::FILE, key.as_bytes())?;
    }
    archive.into_inner()?.sync_all()?;
    fs::rename(&part.0, file)?;
    Ok(())
}

/// Of a file that only its owner reads.
fn header(length: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(length);
    header.set_mode(0o600);
    header
}

/// `wicketgate restore`
pub async fn restore(options: Restore) -> anyhow::Result<()> {
    let Restore {
        file,
        data,
        replace,
    } = options;
    let places = databases(&data)?;
    keys::prepare_folder(&data)?;
    let _running = up::lock(&data)?;
    let _locks = places
        .iter()
        .map(|(_, database)| migrations::lock_file(database))
        .collect::<Result<Vec<_>, _>>()?;
    let existing = places.iter().find(|(_, database)| database.exists());
    if let Some((_, database)) = existing.filter(|_| !replace) {
        bail!(
            "there is a database already, {}; --replace puts it aside as {}",
            database.display(),
            aside(database).display()
        );
    }
    let folder = data.clone();
    let unpacked = tokio::task::spawn_blocking(move || unpack(&file, &folder)).await??;
    ensure!(
        unpacked.iter().any(|(name, _)| name == DATABASES[0]),
        "the file holds no {}; it is not whole",
        DATABASES[0]
    );
    for (name, part) in unpacked.iter().filter(|(name, _)| name != keys::FILE) {
        let checked = migrations::check_file(&part.0).await;
        checked.with_context(|| format!("{name} in the file is damaged; nothing was changed"))?;
    }
    let key = unpacked.iter().find(|(name, _)| name == keys::FILE);
    if let Some((_, part)) = key {
        accept_key(&part.0, &data, replace)?;
    }
    // Also what the file does not have: it would belong to another moment.
    for (name, database) in &places {
        put_aside(database)?;
        if let Some((_, part)) = unpacked.iter().find(|(unpacked, _)| unpacked == name) {
            fs::rename(&part.0, database)?;
            say!("{}", database.display());
        }
    }
    if key.is_none() && keys::from_environment()?.is_none() && !data.join(keys::FILE).exists() {
        say!(
            "The file has no master key. Before the start put yours into {} (mode 0600), or set \
             WICKETGATE_MASTER_KEY.",
            data.join(keys::FILE).display()
        );
    }
    Ok(())
}

/// The files of an installation on SQLite.
pub fn databases(data: &Path) -> anyhow::Result<Vec<(&'static str, PathBuf)>> {
    let place = |name| match up::database(data, name)? {
        Location::Sqlite(path) => Ok((name, path)),
        Location::Postgres(_) => bail!(
            "DATABASE_URL names a PostgreSQL database, which its own tools save and restore \
             (pg_dump; docs/operations.md)"
        ),
    };
    DATABASES.into_iter().map(place).collect()
}

fn master_key(data: &Path) -> anyhow::Result<String> {
    if let Some(key) = settings::secret("WICKETGATE_MASTER_KEY")? {
        return Ok(key);
    }
    let file = data.join(keys::FILE);
    fs::read_to_string(&file).with_context(|| format!("--with-key: cannot read {}", file.display()))
}

/// The key of the file becomes that of the folder, unless it has another one.
fn accept_key(part: &Path, data: &Path, replace: bool) -> anyhow::Result<()> {
    let text = fs::read_to_string(part)?;
    MasterKey::parse(&text).context("the master key in the file")?;
    let place = data.join(keys::FILE);
    match fs::read_to_string(&place) {
        Ok(own) if own.trim() == text.trim() => return Ok(()),
        Ok(_) => ensure!(
            replace,
            "{} holds another master key; --replace puts it aside",
            place.display()
        ),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| place.display().to_string()),
    }
    put_aside(&place)?;
    fs::rename(part, &place)?;
    Ok(())
}

/// Writes what the archive holds beside the places where it belongs.
fn unpack(file: &Path, data: &Path) -> anyhow::Result<Vec<(String, Temporary)>> {
    let mut open = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    let broken = || format!("{} is damaged, or no backup", file.display());
    expect_end(&mut open).with_context(broken)?;
    let mut archive = tar::Archive::new(io::BufReader::new(open));
    let mut unpacked: Vec<(String, Temporary)> = Vec::new();
    for entry in archive.entries().with_context(broken)? {
        let mut entry = entry.with_context(broken)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let length = entry.size();
        let is_ours = DATABASES.contains(&name.as_str()) || name == keys::FILE && length <= MAX_KEY;
        let is_new = unpacked.iter().all(|(known, _)| *known != name);
        ensure!(
            is_ours && is_new && entry.header().entry_type().is_file(),
            "{}: `{}` does not belong into a backup",
            file.display(),
            name.escape_debug()
        );
        let part = Temporary(data.join(format!("{name}.restoring")));
        part.remove();
        let mut target = private(&part.0)?;
        hand_over(&target, data)?;
        let copied = io::copy(&mut entry, &mut target).with_context(broken)?;
        ensure!(copied == length, "{}", broken());
        target.sync_all()?;
        unpacked.push((name, part));
    }
    Ok(unpacked)
}

/// A whole archive ends with two blocks of zeroes. One that was cut off between two files would
/// look whole without them.
fn expect_end(archive: &mut File) -> io::Result<()> {
    let mut end = [1; 1024];
    archive.seek(SeekFrom::End(-1024))?;
    archive.read_exact(&mut end)?;
    archive.rewind()?;
    if end == [0; 1024] {
        Ok(())
    } else {
        Err(io::Error::other("its end is missing"))
    }
}

fn put_aside(file: &Path) -> anyhow::Result<()> {
    if !file.exists() {
        return Ok(());
    }
    for suffix in [""].into_iter().chain(BESIDE) {
        let (from, to) = (beside(file, suffix), beside(&aside(file), suffix));
        match fs::rename(&from, &to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot rename {}", from.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

fn aside(file: &Path) -> PathBuf {
    beside(file, ".before-restore")
}

fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// A new file that only its owner reads.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(path)
}

/// What root restores belongs to whoever the folder belongs to, who runs the service.
fn hand_over(file: &File, folder: &Path) -> io::Result<()> {
    let owner = fs::metadata(folder)?;
    match fchown(file, Some(owner.uid()), Some(owner.gid())) {
        // Others restore for themselves.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        done => done,
    }
}

/// A file that goes when it is no longer needed, unless it was renamed.
struct Temporary(PathBuf);

impl Temporary {
    fn remove(&self) {
        for suffix in [""].into_iter().chain(BESIDE) {
            fs::remove_file(beside(&self.0, suffix)).ok();
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        self.remove();
    }
}
