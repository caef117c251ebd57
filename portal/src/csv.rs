//! Lists as CSV: read from portal-api page by page while the client takes them, so no list is ever
//! in memory as a whole.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use csv::{Terminator, WriterBuilder};
use futures_util::{StreamExt, stream};
use http::{HeaderValue, StatusCode, header};
use sdk::types::page::{CursorPage, Walk};
use serde::Serialize;

use crate::{failure::Failure, links};

/// As many items as portal-api gives at once.
const PAGE: u64 = 500;

const CSV: &str = "text/csv; charset=utf-8";
const JSON_LINES: &str = "application/x-ndjson";

/// The values of one line.
pub type Line = Vec<String>;

/// A value that people have entered. Spreadsheets take what begins with one of these characters
/// for a formula, so it gets an apostrophe in front (portal-ui 11.1).
pub fn guarded(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

/// The items that `fetch` gives, page after page, as a file with these columns. The first page is
/// there before the answer begins, so that a refusal is one.
pub async fn download<T, F>(
    file: &str,
    columns: &[&'static str],
    walk: Walk,
    fetch: impl Fn(Walk) -> F + Clone + Send + 'static,
    lines: impl Fn(T) -> Vec<Line> + Clone + Send + 'static,
) -> Result<Response, Failure>
where
    T: Send + 'static,
    F: Future<Output = Result<CursorPage<T>, sdk::Error>> + Send + 'static,
{
    let head: Line = columns.iter().map(|name| (*name).to_owned()).collect();
    let head = written(vec![head]).unwrap_or_default();
    let write = move |items: Vec<T>| written(items.into_iter().flat_map(&lines).collect());
    Ok(answer(file, CSV, pages(head, walk, fetch, write).await?))
}

/// The same items, each as JSON on a line of its own.
pub async fn json_lines<T, F>(
    file: &str,
    walk: Walk,
    fetch: impl Fn(Walk) -> F + Clone + Send + 'static,
) -> Result<Response, Failure>
where
    T: Serialize + Send + 'static,
    F: Future<Output = Result<CursorPage<T>, sdk::Error>> + Send + 'static,
{
    let write = |items: Vec<T>| {
        let mut text = Vec::new();
        for item in items {
            serde_json::to_writer(&mut text, &item)?;
            text.push(b'\n');
        }
        Ok::<_, serde_json::Error>(Bytes::from(text))
    };
    let body = pages(Bytes::new(), walk, fetch, write).await?;
    Ok(answer(file, JSON_LINES, body))
}

async fn pages<T, F, E>(
    head: Bytes,
    walk: Walk,
    fetch: impl Fn(Walk) -> F + Clone + Send + 'static,
    write: impl Fn(Vec<T>) -> Result<Bytes, E> + Clone + Send + 'static,
) -> Result<Body, Failure>
where
    T: Send + 'static,
    F: Future<Output = Result<CursorPage<T>, sdk::Error>> + Send + 'static,
    E: std::error::Error + Send + Sync + 'static,
{
    let walk = Walk {
        limit: PAGE,
        ..walk
    };
    let first = fetch(walk.clone()).await?;
    let rest = stream::try_unfold(Some(first), move |page| {
        let (fetch, write, walk) = (fetch.clone(), write.clone(), walk.clone());
        async move {
            let Some(page) = page else {
                return Ok::<_, Box<dyn std::error::Error + Send + Sync>>(None);
            };
            let text = write(page.items)?;
            let next = match page.next {
                None => None,
                Some(cursor) => Some(fetch(Walk { cursor, ..walk }).await?),
            };
            Ok(Some((text, next)))
        }
    });
    Ok(Body::from_stream(stream::iter([Ok(head)]).chain(rest)))
}

/// Lines that are there already, as a file.
pub fn file(name: &str, lines: Vec<Line>) -> Response {
    match written(lines) {
        Ok(text) => answer(name, CSV, Body::from(text)),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn written(lines: Vec<Line>) -> Result<Bytes, csv::Error> {
    let mut writer = WriterBuilder::new()
        .delimiter(b';')
        .terminator(Terminator::CRLF)
        .from_writer(Vec::new());
    for line in lines {
        writer.write_record(line)?;
    }
    writer
        .into_inner()
        .map(Bytes::from)
        .map_err(|error| error.into_error().into())
}

fn answer(file: &str, kind: &'static str, body: Body) -> Response {
    let name = format!("attachment; filename=\"{}\"", links::segment(file));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::try_from(name).unwrap_or(HeaderValue::from_static("attachment")),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_where_needed_and_are_no_formulas() {
        let line = ["=1+1", "a;b", "say \"no\"", "two\nlines", "-", "plain"].map(guarded);
        let text = written(vec![line.to_vec()]).unwrap();
        assert_eq!(
            text,
            "'=1+1;\"a;b\";\"say \"\"no\"\"\";\"two\nlines\";'-;plain\r\n"
        );
        for text in ["+1", "-1", "@x", "\tx"] {
            assert_eq!(guarded(text), format!("'{text}"));
        }
    }
}
