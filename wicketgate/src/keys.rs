//! Where the master key comes from: the environment, or a file in the data folder that the first
//! start makes (architecture, decision 4).

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use anyhow::{Context, bail};
use service::{
    keys::{Keys, MasterKey},
    settings,
};

pub const FILE: &str = "master.key";

/// The keys that the environment gives, if it gives any.
pub fn from_environment() -> anyhow::Result<Option<Keys>> {
    if let Some(derived) = settings::secret("WICKETGATE_DERIVED_KEYS")? {
        return Ok(Some(
            Keys::from_derived(&derived).context("WICKETGATE_DERIVED_KEYS")?,
        ));
    }
    let Some(current) = settings::secret("WICKETGATE_MASTER_KEY")? else {
        return Ok(None);
    };
    let current = MasterKey::parse(&current).context("WICKETGATE_MASTER_KEY")?;
    let Some(previous) = settings::secret("WICKETGATE_MASTER_KEY_PREVIOUS")? else {
        return Ok(Some(Keys::from_master(current)));
    };
    let previous = MasterKey::parse(&previous).context("WICKETGATE_MASTER_KEY_PREVIOUS")?;
    Ok(Some(Keys::from_rotation(current, previous)))
}

/// For `up` and portal-api: the environment, else the key file, else a new key file.
pub fn from_environment_or_file(data: &Path) -> anyhow::Result<Keys> {
    match find(data)? {
        Some(keys) => Ok(keys),
        None => create(&data.join(FILE)),
    }
}

/// The environment, else the key file.
pub fn find(data: &Path) -> anyhow::Result<Option<Keys>> {
    if let Some(keys) = from_environment()? {
        return Ok(Some(keys));
    }
    let path = data.join(FILE);
    match fs::read_to_string(&path) {
        Ok(text) => {
            let key = MasterKey::parse(&text).with_context(|| format!("{}", path.display()))?;
            Ok(Some(Keys::from_master(key)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// For services that share somebody else's installation: a key of their own would be of no use.
pub fn required() -> anyhow::Result<Keys> {
    match from_environment()? {
        Some(keys) => Ok(keys),
        None => bail!(
            "this service needs the keys of its installation: set WICKETGATE_MASTER_KEY (or \
             WICKETGATE_MASTER_KEY_FILE) to the key that portal-api uses, or \
             WICKETGATE_DERIVED_KEYS to what `wicketgate keys derive` prints for this service"
        ),
    }
}

fn create(path: &Path) -> anyhow::Result<Keys> {
    let key = MasterKey::generate();
    // `create_new`: of two first starts one makes the key, the other one fails and reads it next
    // time. Never overwritten, since everything stored depends on it.
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot create {}", path.display()))?;
    writeln!(file, "{}", key.to_text()).and_then(|()| file.sync_all())?;
    Ok(Keys::from_master(key))
}

/// Makes the data folder, readable by its owner only, and checks that it can be written.
pub fn prepare_folder(data: &Path) -> anyhow::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data)
        .with_context(|| format!("cannot create the data folder {} (--data)", data.display()))?;
    let probe = data.join(".write-test");
    fs::write(&probe, b"")
        .and_then(|()| fs::remove_file(&probe))
        .with_context(|| {
            format!(
                "cannot write into the data folder {} (--data)",
                data.display()
            )
        })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use service::keys::Purpose;

    use super::*;

    #[test]
    fn the_first_start_makes_a_key_that_only_its_owner_reads_and_the_next_finds_it() {
        let data = tempfile::tempdir().unwrap();
        let first = from_environment_or_file(data.path()).unwrap();
        let mode = fs::metadata(data.path().join(FILE))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        let second = from_environment_or_file(data.path()).unwrap();
        let key = |keys: &Keys| *keys.derive(&Purpose::Cookie).unwrap().bytes();
        assert_eq!(key(&first), key(&second));
    }
}
