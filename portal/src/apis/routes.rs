//! The overview of an API.

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query},
    response::Response,
    routing::get,
};
use http::StatusCode;
use sdk::types::{Api, ListQuery, apis::ApiRights, content::Guide};
use ui::{Copyable, Entry, Frame, Html, Icon, Kind, Lang, format, texts};

use super::{
    ApiHead, ApiTab, announce, changelog, composed,
    connect::Connect,
    credential, credential_note, guides,
    own::{Around, Own, Trial},
    usage,
};
use crate::{
    catalogue::{LifeCycle, name, needs_subscription},
    failure::Failure,
    links, markdown,
    pager::{Question, Shown},
    plans::{self, PlanView, Window},
    reference::{Definition, Language, Request, SampleView, operation_url, view},
    state::App,
    visitor::Visitor,
};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/apis/{api}", get(overview))
        .route(
            "/apis/{api}/announcements",
            get(announce::show).post(announce::send),
        )
        .route("/apis/{api}/changelog", get(changelog::show))
        .route("/apis/{api}/changelog.atom", get(changelog::feed))
        .route("/apis/{api}/docs", get(guides::first))
        .route("/apis/{api}/docs/{*path}", get(guides::show))
        .route("/apis/{api}/usage", get(usage::show))
        .route("/apis/{api}/usage.csv", get(usage::download))
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact about what the reader sees"
)]
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
    /// Id of the API to move to.
    successor: Option<String>,
    /// What the owner says about the end.
    owners_note: Html,
    bundle: Option<String>,
    tags: Vec<String>,
    connect: Connect,
    definition_format: Option<String>,
    first_call: Option<(String, String, SampleView)>,
    key_note: Option<String>,
    plans: Vec<PlanView>,
    windows: Vec<Window>,
    needs_subscription: bool,
    /// Own applications of this page of their list.
    own: Vec<Own>,
    pager: Html,
    plan_users: Vec<PlanUser>,
    /// Others than members of a group only look.
    partner_only: bool,
    /// Where a guest may not read how the API is reached, this is absent.
    shows_settings: bool,
    /// Application and plan of the first subscriptions, and how many there are; for administrators.
    everybody: Option<(Vec<(String, String)>, u64)>,
    /// Some flow of the API leads through a browser.
    has_browser_flows: bool,
    rights: ApiRights,
    guides: Vec<Guide>,
}

impl ApiPage {
    /// The first own applications with this plan, and that there are more.
    fn users_of(&self, plan: &str) -> Option<(Vec<&PlanUser>, Option<String>)> {
        let users = self.plan_users.iter().filter(|user| user.plan == plan);
        let mut users: Vec<_> = users.collect();
        let more = users.len().saturating_sub(MAX_USERS);
        users.truncate(MAX_USERS);
        let more = (more > 0).then(|| self.t.more_applications(more));
        (!users.is_empty()).then_some((users, more))
    }

    fn lang(&self) -> Lang {
        self.frame.lang()
    }

    /// Where consoles read the definition.
    fn definition_url(&self) -> String {
        format!("{}/swagger", links::api(&self.api.id))
    }
}

/// An own application with a plan.
struct PlanUser {
    plan: String,
    id: String,
    name: String,
    approved: bool,
}

impl PlanUser {
    fn of(own: &Own) -> Option<Self> {
        let subscription = own.subscription.as_ref()?;
        Some(Self {
            plan: subscription.plan.id.clone(),
            id: own.id.clone(),
            name: own.name.clone(),
            approved: subscription.approved,
        })
    }
}

/// Own applications of one page.
const PAGE_SIZE: usize = 20;
/// Own applications that are named beside a plan.
const MAX_USERS: usize = 3;
/// Subscriptions of all applications that the page names; the rest is one link away.
const MAX_SUBSCRIPTIONS: u64 = 10;

/// Application and plan of the first ones, and how many there are.
async fn everybody(
    visitor: &Visitor,
    api: &str,
) -> Result<Option<(Vec<(String, String)>, u64)>, Failure> {
    if !visitor.user().is_some_and(|user| user.admin) {
        return Ok(None);
    }
    let query = ListQuery {
        limit: MAX_SUBSCRIPTIONS,
        ..ListQuery::default()
    };
    let page = visitor.client().subscriptions_of_api(api, &query).await?;
    let count = page.count;
    let named = page.items.into_iter();
    let named = named.map(|one| (one.application, one.plan)).collect();
    Ok(Some((named, count)))
}

