//! From text to nodes.

use super::Node;

/// Sections inside each other; a limit so that rendering cannot exhaust the stack.
const MAX_DEPTH: usize = 32;

/// A template that cannot be read, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct TemplateError {
    pub line: usize,
    pub reason: String,
}

/// A section that is not closed yet.
struct Open {
    name: String,
    inverted: bool,
    line: usize,
    /// Nodes before it.
    outer: Vec<Node>,
}

struct Parser<'a> {
    source: &'a str,
    at: usize,
    begin: String,
    end: String,
    open: Vec<Open>,
    nodes: Vec<Node>,
}

pub(super) fn parse(source: &str) -> Result<Vec<Node>, TemplateError> {
    let parser = Parser {
        source,
        at: 0,
        begin: "{{".to_owned(),
        end: "}}".to_owned(),
        open: Vec::new(),
        nodes: Vec::new(),
    };
    parser.run()
}

impl Parser<'_> {
    fn run(mut self) -> Result<Vec<Node>, TemplateError> {
        while let Some(offset) = self.source[self.at..].find(&self.begin) {
            let tag = self.at + offset;
            self.text(tag);
            self.tag(tag)?;
        }
        self.text(self.source.len());
        match self.open.pop() {
            Some(open) => Err(TemplateError {
                line: open.line,
                reason: format!("the section `{}` is never closed", open.name),
            }),
            None => Ok(self.nodes),
        }
    }

    /// Takes the text up to `until` as it is.
    fn text(&mut self, until: usize) {
        if until > self.at {
            self.nodes
                .push(Node::Text(self.source[self.at..until].to_owned()));
            self.at = until;
        }
    }

    fn tag(&mut self, tag: usize) -> Result<(), TemplateError> {
        let inside = tag + self.begin.len();
        // `{{{name}}}` ends with one brace more.
        let triple = self.begin == "{{" && self.source[inside..].starts_with('{');
        let end = if triple { "}}}" } else { self.end.as_str() };
        let Some(length) = self.source[inside..].find(end) else {
            return Err(self.fault(tag, "a tag is never closed"));
        };
        let content = &self.source[inside + usize::from(triple)..inside + length];
        let after = inside + length + end.len();
        self.at = after;
        let content = content.trim();
        let (sigil, name) = match content.chars().next() {
            Some(sigil @ ('#' | '^' | '/' | '!' | '=' | '&' | '>')) if !triple => {
                (sigil, content[1..].trim())
            }
            _ => (' ', content),
        };
        if matches!(sigil, '#' | '^' | '/' | '!' | '=') {
            self.remove_line(tag, after);
        }
        if sigil != '!' && sigil != '=' && (name.is_empty() || name.contains(char::is_whitespace)) {
            return Err(self.fault(tag, "a tag needs a name without blanks"));
        }
        match sigil {
            '!' => Ok(()),
            '=' => self.delimiters(tag, name),
            '>' => Err(self.fault(tag, "partials are not available here")),
            '#' | '^' => self.begin_section(tag, name, sigil == '^'),
            '/' => self.end_section(tag, name),
            _ => {
                self.nodes.push(Node::Variable {
                    name: name.to_owned(),
                });
                Ok(())
            }
        }
    }

    /// A tag that is alone on its line takes the line with it.
    fn remove_line(&mut self, tag: usize, after: usize) {
        let line = self.source[..tag]
            .rfind('\n')
            .map_or(0, |newline| newline + 1);
        let rest = &self.source[after..];
        let end = rest.find('\n').map_or(rest.len(), |newline| newline + 1);
        let blank = |text: &str| text.chars().all(char::is_whitespace);
        if !blank(&self.source[line..tag]) || !blank(&rest[..end]) {
            return;
        }
        if let Some(Node::Text(text)) = self.nodes.last_mut() {
            let keep = text.len().saturating_sub(tag - line);
            text.truncate(keep);
        }
        self.at = after + end;
    }

    fn begin_section(
        &mut self,
        tag: usize,
        name: &str,
        inverted: bool,
    ) -> Result<(), TemplateError> {
        if self.open.len() == MAX_DEPTH {
            return Err(self.fault(tag, "sections are nested too deeply"));
        }
        self.open.push(Open {
            name: name.to_owned(),
            inverted,
            line: self.line(tag),
            outer: std::mem::take(&mut self.nodes),
        });
        Ok(())
    }

    fn end_section(&mut self, tag: usize, name: &str) -> Result<(), TemplateError> {
        match self.open.pop() {
            Some(open) if open.name == name => {
                let inner = std::mem::replace(&mut self.nodes, open.outer);
                self.nodes.push(Node::Section {
                    name: open.name,
                    inverted: open.inverted,
                    inner,
                });
                Ok(())
            }
            _ => Err(self.fault(
                tag,
                &format!("`{name}` is closed but is not the open section"),
            )),
        }
    }

    fn delimiters(&mut self, tag: usize, content: &str) -> Result<(), TemplateError> {
        let mut parts = content.trim_end_matches('=').split_whitespace();
        match (parts.next(), parts.next(), parts.next()) {
            (Some(begin), Some(end), None) => {
                (self.begin, self.end) = (begin.to_owned(), end.to_owned());
                Ok(())
            }
            _ => Err(self.fault(tag, "new delimiters are written as {{=begin end=}}")),
        }
    }

    fn line(&self, at: usize) -> usize {
        self.source[..at].matches('\n').count() + 1
    }

    fn fault(&self, at: usize, reason: &str) -> TemplateError {
        TemplateError {
            line: self.line(at),
            reason: reason.to_owned(),
        }
    }
}
