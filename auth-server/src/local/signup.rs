//! New accounts (17.1).
//!
//! Whether an address already has an account is told by mail to its owner and not on the page
//! (F28). Nobody is logged in before the address is confirmed, unless the method trusts addresses.

use std::time::Duration;

use axum::{
    extract::{Path, Query, State},
    response::Response,
};
use http::StatusCode;
use sdk::types::verifications::Kind;
use serde::Deserialize;
use service::clock;
use tokio::time::Instant;

use crate::{
    brake::{self, Act, Who},
    captcha,
    configuration::Method,
    factors::Proof,
    federated::Person,
    flows::{Flow, FormSource},
    interaction,
    pages::{self, Fault, NoticeKind, NoticePage, PageError, Shell, SignupPage, Texts},
    portal_api::SaveOutcome,
    state::AppState,
    visitor::Visitor,
};

use super::{
    PageForm,
    form::{Opened, any_flow, local_method_of, open_or_stale},
    login,
    verification::link,
};

/// Every sign-up takes this long, so that a known address is not answered faster.
const SAME_TIME: Duration = Duration::from_millis(1200);

#[derive(Deserialize)]
pub struct FlowQuery {
    pub flow: Option<String>,
}

/// `GET {B}/{method}/signup`
pub async fn show(
    State(state): State<AppState>,
    Path(method): Path<String>,
    visitor: Visitor,
    Query(query): Query<FlowQuery>,
) -> Result<Response, PageError> {
    let method = local_method_of(&state, &method)?;
    let flow = any_flow(&state, &visitor, &method.id, query.flow.as_deref()).await?;
    let Some(flow) = flow else {
        return Err(PageError::new(&state, Fault::Flow));
    };
    refuse_if_closed(&state, &flow, Fault::SignupOff).await?;
    Ok(interaction::signup_page(
        &state,
        visitor,
        &flow,
        StatusCode::OK,
        |_| {},
    ))
}

#[derive(Deserialize)]
pub struct NewAccount {
    #[serde(rename = "_csrf")]
    csrf: Option<String>,
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    password2: String,
    #[serde(rename = "g-recaptcha-response")]
    captcha: Option<String>,
}

/// `POST {B}/{method}/signup`
pub async fn submit(
    State(state): State<AppState>,
    Path(method): Path<String>,
    visitor: Visitor,
    PageForm(form): PageForm<NewAccount>,
) -> Result<Response, PageError> {
    let answer_at = Instant::now() + SAME_TIME;
    let method = local_method_of(&state, &method)?;
    let csrf = form.csrf.as_deref();
    let t = Texts(visitor.preferences.lang);
    let email = form.email.trim();
    let source = FormSource::Signup;
    let flow = match open_or_stale(&state, &visitor, &method.id, source, csrf).await? {
        Opened::Genuine(flow) => flow,
        Opened::Stale(flow) => {
            refuse_if_closed(&state, &flow, Fault::SignupOff).await?;
            let fill = |page: &mut SignupPage| {
                email.clone_into(&mut page.email);
                page.error_message = Some(t.form_expired().to_owned());
            };
            let status = StatusCode::OK;
            return Ok(interaction::signup_page(
                &state, visitor, &flow, status, fill,
            ));
        }
    };
    if let Some(fault) = check_form(&form, t) {
        return Ok(again(&state, visitor, &flow, email, fault));
    }
    refuse_if_closed(&state, &flow, Fault::SignupRefused).await?;
    captcha::check(&state, form.captcha.as_deref()).await?;
    let whos = [Who::Address(visitor.peer.address)];
    let now = clock::now();
    brake::check(&state.database, Act::Signup, &whos, now)
        .await
        .map_err(|error| PageError::braked(&state, &error))?;
    brake::count(&state.database, Act::Signup, &whos, now)
        .await
        .map_err(|error| PageError::database(&state, &error))?;
    let trusts = method.local().is_some_and(|local| local.trust_users);
    let created = state
        .portal_api
        .create_user(email, &form.password, trusts, visitor.preferences.lang)
        .await
        .map_err(|error| PageError::portal_api(&state, &error))?;
    match created {
        SaveOutcome::Saved(user) if trusts => {
            login::enter(&state, visitor, flow, &Person::local(user, Proof::Password)).await
        }
        SaveOutcome::Taken if trusts => {
            let fault = FormFault::Email(t.address_taken().to_owned());
            Ok(again(&state, visitor, &flow, email, fault))
        }
        SaveOutcome::Invalid(_) => {
            // portal-api checks the address after the password rule was seen to hold here.
            let fault = if rule_holds(&state, &form.password) {
                FormFault::Email(t.email_invalid().to_owned())
            } else {
                FormFault::Password(ui::texts::Passwords(t.0).broken().to_owned())
            };
            Ok(again(&state, visitor, &flow, email, fault))
        }
        outcome @ (SaveOutcome::Saved(_) | SaveOutcome::Taken) => {
            let kind = match outcome {
                SaveOutcome::Saved(_) => Kind::Email,
                // The owner learns that somebody tried, and can get in.
                _ => Kind::LostPassword,
            };
            send_mail(&state, &visitor, &method, kind, email).await?;
            tokio::time::sleep_until(answer_at).await;
            Ok(mail_sent(&state, visitor, &flow))
        }
    }
}

