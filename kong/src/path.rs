//! One form for every path: routing, plugins and backend see the same bytes, so that nothing can
//! be reached under a second spelling (gateway 4.1).

use std::borrow::Cow;

/// Bytes whose encoded form means something else than the plain one; they stay as sent.
const fn is_reserved(byte: u8) -> bool {
    matches!(
        byte,
        b'!' | b'*'
            | b'\''
            | b'('
            | b')'
            | b';'
            | b':'
            | b'@'
            | b'&'
            | b'='
            | b'+'
            | b'$'
            | b','
            | b'/'
            | b'?'
            | b'%'
            | b'#'
            | b'['
            | b']'
    )
}

/// Bytes that may stand in a path as they are.
const fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') || is_reserved(byte)
}

const fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// The byte that the percent triplet at the start of `text` stands for.
fn triplet(text: &[u8]) -> Option<u8> {
    match text {
        [b'%', high, low, ..] => Some((hex_digit(*high)? << 4) | hex_digit(*low)?),
        _ => None,
    }
}

/// Decodes what may be decoded (one pass), removes dot segments, merges slashes.
pub fn normalise(path: &[u8]) -> Cow<'_, [u8]> {
    if is_plain(path) {
        return Cow::Borrowed(path);
    }
    Cow::Owned(merge_slashes(&remove_dot_segments(&decode(path))))
}

/// Most paths are normal already; one look at each byte finds out.
fn is_plain(path: &[u8]) -> bool {
    let mut after_slash = false;
    for byte in path {
        match byte {
            b'%' => return false,
            b'/' | b'.' if after_slash => return false,
            _ => after_slash = *byte == b'/',
        }
    }
    true
}

fn decode(path: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((first, tail)) = rest.split_first() {
        match triplet(rest) {
            Some(byte) if is_reserved(byte) => {
                decoded.push(b'%');
                decoded.extend(rest[1..3].iter().map(u8::to_ascii_uppercase));
                rest = &rest[3..];
            }
            Some(byte) => {
                decoded.push(byte);
                rest = &rest[3..];
            }
            None => {
                decoded.push(*first);
                rest = tail;
            }
        }
    }
    decoded
}

fn remove_dot_segments(path: &[u8]) -> Vec<u8> {
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut ends_with_slash = false;
    for segment in path
        .strip_prefix(b"/")
        .unwrap_or(path)
        .split(|byte| *byte == b'/')
    {
        ends_with_slash = false;
        match segment {
            b"." => ends_with_slash = true,
            b".." => {
                kept.pop();
                ends_with_slash = true;
            }
            other => kept.push(other),
        }
    }
    let mut result = Vec::with_capacity(path.len());
    for segment in &kept {
        result.push(b'/');
        result.extend_from_slice(segment);
    }
    if ends_with_slash || result.is_empty() {
        result.push(b'/');
    }
    result
}

fn merge_slashes(path: &[u8]) -> Vec<u8> {
    let mut merged = Vec::with_capacity(path.len());
    for byte in path {
        if *byte != b'/' || merged.last() != Some(&b'/') {
            merged.push(*byte);
        }
    }
    merged
}

/// The normalised path as it is sent: every other byte percent-encoded again.
pub fn encode(path: &[u8]) -> Cow<'_, str> {
    if path.iter().all(|byte| is_path_byte(*byte))
        && let Ok(text) = std::str::from_utf8(path)
    {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(path.len() + 8);
    for byte in path {
        if is_path_byte(*byte) {
            text.push(char::from(*byte));
        } else {
            text.push('%');
            text.push(char::from(b"0123456789ABCDEF"[usize::from(byte >> 4)]));
            text.push(char::from(b"0123456789ABCDEF"[usize::from(byte & 15)]));
        }
    }
    Cow::Owned(text)
}

