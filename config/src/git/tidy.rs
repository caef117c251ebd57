//! libgit2 stores what each fetch brings in a file of its own and never joins them; after years
//! of pushes every look-up would have to search thousands.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use git2::Repository;

/// Joined when there are more files than this.
const MAX_PACKS: usize = 64;

/// Joins the packs if there are many. A failure is logged: the copy works as it is.
pub fn tidy(repository: &Repository) {
    let folder = repository.path().join("objects/pack");
    let Ok(before) = packs(&folder) else { return };
    if before.len() <= MAX_PACKS {
        return;
    }
    if let Err(error) = join(repository, &folder, &before) {
        tracing::warn!(%error, "the copy of the configuration repository cannot be tidied");
    }
}

fn join(
    repository: &Repository,
    folder: &Path,
    before: &BTreeSet<PathBuf>,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut walk = repository.revwalk()?;
    walk.push_glob("refs/*")?;
    let mut builder = repository.packbuilder()?;
    builder.insert_walk(&mut walk)?;
    builder.write(folder, 0)?;
    let after = packs(folder)?;
    // The same objects give a pack of the same name; then there is nothing to remove.
    if after.len() > before.len() {
        for stem in before {
            for extension in ["idx", "pack"] {
                fs::remove_file(stem.with_extension(extension))?;
            }
        }
    }
    Ok(())
}

/// Files in which objects are, without their extension.
fn packs(folder: &Path) -> io::Result<BTreeSet<PathBuf>> {
    let mut packs = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "pack")
        {
            packs.insert(path.with_extension(""));
        }
    }
    Ok(packs)
}
