//! Problem records out of what the gateway refused, at the API or subscription that they concern.

use kong::Kind;
use sdk::types::gateway::GatewayProblem;

use super::Notes;
use crate::{
    apply::Refused,
    desired::Desired,
    diff::{Change, ChangeKind, Stage},
    document,
    entity::{Entities, Fields, Key, tags, text},
    ids,
};

/// Notes a refusal of the gateway.
pub fn note_refusal(notes: &mut Notes, desired: &Desired, actual: &Entities, refused: &Refused) {
    let message = format!("{}: {}", refused.change.key, refused.message);
    note(notes, desired, actual, &refused.change, message);
}

/// Notes why a change was not made.
pub fn note(
    notes: &mut Notes,
    desired: &Desired,
    actual: &Entities,
    change: &Change,
    message: String,
) {
    let unit = |kind| Key {
        kind,
        id: change.unit,
    };
    let find = |kind| {
        let key = unit(kind);
        desired.entities.get(&key).or_else(|| actual.get(&key))
    };
    let consumer = find(Kind::Consumer).cloned();
    let fields = match (&change.kind, &consumer) {
        (_, Some(consumer)) => Some(consumer),
        (ChangeKind::Put { fields, .. }, None) => Some(fields),
        (ChangeKind::Delete, None) => find(Kind::Service),
    };
    let problem = |kind: &str, id: String| GatewayProblem {
        kind: kind.to_owned(),
        id,
        message,
    };
    let tagged = |start| fields.and_then(|fields| tag_of(fields, start));
    let id = consumer
        .as_ref()
        .and_then(|consumer| text(consumer, "custom_id"));
    if let (Some(application), Some(id)) = (tagged(ids::APPLICATION_TAG), id) {
        let problem = problem("subscription", id.to_owned());
        let problems = notes.applications.entry(application).or_default();
        problems.push(problem);
    } else if let Some(api) = tagged(ids::API_TAG) {
        let problem = problem("api", api);
        notes.problems.push(problem);
    } else {
        let problem = problem("gateway", change.key.to_string());
        notes.problems.push(problem);
    }
}

/// Takes an entity out of what shall be, with its API or subscription, and notes why.
pub fn leave_out(
    notes: &mut Notes,
    wanted: &mut Desired,
    actual: &Entities,
    (key, fields): (Key, Fields),
    message: String,
) {
    let unit = document::unit_of(&wanted.entities, key);
    let change = Change {
        key,
        kind: ChangeKind::Put {
            fields,
            before: None,
        },
        unit: unit.id,
        stage: Stage::Parents,
    };
    note(notes, wanted, actual, &change, message);
    document::take_out(&mut wanted.entities, unit);
}

/// What one of the entity's tags says behind `start`.
pub fn tag_of(fields: &Fields, start: &str) -> Option<String> {
    tags(fields).find_map(|tag| tag.strip_prefix(start).map(str::to_owned))
}
