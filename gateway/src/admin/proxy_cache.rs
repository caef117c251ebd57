//! `/proxy-cache`: answers that the plugin keeps, as Kong's Admin API shows them.

use std::sync::Arc;

use http::Method;
use kong::Kind;
use uuid::Uuid;

use super::{Admin, Answer, Reply, dispatch::method_not_allowed};
use crate::{plugins::proxy_cache::Key, store, store::not_found};

/// `DELETE /proxy-cache`, `GET` and `DELETE /proxy-cache/{key}`, the same for one plugin's at
/// `/proxy-cache/{plugin}/caches/{key}`.
pub async fn call(admin: &Arc<Admin>, method: &Method, rest: &[&str]) -> Answer {
    let cache = &admin.shared.cache;
    let (plugin, key) = match (method, rest) {
        (&Method::DELETE, []) => {
            cache.clear();
            return Ok(Reply::no_content());
        }
        (_, []) => return Err(method_not_allowed()),
        (_, [key]) => (None, *key),
        (_, [plugin, "caches", key]) => (Some(find(admin, plugin).await?), *key),
        _ => return Err(not_found()),
    };
    let key = Key::parse(key).ok_or_else(not_found)?;
    let now = service::clock::now().timestamp();
    let stored = cache.show(&key, plugin, now).ok_or_else(not_found)?;
    match *method {
        Method::GET => Ok(Reply::ok(stored)),
        Method::DELETE => {
            cache.remove(&key);
            Ok(Reply::no_content())
        }
        _ => Err(method_not_allowed()),
    }
}

async fn find(admin: &Admin, plugin: &str) -> Result<Uuid, kong::ApiError> {
    let key = store::Key::parse(plugin);
    let find = move |tables: &store::Tables| {
        let row = tables.find(Kind::Plugin, &key)?;
        (row.text("name").as_deref() == Some("proxy-cache")).then_some(row.id)
    };
    admin.store.read(find).await?.ok_or_else(not_found)
}