enum FormFault {
    Email(String),
    Password(String),
}

fn check_form(form: &NewAccount, t: Texts) -> Option<FormFault> {
    let email = form.email.trim();
    if email.len() > 256 || !email.contains('@') || email.contains(char::is_whitespace) {
        return Some(FormFault::Email(t.email_invalid().to_owned()));
    }
    password_fault(&form.password, &form.password2, t)
        .map(|text| FormFault::Password(text.to_owned()))
}

/// What is wrong with two entries of a new password, as far as can be said without the rule.
pub fn password_fault(first: &str, second: &str, t: Texts) -> Option<&'static str> {
    if first.is_empty() {
        Some(t.password_empty())
    } else if first != second {
        Some(ui::texts::Passwords(t.0).differ())
    } else {
        None
    }
}

fn rule_holds(state: &AppState, password: &str) -> bool {
    state.configuration().password_rule.holds(password)
}

fn again(
    state: &AppState,
    visitor: Visitor,
    flow: &Flow,
    email: &str,
    fault: FormFault,
) -> Response {
    let fill = |page: &mut SignupPage| {
        email.clone_into(&mut page.email);
        match fault {
            FormFault::Email(text) => {
                page.error_message = Some(text.clone());
                page.email_error = Some(text);
            }
            FormFault::Password(text) => {
                page.error_message = Some(text.clone());
                page.password_error = Some(text);
            }
        }
    };
    interaction::signup_page(state, visitor, flow, StatusCode::BAD_REQUEST, fill)
}

async fn refuse_if_closed(state: &AppState, flow: &Flow, fault: Fault) -> Result<(), PageError> {
    if interaction::signup_is_closed(state, flow).await? {
        return Err(PageError::new(state, fault));
    }
    Ok(())
}

async fn send_mail(
    state: &AppState,
    visitor: &Visitor,
    method: &Method,
    kind: Kind,
    email: &str,
) -> Result<(), PageError> {
    let (link, language) = (link(state, &method.id), visitor.preferences.lang);
    state
        .portal_api
        .create_verification(kind, email, &link, language)
        .await
        .map_err(|error| PageError::portal_api(state, &error))
}

fn mail_sent(state: &AppState, visitor: Visitor, flow: &Flow) -> Response {
    let shell = Shell::new(
        state,
        &visitor,
        &flow.method,
        FormSource::Signup,
        Some(flow),
    );
    let back = format!("{}/{}", state.settings.base_path, flow.restart_url());
    let page = NoticePage::new(shell, NoticeKind::SignupMailSent, Some(back));
    pages::show(visitor, StatusCode::OK, &page, &[])
}
