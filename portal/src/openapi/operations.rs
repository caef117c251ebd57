//! What there is, by path.

/// A route with a JSON answer.
pub struct Operation {
    pub method: &'static str,
    pub path: &'static str,
    pub summary: &'static str,
    /// Parameters of the query, or members of the body; `[]` stands behind lists.
    pub fields: &'static str,
    pub status: u16,
    /// Members of the answer; nothing for lists and files.
    pub answer: &'static str,
}

impl Operation {
    /// The first part of the path.
    pub fn tag(&self) -> &'static str {
        match self.path.split('/').nth(1).unwrap_or_default() {
            ".well-known" | "search" | "ping" | "content" | "markdown" => "portal",
            "login" => "session",
            tag => tag,
        }
    }
}

const fn get(
    path: &'static str,
    summary: &'static str,
    fields: &'static str,
    answer: &'static str,
) -> Operation {
    Operation {
        method: "GET",
        path,
        summary,
        fields,
        status: 200,
        answer,
    }
}

const fn post(
    path: &'static str,
    summary: &'static str,
    fields: &'static str,
    status: u16,
    answer: &'static str,
) -> Operation {
    Operation {
        method: "POST",
        path,
        summary,
        fields,
        status,
        answer,
    }
}

const GRID: &str = "pageIndex pageSize sortField sortOrder";

