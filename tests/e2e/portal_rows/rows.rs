//! The rows: who may, what is sent, what scripts get and where a form leads.

use super::{
    people::Role::{
        self, Admin, Approver, Collaborator, Developer, Guest, Owner, Publisher, Reader,
        TeamCollaborator, TeamOwner, TeamReader,
    },
    scene::Needs::{self, Application, Nothing, Subscriptions, Team},
};

/// What a browser gets that may.
#[derive(Clone, Copy, Debug)]
pub enum Html {
    /// A page, or a file.
    Page,
    /// Another place; `|` stands between places that depend on who comes.
    To(&'static str),
    Status(u16),
}

pub struct Row {
    pub method: &'static str,
    pub path: &'static str,
    pub needs: Needs,
    who: &'static [Role],
    pub body: &'static [(&'static str, &'static str)],
    /// Status and members for those who may; `[]` is a list.
    pub json: Option<(u16, &'static str)>,
    pub html: Html,
    /// Whose call would be about something else.
    without: &'static [Role],
    /// Who may with a role of his own only.
    not_by_team: &'static [Role],
    /// What others get; a guest with a browser is asked to log in instead of 403.
    pub refusal: u16,
}

impl Row {
    pub fn is_about(&self, role: Role) -> bool {
        // Teams give rights on applications; nobody of them is the owner of the scene.
        let is_his = self.needs >= Application && !self.path.contains("{owner}");
        !self.without.contains(&role) && (role.by_team().is_none() || is_his)
    }

    pub fn allows(&self, role: Role) -> bool {
        match role.by_team() {
            Some(own) => self.who.contains(&own) && !self.not_by_team.contains(&role),
            None => self.who.contains(&role),
        }
    }

    /// The route that serves it, as the portal's source names it.
    pub fn route(&self) -> String {
        let path = self.path.split(['?', '#']).next().unwrap();
        if let Some((_, route)) = SPELLED.iter().find(|(known, _)| *known == path) {
            return (*route).to_owned();
        }
        let mut before = "";
        let segments = path.split('/').map(|segment| {
            let parameter = match (before, segment) {
                (_, "{app}") if path.starts_with("/teams") => "{team}",
                (_, "{app}") => "{application}",
                ("apis" | "subscribe" | "unsubscribe" | "subscriptions", _)
                    if KNOWN_APIS.contains(&segment) =>
                {
                    "{api}"
                }
                ("reference", _) => "{operation}",
                ("docs", _) if path.starts_with("/apis") => "{*path}",
                ("credentials" | "invitations", "{credential}" | "{invitation}")
                | ("verifications", _) => "{id}",
                ("users", "{owner}" | "{spare}") => "{user}",
                ("listeners", "mailer" | "{listener}") => "{listener}",
                ("help", _) => "{topic}",
                _ => segment,
            };
            before = segment;
            parameter
        });
        segments.collect::<Vec<_>>().join("/")
    }

    const fn with(mut self, body: &'static [(&'static str, &'static str)]) -> Self {
        self.body = body;
        self
    }

    const fn json(mut self, status: u16, members: &'static str) -> Self {
        self.json = Some((status, members));
        self
    }

    const fn to(mut self, target: &'static str) -> Self {
        self.html = Html::To(target);
        self
    }

    const fn html(mut self, status: u16) -> Self {
        self.html = Html::Status(status);
        self
    }

    const fn without(mut self, roles: &'static [Role]) -> Self {
        self.without = roles;
        self
    }

    const fn not_by_team(mut self, roles: &'static [Role]) -> Self {
        self.not_by_team = roles;
        self
    }

