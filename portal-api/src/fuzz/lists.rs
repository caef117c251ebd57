//! Queries of lists: parameters, filters, orders and cursors, up to the statement that a real
//! database carries out.

use std::collections::BTreeSet;

use axum::{body::HttpBody, response::IntoResponse};
use chrono::{DateTime, TimeDelta, Utc};
use migrations::{Database, Location, portal_api::Migrator};
use sdk::types::ClientType;
use sea_orm::{EntityTrait, FromQueryResult, Order, Select, sea_query::Expr};
use tokio::runtime::{Builder, Runtime};

use super::expect_refusal;
use crate::{
    ApiError,
    applications::{self, rules::NewApplication},
    audit,
    paging::{self, Fields, ListQuery, Listed, Parameters, Sort},
};

/// Rows of each list.
const ROWS: usize = 24;
/// Names that comparisons may stumble over; some are there several times.
const NAMES: [&str; 8] = [
    "Orders", "orders", "Ärger", "100%", "a_b", "a\\b", "", "日本",
];

/// A database with some rows, and a thread to wait for it.
pub struct Lists {
    runtime: Runtime,
    db: Database,
}

impl Lists {
    /// Fills the database at `location`, which has to be empty.
    pub fn open(location: &Location) -> anyhow::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let db = runtime.block_on(filled(location))?;
        Ok(Self { runtime, db })
    }

    /// Reads `input` as a list and its query: `applications?limit=5&cursor=`.
    pub fn query(&self, input: &[u8]) {
        // As in an address: whatever else there is comes in percent-encoded.
        let Ok(text) = std::str::from_utf8(input) else {
            return;
        };
        let (list, query) = text.split_once('?').unwrap_or(("", text));
        let parameters = Parameters::parse(query);
        if query.contains("%00") {
            return; // refused before it is read
        }
        match list {
            "auditlog" => self.runtime.block_on(self.records(&parameters)),
            "short" => short(&parameters),
            _ => self.runtime.block_on(self.applications(&parameters)),
        }
    }

    async fn applications(&self, parameters: &Parameters) {
        use applications::row::{Column, Entity};
        let id = || Expr::col((Entity, Column::Id));
        let list = List {
            select: Entity::find(),
            fields: applications::list::fields(),
            default: Sort::by(id(), Order::Asc),
            id: id(),
        };
        let key = |row: &applications::row::Model| row.id.clone();
        self.look(&list, ListQuery::read(parameters), parameters, key)
            .await;
    }

    async fn records(&self, parameters: &Parameters) {
        use audit::row::{Column, Entity};
        let query = ListQuery::read(parameters);
        let (select, query) = match audit::list::within(Entity::find(), query) {
            Ok(both) => both,
            Err(error) => return expect_refusal(&error),
        };
        let list = List {
            select,
            fields: audit::list::fields(),
            default: Sort::by_time(Expr::col((Entity, Column::OccurredAt)), Order::Desc),
            id: Expr::col((Entity, Column::Seq)),
        };
        let key = |row: &audit::row::Model| row.seq.to_string();
        self.look(&list, query, parameters, key).await;
    }

    /// Asks for the page, and for those behind it: no row twice, and an end.
    async fn look<E>(
        &self,
        list: &List<E>,
        query: ListQuery,
        parameters: &Parameters,
        key: impl Fn(&E::Model) -> String,
    ) where
        E: EntityTrait,
        E::Model: FromQueryResult + Send + Sync,
    {
        let mut query = query;
        let mut parameters = parameters.clone();
        let mut seen = BTreeSet::new();
        loop {
            let page = match self.page(list, &query).await {
                Ok(page) => page,
                Err(error) => return expect_refusal(&error),
            };
            let page = page.map(|row| key(&row));
            for id in page.items() {
                assert!(seen.insert(id.clone()), "a row is there twice");
            }
            let next = match &page {
                Listed::ByOffset(page) => {
                    assert!(page.count >= page.items.len() as u64);
                    None
                }
                Listed::ByCursor { page, .. } => {
                    assert!(page.items.len() as u64 <= page.limit);
                    page.next.clone()
                }
            };
            assert!(!page.into_response().body().is_end_stream());
            let Some(next) = next else { return };
            parameters = parameters.with("cursor", &next);
            query = ListQuery::read(&parameters);
        }
    }

    async fn page<E>(&self, list: &List<E>, query: &ListQuery) -> Result<Listed<E::Model>, ApiError>
    where
        E: EntityTrait,
        E::Model: FromQueryResult + Send + Sync,
    {
        let (select, default, id) = (list.select.clone(), list.default.clone(), list.id.clone());
        paging::page(self.db.read(), select, query, &list.fields, default, id).await
    }
}

/// What a list of the API hands to [`paging::page`].
struct List<E: EntityTrait> {
    select: Select<E>,
    fields: Fields,
    default: Sort,
    id: Expr,
}

/// A list that is not paged by the database.
fn short(parameters: &Parameters) {
    let items = || NAMES.map(str::to_owned).to_vec();
    for answer in [
        paging::complete(items(), parameters, |item| item),
        paging::array(items(), parameters, |item| item),
    ] {
        if let Err(error) = answer {
            expect_refusal(&error);
        }
    }
}

async fn filled(location: &Location) -> anyhow::Result<Database> {
    let db = Database::open::<Migrator>(location, 2).await?;
    let txn = db.write().await?;
    let start: DateTime<Utc> = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
    for number in 0..ROWS {
        let name = NAMES[number % NAMES.len()];
        // Some moments are shared.
        let at = start + TimeDelta::seconds(i64::try_from(number / 5)?);
        let new = NewApplication {
            id: format!("app-{number:02}"),
            name: name.to_owned(),
            description: (number % 3 == 0).then(|| name.repeat(number)),
            main_url: None,
            client_type: ClientType::PublicSpa,
            redirect_uris: vec![format!("https://{number}.example.org/")],
            oauth: None,
            team: None,
        };
        applications::store::insert(&txn, new, None, at).await?;
        let mut entry = audit::Entry::new(audit::Actor::operator(), "application", name);
        entry.at = at;
        entry.entity_id = (number % 2 == 0).then(|| format!("app-{number:02}"));
        audit::append(&txn, entry).await?;
    }
    txn.commit().await?;
    Ok(db)
}
