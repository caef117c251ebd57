//! Plans that an API offers, and the plans themselves.

use askama::Template;
use axum::{
    extract::{Path, Query},
    response::Response,
};
use serde::Deserialize;
use serde_json::{Value, json};
use ui::{Html, Icon, texts};

use super::{
    desk::{Members, PLANS, is_true},
    document::{self, Step},
    fields::{self, Choice},
    general::label,
    shell::{Opened, Tab},
};
use crate::{failure::Failure, form::Form, visitor::Visitor};

/// Windows of the plugin that limits calls.
const WINDOWS: [&str; 5] = ["second", "minute", "hour", "day", "month"];
const LIMITS: &str = "rate-limiting";

/// Which plan is edited below; `new` is one that is not there yet.
#[derive(Deserialize)]
pub struct Selection {
    plan: Option<String>,
}

#[derive(Template)]
#[template(path = "publish/plan.html")]
struct PlanForm {
    t: texts::Publish,
    csrf: Html,
    action: String,
    /// Others that offer the plan, too.
    shared_with: usize,
    id: String,
    parts: Vec<Html>,
    /// Links to all plans.
    plans: Vec<(String, String)>,
    is_open: bool,
}

/// `GET /publish/apis/{api}/plans?plan=`
pub async fn show(
    visitor: Visitor,
    path: Path<String>,
    Query(selection): Query<Selection>,
) -> Result<Response, Failure> {
    let mut opened = Opened::new(&visitor, path).await?;
    let t = texts::Publish(visitor.lang());
    let document = opened.desk.json(PLANS).await?;
    let plans: Vec<Value> = document["plans"].as_array().cloned().unwrap_or_default();
    let offered = opened.list("plans");
    let choices: Vec<_> = plans
        .iter()
        .map(|plan| {
            let id = id(plan);
            let is_offered = offered.iter().any(|own| own == id);
            Choice::new(id, name(plan), is_offered).with_note(words(&visitor, plan))
        })
        .collect();
    let parts = vec![fields::checks(
        "plans",
        t.offered(),
        Some(t.offered_hint()),
        &choices,
    )];
    let url = Tab::Plans.url(&opened.api);
    let chosen = selection.plan.unwrap_or_default();
    let is_open = !chosen.is_empty();
    let plan = plans.iter().find(|plan| id(plan) == chosen).cloned();
    let plan = plan.unwrap_or_default();
    let form = PlanForm {
        t,
        csrf: visitor.frame_csrf(),
        action: format!("{url}/one"),
        shared_with: others(&mut opened, id(&plan)).await?,
        id: id(&plan).to_owned(),
        parts: plan_parts(&visitor, &opened, &plan).await?,
        plans: plans
            .iter()
            .map(|plan| (format!("{url}?plan={}", id(plan)), name(plan).to_owned()))
            .chain([(format!("{url}?plan=new"), t.new_plan().to_owned())])
            .collect(),
        is_open,
    };
    let below = Html::of(&form);
    opened.page(&visitor, Tab::Plans, parts, below).await
}

fn id(plan: &Value) -> &str {
    plan["id"].as_str().unwrap_or_default()
}

fn name(plan: &Value) -> &str {
    plan["name"].as_str().unwrap_or_else(|| id(plan))
}

/// Limits and price in words.
fn words(visitor: &Visitor, plan: &Value) -> String {
    let Ok(plan) = serde_json::from_value::<sdk::types::Plan>(plan.clone()) else {
        return String::new();
    };
    crate::plans::PlanView::new(&plan, visitor.lang(), true).words()
}

/// How many other APIs offer a plan.
async fn others(opened: &mut Opened, plan: &str) -> Result<usize, Failure> {
    let document = opened.desk.json(super::desk::APIS).await?;
    let entries = document["apis"].as_array().into_iter().flatten();
    let offers = |entry: &&Value| {
        let plans = entry["plans"].as_array();
        plans.is_some_and(|plans| plans.iter().any(|own| own == plan))
    };
    Ok(entries
        .filter(|entry| entry["id"] != *opened.api)
        .filter(offers)
        .count())
}

async fn plan_parts(
    visitor: &Visitor,
    opened: &Opened,
    plan: &Value,
) -> Result<Vec<Html>, Failure> {
    let t = texts::Publish(visitor.lang());
    let lang = visitor.lang();
    let text = |member: &str| plan[member].as_str().unwrap_or_default().to_owned();
    let required = text("requiredGroup");
    let groups = opened.desk.client.groups().await?.groups;
    let everybody = Choice::new("", t.everybody(), required.is_empty());
    let named = groups
        .iter()
        .map(|group| Choice::new(&group.id, label(group), group.id == required));
    let groups: Vec<_> = [everybody].into_iter().chain(named).collect();
    let approval = Choice::new("1", t.needs_approval(), is_true(&plan["needsApproval"]));
    let mut parts = Vec::new();
    if id(plan).is_empty() {
        parts.push(fields::with_hint(
            fields::line("id", t.id(), String::new()),
            t.id_hint(),
        ));
    }
    parts.push(fields::line("name", t.name(), text("name")).html());
    let described = fields::area("desc", t.plan_description(), text("desc"));
    parts.push(fields::optional(described, lang, None));
    let price = fields::line("price", t.price(), text("price"));
    parts.push(fields::optional(price, lang, Some(t.price_hint())));
    let limits = limits(plan);
    let labels = [
        t.per_second(),
        t.per_minute(),
        t.per_hour(),
        t.per_day(),
        t.per_month(),
    ];
    for (window, label) in WINDOWS.into_iter().zip(labels) {
        let calls = limits[window].as_u64().map(|calls| calls.to_string());
        let field = fields::line(window, label, calls.unwrap_or_default());
        parts.push(fields::optional(field, lang, None));
    }
    parts.push(fields::checks(
        "needsApproval",
        t.approval(),
        None,
        &[approval],
    ));
    parts.push(fields::select("requiredGroup", t.only_for(), None, &groups));
    Ok(parts)
}

