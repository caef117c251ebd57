use std::borrow::Cow;

use kong::entity::PathHandling;

/// The path at the backend (gateway 4.5), not yet percent-encoded.
///
/// `base` is the service's path or `/`, `path` the normalised request path, `prefix` the length of
/// what the route's path matched (0 for a route without paths).
pub fn backend_path<'a>(
    base: &str,
    handling: PathHandling,
    strip: bool,
    path: &'a [u8],
    prefix: Option<usize>,
) -> Cow<'a, [u8]> {
    let base = base.as_bytes();
    let open = base.last() == Some(&b'/');
    let without_slash = path.strip_prefix(b"/").unwrap_or(path);
    if !strip {
        return match handling {
            _ if base == b"/" => Cow::Borrowed(path),
            PathHandling::V0 if !open && path == b"/" => Cow::Owned(base.to_vec()),
            PathHandling::V0 if !open => joined(base, path),
            PathHandling::V0 | PathHandling::V1 => joined(base, without_slash),
        };
    }
    let postfix = postfix(path, prefix);
    let ends_with_slash = path.last() == Some(&b'/');
    match handling {
        PathHandling::V0 if postfix.is_empty() => match (open, ends_with_slash) {
            (true, false) if base != b"/" => Cow::Owned(base[..base.len() - 1].to_vec()),
            (false, true) if path != b"/" => joined(base, b"/"),
            _ => Cow::Owned(base.to_vec()),
        },
        // Nothing to join: the rest of the path is the backend's path as it stands.
        _ if base == b"/" && postfix.first() == Some(&b'/') => Cow::Borrowed(postfix),
        PathHandling::V0 => {
            let postfix = postfix.strip_prefix(b"/").unwrap_or(postfix);
            if open {
                joined(base, postfix)
            } else {
                joined(&[base, b"/"].concat(), postfix)
            }
        }
        PathHandling::V1 => {
            let doubled = open && postfix.first() == Some(&b'/');
            joined(base, if doubled { &postfix[1..] } else { postfix })
        }
    }
}

/// What follows the matched prefix, without a dot segment at its start: `/route` must not lead
/// `/route../x` out of the service's path.
fn postfix(path: &[u8], prefix: Option<usize>) -> &[u8] {
    let rest = match prefix {
        Some(length) => path.get(length..).unwrap_or_default(),
        None => path.strip_prefix(b"/").unwrap_or(path),
    };
    match rest {
        b"." | b".." => b"",
        _ => rest
            .strip_prefix(b"./")
            .or_else(|| rest.strip_prefix(b"../"))
            .unwrap_or(rest),
    }
}

fn joined(start: &[u8], end: &[u8]) -> Cow<'static, [u8]> {
    Cow::Owned([start, end].concat())
}
