//! Which known name a misspelt one probably means.

/// The known name that differs by capitals and separators only, or by at most two letters.
pub fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let plain = plain(name);
    let candidates = known.filter_map(|candidate| {
        let other = self::plain(candidate);
        let limit = if other.len() < 5 { 1 } else { 2 };
        let distance = distance(&plain, &other);
        (distance <= limit).then_some((distance, candidate))
    });
    candidates.min().map(|(_, candidate)| candidate)
}

fn plain(name: &str) -> Vec<char> {
    name.chars()
        .filter(|character| character.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Letters to insert, remove or replace.
fn distance(one: &[char], other: &[char]) -> usize {
    let mut previous: Vec<usize> = (0..=other.len()).collect();
    for (row, a) in one.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, b) in other.iter().enumerate() {
            let replaced = previous[column] + usize::from(a != b);
            current.push(
                replaced
                    .min(previous[column + 1] + 1)
                    .min(current[column] + 1),
            );
        }
        previous = current;
    }
    previous[other.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn close_names_are_found_and_others_are_not() {
        let known = || ["requiredGroup", "auth", "plans", "desc"].into_iter();
        assert_eq!(nearest("required_group", known()), Some("requiredGroup"));
        assert_eq!(nearest("requiredgroups", known()), Some("requiredGroup"));
        assert_eq!(nearest("plan", known()), Some("plans"));
        assert_eq!(nearest("x-owner", known()), None);
    }
}