    const fn refused(mut self, status: u16) -> Self {
        self.refusal = status;
        self
    }
}

const KNOWN_APIS: [&str; 5] = ["petstore", "orders", "timezones", "ledger", "retired"];

/// Addresses that do not show their route.
const SPELLED: [(&str, &str); 7] = [
    ("/help/oauth2/implicit_grant", "/help/oauth2/implicit_grant"),
    ("/content/terms-and-conditions", "/content/{*path}"),
    ("/users/me", "/users/{user}"),
    ("/content/", "/content/"),
    ("/admin/invitations/none", "/admin/invitations/{pool}"),
    (
        "/admin/invitations/none/none/resend",
        "/admin/invitations/{pool}/{id}/resend",
    ),
    (
        "/admin/invitations/none/none/withdraw",
        "/admin/invitations/{pool}/{id}/withdraw",
    ),
];

const fn get(path: &'static str, needs: Needs, who: &'static [Role]) -> Row {
    Row {
        method: "GET",
        path,
        needs,
        who,
        body: &[],
        json: None,
        html: Html::Page,
        without: &[],
        not_by_team: &[],
        refusal: 403,
    }
}

const fn post(path: &'static str, needs: Needs, who: &'static [Role]) -> Row {
    Row {
        method: "POST",
        ..get(path, needs, who)
    }
}

const ALL: &[Role] = &Role::ALL;
const USERS: &[Role] = &[
    Developer,
    Reader,
    Collaborator,
    Owner,
    Approver,
    Publisher,
    Admin,
];
const MEMBERS: &[Role] = &[Reader, Collaborator, Owner, Admin];
const WORKERS: &[Role] = &[Collaborator, Owner, Admin];
const OWNERS: &[Role] = &[Owner, Admin];
const DECIDERS: &[Role] = &[Approver, Admin];
const PUBLISHERS: &[Role] = &[Publisher, Admin];
const PARTNERS: &[Role] = &[Owner, Approver, Admin];
const ADMINS: &[Role] = &[Admin];
const NOBODY: &[Role] = &[];
const EVERYBODY_ALONE: &[Role] = &[
    Guest,
    Developer,
    Reader,
    Collaborator,
    Owner,
    Approver,
    Publisher,
    Admin,
];

const APPLICATION: &str = "title application roles subscriptions";
const PUBLISHED: &str = "title api config description draft";
const PAGE: &str = "/applications/{app}";

/// Routes that other tests look at, and why.
pub const ELSEWHERE: &[(&str, &str, &str)] = &[
    (
        "GET",
        "/login/logout",
        "ends the session of these tests: portal/tests/it/login.rs",
    ),
    ("POST", "/login/logout", "as above"),
    (
        "GET",
        "/invitations/{token}",
        "its token is in a mail: portal/tests/it/tabs.rs",
    ),
    ("POST", "/invitations/{token}", "as above"),
    (
        "GET",
        "/unsubscribe/{token}",
        "its token is in a mail: portal/tests/it/safety.rs",
    ),
    ("POST", "/unsubscribe/{token}", "as above"),
    ("POST", "/kill", "portal/tests/it/ops.rs"),
    ("POST", "/mcp", "portal/tests/it/machines.rs"),
    (
        "GET",
        "/swagger-ui/",
        "leads to the gateway's name: portal/tests/it/console.rs",
    ),
    ("GET", "/swagger-ui/index.html", "as above"),
    ("GET", "/swagger-ui/{file}", "as above"),
    ("GET", "/swagger-ui/oauth2-redirect.html", "as above"),
    (
        "POST",
        "/publish/commit",
        "writes to the configuration: tests/e2e/publisher.rs",
    ),
    ("POST", "/publish/rebase", "as above"),
    (
        "POST",
        "/apis/{api}/try/login",
        "leads to the auth server: portal/tests/it/trial.rs",
    ),
    ("GET", "/try/callback", "as above"),
    (
        "POST",
        "/applications/{application}/listeners/{listener}/test",
        "asks a foreign address: portal/tests/it/colleagues.rs",
    ),
    (
        "POST",
        "/applications/{application}/listeners/{listener}/enable",
        "as above",
    ),
    (
        "POST",
        "/users/me/sessions",
        "ends sessions of these tests: portal/tests/it/account.rs",
    ),
];

#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    // 5.1 Public and content
    get("/", Nothing, ALL),
    get("/contact", Nothing, ALL).to("/content/contact"),
    get("/content", Nothing, ALL).json(200, "title markdown body_html"),
    get("/content/", Nothing, ALL).json(200, "title markdown body_html"),
    get("/content/terms-and-conditions", Nothing, ALL).json(200, "title markdown body_html"),
    get("/content/toc", Nothing, ALL).json(200, "title entries"),
    get("/help", Nothing, ALL),
    get("/help/apis", Nothing, ALL),
    get("/help/accessibility", Nothing, ALL),
    get("/help/nothing", Nothing, NOBODY).refused(404),
    get("/help/oauth2/implicit_grant", Nothing, ALL).to("/help/oauth2_implicit_grant"),
    get("/signup", Nothing, ALL).to("/login"),
    get("/login", Nothing, &[Guest]).to("http").without(USERS),
    get("/login?redirect=/apis", Nothing, USERS).to("/").without(&[Guest]),
    get("/login/callback", Nothing, NOBODY).refused(400),
    get("/login/callback?code=x&state=local!y", Nothing, NOBODY).refused(403).without(&[Guest]),

