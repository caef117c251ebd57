//! Lists as CSV: read from portal-api page by page while the client takes them, so no list is ever
//! in memory as a whole.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use csv::{Terminator, WriterBuilder};
use futures_util::stream;
use http::{HeaderValue, StatusCode, header};
use sdk::types::page::{CursorPage, Walk};

use crate::{failure::Failure, links};

/// As many items as portal-api gives at once.
const PAGE: u64 = 500;

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
    let walk = Walk {
        limit: PAGE,
        ..walk
    };
    let first = fetch(walk.clone()).await?;
    let head: Line = columns.iter().map(|name| (*name).to_owned()).collect();
    let begin = Some((first, vec![head]));
    let pages = stream::try_unfold(begin, move |state| {
        let (fetch, lines, walk) = (fetch.clone(), lines.clone(), walk.clone());
        async move {
            let Some((page, mut text)) = state else {
                return Ok::<_, Box<dyn std::error::Error + Send + Sync>>(None);
            };
            text.extend(page.items.into_iter().flat_map(lines));
            let next = match page.next {
                None => None,
                Some(cursor) => Some((fetch(Walk { cursor, ..walk }).await?, Vec::new())),
            };
            Ok(Some((written(text)?, next)))
        }
    });
    Ok(answer(file, Body::from_stream(pages)))
}

/// Lines that are there already, as a file.
pub fn file(name: &str, lines: Vec<Line>) -> Response {
    match written(lines) {
        Ok(text) => answer(name, Body::from(text)),
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

fn answer(file: &str, body: Body) -> Response {
    let name = format!("attachment; filename=\"{}\"", links::segment(file));
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/csv; charset=utf-8"),
        ),
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
