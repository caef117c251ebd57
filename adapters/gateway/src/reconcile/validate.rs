//! Asking first (events-and-adapters C12.9): what Kong would refuse is found out before the first
//! change of its API, so that an API with a fault keeps all of its last state and not half of a new
//! one. Whatever was found good once is not asked about again.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use futures_util::{StreamExt, stream};
use kong::{Kind, admin::Error};
use uuid::Uuid;

use crate::{
    apply::Refused,
    diff::{Change, ChangeKind, Stage},
    document::canonical,
    entity::Fields,
    node::Node,
    reconcile::Undone,
    target::Target,
};

/// Questions on their way at the same time.
const PARALLEL: usize = 10;
/// What is remembered as good; after so many all are asked about anew.
const MAX_KNOWN: usize = 10_000;

/// Contents that the gateway has found good.
#[derive(Debug, Default)]
pub struct Valid(BTreeSet<u64>);

impl Valid {
    /// What the gateway would refuse of these changes.
    pub async fn refused(
        &mut self,
        node: &Node,
        target: &Target,
        changes: &[Change],
    ) -> Result<Vec<Refused>, Error> {
        if target.is_embedded() {
            // Its schemas are here, and everything has been through them.
            return Ok(Vec::new());
        }
        let mut asked: BTreeMap<u64, Vec<&Change>> = BTreeMap::new();
        let mut questions = Vec::new();
        for change in changes {
            let Some(body) = body(target, change) else {
                continue;
            };
            let number = number(target, change.key.kind, &body);
            if self.0.contains(&number) {
                continue;
            }
            let same = asked.entry(number).or_default();
            if same.is_empty() {
                questions.push((number, change.key.kind, body));
            }
            same.push(change);
        }
        let mut calls = Vec::new();
        for (number, kind, body) in &questions {
            calls.push(async move { (*number, node.validate(*kind, body).await) });
        }
        let mut answers = stream::iter(calls).buffer_unordered(PARALLEL);
        let mut refused = Vec::new();
        while let Some((number, answer)) = answers.next().await {
            match answer {
                Err(Error::Refused(error)) if error.status == 400 => {
                    let same = asked.remove(&number).unwrap_or_default();
                    refused.extend(same.into_iter().map(|change| Refused {
                        change: change.clone(),
                        status: error.status,
                        message: error.message.clone(),
                    }));
                }
                // Whoever does not know the question says what is wrong when the change is made.
                Err(Error::Refused(error)) if matches!(error.status, 404 | 405) => {}
                answer => {
                    answer?;
                    if self.0.len() >= MAX_KNOWN {
                        self.0.clear();
                    }
                    self.0.insert(number);
                }
            }
        }
        Ok(refused)
    }
}

/// Takes out of `changes` everything of the APIs and subscriptions that have a fault, but for what
/// ends access.
pub fn withhold(changes: &mut Vec<Change>, refused: &[Refused], undone: &mut Undone) {
    let units: BTreeSet<Uuid> = refused.iter().map(|refused| refused.change.unit).collect();
    changes.retain(|change| {
        let ends = matches!(
            change.stage,
            Stage::Ended | Stage::OldGroups | Stage::OldServices
        );
        let is_withheld = !ends && units.contains(&change.unit);
        if is_withheld {
            undone.note(change);
        }
        !is_withheld
    });
}

/// What would be sent; only kinds that are made of a configuration can have a fault.
fn body(target: &Target, change: &Change) -> Option<Fields> {
    match (&change.kind, change.key.kind) {
        (ChangeKind::Put { fields, .. }, Kind::Service | Kind::Route | Kind::Plugin) => {
            Some(target.body(fields))
        }
        _ => None,
    }
}

/// A number of the contents: the same plugin of a thousand consumers is one question.
fn number(target: &Target, kind: Kind, body: &Fields) -> u64 {
    let mut contents = body.clone();
    contents.remove("id");
    for field in ["tags", "service", "route", "consumer"] {
        if let Some(value) = contents.get_mut(field) {
            // Whether there is one may count, which one does not.
            *value = true.into();
        }
    }
    let mut hasher = DefaultHasher::new();
    (kind, target.version.0, target.version.1).hash(&mut hasher);
    canonical(contents.into()).to_string().hash(&mut hasher);
    hasher.finish()
}
