//! `/admin/first-run`: the first steps of a new installation.

use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use sdk::types::setup::SetupStep;
use serde_json::json;
use ui::{Entry, Frame, Icon, texts};

use super::administrator;
use crate::{failure::Failure, form::Form, json, visitor::Visitor};

#[derive(Template)]
#[template(path = "admin/first_run.html")]
struct FirstRunPage {
    frame: Frame,
    t: texts::Admin,
    steps: Vec<Step>,
}

struct Step {
    done: bool,
    /// The first one that is not done: shown with what to do.
    current: bool,
    title: &'static str,
    text: &'static str,
    /// Something to type, or a page.
    command: Option<&'static str>,
    link: Option<(&'static str, &'static str)>,
}

impl FirstRunPage {
    fn done(&self) -> usize {
        self.steps.iter().filter(|step| step.done).count()
    }
}

impl Step {
    fn new(step: &SetupStep, t: texts::Admin) -> Option<Self> {
        let (title, text, command, link) = match step.id.as_str() {
            "own-account" => (
                t.step_account(),
                t.step_account_text(),
                None,
                Some(("/signup", t.step_account_do())),
            ),
            "own-configuration" => (
                t.step_configuration(),
                t.step_configuration_text(),
                Some("wicketgate init ./my-config\nwicketgate up --config ./my-config"),
                Some(("/admin/configuration", t.configuration())),
            ),
            "mail-server" => (t.step_mail(), t.step_mail_text(), Some(MAIL), None),
            "publish-api" => (
                t.step_api(),
                t.step_api_text(),
                Some("wicketgate config check ./my-config"),
                Some(("/apis", t.step_api_do())),
            ),
            "first-application" => (
                t.step_application(),
                t.step_application_text(),
                None,
                Some(("/applications?register=true", t.step_application_do())),
            ),
            "first-subscription" => (
                t.step_subscription(),
                t.step_subscription_text(),
                None,
                Some(("/apis", t.step_subscription_do())),
            ),
            _ => return None,
        };
        Some(Self {
            done: step.done,
            current: false,
            title,
            text,
            command,
            link,
        })
    }
}

/// Member of `globals.json`.
const MAIL: &str = r#""mailer": {
  "useMailer": true,
  "senderEmail": "portal@example.org",
  "smtpHost": "smtp.example.org",
  "smtpPort": 587
}"#;

/// `GET /admin/first-run`
pub async fn show(visitor: Visitor) -> Result<Response, Failure> {
    administrator(&visitor)?;
    let setup = visitor.client().setup().await?;
    let t = texts::Admin(visitor.lang());
    if visitor.wants_json {
        let body = json!({"title": t.first_steps(), "setup": setup});
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let mut steps: Vec<Step> = setup
        .steps
        .iter()
        .filter_map(|step| Step::new(step, t))
        .collect();
    if let Some(step) = steps.iter_mut().find(|step| !step.done) {
        step.current = true;
    }
    let page = FirstRunPage {
        frame: visitor.frame(Entry::Admin).await,
        t,
        steps,
    };
    Ok(ui::page(StatusCode::OK, &page))
}

/// `POST /admin/first-run/hide`
pub async fn hide(visitor: Visitor, _: Form) -> Result<Response, Failure> {
    administrator(&visitor)?;
    let setup = visitor.client().put_setup(true).await?;
    if visitor.wants_json {
        return Ok(json::answer(&visitor, StatusCode::OK, &setup));
    }
    Ok(Redirect::to("/admin").into_response())
}
