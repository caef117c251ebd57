//! The pet store of the sample configuration, in memory.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    routing::get,
};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};

use super::backend::{Body, Refusal};

const MAX_PETS: usize = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Species {
    Cat,
    Dog,
    Rabbit,
    Bird,
    Fish,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    #[default]
    Available,
    Reserved,
    Sold,
}

#[derive(Clone, Debug, Deserialize)]
struct NewPet {
    name: String,
    species: Species,
    #[serde(default)]
    status: Status,
    /// In cents.
    #[serde(default)]
    price: u64,
}

#[derive(Clone, Debug, Serialize)]
struct Pet {
    id: u64,
    name: String,
    species: Species,
    status: Status,
    price: u64,
}

impl NewPet {
    fn check(self, id: u64) -> Result<Pet, Refusal> {
        let length = self.name.chars().count();
        if !(1..=80).contains(&length) {
            return Err(Refusal::invalid("`name` needs 1 to 80 characters"));
        }
        let Self {
            name,
            species,
            status,
            price,
        } = self;
        Ok(Pet {
            id,
            name,
            species,
            status,
            price,
        })
    }
}

struct Shop {
    pets: BTreeMap<u64, Pet>,
    next: u64,
}

type Shared = Arc<Mutex<Shop>>;

pub fn routes() -> Router {
    Router::new()
        .route("/pets", get(list).post(add))
        .route("/pets/{id}", get(read).put(replace).delete(remove))
        .route("/inventory", get(inventory))
        .with_state(Arc::new(Mutex::new(opened())))
}

fn opened() -> Shop {
    use Species::{Bird, Cat, Dog, Fish, Rabbit};
    use Status::{Available, Reserved, Sold};
    let pets = [
        ("Mimi", Cat, Available, 4900),
        ("Rex", Dog, Available, 12_000),
        ("Hoppel", Rabbit, Reserved, 3500),
        ("Kiwi", Bird, Available, 2900),
        ("Nemo", Fish, Available, 900),
        ("Tiger", Cat, Sold, 5200),
    ];
    let pets = (1_u64..)
        .zip(pets)
        .map(|(id, (name, species, status, price))| {
            (
                id,
                Pet {
                    id,
                    name: name.to_owned(),
                    species,
                    status,
                    price,
                },
            )
        });
    let pets: BTreeMap<_, _> = pets.collect();
    Shop {
        next: pets.len() as u64 + 1,
        pets,
    }
}

fn lock(shop: &Shared) -> std::sync::MutexGuard<'_, Shop> {
    shop.lock().expect("no holder of this lock panics")
}

fn unknown(id: u64) -> Refusal {
    Refusal::not_found(format!("There is no pet {id}"))
}

#[derive(Deserialize)]
struct Filter {
    species: Option<Species>,
    limit: Option<usize>,
}

async fn list(
    State(shop): State<Shared>,
    filter: Result<Query<Filter>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Vec<Pet>>, Refusal> {
    let Query(filter) = filter.map_err(|_| {
        Refusal::invalid("`species` has to be cat, dog, rabbit, bird or fish, `limit` a number")
    })?;
    let limit = filter.limit.unwrap_or(20);
    if !(1..=100).contains(&limit) {
        return Err(Refusal::invalid("`limit` has to be a number from 1 to 100"));
    }
    let shop = lock(&shop);
    let wanted = |pet: &&Pet| filter.species.is_none_or(|species| pet.species == species);
    Ok(Json(
        shop.pets
            .values()
            .filter(wanted)
            .take(limit)
            .cloned()
            .collect(),
    ))
}

async fn add(
    State(shop): State<Shared>,
    Body(new): Body<NewPet>,
) -> Result<
    (
        StatusCode,
        [(header::HeaderName, HeaderValue); 1],
        Json<Pet>,
    ),
    Refusal,
> {
    let mut shop = lock(&shop);
    if shop.pets.len() >= MAX_PETS {
        return Err(Refusal(
            StatusCode::CONFLICT,
            "The shop is full; remove a pet first".to_owned(),
        ));
    }
    let pet = new.check(shop.next)?;
    shop.next += 1;
    shop.pets.insert(pet.id, pet.clone());
    let location = HeaderValue::from_str(&format!("/pets/{}", pet.id)).expect("digits are valid");
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        Json(pet),
    ))
}

async fn read(State(shop): State<Shared>, Path(id): Path<u64>) -> Result<Json<Pet>, Refusal> {
    lock(&shop)
        .pets
        .get(&id)
        .cloned()
        .map(Json)
        .ok_or_else(|| unknown(id))
}

async fn replace(
    State(shop): State<Shared>,
    Path(id): Path<u64>,
    Body(new): Body<NewPet>,
) -> Result<Json<Pet>, Refusal> {
    let replacement = new.check(id)?;
    let mut shop = lock(&shop);
    let pet = shop.pets.get_mut(&id).ok_or_else(|| unknown(id))?;
    *pet = replacement;
    Ok(Json(pet.clone()))
}

async fn remove(State(shop): State<Shared>, Path(id): Path<u64>) -> Result<StatusCode, Refusal> {
    lock(&shop)
        .pets
        .remove(&id)
        .map(|_| StatusCode::NO_CONTENT)
        .ok_or_else(|| unknown(id))
}

#[derive(Default, Serialize)]
struct Inventory {
    available: usize,
    reserved: usize,
    sold: usize,
}

async fn inventory(State(shop): State<Shared>) -> Json<Inventory> {
    let mut count = Inventory::default();
    for pet in lock(&shop).pets.values() {
        match pet.status {
            Status::Available => count.available += 1,
            Status::Reserved => count.reserved += 1,
            Status::Sold => count.sold += 1,
        }
    }
    Json(count)
}
