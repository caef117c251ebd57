//! `wicketgate completions` and `wicketgate man`, both made of the command line itself.

use std::{fs, path::Path};

use anyhow::Context;
use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::{cli::Cli, say};

const NAME: &str = "wicketgate";

/// `wicketgate completions SHELL`
pub fn completions(shell: Shell) {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), NAME, &mut script);
    say::text(String::from_utf8_lossy(&script));
}

/// `wicketgate man`
pub fn man(folder: Option<&Path>) -> anyhow::Result<()> {
    let mut command = Cli::command();
    command.build();
    let Some(folder) = folder else {
        let mut page = Vec::new();
        Man::new(command).render(&mut page)?;
        say::text(String::from_utf8_lossy(&page));
        return Ok(());
    };
    fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(command, folder))
        .with_context(|| format!("cannot write into {} (--out)", folder.display()))
}
