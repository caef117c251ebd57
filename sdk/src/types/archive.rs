//! All data in one file, and back (portal-api B14).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Answer of `POST /import`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(examples(json!({"rows": {"users": 12, "applications": 5}})))]
pub struct ImportedData {
    /// How many rows each table has now.
    pub rows: BTreeMap<String, u64>,
}
