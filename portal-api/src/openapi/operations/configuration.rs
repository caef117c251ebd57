//! The static configuration while it is served.

use sdk::types::configuration::{CommitRequest, ConfigCommit, ConfigDraft, ConfigStatus};
use serde_json::json;

use crate::openapi::operation::{Operation, Who, delete, get, post, put};

pub fn operations() -> Vec<Operation> {
    vec![
        get(
            "/config/status",
            "Which configuration is served, and what is wrong with the newest",
        )
        .who(Who::Admin)
        .scope(&["health"])
        .answers::<ConfigStatus>(),
        get(
            "/config/files/{path}",
            "A file of the newest configuration, as it was written",
        )
        .who(Who::OwnerGroup)
        .scope(&["read_apis"])
        .query(
            "commit",
            "An earlier commit; of a folder only the newest version is kept",
        )
        .about(
            "Its `ETag` is the commit. Files with settings of the whole installation need the \
             scope `write_apis`, too; the configuration key is shown to nobody.",
        )
        .answers_text("text/plain")
        .refuses(&[400]),
        get(
            "/config/commits",
            "The history of the configuration, newest first",
        )
        .who(Who::OwnerGroup)
        .scope(&["read_apis"])
        .query("path", "Only commits that changed this file or folder")
        .query(
            "api",
            "Only commits that changed this API; for everybody who sees it, without mail addresses",
        )
        .answers_list::<ConfigCommit>()
        .refuses(&[400, 503]),
        post("/config/commits", "Change the configuration by a commit")
            .who(Who::OwnerGroup)
            .scope(&["write_apis"])
            .about(
                "A dry run is answered 200 with the difference, the problems and the \
                 subscriptions that would lose their API or plan. 409 names the newest commit and \
                 the files that both changed. A configuration in a folder is written there.",
            )
            .takes::<CommitRequest>(json!({
                "base": "3f786850e387550fdab836ed7e6dc881de23001b", "message": "A clearer text",
                "files": [{"path": "apis/petstore/desc.md", "content": "All about pets."}],
            }))
            .answers::<ConfigCommit>()
            .refuses(&[400, 409, 413, 503]),
        get(
            "/config/draft",
            "One's own edits that are not committed yet",
        )
        .who(Who::OwnerGroup)
        .scope(&["write_apis"])
        .answers::<ConfigDraft>(),
        put("/config/draft", "Keep one's own edits, for 30 days")
            .conditional()
            .who(Who::OwnerGroup)
            .scope(&["write_apis"])
            .takes::<ConfigDraft>(json!({
                "base": "3f786850e387550fdab836ed7e6dc881de23001b",
                "files": [{"path": "apis/petstore/desc.md", "content": "All about pets."}],
            }))
            .refuses(&[400, 413]),
        delete("/config/draft", "Forget one's own edits")
            .conditional()
            .who(Who::OwnerGroup)
            .scope(&["write_apis"]),
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
