//! Plans in words and numbers, read from the rate limits that the gateway enforces.

use sdk::types::{Api, Plan};
use ui::{Html, Lang, format, texts};

use crate::markdown;

/// The windows of the `rate-limiting` plugin, short to long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Window {
    Second,
    Minute,
    Hour,
    Day,
    Month,
    Year,
}

impl Window {
    const ALL: [Self; 6] = [
        Self::Second,
        Self::Minute,
        Self::Hour,
        Self::Day,
        Self::Month,
        Self::Year,
    ];

    fn member(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    /// "Per minute", as head of a column.
    pub fn head(self, t: texts::Plans) -> &'static str {
        match self {
            Self::Second => t.per_second(),
            Self::Minute => t.per_minute(),
            Self::Hour => t.per_hour(),
            Self::Day => t.per_day(),
            Self::Month => t.per_month(),
            Self::Year => t.per_year(),
        }
    }

    fn words(self, t: texts::Plans, number: &str) -> String {
        match self {
            Self::Second => t.a_second(number),
            Self::Minute => t.a_minute(number),
            Self::Hour => t.an_hour(number),
            Self::Day => t.a_day(number),
            Self::Month => t.a_month(number),
            Self::Year => t.a_year(number),
        }
    }
}

/// One plan as pages show it.
#[derive(Clone, Debug)]
pub struct PlanView {
    pub id: String,
    pub name: String,
    pub description: Html,
    pub price: String,
    pub needs_approval: bool,
    /// Why the person cannot choose it: the group that is missing.
    pub missing_group: Option<String>,
    limits: Vec<(Window, u64)>,
    lang: Lang,
}

impl PlanView {
    pub fn new(plan: &Plan, lang: Lang, offered: bool) -> Self {
        let group = plan
            .required_group
            .clone()
            .filter(|group| !group.is_empty());
        Self {
            id: plan.id.clone(),
            name: if plan.name.is_empty() {
                plan.id.clone()
            } else {
                plan.name.clone()
            },
            description: markdown::render(&plan.desc),
            price: plan.price.clone().unwrap_or_default(),
            needs_approval: plan.needs_approval,
            missing_group: group.filter(|_| !offered),
            limits: limits(plan),
            lang,
        }
    }

    /// The number for one column of a table.
    fn limit(&self, window: Window) -> String {
        let found = self.limits.iter().find(|(known, _)| *known == window);
        match found {
            Some((_, calls)) => format::number(self.lang, *calls),
            None => texts::Plans(self.lang).no_limit().to_owned(),
        }
    }

    /// Head and number of each column.
    pub fn cells(&self, windows: &[Window]) -> Vec<(&'static str, String)> {
        let t = texts::Plans(self.lang);
        windows
            .iter()
            .map(|window| (window.head(t), self.limit(*window)))
            .collect()
    }

    /// "10 a minute, 1,000 a day".
    pub fn words(&self) -> String {
        let t = texts::Plans(self.lang);
        if self.limits.is_empty() {
            return t.no_limits().to_owned();
        }
        let parts = self
            .limits
            .iter()
            .map(|(window, calls)| window.words(t, &format::number(self.lang, *calls)));
        parts.collect::<Vec<_>>().join(", ")
    }
}

/// Calls per window of a plan; several limiting plugins count with their lowest number.
fn limits(plan: &Plan) -> Vec<(Window, u64)> {
    let plugins: Vec<_> = plan
        .config
        .plugins
        .iter()
        .filter(|plugin| plugin.name == "rate-limiting" && plugin.enabled != Some(false))
        .collect();
    Window::ALL
        .into_iter()
        .filter_map(|window| {
            let numbers = plugins.iter().filter_map(|plugin| {
                let value = plugin.config.get(window.member())?;
                value.as_u64().or_else(|| value.as_str()?.parse().ok())
            });
            Some((window, numbers.min()?))
        })
        .collect()
}

/// The columns that the plans of one API need.
pub fn windows(plans: &[PlanView]) -> Vec<Window> {
    let used = |window: &Window| {
        plans
            .iter()
            .any(|plan| plan.limits.iter().any(|(known, _)| known == window))
    };
    Window::ALL.into_iter().filter(used).collect()
}

/// The plans of an API in its order. `offered` are those the person may choose; a guest may look
/// at all that need no group.
pub fn of_api(api: &Api, all: &[Plan], offered: Option<&[Plan]>, lang: Lang) -> Vec<PlanView> {
    let known = api
        .plans
        .iter()
        .filter_map(|id| all.iter().find(|plan| plan.id == *id));
    known
        .filter_map(|plan| {
            let grouped = plan
                .required_group
                .as_deref()
                .is_some_and(|group| !group.is_empty());
            let open = match offered {
                Some(offered) => offered.iter().any(|other| other.id == plan.id),
                None => !grouped,
            };
            // Plans for a group are nobody else's business, as long as one is not logged in.
            (open || offered.is_some()).then(|| PlanView::new(plan, lang, open))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(id: &str, limits: &str, group: &str) -> Plan {
        serde_json::from_str(&format!(
            r#"{{"id": "{id}", "name": "{id}", "requiredGroup": "{group}",
                "config": {{"plugins": [{{"name": "rate-limiting", "config": {limits}}}]}}}}"#
        ))
        .unwrap()
    }

    #[test]
    fn limits_are_told_in_words_and_columns() {
        let view = PlanView::new(
            &plan(
                "a",
                r#"{"minute": 10, "day": "1000", "policy": "local"}"#,
                "",
            ),
            Lang::EN,
            true,
        );
        assert_eq!(view.words(), "10 a minute, 1,000 a day");
        assert_eq!(
            windows(std::slice::from_ref(&view)),
            [Window::Minute, Window::Day]
        );
        assert_eq!(view.limit(Window::Month), "No limit");
    }

    #[test]
    fn plans_out_of_reach_name_their_group_but_not_to_guests() {
        let api = Api {
            plans: vec!["a".into(), "b".into()],
            ..Api::default()
        };
        let all = [plan("a", "{}", ""), plan("b", "{}", "carriers")];
        let seen = of_api(&api, &all, Some(&all[..1]), Lang::EN);
        assert_eq!(seen[1].missing_group.as_deref(), Some("carriers"));
        assert_eq!(of_api(&api, &all, None, Lang::EN).len(), 1);
    }
}
