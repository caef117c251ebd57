//! The orders of the sample configuration, in memory. Shows what a backend learns from the gateway:
//! who the caller is and which scopes his token holds.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Json, Router,
    extract::{Path, Query, State, rejection::QueryRejection},
    routing::get,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};

use super::backend::{Body, Refusal, caller, has_scope};

const MAX_ORDERS: usize = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Placed,
    Cancelled,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Item {
    product: String,
    quantity: u32,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Order {
    id: u64,
    status: Status,
    customer: String,
    placed_at: String,
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct NewOrder {
    items: Vec<Item>,
}

impl NewOrder {
    fn check(self) -> Result<Vec<Item>, Refusal> {
        if !(1..=50).contains(&self.items.len()) {
            return Err(Refusal::invalid("`items` needs 1 to 50 items"));
        }
        for item in &self.items {
            if !(1..=80).contains(&item.product.chars().count()) {
                return Err(Refusal::invalid("`product` needs 1 to 80 characters"));
            }
            if !(1..=1000).contains(&item.quantity) {
                return Err(Refusal::invalid(
                    "`quantity` has to be a number from 1 to 1000",
                ));
            }
        }
        Ok(self.items)
    }
}

#[derive(Clone, Default)]
struct Orders(Arc<Mutex<BTreeMap<u64, Order>>>);

impl Orders {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Order>> {
        self.0.lock().expect("no holder of this lock panics")
    }
}

pub fn routes() -> Router {
    Router::new()
        .route("/orders", get(list).post(place))
        .route("/orders/{id}", get(read).delete(cancel))
        .with_state(Orders::default())
}

fn require(headers: &HeaderMap, scope: &str) -> Result<(), Refusal> {
    if has_scope(headers, scope) {
        return Ok(());
    }
    Err(Refusal(
        StatusCode::FORBIDDEN,
        format!("This call needs the scope {scope}"),
    ))
}

fn unknown(id: u64) -> Refusal {
    Refusal::not_found(format!("There is no order {id}"))
}

#[derive(Deserialize)]
struct Filter {
    status: Option<Status>,
    limit: Option<usize>,
}

async fn list(
    State(orders): State<Orders>,
    headers: HeaderMap,
    filter: Result<Query<Filter>, QueryRejection>,
) -> Result<Json<Vec<Order>>, Refusal> {
    require(&headers, "read_orders")?;
    let Query(filter) = filter.map_err(|_| {
        Refusal::invalid("`status` has to be placed or cancelled, `limit` a number")
    })?;
    let limit = filter.limit.unwrap_or(20);
    if !(1..=100).contains(&limit) {
        return Err(Refusal::invalid("`limit` has to be a number from 1 to 100"));
    }
    let orders = orders.lock();
    let wanted = |order: &&Order| filter.status.is_none_or(|status| order.status == status);
    Ok(Json(
        orders
            .values()
            .filter(wanted)
            .take(limit)
            .cloned()
            .collect(),
    ))
}

async fn place(
    State(orders): State<Orders>,
    headers: HeaderMap,
    Body(new): Body<NewOrder>,
) -> Result<
    (
        StatusCode,
        [(header::HeaderName, HeaderValue); 1],
        Json<Order>,
    ),
    Refusal,
> {
    require(&headers, "write_orders")?;
    let items = new.check()?;
    let mut orders = orders.lock();
    if orders.len() >= MAX_ORDERS {
        return Err(Refusal(
            StatusCode::CONFLICT,
            "No more orders fit into memory".to_owned(),
        ));
    }
    let order = Order {
        id: orders.len() as u64 + 1,
        status: Status::Placed,
        customer: caller(&headers),
        placed_at: service::clock::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        items,
    };
    orders.insert(order.id, order.clone());
    let location =
        HeaderValue::from_str(&format!("/orders/{}", order.id)).expect("digits are valid");
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        Json(order),
    ))
}

async fn read(
    State(orders): State<Orders>,
    headers: HeaderMap,
    Path(id): Path<u64>,
) -> Result<Json<Order>, Refusal> {
    require(&headers, "read_orders")?;
    orders
        .lock()
        .get(&id)
        .cloned()
        .map(Json)
        .ok_or_else(|| unknown(id))
}

async fn cancel(
    State(orders): State<Orders>,
    headers: HeaderMap,
    Path(id): Path<u64>,
) -> Result<Json<Order>, Refusal> {
    require(&headers, "write_orders")?;
    let mut orders = orders.lock();
    let order = orders.get_mut(&id).ok_or_else(|| unknown(id))?;
    order.status = Status::Cancelled;
    Ok(Json(order.clone()))
}
