//! An API as its page will show it.

use askama::Template;
use axum::{extract::Path, response::Response};
use http::StatusCode;
use serde_json::json;
use ui::{Entry, Frame, Html, Icon, Tile, texts};

use super::{shell::Opened, url};
use crate::{
    catalogue::{LifeCycle, auth_icon, auth_name},
    failure::Failure,
    json, markdown,
    plans::PlanView,
    visitor::Visitor,
};

#[derive(Template)]
#[template(path = "publish/preview.html")]
struct PreviewPage {
    frame: Frame,
    t: texts::Publish,
    url: String,
    name: String,
    version: String,
    tile: Html,
    life_cycle: LifeCycle,
    auth_icon: Icon,
    auth_name: &'static str,
    summary: Html,
    plans: Vec<PlanView>,
    description: Html,
}

/// `GET`, `POST /publish/apis/{api}/preview`
pub async fn show(visitor: Visitor, path: Path<String>) -> Result<Response, Failure> {
    let mut opened = Opened::new(&visitor, path).await?;
    let file = opened.file("desc.md");
    let description = opened.desk.text(&file).await?.unwrap_or_default();
    let api: sdk::types::Api = serde_json::from_value(opened.entry.clone())
        .map_err(|error| Failure::BadRequest(format!("the entry of the API: {error}")))?;
    let plans = opened.desk.json(super::desk::PLANS).await?;
    let plans: sdk::types::Plans = serde_json::from_value(plans).unwrap_or_default();
    if visitor.wants_json {
        let body = json!({
            "title": api.name, "api": api, "description": description,
            "description_html": markdown::render(&description).as_str(),
        });
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let lang = visitor.lang();
    let offered = api
        .plans
        .iter()
        .filter_map(|id| plans.plans.iter().find(|plan| plan.id == *id));
    let page = PreviewPage {
        t: texts::Publish(lang),
        url: url(&api.id),
        name: crate::catalogue::name(&api).to_owned(),
        version: api.version.clone().unwrap_or_default(),
        tile: Tile::large(&api.id, crate::catalogue::name(&api)),
        life_cycle: LifeCycle::of(&api),
        auth_icon: auth_icon(&api),
        auth_name: auth_name(&api, texts::Shared(lang)),
        summary: markdown::render(&api.desc),
        plans: offered
            .map(|plan| PlanView::new(plan, lang, true))
            .collect(),
        description: markdown::render(&description),
        frame: visitor.frame(Entry::Publish).await,
    };
    Ok(ui::page(StatusCode::OK, &page))
}
