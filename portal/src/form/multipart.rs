//! Forms with files (RFC 7578), whole in memory: their size is bounded before they come here.

use std::{convert::Infallible, future::ready};

use axum::body::Bytes;
use futures_util::stream;
use multer::Multipart;

/// Names and texts of at most `max` parts, or what is wrong. A file is its content.
pub async fn fields(
    body: Bytes,
    boundary: String,
    max: usize,
) -> Result<Vec<(String, String)>, String> {
    let broken = |error| format!("the form cannot be read: {error}");
    let body = stream::once(ready(Ok::<_, Infallible>(body)));
    let mut form = Multipart::new(body, boundary);
    let mut fields = Vec::new();
    while let Some(field) = form.next_field().await.map_err(broken)? {
        if fields.len() == max {
            return Err(format!("the form has more than {max} fields"));
        }
        let name = field.name().filter(|name| !name.is_empty());
        let name = name.ok_or("a part of the form has no name")?.to_owned();
        let content = field.bytes().await.map_err(broken)?;
        let text = std::str::from_utf8(&content).map_err(|error| {
            let before = &content[..error.valid_up_to()];
            let line = memchr::memchr_iter(b'\n', before).count() + 1;
            format!("`{name}` is no text in UTF-8 (line {line})")
        })?;
        fields.push((name, text.trim_start_matches('\u{feff}').to_owned()));
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "Content-Disposition: form-data; name";

    async fn read(body: impl Into<Bytes>) -> Result<Vec<(String, String)>, String> {
        fields(body.into(), "xYz".to_owned(), 3).await
    }

    #[tokio::test]
    async fn fields_and_files_are_read_as_browsers_send_them() {
        let body = format!(
            "--xYz\r\n{HEAD}=\"_csrf\"\r\n\r\nabc\r\n--xYz\r\n{HEAD}=\"file\"; \
             filename=\"a;name=b.json\"\r\nContent-Type: application/json\r\n\r\n\u{feff}{{\r\n--xY\n}}\
             \r\n--xYz\r\n{HEAD}=\"text\"\r\n\r\n\r\n--xYz--\r\n"
        );
        let fields = read(body).await.unwrap();
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
        assert_eq!(
            fields,
            [("_csrf", "abc"), ("file", "{\r\n--xY\n}"), ("text", "")]
        );
    }

    #[tokio::test]
    async fn what_is_no_form_is_refused_and_named() {
        let part = format!("--xYz\r\n{HEAD}=\"file\"\r\n\r\n");
        let four = format!("{part}a\r\n").repeat(4);
        for (body, fault) in [
            (String::new(), "cannot be read"),
            ("abc".to_owned(), "cannot be read"),
            (
                "--xYz\r\nabc\r\n\r\nx\r\n--xYz--".to_owned(),
                "cannot be read",
            ),
            ("--xYz\r\nA: b\r\n\r\nx\r\n--xYz--".to_owned(), "no name"),
            (part.clone(), "cannot be read"),
            (format!("{part}abc"), "cannot be read"),
            (format!("{four}--xYz--"), "more than 3"),
        ] {
            let error = read(body.clone()).await.unwrap_err();
            assert!(error.contains(fault), "{body:?}: {error}");
        }
        let mut broken = format!("{part}a\nb").into_bytes();
        broken.extend(b"\xff\x00\r\n--xYz--");
        let error = read(broken).await.unwrap_err();
        assert!(
            error.contains("`file`") && error.contains("line 2"),
            "{error}"
        );
    }

    /// Every beginning of a form ends in an answer.
    #[tokio::test]
    async fn forms_that_are_cut_off_are_refused() {
        let body = format!("--xYz\r\n{HEAD}=\"a\"\r\n\r\nb\r\n--xYz--\r\n");
        let whole = body.find("--xYz--").unwrap() + 7;
        for end in 0..whole {
            assert!(read(body[..end].to_owned()).await.is_err(), "{end}");
        }
        assert!(read(body).await.is_ok());
    }
}
