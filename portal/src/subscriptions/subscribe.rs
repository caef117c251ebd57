//! `POST /applications/{app}/subscribe/{api}`

use axum::{
    extract::Path,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use sdk::types::subscriptions::CreateSubscription;
use ui::{Kind, texts};

use super::{
    choose::{Entered, SubscribePage},
    credentials::{self, Made},
};
use crate::{catalogue::name, failure::Failure, form::Form, json, visitor::Visitor};

/// Subscribes. The answer shows the new secret, or leads back to the API when somebody has to
/// decide first.
pub async fn subscribe(
    visitor: Visitor,
    Path((application, api)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Failure> {
    visitor.require_user()?;
    let t = texts::Subscribe(visitor.lang());
    let entered = Entered {
        plan: form.text("plan").to_owned(),
        purpose: form.text("purpose").to_owned(),
        trusted: form.is_set("trusted"),
    };
    if entered.plan.is_empty() && !visitor.wants_json {
        let page = SubscribePage::load(&visitor, &application, &api, entered).await?;
        return Ok(ui::page(
            StatusCode::BAD_REQUEST,
            &page.with_error(t.choose_plan()),
        ));
    }
    let request = CreateSubscription {
        application: application.clone(),
        api: api.clone(),
        plan: entered.plan.clone(),
        trusted: entered.trusted.then_some(true),
        purpose: form.optional("purpose").map(str::to_owned),
        ..CreateSubscription::default()
    };
    let client = visitor.client();
    let subscription = match client.subscribe(&request).await {
        Ok(subscription) => subscription,
        Err(sdk::Error::Api(error))
            if !visitor.wants_json
                && error.status.is_client_error()
                && error.status != StatusCode::UNAUTHORIZED =>
        {
            return refused(&visitor, &application, &api, entered, &error).await;
        }
        Err(error) => return Err(error.into()),
    };
    if visitor.wants_json {
        return Ok(json::answer(&visitor, StatusCode::CREATED, &subscription));
    }
    let (application, api, plans) = tokio::try_join!(
        client.application(&application),
        client.api(&api),
        client.plans()
    )?;
    if !subscription.approved {
        visitor.leave(Kind::Waiting, t.pending(&application.name, name(&api)));
        return Ok(Redirect::to(&format!("/apis/{}", api.id)).into_response());
    }
    let plan = plans.plans.iter().find(|plan| plan.id == subscription.plan);
    let plan = plan.map_or(subscription.plan.as_str(), |plan| plan.name.as_str());
    let secret = Made {
        api_key: subscription.apikey,
        client_id: subscription.client_id,
        client_secret: subscription.client_secret,
    };
    let (title, lead) = (
        t.done_title(name(&api)),
        t.done_lead(&application.name, plan),
    );
    Ok(credentials::show(&visitor, application, api, secret, title, lead, Vec::new()).await)
}

/// The form again, with the reason on top and nothing lost.
async fn refused(
    visitor: &Visitor,
    application: &str,
    api: &str,
    entered: Entered,
    error: &sdk::ApiError,
) -> Result<Response, Failure> {
    let t = texts::Subscribe(visitor.lang());
    let reason = match error.status {
        StatusCode::CONFLICT => t.already().to_owned(),
        StatusCode::FORBIDDEN if error.kind.contains("valid") => {
            texts::Applications(visitor.lang())
                .mail_unconfirmed()
                .to_owned()
        }
        StatusCode::FORBIDDEN => t.refused_group().to_owned(),
        _ => error.message.clone(),
    };
    let page = SubscribePage::load(visitor, application, api, entered).await?;
    let text = format!("{} {reason}", t.refused());
    Ok(ui::page(error.status, &page.with_error(&text)))
}
