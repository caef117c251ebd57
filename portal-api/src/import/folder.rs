//! Reading wicked's file store (portal-api 27.5). A file that cannot be read ends the import: who
//! knows what is in it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use super::{Found, object::Object};

/// Longest file that is read.
const MAX_FILE: u64 = 64 << 20;

pub fn read(folder: &Path) -> anyhow::Result<Found> {
    let meta = folder.join("meta.json");
    let meta = if meta.exists() {
        json(&meta)?
    } else {
        Value::Null
    };
    let users = objects_in(&folder.join("users"))?;
    let applications = objects_in(&folder.join("applications"))?;
    ensure!(
        !meta.is_null() || !users.is_empty() || !applications.is_empty(),
        "{} holds no data of wicked",
        folder.display()
    );
    let ids: BTreeSet<String> = users.iter().map(|user| user.id().to_owned()).collect();
    let mut found = Found {
        is_old: meta.get("dynamicVersion").is_none(),
        owners: applications.iter().flat_map(owners).collect(),
        subscriptions: arrays_in(&folder.join("subscriptions"), |stem| {
            stem.strip_suffix(".subs").is_some()
        })?,
        approvals: array(&folder.join("approvals/_index.json"))?,
        verifications: array(&folder.join("verifications/_index.json"))?,
        // Files that are not named like a user are indexes over the others.
        registrations: arrays_in(&folder.join("registrations"), |stem| ids.contains(stem))?,
        grants: arrays_in(&folder.join("grants"), |_| true)?,
        listeners: array(&folder.join("webhooks/_listeners.json"))?,
        users,
        applications,
        ..Found::default()
    };
    for (pool, namespaces) in named_arrays_in(&folder.join("namespaces"), |_| true)? {
        for mut namespace in namespaces {
            if namespace.text("poolId").is_none() {
                namespace.set("poolId", pool.clone());
            }
            found.namespaces.push(namespace);
        }
    }
    found.events = arrays_in(&folder.join("webhooks"), |_| true)?.len();
    Ok(found)
}

/// Roles stand with their application.
fn owners(application: &Object) -> Vec<Object> {
    let mut owners = application.objects("owners");
    for owner in &mut owners {
        owner.set("appId", application.id());
    }
    owners
}

fn json(path: &Path) -> anyhow::Result<Value> {
    let size = fs::metadata(path)
        .with_context(|| format!("cannot read {}", path.display()))?
        .len();
    ensure!(
        size <= MAX_FILE,
        "{} is larger than {MAX_FILE} bytes",
        path.display()
    );
    let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is no JSON", path.display()))
}

fn objects(path: &Path, value: Value) -> anyhow::Result<Vec<Object>> {
    let Value::Array(entries) = value else {
        bail!("{} holds no list", path.display());
    };
    entries
        .into_iter()
        .map(|entry| match entry {
            Value::Object(members) => Ok(Object(members)),
            _ => bail!("{}: an entry is no object", path.display()),
        })
        .collect()
}

/// The list in a file; empty if there is no such file.
fn array(path: &Path) -> anyhow::Result<Vec<Object>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    objects(path, json(path)?)
}

/// The `.json` files of a folder that hold data, by name.
fn files(folder: &Path) -> anyhow::Result<Vec<(String, PathBuf)>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let path = entry?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if let Some(stem) = name.strip_suffix(".json")
            && !matches!(stem, "_index" | "_listeners")
            && path.is_file()
        {
            files.push((stem.to_owned(), path));
        }
    }
    files.sort();
    Ok(files)
}

fn objects_in(folder: &Path) -> anyhow::Result<Vec<Object>> {
    files(folder)?
        .into_iter()
        .map(|(_, path)| match json(&path)? {
            Value::Object(members) => Ok(Object(members)),
            _ => bail!("{} holds no object", path.display()),
        })
        .collect()
}

fn named_arrays_in(
    folder: &Path,
    wanted: impl Fn(&str) -> bool,
) -> anyhow::Result<Vec<(String, Vec<Object>)>> {
    files(folder)?
        .into_iter()
        .filter(|(stem, _)| wanted(stem))
        .map(|(stem, path)| Ok((stem, objects(&path, json(&path)?)?)))
        .collect()
}

fn arrays_in(folder: &Path, wanted: impl Fn(&str) -> bool) -> anyhow::Result<Vec<Object>> {
    let lists = named_arrays_in(folder, wanted)?;
    Ok(lists.into_iter().flat_map(|(_, entries)| entries).collect())
}