    // 5.2 APIs
    get("/apis", Nothing, ALL).json(200, "[]"),
    get("/apis?filter=on&pets=on", Nothing, ALL).json(200, "[]"),
    get("/apis/petstore", Nothing, ALL).json(200, "title apiInfo apiPlans applications apiUris apiSubscriptions partnerOnly"),
    get("/apis/ledger", Nothing, PARTNERS).json(200, "title apiInfo apiPlans applications apiUris apiSubscriptions partnerOnly"),
    get("/apis/petstore/swagger?forUser={owner}", Nothing, ALL).json(200, "paths"),
    get("/apis/ledger/swagger?forUser={owner}", Nothing, PARTNERS).json(200, "paths"),

    // 5.3 Applications and subscriptions
    get("/applications", Nothing, ALL).json(200, "title applications"),
    post("/applications/check-app", Nothing, USERS).with(&[("app_id", "free-id")]).json(200, "valid app_id message"),
    post("/applications/register", Nothing, USERS).with(&[("appid", "{app}"), ("appname", "New")]).json(201, "id name").to("/applications?highlightApp={app}"),
    get("/applications/{app}", Subscriptions, MEMBERS).json(200, APPLICATION),
    post("/applications/{app}/patch", Application, WORKERS).with(&[("appname", "Other"), ("appdesc", ""), ("redirecturi", "")]).json(200, "id name").to(PAGE),
    get("/applications/{app}/unregister", Application, OWNERS),
    post("/applications/{app}/unregister", Application, OWNERS).json(204, "").to("/applications"),
    post("/applications/{app}/owners/add", Application, OWNERS).with(&[("owneremail", "the-spare@example.org"), ("ownerrole", "reader")]).json(201, "id name").to(PAGE),
    post("/applications/{app}/owners/delete", Application, &[Reader, Owner, Admin]).with(&[("owneremail", "the-reader@example.org")]).json(200, "id name").to("/applications").not_by_team(&[TeamReader]),
    get("/applications/{app}/subscribe/petstore", Application, MEMBERS).json(200, "title apiInfo apiPlans application"),
    post("/applications/{app}/subscribe/petstore", Application, WORKERS).with(&[("plan", "free")]).json(201, "application api plan approved").html(200),
    post("/applications/{app}/subscribe/ledger", Application, &[Owner]).with(&[("plan", "team")]).json(201, "application api plan approved").to("/apis/ledger").without(&[Admin]),
    get("/applications/{app}/unsubscribe/petstore", Subscriptions, WORKERS),
    post("/applications/{app}/unsubscribe/petstore", Subscriptions, WORKERS).json(204, "").to("/apis/petstore"),
    get("/applications/{app}/subscriptions/orders", Subscriptions, MEMBERS).json(200, "application api subscription"),
    post("/applications/{app}/subscriptions/orders", Subscriptions, ADMINS).with(&[("scope_mode", "select"), ("scope", "read_orders")]).json(200, "id api plan").to("/applications/{app}/subscriptions/orders"),

    // 5.4 Users
    get("/users/me", Nothing, USERS).json(200, "title userInfo grantsLink registrationInfo poolInfo groups"),
    get("/users/{owner}", Nothing, OWNERS).json(200, "title userInfo grantsLink registrationInfo poolInfo groups"),
    post("/users/{spare}", Nothing, ADMINS).with(&[("__action", "deletePassword")]).json(204, "").to("/users/{spare}"),
    post("/users/{owner}", Nothing, OWNERS).with(&[("__profile", "on"), ("name", "The owner")]).json(200, "userInfo registrationInfo").to("/users/me|/users/{owner}"),
    post("/users/{owner}", Nothing, ADMINS).with(&[("__updategroups", "on"), ("dev", "dev"), ("partners", "partners")]).json(200, "userInfo registrationInfo").to("/users/{owner}"),
    get("/users/{owner}/delete", Application, OWNERS),
    post("/users/{owner}/delete", Application, OWNERS).json(409, "").to("/users/me/delete|/users/{owner}/delete"),