/// Whether the visitor may look at the API, but not use it.
async fn is_partner_only(visitor: &Visitor, api: &Api) -> Result<bool, Failure> {
    if !api.partner || api.group().is_none() {
        return Ok(false);
    }
    let groups = match visitor.user() {
        Some(user) => visitor.client().user(&user.id).await?.groups,
        None => Vec::new(),
    };
    Ok(composed::is_partner_only(api, &groups))
}

async fn overview(
    visitor: Visitor,
    Path(id): Path<String>,
    Query(question): Query<Question>,
) -> Result<Response, Failure> {
    if visitor.wants_json {
        return Box::pin(composed::answer(&visitor, &id)).await;
    }
    let client = visitor.client();
    let context = client.api_context(&id).await?;
    let rights = context.rights;
    let api = context.api;
    let (description, config, all_plans, definition, guides, everybody, partner_only) = tokio::try_join!(
        async { client.api_description(&id).await.map_err(Failure::from) },
        async { client.api_config(&id).await.map_err(Failure::from) },
        async { client.plans().await.map_err(Failure::from) },
        async { Ok(visitor.app.definitions().get(&client, &id).await?) },
        guides::of(&visitor, &id),
        everybody(&visitor, &id),
        is_partner_only(&visitor, &api),
    )?;
    let lang = visitor.lang();
    let short = markdown::plain(&api.desc);
    let mut own = Own::all(
        &context.applications,
        &Around {
            api: &api,
            offered: &context.plans,
            all_plans: &all_plans.plans,
            lang,
        },
    );
    let plan_users = own.iter().filter_map(PlanUser::of).collect();
    // Those that use it come first.
    own.sort_by_key(|own| own.subscription.is_none());
    let shown = Shown::cut(&mut own, question.page(), PAGE_SIZE);
    let here = links::api(&id);
    let offered = visitor.user().map(|_| context.plans);
    let plans = plans::of_api(&api, &all_plans.plans, offered.as_deref(), lang);
    let t = texts::Apis(lang);
    let credential = credential(&visitor, &api);
    let page = ApiPage {
        t,
        tp: texts::Plans(lang),
        ta: texts::Admin(lang),
        is_deprecated: LifeCycle::of(&api).is_closed(),
        api: ApiHead::new(&visitor, &api, definition.as_deref(), !guides.is_empty()),
        description: markdown::render(&description),
        note: note(&api, t, lang),
        successor: LifeCycle::of(&api).successor,
        owners_note: LifeCycle::of(&api)
            .note
            .map_or_else(Html::default, |note| markdown::render(&note)),
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
        own,
        pager: shown.pager(lang, t.your_applications(), |page| {
            question.url(&here, &[], page) + "#applications"
        }),
        plan_users,
        partner_only,
        shows_settings: visitor.user().is_some() || api.group().is_none(),
        everybody,
        has_browser_flows: has_browser_flows(&api),
        rights,
        guides,
        needs_subscription: needs_subscription(&api),
        plans,
        frame: visitor.frame(Entry::Apis).await.about(visitor.about(
            &links::api(&api.id),
            name(&api),
            &short,
        )),
        short,
    };
    Ok(ui::page(StatusCode::OK, &page))
}

fn has_browser_flows(api: &Api) -> bool {
    let settings = api.settings.clone().unwrap_or_default();
    api.is_oauth2()
        && (settings.enable_authorization_code == Some(true)
            || settings.enable_implicit_grant == Some(true))
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

/// Title, address and sample of the operation that is easiest to try.
fn first_call(
    visitor: &Visitor,
    api: &Api,
    definition: &Definition,
) -> Option<(String, String, SampleView)> {
    let first = definition.first_call()?;
    let view = view(definition, first, &credential(visitor, api), visitor.lang())?;
    let request: &Request = &view.request;
    Some((
        first.title.clone(),
        operation_url(&api.id, first),
        visitor.installation.samples.view(request, Language::Curl),
    ))
}
