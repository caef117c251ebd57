//! A unified difference, line by line, with the words that changed within a line.

use std::{iter::zip, ops::Range};

use askama::Template;
use ui::{Html, Icon, texts};

/// Lines that a page shows; whoever changes more sees the rest in git.
const MAX_LINES: usize = 1500;

#[derive(Debug, Default)]
pub struct FileDiff {
    pub path: String,
    pub added: usize,
    pub removed: usize,
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    sign: char,
    old: Option<usize>,
    new: Option<usize>,
    text: String,
    /// The part of the line that changed.
    marked: Range<usize>,
}

impl Line {
    fn class(&self) -> &'static str {
        match self.sign {
            '+' => "diff-new",
            '-' => "diff-old",
            '@' => "diff-gap",
            _ => "",
        }
    }

    fn before(&self) -> &str {
        &self.text[..self.marked.start]
    }

    fn changed(&self) -> &str {
        &self.text[self.marked.clone()]
    }

    fn after(&self) -> &str {
        &self.text[self.marked.end..]
    }
}

#[derive(Template)]
#[template(path = "publish/diff.html")]
struct DiffTemplate<'a> {
    t: texts::Publish,
    files: &'a [FileDiff],
    left_out: bool,
}

/// The files of a difference.
pub fn parse(text: &str) -> Vec<FileDiff> {
    let mut files: Vec<FileDiff> = Vec::new();
    let (mut old, mut new) = (0, 0);
    let mut in_hunk = false;
    for line in text.lines() {
        if let Some(head) = line.strip_prefix("diff --git ") {
            let path = head.rsplit_once(" b/").map_or(head, |(_, path)| path);
            files.push(FileDiff {
                path: path.to_owned(),
                ..FileDiff::default()
            });
            in_hunk = false;
            continue;
        }
        let Some(file) = files.last_mut() else {
            continue;
        };
        if line.starts_with("@@ ") {
            (old, new) = starts(line).unwrap_or((1, 1));
            if in_hunk || old > 1 || new > 1 {
                file.push('@', None, None, "");
            }
            in_hunk = true;
            continue;
        }
        let Some(sign) = line.chars().next().filter(|_| in_hunk) else {
            continue;
        };
        let text = &line[sign.len_utf8()..];
        match sign {
            '+' => {
                file.push('+', None, Some(new), text);
                file.added += 1;
                new += 1;
            }
            '-' => {
                file.push('-', Some(old), None, text);
                file.removed += 1;
                old += 1;
            }
            ' ' => {
                file.push(' ', Some(old), Some(new), text);
                old += 1;
                new += 1;
            }
            _ => {}
        }
    }
    files.iter_mut().for_each(FileDiff::mark);
    files
}

/// The difference as HTML.
pub fn html(t: texts::Publish, files: &mut [FileDiff]) -> Html {
    let mut left = MAX_LINES;
    let mut left_out = false;
    for file in files.iter_mut() {
        left_out |= file.lines.len() > left;
        file.lines.truncate(left);
        left -= file.lines.len();
    }
    Html::of(&DiffTemplate { t, files, left_out })
}

/// First lines of a hunk: `@@ -old,n +new,n @@`.
fn starts(line: &str) -> Option<(usize, usize)> {
    let mut parts = line.split(' ').skip(1);
    let mut first = |sign| {
        let part = parts.next()?.strip_prefix(sign)?;
        part.split(',').next()?.parse().ok()
    };
    Some((first('-')?, first('+')?))
}

impl FileDiff {
    fn push(&mut self, sign: char, old: Option<usize>, new: Option<usize>, text: &str) {
        self.lines.push(Line {
            sign,
            old,
            new,
            text: text.to_owned(),
            marked: 0..0,
        });
    }

    /// Marks what differs between lines that replace each other.
    fn mark(&mut self) {
        let mut at = 0;
        while at < self.lines.len() {
            let run = |sign: char, from: usize| {
                let lines = self.lines[from..].iter();
                from..from + lines.take_while(|line| line.sign == sign).count()
            };
            let old = run('-', at);
            let new = run('+', old.end);
            let pairs: Vec<_> = zip(old.clone(), new.clone()).collect();
            for (old, new) in pairs {
                let (a, b) = differing(&self.lines[old].text, &self.lines[new].text);
                self.lines[old].marked = a;
                self.lines[new].marked = b;
            }
            at = new.end.max(at + 1);
        }
    }
}

/// What stands between the common beginning and the common end of two lines, in whole words.
fn differing(a: &str, b: &str) -> (Range<usize>, Range<usize>) {
    let same = zip(a.char_indices(), b.chars()).take_while(|((_, x), y)| x == y);
    let mut head = same.last().map_or(0, |((at, x), _)| at + x.len_utf8());
    while splits_word(a, head) || splits_word(b, head) {
        head -= a[..head].chars().next_back().map_or(1, char::len_utf8);
    }
    let (rest_a, rest_b) = (&a[head..], &b[head..]);
    let same = zip(rest_a.chars().rev(), rest_b.chars().rev()).take_while(|(x, y)| x == y);
    let mut tail: usize = same.map(|(x, _)| x.len_utf8()).sum();
    while splits_word(a, a.len() - tail) || splits_word(b, b.len() - tail) {
        tail -= a[a.len() - tail..].chars().next().map_or(1, char::len_utf8);
    }
    let (a, b) = (head..a.len() - tail, head..b.len() - tail);
    // Where all differs, marks say nothing.
    if head == 0 && tail == 0 {
        return (0..0, 0..0);
    }
    (a, b)
}

/// Whether a word goes on across this place.
fn splits_word(text: &str, at: usize) -> bool {
    let (before, after) = text.split_at(at);
    before.ends_with(char::is_alphanumeric) && after.starts_with(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "diff --git a/static/apis/apis.json b/static/apis/apis.json\n\
        index 1..2 100644\n--- a/static/apis/apis.json\n+++ b/static/apis/apis.json\n\
        @@ -3,4 +3,5 @@ {\n \"a\": 1,\n-\"desc\": \"Book parcels\",\n+\"desc\": \"Book big parcels\",\n\
        +\"b\": 2,\n \"c\": 3\n\\ No newline at end of file\n";

    #[test]
    fn lines_have_numbers_and_changed_words() {
        let files = parse(TEXT);
        assert_eq!(files.len(), 1);
        let file = &files[0];
        assert_eq!(file.path, "static/apis/apis.json");
        assert_eq!((file.added, file.removed), (2, 1));
        let numbers: Vec<_> = file.lines.iter().map(|line| (line.old, line.new)).collect();
        assert_eq!(
            numbers,
            [
                (None, None),
                (Some(3), Some(3)),
                (Some(4), None),
                (None, Some(4)),
                (None, Some(5)),
                (Some(5), Some(6)),
            ]
        );
        let marked: Vec<_> = file.lines.iter().map(Line::changed).collect();
        assert_eq!(marked[2..4], ["", "big "]);
    }

    #[test]
    fn any_two_lines_can_be_compared() {
        for (a, b) in [
            ("", ""),
            ("aaa", "aa"),
            ("über", "übel"),
            ("xyz", "xyz"),
            ("a b", "a c b"),
            ("ä", "ö"),
        ] {
            let (x, y) = differing(a, b);
            assert!(
                a.get(x.clone()).is_some() && b.get(y.clone()).is_some(),
                "{a} {b}"
            );
        }
        assert!(parse("nonsense\n@@ broken\n+x").is_empty());
        assert_eq!(parse("diff --git a/x b/x\n@@ nothing\n+y\n").len(), 1);
    }
}
