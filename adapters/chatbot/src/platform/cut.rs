//! Texts that are too long.

/// The first `max` characters, with a mark when something is missing. Nothing that was begun there
/// and ends behind is left over: half a link would swallow what follows, half an escape would let
/// something loose.
pub fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let mut kept: String = text.chars().take(max - 1).collect();
    for (open, close) in [('<', '>'), ('[', ')')] {
        if let Some(start) = last_open(&kept, open)
            && !kept[start..].contains(close)
        {
            kept.truncate(start);
        }
    }
    if let Some(start) = kept.rfind('&')
        && !kept[start..].contains(';')
        && kept.len() - start < 6
    {
        kept.truncate(start);
    }
    let escapes = kept.len() - kept.trim_end_matches('\\').len();
    if escapes % 2 == 1 {
        kept.pop();
    }
    kept + "…"
}

/// Where the last of this character stands that is not escaped.
fn last_open(text: &str, open: char) -> Option<usize> {
    let mut places = text.rmatch_indices(open).map(|(place, _)| place);
    places.find(|place| !text[..*place].ends_with('\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_cut_in_the_middle() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("ab <https://x.example|label> cd", 20), "ab …");
        assert_eq!(cut("ab [label](https://x.example) cd", 20), "ab …");
        assert_eq!(cut("a [b](c) defgh", 12), "a [b](c) de…");
        assert_eq!(cut("abc &amp; d", 7), "abc …");
        assert_eq!(cut(r"abc\*d", 5), "abc…");
        assert_eq!(cut(r"ab\\cde", 5), r"ab\\…");
    }
}
