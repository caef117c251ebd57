//! `GET /config/status`: which configuration is served and what is wrong with it (portal-api 29.3).

use axum::{Json, extract::State};
use config::{Configuration, Problem, Severity, git::Commit};
use sdk::types::{
    Timestamp,
    configuration::{ConfigStatus, Finding, NewestConfiguration, ServedConfiguration},
};

use super::InForce;
use crate::{ApiError, AppState, caller::Caller};

pub async fn show(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Json<ConfigStatus>, ApiError> {
    caller.require_scope("health")?;
    caller.require_admin()?;
    Ok(Json(status(&state.in_force)))
}

fn status(in_force: &InForce) -> ConfigStatus {
    let configuration = in_force.current();
    let newest = in_force.newest();
    ConfigStatus {
        serving: serving(&configuration),
        newest: match &newest.refused {
            Some(refused) => NewestConfiguration {
                refused: true,
                problems: refused.problems.iter().map(finding).collect(),
                ..about(refused.commit.as_ref())
            },
            None => NewestConfiguration {
                problems: warnings(in_force, &configuration),
                ..about(configuration.commit().as_ref())
            },
        },
        source: in_force.origin.name(),
        branch: in_force.origin.branch().map(str::to_owned),
        fetched_at: newest.fetched_at.map(Timestamp),
        error: newest.unreachable.clone(),
    }
}

fn warnings(in_force: &InForce, configuration: &Configuration) -> Vec<Finding> {
    let notices = configuration.notices.iter().map(finding);
    let orphans = in_force.orphans();
    let orphans = orphans.iter().map(|orphan| finding(&orphan.problem()));
    notices.chain(orphans).collect()
}

fn serving(configuration: &Configuration) -> ServedConfiguration {
    let plans = configuration.plans.all.iter();
    let about = about(configuration.commit().as_ref());
    ServedConfiguration {
        commit: about.commit,
        author: about.author,
        date: about.date,
        hash: configuration.hash.clone(),
        apis: configuration
            .apis
            .iter()
            .filter(|api| !api.internal)
            .count(),
        plans: plans.filter(|plan| !plan.is_internal()).count(),
    }
}

/// Without commit where the configuration did not come out of git.
fn about(commit: Option<&Commit>) -> NewestConfiguration {
    NewestConfiguration {
        commit: commit.map(|commit| commit.id.clone()),
        author: commit.map(|commit| commit.author.clone()),
        date: commit.map(|commit| commit.date.clone()),
        ..NewestConfiguration::default()
    }
}

pub fn finding(problem: &Problem) -> Finding {
    let severity = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    Finding {
        severity: severity.to_owned(),
        file: problem.file.clone(),
        path: problem.path.to_string(),
        line: problem.line,
        message: problem.message.clone(),
    }
}
