//! `POST /export`

use axum::{
    body::{Body, Bytes},
    extract::State,
    response::{IntoResponse, Response},
};
use http::header;
use sea_orm::{DatabaseTransaction, DbErr};
use serde_json::{Map, json};
use service::keys::Purpose;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{MEDIA_TYPE, lines::Writer, require_operator, rows, tables::TABLES};
use crate::{
    ApiError, AppState,
    audit::{self, Entry},
    caller::Caller,
};

/// Pieces that wait for the caller; whoever reads slowly holds the database up, not the memory.
const WAITING: usize = 8;

/// Everything as of one moment, read as the caller takes it.
#[tracing::instrument(skip_all)]
pub async fn export(State(state): State<AppState>, caller: Caller) -> Result<Response, ApiError> {
    require_operator(&caller)?;
    let txn = state.db.write().await?;
    let entry = Entry::new(caller.actor(), "export", "add");
    audit::record(&txn, &state, entry).await?;
    state.commit(txn).await?;
    let mut writer = Writer::new(&state.keys.derive(&Purpose::Archive)?);
    let txn = state.db.snapshot().await?;
    let (sender, receiver) = mpsc::channel(WAITING);
    let gone = CancellationToken::new();
    let body = {
        // Dropped with the answer, also when the caller goes away.
        let guard = gone.clone().drop_guard();
        futures_util::stream::unfold((receiver, guard), async |(mut receiver, guard)| {
            let piece: Result<Bytes, DbErr> = receiver.recv().await?;
            Some((piece, (receiver, guard)))
        })
    };
    tokio::spawn(async move {
        let written = tokio::select! {
            written = write(&txn, &mut writer, &sender) => written,
            () = gone.cancelled() => return,
        };
        let last = written.map(|counts| Bytes::from(writer.end(&counts)));
        if let Err(error) = &last {
            tracing::error!(%error, "the export is broken off");
        }
        sender.send(last).await.ok();
        txn.rollback().await.ok();
    });
    let headers = [
        (header::CONTENT_TYPE, MEDIA_TYPE),
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"wicketgate.archive\"",
        ),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

async fn write(
    txn: &DatabaseTransaction,
    writer: &mut Writer,
    sender: &mpsc::Sender<Result<Bytes, DbErr>>,
) -> Result<Map<String, serde_json::Value>, DbErr> {
    let mut counts = Map::new();
    for table in TABLES {
        writer.table(table);
        let mut count = 0_u64;
        let mut after = None;
        loop {
            let page = rows::page(txn, table, after.as_deref()).await?;
            count += page.len() as u64;
            let is_last = (page.len() as u64) < table.batch;
            after = page.last().map(|row| rows::key(table, row));
            for row in page {
                writer.row(row);
            }
            let ready = writer.take();
            if !ready.is_empty() && sender.send(Ok(ready.into())).await.is_err() {
                return Err(DbErr::Custom("the caller went away".to_owned()));
            }
            if is_last {
                break;
            }
        }
        counts.insert(table.name.to_owned(), json!(count));
    }
    Ok(counts)
}
