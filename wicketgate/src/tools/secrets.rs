//! `wicketgate keys folder`: the secrets of a deployment as files, which containers and units are
//! given as `…_FILE`.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use anyhow::Context;
use service::{
    ServiceName,
    keys::{Keys, MasterKey},
    random,
};

/// The services that do with derived keys.
const MODEST: [ServiceName; 4] = [
    ServiceName::Portal,
    ServiceName::GatewayAdapter,
    ServiceName::Mailer,
    ServiceName::Chatbot,
];

/// Makes what is missing and keeps what is there, so that it can be repeated.
pub fn folder(folder: &Path) -> anyhow::Result<()> {
    // Nobody else comes in here, but a container whose user is another one reads the single file
    // that it is given.
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("cannot create the folder {}", folder.display()))?;
    let secret = |name: &str, value: String| write(&folder.join(name), value);
    let master = secret("master.key", MasterKey::generate().to_text())?;
    let keys = Keys::from_master(MasterKey::parse(&master).context("master.key")?);
    for service in MODEST {
        secret(&format!("{service}.keys"), keys.needed_by(service)?)?;
    }
    let password = secret("postgres.password", random::token(24))?;
    secret(
        "database.url",
        format!("postgres://wicketgate:{password}@postgres:5432/wicketgate"),
    )?;
    secret("gateway-admin.token", random::token(32))?;
    Ok(())
}

/// The content of the file, which is written if there is none.
fn write(path: &Path, value: String) -> anyhow::Result<String> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o644);
    match options.open(path) {
        Ok(mut file) => {
            writeln!(file, "{}", value.trim_end())
                .and_then(|()| file.sync_all())
                .with_context(|| format!("cannot write {}", path.display()))?;
            say!("{} made", path.display());
            Ok(value)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            say!("{} kept", path.display());
            let text = fs::read_to_string(path);
            let text = text.with_context(|| format!("cannot read {}", path.display()))?;
            Ok(text.trim().to_owned())
        }
        Err(error) => Err(error).with_context(|| format!("cannot write {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use service::keys::Purpose;

    use super::*;

    #[test]
    fn what_is_there_stays_and_services_understand_each_other() {
        let place = tempfile::tempdir().unwrap();
        let at = place.path().join("secrets");
        folder(&at).unwrap();
        let read = |name: &str| fs::read_to_string(at.join(name)).unwrap();
        let master = read("master.key");
        fs::remove_file(at.join("portal.keys")).unwrap();
        folder(&at).unwrap();
        assert_eq!(read("master.key"), master);
        let keys = Keys::from_master(MasterKey::parse(&master).unwrap());
        let portal = Keys::from_derived(&read("portal.keys")).unwrap();
        let of = |keys: &Keys| *keys.derive(&Purpose::PortalClient).unwrap().bytes();
        assert_eq!(of(&keys), of(&portal));
        let password = read("postgres.password");
        assert!(read("database.url").contains(password.trim()));
    }
}
