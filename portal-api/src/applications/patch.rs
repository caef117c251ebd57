//! The body of `PATCH /applications/{app}` in its two forms.
//!
//! Old clients send every member every time, so `null`, `""` and `[]` mean "unchanged". With media
//! type `application/merge-patch+json` (RFC 7396) they clear.

use sdk::types::applications::PatchApplication;
use serde_json::Value;

use super::{
    redirect_uris::Leniency,
    rules::{self, Changes, Cleared},
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
        Cleared::default()
    };
    let request: PatchApplication = from_value(body.value)?;
    rules::check_patch(id, request, cleared, leniency)
}

fn cleared(body: &Value) -> Cleared {
    let is_cleared = |member: &str| match body.get(member) {
        Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        _ => false,
    };
    Cleared {
        description: is_cleared("description"),
        main_url: is_cleared("mainUrl"),
        redirect_uris: is_cleared("redirectUris"),
    }
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
        let body = json!({"id": "orders", "description": null, "redirectUris": [], "mainUrl": ""});
        assert_eq!(changes(body.clone(), false), Changes::default());
        let cleared = changes(body, true);
        assert_eq!(cleared.description, Some(None));
        assert_eq!(cleared.main_url, Some(None));
        assert_eq!(cleared.redirect_uris, Some(Vec::new()));
    }
}
