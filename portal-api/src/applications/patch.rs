//! The body of `PATCH /applications/{app}` in its two forms.
//!
//! Old clients send every member every time, so `null`, `""` and `[]` mean "unchanged". With media
//! type `application/merge-patch+json` (RFC 7396) they clear.

use sdk::types::applications::PatchApplication;
use serde_json::Value;

use super::{
    redirect_uris::Leniency,
    rules::{self, Changes, Member},
};
use crate::{
    ApiError,
    extract::{RawBody, from_value},
};

/// The changes `body` asks for.
pub fn read(id: &str, body: RawBody, leniency: Leniency) -> Result<Changes, ApiError> {
    let cleared = if body.is_merge_patch {
        cleared(&body.value)
    } else {
        Vec::new()
    };
    let request: PatchApplication = from_value(body.value)?;
    rules::check_patch(id, request, &cleared, leniency)
}

/// Members that were sent as `null`, `""` or `[]`.
fn cleared(body: &Value) -> Vec<Member> {
    let is_cleared = |member: &Member| match body.get(member.name()) {
        Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        _ => false,
    };
    Member::ALL.into_iter().filter(is_cleared).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn changes(value: Value, is_merge_patch: bool) -> Changes {
        read(
            "orders",
            RawBody {
                value,
                is_merge_patch,
            },
            Leniency::default(),
        )
        .unwrap()
    }

    #[test]
    fn only_a_merge_patch_clears() {
        let body = json!({"id": "orders", "description": null, "redirectUris": [], "mainUrl": "", "team": null, "oauth": null});
        assert_eq!(changes(body.clone(), false), Changes::default());
        let cleared = changes(body, true);
        assert_eq!(cleared.description, Some(None));
        assert_eq!(cleared.main_url, Some(None));
        assert_eq!(cleared.redirect_uris, Some(Vec::new()));
        assert_eq!(cleared.team, Some(None));
        assert_eq!(cleared.oauth, Some(None));
    }
}
