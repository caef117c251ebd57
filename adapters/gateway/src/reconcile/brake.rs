//! A run that would remove much of what is there is more likely to be a mistake than a wish.

use kong::Kind;
use sdk::types::gateway::GatewayProblem;

use crate::{
    diff::{Change, ChangeKind},
    entity::Entities,
};

/// So many may always go.
const FREE: usize = 10;
const WATCHED: [Kind; 4] = [
    Kind::Service,
    Kind::Consumer,
    Kind::KeyAuth,
    Kind::JwtSecret,
];

/// Takes all removing out of a run that would remove too much, and says so.
pub fn pull(
    changes: &mut Vec<Change>,
    actual: &Entities,
    max_percent: u8,
) -> Option<GatewayProblem> {
    let too_much = WATCHED.into_iter().find_map(|kind| {
        let there = actual.of_kind(kind).count();
        let gone = changes
            .iter()
            .filter(|change| change.key.kind == kind && is_delete(change))
            .count();
        let is_too_much = gone > FREE && gone * 100 > there * usize::from(max_percent);
        is_too_much.then(|| format!("{gone} of {there} {kind}"))
    })?;
    changes.retain(|change| !is_delete(change));
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
