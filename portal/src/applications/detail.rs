//! The page of one application: subscriptions with their credentials, details, members.

use askama::Template;
use axum::{
    extract::{Path, Query},
    response::Response,
};
use http::StatusCode;
use sdk::{
    Client, Optional,
    types::{Api, Application, ClientType, ListQuery, Owner, Plan, Role, Subscription},
};
use serde_json::json;
use ui::{
    Breakable, Entry, Field, FieldKind, Frame, Html, Icon, Lang, Tile, initials, texts, tint,
};

use super::{Tab, address_field, role_name, roles};
use crate::{
    catalogue::{auth_icon, auth_name, name},
    failure::Failure,
    json, links, markdown,
    pager::{Question, Shown},
    subscriptions::{CredentialView, State, credentials_path, scopes_in_short},
    visitor::Visitor,
};

/// Subscriptions on one page.
const PAGE_SIZE: usize = 20;
/// Members that the overview names, and credentials of each subscription; the rest is one link away.
const NAMED: usize = 10;

#[derive(Template)]
#[template(path = "applications/detail.html")]
struct DetailPage {
    frame: Frame,
    t: texts::Applications,
    application: Application,
    tagline: Option<String>,
    tabs: Html,
    tab: Tab,
    description: Html,
    client_type: &'static str,
    members: Vec<Member>,
    all_members: usize,
    subscriptions: Vec<SubscriptionView>,
    /// All subscriptions of the application.
    total: usize,
    has_search: bool,
    pager: Html,
    /// What the subscriptions were searched for.
    text: String,
    /// Id and name of the teams to which it can be given, and of the one that has it.
    teams: Vec<(String, String)>,
}

struct Member {
    email: String,
    /// Their profile, for administrators.
    profile: Option<String>,
    initials: String,
    tint: u8,
    role: &'static str,
    is_self: bool,
    may_be_removed: bool,
}

impl DetailPage {
    /// What a tab leaves out: each shows one thing, the overview all that is read.
    fn shows_subscriptions(&self) -> bool {
        self.tab != Tab::Settings
    }

    fn shows_credentials(&self) -> bool {
        matches!(self.tab, Tab::Overview | Tab::Credentials)
    }

    fn shows_facts(&self) -> bool {
        self.tab == Tab::Overview
    }

    fn shows_form(&self) -> bool {
        matches!(self.tab, Tab::Overview | Tab::Settings)
    }

    /// Address of this page without its state.
    fn url(&self) -> String {
        url(&self.application.id, self.tab)
    }

    fn may(&self, right: &str) -> bool {
        self.application.links.contains_key(right)
    }

    fn name_field(&self) -> Field {
        Field {
            value: self.application.name.clone(),
            max_length: Some(128),
            autocomplete: "off",
            ..Field::required("appname", self.t.name())
        }
    }

    fn description_field(&self) -> Field {
        Field {
            kind: FieldKind::Area,
            value: self.application.description.clone().unwrap_or_default(),
            hint: Some(self.t.description_hint().to_owned()),
            preview: Some(self.frame.t().preview()),
            optional: Some(self.frame.t().optional()),
            max_length: Some(1024),
            ..Field::required("appdesc", self.t.description())
        }
    }

    fn email_field(&self) -> Field {
        address_field("owneremail", self.t.email(), self.t.email_hint())
    }

