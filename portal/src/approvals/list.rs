//! The queue, what was decided before, and the selected request beside it.

use askama::Template;
use axum::{extract::Query, response::Response};
use chrono::{DateTime, Utc};
use http::StatusCode;
use sdk::{
    Optional,
    types::{Api, Approval, Plan, page::Walk},
};
use serde::Deserialize;
use serde_json::json;
use ui::{Breakable, Entry, Frame, Html, Icon, Kind, Tile, format, texts};

use crate::{
    admin::{Item, decider, side},
    failure::Failure,
    json, links,
    plans::PlanView,
    visitor::Visitor,
};

/// Requests of one page.
const PAGE: u64 = 10;
/// Waiting longer than this is shown in red.
const MAX_WAIT: chrono::TimeDelta = chrono::TimeDelta::days(3);
pub const OPEN: &str = "open";
const STATES: [&str; 5] = [OPEN, "approved", "declined", "withdrawn", "all"];

#[derive(Template)]
#[template(path = "approvals.html")]
pub struct ApprovalsPage {
    frame: Frame,
    side: Html,
    t: texts::Approvals,
    question: Question,
    rows: Vec<Row>,
    next: Option<String>,
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
    is_late: bool,
    /// Of a request that is not open any more.
    state: Option<&'static str>,
    assigned: bool,
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
    open: bool,
    /// What came of it, and when.
    outcome: Option<(&'static str, String)>,
    assigned_to_me: bool,
    /// Who, when, what.
    comments: Vec<(String, String, String)>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Question {
    id: Option<String>,
    state: Option<String>,
    api: Option<String>,
    application: Option<String>,
    cursor: Option<String>,
}

impl Question {
    /// The open requests with this one selected.
    pub fn of(id: &str) -> Self {
        Self {
            id: Some(id.to_owned()),
            ..Self::default()
        }
    }

    fn state(&self) -> &'static str {
        let asked = self.state.as_deref().unwrap_or_default();
        STATES
            .into_iter()
            .find(|state| *state == asked)
            .unwrap_or(OPEN)
    }

    fn api(&self) -> &str {
        self.api.as_deref().unwrap_or_default().trim()
    }

    fn application(&self) -> &str {
        self.application.as_deref().unwrap_or_default().trim()
    }

    fn is_filtered(&self) -> bool {
        !self.api().is_empty() || !self.application().is_empty()
    }

    fn walk(&self) -> Walk {
        let mut walk = Walk {
            limit: PAGE,
            cursor: self.cursor.clone().unwrap_or_default(),
            ..Walk::default()
        };
        for (field, value) in [("api", self.api()), ("application", self.application())] {
            if !value.is_empty() {
                walk.filter.insert(field.to_owned(), value.into());
            }
        }
        // The queue is worked off from its beginning; of the past the newest is looked for.
        if self.state() != OPEN {
            walk.order_by = Some("requestedAt DESC".to_owned());
        }
        walk
    }

    /// The same list elsewhere: another page of it, or another request selected.
    fn url(&self, cursor: &str, id: &str) -> String {
        let state = Some(self.state()).filter(|state| *state != OPEN);
        let parameters = [
            ("state", state.unwrap_or_default()),
            ("api", self.api()),
            ("application", self.application()),
            ("cursor", cursor),
            ("id", id),
        ];
        links::with_query("/admin/approvals", parameters)
    }
}

/// `GET /admin/approvals`
pub async fn show(visitor: Visitor, Query(question): Query<Question>) -> Result<Response, Failure> {
    if visitor.wants_json {
        decider(&visitor)?;
        let t = texts::Approvals(visitor.lang());
        let client = visitor.client();
        let body = if question.state() == OPEN && !question.is_filtered() {
            json!({"title": t.title(), "approvals": client.approvals().await?})
        } else {
            let walk = Walk {
                limit: 100,
                ..question.walk()
            };
            let page = client.walk_approvals(question.state(), &walk).await?;
            json!({"title": t.title(), "approvals": page.items, "next": page.next})
        };
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let page = ApprovalsPage::load(&visitor, question).await?;
    Ok(ui::page(StatusCode::OK, &page))
}

impl ApprovalsPage {
    pub async fn load(visitor: &Visitor, question: Question) -> Result<Self, Failure> {
        let user = decider(visitor)?;
        let client = visitor.client();
        let walk = question.walk();
        let (page, apis, plans, named, waiting) = tokio::try_join!(
            async {
                let page = client.walk_approvals(question.state(), &walk).await;
                page.map_err(Failure::from)
            },
            async { client.apis().await.map_err(Failure::from) },
            async { client.plans().await.map_err(Failure::from) },
            async {
                match question.id.as_deref().filter(|id| !id.is_empty()) {
                    Some(id) => client.approval(id).await.optional().map_err(Failure::from),
                    None => Ok(None),
                }
            },
            visitor.open_requests(),
        )?;
        let now = service::clock::now();
        let t = texts::Approvals(visitor.lang());
        let is_gone = named.as_ref().is_none_or(|one| !is_open(one)) && question.state() == OPEN;
        let chosen = match &question.id {
            Some(_) => named.as_ref().filter(|_| !is_gone),
            None => page.items.first(),
        };
        let selected = chosen.map(|approval| {
            Selected::new(approval, &apis.apis, &plans.plans, visitor, now, &user.id)
        });
        let mut frame = visitor.frame_with(Entry::Admin, waiting);
        if question.id.is_some() && is_gone {
            frame = frame.with_message(Kind::Info, t.gone());
        }
        Ok(Self {
            side: side(&frame, Item::Approvals),
            frame,
            t,
            rows: page
                .items
                .iter()
                .map(|approval| Row::new(approval, visitor, now))
                .collect(),
            next: page.next,
            question,
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

    fn states(&self) -> [(&'static str, &'static str); 5] {
        let t = self.t;
        [
            (OPEN, t.state_open()),
            ("approved", t.state_approved()),
            ("declined", t.state_declined()),
            ("withdrawn", t.state_withdrawn()),
            ("all", t.state_all()),
        ]
    }

    fn state_url(&self, state: &str) -> String {
        let other = Question {
            state: Some(state.to_owned()),
            ..self.question.clone()
        };
        other.url("", "")
    }

    fn select_url(&self, id: &str) -> String {
        let cursor = self.question.cursor.as_deref().unwrap_or_default();
        format!("{}#detail", self.question.url(cursor, id))
    }
}

fn is_open(approval: &Approval) -> bool {
    approval.state.as_deref().is_none_or(|state| state == OPEN)
}

/// The word for what came of a request.
fn outcome(approval: &Approval, t: texts::Approvals) -> Option<&'static str> {
    match approval.state.as_deref()? {
        "approved" => Some(t.state_approved()),
        "declined" => Some(t.state_declined()),
        "withdrawn" => Some(t.state_withdrawn()),
        _ => None,
    }
}

pub fn moment(approval: &Approval) -> Option<DateTime<Utc>> {
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
            is_late: is_open(approval) && moment(approval).is_some_and(|at| now - at > MAX_WAIT),
            state: outcome(approval, texts::Approvals(visitor.lang())),
            assigned: is_open(approval) && approval.assignee.is_some(),
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
            open: is_open(approval),
            outcome: outcome(approval, t).map(|word| {
                let at = approval.decided_at;
                (
                    word,
                    at.map(|at| format::moment(lang, at.0)).unwrap_or_default(),
                )
            }),
            assigned_to_me: approval.assignee.as_deref() == Some(me),
            comments: approval
                .comments
                .iter()
                .map(|comment| {
                    let at = format::ago(lang, comment.created_at.0, now);
                    (comment.user.email.clone(), at, comment.text.clone())
                })
                .collect(),
            approval: approval.clone(),
        }
    }
}
