//! `{vault://env/name}`: a secret that does not stand in the configuration (gateway 2.4).

const START: &str = "{vault://";

pub fn is_reference(text: &str) -> bool {
    text.starts_with(START)
}

/// The environment variable that a reference means: its name in upper case, with `_` for `-`.
pub fn variable(reference: &str) -> Result<String, String> {
    let path = reference.strip_prefix(START);
    let path = path.and_then(|path| path.strip_suffix('}'));
    let name = path.and_then(|path| path.strip_prefix("env/"));
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    match name {
        Some(name) if !name.is_empty() && name.chars().all(fits) => {
            Ok(name.to_ascii_uppercase().replace('-', "_"))
        }
        _ => {
            Err("a reference is written {vault://env/name}, for an environment variable".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_name_environment_variables() {
        for (reference, expected) in [
            ("{vault://env/redis-password}", Some("REDIS_PASSWORD")),
            ("{vault://env/A_1}", Some("A_1")),
            ("{vault://env/}", None),
            ("{vault://env/a/b}", None),
            ("{vault://env/a?prefix=b}", None),
            ("{vault://env/a", None),
            ("{vault://aws/a}", None),
            ("{vault://a}", None),
        ] {
            assert!(is_reference(reference));
            assert_eq!(variable(reference).ok().as_deref(), expected, "{reference}");
        }
        assert!(!is_reference("vault://env/a"));
    }
}
