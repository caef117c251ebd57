//! Finds the line of a place in a JSON text, so that a problem can name it.
//!
//! Runs only when there is a problem, and only on text that serde has already accepted; therefore
//! it skips values by brackets and quotes instead of parsing them again.

use crate::path::{JsonPath, Step};

/// The line, counted from 1, where the value at `path` begins. If the last member is missing, the
/// line of the object that should have it.
pub fn line_of(text: &str, path: &JsonPath) -> Option<usize> {
    let mut scanner = Scanner {
        bytes: text.as_bytes(),
        at: 0,
    };
    scanner.skip_blanks();
    for (depth, step) in path.steps().iter().enumerate() {
        let start = scanner.at;
        let found = match step {
            Step::Key(key) => scanner.enter_member(key),
            Step::Index(index) => scanner.enter_element(*index),
        };
        if found.is_none() {
            let is_last = depth + 1 == path.steps().len();
            return is_last.then(|| line_at(text, start));
        }
    }
    Some(line_at(text, scanner.at))
}

fn line_at(text: &str, offset: usize) -> usize {
    let before = &text[..offset.min(text.len())];
    before.split('\n').count()
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// Steps over `byte` and the blanks behind it.
    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then_some(())?;
        self.at += 1;
        self.skip_blanks();
        Some(())
    }

    fn enter_member(&mut self, wanted: &str) -> Option<()> {
        self.expect(b'{')?;
        while self.peek()? == b'"' {
            let start = self.at;
            self.skip_string()?;
            let key: String = serde_json::from_slice(&self.bytes[start..self.at]).ok()?;
            self.skip_blanks();
            self.expect(b':')?;
            if key == wanted {
                return Some(());
            }
            self.skip_value()?;
            self.expect(b',')?;
        }
        None
    }

    fn enter_element(&mut self, index: usize) -> Option<()> {
        self.expect(b'[')?;
        for _ in 0..index {
            self.skip_value()?;
            self.expect(b',')?;
        }
        (self.peek()? != b']').then_some(())
    }

    fn skip_string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        Some(())
    }

    fn skip_value(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => {
                    self.skip_string()?;
                }
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' | b',' if depth == 0 => break,
                b'}' | b']' => {
                    depth -= 1;
                    self.at += 1;
                }
                _ => self.at += 1,
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::line_of;
    use crate::path::JsonPath;

    const TEXT: &str = r#"{
  "title": "a \"{\" in a text",
  "apis": [
    { "id": "one", "plans": [] },
    {
      "id": "two",
      "plans": [
        "free",
        "gold"
      ]
    }
  ]
}"#;

    #[test]
    fn the_line_of_a_nested_value_is_found() {
        let path = JsonPath::default()
            .key("apis")
            .index(1)
            .key("plans")
            .index(1);
        assert_eq!(line_of(TEXT, &path), Some(9));
    }

    #[test]
    fn a_missing_member_is_reported_on_the_line_of_its_object() {
        let path = JsonPath::default().key("apis").index(1).key("auth");
        assert_eq!(line_of(TEXT, &path), Some(5));
    }

    #[test]
    fn a_place_that_the_text_does_not_have_has_no_line() {
        let path = JsonPath::default().key("apis").index(7).key("auth");
        assert_eq!(line_of(TEXT, &path), None);
    }
}
