//! Registrations as the API shows them.

use sdk::types::{ChangedDate, Extra, Registration};

use super::{row, rules};

pub fn registration(row: row::Model) -> Registration {
    let mut properties = row.properties.0;
    // A pool may have defined a property of such a name before; the fixed member wins.
    properties.retain(|name, _| !rules::FIXED.contains(&name.as_str()));
    Registration {
        id: Some(row.id),
        pool_id: row.pool_id,
        user_id: row.user_id,
        namespace: Some(row.namespace).filter(|namespace| !namespace.is_empty()),
        email: Some(row.email),
        custom_id: row.custom_id,
        changed_date: Some(ChangedDate::Iso(row.changed_at.into())),
        changed_by: row.changed_by,
        properties: Extra(properties),
    }
}
