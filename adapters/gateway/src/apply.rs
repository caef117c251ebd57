//! Making the changes: stage after stage, several calls at a time within each.

use std::collections::BTreeSet;

use futures_util::{StreamExt, stream};
use kong::admin::Error;
use uuid::Uuid;

use crate::{
    diff::{Change, Stage},
    entity::Key,
    node::Node,
    reconcile::Undone,
    target::Target,
};

/// Calls on their way at the same time.
const PARALLEL: usize = 10;

/// A change that the gateway refused.
#[derive(Debug)]
pub struct Refused {
    pub change: Change,
    pub status: u16,
    pub message: String,
}

/// What became of a list of changes.
#[derive(Debug, Default)]
pub struct Applied {
    pub refused: Vec<Refused>,
    /// What was not made: refused, or waiting for what was.
    pub left: BTreeSet<Key>,
}

impl Applied {
    /// Takes out of `changes` what was not made.
    pub fn keep_made(&self, changes: &mut Vec<Change>, undone: &mut Undone) {
        changes.retain(|change| {
            let is_left = self.left.contains(&change.key);
            if is_left {
                undone.note(change);
            }
            !is_left
        });
    }
}

/// Makes `changes`, which are sorted by stage. An error means that the node is away; what was made
/// until then stays made, and the next run finds out by reading.
pub async fn apply(node: &Node, target: &Target, changes: &[Change]) -> Result<Applied, Error> {
    let mut applied = Applied::default();
    let mut broken: BTreeSet<Uuid> = BTreeSet::new();
    for stage in changes.chunk_by(|one, next| one.stage == next.stage) {
        let (waiting, now): (Vec<_>, Vec<_>) =
            stage.iter().partition(|change| must_wait(change, &broken));
        applied.left.extend(waiting.iter().map(|change| change.key));
        let now: Vec<_> = now
            .into_iter()
            .map(|change| make(node, target, change))
            .collect();
        let mut results = stream::iter(now).buffer_unordered(PARALLEL);
        while let Some((change, result)) = results.next().await {
            match result {
                Ok(()) => {}
                Err(Error::Refused(error)) if error.status < 500 => {
                    broken.insert(change.unit);
                    applied.left.insert(change.key);
                    applied.refused.push(Refused {
                        change: change.clone(),
                        status: error.status,
                        message: error.message,
                    });
                }
                Err(away) => return Err(away),
            }
        }
    }
    Ok(applied)
}

async fn make<'a>(
    node: &Node,
    target: &Target,
    change: &'a Change,
) -> (&'a Change, Result<(), Error>) {
    (change, node.make(target, change).await)
}

/// After a failure nothing of the same unit is opened any further. Ending access is always safe;
/// the plugins of a service are not ended, since the new ones, which were to replace them, may be
/// missing.
fn must_wait(change: &Change, broken: &BTreeSet<Uuid>) -> bool {
    let is_safe = matches!(
        change.stage,
        Stage::Ended | Stage::OldGroups | Stage::OldRoutes | Stage::OldServices
    );
    !is_safe && broken.contains(&change.unit)
}
