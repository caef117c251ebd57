//! `/admin/invitations`: who is invited into the pools that people do not join on their own.

use askama::Template;
use axum::{
    extract::{Path, Query},
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use sdk::types::{
    ListQuery,
    registrations::{NewPoolInvitation, PoolInvitation},
};
use serde::Deserialize;
use serde_json::json;
use ui::{Breakable, Field, Frame, Html, Icon, Kind, format, texts};

use super::{Item, administrator, surroundings};
use crate::{
    applications::address_field,
    failure::Failure,
    form::Form,
    json, links,
    pager::{self, Shown as Part},
    visitor::Visitor,
};

const HERE: &str = "/admin/invitations";
/// Invitations of one page.
const PAGE_SIZE: usize = 20;
/// Namespaces that are proposed; others can be typed.
const PROPOSED: u64 = 200;

#[derive(Template)]
#[template(path = "admin/invitations.html")]
struct InvitationsPage {
    frame: Frame,
    side: Html,
    t: texts::Admin,
    words: texts::Applications,
    /// Ids and names.
    pools: Vec<(String, String)>,
    /// The one that is shown; none where no pool needs invitations.
    pool: Option<Shown>,
}

struct Shown {
    id: String,
    namespaces: Option<Vec<String>>,
    rows: Vec<Row>,
    has_search: bool,
    pager: Html,
    /// What they were searched for.
    text: String,
}

struct Row {
    id: String,
    email: String,
    namespace: String,
    ends_in: String,
    exactly: String,
}

impl Row {
    /// Whether a text in lower case is part of it.
    fn is_about(&self, text: &str) -> bool {
        let mut parts = [&self.email, &self.namespace].into_iter();
        parts.any(|part| part.to_lowercase().contains(text))
    }
}

impl InvitationsPage {
    fn pool_url(&self, id: &str) -> String {
        page_url(id)
    }

    fn is_current(&self, id: &str) -> bool {
        self.pool.as_ref().is_some_and(|pool| pool.id == *id)
    }

    fn email_field(&self) -> Field {
        address_field("email", self.t.email(), self.words.invite_hint())
    }
}

impl Shown {
    fn url(&self) -> String {
        format!("{HERE}/{}", links::segment(&self.id))
    }

    fn action(&self, id: &str, what: &str) -> String {
        format!("{}/{}/{what}", self.url(), links::segment(id))
    }
}

fn page_url(pool: &str) -> String {
    links::with_query(HERE, [("pool", pool)])
}

#[derive(Deserialize)]
pub struct Question {
    pool: Option<String>,
    #[serde(flatten)]
    list: pager::Question,
}

/// `GET /admin/invitations?pool=`
pub async fn show(visitor: Visitor, Query(question): Query<Question>) -> Result<Response, Failure> {
    administrator(&visitor)?;
    let client = visitor.client();
    let pools = client.pools().await?;
    let pools: Vec<_> = pools
        .into_iter()
        .filter(|(_, pool)| pool.requires_invitation)
        .collect();
    let named = question.pool.as_deref();
    let pool = match named {
        Some(named) => {
            let found = pools.iter().find(|(id, _)| id == named);
            Some(found.ok_or(Failure::NotFound)?)
        }
        None => pools.first(),
    };
    let invitations = match pool {
        Some((id, _)) => client.pool_invitations(id).await?,
        None => Vec::new(),
    };
    let t = texts::Admin(visitor.lang());
    if visitor.wants_json {
        let ids: Vec<_> = pools.iter().map(|(id, _)| id).collect();
        let body = json!({
            "title": t.invitations(), "pools": ids, "pool": pool.map(|(id, _)| id),
            "invitations": invitations,
        });
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let words = texts::Applications(visitor.lang());
    let shown = match pool {
        Some((id, pool)) => {
            let namespaces = if pool.requires_namespace {
                Some(namespaces(&visitor, id).await?)
            } else {
                None
            };
            let list = &question.list;
            let text = list.text();
            let wanted = text.to_lowercase();
            let mut rows = rows(&visitor, invitations);
            rows.retain(|row| row.is_about(&wanted));
            let part = Part::cut(&mut rows, list.page(), PAGE_SIZE);
            Some(Shown {
                has_search: list.has_search(part),
                pager: part.pager(t.0, words.invitations(), |page| {
                    list.url(HERE, &[("pool", id.as_str())], page)
                }),
                id: id.clone(),
                namespaces,
                rows,
                text,
            })
        }
        None => None,
    };
    let (frame, side) = surroundings(&visitor, Item::Invitations).await;
    let page = InvitationsPage {
        frame,
        side,
        t,
        words,
        pools: pools
            .into_iter()
            .map(|(id, pool)| (id, pool.name))
            .collect(),
        pool: shown,
    };
    Ok(ui::page(StatusCode::OK, &page))
}

fn rows(visitor: &Visitor, invitations: Vec<PoolInvitation>) -> Vec<Row> {
    let (lang, now) = (visitor.lang(), service::clock::now());
    let row = |one: PoolInvitation| Row {
        id: one.id,
        email: one.email,
        namespace: one.namespace.unwrap_or_default(),
        ends_in: format::until(lang, one.expires_at.0, now),
        exactly: format::moment(lang, one.expires_at.0),
    };
    invitations.into_iter().map(row).collect()
}

async fn namespaces(visitor: &Visitor, pool: &str) -> Result<Vec<String>, Failure> {
    let query = ListQuery {
        limit: PROPOSED,
        ..ListQuery::default()
    };
    let page = visitor.client().namespaces(pool, &query).await?;
    let name = |one: serde_json::Value| Some(one.get("namespace")?.as_str()?.to_owned());
    Ok(page.items.into_iter().filter_map(name).collect())
}

/// `POST /admin/invitations/{pool}`: `email`, `namespace`.
pub async fn invite(
    visitor: Visitor,
    Path(pool): Path<String>,
    form: Form,
) -> Result<Response, Failure> {
    administrator(&visitor)?;
    let new = NewPoolInvitation {
        email: form.text("email").to_owned(),
        namespace: form.optional("namespace").map(str::to_owned),
    };
    let made = visitor.client().invite_into_pool(&pool, &new).await;
    sent(&visitor, &pool, StatusCode::CREATED, made)
}

/// `POST /admin/invitations/{pool}/{id}/resend`
pub async fn resend(
    visitor: Visitor,
    Path((pool, id)): Path<(String, String)>,
    _: Form,
) -> Result<Response, Failure> {
    administrator(&visitor)?;
    let made = visitor.client().resend_pool_invitation(&pool, &id).await;
    sent(&visitor, &pool, StatusCode::OK, made)
}

/// `POST /admin/invitations/{pool}/{id}/withdraw`
pub async fn withdraw(
    visitor: Visitor,
    Path((pool, id)): Path<(String, String)>,
    _: Form,
) -> Result<Response, Failure> {
    administrator(&visitor)?;
    let words = texts::Applications(visitor.lang());
    match visitor.client().withdraw_pool_invitation(&pool, &id).await {
        Ok(()) if visitor.wants_json => Ok(json::done()),
        Ok(()) => {
            visitor.leave(Kind::Good, words.invitation_withdrawn());
            Ok(Redirect::to(&page_url(&pool)).into_response())
        }
        Err(error) => refused(&visitor, &pool, error),
    }
}

fn sent(
    visitor: &Visitor,
    pool: &str,
    status: StatusCode,
    made: Result<PoolInvitation, sdk::Error>,
) -> Result<Response, Failure> {
    match made {
        Ok(invitation) if visitor.wants_json => Ok(json::answer(visitor, status, &invitation)),
        Ok(invitation) => {
            let words = texts::Applications(visitor.lang());
            visitor.leave(Kind::Good, words.invited(&invitation.email));
            Ok(Redirect::to(&page_url(pool)).into_response())
        }
        Err(error) => refused(visitor, pool, error),
    }
}

/// Refusals that portal-api explains are said on the page.
fn refused(visitor: &Visitor, pool: &str, error: sdk::Error) -> Result<Response, Failure> {
    match error {
        sdk::Error::Api(error)
            if !visitor.wants_json
                && matches!(error.status, StatusCode::BAD_REQUEST | StatusCode::CONFLICT) =>
        {
            visitor.leave(Kind::Bad, error.message);
            Ok(Redirect::to(&page_url(pool)).into_response())
        }
        error => Err(error.into()),
    }
}
