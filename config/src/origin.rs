//! Where configurations come from, and reading the newest one beside the one in use.

use std::{fmt, path::PathBuf, sync::Arc};

use bytes::Bytes;

use crate::{
    Configuration, Environment, Problems, Tree,
    git::{Commit, FetchError, Mirror},
};

/// Where configurations come from. Every method that reads blocks: call it on the blocking pool.
#[derive(Clone, Debug)]
pub enum Origin {
    /// Files in memory, such as the sample that is part of the program.
    Memory { tree: Tree, name: String },
    /// A folder that somebody else fills.
    Folder(PathBuf),
    /// A git repository.
    Git(Mirror),
}

/// Why the newest configuration is not the one in use.
#[derive(Clone, Debug)]
pub enum Trouble {
    /// Whether there is a newer one is not known.
    Unreachable(String),
    /// The newest one must not be used.
    Refused {
        commit: Option<Commit>,
        problems: Problems,
    },
}

/// What a start begins with.
#[derive(Debug)]
pub struct Start {
    pub configuration: Arc<Configuration>,
    /// Set if this is not the newest configuration but one that was served before.
    pub trouble: Option<Trouble>,
}

impl Origin {
    /// The sample that is part of the program.
    pub fn sample() -> Self {
        Self::Memory {
            tree: Tree::sample(),
            name: "the built-in sample".to_owned(),
        }
    }

    /// Shown to people; without credentials.
    pub fn name(&self) -> String {
        match self {
            Self::Memory { name, .. } => name.clone(),
            Self::Folder(folder) => folder.display().to_string(),
            Self::Git(mirror) => mirror.source().address.to_string(),
        }
    }

    /// The branch or revision that is followed; `None` = the default branch, or no repository.
    pub fn branch(&self) -> Option<&str> {
        match self {
            Self::Git(mirror) => {
                let source = mirror.source();
                source.branch.as_deref().or(source.revision.as_deref())
            }
            Self::Memory { .. } | Self::Folder(_) => None,
        }
    }

    /// Reads and checks the newest configuration. Of a repository nothing is read if its newest
    /// commit is the one that the caller has `seen`.
    pub fn newest(
        &self,
        environment: &Environment,
        seen: Option<&str>,
    ) -> Result<Option<Arc<Configuration>>, Trouble> {
        let refused = |problems| Trouble::Refused {
            commit: None,
            problems,
        };
        let loaded = match self {
            Self::Memory { tree, name } => Configuration::from_tree(tree, name, environment),
            Self::Folder(folder) => Configuration::load(folder, environment),
            Self::Git(mirror) => {
                let commit = mirror.fetch()?;
                if seen == Some(commit.id.as_str()) {
                    return Ok(None);
                }
                return self.at(mirror, &commit, environment).map(Some);
            }
        };
        Ok(Some(loaded.map_err(refused)?.configuration))
    }

    /// The files of the newest configuration, as they are.
    pub fn files(&self) -> Result<Tree, Trouble> {
        let (tree, commit) = match self {
            Self::Memory { tree, .. } => (Ok(tree.clone()), None),
            Self::Folder(folder) => (Tree::from_folder(folder), None),
            Self::Git(mirror) => {
                let commit = mirror.fetch()?;
                (mirror.tree(&commit), Some(commit))
            }
        };
        tree.map_err(|problems| Trouble::Refused { commit, problems })
    }

    /// As [`Origin::newest`], but falls back on a commit that was served before.
    pub fn start(&self, environment: &Environment) -> Result<Start, Trouble> {
        let trouble = match self.newest(environment, None) {
            Ok(Some(configuration)) => {
                return Ok(Start {
                    configuration,
                    trouble: None,
                });
            }
            Ok(None) => unreachable!("nothing was seen before"),
            Err(trouble) => trouble,
        };
        let Self::Git(mirror) = self else {
            return Err(trouble);
        };
        let earlier = mirror
            .kept()
            .into_iter()
            .find_map(|commit| self.at(mirror, &commit, environment).ok());
        match earlier {
            Some(configuration) => Ok(Start {
                configuration,
                trouble: Some(trouble),
            }),
            None => Err(trouble),
        }
    }

    /// A file as of `commit`, or as it is now where there are no commits.
    pub fn file(&self, path: &str, commit: Option<&Commit>) -> Result<Option<Bytes>, Trouble> {
        let refused = |problems| Trouble::Refused {
            commit: None,
            problems,
        };
        match (self, commit) {
            (Self::Memory { tree, .. }, _) => Ok(tree.get(path).cloned()),
            (Self::Folder(folder), _) => {
                let tree = Tree::from_folder(folder).map_err(refused)?;
                Ok(tree.get(path).cloned())
            }
            (Self::Git(mirror), Some(commit)) => Ok(mirror.file(commit, path)?),
            (Self::Git(_), None) => Ok(None),
        }
    }

    /// Notes that `configuration` is served, for starts without the remote.
    pub fn keep(&self, configuration: &Configuration) -> Result<(), FetchError> {
        match (self, configuration.commit()) {
            (Self::Git(mirror), Some(commit)) => mirror.keep(&commit),
            _ => Ok(()),
        }
    }

    fn at(
        &self,
        mirror: &Mirror,
        commit: &Commit,
        environment: &Environment,
    ) -> Result<Arc<Configuration>, Trouble> {
        let loaded = mirror
            .tree(commit)
            .and_then(|tree| Configuration::from_tree(&tree, &self.name(), environment));
        match loaded {
            Ok(loaded) => Ok(loaded.configuration),
            Err(problems) => Err(Trouble::Refused {
                commit: Some(commit.clone()),
                problems,
            }),
        }
    }
}

impl From<FetchError> for Trouble {
    fn from(error: FetchError) -> Self {
        Self::Unreachable(error.to_string())
    }
}

/// One line; the problems are listed by [`Problems`].
impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(reason) => f.write_str(reason),
            Self::Refused { commit, problems } => {
                f.write_str("the newest configuration")?;
                if let Some(commit) = commit {
                    write!(f, " (commit {:.10})", commit.id)?;
                }
                write!(f, " is refused, {} error(s)", problems.errors())?;
                match problems.iter().next() {
                    Some(first) => write!(f, "; {first}"),
                    None => Ok(()),
                }
            }
        }
    }
}

impl std::error::Error for Trouble {}
