//! The queue and the selected request beside it.

use askama::Template;
use axum::{extract::Query, response::Response};
use chrono::{DateTime, Utc};
use http::StatusCode;
use sdk::types::{Api, Approval, Plan};
use serde::Deserialize;
use serde_json::json;
use ui::{Breakable, Entry, Frame, Html, Icon, Kind, Tile, format, texts};

use crate::{failure::Failure, json, plans::PlanView, visitor::Visitor};

/// Requests in the list; older ones come first, so none is left behind.
const MAX_SHOWN: usize = 200;

#[derive(Template)]
#[template(path = "approvals.html")]
pub struct ApprovalsPage {
    frame: Frame,
    t: texts::Approvals,
    rows: Vec<Row>,
    selected: Option<Selected>,
    reason: String,
    reason_missing: bool,
}

struct Row {
    id: String,
    requester: String,
    api: String,
    plan: String,
    application: String,
    trusted: bool,
    age: String,
}

struct Selected {
    approval: Approval,
    tile: Html,
    limits: String,
    access: &'static str,
    scopes: Vec<String>,
    requested: String,
    requested_exactly: String,
    own: bool,
}

#[derive(Deserialize)]
pub struct Question {
    id: Option<String>,
}

/// `GET /admin/approvals`
pub async fn show(visitor: Visitor, Query(question): Query<Question>) -> Result<Response, Failure> {
    if visitor.wants_json {
        let user = visitor.require_user()?;
        if !(user.admin || user.approver) {
            return Err(Failure::Forbidden);
        }
        let t = texts::Approvals(visitor.lang());
        let body = json!({"title": t.title(), "approvals": visitor.client().approvals().await?});
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let page = ApprovalsPage::load(&visitor, question.id.as_deref()).await?;
    Ok(ui::page(StatusCode::OK, &page))
}

impl ApprovalsPage {
    pub async fn load(visitor: &Visitor, id: Option<&str>) -> Result<Self, Failure> {
        let user = visitor.require_user()?;
        if !(user.admin || user.approver) {
            return Err(Failure::Forbidden);
        }
        let client = visitor.client();
        let (mut approvals, apis, plans) =
            tokio::try_join!(client.approvals(), client.apis(), client.plans())?;
        approvals.sort_by_key(moment);
        let now = service::clock::now();
        let t = texts::Approvals(visitor.lang());
        let chosen = match id {
            Some(id) => approvals.iter().find(|approval| approval.id == id),
            None => approvals.first(),
        };
        let selected = chosen.map(|approval| {
            Selected::new(approval, &apis.apis, &plans.plans, visitor, now, &user.id)
        });
        let mut frame = visitor.frame_with(Entry::Admin, approvals.len());
        if id.is_some() && selected.is_none() {
            frame = frame.with_message(Kind::Info, t.gone());
        }
        Ok(Self {
            frame,
            t,
            rows: approvals
                .iter()
                .take(MAX_SHOWN)
                .map(|approval| Row::new(approval, visitor, now))
                .collect(),
            selected,
            reason: String::new(),
            reason_missing: false,
        })
    }

    /// The page again, because declining needs a reason.
    pub fn without_reason(mut self) -> Self {
        self.reason_missing = true;
        self
    }

    /// The page again, with a text of portal-api on top.
    pub fn refused(mut self, text: &str, reason: &str) -> Self {
        self.frame = self.frame.with_message(Kind::Bad, text);
        reason.clone_into(&mut self.reason);
        self
    }

    fn is_selected(&self, id: &str) -> bool {
        self.selected
            .as_ref()
            .is_some_and(|selected| selected.approval.id == id)
    }
}

fn moment(approval: &Approval) -> Option<DateTime<Utc>> {
    approval
        .changed_date
        .and_then(sdk::types::ChangedDate::moment)
}

impl Row {
    fn new(approval: &Approval, visitor: &Visitor, now: DateTime<Utc>) -> Self {
        Self {
            id: approval.id.clone(),
            requester: approval.user.email.clone(),
            api: approval.api.name.clone(),
            plan: approval.plan.name.clone(),
            application: approval.application.name.clone(),
            trusted: approval.application.trusted,
            age: moment(approval)
                .map(|at| format::age(visitor.lang(), at, now))
                .unwrap_or_default(),
        }
    }
}

impl Selected {
    fn new(
        approval: &Approval,
        apis: &[Api],
        plans: &[Plan],
        visitor: &Visitor,
        now: DateTime<Utc>,
        me: &str,
    ) -> Self {
        let (lang, t) = (visitor.lang(), texts::Approvals(visitor.lang()));
        let api = apis.iter().find(|api| api.id == approval.api.id);
        let plan = plans.iter().find(|plan| plan.id == approval.plan.id);
        let oauth = api.is_some_and(Api::is_oauth2);
        let settings = api.and_then(|api| api.settings.as_ref());
        Self {
            tile: Tile::medium(&approval.api.id, &approval.api.name),
            limits: plan
                .map(|plan| PlanView::new(plan, lang, true).words())
                .unwrap_or_default(),
            access: match (approval.application.trusted, oauth) {
                (true, _) => t.access_trusted(),
                (false, true) => t.access_normal(),
                (false, false) => t.access_key(),
            },
            scopes: settings
                .filter(|_| oauth)
                .map(|settings| settings.scopes().map(|(id, _)| id.to_owned()).collect())
                .unwrap_or_default(),
            requested: moment(approval)
                .map(|at| format::ago(lang, at, now))
                .unwrap_or_default(),
            requested_exactly: moment(approval)
                .map(|at| format::moment(lang, at))
                .unwrap_or_default(),
            own: approval.user.id == me,
            approval: approval.clone(),
        }
    }
}
