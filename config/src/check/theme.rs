//! Colours of the operator's style sheet (`content/wicked.css`): whether what is written in them can
//! be read in both schemes (WCAG 2.2, 1.4.3 and 1.4.11).

use std::collections::BTreeMap;

use crate::{problem::Report, tree::Tree};

/// The built-in sheet, whose tokens an operator sets anew.
const OURS: &str = include_str!("../../../ui/styles/tokens.css");
const FILES: [&str; 2] = ["content/wicked.css", "content/wicked.css.mustache"];
const TEXT: f64 = 4.5;
/// Marks and borders of controls.
const MARK: f64 = 3.0;

/// What stands on what, and the ratio that it needs.
const PAIRS: [(&str, &str, f64); 22] = [
    ("ink", "surface", TEXT),
    ("ink", "canvas", TEXT),
    ("ink-2", "surface", TEXT),
    ("ink-2", "canvas", TEXT),
    ("ink-2", "sunken", TEXT),
    ("ink-3", "surface", TEXT),
    ("ink-3", "canvas", TEXT),
    ("ink-3", "sunken", TEXT),
    ("accent", "surface", TEXT),
    ("accent", "canvas", TEXT),
    ("on-accent", "accent", TEXT),
    ("on-accent", "accent-hover", TEXT),
    ("accent-ink", "accent-soft", TEXT),
    ("wait-ink", "wait-soft", TEXT),
    ("ok-ink", "ok-soft", TEXT),
    ("bad-ink", "bad-soft", TEXT),
    ("on-bad", "bad-solid", TEXT),
    ("wait-solid", "surface", MARK),
    ("ok-solid", "surface", MARK),
    ("bad-solid", "surface", MARK),
    ("line-strong", "surface", MARK),
    ("lantern", "gate", MARK),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Colour([u8; 3]);

/// A token in the light and in the dark scheme, and the line that sets it.
#[derive(Clone, Copy, Debug)]
struct Token {
    light: Colour,
    dark: Colour,
    line: usize,
}

pub(super) fn check(tree: &Tree, report: &Report) {
    let ours = tokens(OURS, &BTreeMap::new());
    for file in FILES {
        let Some(text) = tree.text(file) else {
            continue;
        };
        for (line, message) in faults(text, &ours) {
            report.warn_at(file, line, message);
        }
    }
}

/// Line and text of each pair that cannot be read and has a colour of the operator's in it.
fn faults(text: &str, ours: &BTreeMap<&str, Token>) -> Vec<(usize, String)> {
    let theirs = tokens(text, ours);
    let mut faults = Vec::new();
    for (front, ground, needed) in PAIRS {
        let set = [theirs.get(front), theirs.get(ground)];
        let Some(line) = set.iter().flatten().map(|token| token.line).max() else {
            continue;
        };
        let token = |name: &str| theirs.get(name).or(ours.get(name));
        let (Some(front_token), Some(ground_token)) = (token(front), token(ground)) else {
            continue;
        };
        let schemes = [
            ("light", front_token.light, ground_token.light),
            ("dark", front_token.dark, ground_token.dark),
        ];
        for (scheme, above, below) in schemes {
            let ratio = contrast(above, below);
            if ratio < needed {
                let message = format!(
                    "`--{front}` on `--{ground}` has a contrast of {ratio:.1} in the {scheme} \
                     scheme; at least {needed} is needed to tell them apart"
                );
                faults.push((line, message));
            }
        }
    }
    faults
}

/// The tokens that a sheet sets to colours that can be computed: `#rgb`, `#rrggbb`, and two of them
/// in `light-dark()`. What stands below a selector or query about one scheme counts for that one.
fn tokens<'a>(text: &'a str, known: &BTreeMap<&str, Token>) -> BTreeMap<&'a str, Token> {
    let mut tokens: BTreeMap<&str, Token> = BTreeMap::new();
    let mut blocks: Vec<&str> = Vec::new();
    let mut begin = 0;
    let mut is_comment = false;
    let mut line = 1;
    for (at, sign) in text.char_indices() {
        line += usize::from(sign == '\n');
        if is_comment {
            if sign == '/' && text[..at].ends_with('*') {
                (is_comment, begin) = (false, at + 1);
            }
            continue;
        }
        if text[at..].starts_with("/*") {
            is_comment = true;
            continue;
        }
        if !matches!(sign, '{' | '}' | ';') {
            continue;
        }
        let part = text[begin..at].trim();
        begin = at + 1;
        if sign == '{' {
            blocks.push(part);
            continue;
        }
        let declaration = part
            .strip_prefix("--")
            .and_then(|part| part.split_once(':'));
        if let Some((name, value)) = declaration
            && let Some((light, dark)) = colours(value.trim())
        {
            let name = name.trim();
            let is_about = |scheme: &str| {
                let is_choice = |block: &&&str| block.contains("theme") || block.contains("scheme");
                let mut choices = blocks.iter().filter(is_choice);
                choices.any(|block| block.contains(scheme))
            };
            let before = tokens.get(name).or(known.get(name)).copied();
            let before = before.unwrap_or(Token { light, dark, line });
            let token = match (is_about("light"), is_about("dark")) {
                (true, false) => Token { light, ..before },
                (false, true) => Token { dark, ..before },
                _ => Token { light, dark, line },
            };
            tokens.insert(name, Token { line, ..token });
        }
        if sign == '}' {
            blocks.pop();
        }
    }
    tokens
}

