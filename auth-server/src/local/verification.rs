//! Links in mails: confirming an address, choosing a new password (17.4).

use axum::{
    extract::{Path, State},
    response::Response,
};
use http::StatusCode;
use sdk::types::{Verification, verifications::Kind};
use serde::Deserialize;
use service::clock;

use crate::{
    brake::{self, Act, Who},
    captcha,
    families::RevokeReason,
    flows::FormSource,
    interaction,
    pages::{
        self, Fault, NoticeKind, NoticePage, PageError, Shell, Texts, VerifyEmailPage,
        VerifyPasswordPage,
    },
    portal_api::SaveOutcome,
    state::AppState,
    visitor::Visitor,
};

use super::{
    PageForm,
    form::{delay, method_of},
    signup::password_fault,
};

/// The link for a mail; the mailer puts the id in.
pub fn link(state: &AppState, method: &str) -> String {
    format!(
        "{}/{method}/verify/{{{{id}}}}",
        state.configuration().issuer
    )
}

/// `GET {B}/{method}/verify/{id}`. Only shows a form: mail scanners follow links, too.
pub async fn show(
    State(state): State<AppState>,
    Path((method, id)): Path<(String, String)>,
    visitor: Visitor,
) -> Result<Response, PageError> {
    let method = method_of(&state, &method)?;
    let verification = find(&state, &visitor, &id).await?;
    let shell = shell(&state, &visitor, &method.id);
    match verification.kind {
        Kind::Email => {
            let page = VerifyEmailPage {
                frame: shell.frame,
                common: shell.common,
                email: verification.email,
                id,
            };
            Ok(pages::show(visitor, StatusCode::OK, &page, &[]))
        }
        Kind::LostPassword => Ok(password_page(
            &state,
            visitor,
            shell,
            &verification,
            id,
            None,
        )),
    }
}

fn shell(state: &AppState, visitor: &Visitor, method: &str) -> Shell {
    Shell::new(state, visitor, method, FormSource::Verify, None)
}

fn password_page(
    state: &AppState,
    visitor: Visitor,
    shell: Shell,
    verification: &Verification,
    id: String,
    error: Option<String>,
) -> Response {
    let status = if error.is_some() {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::OK
    };
    let mut page = VerifyPasswordPage {
        frame: shell.frame,
        common: shell.common,
        email: verification.email.clone(),
        error,
        rule: state.configuration().password_rule,
        id,
    };
    let (base, method) = (&state.settings.base_path, &page.common.verify_post_url);
    page.frame.preferences.here = format!("{base}/{method}/{}", page.id);
    pages::show(visitor, status, &page, &[])
}

#[derive(Deserialize)]
pub struct Submission {
    #[serde(rename = "_csrf")]
    csrf: Option<String>,
    #[serde(default)]
    verification_id: String,
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    password2: String,
    #[serde(rename = "g-recaptcha-response")]
    captcha: Option<String>,
}

/// `POST {B}/{method}/verify`
pub async fn submit(
    State(state): State<AppState>,
    Path(method): Path<String>,
    visitor: Visitor,
    PageForm(form): PageForm<Submission>,
) -> Result<Response, PageError> {
    let method = method_of(&state, &method)?;
    let csrf = form.csrf.as_deref();
    if visitor
        .check_form(&state, FormSource::Verify, csrf)
        .is_err()
    {
        delay().await;
        return Err(PageError::new(&state, Fault::Form));
    }
    let verification = find(&state, &visitor, &form.verification_id).await?;
    if form.kind != verification.kind.as_str() {
        return Err(PageError::new(&state, Fault::Parameters));
    }
    match verification.kind {
        Kind::Email => confirm_email(&state, visitor, &method.id, &form).await,
        Kind::LostPassword => {
            reset_password(&state, visitor, &method.id, &form, &verification).await
        }
    }
}

async fn confirm_email(
    state: &AppState,
    visitor: Visitor,
    method: &str,
    form: &Submission,
) -> Result<Response, PageError> {
    match consume(state, form, None).await? {
        SaveOutcome::Saved(()) => {
            let shell = shell(state, &visitor, method);
            Ok(done(state, visitor, shell, NoticeKind::AddressConfirmed))
        }
        _ => Err(PageError::new(state, Fault::Link)),
    }
}

async fn reset_password(
    state: &AppState,
    visitor: Visitor,
    method: &str,
    form: &Submission,
    verification: &Verification,
) -> Result<Response, PageError> {
    let t = Texts(visitor.preferences.lang);
    captcha::check(state, form.captcha.as_deref()).await?;
    let mut fault = password_fault(&form.password, &form.password2, t);
    if fault.is_none() {
        match consume(state, form, Some(&form.password)).await? {
            SaveOutcome::Saved(()) => {}
            SaveOutcome::Invalid(_) => fault = Some(ui::texts::Passwords(t.0).broken()),
            SaveOutcome::Taken => {
                return Err(PageError::new(state, Fault::Link));
            }
        }
    }
    let shell = shell(state, &visitor, method);
    if let Some(fault) = fault {
        let (id, fault) = (form.verification_id.clone(), Some(fault.to_owned()));
        return Ok(password_page(
            state,
            visitor,
            shell,
            verification,
            id,
            fault,
        ));
    }
    // Whoever had the old password, or a session made with it, is out.
    interaction::revoke_user(state, &verification.user_id, RevokeReason::PasswordChanged)
        .await
        .map_err(|error| PageError::database(state, &error))?;
    tracing::info!(user.id = verification.user_id, "password reset");
    Ok(done(state, visitor, shell, NoticeKind::PasswordReset))
}

async fn consume(
    state: &AppState,
    form: &Submission,
    password: Option<&str>,
) -> Result<SaveOutcome<()>, PageError> {
    match state
        .portal_api
        .consume_verification(&form.verification_id, password)
        .await
    {
        Ok(outcome) => Ok(outcome),
        // Used up between the look and the use.
        Err(error) if error.is_not_found() => Err(PageError::new(state, Fault::Link)),
        Err(error) => Err(PageError::portal_api(state, &error)),
    }
}

/// "Log in" leads to the portal's own log-in, whoever sent the mail.
fn done(state: &AppState, visitor: Visitor, shell: Shell, kind: NoticeKind) -> Response {
    let login = format!("{}login", state.configuration().portal_url);
    let page = NoticePage::new(shell, kind, Some(login));
    pages::show(visitor, StatusCode::OK, &page, &[])
}

/// The verification with this id. Guessing ids is braked.
async fn find(state: &AppState, visitor: &Visitor, id: &str) -> Result<Verification, PageError> {
    let whos = [Who::Address(visitor.peer.address)];
    let now = clock::now();
    brake::check(&state.database, Act::VerificationId, &whos, now)
        .await
        .map_err(|error| PageError::braked(state, &error))?;
    let found = if is_id(id) {
        state
            .portal_api
            .verification(id)
            .await
            .map_err(|error| PageError::portal_api(state, &error))?
    } else {
        None
    };
    if let Some(verification) = found {
        return Ok(verification);
    }
    brake::count(&state.database, Act::VerificationId, &whos, now)
        .await
        .map_err(|error| PageError::database(state, &error))?;
    delay().await;
    Err(PageError::new(state, Fault::Link))
}

/// What such ids are made of; anything else is not put into an internal URL (F37).
pub fn is_id(text: &str) -> bool {
    (16..=128).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}
