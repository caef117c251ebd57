//! The subscribe page: application and plan.

use askama::Template;
use axum::{
    extract::{Path, Query},
    response::Response,
};
use http::StatusCode;
use sdk::types::{Api, Application};
use serde::Deserialize;
use serde_json::json;
use ui::{Entry, Frame, Html, Icon, Tile, texts};

use crate::{
    catalogue::{LifeCycle, name},
    failure::Failure,
    json, login, mine,
    plans::{self, PlanView},
    redirect::found,
    visitor::Visitor,
};

#[derive(Deserialize)]
pub struct Question {
    application: Option<String>,
    plan: Option<String>,
}

#[derive(Template)]
#[template(path = "subscriptions/subscribe.html")]
pub struct SubscribePage {
    frame: Frame,
    t: texts::Subscribe,
    tp: texts::Plans,
    api: Api,
    tile: Html,
    tile_small: Html,
    application: Application,
    /// Applications that the visitor may subscribe, this one included.
    choices: Vec<Application>,
    plans: Vec<PlanView>,
    chosen: String,
    purpose: String,
    trusted: bool,
    obstacle: Option<Obstacle>,
}

/// Why the form is not shown, and what the visitor can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    Already,
    Deprecated,
    NoRight,
    NeedsRedirect,
    NoPlan,
}

/// What was entered, when the form is shown again.
#[derive(Clone, Debug, Default)]
pub struct Entered {
    pub plan: String,
    pub purpose: String,
    pub trusted: bool,
}

impl SubscribePage {
    pub async fn load(
        visitor: &Visitor,
        application: &str,
        api: &str,
        entered: Entered,
    ) -> Result<Self, Failure> {
        visitor.require_user()?;
        let client = visitor.client();
        let (application, api, all_plans, offered, mine) = tokio::try_join!(
            async { client.application(application).await.map_err(Failure::from) },
            async { client.api(api).await.map_err(Failure::from) },
            async { client.plans().await.map_err(Failure::from) },
            async { client.plans_of_api(api).await.map_err(Failure::from) },
            mine::all(visitor),
        )?;
        let plans = plans::of_api(&api, &all_plans.plans, Some(&offered), visitor.lang());
        let own = mine
            .iter()
            .find(|mine| mine.application.id == application.id);
        let subscribed = own.is_some_and(|mine| mine.subscription(&api.id).is_some());
        let open = || plans.iter().filter(|plan| plan.missing_group.is_none());
        let chosen = open()
            .find(|plan| plan.id == entered.plan)
            .or_else(|| open().next());
        Ok(Self {
            t: texts::Subscribe(visitor.lang()),
            tp: texts::Plans(visitor.lang()),
            tile: Tile::medium(&api.id, name(&api)),
            tile_small: Tile::small(&api.id, name(&api)),
            chosen: chosen.map(|plan| plan.id.clone()).unwrap_or_default(),
            obstacle: obstacle(
                &api,
                Circumstances::of(&application, subscribed, chosen.is_some()),
            ),
            choices: mine
                .into_iter()
                .filter(mine::Mine::may_subscribe)
                .map(|mine| mine.application)
                .collect(),
            purpose: entered.purpose,
            trusted: entered.trusted,
            plans,
            application,
            api,
            frame: visitor.frame(Entry::Apis).await,
        })
    }

    pub fn with_error(mut self, text: &str) -> Self {
        self.frame = self.frame.with_message(ui::Kind::Bad, text);
        self
    }

    fn api_name(&self) -> &str {
        name(&self.api)
    }

    /// Whether a plan of the list waits for a decision, so that a purpose makes sense.
    fn some_need_approval(&self) -> bool {
        self.api.is_oauth2()
            || self
                .plans
                .iter()
                .any(|plan| plan.needs_approval && plan.missing_group.is_none())
    }

    fn button(&self) -> &'static str {
        let open = || {
            self.plans
                .iter()
                .filter(|plan| plan.missing_group.is_none())
        };
        match (
            open().all(|plan| plan.needs_approval),
            open().any(|plan| plan.needs_approval),
        ) {
            (true, _) => self.t.request(),
            (false, false) => self.t.subscribe(),
            (false, true) => self.t.subscribe_or_request(),
        }
    }

    /// Secrets must not be shipped to browsers and devices.
    fn machine_only(&self) -> bool {
        let settings = self.api.settings.as_ref();
        let browser = settings.is_some_and(|settings| {
            settings.enable_authorization_code == Some(true)
                || settings.enable_implicit_grant == Some(true)
        });
        !browser && !self.application.redirect_uris.is_empty()
    }
}

/// What stands in the way of a subscription, or does not.
#[expect(clippy::struct_excessive_bools, reason = "each is a claim of its own")]
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    pub may_subscribe: bool,
    /// The application has a redirect URI.
    pub has_redirect: bool,
    pub is_subscribed: bool,
    /// A plan is open to the person.
    pub has_plan: bool,
}

impl Circumstances {
    pub fn of(application: &Application, is_subscribed: bool, has_plan: bool) -> Self {
        Self {
            may_subscribe: application.links.contains_key("addSubscription"),
            has_redirect: !application.redirect_uri.is_empty(),
            is_subscribed,
            has_plan,
        }
    }
}

