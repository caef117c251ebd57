//! Bodies of requests: the extractors, the types of the wire, and the rules that look at them before
//! anything is read from the database.

use axum::{body::Body as Bytes, extract::FromRequest};
use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use http::{Request, header};
use sdk::types::{
    applications::{AddOwner, ChangeRole, CreateApplication},
    approvals::{Decision, NewComment},
    audit::NewAuditRecord,
    configuration::{CommitRequest, ConfigDraft},
    credentials::{CreateCredential, PatchCredential, RotateCredential},
    invitations::NewInvitation,
    listeners::Registration,
    subscriptions::CreateSubscription,
    users::{CreateUser, PatchUser},
    verifications::CreateVerification,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use service::ServiceName;

use super::expect_refusal;
use crate::{
    ApiError,
    applications::{self, redirect_uris::Leniency},
    approvals, audit, configuration, credentials, events,
    extract::{Body, RawBody, Upload, from_value},
    grants, invitations, namespaces, owners, preferences, registrations, subscriptions, usage,
    users, verifications,
};

/// Reads `input` as a request: a line with operation and media type, such as
/// `POST /applications application/json`, and the body below it.
pub fn body(input: &[u8]) {
    let line_end = input.iter().position(|byte| *byte == b'\n');
    let (line, body) = input.split_at(line_end.unwrap_or(input.len()));
    let body = body.get(1..).unwrap_or_default();
    let Ok(line) = std::str::from_utf8(line) else {
        return;
    };
    let (operation, media_type) = line.trim().rsplit_once(' ').unwrap_or((line.trim(), ""));
    let Ok(request) = Request::post("/")
        .header(header::CONTENT_TYPE, media_type)
        .body(Bytes::from(body.to_vec()))
    else {
        return;
    };
    if let Err(error) = read(operation, request, body) {
        expect_refusal(&error);
    }
}

/// The body as the extractor `E` gives it; all of it is in memory, so nothing has to be waited for.
fn extract<E: FromRequest<(), Rejection = ApiError>>(
    request: Request<Bytes>,
) -> Result<E, ApiError> {
    let read = E::from_request(request, &()).now_or_never();
    read.expect("a body in memory is there at once")
}

fn typed<T: DeserializeOwned>(request: Request<Bytes>) -> Result<T, ApiError> {
    let Body(value) = extract::<Body<Value>>(request)?;
    from_value(value)
}

fn members(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// Some moment; rules take the time as an argument.
fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap_or_default()
}

fn read(operation: &str, request: Request<Bytes>, body: &[u8]) -> Result<(), ApiError> {
    match operation {
        "POST /applications" => {
            let request: CreateApplication = typed(request)?;
            applications::rules::check_new(request, Leniency::default()).map(drop)
        }
        "PATCH /applications" => {
            let body: RawBody = extract(request)?;
            applications::patch::read("orders", body, Leniency::default()).map(drop)
        }
        "POST /users" => user(&typed(request)?),
        "PATCH /users" => {
            let Body(value) = extract::<Body<Value>>(request)?;
            // By a verification it is read in another way.
            let _ = verifications::rules::patch(&value);
            patched_user(&from_value(value)?)
        }
        "POST /subscriptions" => subscription(&typed(request)?),
        "PATCH /subscriptions" => {
            let Body(value) = extract::<Body<Value>>(request)?;
            subscriptions::change::Patch::read(&value, true).map(drop)
        }
        "PUT /registrations" => {
            let Body(value) = extract::<Body<Value>>(request)?;
            let sample = config::Configuration::sample(&config::Environment::default());
            let Ok(sample) = sample else { return Ok(()) };
            let namespace = value.get("namespace").and_then(Value::as_str);
            let place =
                registrations::rules::find_place(&sample.configuration, "wicked", namespace);
            registrations::rules::properties(place?.0, &members(&value), None, now()).map(drop)
        }
        "PUT /namespaces" => {
            let Body(value) = extract::<Body<Value>>(request)?;
            namespaces::rules::check("tenants", "acme", &value).map(drop)
        }
        "PUT /grants" => {
            let Body(value) = extract::<Body<Value>>(request)?;
            let known = ["read".to_owned(), "write".to_owned()];
            let wanted = grants::rules::wanted("orders", &known, &value, now())?;
            drop(grants::rules::merged(&[], wanted, now()));
            Ok(())
        }
        "POST /credentials" => {
            let request: CreateCredential = typed(request)?;
            credentials::rules::check_name(&request.name)?;
            credentials::rules::check_text("note", request.note.as_deref())?;
            let end = request.expires_at.map(|end| end.0);
            credentials::rules::expiry(end, Some(365), now(), now()).map(drop)
        }
        "PATCH /credentials" => {
            let request: PatchCredential = typed(request)?;
            credentials::rules::check_text("note", request.note.as_deref())?;
            let end = request.expires_at.map(|end| end.0);
            credentials::rules::expiry(end, None, now(), now()).map(drop)
        }
        "POST /credentials/rotate" => {
            let request: RotateCredential = typed(request)?;
            let seconds = request.overlap_seconds;
            credentials::rules::overlap_end(seconds, u64::MAX, None, now()).map(drop)
        }
        _ => read_other(operation, request, body),
    }
}

/// What is left: not about an account, an application or a subscription alone.
fn read_other(operation: &str, request: Request<Bytes>, body: &[u8]) -> Result<(), ApiError> {
    match operation {
        "POST /verifications" => {
            let request: CreateVerification = typed(request)?;
            verifications::rules::check(&request).map(drop)
        }
        "POST /owners" => {
            let owner: AddOwner = typed(request)?;
            let _ = owners::rules::role(&owner.role);
            Ok(())
        }
        "PATCH /owners" => {
            let change: ChangeRole = typed(request)?;
            let _ = owners::rules::role(&change.role);
            Ok(())
        }
        "POST /invitations" => {
            let request: NewInvitation = typed(request)?;
            invitations::rules::check(&request, &[]).map(drop)
        }
        "POST /approvals/approve" => {
            let decision: Decision = typed(request)?;
            approvals::rules::check_text("reason", decision.reason.as_deref())
        }
        "POST /approvals/comments" => {
            let comment: NewComment = typed(request)?;
            approvals::rules::check_text("text", Some(&comment.text))
        }
        "PUT /webhooks/listeners" => {
            let request: Registration = typed(request)?;
            let id = request.id.clone();
            let by = events::listeners::rules::Registrar::Administrator;
            let registered = events::listeners::rules::Registered::check(&id, request, by)?;
            let url = service::http::check_foreign_url(&registered.url, &[]);
            url.map(drop)
                .map_err(|refused| ApiError::bad_request("url", refused.to_string()))
        }
        "PUT /preferences" => preferences::check(&typed(request)?),
        "POST /auditlog/records" => {
            for (index, record) in typed::<Vec<NewAuditRecord>>(request)?
                .into_iter()
                .enumerate()
            {
                audit::intake::checked(record, index, ServiceName::Portal, now())?;
            }
            Ok(())
        }
        "POST /usage/records" => {
            let batch = usage::intake::read(&body.to_vec().into())?;
            batch
                .cells
                .into_iter()
                .for_each(|cell| drop(usage::intake::to_row(cell)));
            Ok(())
        }
        "POST /config/commits" => {
            let Upload(value) = extract::<Upload<Value>>(request)?;
            let commit: CommitRequest = from_value(value)?;
            let mut paths = commit.files.iter().map(|file| &file.path);
            paths.try_for_each(|path| configuration::access::check_path(path))
        }
        "PUT /config/draft" => {
            let Upload(draft) = extract::<Upload<ConfigDraft>>(request)?;
            let mut paths = draft.files.iter().map(|file| &file.path);
            paths.try_for_each(|path| configuration::access::check_path(path))
        }
        _ => extract::<RawBody>(request).map(drop),
    }
}

const fn saving() -> users::rules::Saving<'static> {
    users::rules::Saving {
        now: DateTime::UNIX_EPOCH,
        actor: Some("ada"),
        is_admin: true,
        validated_group: Some("dev"),
    }
}

fn user(request: &CreateUser) -> Result<(), ApiError> {
    if !users::rules::names_somebody(request) {
        return Ok(());
    }
    if let Some(password) = &request.password {
        let is_hashed = request.password_is_hashed.unwrap_or_default();
        if is_hashed {
            crate::passwords::check_hash(password.expose())?;
        } else {
            crate::passwords::check_policy("PW_8_24_UPPER_LOWER_DIGIT_SPECIAL", password.expose())?;
        }
    }
    users::rules::created(request, "id".to_owned(), None, &saving())?;
    Ok(())
}

fn patched_user(patch: &PatchUser) -> Result<(), ApiError> {
    let before = CreateUser {
        email: Some("ada@example.org".to_owned()),
        ..CreateUser::default()
    };
    let before = users::rules::created(&before, "ada".to_owned(), None, &saving())?;
    users::rules::patched(before, patch, None, &saving())?;
    Ok(())
}

fn subscription(request: &CreateSubscription) -> Result<(), ApiError> {
    approvals::rules::check_text("purpose", request.purpose.as_deref())?;
    match &request.apikey {
        Some(key) => {
            let _ = credentials::rules::hints(key);
            credentials::rules::check_chosen_key(key, true)
        }
        None => Ok(()),
    }
}
