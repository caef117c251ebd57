//! What scripts get of an API (portal-ui 5.2, 5.7).

use axum::response::Response;
use futures_util::{StreamExt, TryStreamExt, stream};
use http::StatusCode;
use sdk::{
    Optional,
    types::{Api, ListQuery, Plan, Subscription},
};
use serde_json::{Value, json};
use ui::texts;

use super::connect::Connect;
use crate::{
    catalogue::name,
    failure::Failure,
    json, markdown,
    mine::{self, Mine, PARALLEL},
    subscriptions::{Circumstances, obstacle, reason},
    visitor::Visitor,
};

/// `GET /apis/{api}`
pub async fn answer(visitor: &Visitor, id: &str) -> Result<Response, Failure> {
    let client = visitor.client();
    let api = client.api(id).await?;
    let user = visitor.user();
    let (config, plans, all_plans, mine, groups, subscriptions) = tokio::try_join!(
        async { client.api_config(id).await.map_err(Failure::from) },
        async {
            match &user {
                Some(_) => client.plans_of_api(id).await.map_err(Failure::from),
                None => Ok(Vec::new()),
            }
        },
        async { client.plans().await.map_err(Failure::from) },
        mine::all(visitor),
        async {
            match &user {
                Some(user) => Ok(client.user(&user.id).await.map_err(Failure::from)?.groups),
                None => Ok(Vec::new()),
            }
        },
        async {
            if !user.as_ref().is_some_and(|user| user.admin) {
                return Ok(None);
            }
            let query = ListQuery::default();
            let page = client.subscriptions_of_api(id, &query).await?;
            Ok(Some(page.items))
        },
    )?;
    // Secrets are read for this API alone: each reading is on record.
    let applications: Vec<Value> = stream::iter(mine)
        .map(async |mut mine| {
            let id = &mine.application.id;
            let subscribed = |one: &&mut Subscription| one.api == api.id;
            if let Some(known) = mine.subscriptions.iter_mut().find(subscribed)
                && let Some(full) = client.subscription(id, &api.id).await.optional()?
            {
                *known = full;
            }
            Ok::<_, sdk::Error>(application(visitor, &api, &mine, &plans, &all_plans.plans))
        })
        .buffered(PARALLEL)
        .try_collect()
        .await?;
    let body = json!({
        "title": name(&api),
        "partnerOnly": is_partner_only(&api, &groups),
        "apiUris": Connect::new(visitor, &api, &config).urls,
        "apiPlans": plans,
        "applications": applications,
        "apiSubscriptions": subscriptions,
        "desc_html": markdown::render(&api.desc).to_string(),
        "apiInfo": api,
    });
    Ok(json::answer(visitor, StatusCode::OK, &body))
}

fn application(
    visitor: &Visitor,
    api: &Api,
    mine: &Mine,
    offered: &[Plan],
    all_plans: &[Plan],
) -> Value {
    let application = &mine.application;
    let subscription = mine.subscription(&api.id);
    let circumstances = Circumstances::of(application, subscription.is_some(), !offered.is_empty());
    let in_the_way = obstacle(api, circumstances);
    let of = |member: fn(&Subscription) -> Value| subscription.map_or(Value::Null, member);
    json!({
        "id": application.id,
        "name": application.name,
        "redirectUri": application.redirect_uri,
        "hasSubscription": subscription.is_some(),
        "maySubscribe": in_the_way.is_none(),
        "subscribeError": in_the_way
            .and_then(|obstacle| reason(obstacle, texts::Subscribe(visitor.lang()))),
        "mayUnsubscribe": subscription
            .is_some_and(|subscription| subscription.links.contains_key("deleteSubscription")),
        "plan": subscription
            .and_then(|subscription| all_plans.iter().find(|plan| plan.id == subscription.plan)),
        "apiKey": of(|subscription| json!(subscription.apikey)),
        "clientId": of(|subscription| json!(subscription.client_id)),
        "clientSecret": of(|subscription| json!(subscription.client_secret)),
        "subscriptionApproved": subscription.is_some_and(|subscription| subscription.approved),
        "subscriptionTrusted": subscription
            .is_some_and(|subscription| subscription.trusted.unwrap_or_default()),
    })
}

/// Shown to everybody, but only members of a group may subscribe.
pub fn is_partner_only(api: &Api, groups: &[String]) -> bool {
    let group = api.group().filter(|_| api.partner);
    group.is_some_and(|group| !groups.iter().any(|own| own == group))
}