    // 5.5 Admin
    get("/admin", Nothing, ADMINS).json(200, "title").without(&[Approver]),
    get("/admin/approvals", Subscriptions, DECIDERS).json(200, "title approvals"),
    post("/admin/approvals/approve", Subscriptions, DECIDERS).with(&[("id", "{approval}"), ("app", "{app}"), ("api", "ledger")]).json(200, "application api plan approved").to("/admin/approvals"),
    post("/admin/approvals/decline", Subscriptions, DECIDERS).with(&[("app", "{app}"), ("api", "ledger"), ("reason", "No")]).json(204, "").to("/admin/approvals"),
    get("/admin/approvals_csv", Nothing, DECIDERS),
    get("/admin/users", Nothing, ADMINS).json(200, "title users"),
    get("/admin/applications", Nothing, ADMINS).json(200, "title applications"),
    get("/admin/subscriptions", Nothing, DECIDERS).json(200, "title subscriptions"),
    get("/admin/subscriptions_csv", Nothing, DECIDERS),
    get("/admin/auditlog", Nothing, ADMINS).json(200, "title auditlog"),
    get("/admin/auditlog_csv", Nothing, ADMINS),
    get("/admin/subscribe", Nothing, ADMINS).json(200, "title"),
    get("/admin/listeners", Nothing, ADMINS).json(200, "title listeners"),
    get("/admin/listeners/mailer", Nothing, ADMINS).json(200, "title events deliveries stats"),
    get("/admin/verifications", Nothing, ADMINS).json(200, "title verifications"),
    get("/admin/invitations", Nothing, ADMINS).json(200, "title pools pool invitations"),
    post("/admin/invitations/none", Nothing, ADMINS).with(&[("email", "x@example.org")]).json(404, "").html(404),
    post("/admin/invitations/none/none/resend", Nothing, ADMINS).json(404, "").html(404),
    post("/admin/invitations/none/none/withdraw", Nothing, ADMINS).json(404, "").html(404),
    post("/admin/verifications/none", Nothing, ADMINS).json(404, "success message").to("/admin/verifications"),
    get("/admin/health", Nothing, ADMINS).json(200, "title health"),
    get("/admin/apis/retired/subscriptions_csv", Nothing, ADMINS),
    get("/admin/apis/retired/delete_subscriptions", Nothing, ADMINS),
    post("/admin/apis/retired/delete_subscriptions", Nothing, ADMINS).with(&[("confirm", "retired")]).json(200, "deleted failed").to("/apis/retired"),
    post("/admin/restart", Nothing, ADMINS).json(200, "").html(200),

    // 5.6 Operations
    get("/ping", Nothing, ALL).json(200, "name message uptime healthy version pingUrl"),

