//! Configurations out of git repositories.

use std::{fs, path::Path};

use config::{
    Configuration, Environment,
    git::{Commit, Credentials, FetchError, RepositoryAddress, Source, fetch},
};

/// A repository with the sample in `static/`; gives the id of its first commit. A second commit
/// changes the title.
fn repository(folder: &Path) -> String {
    config::sample::write_to(&folder.join("static")).unwrap();
    let repository = git2::Repository::init(folder).unwrap();
    let first = commit(&repository, "first");
    let globals = folder.join("static/globals.json");
    let changed = fs::read_to_string(&globals)
        .unwrap()
        .replace("Wicketgate", "Second");
    fs::write(globals, changed).unwrap();
    commit(&repository, "second");
    first
}

fn commit(repository: &git2::Repository, message: &str) -> String {
    let mut index = repository.index().unwrap();
    index
        .add_all(["."], git2::IndexAddOption::DEFAULT, None)
        .unwrap();
    index.write().unwrap();
    let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
    let author = git2::Signature::new("Ada", "ada@example.org", &git2::Time::new(0, 120)).unwrap();
    let parent = repository
        .head()
        .ok()
        .and_then(|head| head.peel_to_commit().ok());
    let parents: Vec<_> = parent.iter().collect();
    let id = repository
        .commit(Some("HEAD"), &author, &author, message, &tree, &parents)
        .unwrap();
    id.to_string()
}

fn source(folder: &Path, branch: Option<&str>, revision: Option<&str>) -> Source {
    Source {
        address: RepositoryAddress::parse(&format!("file://{}", folder.display())).unwrap(),
        branch: branch.map(str::to_owned),
        revision: revision.map(str::to_owned),
        credentials: Credentials::default(),
    }
}

fn title(folder: &Path) -> String {
    let loaded = Configuration::load(folder, &Environment::default()).unwrap();
    loaded.configuration.globals.title.clone()
}

#[test]
fn a_clone_is_a_configuration_that_knows_its_commit() {
    let origin = tempfile::tempdir().unwrap();
    let first = repository(origin.path());
    let target = tempfile::tempdir().unwrap();

    let newest = target.path().join("newest");
    let commit = fetch(&source(origin.path(), None, None), &newest).unwrap();
    assert_eq!(
        (commit.author.as_str(), commit.message.as_str()),
        ("Ada <ada@example.org>", "second")
    );
    assert_eq!(title(&newest), "Second");
    let loaded = Configuration::load(&newest, &Environment::default())
        .unwrap()
        .configuration;
    assert_eq!(
        loaded.config_date.as_deref(),
        Some("1970-01-01 02:00:00 +0200")
    );
    assert_eq!(loaded.commit().as_ref(), Some(&commit));
    assert_eq!(Commit::of_working_tree(&newest).unwrap().id, commit.id);

    let older = target.path().join("older");
    fetch(&source(origin.path(), None, Some(&first)), &older).unwrap();
    assert_eq!(title(&older), "Wicketgate");
}

#[test]
fn a_clone_that_fails_leaves_nothing_and_tells_no_secret() {
    let origin = tempfile::tempdir().unwrap();
    repository(origin.path());
    let target = tempfile::tempdir().unwrap().path().join("clone");
    let missing = fetch(&source(origin.path(), None, Some("nowhere")), &target).unwrap_err();
    assert!(matches!(missing, FetchError::NoRevision { .. }));
    assert!(fetch(&source(origin.path(), Some("nowhere"), None), &target).is_err());
    assert!(matches!(
        fetch(&source(origin.path(), Some("a"), Some("b")), &target),
        Err(FetchError::BranchAndRevision)
    ));
    let address = RepositoryAddress::parse("http://me:s3cret@127.0.0.1:1/x").unwrap();
    let refused = fetch(
        &Source {
            address,
            ..source(origin.path(), None, None)
        },
        &target,
    )
    .unwrap_err();
    assert!(!format!("{refused} {refused:?}").contains("s3cret"));
    assert!(!target.exists());
}
