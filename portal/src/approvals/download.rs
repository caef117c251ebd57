//! `/admin/approvals_csv`: the open requests as a file.

use axum::{extract::RawQuery, response::Response};
use sdk::types::{Approval, page::Walk};
use url::form_urlencoded;

use super::list::moment;
use crate::{
    admin::decider,
    csv::{self, guarded},
    failure::Failure,
    visitor::Visitor,
};

/// Filters by what the list shows, as parts of it without regard to case.
#[derive(Clone, Debug, Default)]
struct Filter(Vec<(String, String)>);

impl Filter {
    fn read(query: &str) -> Self {
        let known = ["user", "application", "api", "plan"];
        Self(
            form_urlencoded::parse(query.as_bytes())
                .filter(|(name, value)| known.contains(&name.as_ref()) && !value.trim().is_empty())
                .take(known.len())
                .map(|(name, value)| (name.into_owned(), value.trim().to_lowercase()))
                .collect(),
        )
    }

    fn accepts(&self, approval: &Approval) -> bool {
        self.0.iter().all(|(name, wanted)| {
            let texts = match name.as_str() {
                "user" => [&approval.user.email, &approval.user.id],
                "application" => [&approval.application.name, &approval.application.id],
                "api" => [&approval.api.name, &approval.api.id],
                _ => [&approval.plan.name, &approval.plan.id],
            };
            texts
                .into_iter()
                .any(|text| text.to_lowercase().contains(wanted))
        })
    }
}

/// `GET /admin/approvals_csv`
pub async fn download(visitor: Visitor, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    decider(&visitor)?;
    let filter = Filter::read(query.as_deref().unwrap_or_default());
    let client = visitor.client();
    csv::download(
        "approvals.csv",
        &[
            "User",
            "Application",
            "Description",
            "Trusted",
            "Api",
            "Plan",
            "Date (UTC)",
        ],
        Walk::default(),
        move |walk| {
            let client = client.clone();
            async move { client.walk_approvals("open", &walk).await }
        },
        move |approval: Approval| {
            if !filter.accepts(&approval) {
                return Vec::new();
            }
            let named = |name: &str, id: &str| guarded(if name.is_empty() { id } else { name });
            let application = &approval.application;
            vec![vec![
                guarded(&approval.user.email),
                named(&application.name, &application.id),
                guarded(application.description.as_deref().unwrap_or_default()),
                if application.trusted { "Yes" } else { "-" }.to_owned(),
                named(&approval.api.name, &approval.api.id),
                named(&approval.plan.name, &approval.plan.id),
                moment(&approval)
                    .map(|at| at.format("%Y-%m-%d %H:%M:%S").to_string())
                    .unwrap_or_default(),
            ]]
        },
    )
    .await
}
