//! `/admin/applications`: the applications of everybody.

use axum::{extract::RawQuery, response::Response};
use http::StatusCode;
use serde_json::json;
use ui::texts;

use super::{
    Item, administrator,
    grid::{self, Column, Content, Field, Filter, Grid, Part},
    surroundings,
};
use crate::{failure::Failure, json, links, visitor::Visitor};

const ID: Field = Field::plain("id");
const NAME: Field = Field::plain("name");
const OWNER: Field = Field::plain("ownerEmail");
const FIELDS: &[Field] = &[ID, NAME, OWNER];

/// `GET /admin/applications`
pub async fn show(visitor: Visitor, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    administrator(&visitor)?;
    let query = query.as_deref().unwrap_or_default();
    let grid = Grid::read("/admin/applications", query, FIELDS);
    let applications = visitor.client().applications(&grid.query()).await?;
    let t = texts::Admin(visitor.lang());
    if visitor.wants_json {
        let body = json!({"title": t.applications(), "applications": applications});
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let labels = [(NAME, t.name()), (ID, t.id()), (OWNER, t.owner())];
    let content = Content {
        title: t.applications(),
        lead: t.applications_lead(),
        note: None,
        files: Vec::new(),
        columns: labels
            .map(|(field, label)| Column {
                label,
                sort: Some(field),
            })
            .to_vec(),
        filters: labels
            .map(|(field, label)| Filter {
                name: field.name,
                label,
                value: grid.wanted(field.name).to_owned(),
                is_date: false,
            })
            .to_vec(),
        rows: applications
            .items
            .iter()
            .map(|application| {
                let owner = application.owner_user_id.as_deref().unwrap_or_default();
                let email = application.owner_email.as_deref().unwrap_or_default();
                vec![
                    grid::link(links::application, &application.id, &application.name),
                    vec![Part::Code(application.id.clone())],
                    grid::link(links::user, owner, email),
                ]
            })
            .collect(),
        count: applications.count,
    };
    let around = surroundings(&visitor, Item::Applications).await;
    Ok(grid::page(around, grid, content))
}
