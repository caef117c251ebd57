//! `POST /import`
//!
//! What arrives goes to a file and is checked to the last byte. Only then the data is replaced, in
//! one transaction: an archive that is broken, cut off or made with another key changes nothing.

use std::{io, path::Path, time::Duration};

use axum::{
    Json,
    body::{Body, BodyDataStream},
    extract::State,
};
use bytes::Bytes;
use futures_util::StreamExt;
use http::StatusCode;
use sdk::types::archive::ImportedData;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr};
use serde_json::{Map, Value, json};
use service::{
    http::{CorrelationId, TimeLimit, current_correlation_id, with_correlation_id},
    keys::{Key, Purpose},
    problem::Problem,
};
use tokio::{
    fs::{File, OpenOptions},
    io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt},
};

use super::{
    lines::{Broken, Line, Reader, Script},
    require_operator, rows,
    tables::{TABLES, Table},
};
use crate::{
    ApiError, AppState,
    audit::{self, Entry},
    bootstrap,
    caller::Caller,
    events::{self, Event},
    paging::Parameters,
    rotation, sql,
};

/// Longest archive; it has to find room on the disk.
const LONGEST: u64 = 64 << 30;
/// How long the caller may send nothing.
const PATIENCE: Duration = Duration::from_secs(30);
/// Rows and bytes that are stored at a time.
const BATCH: usize = 200;
const BATCH_BYTES: usize = 4 << 20;
/// The portal's own application, which every installation has.
const OWN: &str = "__portal";

/// Replaces all data by that of the archive; with data of users here only if `?replace=true`.
#[tracing::instrument(skip_all)]
pub async fn import(
    State(state): State<AppState>,
    caller: Caller,
    parameters: Parameters,
    limit: Limit,
    body: Body,
) -> Result<Json<ImportedData>, ApiError> {
    require_operator(&caller)?;
    limit.0.lift();
    let key = state.keys.derive(&Purpose::Archive)?;
    let kept = receive(&state, key.clone(), body.into_data_stream()).await?;
    // A task of its own: a caller who goes away does not leave a long transaction half done.
    let replaces = parameters.is_on("replace");
    let work = async move { replace(&state, &caller, &key, kept, replaces).await };
    let correlation = CorrelationId(current_correlation_id().unwrap_or_default());
    let work = tokio::spawn(with_correlation_id(correlation, work));
    let rows = work
        .await
        .map_err(|error| ApiError::Internal(error.into()))??;
    let rows = rows
        .into_iter()
        .map(|(table, rows)| (table, rows.as_u64().unwrap_or_default()));
    Ok(Json(ImportedData {
        rows: rows.collect(),
    }))
}

/// The time limit of the request.
pub struct Limit(TimeLimit);

impl<S: Sync> axum::extract::FromRequestParts<S> for Limit {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        _: &S,
    ) -> Result<Self, Self::Rejection> {
        Ok(Self(TimeLimit::of(&parts.extensions)))
    }
}

/// Takes the archive in, as it comes, encrypted, and checks every piece and line of it.
async fn receive(state: &AppState, key: Key, mut body: BodyDataStream) -> Result<File, ApiError> {
    let internal = |error: io::Error| ApiError::Internal(error.into());
    let mut file = nameless(&state.data).await.map_err(internal)?;
    let (mut reader, mut script) = (Reader::new(key), Script::default());
    let mut length = 0;
    while let Some(bytes) = next(&mut body).await? {
        length += bytes.len() as u64;
        if length > LONGEST {
            return Err(too_large());
        }
        reader.push(&bytes)?;
        check(&mut reader, &mut script)?;
        file.write_all(&bytes).await.map_err(internal)?;
    }
    reader.end()?;
    check(&mut reader, &mut script)?;
    script.finish()?;
    file.flush().await.map_err(internal)?;
    file.rewind().await.map_err(internal)?;
    Ok(file)
}

/// A file whose name is gone already, so that nothing is left over, however this ends.
async fn nameless(folder: &Path) -> io::Result<File> {
    tokio::fs::create_dir_all(folder).await?;
    let path = folder.join(format!("import-{}", service::random::hex_id()));
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    options.mode(0o600);
    let file = options.open(&path).await?;
    tokio::fs::remove_file(&path).await?;
    Ok(file)
}

async fn next(body: &mut BodyDataStream) -> Result<Option<Bytes>, ApiError> {
    let broken = || {
        let message = "The archive did not arrive as a whole. Nothing was changed.";
        ApiError::bad_request("unreadable-body", message)
    };
    let next = tokio::time::timeout(PATIENCE, body.next()).await;
    next.map_err(|_| broken())?
        .transpose()
        .map_err(|_| broken())
}

fn too_large() -> ApiError {
    ApiError::Refused(Box::new(Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too-large",
        format!("An archive has at most {} GiB.", LONGEST >> 30),
    )))
}

