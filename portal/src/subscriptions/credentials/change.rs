//! Making, rotating, extending, revoking and showing credentials (portal-ui 18).

use axum::{
    extract::Path,
    response::{IntoResponse, Redirect, Response},
};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use http::StatusCode;
use sdk::types::{
    Credential, Timestamp,
    credentials::{CreateCredential, PatchCredential, RotateCredential},
};
use serde_json::json;
use ui::{Kind, format, texts};

use super::{
    Made,
    list::{CredentialsPage, Entered, path},
    show,
};
use crate::{failure::Failure, form::Form, json, pager::Question, visitor::Visitor};

/// Application, API and credential of an address.
type Place = Path<(String, String, String)>;

/// `POST …/credentials`: `name`, `note`, `expires`.
pub async fn create(
    visitor: Visitor,
    Path((application, api)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Failure> {
    visitor.require_user()?;
    let order = CreateCredential {
        name: form.optional("name").unwrap_or("key").to_owned(),
        note: form.optional("note").map(str::to_owned),
        expires_at: end(form.text("expires"))?,
    };
    let made = visitor
        .client()
        .create_credential(&application, &api, &order)
        .await;
    match made {
        Ok(made) => shown(&visitor, &application, &api, made, Vec::new()).await,
        Err(sdk::Error::Api(error)) if !visitor.wants_json && is_explained(error.status) => {
            let entered = Entered {
                name: form.text("name").to_owned(),
                note: form.text("note").to_owned(),
                expires: form.text("expires").to_owned(),
            };
            let page =
                CredentialsPage::load(&visitor, &application, &api, &Question::default(), entered)
                    .await?;
            Ok(ui::page(error.status, &page.refused(&error.message)))
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST …/credentials/{id}/rotate`: `overlap` in seconds, none if absent.
pub async fn rotate(
    visitor: Visitor,
    Path((application, api, id)): Place,
    form: Form,
) -> Result<Response, Failure> {
    visitor.require_user()?;
    let overlap_seconds = match form.optional("overlap") {
        None => 0,
        Some(text) => text
            .parse()
            .map_err(|_| Failure::BadRequest("`overlap` is a number of seconds".to_owned()))?,
    };
    let rotation = RotateCredential { overlap_seconds };
    let made = visitor
        .client()
        .rotate_credential(&application, &api, &id, &rotation)
        .await;
    let made = match made {
        Ok(made) => made,
        Err(error) => return refused(&visitor, &application, &api, error),
    };
    let t = texts::Applications(visitor.lang());
    let now = service::clock::now();
    let until = i64::try_from(overlap_seconds)
        .ok()
        .and_then(TimeDelta::try_seconds)
        .and_then(|overlap| now.checked_add_signed(overlap));
    let note = match until.filter(|_| overlap_seconds > 0) {
        Some(until) => t.old_works_until(format::moment(visitor.lang(), until)),
        None => t.old_is_over().to_owned(),
    };
    shown(&visitor, &application, &api, made, vec![note]).await
}

/// The answer that holds the secret, the only one.
async fn shown(
    visitor: &Visitor,
    application: &str,
    api: &str,
    made: Credential,
    notes: Vec<String>,
) -> Result<Response, Failure> {
    if visitor.wants_json {
        return Ok(json::answer(visitor, StatusCode::CREATED, &made));
    }
    let client = visitor.client();
    let (application, api) = tokio::try_join!(client.application(application), client.api(api))?;
    let title = made.name.clone();
    let is_client = made.client_id.is_some();
    let made = Made {
        api_key: made.secret.clone().filter(|_| !is_client),
        client_secret: made.secret.filter(|_| is_client),
        client_id: made.client_id,
    };
    Ok(show(visitor, application, api, made, title, String::new(), notes).await)
}

/// `POST …/credentials/{id}/extend`: `expires`.
pub async fn extend(
    visitor: Visitor,
    Path((application, api, id)): Place,
    form: Form,
) -> Result<Response, Failure> {
    visitor.require_user()?;
    let expires_at = end(form.text("expires"))?;
    if expires_at.is_none() {
        return Err(Failure::BadRequest("`expires` is missing".to_owned()));
    }
    let patch = PatchCredential {
        expires_at,
        ..PatchCredential::default()
    };
    let changed = visitor
        .client()
        .patch_credential(&application, &api, &id, &patch)
        .await;
    match changed {
        Ok(credential) if visitor.wants_json => {
            Ok(json::answer(&visitor, StatusCode::OK, &credential))
        }
        Ok(credential) => {
            let t = texts::Applications(visitor.lang());
            let at = credential
                .expires_at
                .map_or_else(String::new, |at| format::moment(visitor.lang(), at.0));
            visitor.leave(Kind::Good, t.extended(&credential.name, at));
            Ok(Redirect::to(&path(&application, &api)).into_response())
        }
        Err(error) => refused(&visitor, &application, &api, error),
    }
}

/// `POST …/credentials/{id}/revoke`: `reason`.
pub async fn revoke(
    visitor: Visitor,
    Path((application, api, id)): Place,
    form: Form,
) -> Result<Response, Failure> {
    visitor.require_user()?;
    let ended = visitor
        .client()
        .revoke_credential(&application, &api, &id, form.optional("reason"))
        .await;
    match ended {
        Ok(()) if visitor.wants_json => Ok(json::done()),
        Ok(()) => {
            visitor.leave(Kind::Good, texts::Applications(visitor.lang()).is_revoked());
            Ok(Redirect::to(&path(&application, &api)).into_response())
        }
        Err(error) => refused(&visitor, &application, &api, error),
    }
}

/// `POST …/credentials/{id}/reveal`: the secret again, where the installation keeps it readable.
/// portal-api puts it on record who looked.
pub async fn reveal(
    visitor: Visitor,
    Path((application, api, id)): Place,
    _: Form,
) -> Result<Response, Failure> {
    visitor.require_user()?;
    visitor.require_fresh_login(&path(&application, &api))?;
    let client = visitor.client();
    let credentials = client.credentials(&application, &api).await?;
    let credential = credentials
        .into_iter()
        .find(|credential| credential.id == id)
        .ok_or(Failure::NotFound)?;
    let subscription = client.subscription(&application, &api).await?;
    // What the subscription shows has to be this one and no other.
    let is_it = |secret: &sdk::types::Secret| {
        let text = secret.expose();
        credential.classic && !credential.last4.is_empty() && text.ends_with(&credential.last4)
    };
    let made = Made {
        api_key: subscription.apikey.filter(is_it),
        client_secret: subscription.client_secret.filter(is_it),
        client_id: credential.client_id,
    };
    let t = texts::Applications(visitor.lang());
    if made.api_key.is_none() && made.client_secret.is_none() {
        if visitor.wants_json {
            return Err(Failure::Gone(t.not_readable()));
        }
        visitor.leave(Kind::Info, t.not_readable());
        return Ok(Redirect::to(&path(&application, &api)).into_response());
    }
    if visitor.wants_json {
        let body = json!({
            "apiKey": made.api_key, "clientId": made.client_id, "clientSecret": made.client_secret,
        });
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let (application, api) = tokio::try_join!(client.application(&application), client.api(&api))?;
    let title = credential.name;
    Ok(show(
        &visitor,
        application,
        api,
        made,
        title,
        String::new(),
        Vec::new(),
    )
    .await)
}

/// A moment, or the end of a day; nothing for never.
fn end(text: &str) -> Result<Option<Timestamp>, Failure> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let day = || {
        let day: NaiveDate = text.parse().ok()?;
        Some(day.and_hms_opt(23, 59, 59)?.and_utc())
    };
    let moment = || {
        let moment = DateTime::parse_from_rfc3339(text).ok()?;
        Some(moment.to_utc())
    };
    let within = |at: &DateTime<Utc>| chrono::Datelike::year(at) < 10_000;
    let found = day().or_else(moment).filter(within);
    found.map(|at| Some(at.into())).ok_or_else(|| {
        Failure::BadRequest("`expires` is a date such as 2027-01-31, or an ISO time".to_owned())
    })
}

fn is_explained(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_REQUEST | StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY
    )
}

fn refused(
    visitor: &Visitor,
    application: &str,
    api: &str,
    error: sdk::Error,
) -> Result<Response, Failure> {
    match error {
        sdk::Error::Api(error) if !visitor.wants_json && is_explained(error.status) => {
            visitor.leave(Kind::Bad, error.message);
            Ok(Redirect::to(&path(application, api)).into_response())
        }
        error => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_lasts_until_its_end() {
        let read = |text: &str| end(text).unwrap().map(|at| at.to_string());
        assert_eq!(read("2027-01-31").unwrap(), "2027-01-31T23:59:59.000Z");
        assert_eq!(
            read("2027-01-31T10:00:00+01:00").unwrap(),
            "2027-01-31T09:00:00.000Z"
        );
        assert_eq!(read(" "), None);
        for wrong in ["tomorrow", "+99999-01-01", "2027-02-30"] {
            assert!(end(wrong).is_err(), "{wrong}");
        }
    }
}
