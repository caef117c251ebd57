//! `/wicketgate/maintenance`: closes an API for a while.

use std::sync::Arc;

use http::Method;
use kong::{ApiError, Kind};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Admin, Answer, Reply, body::Input, dispatch::method_not_allowed};
use crate::{maintenance::Notice, store::Key};

/// `GET /wicketgate/maintenance`: what is closed.
pub fn list(admin: &Admin) -> Reply {
    let closed = admin.shared.live.maintenance.all();
    let closed: Vec<Value> = closed
        .iter()
        .map(|(service, notice)| {
            json!({
                "service": { "id": service },
                "message": notice.message,
                "retry_after": notice.retry_after,
            })
        })
        .collect();
    Reply::ok(json!({ "data": closed }))
}

/// `GET`, `PUT` and `DELETE /wicketgate/maintenance/{service}`
pub async fn call<F>(
    admin: &Arc<Admin>,
    method: &Method,
    service: &str,
    input: impl FnOnce() -> F,
) -> Answer
where
    F: Future<Output = Result<Input, ApiError>>,
{
    let key = Key::parse(service);
    let find = move |tables: &crate::store::Tables| Some(tables.find(Kind::Service, &key)?.id);
    let service = admin.store.read(find).await?;
    let service = service.ok_or_else(crate::store::not_found)?;
    match *method {
        Method::GET => match admin.shared.live.maintenance.notice(service) {
            Some(notice) => Ok(Reply::ok(json!(notice))),
            None => Err(crate::store::not_found()),
        },
        Method::PUT => {
            let Input::Json(fields) = input().await? else {
                return Err(ApiError::plain(415, "expected application/json"));
            };
            let notice: Notice = serde_json::from_value(Value::Object(fields))
                .map_err(|error| ApiError::plain(400, format!("not a notice: {error}")))?;
            if let Some(fault) = notice.fault() {
                return Err(ApiError::plain(400, fault));
            }
            set(admin, service, Some(notice.clone())).await?;
            tracing::warn!(service.id = %service, "a service is closed for maintenance");
            Ok(Reply::ok(json!(notice)))
        }
        Method::DELETE => {
            set(admin, service, None).await?;
            tracing::warn!(service.id = %service, "a service is open again");
            Ok(Reply::no_content())
        }
        _ => Err(method_not_allowed()),
    }
}

async fn set(admin: &Arc<Admin>, service: Uuid, notice: Option<Notice>) -> Result<(), ApiError> {
    let live = admin.shared.live.clone();
    let work = tokio::task::spawn_blocking(move || live.maintenance.set(service, notice));
    let outcome = work.await.map_err(std::io::Error::other).flatten();
    outcome.map_err(|error| {
        tracing::error!("cannot write what is closed: {error}");
        ApiError::plain(500, "the change could not be stored")
    })
}
