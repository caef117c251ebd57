//! `wicketgate gateway setup`: a project out of a configuration or of a running installation.

mod from_files;
mod from_installation;
mod parts;

use anyhow::{Context, bail};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use config::git::RepositoryAddress;
use url::Url;

use super::project::{Description, Project, main_instance};
use crate::{cli::Setup, source};
use parts::Parts;

pub async fn setup(options: Setup) -> anyhow::Result<()> {
    service::http::install_crypto();
    let project = Project::new(&options.project);
    if project.is_there() != options.refresh {
        if options.refresh {
            bail!(
                "`{}` is no project yet: leave out --refresh",
                options.project.display()
            );
        }
        bail!(
            "`{}` is a project already; --refresh reads subscriptions and keys anew and keeps the \
             rest",
            options.project.display()
        );
    }
    let mut options = options;
    if options.refresh {
        options.api = project.description()?.apis;
    } else if options.api.is_empty() {
        bail!("--api: name at least one API");
    }
    let parts = read(&options).await?;
    if !options.refresh {
        write_all(&options, &project, &parts)?;
    }
    if let Some(live) = &parts.live {
        project.write_digest_key(&live.digest_key)?;
        project.write_subscriptions(&live.subscriptions)?;
        for (server, text) in &live.key_sets {
            project.write_key_set(server, text)?;
        }
    }
    let (folder, apis) = (options.project.display(), options.api.join(", "));
    say!("{folder}: {apis}");
    for hint in &parts.hints {
        say!("{hint}");
    }
    say!("Look at it, then: wicketgate gateway build {folder}");
    Ok(())
}

async fn read(options: &Setup) -> anyhow::Result<Parts> {
    let apis = &options.api;
    match options.from.as_deref() {
        Some(from) if is_portal_api(from) => {
            let address: Url = from.parse().context("--from")?;
            from_installation::read(&address, &options.keys.data, apis).await
        }
        None => {
            let address = "http://127.0.0.1:3001".parse().context("--from")?;
            from_installation::read(&address, &options.keys.data, apis).await
        }
        Some(from) => {
            // The copy of a repository lies where it disturbs nobody.
            let scratch = std::env::temp_dir().join(format!("wicketgate-{}", uuid::Uuid::new_v4()));
            let origin = source::origin(Some(from), &scratch)?;
            let apis = apis.clone();
            let read = move || {
                let parts = from_files::read(&origin, &apis);
                if scratch.exists() {
                    // It is in a folder for what nobody needs any more.
                    let _ = std::fs::remove_dir_all(&scratch);
                }
                parts
            };
            tokio::task::spawn_blocking(read).await?
        }
    }
}

/// Repositories end in `.git` or are reached otherwise than by http.
fn is_portal_api(from: &str) -> bool {
    let is_http = from.starts_with("http://") || from.starts_with("https://");
    let path = from.trim_end_matches('/');
    is_http && RepositoryAddress::looks_like_one(from) && !path.contains(".git")
}

fn write_all(options: &Setup, project: &Project, parts: &Parts) -> anyhow::Result<()> {
    let folder = options.project.canonicalize();
    let folder = folder.as_ref().unwrap_or(&options.project);
    let name = folder.file_name().and_then(|name| name.to_str());
    parts.write(project)?;
    project.write("README.md", README.as_bytes())?;
    if parts.live.is_none() {
        let mut key = [0; 32];
        service::random::fill(&mut key);
        project.write_digest_key(&URL_SAFE_NO_PAD.encode(key))?;
        project.write_subscriptions(&[])?;
    }
    // Last: with it the folder is a project.
    project.write_description(&Description {
        name: name.unwrap_or("microgateway").to_owned(),
        apis: options.api.clone(),
        instance: service::settings::var("WICKETGATE_INSTANCE").unwrap_or_else(main_instance),
    })
}

const README: &str = include_str!("project.md");

#[cfg(test)]
mod tests {
    use super::is_portal_api;

    #[test]
    fn a_repository_is_told_from_an_installation() {
        assert!(is_portal_api("http://portal-api:3001"));
        assert!(is_portal_api("https://portal.example.com/api/v1/"));
        for other in [
            "https://git.example.com/apis.git",
            "git@git.example.com:apis",
            "ssh://git@git.example.com/apis",
            "./static-config",
        ] {
            assert!(!is_portal_api(other), "{other}");
        }
    }
}