    // 27.2 Credentials, plans and usage of an application
    get("/applications/{app}/settings", Application, MEMBERS).json(200, APPLICATION),
    get("/applications/{app}/subscriptions", Application, MEMBERS).json(200, APPLICATION),
    get("/applications/{app}/credentials", Application, MEMBERS).json(200, APPLICATION),
    get("/applications/{app}/members", Application, MEMBERS).json(200, "title members invitations"),
    get("/applications/{app}/usage", Application, MEMBERS).json(200, "title usage limits"),
    get("/applications/{app}/usage.csv", Application, MEMBERS),
    get("/applications/{app}/subscriptions/petstore/credentials", Subscriptions, MEMBERS).json(200, "title credentials api"),
    post("/applications/{app}/subscriptions/petstore/credentials", Subscriptions, WORKERS).with(&[("name", "ci")]).json(201, "id secret").html(200),
    post("/applications/{app}/subscriptions/petstore/credentials/{credential}/rotate", Subscriptions, WORKERS).with(&[("overlap", "3600")]).json(201, "id secret").html(200),
    post("/applications/{app}/subscriptions/petstore/credentials/{credential}/extend", Subscriptions, WORKERS).with(&[("expires", "2030-01-01")]).json(200, "id expiresAt").to("/applications/{app}/subscriptions/petstore/credentials"),
    post("/applications/{app}/subscriptions/petstore/credentials/{credential}/revoke", Subscriptions, WORKERS).with(&[("reason", "lost")]).json(204, "").to("/applications/{app}/subscriptions/petstore/credentials"),
    post("/applications/{app}/subscriptions/petstore/credentials/{credential}/reveal", Subscriptions, MEMBERS).json(410, "").to("/applications/{app}/subscriptions/petstore/credentials"),
    get("/applications/{app}/subscriptions/petstore/plan", Subscriptions, WORKERS).json(200, "plan apiPlans"),
    post("/applications/{app}/subscriptions/petstore/plan", Subscriptions, WORKERS).with(&[("plan", "team")]).json(200, "id plan").to(PAGE),
    post("/applications/{app}/owners/role", Application, OWNERS).with(&[("user", "{reader}"), ("ownerrole", "owner")]).json(200, "id name").to("/applications/{app}/members"),
    post("/applications/{app}/leave", Application, &[Reader, Collaborator]).json(204, "").to("/applications").without(&[Owner, Admin, TeamReader, TeamCollaborator, TeamOwner]),
    // One leaves the team instead.
    post("/applications/{app}/leave", Application, &[Reader, Collaborator, Owner]).json(409, "").to("/applications/{app}/members").without(EVERYBODY_ALONE),
    post("/applications/{app}/invitations", Application, OWNERS).with(&[("email", "other@example.org"), ("role", "reader")]).json(201, "id email").to("/applications/{app}/members"),
    post("/applications/{app}/invitations/{invitation}/resend", Application, OWNERS).json(200, "id email").to("/applications/{app}/members"),
    post("/applications/{app}/invitations/{invitation}/withdraw", Application, OWNERS).json(204, "").to("/applications/{app}/members"),

    get("/applications/{app}/listeners", Application, MEMBERS).json(200, "title listeners"),
    post("/applications/{app}/listeners", Application, WORKERS).with(&[("url", "https://listener.example.org/"), ("events", "subscription.*")]).json(201, "listener secret").html(200),
    get("/applications/{app}/listeners/{listener}", Application, MEMBERS).json(200, "title listener deliveries stats"),
    post("/applications/{app}/listeners/{listener}", Application, WORKERS).with(&[("url", "https://other.example.org/")]).json(200, "id url").to("/applications/{app}/listeners/{listener}"),
    post("/applications/{app}/listeners/{listener}/delete", Application, WORKERS).json(204, "").to("/applications/{app}/listeners"),
    post("/applications/{app}/listeners/{listener}/replay", Application, WORKERS).with(&[("id", "none")]).json(200, "count").to("/applications/{app}/listeners/{listener}"),
    post("/applications/{app}/listeners/{listener}/retry", Application, WORKERS).json(200, "count").to("/applications/{app}/listeners/{listener}"),
    post("/applications/{app}/listeners/{listener}/disable", Application, WORKERS).json(200, "id enabled").to("/applications/{app}/listeners/{listener}"),
    post("/applications/{app}/listeners/{listener}/secret", Application, WORKERS).json(200, "secret keyId").html(200),

    // 27.2 Teams and the own account
    get("/teams", Nothing, USERS).json(200, "title teams"),
    post("/teams", Nothing, USERS).with(&[("id", "{app}"), ("name", "Team")]).json(201, "id name").to("/teams/{app}"),
    get("/teams?q=crew&pageIndex=2", Nothing, USERS).json(200, "title teams"),
    get("/teams/{app}", Team, MEMBERS).json(200, "title team"),
    post("/teams/{app}", Team, OWNERS).with(&[("name", "Other")]).json(200, "id name").to("/teams/{app}"),
    post("/teams/{app}/members", Team, OWNERS).with(&[("email", "the-spare@example.org"), ("role", "reader")]).json(200, "id name").to("/teams/{app}"),
    post("/teams/{app}/members/remove", Team, &[Reader, Owner, Admin]).with(&[("user", "{reader}")]).json(204, "").to("/teams"),
    post("/teams/{app}/delete", Team, OWNERS).json(204, "").to("/teams"),
    get("/users/me/sessions", Nothing, USERS).json(200, "title sessions grants"),
    get("/users/me/tokens", Nothing, USERS).json(200, "title tokens"),
    post("/users/me/tokens", Nothing, USERS).with(&[("name", "nightly"), ("scope", "read_apis"), ("days", "30")]).json(201, "id token").html(200),
    get("/users/me/notifications", Nothing, USERS).json(200, "title preferences"),
    post("/users/me/notifications", Nothing, USERS).with(&[("digest", "on")]).json(200, "digest").to("/users/me/notifications"),
    get("/users/me/export", Nothing, USERS).json(200, "user applications"),
    post("/users/me/export", Nothing, USERS).html(200),

