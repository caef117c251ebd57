//! `/admin/users`: everybody who is registered in the portal's own pool.

use axum::{extract::RawQuery, response::Response};
use http::StatusCode;
use serde_json::json;
use ui::texts;

use super::{
    Item, administrator,
    grid::{self, Column, Content, Field, Filter, Grid},
    surroundings,
};
use crate::{failure::Failure, json, links, visitor::Visitor};

const POOL: &str = "wicked";
const ID: Field = Field {
    name: "id",
    api: "userId",
};
const NAME: Field = Field::plain("name");
const EMAIL: Field = Field::plain("email");
const EXTERNAL: Field = Field::plain("customId");
/// `userId` is what the column is called in the answers.
const FIELDS: &[Field] = &[ID, Field::plain("userId"), NAME, EMAIL, EXTERNAL];

/// `GET /admin/users`
pub async fn show(visitor: Visitor, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    administrator(&visitor)?;
    let grid = Grid::read("/admin/users", query.as_deref().unwrap_or_default(), FIELDS);
    let client = visitor.client();
    let users = client
        .registrations_of_pool(POOL, None, &grid.query())
        .await?;
    let t = texts::Admin(visitor.lang());
    if visitor.wants_json {
        let body = json!({"title": t.users(), "users": users});
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let filter = |field: Field, label| Filter {
        name: field.name,
        label,
        value: grid.wanted(field.name).to_owned(),
        is_date: false,
    };
    let column = |label, field| Column {
        label,
        sort: Some(field),
    };
    let content = Content {
        title: t.users(),
        lead: t.users_lead(),
        note: None,
        files: Vec::new(),
        columns: vec![
            column(t.name(), NAME),
            column(t.email(), EMAIL),
            column(t.id(), ID),
            column(t.external_id(), EXTERNAL),
        ],
        filters: vec![
            filter(NAME, t.name()),
            filter(EMAIL, t.email()),
            filter(ID, t.id()),
        ],
        rows: users
            .items
            .iter()
            .map(|user| {
                let email = user.email.as_deref().unwrap_or_default();
                vec![
                    grid::link(links::user, &user.user_id, user.name().unwrap_or(email)),
                    grid::text(email),
                    vec![grid::Part::Code(user.user_id.clone())],
                    grid::text(user.custom_id.as_deref().unwrap_or_default()),
                ]
            })
            .collect(),
        count: users.count,
    };
    let around = surroundings(&visitor, Item::Users).await;
    Ok(grid::page(around, grid, content))
}
