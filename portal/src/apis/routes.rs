//! The overview of an API.

use askama::Template;
use axum::{Router, extract::Path, response::Response, routing::get};
use http::StatusCode;
use sdk::types::{Api, apis::ApplicationOfContext};
use ui::{Copyable, Entry, Frame, Html, Icon, Kind, Lang, format, texts};

use super::{ApiHead, composed, connect::Connect, credential, credential_note, usage};
use crate::{
    catalogue::{LifeCycle, needs_subscription},
    failure::Failure,
    markdown,
    plans::{self, PlanView, Window},
    reference::{Definition, Language, Request, SampleView, operation_url, sample, view},
    state::App,
    visitor::Visitor,
};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/apis/{api}", get(overview))
        .route("/apis/{api}/usage", get(usage::show))
        .route("/apis/{api}/usage.csv", get(usage::download))
}

#[derive(Template)]
#[template(path = "api.html")]
struct ApiPage {
    frame: Frame,
    t: texts::Apis,
    tp: texts::Plans,
    ta: texts::Admin,
    is_deprecated: bool,
    api: ApiHead,
    short: String,
    description: Html,
    note: Option<(Kind, String)>,
    /// Id and name of the API to move to.
    successor: Option<String>,
    bundle: Option<String>,
    tags: Vec<String>,
    connect: Connect,
    definition_format: Option<String>,
    first_call: Option<(String, String, SampleView)>,
    key_note: Option<String>,
    plans: Vec<PlanView>,
    windows: Vec<Window>,
    needs_subscription: bool,
    own: Vec<Own>,
}

/// An own application that uses the API.
struct Own {
    id: String,
    name: String,
    plan: String,
    plan_id: String,
    approved: bool,
}

impl ApiPage {
    fn is_admin(&self) -> bool {
        self.frame.user.as_ref().is_some_and(|user| user.admin)
    }

    /// Own applications with this plan.
    fn users_of(&self, plan: &str) -> Vec<&Own> {
        self.own.iter().filter(|own| own.plan_id == plan).collect()
    }

    fn lang(&self) -> Lang {
        self.frame.lang()
    }
}

async fn overview(visitor: Visitor, Path(id): Path<String>) -> Result<Response, Failure> {
    if visitor.wants_json {
        return composed::answer(&visitor, &id).await;
    }
    let client = visitor.client();
    let context = client.api_context(&id).await?;
    let (description, config, all_plans, definition) = tokio::try_join!(
        client.api_description(&id),
        client.api_config(&id),
        client.plans(),
        visitor.app.definitions().get(&client, &id),
    )?;
    let lang = visitor.lang();
    let api = context.api;
    let offered = visitor.user().map(|_| context.plans);
    let plans = plans::of_api(&api, &all_plans.plans, offered.as_deref(), lang);
    let t = texts::Apis(lang);
    let credential = credential(&visitor, &api);
    let page = ApiPage {
        t,
        tp: texts::Plans(lang),
        ta: texts::Admin(lang),
        is_deprecated: LifeCycle::of(&api).is_closed(),
        api: ApiHead::new(&visitor, &api, definition.as_deref()),
        short: markdown::plain(&api.desc),
        description: markdown::render(&description),
        note: note(&api, t, lang),
        successor: LifeCycle::of(&api).successor,
        bundle: api
            .bundle
            .as_deref()
            .filter(|bundle| !bundle.is_empty())
            .map(|bundle| t.bundle_note(bundle)),
        tags: api.tags.clone(),
        connect: Connect::new(&visitor, &api, &config),
        definition_format: definition.as_deref().map(Definition::format),
        first_call: definition
            .as_deref()
            .and_then(|definition| first_call(&visitor, &api, definition)),
        key_note: credential_note(&credential, lang),
        windows: plans::windows(&plans),
        own: own(context.applications, &all_plans.plans, lang),
        needs_subscription: needs_subscription(&api),
        plans,
        frame: visitor.frame(Entry::Apis).await,
    };
    Ok(ui::page(StatusCode::OK, &page))
}

fn own(
    applications: Vec<ApplicationOfContext>,
    all_plans: &[sdk::types::Plan],
    lang: Lang,
) -> Vec<Own> {
    applications
        .into_iter()
        .filter_map(|application| {
            Some((application.subscription?, application.id, application.name))
        })
        .map(|(subscription, id, name)| Own {
            id,
            name,
            plan: all_plans
                .iter()
                .find(|plan| plan.id == subscription.plan)
                .map_or_else(
                    || subscription.plan.clone(),
                    |plan| PlanView::new(plan, lang, true).name,
                ),
            plan_id: subscription.plan.clone(),
            approved: subscription.approved,
        })
        .collect()
}

/// The note below the title, where the API is not simply current.
fn note(api: &Api, t: texts::Apis, lang: Lang) -> Option<(Kind, String)> {
    use sdk::types::apis::LifecycleState::{Created, Deprecated, Published, Retired};
    let life_cycle = LifeCycle::of(api);
    match (life_cycle.state, life_cycle.sunset) {
        (Published, _) => None,
        (Created, _) => Some((Kind::Info, t.preview_note().to_owned())),
        (Deprecated, Some(date)) => Some((Kind::Waiting, t.retires_note(format::date(lang, date)))),
        (Deprecated, None) => Some((Kind::Waiting, t.deprecated_note().to_owned())),
        (Retired, _) => Some((Kind::Bad, t.retired_note().to_owned())),
    }
}

/// Title, address and sample of the operation that is easiest to try: the first GET, else the first.
fn first_call(
    visitor: &Visitor,
    api: &Api,
    definition: &Definition,
) -> Option<(String, String, SampleView)> {
    let operations = definition.operations();
    let first = operations
        .iter()
        .find(|operation| operation.method == "get")
        .or(operations.first())?;
    let view = view(definition, first, &credential(visitor, api), visitor.lang())?;
    let request: &Request = &view.request;
    Some((
        first.title.clone(),
        operation_url(&api.id, first),
        sample(request, Language::Curl),
    ))
}