/// Options of the plugin that limits calls.
fn limits(plan: &Value) -> Value {
    let plugins = plan["config"]["plugins"].as_array().into_iter().flatten();
    let mut found = plugins.filter(|plugin| plugin["name"] == LIMITS);
    found
        .next()
        .map(|plugin| plugin["config"].clone())
        .unwrap_or_default()
}

/// `POST /publish/apis/{api}/plans`: `plans` (repeatable).
pub async fn save(visitor: Visitor, path: Path<String>, form: Form) -> Result<Response, Failure> {
    let mut opened = Opened::new(&visitor, path).await?;
    let chosen: Vec<_> = form.all("plans").filter(|id| !id.is_empty()).collect();
    // Those of before keep their order.
    let before = opened.list("plans");
    let kept = before
        .iter()
        .filter(|id| chosen.contains(&id.as_str()))
        .cloned();
    let new = chosen
        .iter()
        .filter(|id| !before.iter().any(|own| own == *id));
    let plans: Vec<String> = kept.chain(new.map(|id| (*id).to_owned())).collect();
    let mut members = Members::of_api(&mut opened.desk, &opened.api).await?;
    members.set(&["plans"], Some(plans.into())).await?;
    opened.saved(&visitor, Tab::Plans).await
}

/// `POST /publish/apis/{api}/plans/one`: `plan` (the one that is changed) or `id` (of a new one),
/// `name`, `desc`, `price`, `needsApproval`, `requiredGroup`, calls per `second` … `month`. A new
/// plan is offered by the API.
pub async fn save_one(
    visitor: Visitor,
    path: Path<String>,
    form: Form,
) -> Result<Response, Failure> {
    let mut opened = Opened::new(&visitor, path).await?;
    let is_new = form.optional("plan").is_none();
    let id = form.optional("plan").unwrap_or(form.text("id")).to_owned();
    if !super::create::is_id(&id) {
        let text = "`id` has 1 to 50 of a-z, 0-9, - and _";
        return Err(Failure::BadRequest(text.to_owned()));
    }
    let place = vec![Step::from("plans"), Step::Id(id.clone())];
    let document = opened.desk.json(PLANS).await?;
    let before = document::get(&document, &place);
    if is_new && before.is_some() {
        let text = format!("there is a plan `{id}` already");
        return Err(Failure::BadRequest(text));
    }
    let config = config(before.as_ref().unwrap_or(&Value::Null), &form)?;
    if is_new {
        let mut plan = json!({
            "id": id, "name": form.text("name"), "desc": form.text("desc"),
            "price": form.text("price"), "needsApproval": form.is_set("needsApproval"),
            "requiredGroup": form.text("requiredGroup"), "config": config,
        });
        if let Some(members) = plan.as_object_mut() {
            members.retain(|_, value| value.as_str() != Some(""));
        }
        opened.desk.set(PLANS, &place, Some(plan)).await?;
        let mut offered = opened.list("plans");
        offered.push(id);
        let mut members = Members::of_api(&mut opened.desk, &opened.api).await?;
        members.list(&["plans"], offered).await?;
    } else {
        let mut members = Members::of(&mut opened.desk, PLANS, place).await?;
        for member in ["name", "desc", "price", "requiredGroup"] {
            members
                .text(&[member], &super::general::lines(form.text(member)))
                .await?;
        }
        let needs_approval = form.is_set("needsApproval");
        members
            .flag(&["needsApproval"], needs_approval, false)
            .await?;
        members.set(&["config"], Some(config)).await?;
    }
    opened.saved(&visitor, Tab::Plans).await
}

/// The plugins of a plan with other limits; other plugins stay.
fn config(plan: &Value, form: &Form) -> Result<Value, Failure> {
    let mut limits = limits(plan);
    if !limits.is_object() {
        limits = json!({});
    }
    if let Some(members) = limits.as_object_mut() {
        for window in WINDOWS {
            match form.optional(window) {
                None => {
                    members.shift_remove(window);
                }
                Some(text) => {
                    let calls: u64 = text.parse().map_err(|_| {
                        Failure::BadRequest(format!("`{window}` is a whole number of calls"))
                    })?;
                    members.insert(window.to_owned(), calls.into());
                }
            }
        }
    }
    let has_limits = WINDOWS.iter().any(|window| limits.get(window).is_some());
    let mut config = plan["config"].clone();
    if !config["plugins"].is_array() {
        config = json!({"plugins": []});
    }
    if let Some(plugins) = config["plugins"].as_array_mut() {
        let at = plugins.iter().position(|plugin| plugin["name"] == LIMITS);
        match (at, has_limits) {
            (Some(at), true) => plugins[at]["config"] = limits,
            (Some(at), false) => drop(plugins.remove(at)),
            (None, true) => {
                limits["policy"] = "local".into();
                limits["fault_tolerant"] = true.into();
                plugins.push(json!({"name": LIMITS, "config": limits}));
            }
            (None, false) => {}
        }
    }
    Ok(config)
}
