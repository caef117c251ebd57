//! Applications and roles on them.

use sdk::types::{
    Application, Team,
    applications::{AddOwner, ChangeRole, CreateApplication, PatchApplication, RoleDescription},
    invitations::{AcceptInvitation, Invitation, NewInvitation},
    teams::{NewTeam, PatchTeam},
};
use serde_json::json;

use crate::openapi::operation::{Operation, Who, delete, get, patch, post, put};

pub fn operations() -> Vec<Operation> {
    const ONE: &str = "/applications/{application}";
    const OWNERS: &str = "/applications/{application}/owners";
    let read = &["read_applications"];
    let write = &["write_applications"];
    vec![
        get("/applications", "All applications")
            .who(Who::Approver)
            .scope(read)
            .answers_page_of_ids_or::<Application>(),
        post(
            "/applications",
            "Make an application; the caller becomes its owner",
        )
        .who(Who::Validated)
        .scope(write)
        .takes::<CreateApplication>(json!({
            "id": "web-shop", "name": "Web shop", "clientType": "confidential",
            "redirectUris": ["https://shop.example.org/callback"],
        }))
        .answers::<Application>()
        .refuses(&[409]),
        get(
            "/applications/roles",
            "The roles that users may have on applications",
        )
        .who(Who::Scope)
        .scope(read)
        .answers_short_list::<RoleDescription>(),
        get(ONE, "One application with its owners")
            .who(Who::Reader)
            .scope(read)
            .answers::<Application>()
            .refuses(&[404]),
        patch(ONE, "Change an application")
            .conditional()
            .who(Who::Collaborator)
            .scope(write)
            .about(
                "`id` has to repeat the address. Members that are absent, `null` or empty stay as \
                 they are; with media type `application/merge-patch+json` `null`, `\"\"` and `[]` \
                 clear. Only owners change `team`.",
            )
            .takes::<PatchApplication>(json!({"id": "web-shop", "name": "Shop"}))
            .answers::<Application>()
            .refuses(&[404]),
        delete(ONE, "Delete an application with its subscriptions")
            .conditional()
            .who(Who::Owner)
            .scope(write)
            .refuses(&[404]),
        post(OWNERS, "Give a user a role")
            .who(Who::Owner)
            .scope(write)
            .takes::<AddOwner>(json!({"email": "bob@example.org", "role": "collaborator"}))
            .answers::<Application>()
            .refuses(&[404, 409]),
        delete(OWNERS, "Take a user's role; everybody may leave")
            .who(Who::Owner)
            .scope(write)
            .query("userEmail", "Address of the user")
            .status(200)
            .answers::<Application>()
            .refuses(&[400, 404, 409]),
        patch(
            "/applications/{application}/owners/{user}",
            "Give a user another role",
        )
        .who(Who::Owner)
        .scope(write)
        .takes::<ChangeRole>(json!({"role": "owner"}))
        .answers::<Application>()
        .refuses(&[404, 409]),
    ]
}

pub fn teams() -> Vec<Operation> {
    const ONE: &str = "/teams/{team}";
    const MEMBER: &str = "/teams/{team}/members/{user}";
    let read = &["read_applications"];
    let write = &["write_applications"];
    vec![
        get("/teams", "The teams of the user; for administrators all")
            .who(Who::Validated)
            .scope(read)
            .answers_page::<Team>(),
        post("/teams", "Make a team; the caller becomes its owner")
            .who(Who::Validated)
            .scope(write)
            .about(
                "Members of a team have their role on every application whose `team` it is. An \
                 application is given to a team when it is made or changed.",
            )
            .takes::<NewTeam>(json!({"id": "shop-crew", "name": "The people of the shop"}))
            .answers::<Team>()
            .refuses(&[409]),
        get(ONE, "One team with its members and applications")
            .who(Who::Member)
            .scope(read)
            .answers::<Team>()
            .refuses(&[404]),
        patch(ONE, "Change the name of a team")
            .conditional()
            .who(Who::TeamOwner)
            .scope(write)
            .takes::<PatchTeam>(json!({"name": "The crew"}))
            .answers::<Team>()
            .refuses(&[404]),
        delete(ONE, "Delete a team that has no applications")
            .conditional()
            .who(Who::TeamOwner)
            .scope(write)
            .refuses(&[404, 409]),
        put(MEMBER, "Take a user into a team, or give him another role")
            .who(Who::TeamOwner)
            .scope(write)
            .takes::<ChangeRole>(json!({"role": "collaborator"}))
            .status(200)
            .answers::<Team>()
            .refuses(&[404, 409]),
        delete(MEMBER, "Take a user out of a team; everybody may leave")
            .who(Who::TeamOwner)
            .scope(write)
            .refuses(&[404, 409]),
    ]
}

pub fn invitations() -> Vec<Operation> {
    const ALL: &str = "/applications/{application}/invitations";
    let write = &["write_applications"];
    vec![
        get(ALL, "Open invitations to work on an application")
            .who(Who::Owner)
            .scope(&["read_applications"])
            .answers_short_list::<Invitation>()
            .refuses(&[404]),
        post(ALL, "Invite somebody by mail, with or without an account")
            .who(Who::Owner)
            .scope(write)
            .about("The mail holds a token that works once, for seven days.")
            .takes::<NewInvitation>(json!({"email": "eve@example.org", "role": "collaborator"}))
            .answers::<Invitation>()
            .refuses(&[404, 409]),
        delete(
            "/applications/{application}/invitations/{id}",
            "Withdraw an invitation",
        )
        .who(Who::Owner)
        .scope(write)
        .refuses(&[404]),
        post(
            "/applications/{application}/invitations/{id}/resend",
            "Send an invitation again, with a new token",
        )
        .who(Who::Owner)
        .scope(write)
        .status(200)
        .answers::<Invitation>()
        .refuses(&[404]),
        post(
            "/invitations/accept",
            "Take the role that one was invited to",
        )
        .who(Who::Validated)
        .scope(write)
        .takes::<AcceptInvitation>(json!({"token": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"}))
        .status(200)
        .answers::<Application>()
        .refuses(&[404, 409]),
    ]
}