/// A route's path of formats before 3.0, which did not mark patterns.
pub fn convert(path: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_~/%".contains(&byte);
    if path.bytes().all(is_plain) {
        return String::from_utf8_lossy(&normalise(path.as_bytes())).into_owned();
    }
    let mut pattern = "~".to_owned();
    let mut rest = path;
    while let Some(first) = rest.chars().next() {
        match triplet(rest.as_bytes()).map(char::from) {
            Some(decoded) if decoded.is_ascii_alphanumeric() || "-_.~".contains(decoded) => {
                if decoded == '.' {
                    pattern.push('\\');
                }
                pattern.push(decoded);
                rest = &rest[3..];
            }
            _ => {
                pattern.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    pattern
}

/// A segment so far, and whether a disguised separator stands before it.
struct Segment {
    bytes: Vec<u8>,
    after_disguise: bool,
}

/// Whether a dot segment stands beside an encoded or disguised separator (`..%2f`, `..\`): some
/// backends read that as a way out of the prefix that was checked here (gateway 10.3).
pub fn hides_dot_segment(path: &[u8]) -> bool {
    if !path.iter().any(|byte| matches!(byte, b'%' | b'\\')) {
        return false;
    }
    let is_dots = |bytes: &[u8]| bytes == b"." || bytes == b"..";
    let mut segment = Segment {
        bytes: Vec::new(),
        after_disguise: false,
    };
    let mut rest = path;
    while !rest.is_empty() {
        let (separator, length) = separator(rest);
        match separator {
            None => {
                segment.bytes.push(triplet(rest).unwrap_or(rest[0]));
                rest = &rest[length..];
            }
            Some(disguised) => {
                if is_dots(&segment.bytes) && (disguised || segment.after_disguise) {
                    return true;
                }
                segment = Segment {
                    bytes: Vec::new(),
                    after_disguise: disguised,
                };
                rest = &rest[length..];
            }
        }
    }
    is_dots(&segment.bytes) && segment.after_disguise
}

/// Whether the text starts with a separator (`Some(true)`: a disguised one), and its length.
fn separator(text: &[u8]) -> (Option<bool>, usize) {
    match text[0] {
        b'/' => return (Some(false), 1),
        b'\\' => return (Some(true), 1),
        _ => {}
    }
    match triplet(text) {
        Some(b'/' | b'\\' | 0) => (Some(true), 3),
        // Overlong UTF-8: C0 and C1 never begin a valid character.
        Some(0xC0 | 0xC1) if triplet(&text[3..]).is_some() => (Some(true), 6),
        Some(_) => (None, 3),
        None => (None, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_take_one_form() {
        let cases = [
            ("/pub/../adm/x", "/adm/x"),
            ("/pub/%2e%2e/adm", "/adm"),
            ("/pub/..%2fadm", "/pub/..%2Fadm"),
            ("/pub//x", "/pub/x"),
            ("/pub/./x", "/pub/x"),
            ("/%70ub/x", "/pub/x"),
            ("/pub%2Fx", "/pub%2Fx"),
            ("/pub/%41%7e", "/pub/A~"),
            ("/pub/%20%22", "/pub/%20%22"),
            ("/pub/..", "/"),
            ("/../pub/x", "/pub/x"),
            ("/pub/%252e%252e/adm", "/pub/%252e%252e/adm"),
            ("/pub;x=/../adm", "/adm"),
            ("/pub\\..\\adm", "/pub%5C..%5Cadm"),
            ("/pub../x", "/pub../x"),
            ("/pub/%C3%A9", "/pub/%C3%A9"),
            ("/", "/"),
            ("/a/.", "/a/"),
            ("/a/..", "/"),
            ("/a%", "/a%"),
        ];
        for (path, expected) in cases {
            assert_eq!(encode(&normalise(path.as_bytes())), expected, "{path}");
        }
    }

    #[test]
    fn disguised_separators_beside_dots_are_seen() {
        for path in [
            "/pub/..%2fadm",
            "/pub\\..\\adm",
            "/a/%2e%2e%5Cb",
            "/a%00../b",
            "/x/..%c0%af",
            "/a%2f..",
        ] {
            assert!(hides_dot_segment(path.as_bytes()), "{path}");
        }
        for path in ["/pub%2Fx", "/a/../b", "/a%2Fb..c", "/a.b%2Fc", "/%41"] {
            assert!(!hides_dot_segment(path.as_bytes()), "{path}");
        }
    }
}
