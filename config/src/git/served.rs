//! The commits that were served, as references of the copy: what a start falls back on when the
//! remote is away or its newest commit is refused.

use git2::{Oid, Repository};

use super::Commit;

const PREFIX: &str = "refs/wicketgate/served/";
/// How many are kept.
const KEPT: usize = 10;

/// Makes `commit` the newest served one.
pub fn keep(repository: &Repository, commit: &str) -> Result<(), git2::Error> {
    let numbers = numbers(repository)?;
    let commit = Oid::from_str(commit)?;
    if let Some(newest) = numbers.first()
        && repository.refname_to_id(&name(*newest))? == commit
    {
        return Ok(());
    }
    let next = numbers.first().map_or(1, |newest| newest + 1);
    repository.reference(&name(next), commit, true, "served")?;
    for old in numbers.iter().skip(KEPT - 1) {
        repository.find_reference(&name(*old))?.delete()?;
    }
    Ok(())
}

/// Newest first.
pub fn list(repository: &Repository) -> Result<Vec<Commit>, git2::Error> {
    let numbers = numbers(repository)?;
    let commits = numbers.into_iter().map(|number| {
        let id = repository.refname_to_id(&name(number))?;
        Commit::read(repository, id)
    });
    commits.collect()
}

fn name(number: u64) -> String {
    format!("{PREFIX}{number}")
}

/// Newest first.
fn numbers(repository: &Repository) -> Result<Vec<u64>, git2::Error> {
    let mut numbers = Vec::new();
    for reference in repository.references_glob(&format!("{PREFIX}*"))? {
        let reference = reference?;
        let number: Option<u64> = reference
            .name()
            .ok()
            .and_then(|name| name.strip_prefix(PREFIX))
            .and_then(|number| number.parse().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable_by_key(|number| std::cmp::Reverse(*number));
    Ok(numbers)
}
