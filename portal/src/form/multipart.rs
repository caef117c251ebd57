//! Forms with files (RFC 7578), whole in memory: their size is bounded before they come here.

use memchr::memmem;

/// More is no head of a part.
const MAX_HEAD: usize = 4096;
const MAX_BOUNDARY: usize = 70;

/// The boundary that a media type names, if it is that of such a form.
pub fn boundary(media_type: &str) -> Option<&str> {
    let (kind, parameters) = media_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let mut parameters = parameters.split(';').filter_map(|one| one.split_once('='));
    let (_, boundary) =
        parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("boundary"))?;
    let boundary = boundary.trim().trim_matches('"');
    (1..=MAX_BOUNDARY)
        .contains(&boundary.len())
        .then_some(boundary)
}

/// Names and texts of at most `max` parts, or what is wrong. A file is its content.
pub fn fields(body: &[u8], boundary: &str, max: usize) -> Result<Vec<(String, String)>, String> {
    let delimiter = format!("\r\n--{boundary}");
    let delimiter = memmem::Finder::new(&delimiter);
    // The first delimiter has no line before it.
    let first = &delimiter.needle()[2..];
    let mut rest = match body.strip_prefix(first) {
        Some(rest) => rest,
        None => after(body, &delimiter).ok_or("the form has no parts")?.1,
    };
    let mut fields = Vec::new();
    while !rest.starts_with(b"--") {
        if fields.len() == max {
            return Err(format!("the form has more than {max} fields"));
        }
        let line = memmem::find(rest, b"\r\n").filter(|line| *line < MAX_HEAD);
        // The line end of the last head and the empty line; a part may have no head at all.
        let head = line.and_then(|line| {
            let end = memmem::find(&rest[line..], b"\r\n\r\n")?;
            (end < MAX_HEAD).then_some((line, line + end))
        });
        let (line, end) = head.ok_or("a part of the form has no head")?;
        let head = String::from_utf8_lossy(&rest[line..end]);
        let name = name(&head).ok_or("a part of the form has no name")?;
        let (content, next) = after(&rest[end + 4..], &delimiter)
            .ok_or_else(|| format!("the form ends in the middle of `{name}`"))?;
        let text = std::str::from_utf8(content).map_err(|error| {
            let before = &content[..error.valid_up_to()];
            let line = memchr::memchr_iter(b'\n', before).count() + 1;
            format!("`{name}` is no text in UTF-8 (line {line})")
        })?;
        fields.push((name, text.trim_start_matches('\u{feff}').to_owned()));
        rest = next;
    }
    Ok(fields)
}

/// What stands before and behind the next delimiter.
fn after<'a>(body: &'a [u8], delimiter: &memmem::Finder) -> Option<(&'a [u8], &'a [u8])> {
    let at = delimiter.find(body)?;
    Some((&body[..at], &body[at + delimiter.needle().len()..]))
}

/// The name of the field in the head of its part.
fn name(head: &str) -> Option<String> {
    let disposition = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_it = name.trim().eq_ignore_ascii_case("content-disposition");
        is_it.then(|| value.trim())
    })?;
    let parameters = disposition.strip_prefix("form-data")?;
    let mut parameters = parameters.split(';').map(str::trim);
    let name = parameters.find_map(|one| one.strip_prefix("name="))?;
    let name = name.strip_prefix('"')?.strip_suffix('"')?;
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "Content-Disposition: form-data; name";

    fn read(body: &str) -> Result<Vec<(String, String)>, String> {
        fields(body.as_bytes(), "xYz", 3)
    }

    #[test]
    fn fields_and_files_are_read_as_browsers_send_them() {
        let body = format!(
            "--xYz\r\n{HEAD}=\"_csrf\"\r\n\r\nabc\r\n--xYz\r\n{HEAD}=\"file\"; \
             filename=\"a;name=b.json\"\r\nContent-Type: application/json\r\n\r\n\u{feff}{{\r\n--xY\n}}\
             \r\n--xYz\r\n{HEAD}=\"text\"\r\n\r\n\r\n--xYz--\r\n"
        );
        let fields = read(&body).unwrap();
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
        assert_eq!(
            fields,
            [("_csrf", "abc"), ("file", "{\r\n--xY\n}"), ("text", "")]
        );
        assert_eq!(read("--xYz--"), Ok(Vec::new()));
    }

    #[test]
    fn boundaries_are_those_of_the_media_type() {
        let of = |parameter: &str| format!("Multipart/Form-Data; charset=utf-8; {parameter}");
        assert_eq!(boundary(&of("boundary=a-b")), Some("a-b"));
        assert_eq!(boundary(&of("Boundary=\"a b\"")), Some("a b"));
        assert_eq!(boundary(&of("boundary=")), None);
        assert_eq!(boundary(&of(&format!("boundary={}", "x".repeat(71)))), None);
        assert_eq!(boundary("multipart/mixed; boundary=a"), None);
        assert_eq!(boundary("multipart/form-data"), None);
    }

    #[test]
    fn what_is_no_form_is_refused_and_named() {
        let part = format!("--xYz\r\n{HEAD}=\"file\"\r\n\r\n");
        let long = format!("--xYz\r\n{}", "x".repeat(MAX_HEAD * 2));
        let four = format!("{part}a\r\n").repeat(4);
        for (body, fault) in [
            ("", "no parts"),
            ("abc", "no parts"),
            ("--xYz", "no head"),
            ("--xYz\r\nabc\r\n\r\nx\r\n--xYz--", "no name"),
            (
                "--xYz\r\nContent-Disposition: form-data; name=x\r\n\r\n\r\n--xYz--",
                "no name",
            ),
            (long.as_str(), "no head"),
            (&part, "in the middle of `file`"),
            (&format!("{part}abc"), "in the middle of `file`"),
            (&format!("{four}--xYz--"), "more than 3"),
        ] {
            let error = read(body).unwrap_err();
            assert!(error.contains(fault), "{body:?}: {error}");
        }
        let mut broken = format!("{part}a\nb").into_bytes();
        broken.extend(b"\xff\x00\r\n--xYz--");
        let error = fields(&broken, "xYz", 3).unwrap_err();
        assert!(
            error.contains("`file`") && error.contains("line 2"),
            "{error}"
        );
    }

    /// Every beginning of a form ends in an answer.
    #[test]
    fn forms_that_are_cut_off_are_refused() {
        let body = format!("--xYz\r\n{HEAD}=\"a\"\r\n\r\nb\r\n--xYz--\r\n");
        let whole = body.find("--xYz--").unwrap() + 7;
        for end in 0..whole {
            assert!(read(&body[..end]).is_err(), "{end}");
        }
        assert!(read(&body).is_ok());
    }
}
