//! `/admin/gateways`: what each gateway has in force, and what it could not be given.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use sdk::types::{Timestamp, gateway::GatewayStatus};
use serde_json::json;
use ui::{Frame, Html, Icon, format, texts};

use super::{Item, administrator, surroundings};
use crate::{chart::decimal, failure::Failure, json, visitor::Visitor};

#[derive(Template)]
#[template(path = "admin/gateways.html")]
struct GatewaysPage {
    frame: Frame,
    side: Html,
    t: texts::Admin,
    status: GatewayStatus,
}

impl GatewaysPage {
    fn rate(&self, calls: &f64) -> String {
        decimal(self.frame.lang(), *calls)
    }

    fn ago(&self, at: &Timestamp) -> String {
        format::ago(self.frame.lang(), at.0, service::clock::now())
    }

    fn exactly(&self, at: &Timestamp) -> String {
        format::moment(self.frame.lang(), at.0)
    }
}

/// `GET /admin/gateways`
pub async fn show(visitor: Visitor) -> Result<Response, Failure> {
    administrator(&visitor)?;
    let status = visitor.client().gateway_status().await?;
    let t = texts::Admin(visitor.lang());
    if visitor.wants_json {
        let body = json!({"title": t.gateways(), "gateways": status});
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let (frame, side) = surroundings(&visitor, Item::Gateways).await;
    let page = GatewaysPage {
        frame,
        side,
        t,
        status,
    };
    Ok(ui::page(StatusCode::OK, &page))
}
