//! Configurations out of git repositories.

use std::{fs, path::Path};

use config::{
    Configuration, Environment, Origin, Trouble,
    git::{Author, Credentials, Edit, FetchError, Mirror, PushError, RepositoryAddress, Source},
};

/// A repository with the sample in `static/`; gives the id of its first commit. A second commit
/// changes the title.
fn repository(folder: &Path) -> String {
    config::sample::write_to(&folder.join("static")).unwrap();
    git2::Repository::init(folder).unwrap();
    let first = commit(folder, "first");
    retitle(folder, "Wicketgate", "Second");
    first
}

fn retitle(folder: &Path, from: &str, to: &str) -> String {
    let globals = folder.join("static/globals.json");
    let changed = fs::read_to_string(&globals).unwrap().replace(from, to);
    fs::write(globals, changed).unwrap();
    commit(folder, &to.to_lowercase())
}

fn commit(folder: &Path, message: &str) -> String {
    let repository = git2::Repository::open(folder).unwrap();
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

fn origin(source: Source, data: &Path) -> Origin {
    Origin::Git(Mirror::new(source, data).unwrap())
}

/// Title and commit of what is newest.
fn newest(origin: &Origin) -> (String, String) {
    let configuration = origin.newest(&Environment::default(), None).unwrap();
    described(&configuration.unwrap())
}

fn described(configuration: &Configuration) -> (String, String) {
    let commit = configuration.commit().unwrap();
    (configuration.globals.title.clone(), commit.id)
}

#[test]
fn a_mirror_follows_the_remote_and_knows_its_commits() {
    let (remote, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = repository(remote.path());
    let following = origin(source(remote.path(), None, None), data.path());
    let loaded = following.newest(&Environment::default(), None).unwrap();
    let loaded = loaded.unwrap();
    let commit = loaded.commit().unwrap();
    assert_eq!(
        (commit.author.as_str(), commit.message.as_str()),
        ("Ada <ada@example.org>", "second")
    );
    assert_eq!(
        loaded.config_date.as_deref(),
        Some("1970-01-01 02:00:00 +0200")
    );
    assert_eq!(loaded.globals.title, "Second");

    let third = retitle(remote.path(), "Second", "Third");
    assert_eq!(newest(&following), ("Third".to_owned(), third.clone()));
    let seen = following.newest(&Environment::default(), Some(&third));
    assert!(
        seen.unwrap().is_none(),
        "a commit that was seen is not read again"
    );

    let pinned = origin(source(remote.path(), None, Some(&first[..10])), data.path());
    assert_eq!(newest(&pinned), ("Wicketgate".to_owned(), first));
}

#[test]
fn a_force_push_and_another_branch_are_followed() {
    let (remote, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = repository(remote.path());
    let following = origin(source(remote.path(), None, None), data.path());
    newest(&following);
    let repository = git2::Repository::open(remote.path()).unwrap();
    let old = repository
        .find_commit(git2::Oid::from_str(&first).unwrap())
        .unwrap();
    repository.branch("stable", &old, false).unwrap();
    repository
        .reset(old.as_object(), git2::ResetType::Hard, None)
        .unwrap();
    assert_eq!(newest(&following).1, first);
    let stable = origin(source(remote.path(), Some("stable"), None), data.path());
    assert_eq!(newest(&stable).1, first);
}

#[test]
fn a_start_without_the_remote_serves_what_was_served_last() {
    let (remote, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    repository(remote.path());
    let following = origin(source(remote.path(), None, None), data.path());
    let environment = Environment::default();
    assert!(
        origin(source(&remote.path().join("away"), None, None), data.path())
            .start(&environment)
            .is_err()
    );
    let served = following.start(&environment).unwrap().configuration;
    following.keep(&served).unwrap();

    let broken = remote.path().join("static/groups/groups.json");
    let groups = fs::read_to_string(&broken).unwrap();
    fs::write(&broken, "{").unwrap();
    let bad = commit(remote.path(), "broken");
    let start = following.start(&environment).unwrap();
    assert_eq!(described(&start.configuration), described(&served));
    let Some(Trouble::Refused {
        commit: Some(refused),
        problems,
    }) = start.trouble
    else {
        panic!("{:?}", start.trouble);
    };
    assert_eq!((refused.id, problems.errors()), (bad, 1));

    fs::write(&broken, groups).unwrap();
    let good = commit(remote.path(), "mended");
    fs::rename(remote.path().join(".git"), remote.path().join("away")).unwrap();
    let start = following.start(&environment).unwrap();
    assert_eq!(described(&start.configuration), described(&served));
    assert!(matches!(start.trouble, Some(Trouble::Unreachable(_))));
    fs::rename(remote.path().join("away"), remote.path().join(".git")).unwrap();
    assert_eq!(newest(&following).1, good);
}

#[test]
fn a_link_out_of_the_configuration_is_refused_and_one_inside_is_followed() {
    let (remote, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    repository(remote.path());
    let content = remote.path().join("static/content");
    std::os::unix::fs::symlink("help.md", content.join("again.md")).unwrap();
    commit(remote.path(), "inside");
    let following = origin(source(remote.path(), None, None), data.path());
    let configuration = following
        .newest(&Environment::default(), None)
        .unwrap()
        .unwrap();
    let pages = &configuration.content.pages;
    assert_eq!(pages["again"].source.bytes, pages["help"].source.bytes);
    std::os::unix::fs::symlink("../../../../etc/passwd", content.join("evil.md")).unwrap();
    commit(remote.path(), "outside");
    let refused = following.newest(&Environment::default(), None).unwrap_err();
    assert!(refused.to_string().contains("leads out"), "{refused}");
}

#[test]
fn many_fetches_stay_quick_and_keep_what_was_served() {
    let (remote, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    repository(remote.path());
    let following = origin(source(remote.path(), None, None), data.path());
    let environment = Environment::default();
    let mut served = Vec::new();
    let mut title = "Second".to_owned();
    for number in 0..80 {
        let next = format!("Title{number}");
        retitle(remote.path(), &title, &next);
        title = next;
        let configuration = following.newest(&environment, None).unwrap().unwrap();
        following.keep(&configuration).unwrap();
        served.push(described(&configuration).1);
    }
    let Origin::Git(mirror) = &following else {
        unreachable!()
    };
    let kept: Vec<_> = mirror.kept().into_iter().map(|commit| commit.id).collect();
    let last: Vec<_> = served.into_iter().rev().take(10).collect();
    assert_eq!(kept, last);
}

#[test]
fn what_fails_tells_no_secret() {
    let (remote, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    repository(remote.path());
    let fetch = |source| Mirror::new(source, data.path()).and_then(|mirror| mirror.fetch());
    let missing = fetch(source(remote.path(), None, Some("nowhere"))).unwrap_err();
    assert!(
        matches!(missing, FetchError::NoRevision { .. }),
        "{missing}"
    );
    let missing = fetch(source(remote.path(), Some("nowhere"), None)).unwrap_err();
    assert!(matches!(missing, FetchError::NoBranch { .. }), "{missing}");
    let both = fetch(source(remote.path(), Some("a"), Some("b"))).unwrap_err();
    assert!(matches!(both, FetchError::BranchAndRevision));
    let refused = fetch(Source {
        address: RepositoryAddress::parse("http://me:s3cret@127.0.0.1:1/x").unwrap(),
        ..source(remote.path(), None, None)
    })
    .unwrap_err();
    assert!(refused.is_temporary());
    assert!(!format!("{refused} {refused:?}").contains("s3cret"));
}

/// A bare repository that takes pushes, with the sample.
fn bare(folder: &Path) -> git2::Repository {
    let work = folder.join("work");
    repository(&work);
    let url = format!("file://{}", work.display());
    git2::build::RepoBuilder::new()
        .bare(true)
        .clone(&url, &folder.join("bare.git"))
        .unwrap()
}

#[test]
fn a_change_made_here_becomes_a_commit_of_the_remote() {
    let (remote, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    bare(remote.path());
    let address = remote.path().join("bare.git");
    let mirror = Mirror::new(source(&address, None, None), data.path()).unwrap();
    let base = mirror.fetch().unwrap();
    let edit = |path: &str, content: Option<&str>| Edit {
        path: path.to_owned(),
        content: content.map(str::to_owned),
    };
    let edits = [
        edit("content/help.md", Some("Other help\n")),
        edit("content/new/page.md", Some("New\n")),
        edit("content/contact.md", None),
        edit("content/never/was.md", None),
    ];
    let draft = mirror.draft(&base, &edits).unwrap();
    let diff = mirror.diff(&draft).unwrap();
    assert!(
        diff.contains("+Other help") && diff.contains("static/content/contact.md"),
        "{diff}"
    );
    let files = mirror.draft_files(&draft).unwrap();
    assert_eq!(files.text("content/new/page.md"), Some("New\n"));
    assert!(files.get("content/contact.md").is_none());

    let author = Author {
        name: "Ada".to_owned(),
        email: "ada@example.org".to_owned(),
    };
    let pushed = mirror.push(&draft, "Other texts", &author, None).unwrap();
    assert_eq!(mirror.fetch().unwrap(), pushed);
    assert_eq!(pushed.author, "Ada <ada@example.org>");
    let changed = mirror.changed_files(&base, &pushed).unwrap();
    assert_eq!(
        changed,
        [
            "content/contact.md",
            "content/help.md",
            "content/new/page.md"
        ]
    );
    let history = |path| mirror.history(&pushed, path, 10).unwrap().len();
    assert_eq!(
        (
            history(None),
            history(Some("content/help.md")),
            history(Some("content/nowhere.md"))
        ),
        (3, 2, 0)
    );
    let text = mirror.file(&pushed, "content/help.md").unwrap();
    assert_eq!(text.as_deref(), Some(&b"Other help\n"[..]));

    // Somebody else was faster.
    let late = mirror.draft(&base, &edits[..1]).unwrap();
    let refused = mirror.push(&late, "Late", &author, None).unwrap_err();
    assert!(matches!(refused, PushError::MovedOn), "{refused:?}");
    mirror
        .push(&late, "Late", &author, Some("proposal"))
        .unwrap();
    assert_eq!(mirror.fetch().unwrap(), pushed);
}