#[rustfmt::skip]
pub const ALL: &[Operation] = &[
    get("/.well-known/api-catalog", "The APIs that the visitor may see, as links (RFC 9727)", "", "linkset"),
    get("/ping", "Whether the portal works", "", "name message uptime healthy version"),
    get("/search", "Search over APIs, operations, guides, pages and help", "q type", "title query results"),
    get("/content", "The start page", "", "title markdown body_html"),
    get("/content/toc", "All pages of content", "", "title entries"),
    get("/content/{*path}", "A page of content", "", "title markdown body_html"),

    get("/apis", "APIs that the visitor sees", "filter", ""),
    get("/apis/{api}", "An API with plans, addresses and own applications", "", "title apiInfo apiPlans applications apiUris apiSubscriptions partnerOnly"),
    post("/apis/{api}/announcements", "A mail to all who use an API", "subject text", 201, ""),
    get("/apis/{api}/changelog", "What changed an API, newest first", "", "title changes"),
    get("/apis/{api}/docs", "The guides of an API", "", "title guides"),
    get("/apis/{api}/docs/{*path}", "A guide", "", "title path markdown body_html"),
    get("/apis/{api}/swagger", "The definition of an API", "", ""),
    get("/apis/{api}/definition.json", "The definition of an API as a file", "", ""),
    get("/apis/{api}/postman.json", "A collection for Postman", "", "info item variable"),
    get("/apis/{api}/bruno.json", "A collection for Bruno", "", "name version items environments"),
    get("/apis/{api}/try", "What a trial of an operation needs", "operation application", ""),
    post("/apis/{api}/try", "Calls an operation through the gateway", "operation application credential scope", 200, ""),
    get("/apis/{api}/usage", "Calls, errors and times of an API, for its owners", "period", "title usage"),
    get("/apis/{api}/usage.csv", "The same as CSV", "period", ""),

    get("/applications", "Own applications", "", "title applications"),
    post("/applications/check-app", "Whether an id can be registered", "app_id", 200, "valid app_id message"),
    post("/applications/register", "Registers an application", "appid appname appdesc clienttype hasredirecturi redirecturi[]", 201, "id name"),
    get("/applications/{application}", "An application with its subscriptions", "", "title application roles subscriptions"),
    get("/applications/{application}/settings", "The same, as the section of the page has it", "", "title application roles subscriptions"),
    get("/applications/{application}/subscriptions", "The same, as the section of the page has it", "", "title application roles subscriptions"),
    get("/applications/{application}/credentials", "The same, as the section of the page has it", "", "title application roles subscriptions"),
    post("/applications/{application}/patch", "Changes an application", "appname appdesc clienttype redirecturi[]", 200, "id name"),
    post("/applications/{application}/unregister", "Deletes an application", "", 204, ""),
    get("/applications/{application}/members", "Members and open invitations", "", "title members invitations"),
    post("/applications/{application}/owners/add", "Adds a member", "owneremail ownerrole", 201, "id name"),
    post("/applications/{application}/owners/delete", "Removes a member", "owneremail", 200, "id name"),
    post("/applications/{application}/owners/role", "Changes the role of a member; `owner` hands the application over", "user owneremail role", 200, "id name"),
    post("/applications/{application}/leave", "Leaves an application", "", 204, ""),
    post("/applications/{application}/invitations", "Invites somebody by mail", "email role", 201, ""),
    post("/applications/{application}/invitations/{id}/resend", "Sends an invitation again", "", 200, ""),
    post("/applications/{application}/invitations/{id}/withdraw", "Withdraws an invitation", "", 204, ""),
    post("/invitations/{token}", "Accepts an invitation", "", 200, ""),
    get("/applications/{application}/usage", "Usage against the limits", "api credential period", "title usage limits"),
    get("/applications/{application}/usage.csv", "The same as CSV", "api credential period", ""),
    get("/applications/{application}/subscribe/{api}", "Plans to choose from", "", "title apiInfo apiPlans application"),
    post("/applications/{application}/subscribe/{api}", "Subscribes", "plan trusted purpose", 201, "application api plan approved"),
    post("/applications/{application}/unsubscribe/{api}", "Ends a subscription", "", 204, ""),
    get("/applications/{application}/subscriptions/{api}", "A subscription with its scopes", "", "application api subscription"),
    post("/applications/{application}/subscriptions/{api}", "Limits the scopes of a subscription", "scope_mode scope[]", 200, ""),
    get("/applications/{application}/subscriptions/{api}/plan", "Other plans of a subscription", "", "plan apiPlans"),
    post("/applications/{application}/subscriptions/{api}/plan", "Another plan, with the same keys", "plan", 200, ""),
    get("/applications/{application}/subscriptions/{api}/credentials", "Keys and secrets of a subscription", "", "title credentials api"),
    post("/applications/{application}/subscriptions/{api}/credentials", "Makes one; the answer has the secret once", "name note expires", 201, ""),
    post("/applications/{application}/subscriptions/{api}/credentials/{id}/rotate", "A new one, while the old one goes on for a while", "overlap", 201, ""),
    post("/applications/{application}/subscriptions/{api}/credentials/{id}/extend", "Another end", "expires", 200, ""),
    post("/applications/{application}/subscriptions/{api}/credentials/{id}/revoke", "Ends one now", "reason", 204, ""),
    post("/applications/{application}/subscriptions/{api}/credentials/{id}/reveal", "Shows one that may be shown again", "", 200, ""),


    get("/teams", "Own teams", "", "title teams"),
    post("/teams", "Makes a team", "id name", 201, "id name"),
    get("/teams/{team}", "A team with members and applications", "", "title team"),
    post("/teams/{team}", "Renames a team", "name", 200, "id name"),
    post("/teams/{team}/members", "Adds a member, or changes a role", "user email role", 200, "id name"),
    post("/teams/{team}/members/remove", "Removes a member", "user", 204, ""),
    post("/teams/{team}/delete", "Deletes a team", "", 204, ""),

    get("/users/{user}", "A profile; `me` is one's own", "", "title userInfo grantsLink registrationInfo poolInfo groups"),
    post("/users/{user}", "Changes a profile, a password or groups", "__action password currentPassword __updategroups", 200, "userInfo registrationInfo"),
    post("/users/{user}/delete", "Deletes an account", "applications heir", 204, ""),
    get("/users/me/sessions", "Own sessions and applications that may act for one", "", "title sessions grants"),
    post("/users/me/sessions", "Ends a session, or all others, or takes a consent back", "end application api", 204, ""),
    get("/users/me/tokens", "Own personal access tokens", "", "title tokens"),
    post("/users/me/tokens", "Makes one, or ends one", "name scope days expires delete", 201, ""),
    get("/users/me/notifications", "Which mails one gets", "", "title preferences"),
    post("/users/me/notifications", "Changes that", "digest language", 200, ""),
    get("/users/me/export", "All data about oneself", "", ""),
    post("/users/me/export", "The same as a file", "", 200, ""),

    get("/publish", "APIs that one may change, and the draft", "", "title apis draft"),
    post("/publish/new", "A new API, in the draft", "id name desc ownerGroup upstream_url path auth plans[] state", 201, ""),
    get("/publish/apis/{api}", "An API as the draft has it", "", "title api config description draft"),
    post("/publish/apis/{api}", "Name, descriptions, owner and tags", "name desc ownerGroup tags description", 200, "title api config description draft"),
    get("/publish/apis/{api}/access", "An API as the draft has it", "", "title api config description draft"),
    post("/publish/apis/{api}/access", "Backend, paths and credentials", "upstream_url paths auth requiredGroup partner flows[] scopes authMethods", 200, "title api config description draft"),
    get("/publish/apis/{api}/plugins", "An API as the draft has it", "", "title api config description draft"),
    post("/publish/apis/{api}/plugins", "Plugins of the gateway, a list as JSON", "plugins", 200, "title api config description draft"),
    get("/publish/apis/{api}/definition", "An API as the draft has it", "", "title api config description draft"),
    post("/publish/apis/{api}/definition", "The OpenAPI file", "text", 200, "title api config description draft"),
    get("/publish/apis/{api}/plans", "An API as the draft has it", "plan", "title api config description draft"),
    post("/publish/apis/{api}/plans", "Plans that are offered", "plans[]", 200, "title api config description draft"),
    post("/publish/apis/{api}/plans/one", "A plan: `plan` is changed, `id` is new", "plan id name desc price needsApproval requiredGroup second minute hour day month", 200, "title api config description draft"),
    get("/publish/apis/{api}/lifecycle", "An API as the draft has it", "", "title api config description draft"),
    post("/publish/apis/{api}/lifecycle", "State, version and dates", "state version family deprecatedOn sunsetOn successor note", 200, "title api config description draft"),
    get("/publish/apis/{api}/docs", "An API as the draft has it", "doc", "title api config description draft"),
    post("/publish/apis/{api}/docs", "A guide: `doc` is changed, `path` is new", "doc path title order requiredGroup text remove", 200, "title api config description draft"),
    get("/publish/apis/{api}/history", "Commits that changed an API", "", "title commits"),
    get("/publish/apis/{api}/preview", "An API as its page would show it", "", "title api description description_html"),
    post("/publish/apis/{api}/discard", "Drops what of the draft is about one API", "", 200, "base files"),
    post("/publish/commit", "Saves the draft", "message branch author", 201, "commit author date message"),
    post("/publish/rebase", "Moves the draft onto the newest commit; `keep/<path>` is `mine` or `theirs`", "", 200, "base files"),
    post("/publish/discard", "Drops the draft", "", 204, ""),

    get("/admin", "What needs an administrator", "", "title"),
    get("/admin/approvals", "Requests for access", "id state pageIndex pageSize", "title approvals"),
    post("/admin/approvals/approve", "Approves one or several", "id[] app api reason", 200, ""),
    post("/admin/approvals/decline", "Declines one or several", "id[] app api reason", 204, ""),
    post("/admin/approvals/comment", "A comment on a request", "id text", 201, ""),
    post("/admin/approvals/assign", "Gives a request to somebody", "id assignee", 200, ""),
    get("/admin/approvals_csv", "Requests as CSV", "", ""),
    get("/admin/users", "Everybody who is registered", GRID, "title users"),
    get("/admin/applications", "All applications", GRID, "title applications"),
    get("/admin/subscriptions", "All subscriptions", GRID, "title subscriptions"),
    get("/admin/subscriptions_csv", "The same as CSV", "", ""),
    get("/admin/auditlog", "What people and services did", "startdate enddate pageIndex pageSize sortField sortOrder", "title auditlog"),
    get("/admin/auditlog_csv", "The same as CSV", "startdate enddate", ""),
    get("/admin/auditlog.jsonl", "The same as JSON lines, with the chain of the records", "startdate enddate", ""),
    get("/admin/subscribe", "Applications and APIs to subscribe for others", "application api", "title"),
    get("/admin/verifications", "Open verifications", "", "title verifications"),
    post("/admin/verifications/{id}", "Deletes one, or with `action=send` sends it again", "action", 200, "success message"),
    get("/admin/listeners", "Listeners of the event bus", "", "title listeners"),
    get("/admin/listeners/{listener}", "Deliveries to a listener", "state event delivery", "title events deliveries stats"),
    post("/admin/listeners/{listener}/replay", "Delivers events again", "id[]", 200, ""),
    post("/admin/listeners/{listener}/retry", "Tries dead letters again", "id[]", 200, ""),
    post("/admin/listeners/{listener}/test", "Sends a test event", "", 200, ""),
    post("/admin/listeners/{listener}/enable", "Delivers again", "", 200, ""),
    post("/admin/listeners/{listener}/disable", "Delivers nothing for now", "reason", 200, ""),
    post("/admin/listeners/{listener}/secret", "A new secret for signatures", "", 200, ""),
    get("/admin/health", "State of all components", "", "title health"),
    post("/admin/restart", "Reads the configuration anew", "", 200, ""),
    get("/admin/gateways", "Gateways and whether they are in step", "", "title gateways"),
    get("/admin/configuration", "The configuration that is served, and the newest", "", "title configuration"),
    post("/admin/configuration/fetch", "Looks for a newer configuration now", "", 204, ""),
    get("/admin/usage", "Usage by API, plan and application", "period by", "title usage"),
    get("/admin/usage.csv", "The same as CSV", "period by", ""),
    get("/admin/first-run", "Steps of a new installation", "", "title setup"),
    post("/admin/first-run/hide", "Hides them", "", 200, "hidden steps"),
    get("/admin/apis/{api}/subscriptions_csv", "Subscriptions of an API as CSV", "", ""),
    post("/admin/apis/{api}/delete_subscriptions", "Ends all subscriptions of a deprecated API", "confirm", 200, ""),
];
