//! Texts as words that can be compared. No I/O.

/// Longer ones are no words.
const MAX_WORD: usize = 40;

/// The words of a text with their places in it, in lower case and without accents. A name such as
/// `listOpenOrders` is itself and its parts.
pub fn words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (start, end) in spans(text) {
        let whole = &text[start..end];
        let parts = parts(whole);
        if parts.len() > 1 {
            found.extend(parts.into_iter().map(fold));
        }
        found.push(fold(whole));
    }
    found.retain(|word| !word.is_empty() && word.len() <= MAX_WORD);
    found
}

/// Where the words of a text begin and end.
pub fn spans(text: &str) -> Vec<(usize, usize)> {
    let mut spans = Vec::new();
    let mut start = None;
    for (at, letter) in text.char_indices() {
        match (letter.is_alphanumeric(), start) {
            (true, None) => start = Some(at),
            (false, Some(begin)) => {
                spans.push((begin, at));
                start = None;
            }
            _ => {}
        }
    }
    spans.extend(start.map(|begin| (begin, text.len())));
    spans
}

/// The parts of a name in camel case.
fn parts(name: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut before_is_small = false;
    for (at, letter) in name.char_indices() {
        if letter.is_uppercase() && before_is_small {
            parts.push(&name[start..at]);
            start = at;
        }
        before_is_small = letter.is_lowercase() || letter.is_numeric();
    }
    parts.push(&name[start..]);
    parts
}

/// In lower case, without the accents of western languages.
pub fn fold(word: &str) -> String {
    let mut folded = String::with_capacity(word.len());
    for letter in word.chars().flat_map(char::to_lowercase) {
        match letter {
            'à' | 'á' | 'â' | 'ã' | 'å' => folded.push('a'),
            'ä' | 'æ' => folded.push_str("ae"),
            'ç' => folded.push('c'),
            'è' | 'é' | 'ê' | 'ë' => folded.push('e'),
            'ì' | 'í' | 'î' | 'ï' => folded.push('i'),
            'ñ' => folded.push('n'),
            'ò' | 'ó' | 'ô' | 'õ' => folded.push('o'),
            'ö' | 'ø' | 'œ' => folded.push_str("oe"),
            'ù' | 'ú' | 'û' => folded.push('u'),
            'ü' => folded.push_str("ue"),
            'ß' => folded.push_str("ss"),
            letter => folded.push(letter),
        }
    }
    folded
}

/// How many typing errors a word of this length may have.
pub fn tolerance(word: &str) -> usize {
    match word.chars().count() {
        ..=3 => 0,
        4..=7 => 1,
        _ => 2,
    }
}

/// A word that others are compared with, in room that is on the stack: an index has tens of
/// thousands of them.
pub struct Misspelt {
    letters: Vec<char>,
    max: usize,
}

/// Rows have room for every word and one column more.
type Row = [usize; MAX_WORD + 1];

impl Misspelt {
    /// One with at most `max` errors in it.
    pub fn new(word: &str, max: usize) -> Self {
        Self {
            letters: word.chars().take(MAX_WORD).collect(),
            max,
        }
    }

    /// The number of letters that are wrong, missing, too many or exchanged with their neighbour;
    /// nothing if there are too many.
    pub fn distance(&self, other: &str) -> Option<usize> {
        let mut letters = ['\0'; MAX_WORD];
        let mut width = 0;
        for letter in other.chars() {
            *letters.get_mut(width)? = letter;
            width += 1;
        }
        let other = &letters[..width];
        if self.letters.len().abs_diff(width) > self.max {
            return None;
        }
        let mut older: Row = [0; MAX_WORD + 1];
        let mut last: Row = std::array::from_fn(|column| column);
        for (i, a) in self.letters.iter().enumerate() {
            let mut row: Row = [0; MAX_WORD + 1];
            row[0] = i + 1;
            let mut nearest = row[0];
            for (j, b) in other.iter().enumerate() {
                let changed = last[j] + usize::from(a != b);
                let mut fewest = changed.min(last[j + 1] + 1).min(row[j] + 1);
                if i > 0 && j > 0 && *a == other[j - 1] && self.letters[i - 1] == *b {
                    fewest = fewest.min(older[j - 1] + 1);
                }
                row[j + 1] = fewest;
                nearest = nearest.min(fewest);
            }
            if nearest > self.max {
                return None;
            }
            older = std::mem::replace(&mut last, row);
        }
        Some(last[width]).filter(|errors| *errors <= self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_by_their_parts() {
        assert_eq!(
            words("listOpenOrders /orders/{order_id}"),
            [
                "list",
                "open",
                "orders",
                "listopenorders",
                "orders",
                "order",
                "id"
            ]
        );
        assert_eq!(words("Größe, Café!"), ["groesse", "cafe"]);
        assert_eq!(words("OAuth2"), ["oauth2"]);
        assert!(words("– \u{a0} …").is_empty());
    }

    #[test]
    fn errors_are_counted() {
        for (one, other, errors) in [
            ("return", "return", Some(0)),
            ("retrn", "return", Some(1)),
            ("retunr", "return", Some(1)),
            ("shipmnets", "shipments", Some(1)),
            ("shpmnts", "shipments", Some(2)),
            ("orders", "return", None),
        ] {
            let misspelt = Misspelt::new(one, 2);
            assert_eq!(misspelt.distance(other), errors, "{one} {other}");
        }
        assert_eq!(Misspelt::new("", 0).distance(""), Some(0));
        let long = "x".repeat(MAX_WORD);
        assert_eq!(Misspelt::new(&long, 2).distance(&long[1..]), Some(1));
        assert_eq!(Misspelt::new(&long, 2).distance(&format!("{long}x")), None);
    }
}