    post("/markdown", Nothing, USERS).with(&[("text", "*Soon*")]).json(200, "html").html(200),

    // 27.2 Reference, search and files
    get("/search?q=pets", Nothing, ALL).json(200, "title query results"),
    get("/apis/petstore/reference", Nothing, ALL),
    get("/apis/petstore/reference/listPets", Nothing, ALL),
    get("/apis/ledger/reference", Nothing, PARTNERS),
    get("/apis/petstore/definition.json", Nothing, ALL).json(200, "paths"),
    get("/apis/petstore/definition.yaml", Nothing, ALL),
    get("/apis/ledger/definition.yaml", Nothing, PARTNERS),
    get("/apis/ledger/definition.json", Nothing, PARTNERS).json(200, "paths"),
    get("/apis/petstore/postman.json", Nothing, ALL).json(200, "info item"),
    get("/apis/petstore/bruno.json", Nothing, ALL).json(200, "name items"),
    get("/apis/petstore/docs", Nothing, ALL).json(200, "title guides").to("/apis/petstore/docs/answers"),
    get("/apis/petstore/docs/answers", Nothing, ALL).json(200, "title path markdown body_html"),
    get("/apis/petstore/changelog", Nothing, ALL).json(200, "title changes"),
    get("/apis/petstore/changelog.atom", Nothing, ALL),
    get("/apis/ledger/changelog", Nothing, PARTNERS).json(200, "title changes"),
    get("/apis/petstore/subscribe", Nothing, USERS).to("/applications"),
    get("/apis/petstore/try", Nothing, USERS),
    get("/apis/timezones/try", Nothing, ALL),
    post("/apis/petstore/try", Nothing, USERS).with(&[("operation", "listPets"), ("credential", "wg_nothing")]).json(200, "request status").html(200),
    get("/apis/petstore/usage", Nothing, PUBLISHERS).json(200, "title usage"),
    get("/apis/petstore/usage.csv", Nothing, PUBLISHERS),
    get("/apis/petstore/announcements", Nothing, PUBLISHERS),
    post("/apis/petstore/announcements", Nothing, PUBLISHERS).with(&[("subject", "Soon"), ("text", "There is news.")]).json(201, "id subject").to("/apis/petstore"),

    // 27.2 Administration
    get("/admin/first-run", Nothing, ADMINS).json(200, "title setup"),
    post("/admin/first-run/hide", Nothing, ADMINS).json(200, "hidden").to("/admin"),
    get("/admin/gateways", Nothing, ADMINS).json(200, "title gateways"),
    get("/admin/configuration", Nothing, ADMINS).json(200, "title configuration"),
    post("/admin/configuration/fetch", Nothing, ADMINS).json(204, "").to("/admin/configuration"),
    get("/admin/usage", Nothing, ADMINS).json(200, "title usage"),
    get("/admin/usage.csv", Nothing, ADMINS),
    get("/admin/auditlog.jsonl", Nothing, ADMINS),
    post("/admin/approvals/comment", Subscriptions, DECIDERS).with(&[("id", "{approval}"), ("text", "Who?")]).json(201, "id text").to("/admin/approvals?id={approval}"),
    post("/admin/approvals/assign", Subscriptions, DECIDERS).with(&[("id", "{approval}"), ("assignee", "me")]).json(200, "id").to("/admin/approvals?id={approval}"),
    post("/admin/listeners/mailer/replay", Nothing, ADMINS).with(&[("id", "none")]).json(200, "count").to("/admin/listeners/mailer"),
    post("/admin/listeners/mailer/retry", Nothing, ADMINS).json(200, "count").to("/admin/listeners/mailer"),
    post("/admin/listeners/mailer/test", Nothing, ADMINS).json(200, "status").to("/admin/listeners/mailer"),
    post("/admin/listeners/mailer/disable", Nothing, ADMINS).json(200, "").to("/admin/listeners/mailer"),
    post("/admin/listeners/mailer/enable", Nothing, ADMINS).json(200, "").to("/admin/listeners/mailer"),
    post("/admin/listeners/mailer/secret", Nothing, ADMINS).json(409, "").to("/admin/listeners/mailer"),