fn colours(value: &str) -> Option<(Colour, Colour)> {
    let value = value.strip_suffix("!important").unwrap_or(value).trim();
    let pair = value.strip_prefix("light-dark(");
    let pair = pair.and_then(|pair| pair.strip_suffix(')')?.split_once(','));
    match pair {
        Some((light, dark)) => Some((colour(light.trim())?, colour(dark.trim())?)),
        None => colour(value).map(|colour| (colour, colour)),
    }
}

fn colour(text: &str) -> Option<Colour> {
    let digits = text.strip_prefix('#')?;
    let digits: Vec<u8> = digits
        .chars()
        .map(|digit| {
            digit
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        })
        .collect::<Option<_>>()?;
    match digits[..] {
        [r, g, b] => Some(Colour([r * 17, g * 17, b * 17])),
        [r, r2, g, g2, b, b2] => Some(Colour([r * 16 + r2, g * 16 + g2, b * 16 + b2])),
        _ => None,
    }
}

/// From 1 (the same) to 21 (black on white).
fn contrast(one: Colour, other: Colour) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

fn luminance(Colour(parts): Colour) -> f64 {
    let [r, g, b] = parts.map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 {
            part / 12.92
        } else {
            ((part + 0.055) / 1.055).powf(2.4)
        }
    });
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<(usize, String)> {
        faults(text, &tokens(OURS, &BTreeMap::new()))
    }

    #[test]
    fn our_own_colours_can_be_read() {
        let ours = tokens(OURS, &BTreeMap::new());
        for (front, ground, _) in PAIRS {
            assert!(ours.contains_key(front) && ours.contains_key(ground));
        }
        assert_eq!(of(OURS), []);
    }

    #[test]
    fn ratios_are_those_of_the_standard() {
        let ratio = |one, other| contrast(colour(one).unwrap(), colour(other).unwrap());
        assert!((ratio("#000", "#ffffff") - 21.0).abs() < 1e-9);
        assert!((ratio("#777777", "#fff") - 4.48).abs() < 0.01);
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_scheme_and_line() {
        for (sheet, expected) in [
            (
                ":root {\n  --accent: #7a1f5c;\n}",
                vec![
                    (2, "on `--surface`", "dark"),
                    (2, "on `--canvas`", "dark"),
                    (2, "on `--accent`", "dark"),
                ],
            ),
            (":root { --accent: light-dark(#7a1f5c, #e7a0cd); }", vec![]),
            (
                "/* --ink: #fff; { */\n:root { --ink: var(--x); --own: #fff }",
                vec![],
            ),
            (
                "@media (prefers-color-scheme: dark) {\n :root {\n  --ink-3: #333;\n }\n}",
                vec![
                    (3, "on `--surface`", "dark"),
                    (3, "on `--canvas`", "dark"),
                    (3, "on `--sunken`", "dark"),
                ],
            ),
            (
                "[data-theme=light] { --gate: #fff }",
                vec![(1, "on `--gate`", "light")],
            ),
        ] {
            let faults = of(sheet);
            let is_as_said =
                |((line, text), (at, pair, scheme)): (&(usize, String), &(usize, &str, &str))| {
                    line == at && text.contains(pair) && text.contains(scheme)
                };
            assert_eq!(faults.len(), expected.len(), "{sheet}: {faults:?}");
            assert!(
                faults.iter().zip(&expected).all(is_as_said),
                "{sheet}: {faults:?}"
            );
        }
    }
}