fn check(reader: &mut Reader, script: &mut Script) -> Result<(), Broken> {
    while let Some(line) = reader.line() {
        script.read(line)?;
    }
    Ok(())
}

async fn replace(
    state: &AppState,
    caller: &Caller,
    key: &Key,
    archive: File,
    replaces: bool,
) -> Result<Map<String, Value>, ApiError> {
    let txn = state.db.write().await?;
    keep_others_out(&txn).await?;
    if !replaces && has_data(&txn).await? {
        let message = "There is data here that the archive would replace; add `?replace=true` if \
                       that is wanted.";
        return Err(ApiError::conflict("not-empty", message));
    }
    let mut highest = Vec::new();
    for table in TABLES.iter().filter(|table| table.is_numbered) {
        highest.push((table, rows::highest(&txn, table).await?));
    }
    for table in TABLES.iter().rev() {
        rows::clear(&txn, table).await?;
    }
    let rows = store(&txn, key.clone(), archive).await?;
    for (table, before) in highest {
        let highest = Ord::max(before, rows::highest(&txn, table).await?);
        rows::count_on(&txn, table, highest).await?;
    }
    let entry = Entry::new(caller.actor(), "import", "done");
    let entry = entry.with_data(json!({"rows": rows}));
    audit::record(&txn, state, entry).await?;
    events::enqueue(&txn, state, Event::imported()).await?;
    // The gateway knows by the number of the last such event whether it is up to date.
    events::enqueue(&txn, state, Event::application_updated(OWN, None)).await?;
    state.commit(txn).await?;
    tracing::info!("all data was replaced by that of an archive");
    rotation::take_lookup_key(&state.db, &state.keys).await?;
    bootstrap::follow(state).await?;
    Ok(rows)
}

/// On `PostgreSQL` nobody writes in between; reading goes on. `SQLite` has one writer.
async fn keep_others_out(txn: &DatabaseTransaction) -> Result<(), DbErr> {
    if txn.get_database_backend() == DbBackend::Postgres {
        let names: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
        let sql = format!("lock table {} in exclusive mode", names.join(", "));
        txn.execute_unprepared(&sql).await?;
    }
    Ok(())
}

/// Whether people have done something here beyond what a start does by itself.
async fn has_data(txn: &DatabaseTransaction) -> Result<bool, DbErr> {
    let sql = "select cast(1 as bigint) where exists (select 1 from applications where id <> $1) \
               or exists (select 1 from teams) or exists (select 1 from registrations)";
    let found = sql::number(txn, sql, [OWN.into()]).await?;
    Ok(found.is_some())
}

/// Reads the file again and stores its rows.
async fn store(
    txn: &DatabaseTransaction,
    key: Key,
    mut archive: File,
) -> Result<Map<String, Value>, ApiError> {
    let internal = |error: io::Error| ApiError::Internal(error.into());
    let (mut reader, mut script) = (Reader::new(key), Script::default());
    let mut batch = Batch::default();
    let mut piece = vec![0; 256 * 1024];
    loop {
        let length = archive.read(&mut piece).await.map_err(internal)?;
        if length == 0 {
            reader.end()?;
        } else {
            reader.push(&piece[..length])?;
        }
        while let Some(line) = reader.line() {
            let size = line.len();
            if let Line::Row(table, row) = script.read(line)? {
                batch.add(txn, table, row, size).await?;
            }
        }
        if length == 0 {
            break;
        }
    }
    batch.write(txn).await?;
    Ok(script.finish()?)
}

/// Rows of one table that are stored together.
#[derive(Default)]
struct Batch {
    table: Option<&'static Table>,
    rows: Vec<Vec<Value>>,
    bytes: usize,
}

impl Batch {
    async fn add(
        &mut self,
        txn: &DatabaseTransaction,
        table: &'static Table,
        row: Vec<Value>,
        size: usize,
    ) -> Result<(), ApiError> {
        let is_other = self.table.is_some_and(|before| before.name != table.name);
        if is_other || self.rows.len() >= BATCH || self.bytes + size > BATCH_BYTES {
            self.write(txn).await?;
        }
        self.table = Some(table);
        self.rows.push(row);
        self.bytes += size;
        Ok(())
    }

    async fn write(&mut self, txn: &DatabaseTransaction) -> Result<(), ApiError> {
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        let Some(table) = self.table.filter(|_| !rows.is_empty()) else {
            return Ok(());
        };
        // It opened with our key, so it is one of ours; but not necessarily of this release.
        rows::insert(txn, table, rows).await.map_err(|error| {
            tracing::warn!(%error, "an archive does not fit into table {}", table.name);
            let message = format!("the rows of `{}` do not fit", table.name);
            Broken::Malformed(message).into()
        })
    }
}
