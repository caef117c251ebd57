//! Data from before wicked 1.0 (portal-api 27.6): brought into the later form before the import.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::bail;
use serde_json::Value;

use super::{
    Found,
    object::{Object, derived_id},
    report::Report,
};

/// The pool of the portal's users.
const POOL: &str = "wicked";

/// Which auth method the prefixes of old custom ids mean now.
#[derive(Clone, Debug, Default)]
pub struct Prefixes {
    /// Old prefix → id of the auth method.
    pub known: BTreeMap<String, String>,
    /// For custom ids without a prefix.
    pub default: Option<String>,
}

impl Prefixes {
    fn upgraded(&self, custom_id: &str) -> Result<String, String> {
        match custom_id.split_once(':') {
            Some(("internal", _)) => Ok(custom_id.to_owned()),
            Some((prefix, rest)) => match self.known.get(prefix) {
                Some(method) => Ok(format!("{method}:{rest}")),
                None => Err(format!("prefix `{prefix}`")),
            },
            None => match &self.default {
                Some(method) => Ok(format!("{method}:{custom_id}")),
                None => Err("no prefix".to_owned()),
            },
        }
    }
}

pub fn upgrade(found: &mut Found, prefixes: &Prefixes, report: &mut Report) -> anyhow::Result<()> {
    custom_ids(found, prefixes)?;
    names(found);
    application_ids(found, report);
    for approval in &mut found.approvals {
        if approval.id().is_empty() {
            let application = approval.object("application").id().to_owned();
            let api = approval.object("api").id().to_owned();
            approval.set("id", derived_id(&["approval", &application, &api]));
        }
    }
    Ok(())
}

fn custom_ids(found: &mut Found, prefixes: &Prefixes) -> anyhow::Result<()> {
    let mut unknown = BTreeSet::new();
    for user in &mut found.users {
        let Some(custom_id) = user.text("customId").map(str::to_owned) else {
            continue;
        };
        match prefixes.upgraded(&custom_id) {
            Ok(upgraded) => user.set("customId", upgraded),
            Err(what) => {
                unknown.insert(what);
            }
        }
    }
    if unknown.is_empty() {
        return Ok(());
    }
    bail!(
        "custom ids of users have {}; say which auth method they belong to (--auth-method OLD=NEW, \
         --default-auth-method NEW)",
        unknown.into_iter().collect::<Vec<_>>().join(", ")
    )
}

/// Names of users became registrations.
fn names(found: &mut Found) {
    let registered: BTreeSet<String> = found
        .registrations
        .iter()
        .filter(|one| one.text("poolId") == Some(POOL))
        .filter_map(|one| one.text("userId").map(str::to_owned))
        .collect();
    for user in &found.users {
        if registered.contains(user.id())
            || user
                .text("customId")
                .is_some_and(|id| id.starts_with("internal:"))
        {
            continue;
        }
        let joined = [user.text("firstName"), user.text("lastName")];
        let joined: Vec<_> = joined.into_iter().flatten().map(str::trim).collect();
        let name = joined.join(" ");
        let name = if name.trim().is_empty() {
            "Unknown User"
        } else {
            name.trim()
        };
        let mut registration = Object::default();
        registration.set("poolId", POOL);
        registration.set("userId", user.id());
        registration.set("name", name);
        if let Some(changed) = user.0.get("changedDate") {
            registration.set("changedDate", changed.clone());
        }
        found.registrations.push(registration);
    }
}

/// Ids of applications may have capitals; two that fall together are left out, with what they have.
fn application_ids(found: &mut Found, report: &mut Report) {
    let mut owners = BTreeMap::<String, Vec<String>>::new();
    for application in &found.applications {
        let id = application.id();
        owners
            .entry(id.to_lowercase())
            .or_default()
            .push(id.to_owned());
    }
    let mut clashing = BTreeSet::new();
    for ids in owners.into_values().filter(|ids| ids.len() > 1) {
        for id in &ids {
            let others: Vec<_> = ids.iter().filter(|other| *other != id).cloned().collect();
            let what = format!(
                "its id in small letters is that of {}, too",
                others.join(", ")
            );
            report.left_out("application", id, what);
        }
        clashing.extend(ids);
    }
    found
        .applications
        .retain(|application| !clashing.contains(application.id()));
    let lower = |object: &mut Object, member: &str| {
        if let Some(text) = object.text(member).map(str::to_lowercase) {
            object.set(member, text);
        }
    };
    for subscription in &found.subscriptions {
        if subscription
            .text("application")
            .is_some_and(|id| clashing.contains(id))
        {
            report.left_out(
                "subscription",
                subscription.id(),
                "its application is left out",
            );
        }
    }
    let of_clashing =
        |object: &Object, member: &str| object.text(member).is_some_and(|id| clashing.contains(id));
    found
        .subscriptions
        .retain(|one| !of_clashing(one, "application"));
    found.owners.retain(|one| !of_clashing(one, "appId"));
    found
        .grants
        .retain(|one| !of_clashing(one, "applicationId"));
    for application in &mut found.applications {
        lower(application, "id");
    }
    for owner in &mut found.owners {
        lower(owner, "appId");
    }
    for subscription in &mut found.subscriptions {
        lower(subscription, "application");
    }
    for grant in &mut found.grants {
        lower(grant, "applicationId");
    }
    for approval in &mut found.approvals {
        if let Some(Value::Object(application)) = approval.0.get_mut("application")
            && let Some(Value::String(id)) = application.get_mut("id")
        {
            *id = id.to_lowercase();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_prefixes_are_mapped_and_internal_ones_stay() {
        let prefixes = Prefixes {
            known: BTreeMap::from([("Github".to_owned(), "github".to_owned())]),
            default: Some("adfs".to_owned()),
        };
        assert_eq!(prefixes.upgraded("Github:7").unwrap(), "github:7");
        assert_eq!(prefixes.upgraded("7").unwrap(), "adfs:7");
        assert_eq!(prefixes.upgraded("internal:x").unwrap(), "internal:x");
        assert!(prefixes.upgraded("google:7").is_err());
        assert!(Prefixes::default().upgraded("7").is_err());
    }
}
