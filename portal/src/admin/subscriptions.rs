//! `/admin/subscriptions`: the subscriptions of all applications, or of the APIs one decides about.

use axum::{extract::RawQuery, response::Response};
use http::StatusCode;
use sdk::types::subscriptions::SubscriptionWithOwners;
use serde_json::json;
use ui::texts;

use super::{
    Item, decider,
    grid::{self, Cell, Column, Content, Field, Filter, Grid, Part},
    surroundings,
};
use crate::{
    csv::{self, guarded},
    failure::Failure,
    json, links,
    visitor::Visitor,
};

const APPLICATION: Field = Field::plain("application");
const APPLICATION_NAME: Field = Field::plain("application_name");
const PLAN: Field = Field::plain("plan");
const API: Field = Field::plain("api");
const OWNER: Field = Field::plain("owner");
const USER: Field = Field::plain("user");
const APPROVED: Field = Field::plain("approved");
const FIELDS: &[Field] = &[
    APPLICATION,
    APPLICATION_NAME,
    PLAN,
    API,
    OWNER,
    USER,
    APPROVED,
    Field::plain("trusted"),
];

fn asked(query: Option<&str>) -> Grid {
    Grid::read("/admin/subscriptions", query.unwrap_or_default(), FIELDS)
}

/// `GET /admin/subscriptions`
pub async fn show(visitor: Visitor, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let user = decider(&visitor)?;
    let grid = asked(query.as_deref());
    let subscriptions = visitor.client().all_subscriptions(&grid.query()).await?;
    let t = texts::Admin(visitor.lang());
    if visitor.wants_json {
        let body = json!({"title": t.subscriptions(), "subscriptions": subscriptions});
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let labels = [
        (APPROVED, t.status()),
        (APPLICATION_NAME, t.application()),
        (API, t.api()),
        (PLAN, t.plan()),
        (OWNER, t.owners()),
        (USER, t.people_of()),
    ];
    let filters = [
        (APPLICATION_NAME, t.application()),
        (APPLICATION, t.application_id()),
        (API, t.api()),
        (PLAN, t.plan()),
        (OWNER, t.owners()),
        (USER, t.people_of()),
    ];
    let content = Content {
        title: t.subscriptions(),
        lead: t.subscriptions_lead(),
        note: None,
        files: vec![("CSV", grid.url_of("/admin/subscriptions_csv"))],
        columns: labels
            .map(|(field, label)| Column {
                label,
                sort: Some(field),
            })
            .to_vec(),
        filters: filters
            .map(|(field, label)| Filter {
                name: field.name,
                label,
                value: grid.wanted(field.name).to_owned(),
                is_date: false,
            })
            .to_vec(),
        rows: subscriptions
            .items
            .iter()
            .map(|one| cells(one, user.admin, t))
            .collect(),
        count: subscriptions.count,
    };
    let around = surroundings(&visitor, Item::Subscriptions).await;
    Ok(grid::page(around, grid, content))
}

fn cells(one: &SubscriptionWithOwners, admin: bool, t: texts::Admin) -> Vec<Cell> {
    let subscription = &one.subscription;
    let mut status = vec![if subscription.approved {
        Part::Good(t.approved())
    } else {
        Part::Waiting(t.pending())
    }];
    if subscription.trusted == Some(true) {
        status.push(Part::Badge(t.trusted()));
    }
    let owners = one.owner_data.as_deref().unwrap_or_default();
    let owners: Cell = match owners {
        // Pages of people are for administrators.
        [] => grid::text(&one.owner),
        _ if !admin => grid::text(&one.owner),
        owners => owners
            .iter()
            .map(|owner| Part::Link(links::user(&owner.users_id), owner.email.clone()))
            .collect(),
    };
    let mut application = grid::link(
        links::application,
        &subscription.application,
        shown_name(one),
    );
    application.push(Part::Under(subscription.application.clone()));
    vec![
        status,
        application,
        grid::link(links::api, &subscription.api, &subscription.api),
        grid::text(&subscription.plan),
        owners,
        grid::text(&one.user),
    ]
}

fn shown_name(one: &SubscriptionWithOwners) -> &str {
    if one.application_name.is_empty() {
        &one.subscription.application
    } else {
        &one.application_name
    }
}

/// `GET /admin/subscriptions_csv`
pub async fn download(visitor: Visitor, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    decider(&visitor)?;
    let client = visitor.client();
    csv::download(
        "subscriptions.csv",
        &["Status", "Application", "Owners", "Users", "Api", "Plan"],
        asked(query.as_deref()).walk(),
        move |walk| {
            let client = client.clone();
            async move { client.walk_subscriptions(&walk).await }
        },
        |one| {
            vec![vec![
                status(&one),
                guarded(shown_name(&one)),
                guarded(&one.owner),
                guarded(&one.user),
                guarded(&one.subscription.api),
                guarded(&one.subscription.plan),
            ]]
        },
    )
    .await
}

/// In the words of the file, whatever the language of the page.
fn status(one: &SubscriptionWithOwners) -> String {
    let approved = if one.subscription.approved {
        "Approved"
    } else {
        "Pending"
    };
    let trusted = if one.subscription.trusted == Some(true) {
        ", (Trusted)"
    } else {
        ""
    };
    format!("{approved}{trusted}")
}
