//! The visitor's applications on the page of an API: which use it, how, and what can be done
//! (portal-ui 7.3, 7.4).

use sdk::types::{
    Api, Plan,
    apis::{ApplicationOfContext, DeclinedRequest},
};
use ui::{Lang, format, texts};

use crate::{
    catalogue::{Auth, auth},
    links,
    plans::PlanView,
    subscriptions::{Circumstances, credentials_path, obstacle, reason},
};

/// Page to which old consoles bring people back from a log-in.
const CONSOLE_RETURN: &str = "swagger-ui/oauth2-redirect.html";

/// A row of the table.
pub struct Own {
    pub id: String,
    pub name: String,
    pub subscription: Option<OwnSubscription>,
    /// Where the application can be subscribed; else why it cannot.
    pub subscribe_url: Option<String>,
    pub reason: Option<&'static str>,
    /// What somebody decided against, and why.
    pub declined: Option<String>,
}

/// How an application uses the API.
pub struct OwnSubscription {
    pub plan: OwnPlan,
    pub approved: bool,
    pub trusted: bool,
    /// What can be shown of its credential.
    pub client_id: Option<String>,
    pub key_hint: Option<String>,
    pub keys_url: String,
    pub unsubscribe_url: Option<String>,
    pub trial: Trial,
}

/// The plan of a subscription, which may not be offered to the visitor any more.
pub struct OwnPlan {
    pub id: String,
    pub name: String,
    pub description: String,
    pub is_offered: bool,
}

/// How the API can be tried with an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trial {
    /// Here, with what the application has.
    Here(String),
    /// In the console, by an application made for it.
    Console,
    /// By an application that is yet to be made.
    Register,
    None,
}

/// What holds for all rows.
pub struct Around<'a> {
    pub api: &'a Api,
    pub offered: &'a [Plan],
    pub all_plans: &'a [Plan],
    pub lang: Lang,
}

impl Own {
    pub fn all(applications: &[ApplicationOfContext], around: &Around) -> Vec<Self> {
        let has_console = applications.iter().any(returns_to_console);
        applications
            .iter()
            .map(|application| Self::new(application, has_console, around))
            .collect()
    }

    fn new(application: &ApplicationOfContext, has_console: bool, around: &Around) -> Self {
        let api = around.api;
        let circumstances = Circumstances {
            may_subscribe: application.may_subscribe,
            has_redirect: application.redirect_uris.iter().any(|uri| !uri.is_empty()),
            is_subscribed: application.subscription.is_some(),
            has_plan: !around.offered.is_empty(),
        };
        let in_the_way = obstacle(api, circumstances);
        let of = |path: &str| {
            let (application, api) = (links::application(&application.id), links::segment(&api.id));
            format!("{application}/{path}/{api}")
        };
        let subscription = application.subscription.as_ref().map(|one| {
            let plan = around.all_plans.iter().find(|plan| plan.id == one.plan);
            let view = plan.map(|plan| PlanView::new(plan, around.lang, true));
            OwnSubscription {
                plan: OwnPlan {
                    id: one.plan.clone(),
                    name: view
                        .as_ref()
                        .map_or_else(|| one.plan.clone(), |view| view.name.clone()),
                    description: plan
                        .map(|plan| crate::markdown::plain(&plan.desc))
                        .unwrap_or_default(),
                    is_offered: around.offered.iter().any(|plan| plan.id == one.plan),
                },
                approved: one.approved,
                trusted: one.trusted == Some(true),
                client_id: one.client_id.clone(),
                key_hint: one.apikey_hint.as_ref().map(|last| format!("…{last}")),
                keys_url: credentials_path(&application.id, &api.id),
                unsubscribe_url: application.may_subscribe.then(|| of("unsubscribe")),
                trial: trial(api, application, has_console).unless(!one.approved),
            }
        });
        Self {
            subscribe_url: in_the_way.is_none().then(|| of("subscribe")),
            reason: in_the_way.and_then(|obstacle| reason(obstacle, texts::Subscribe(around.lang))),
            subscription,
            declined: application
                .declined
                .as_ref()
                .map(|request| declined(request, around)),
            id: application.id.clone(),
            name: application.name.clone(),
        }
    }
}

fn declined(request: &DeclinedRequest, around: &Around) -> String {
    let t = texts::Apis(around.lang);
    let plan = around.all_plans.iter().find(|plan| plan.id == request.plan);
    let plan = plan.map_or(request.plan.as_str(), |plan| plan.name.as_str());
    let day = request
        .decided_at
        .map(|at| format::date(around.lang, at.0.date_naive()));
    let told = t.declined(plan, day.unwrap_or_default());
    match &request.reason {
        Some(reason) => t.declined_because(told, reason),
        None => told,
    }
}

impl Trial {
    fn unless(self, not: bool) -> Self {
        if not { Self::None } else { self }
    }
}

fn returns_to_console(application: &ApplicationOfContext) -> bool {
    let mut uris = application.redirect_uris.iter();
    uris.any(|uri| uri.contains(CONSOLE_RETURN))
}

fn trial(api: &Api, application: &ApplicationOfContext, has_console: bool) -> Trial {
    let settings = api.settings.clone().unwrap_or_default();
    let here = || {
        let path = format!("{}/try", links::api(&api.id));
        Trial::Here(links::with_query(
            &path,
            [("application", application.id.as_str())],
        ))
    };
    match auth(api) {
        Auth::Key => here(),
        Auth::Token if settings.enable_client_credentials == Some(true) => here(),
        Auth::Token if returns_to_console(application) => Trial::Console,
        Auth::Token if settings.enable_password_grant == Some(true) => here(),
        Auth::Token if !has_console => Trial::Register,
        Auth::Token | Auth::None => Trial::None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn application(id: &str, redirect: &str) -> ApplicationOfContext {
        serde_json::from_value(
            json!({"id": id, "name": id, "role": "owner", "maySubscribe": true,
            "redirectUris": [redirect]}),
        )
        .unwrap()
    }

    #[test]
    fn apis_are_tried_as_their_flows_allow() {
        let api = |settings: serde_json::Value| -> Api {
            serde_json::from_value(json!({"id": "a", "auth": "oauth2", "settings": settings}))
                .unwrap()
        };
        let console = application("c", "https://api.example/swagger-ui/oauth2-redirect.html");
        let other = application("o", "https://x.example");
        let browser = api(json!({"enable_authorization_code": true}));
        let machine = api(json!({"enable_client_credentials": "true"}));
        assert_eq!(trial(&browser, &console, true), Trial::Console);
        assert_eq!(trial(&browser, &other, true), Trial::None);
        assert_eq!(trial(&browser, &other, false), Trial::Register);
        assert_eq!(
            trial(&machine, &other, false),
            Trial::Here("/apis/a/try?application=o".to_owned())
        );
    }
}