    // 27.2 Publisher
    get("/publish", Nothing, PUBLISHERS).json(200, "title apis draft"),
    get("/publish/new", Nothing, PUBLISHERS),
    post("/publish/new", Nothing, PUBLISHERS).with(&[("id", "{app}"), ("name", "New"), ("ownerGroup", "approvers"), ("upstream_url", "http://localhost:9"), ("path", "/{app}"), ("auth", "key-auth"), ("plans", "free")]).json(201, "").to("/publish/apis/{app}"),
    get("/publish/apis/petstore", Nothing, PUBLISHERS).json(200, PUBLISHED),
    post("/publish/apis/petstore", Nothing, PUBLISHERS).with(&[("name", "Pet Store"), ("tags", "pets, more")]).json(200, PUBLISHED).to("/publish/apis/petstore"),
    get("/publish/apis/petstore/access", Nothing, PUBLISHERS).json(200, PUBLISHED),
    post("/publish/apis/petstore/access", Nothing, PUBLISHERS).with(&[("requiredGroup", "dev")]).json(200, PUBLISHED).to("/publish/apis/petstore/access"),
    get("/publish/apis/petstore/definition", Nothing, PUBLISHERS).json(200, PUBLISHED),
    post("/publish/apis/petstore/definition", Nothing, PUBLISHERS).with(&[("text", "{\"openapi\": \"3.1.0\", \"info\": {\"title\": \"T\", \"version\": \"1\"}, \"paths\": {}}")]).json(200, PUBLISHED).to("/publish/apis/petstore/definition"),
    get("/publish/apis/petstore/plugins", Nothing, PUBLISHERS).json(200, PUBLISHED),
    post("/publish/apis/petstore/plugins", Nothing, PUBLISHERS).with(&[("plugins", "[]")]).json(200, PUBLISHED).to("/publish/apis/petstore/plugins"),
    get("/publish/apis/petstore/plans", Nothing, PUBLISHERS).json(200, PUBLISHED),
    post("/publish/apis/petstore/plans", Nothing, PUBLISHERS).with(&[("plans", "free")]).json(200, PUBLISHED).to("/publish/apis/petstore/plans"),
    post("/publish/apis/petstore/plans/one", Nothing, PUBLISHERS).with(&[("plan", "free"), ("name", "Free"), ("minute", "20")]).json(200, PUBLISHED).to("/publish/apis/petstore/plans"),
    get("/publish/apis/petstore/lifecycle", Nothing, PUBLISHERS).json(200, PUBLISHED),
    post("/publish/apis/petstore/lifecycle", Nothing, PUBLISHERS).with(&[("state", "published"), ("version", "v2")]).json(200, PUBLISHED).to("/publish/apis/petstore/lifecycle"),
    get("/publish/apis/petstore/docs", Nothing, PUBLISHERS).json(200, PUBLISHED),
    post("/publish/apis/petstore/docs", Nothing, PUBLISHERS).with(&[("path", "more"), ("title", "More"), ("text", "More of it.")]).json(200, PUBLISHED).to("/publish/apis/petstore/docs"),
    get("/publish/apis/petstore/history", Nothing, PUBLISHERS).json(200, "title commits"),
    post("/publish/apis/petstore/preview", Nothing, PUBLISHERS).html(200),
    get("/publish/apis/petstore/preview", Nothing, PUBLISHERS).json(200, "title api description description_html"),
    post("/publish/apis/petstore/discard", Nothing, PUBLISHERS).json(200, "base files").to("/publish/apis/petstore"),
    post("/publish/discard", Nothing, PUBLISHERS).json(204, "").to("/publish"),

    // 21.7-21.9, 26.1
    get("/llms.txt", Nothing, ALL),
    get("/llms-full.txt", Nothing, ALL),
    get("/robots.txt", Nothing, ALL),
    get("/sitemap.xml", Nothing, ALL),
    get("/.well-known/api-catalog", Nothing, ALL).json(200, "linkset"),
    get("/openapi.json", Nothing, ALL).json(200, "openapi paths"),
];