/// Checked in the order in which a person can do something about it.
pub fn obstacle(api: &Api, now: Circumstances) -> Option<Obstacle> {
    let settings = api.settings.clone().unwrap_or_default();
    let machine_flow = settings.enable_client_credentials == Some(true)
        || settings.enable_password_grant == Some(true);
    let browser_only = api.is_oauth2() && api.settings.is_some() && !machine_flow;
    [
        (now.is_subscribed, Obstacle::Already),
        (LifeCycle::of(api).is_closed(), Obstacle::Deprecated),
        (!now.may_subscribe, Obstacle::NoRight),
        (browser_only && !now.has_redirect, Obstacle::NeedsRedirect),
        (!now.has_plan, Obstacle::NoPlan),
    ]
    .into_iter()
    .find_map(|(holds, obstacle)| holds.then_some(obstacle))
}

/// That there is a subscription already is no error.
pub fn reason(obstacle: Obstacle, t: texts::Subscribe) -> Option<&'static str> {
    match obstacle {
        Obstacle::Already => None,
        Obstacle::Deprecated => Some(t.deprecated()),
        Obstacle::NoRight => Some(t.no_right()),
        Obstacle::NeedsRedirect => Some(t.needs_redirect()),
        Obstacle::NoPlan => Some(t.no_plan()),
    }
}

/// `GET /apis/{api}/subscribe`: finds the application, so that links need not know one.
pub async fn application(
    visitor: Visitor,
    Path(api): Path<String>,
    Query(question): Query<Question>,
) -> Result<Response, Failure> {
    if visitor.user().is_none() {
        return Ok(found(&login::url(&visitor.preferences.here)));
    }
    let api = visitor.client().api(&api).await?;
    let mine = mine::all(&visitor).await?;
    let open = || mine.iter().filter(|mine| mine.may_subscribe());
    let application = match &question.application {
        Some(wanted) => open().find(|mine| mine.application.id == *wanted),
        None => open()
            .find(|mine| mine.subscription(&api.id).is_none())
            .or_else(|| open().next()),
    };
    let Some(application) = application else {
        return Ok(found(&format!(
            "/applications?register=true&api={}",
            api.id
        )));
    };
    let mut url = format!(
        "/applications/{}/subscribe/{}",
        application.application.id, api.id
    );
    if let Some(plan) = &question.plan {
        let query: String = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("plan", plan)
            .finish();
        url = format!("{url}?{query}");
    }
    Ok(found(&url))
}

/// `GET /applications/{app}/subscribe/{api}`
pub async fn plan(
    visitor: Visitor,
    Path((application, api)): Path<(String, String)>,
    Query(question): Query<Question>,
) -> Result<Response, Failure> {
    let entered = Entered {
        plan: question.plan.unwrap_or_default(),
        ..Entered::default()
    };
    if visitor.wants_json {
        return composed(&visitor, &application, &api).await;
    }
    let page = SubscribePage::load(&visitor, &application, &api, entered).await?;
    Ok(ui::page(StatusCode::OK, &page))
}

/// The same for scripts; of plans without what they mean to the gateway.
async fn composed(visitor: &Visitor, application: &str, api: &str) -> Result<Response, Failure> {
    visitor.require_user()?;
    let client = visitor.client();
    let (application, api, plans) = tokio::try_join!(
        client.application(application),
        client.api(api),
        client.plans_of_api(api),
    )?;
    let mut plans = json!(plans);
    for plan in plans.as_array_mut().into_iter().flatten() {
        plan.as_object_mut().map(|plan| plan.remove("config"));
    }
    let title = texts::Subscribe(visitor.lang()).title(name(&api));
    let body = json!({
        "title": title, "apiInfo": api, "apiPlans": plans, "application": application,
    });
    Ok(json::answer(visitor, StatusCode::OK, &body))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn application(redirect: &str, may: bool) -> Application {
        let links = if may {
            r#"{"addSubscription": {"href": "/x"}}"#
        } else {
            "{}"
        };
        serde_json::from_str(&format!(
            r#"{{"id": "app1", "redirectUri": "{redirect}", "_links": {links}}}"#
        ))
        .unwrap()
    }

    fn api(rest: &str) -> Api {
        serde_json::from_str(&format!(r#"{{"id": "a" {rest}}}"#)).unwrap()
    }

    #[test]
    fn what_stands_in_the_way_is_named() {
        let key = api(r#", "auth": "key-auth""#);
        let browser = api(r#", "auth": "oauth2", "settings": {"enable_authorization_code": true}"#);
        let old = api(r#", "deprecated": true"#);
        let app = application("", true);
        let of = |api: &Api, app: &Application, subscribed: bool, plan: bool| {
            obstacle(api, Circumstances::of(app, subscribed, plan))
        };
        assert_eq!(of(&key, &app, false, true), None);
        assert_eq!(of(&key, &app, true, true), Some(Obstacle::Already));
        assert_eq!(of(&old, &app, false, true), Some(Obstacle::Deprecated));
        let reader = application("", false);
        assert_eq!(of(&key, &reader, false, true), Some(Obstacle::NoRight));
        assert_eq!(
            of(&browser, &app, false, true),
            Some(Obstacle::NeedsRedirect)
        );
        let with_redirect = application("https://x", true);
        assert_eq!(of(&browser, &with_redirect, false, true), None);
        assert_eq!(of(&key, &app, false, false), Some(Obstacle::NoPlan));
    }
}