    /// Value and label of each kind of program.
    fn client_types(&self) -> [(ClientType, &'static str); 3] {
        [
            (ClientType::Confidential, self.t.confidential()),
            (ClientType::PublicSpa, self.t.public_spa()),
            (ClientType::PublicNative, self.t.public_native()),
        ]
    }

    /// Those that there are, and room for two more.
    fn redirect_fields(&self) -> impl Iterator<Item = &str> {
        let known = self.application.redirect_uris.iter().map(String::as_str);
        known.chain(["", ""])
    }

    fn roles(&self) -> [(Role, &'static str); 3] {
        roles(self.t)
    }

    fn is_of(&self, team: &str) -> bool {
        self.application.team.as_deref() == Some(team)
    }
}

/// Address of a tab that lists subscriptions.
fn url(application: &str, tab: Tab) -> String {
    let own = links::application(application);
    match tab {
        Tab::Subscriptions => format!("{own}/subscriptions"),
        Tab::Credentials => format!("{own}/credentials"),
        _ => own,
    }
}

/// A subscription as a card.
struct SubscriptionView {
    api: String,
    api_name: String,
    tile: Html,
    auth: Option<(Icon, &'static str)>,
    plan: String,
    approved: bool,
    trusted: bool,
    client_id: Option<String>,
    /// Where its credentials are looked after.
    keys_url: String,
    /// Where its scopes are limited, and which ones it may have, if it has any.
    scopes: Option<(String, &'static str)>,
    credentials: Vec<CredentialView>,
    /// The visitor may make credentials and unsubscribe.
    may_change: bool,
}

/// `GET /applications/{app}`
pub async fn overview(
    visitor: Visitor,
    Path(id): Path<String>,
    Query(question): Query<Question>,
) -> Result<Response, Failure> {
    show(visitor, id, Tab::Overview, question).await
}

/// `GET /applications/{app}/subscriptions`
pub async fn subscriptions(
    visitor: Visitor,
    Path(id): Path<String>,
    Query(question): Query<Question>,
) -> Result<Response, Failure> {
    show(visitor, id, Tab::Subscriptions, question).await
}

/// `GET /applications/{app}/credentials`
pub async fn credentials(
    visitor: Visitor,
    Path(id): Path<String>,
    Query(question): Query<Question>,
) -> Result<Response, Failure> {
    show(visitor, id, Tab::Credentials, question).await
}

/// `GET /applications/{app}/settings`
pub async fn settings(visitor: Visitor, Path(id): Path<String>) -> Result<Response, Failure> {
    show(visitor, id, Tab::Settings, Question::default()).await
}

async fn show(
    visitor: Visitor,
    id: String,
    tab: Tab,
    question: Question,
) -> Result<Response, Failure> {
    let user = visitor.require_user()?;
    if visitor.wants_json {
        return composed(&visitor, &id).await;
    }
    let client = visitor.client();
    let (application, subscriptions, apis, plans) = tokio::try_join!(
        client.application(&id),
        subscriptions_for(tab, &client, &id),
        client.apis(),
        client.plans(),
    )?;
    let teams = if tab == Tab::Settings && application.links.contains_key("deleteApplication") {
        teams(&client, application.team.as_deref()).await?
    } else {
        Vec::new()
    };
    let lang = visitor.lang();
    let t = texts::Applications(lang);
    let may_change = application.links.contains_key("addSubscription");
    let total = subscriptions.len();
    let owners = application.owners.as_deref().unwrap_or_default();
    let mut subscriptions: Vec<_> = subscriptions
        .into_iter()
        .map(|subscription| {
            let (apis, plans) = (&apis.apis, &plans.plans);
            SubscriptionView::new(subscription, apis, plans, owners, may_change, lang)
        })
        .collect();
    let text = question.text();
    let wanted = text.to_lowercase();
    subscriptions.retain(|subscription| subscription.is_about(&wanted));
    let shown = Shown::cut(&mut subscriptions, question.page(), PAGE_SIZE);
    let here = url(&application.id, tab);
    let frame = visitor.frame(Entry::Applications).await;
    let page = DetailPage {
        tabs: super::tabs(&frame, &application, tab),
        tab,
        t,
        tagline: visitor.installation.views.application.clone(),
        description: markdown::render(application.description.as_deref().unwrap_or_default()),
        client_type: match application.client_type {
            ClientType::Confidential => t.confidential(),
            ClientType::PublicSpa => t.public_spa(),
            ClientType::PublicNative => t.public_native(),
        },
        all_members: owners.len(),
        members: owners
            .iter()
            .take(NAMED)
            .map(|owner| Member {
                profile: user.admin.then(|| links::user(&owner.user_id)),
                initials: initials(&owner.email),
                tint: tint(&owner.user_id),
                role: role_name(Some(owner.role), false, t),
                is_self: owner.user_id == user.id,
                may_be_removed: owner.links.contains_key("deleteOwner"),
                email: owner.email.clone(),
            })
            .collect(),
        subscriptions,
        total,
        has_search: question.has_search(shown),
        pager: shown.pager(lang, t.subscriptions(), |page| {
            question.url(&here, &[], page)
        }),
        text,
        teams,
        frame,
        application,
    };
    Ok(ui::page(StatusCode::OK, &page))
}

/// The same for scripts.
async fn composed(visitor: &Visitor, id: &str) -> Result<Response, Failure> {
    let client = visitor.client();
    let (application, roles, subscriptions) = tokio::try_join!(
        client.application(id),
        client.roles(),
        client.subscriptions(id)
    )?;
    let body = json!({
        "title": application.name, "application": application, "roles": roles,
        "subscriptions": subscriptions,
    });
    Ok(json::answer(visitor, StatusCode::OK, &body))
}

/// The teams of the visitor, and `current`, of which an administrator or owner need not be a member.
async fn teams(
    client: &Client,
    current: Option<&str>,
) -> Result<Vec<(String, String)>, sdk::Error> {
    let own = client.teams(&ListQuery::default()).await.optional()?;
    let own = own.into_iter().flat_map(|page| page.items);
    let mut teams: Vec<_> = own.map(|team| (team.id, team.name)).collect();
    if let Some(current) = current
        && !teams.iter().any(|(id, _)| id == current)
    {
        teams.push((current.to_owned(), current.to_owned()));
    }
    Ok(teams)
}

/// What a tab shows of the subscriptions, with one call.
async fn subscriptions_for(
    tab: Tab,
    client: &Client,
    id: &str,
) -> Result<Vec<Subscription>, sdk::Error> {
    match tab {
        Tab::Settings => Ok(Vec::new()),
        Tab::Subscriptions => client.subscriptions_without_secrets(id).await,
        _ => client.subscriptions_with_credentials(id).await,
    }
}

impl SubscriptionView {
    fn new(
        subscription: Subscription,
        apis: &[Api],
        plans: &[Plan],
        owners: &[Owner],
        may_change: bool,
        lang: Lang,
    ) -> Self {
        let api = apis.iter().find(|api| api.id == subscription.api);
        let api_name = api.map_or(subscription.api.as_str(), name).to_owned();
        let plan = plans.iter().find(|plan| plan.id == subscription.plan);
        let now = service::clock::now();
        let scopes = api.filter(|api| api.is_oauth2()).map(|api| {
            let own = links::application(&subscription.application);
            let url = format!("{own}/subscriptions/{}", links::segment(&api.id));
            (url, scopes_in_short(api, &subscription, lang))
        });
        let credentials = subscription.credentials.into_iter().flatten();
        let mut credentials: Vec<_> = credentials
            .map(|credential| CredentialView::new(credential, owners, now, lang))
            .collect();
        credentials.sort_by_key(|credential| !credential.is_alive());
        credentials.truncate(NAMED);
        Self {
            tile: Tile::small(&subscription.api, &api_name),
            keys_url: credentials_path(&subscription.application, &subscription.api),
            api_name,
            plan: plan.map_or(subscription.plan, |plan| plan.name.clone()),
            approved: subscription.approved,
            trusted: subscription.trusted.unwrap_or_default(),
            client_id: subscription.client_id,
            auth: api.map(|api| (auth_icon(api), auth_name(api, texts::Shared(lang)))),
            scopes,
            api: subscription.api,
            credentials,
            may_change,
        }
    }

    /// Whether a text in lower case is part of its names.
    fn is_about(&self, text: &str) -> bool {
        [&self.api, &self.api_name, &self.plan]
            .into_iter()
            .any(|name| name.to_lowercase().contains(text))
    }
}
