//! What the configuration publishes: APIs, plans, groups, pools, auth servers, texts.

use sdk::types::{
    Apis, AuthServer, Group, Groups, Plan, Plans, Pool,
    apis::{Announcement, Api, ApiContext, NewAnnouncement},
    content::{Guide, TocEntry},
    users::Subscriber,
};
use serde_json::json;

use crate::openapi::operation::{Operation, Who, get, post};

const MARKDOWN: &str = "text/markdown";

pub fn operations() -> Vec<Operation> {
    let apis = |operation: Operation| operation.who(Who::Filtered).scope(&["read_apis"]);
    let mut all = vec![
        apis(get("/apis", "The APIs that the caller may see")).answers_or_page::<Apis, Api>(),
        apis(get("/apis/desc", "The text above the catalogue"))
            .answers_text(MARKDOWN)
            .refuses(&[404]),
    ];
    all.extend(
        [
            apis(get("/apis/{api}", "One API")).answers::<Api>(),
            apis(get("/apis/{api}/config", "How the gateway serves an API"))
                .about("Complete for administrators; others see its address only.")
                .answers_object(),
            apis(get("/apis/{api}/context", "What the page of an API needs"))
                .about("The API, its plans, the caller's applications with their subscriptions, and his rights.")
                .answers::<ApiContext>(),
            post("/apis/{api}/announcements", "Tell something to all who use an API")
                .who(Who::OwnerGroup)
                .scope(&["write_apis"])
                .takes::<NewAnnouncement>(json!({
                    "subject": "Maintenance on Sunday", "text": "No answers from 6 to 7.",
                }))
                .answers::<Announcement>()
                .refuses(&[404]),
            get("/apis/{api}/subscribers", "To whom a word about an API goes")
                .who(Who::Admin)
                .scope(&["read_subscriptions", "read_users"])
                .about("The owners of all applications with a subscription.")
                .answers_page::<Subscriber>(),
            apis(get("/apis/{api}/desc", "The long text about an API")).answers_text(MARKDOWN),
            apis(get("/apis/{api}/docs", "The guides of an API")).answers_short_list::<Guide>(),
            apis(get("/apis/{api}/docs/{path}", "A guide of an API"))
                .about("Its metadata is in the header `X-MetaInfo`, JSON as Base64.")
                .answers_text(MARKDOWN),
            apis(get(
                "/apis/{api}/plans",
                "The plans of an API that the caller may choose",
            ))
            .scope(&["read_apis", "read_plans"])
            .answers_short_list::<Plan>(),
            apis(get("/apis/{api}/swagger", "The definition of an API"))
                .query(
                    "commit",
                    "As it is written in this commit, without address and security",
                )
                .about(
                    "OpenAPI or Swagger as the owner wrote it, with address and security as the \
                     gateway has them.",
                )
                .answers_object(),
        ]
        .map(|operation| operation.refuses(&[404])),
    );
    all.extend([
        get("/plans", "All plans")
            .who(Who::Scope)
            .scope(&["read_plans"])
            .answers_or_page::<Plans, Plan>(),
        get("/groups", "All groups")
            .who(Who::Scope)
            .scope(&["read_groups"])
            .answers_or_page::<Groups, Group>(),
        get("/pools", "All registration pools, by id").answers_map_or_page::<Pool>(),
        get("/pools/{pool}", "One registration pool")
            .answers::<Pool>()
            .refuses(&[400, 404]),
        get("/auth-servers", "The ids of all auth servers")
            .who(Who::Scope)
            .scope(&["read_auth_servers"])
            .answers_texts(),
        get(
            "/auth-servers/{server}",
            "One auth server with its log-in methods",
        )
        .who(Who::Filtered)
        .scope(&["read_auth_servers"])
        .about("Secrets of methods go to the auth server itself only.")
        .answers::<AuthServer>()
        .refuses(&[404]),
        content(get("/content", "The landing page")),
        get("/content/toc", "The table of contents")
            .who(Who::Filtered)
            .scope(&["read_content"])
            .answers_short_list::<TocEntry>()
            .refuses(&[400]),
        content(get("/content/{*path}", "A page, or a public file"))
            .about("Header `X-MetaInfo` of a page: its metadata as base64 of JSON.")
            .refuses(&[400]),
    ]);
    all.extend(templates());
    all
}

fn templates() -> [Operation; 5] {
    let template = |operation: Operation| operation.who(Who::Admin).scope(&["read_templates"]);
    let pages = "The operator's own pages of the auth server, by name";
    [
        template(get("/templates/auth", pages)).answers_object(),
        get(
            "/templates/texts",
            "Texts of pages in the operator's words, by language",
        )
        .who(Who::Scope)
        .scope(&["read_content"])
        .answers_object(),
        template(get("/templates/chatbot", "The templates of chat messages")).answers_object(),
        template(get(
            "/templates/email",
            "The templates of all mails, by name",
        ))
        .answers_object(),
        template(get("/templates/email/{name}", "The template of a mail"))
            .answers_text("text/plain")
            .refuses(&[404]),
    ]
}

fn content(operation: Operation) -> Operation {
    operation
        .who(Who::Filtered)
        .scope(&["read_content"])
        .answers_text(MARKDOWN)
        .refuses(&[404])
}
