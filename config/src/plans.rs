//! Plans (`plans/plans.json`) and the two built-in ones.

use serde_json::{Value, json};

use crate::{
    builtin,
    catalog::{Catalog, Entry},
    native,
    path::JsonPath,
    problem::Report,
    read::Object,
    render::Rendered,
};

pub(crate) const FILE: &str = "plans/plans.json";
/// Ids that begin like this are taken.
const RESERVED_PREFIX: &str = "__internal_";

/// What a subscription may use, and who may choose it.
#[derive(Debug)]
pub struct Plan {
    pub id: String,
    pub name: String,
    /// Markdown.
    pub desc: String,
    /// Subscriptions wait for an administrator or approver.
    pub needs_approval: bool,
    /// Only members (and administrators) see and choose the plan.
    pub required_group: Option<String>,
    /// Shown beside the limits.
    pub price: Option<String>,
    /// The object as configured.
    pub json: Value,
    pub rendered: Rendered,
    /// Where it stands in the file, for problems found later.
    pub(crate) place: JsonPath,
}

impl Entry for Plan {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Plan {
    /// One of the built-in plans.
    pub fn is_internal(&self) -> bool {
        self.id.starts_with(RESERVED_PREFIX)
    }
}

/// All plans, the two built-in ones included.
#[derive(Debug)]
pub struct Plans {
    pub all: Catalog<Plan>,
    /// Answer of `GET /plans`.
    pub rendered: Rendered,
}

impl Plans {
    pub(crate) fn read(document: &Value, report: &Report) -> Self {
        let mut plans = Vec::new();
        if let Some(root) = Object::root(FILE, document, report) {
            root.require_list("plans");
            plans.extend(root.objects("plans").iter().filter_map(read_plan));
        }
        let built_in = builtin::plans();
        let built_in = Object::root("built-in plans", &built_in, report).expect("it is an object");
        plans.extend(built_in.objects("plans").iter().filter_map(read_built_in));
        let (all, duplicates) = Catalog::new(plans);
        for plan in duplicates {
            let path = JsonPath::default().key("plans");
            report.error(FILE, &path, format!("plan `{}` is there twice", plan.id));
        }
        let list: Vec<&Value> = all.iter().map(|plan| &plan.json).collect();
        let served = json!({"plans": list, "_links": {"self": {"href": "/plans"}}});
        Self {
            rendered: Rendered::json(&served),
            all,
        }
    }
}

fn read_plan(object: &Object) -> Option<Plan> {
    let plan = read_built_in(object)?;
    if plan.is_internal() {
        object.error(
            "id",
            format!("ids of plans must not begin with `{RESERVED_PREFIX}`"),
        );
    }
    Some(plan)
}

fn read_built_in(object: &Object) -> Option<Plan> {
    let id = object.required("id")?;
    if let Some(config) = object.object("config") {
        for (index, name) in check_plugins(&config).iter().enumerate() {
            if native::is_native(name) {
                let message = format!("plugin `{name}` answers calls, so it belongs to an API");
                config.error_at("plugins", index, message);
            }
        }
    }
    let json = Value::Object(object.map.clone());
    Some(Plan {
        name: object.text_or("name", &id),
        desc: object.text_or("desc", ""),
        needs_approval: object.flag("needsApproval"),
        required_group: object.text("requiredGroup"),
        price: object.text("price"),
        rendered: Rendered::json(&json),
        json,
        place: object.path.clone(),
        id,
    })
}

/// Plugins of plans, APIs and auth servers: each needs a name. Gives the names.
pub(crate) fn check_plugins(config: &Object) -> Vec<String> {
    config
        .objects("plugins")
        .iter()
        .filter_map(|plugin| {
            if plugin.get("config").is_some() {
                plugin.object("config");
            }
            plugin.required("name")
        })
        .collect()
}
