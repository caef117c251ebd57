//! Mail addresses: the form that is accepted, and the one that is stored.

/// Longest address that is stored.
pub const MAX_LENGTH: usize = 256;

/// The stored form: without surrounding blanks, in small letters, so that the unique index compares
/// without regard to case.
pub fn fold(email: &str) -> String {
    email.trim().to_lowercase()
}

/// Whether `email` has the form of portal-api 8.4.
pub fn is_valid(email: &str) -> bool {
    // A quoted local part may hold an `@`, hence the last one.
    let Some((local, domain)) = email.rsplit_once('@') else {
        return false;
    };
    email.len() <= MAX_LENGTH && is_local_part(local) && (is_host(domain) || is_address(domain))
}

fn is_local_part(local: &str) -> bool {
    let quoted = local
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    match quoted {
        Some(text) => !text.is_empty() && !text.contains(['"', '\\', '\r', '\n']),
        None => local
            .split('.')
            .all(|atom| !atom.is_empty() && atom.chars().all(is_atom_character)),
    }
}

fn is_atom_character(c: char) -> bool {
    !c.is_whitespace() && !c.is_control() && !r#"<>()[]\.,;:@""#.contains(c)
}

fn is_host(domain: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let Some((_, last)) = domain.rsplit_once('.') else {
        return false;
    };
    domain.split('.').all(is_label)
        && last.len() >= 2
        && last.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// `[192.0.2.1]`
fn is_address(domain: &str) -> bool {
    domain
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|address| address.parse::<std::net::Ipv4Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_accepted_form() {
        for good in [
            "ada@example.org",
            "ada.lovelace+api@mail.example.co.uk",
            "\"ada lovelace\"@example.org",
            "ada@[192.0.2.1]",
            "portal-api@wicked.haufe.io",
            "ädä@example.org",
        ] {
            assert!(is_valid(good), "{good}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for bad in [
            "",
            "ada",
            "ada@",
            "@example.org",
            "ada@example",
            "ada@example.o",
            "ada@example.1org",
            "ada..l@example.org",
            ".ada@example.org",
            "a da@example.org",
            "ada@exa mple.org",
            "ada@b@example.org",
            "ada@[300.0.2.1]",
            "ada@example.org\r\nBcc: x@example.org",
            "<ada@example.org>",
            "\"a\"b\"@example.org",
        ] {
            assert!(!is_valid(bad), "{bad}");
        }
        assert!(!is_valid(&format!("{}@example.org", "a".repeat(300))));
    }

    #[test]
    fn the_stored_form_is_folded() {
        assert_eq!(fold(" Ada@Example.ORG "), "ada@example.org");
    }
}
