//! The teams of a person, and one of them.

use askama::Template;
use axum::{
    extract::{Path, Query},
    response::Response,
};
use http::StatusCode;
use sdk::types::{ListQuery, Role, Team};
use serde_json::json;
use ui::{Breakable, Drawing, Entry, Field, Frame, Html, Icon, initials, texts, tint};

use super::url;
use crate::{
    applications::{address_field, role_name, roles},
    failure::Failure,
    form::Form,
    json, links,
    pager::{Question, Shown},
    visitor::Visitor,
};

/// Teams of one page.
const PAGE_SIZE: usize = 20;

#[derive(Template)]
#[template(path = "teams/list.html")]
struct ListPage {
    frame: Frame,
    t: texts::Teams,
    teams: Vec<Team>,
    has_search: bool,
    pager: Html,
    /// What they were searched for.
    text: String,
    id: String,
    name: String,
}

#[expect(clippy::unused_self, reason = "templates call methods of the page")]
impl ListPage {
    fn url(&self, team: &Team) -> String {
        url(&team.id)
    }

    fn id_field(&self) -> Field {
        Field {
            value: self.id.clone(),
            hint: Some(self.t.id_hint().to_owned()),
            max_length: Some(50),
            autocomplete: "off",
            ..Field::required("id", self.t.id())
        }
    }

    fn name_field(&self) -> Field {
        Field {
            value: self.name.clone(),
            max_length: Some(128),
            autocomplete: "off",
            ..Field::required("name", self.t.name())
        }
    }
}

#[derive(Template)]
#[template(path = "teams/one.html")]
struct TeamPage {
    frame: Frame,
    t: texts::Teams,
    team: Team,
    members: Vec<Member>,
    applications: Vec<String>,
    may_manage: bool,
}

struct Member {
    user_id: String,
    email: String,
    initials: String,
    tint: u8,
    role: Role,
    is_self: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    clippy::unused_self,
    reason = "templates call methods of the page, and pass references"
)]
impl TeamPage {
    fn url(&self) -> String {
        url(&self.team.id)
    }

    fn application_url(&self, id: &str) -> String {
        links::application(id)
    }

    fn email_field(&self) -> Field {
        address_field("email", self.t.email(), self.t.email_hint())
    }

    fn roles(&self) -> [(Role, &'static str); 3] {
        roles(texts::Applications(self.frame.lang()))
    }

    fn role_name(&self, role: &Role) -> &'static str {
        role_name(Some(*role), false, texts::Applications(self.frame.lang()))
    }
}

/// `GET /teams`
pub async fn list(visitor: Visitor, Query(question): Query<Question>) -> Result<Response, Failure> {
    visitor.require_user()?;
    show_list(&visitor, &question, None, None).await
}

/// The list; after a refusal with what was entered and why.
pub async fn show_list(
    visitor: &Visitor,
    question: &Question,
    form: Option<&Form>,
    fault: Option<(StatusCode, &str)>,
) -> Result<Response, Failure> {
    let page = question.page().unwrap_or(1);
    let text = question.text();
    let mut query = ListQuery {
        offset: ((page - 1) * PAGE_SIZE) as u64,
        limit: PAGE_SIZE as u64,
        ..ListQuery::default()
    };
    if !text.is_empty() {
        query.filter.insert("name".to_owned(), text.clone());
    }
    let teams = visitor.client().teams(&query).await?;
    let t = texts::Teams(visitor.lang());
    if visitor.wants_json {
        let body = json!({"title": t.title(), "teams": teams});
        return Ok(json::answer(visitor, StatusCode::OK, &body));
    }
    let mut frame = visitor.frame(Entry::Applications).await;
    let mut status = StatusCode::OK;
    if let Some((refused, text)) = fault {
        status = refused;
        frame = frame.with_message(ui::Kind::Bad, text);
    }
    let entered = |name: &str| {
        form.map(|form| form.text(name).to_owned())
            .unwrap_or_default()
    };
    let shown = Shown::of(page, PAGE_SIZE, teams.items.len(), teams.count);
    let page = ListPage {
        frame,
        t,
        has_search: question.has_search(shown),
        pager: shown.pager(t.0, t.title(), |page| question.url("/teams", &[], page)),
        text,
        teams: teams.items,
        id: entered("id"),
        name: entered("name"),
    };
    Ok(ui::page(status, &page))
}

/// `GET /teams/{team}`
pub async fn one(visitor: Visitor, Path(id): Path<String>) -> Result<Response, Failure> {
    let user = visitor.require_user()?;
    let team = visitor.client().team(&id).await?;
    let t = texts::Teams(visitor.lang());
    if visitor.wants_json {
        let body = json!({"title": team.name, "team": team});
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let members = team.members.clone().unwrap_or_default();
    let own = members.iter().find(|member| member.user_id == user.id);
    let page = TeamPage {
        may_manage: user.admin || own.is_some_and(|own| own.role == Role::Owner),
        members: members
            .iter()
            .map(|member| Member {
                user_id: member.user_id.clone(),
                email: member.email.clone(),
                initials: initials(&member.email),
                tint: tint(&member.user_id),
                role: member.role,
                is_self: member.user_id == user.id,
            })
            .collect(),
        applications: team
            .applications
            .iter()
            .flatten()
            .map(|application| application.id.clone())
            .collect(),
        t,
        team,
        frame: visitor.frame(Entry::Applications).await,
    };
    Ok(ui::page(StatusCode::OK, &page))
}
