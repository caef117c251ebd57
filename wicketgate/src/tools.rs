//! Commands that work on files and then end.

mod configuration;
mod mail;
mod manual;
mod secrets;

use service::keys::MasterKey;

use crate::{
    cli::{KeyFolder, Keys},
    keys, say,
};

pub use configuration::{config, init};
pub use mail::mail;
pub use manual::{completions, man};

/// `wicketgate keys`
pub fn keys(command: Keys) -> anyhow::Result<()> {
    match command {
        Keys::Generate => say!("{}", MasterKey::generate().to_text()),
        Keys::Folder { folder } => secrets::folder(&folder)?,
        Keys::Derive {
            service,
            keys: KeyFolder { data },
        } => {
            let keys = keys::from_environment_or_file(&data)?;
            say::text(keys.needed_by(service)?);
        }
    }
    Ok(())
}
