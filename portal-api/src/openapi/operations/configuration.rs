//! The static configuration while it is served.

use sdk::types::configuration::ConfigStatus;
use serde_json::json;

use crate::openapi::operation::{Operation, Who, get, post};

pub fn operations() -> Vec<Operation> {
    vec![
        get(
            "/config/status",
            "Which configuration is served, and what is wrong with the newest",
        )
        .who(Who::Admin)
        .scope(&["health"])
        .answers::<ConfigStatus>(),
        post("/config/hook", "A git host tells of a push")
            .about(
                "Signed with the secret of GIT_HOOK_SECRET, in the way of GitHub, GitLab, Gitea, \
                 Forgejo, Gogs or Bitbucket.",
            )
            .takes_object(json!({"ref": "refs/heads/main"}))
            .status(202)
            .refuses(&[401, 413]),
        post("/config/fetch", "Look for a newer configuration at once")
            .who(Who::Admin)
            .scope(&["restart_api"])
            .status(202),
        post("/kill", "The same, under its old name")
            .who(Who::Admin)
            .scope(&["restart_api"])
            .status(204),
    ]
}
