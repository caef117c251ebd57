//! Users and what hangs on them.

use sdk::types::{
    Grant, Registration, User, Verification,
    applications::ApplicationOfUser,
    grants::PutGrants,
    registrations::{NewPoolInvitation, OpenPoolInvitation, PoolInvitation, RegistrationsOfUser},
    users::{
        CreateUser, Login, PatchUser, Preferences, Unsubscribe, Unsubscribed, UserExport,
        UserSummary,
    },
    verifications::{ConsumeVerification, CreateVerification},
};
use serde_json::json;

use crate::openapi::operation::{Operation, Who, delete, get, patch, post, put};

fn unsubscribe() -> Operation {
    post(
        "/unsubscribe",
        "Stop mails of one kind, with the link in one of them",
    )
    .about("The token of the link is the proof; nobody has to be logged in.")
    .takes::<Unsubscribe>(json!({"token": "YWRhCndlbGNvbWU.dGhlIHNpZ25hdHVyZSBvZg"}))
    .status(200)
    .answers::<Unsubscribed>()
    .refuses(&[404])
}

fn applications_of_user() -> Operation {
    get(
        "/users/{user}/applications",
        "The applications of a user with their subscriptions",
    )
    .who(Who::Own)
    .scope(&["read_applications", "read_subscriptions"])
    .about("Those on which the user has a role, of his own or by a team. Without secrets.")
    .answers_list_or_page::<ApplicationOfUser>()
    .refuses(&[404])
}

pub fn users() -> Vec<Operation> {
    vec![
        get(
            "/users",
            "Users in pages, or one of them by custom id or address",
        )
        .who(Who::Admin)
        .scope(&["read_users"])
        .about("The look-ups `customId` and `email` need no user and answer an array of one.")
        .query("customId", "`<auth method>:<id>`")
        .query("email", "Mail address, in any case")
        .query(
            "approverOf",
            "Id of an API: who may decide about requests for it, as an array",
        )
        .answers_page_or_one::<UserSummary>()
        .refuses(&[400, 404]),
        post("/users", "Make a user")
            .who(Who::Admin)
            .scope(&["write_users"])
            .takes::<CreateUser>(json!({
                "email": "ada@example.org", "password": "Difference-1", "validated": true,
                "groups": ["dev"],
            }))
            .answers::<User>()
            .refuses(&[409]),
        post("/users/machine", "Make the account of a service")
            .who(Who::Internal)
            .takes::<CreateUser>(json!({
                "customId": "internal:adapter", "email": "adapter@example.org", "validated": true,
            }))
            .answers::<User>()
            .refuses(&[409]),
        get("/users/{user}", "One user")
            .who(Who::Own)
            .scope(&["read_users"])
            .answers::<User>()
            .refuses(&[404]),
        patch("/users/{user}", "Change a user")
            .conditional()
            .who(Who::Own)
            .scope(&["write_users"])
            .about(
                "With `X-VerificationId` an administrator sets `password` or `validated` by the \
                 right of that verification; the answer is then 204.",
            )
            .header("X-VerificationId", "Id of a verification of this user")
            .takes::<PatchUser>(json!({"password": "Analytical-2"}))
            .answers::<User>()
            .refuses(&[404, 409, 429]),
        delete("/users/{user}", "Delete a user")
            .conditional()
            .who(Who::Own)
            .scope(&["write_users"])
            .query(
                "applications",
                "What becomes of applications that only he owns: `delete` or `transfer:<user id>`",
            )
            .refuses(&[400, 404, 409]),
        get("/users/{user}/preferences", "Which mails a user wants")
            .who(Who::Own)
            .scope(&["read_users"])
            .about("Mails that are not named come.")
            .answers::<Preferences>()
            .refuses(&[404]),
        put("/users/{user}/preferences", "Say which mails a user wants")
            .conditional()
            .who(Who::Own)
            .scope(&["write_users"])
            .takes::<Preferences>(json!({"mails": {"announcement": false}, "digest": false}))
            .status(200)
            .answers::<Preferences>()
            .refuses(&[404]),
        unsubscribe(),
        applications_of_user(),
        get(
            "/users/{user}/export",
            "Everything that is stored about a user",
        )
        .who(Who::Own)
        .scope(&["read_users"])
        .answers::<UserExport>()
        .refuses(&[404]),
        delete("/users/{user}/password", "Take a user's password away")
            .who(Who::Admin)
            .scope(&["write_users"])
            .refuses(&[400, 404]),
        post("/login", "Compare address and password")
            .who(Who::Admin)
            .scope(&["login"])
            .takes::<Login>(json!({"email": "ada@example.org", "password": "Difference-1"}))
            .status(200)
            .answers_list::<User>()
            .refuses(&[404, 429]),
    ]
}

pub fn registrations() -> Vec<Operation> {
    let own = |operation: Operation, scope| operation.who(Who::Own).scope(scope);
    let read = &["read_registrations"];
    let write = &["write_registrations"];
    let mut all = vec![
        get("/registrations/pools/{pool}", "The registrations of a pool")
            .who(Who::Admin)
            .scope(read)
            .query("namespace", "Mandatory where the pool has namespaces")
            .answers_page::<Registration>()
            .refuses(&[400, 404]),
        own(
            get(
                "/registrations/pools/{pool}/users/{user}",
                "The registrations of a user in one pool",
            ),
            read,
        )
        .answers_complete::<Registration>()
        .refuses(&[400, 404]),
        own(
            put(
                "/registrations/pools/{pool}/users/{user}",
                "Register a user, or replace his registration",
            )
            .conditional(),
            write,
        )
        .takes_object(json!({"name": "Ada Lovelace", "company": "Analytical Engines"}))
        .refuses(&[404]),
        own(
            delete(
                "/registrations/pools/{pool}/users/{user}",
                "End the registration of a user",
            )
            .conditional(),
            write,
        )
        .query("namespace", "Mandatory where the pool has namespaces")
        .refuses(&[400, 404]),
        own(
            get(
                "/registrations/users/{user}",
                "All registrations of a user, by pool",
            ),
            read,
        )
        .answers::<RegistrationsOfUser>()
        .refuses(&[404]),
    ];
    all.extend(invitations());
    all.extend(namespaces());
    all
}

