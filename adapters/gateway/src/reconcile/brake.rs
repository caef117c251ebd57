//! A run that would remove much of what is there is more likely to be a mistake than a wish.

use std::collections::BTreeMap;

use kong::Kind;
use sdk::types::gateway::GatewayProblem;

use super::Notes;
use crate::{
    diff::{Change, ChangeKind, opens},
    entity::Entities,
};

/// So many may always go.
const FREE: usize = 10;

/// How much there is of each kind that is watched, and how much of it would go.
#[derive(Debug, Default)]
pub struct Counts(BTreeMap<Kind, (usize, usize)>);

impl Counts {
    pub fn present(&mut self, kind: Kind) {
        if is_watched(kind) {
            self.0.entry(kind).or_default().0 += 1;
        }
    }

    pub fn gone(&mut self, kind: Kind) {
        if is_watched(kind) {
            self.0.entry(kind).or_default().1 += 1;
        }
    }

    pub fn note_present(&mut self, actual: &Entities) {
        for (key, _) in actual.iter() {
            self.present(key.kind);
        }
    }

    pub fn note_removals(&mut self, changes: &[Change]) {
        let removed = changes.iter().filter(|change| is_delete(change));
        for change in removed {
            self.gone(change.key.kind);
        }
    }
}

const fn is_watched(kind: Kind) -> bool {
    matches!(kind, Kind::Service | Kind::Consumer) || opens(kind)
}

/// Takes all removing out of a run that would remove too much, and says so. Answers whether it did.
pub fn pull(
    changes: &mut Vec<Change>,
    actual: &Entities,
    max_percent: u8,
    notes: &mut Notes,
) -> bool {
    let mut counts = Counts::default();
    counts.note_present(actual);
    counts.note_removals(changes);
    let Some(problem) = judge(&counts, max_percent) else {
        return false;
    };
    notes.problems.push(problem);
    keep_all(changes, notes);
    true
}

/// Takes out what removes.
pub fn keep_all(changes: &mut Vec<Change>, notes: &mut Notes) {
    changes.retain(|change| {
        let removes = is_delete(change);
        if removes {
            notes.undone.note(change);
        }
        !removes
    });
}

/// What is wrong with removing so much.
pub fn judge(counts: &Counts, max_percent: u8) -> Option<GatewayProblem> {
    let too_much = counts.0.iter().find_map(|(kind, (there, gone))| {
        let is_too_much = *gone > FREE && gone * 100 > there * usize::from(max_percent);
        is_too_much.then(|| format!("{gone} of {there} {kind}"))
    })?;
    Some(GatewayProblem {
        kind: "gateway".to_owned(),
        id: "brake".to_owned(),
        message: format!(
            "nothing was removed, because {too_much} would have gone; if that is right, ask for \
             it by POST /resync?force=true"
        ),
    })
}

const fn is_delete(change: &Change) -> bool {
    matches!(change.kind, ChangeKind::Delete)
}
