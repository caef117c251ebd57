//! `/applications/{app}/subscriptions/{api}/plan`: another plan for a subscription; its keys stay
//! as they are (portal-ui 20.7).

use askama::Template;
use axum::{
    extract::Path,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use sdk::types::{Api, Application, Subscription, subscriptions::PatchSubscription};
use serde_json::json;
use ui::{Entry, Frame, Icon, Kind, texts};

use crate::{
    catalogue::name,
    failure::Failure,
    form::Form,
    json, links,
    plans::{self, PlanView},
    visitor::Visitor,
};

#[derive(Template)]
#[template(path = "subscriptions/plan.html")]
struct PlanPage {
    frame: Frame,
    t: texts::Subscribe,
    tp: texts::Plans,
    application: Application,
    api: Api,
    subscription: Subscription,
    plans: Vec<PlanView>,
}

impl PlanPage {
    fn api_name(&self) -> &str {
        name(&self.api)
    }

    fn application_url(&self) -> String {
        links::application(&self.application.id)
    }
}

/// `GET …/plan`
pub async fn choose(
    visitor: Visitor,
    Path((application, api)): Path<(String, String)>,
) -> Result<Response, Failure> {
    visitor.require_user()?;
    let client = visitor.client();
    let (application, api, subscription, all, offered) = tokio::try_join!(
        client.application(&application),
        client.api(&api),
        client.subscription(&application, &api),
        client.plans(),
        client.plans_of_api(&api),
    )?;
    if !application.links.contains_key("addSubscription") {
        return Err(Failure::Forbidden);
    }
    if visitor.wants_json {
        let body = json!({
            "application": application.id, "api": api.id, "plan": subscription.plan,
            "apiPlans": offered,
        });
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let lang = visitor.lang();
    let page = PlanPage {
        frame: visitor.frame(Entry::Applications).await,
        t: texts::Subscribe(lang),
        tp: texts::Plans(lang),
        plans: plans::of_api(&api, &all.plans, Some(&offered), lang),
        application,
        api,
        subscription,
    };
    Ok(ui::page(StatusCode::OK, &page))
}

/// `POST …/plan`: `plan`. One that needs approval becomes a request; the old one stays in force
/// until that is decided.
pub async fn change(
    visitor: Visitor,
    Path((application, api)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Failure> {
    visitor.require_user()?;
    let wanted = form
        .optional("plan")
        .ok_or_else(|| Failure::BadRequest("`plan` is missing".to_owned()))?;
    let patch = PatchSubscription {
        plan: Some(wanted.to_owned()),
        ..PatchSubscription::default()
    };
    let changed = visitor
        .client()
        .patch_subscription(&application, &api, &patch)
        .await;
    let t = texts::Subscribe(visitor.lang());
    match changed {
        Ok(subscription) if visitor.wants_json => {
            Ok(json::answer(&visitor, StatusCode::OK, &subscription))
        }
        Ok(subscription) => {
            if subscription.plan == wanted {
                visitor.leave(Kind::Good, t.plan_changed());
            } else {
                visitor.leave(Kind::Waiting, t.plan_waits());
            }
            Ok(Redirect::to(&links::application(&application)).into_response())
        }
        Err(sdk::Error::Api(error))
            if !visitor.wants_json
                && matches!(error.status, StatusCode::BAD_REQUEST | StatusCode::CONFLICT) =>
        {
            visitor.leave(Kind::Bad, error.message);
            let back = format!(
                "{}/subscriptions/{}/plan",
                links::application(&application),
                links::segment(&api)
            );
            Ok(Redirect::to(&back).into_response())
        }
        Err(error) => Err(error.into()),
    }
}