fn invitations() -> [Operation; 5] {
    const ALL: &str = "/registrations/pools/{pool}/invitations";
    let (read, write) = (&["read_registrations"], &["write_registrations"]);
    [
        get(ALL, "Open invitations to register in a pool")
            .who(Who::Admin)
            .scope(read)
            .answers_short_list::<PoolInvitation>()
            .refuses(&[400, 404]),
        post(ALL, "Invite somebody by mail to register")
            .who(Who::Admin)
            .scope(write)
            .about("Of a pool with `requiresInvitation`. The mail holds a token that works once, for seven days.")
            .takes::<NewPoolInvitation>(json!({"email": "eve@example.org", "namespace": "acme"}))
            .answers::<PoolInvitation>()
            .refuses(&[404, 409]),
        delete(
            "/registrations/pools/{pool}/invitations/{id}",
            "Withdraw an invitation to register",
        )
        .who(Who::Admin)
        .scope(write)
        .refuses(&[400, 404]),
        post(
            "/registrations/pools/{pool}/invitations/{id}/resend",
            "Send an invitation to register again, with a new token",
        )
        .who(Who::Admin)
        .scope(write)
        .status(200)
        .answers::<PoolInvitation>()
        .refuses(&[400, 404, 409]),
        post(
            "/registrations/invitations/open",
            "What the token of an invitation invites to",
        )
        .who(Who::Admin)
        .scope(read)
        .about("Uses nothing up. Whoever registers sends it as `invitation`.")
        .takes::<OpenPoolInvitation>(json!({"token": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"}))
        .status(200)
        .answers::<PoolInvitation>()
        .refuses(&[404]),
    ]
}

fn namespaces() -> [Operation; 4] {
    const ONE: &str = "/pools/{pool}/namespaces/{namespace}";
    let admin = |operation: Operation, scope| operation.who(Who::Admin).scope(scope);
    let read = &["read_namespaces"];
    let write = &["write_namespaces"];
    [
        admin(
            get("/pools/{pool}/namespaces", "The namespaces of a pool"),
            read,
        )
        .answers_page_of_objects(),
        admin(get(ONE, "One namespace"), read).answers_object(),
        admin(put(ONE, "Make or replace a namespace").conditional(), write)
            .about("Members beside those of the example are kept as they are.")
            .takes_object(json!({"namespace": "acme", "description": "Acme Ltd"})),
        admin(delete(ONE, "Delete a namespace").conditional(), write)
            .query("cascade", "`true`: with the registrations in it")
            .refuses(&[409]),
    ]
    .map(|operation| operation.refuses(&[400, 404]))
}

pub fn grants() -> Vec<Operation> {
    const ONE: &str = "/grants/{user}/applications/{application}/apis/{api}";
    let own = |operation: Operation, scope| operation.who(Who::Own).scope(scope).refuses(&[404]);
    let read = &["read_grants"];
    let write = &["write_grants"];
    vec![
        own(
            get("/grants/{user}", "What a user has allowed to applications"),
            read,
        )
        .answers_complete::<Grant>(),
        own(
            delete("/grants/{user}", "Take back all that a user has allowed").conditional(),
            write,
        ),
        own(
            get(ONE, "What a user allows one application to do with one API"),
            read,
        )
        .answers::<Grant>(),
        own(put(ONE, "Replace what a user allows").conditional(), write)
            .takes::<PutGrants>(json!({"grants": [{"scope": "read_orders"}]})),
        own(
            delete(ONE, "Take back what a user allows").conditional(),
            write,
        ),
    ]
}

pub fn verifications() -> Vec<Operation> {
    let admin = |operation: Operation, scope| operation.who(Who::Admin).scope(scope);
    let read = &["read_verifications"];
    let write = &["write_verifications"];
    vec![
        admin(
            get("/verifications", "Verifications that have not ended"),
            read,
        )
        .answers_list_or_page::<Verification>(),
        admin(
            post("/verifications", "Send a mail that proves an address"),
            write,
        )
        .about("An address that nobody has gets the same answer, and no mail.")
        .takes::<CreateVerification>(json!({
            "type": "lostpassword", "email": "ada@example.org",
            "link": "https://portal.example.org/verification/{{id}}",
        }))
        .status(204)
        .refuses(&[429]),
        admin(
            post(
                "/verifications/consume",
                "Use a verification, once, for what it was made for",
            ),
            write,
        )
        .takes::<ConsumeVerification>(json!({
            "token": "3f0c7d0f6c4f5b8e9a7d1c2b3a4f5e6d7c8b9a00", "password": "Analytical-2",
        }))
        .status(204)
        .refuses(&[404, 409]),
        admin(get("/verifications/{id}", "One verification"), read)
            .answers::<Verification>()
            .refuses(&[404]),
        admin(
            delete("/verifications/{id}", "Delete a verification").conditional(),
            write,
        ),
    ]
}
