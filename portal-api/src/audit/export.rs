//! The log as one stream, oldest first: JSON lines or CSV.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, header};
use sdk::types::audit::AuditRecord;
use sea_orm::{QueryOrder, QuerySelect, entity::prelude::*};
use serde_json::Value;

use super::{row, wire};
use crate::AppState;

/// Records read at a time.
const BATCH: u64 = 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    JsonLines,
    Csv,
}

impl Format {
    /// The stream that a caller accepts; absent for the ordinary answer.
    pub fn accepted(headers: &HeaderMap) -> Option<Self> {
        let accept = headers.get(header::ACCEPT)?.to_str().ok()?;
        let is_first = |kind: &str| accept.split(',').any(|one| one.trim().starts_with(kind));
        if accept.contains("application/json") {
            None
        } else if is_first("application/x-ndjson") || is_first("application/jsonl") {
            Some(Self::JsonLines)
        } else if is_first("text/csv") {
            Some(Self::Csv)
        } else {
            None
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::JsonLines => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }

    fn head(self) -> &'static str {
        match self {
            Self::JsonLines => "",
            Self::Csv => {
                "id,time,actorId,actorType,actorEmail,via,action,entity,entityId,before,after,data,\
                 sourceAddress,correlationId,outcome,previousHash,hash\r\n"
            }
        }
    }

    fn line(self, record: &AuditRecord) -> String {
        match self {
            Self::JsonLines => {
                let mut line = serde_json::to_string(record).expect("wire types are always JSON");
                line.push('\n');
                line
            }
            Self::Csv => csv(record),
        }
    }
}

/// All records that `select` finds. They are read as the client takes them.
pub fn stream(state: &AppState, select: Select<row::Entity>, format: Format) -> Response {
    let state = state.clone();
    let head = (!format.head().is_empty()).then(|| format.head());
    let first = (Some(0_i64), head.map(str::to_owned).unwrap_or_default());
    let lines = stream::try_unfold(first, move |(after, mut text)| {
        let (state, select) = (state.clone(), select.clone());
        async move {
            let Some(after) = after else {
                return Ok::<_, DbErr>(None);
            };
            let rows = select
                .filter(row::Column::Seq.gt(after))
                .order_by_asc(row::Column::Seq)
                .limit(BATCH)
                .all(state.db.read())
                .await?;
            let last = rows.last().map(|row| row.seq);
            for row in &rows {
                text.push_str(&format.line(&wire::record(row)));
            }
            Ok(Some((Bytes::from(text), (last, String::new()))))
        }
    });
    let kind = [(header::CONTENT_TYPE, format.media_type())];
    (kind, Body::from_stream(lines)).into_response()
}

fn csv(record: &AuditRecord) -> String {
    let json = |value: &Option<Value>| value.as_ref().map(ToString::to_string);
    let time = record.time.to_string();
    let cells = [
        Some(record.id.clone()),
        Some(time),
        record.actor.id.clone(),
        Some(record.actor.kind.clone()),
        record.actor.email.clone(),
        record.via.clone(),
        Some(record.action.clone()),
        Some(record.entity.clone()),
        record.entity_id.clone(),
        json(&record.before),
        json(&record.after),
        json(&record.data),
        record.source_address.clone(),
        record.correlation_id.clone(),
        Some(record.outcome.clone()),
        record.previous_hash.clone(),
        record.hash.clone(),
    ];
    let mut line = cells
        .map(|cell| quoted(&cell.unwrap_or_default()))
        .join(",");
    line.push_str("\r\n");
    line
}

/// A cell of RFC 4180. What a spreadsheet would take for a formula gets a quote in front.
fn quoted(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        "'"
    } else {
        ""
    };
    if guard.is_empty() && !text.contains([',', '"', '\n', '\r', ';']) {
        return text.to_owned();
    }
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_are_texts() {
        assert_eq!(quoted("plain"), "plain");
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(quoted("=1+1"), "\"'=1+1\"");
    }

    #[test]
    fn only_who_asks_for_a_stream_gets_one() {
        let accepted = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, text.parse().unwrap());
            Format::accepted(&headers)
        };
        assert_eq!(accepted("application/x-ndjson"), Some(Format::JsonLines));
        assert_eq!(accepted("text/csv"), Some(Format::Csv));
        assert_eq!(accepted("*/*"), None);
        assert_eq!(accepted("application/json, text/*;q=0.9"), None);
    }
}
