//! Subscriptions whose API or plan the configuration does not have any more. They are reported and
//! stay: the API may come back, and what developers see must not vanish by a mistake in a file.

use std::collections::BTreeMap;

use config::{Configuration, JsonPath, Problem, Severity};
use sdk::types::configuration::AffectedSubscriptions;
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, Statement};

use crate::AppState;

/// Subscriptions to a combination that the configuration does not offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphan {
    api: String,
    plan: String,
    /// What is missing.
    lacks: Lacks,
    subscriptions: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lacks {
    Api,
    Plan,
    /// Both exist, but the API does not offer the plan.
    Offer,
}

#[derive(FromQueryResult)]
struct Used {
    api_id: String,
    plan_id: String,
    subscriptions: i64,
}

impl Orphan {
    /// As it stands among the problems of the configuration.
    pub fn problem(&self) -> Problem {
        let Self {
            api,
            plan,
            subscriptions,
            ..
        } = self;
        let (file, message) = match self.lacks {
            Lacks::Api => (
                "apis/apis.json",
                format!(
                    "API `{api}` is not there, but has {subscriptions} subscription(s); they are \
                     taken off the gateway until it is back"
                ),
            ),
            Lacks::Plan => (
                "plans/plans.json",
                format!(
                    "plan `{plan}` is not there, but {subscriptions} subscription(s) of API \
                     `{api}` use it; they are taken off the gateway until it is back"
                ),
            ),
            Lacks::Offer => (
                "apis/apis.json",
                format!(
                    "API `{api}` does not offer plan `{plan}`, but {subscriptions} \
                     subscription(s) use it; they go on with its limits"
                ),
            ),
        };
        Problem {
            severity: Severity::Warning,
            file: file.to_owned(),
            path: JsonPath::default(),
            line: None,
            message,
        }
    }
}

/// Subscriptions that `newer` would not offer, although the configuration in force does.
pub async fn affected(
    state: &AppState,
    newer: &Configuration,
) -> Result<Vec<AffectedSubscriptions>, DbErr> {
    let used = used(state.db.read()).await?;
    let now = find(&state.configuration(), &used);
    let then = find(newer, &used).into_iter();
    let lost = then.filter(|orphan| !now.contains(orphan));
    Ok(lost
        .map(|orphan| AffectedSubscriptions {
            plan: Some(orphan.plan).filter(|plan| !plan.is_empty()),
            api: orphan.api,
            subscriptions: orphan.subscriptions,
        })
        .collect())
}

/// Finds them anew and says so where there are other ones than before.
pub async fn look(state: &AppState) -> Result<(), DbErr> {
    let used = used(state.db.read()).await?;
    let orphans = find(&state.configuration(), &used);
    if *state.in_force.orphans() != orphans {
        for orphan in &orphans {
            tracing::warn!("configuration: {}", orphan.problem());
        }
        state.in_force.note_orphans(orphans);
    }
    Ok(())
}

/// How many subscriptions there are for each API and plan.
async fn used(db: &impl ConnectionTrait) -> Result<Vec<Used>, DbErr> {
    let statement = Statement::from_string(
        db.get_database_backend(),
        "select api_id, plan_id, count(*) as subscriptions from subscriptions \
         group by api_id, plan_id",
    );
    Used::find_by_statement(statement).all(db).await
}

fn find(configuration: &Configuration, used: &[Used]) -> Vec<Orphan> {
    let mut orphans = BTreeMap::new();
    for row in used {
        let lacks = match configuration.api(&row.api_id) {
            None => Lacks::Api,
            Some(_) if configuration.plan(&row.plan_id).is_none() => Lacks::Plan,
            Some(api) if configuration.plan_of(api, &row.plan_id).is_none() => Lacks::Offer,
            Some(_) => continue,
        };
        // An API that is gone is one problem, whatever plans were used.
        let plan = if lacks == Lacks::Api {
            ""
        } else {
            &row.plan_id
        };
        orphans
            .entry((row.api_id.clone(), plan.to_owned()))
            .or_insert_with(|| Orphan {
                api: row.api_id.clone(),
                plan: plan.to_owned(),
                lacks,
                subscriptions: 0,
            })
            .subscriptions += row.subscriptions;
    }
    orphans.into_values().collect()
}

#[cfg(test)]
mod tests {
    use config::{Configuration, Environment};

    use super::{Lacks, Used, find};

    #[test]
    fn what_the_configuration_does_not_offer_is_found() {
        let sample = Configuration::sample(&Environment::default()).unwrap();
        let used = [
            ("petstore", "team", 3),
            ("petstore", "__internal_api_basic", 1),
            ("petstore", "gone", 2),
            ("vanished", "team", 4),
            ("vanished", "gone", 5),
        ]
        .map(|(api, plan, subscriptions)| Used {
            api_id: api.to_owned(),
            plan_id: plan.to_owned(),
            subscriptions,
        });
        let found: Vec<_> = find(&sample.configuration, &used)
            .into_iter()
            .map(|orphan| (orphan.lacks, orphan.subscriptions))
            .collect();
        assert_eq!(
            found,
            [(Lacks::Offer, 1), (Lacks::Plan, 2), (Lacks::Api, 9)]
        );
    }
}
