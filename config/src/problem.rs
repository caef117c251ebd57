//! What is wrong with a configuration: every problem at once, each with file, place and line.
//!
//! Errors refuse the configuration; warnings are shown and the configuration is used.

use std::{cell::RefCell, fmt};

use serde::Serialize;

use crate::path::JsonPath;

/// Whether a problem refuses the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The configuration is not used.
    Error,
    /// The configuration is used; somebody should have a look.
    Warning,
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    pub severity: Severity,
    /// Relative to the folder that contains `globals.json`, with `/`.
    pub file: String,
    /// Place inside the file, such as `apis[2].plans[0]`; empty for the file as a whole.
    #[serde(serialize_with = "crate::path::as_text")]
    pub path: JsonPath,
    /// Counted from 1; missing where the place is not in the text (a missing member, an upgraded
    /// one).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    pub message: String,
}

impl Problem {
    fn order(&self) -> (Severity, &str, Option<usize>, &JsonPath, &str) {
        (
            self.severity,
            &self.file,
            self.line,
            &self.path,
            &self.message,
        )
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{word}: {}", self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.path.is_empty() {
            write!(f, ": {}", self.path)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// All problems of one configuration, errors first, then by file and line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// A single error about the configuration as a whole, for example a folder that is not there.
    pub fn whole(file: impl Into<String>, message: impl Into<String>) -> Self {
        let report = Report::default();
        report.error(&file.into(), &JsonPath::default(), message);
        report.into_problems()
    }

    /// The problems, sorted by file and place.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }

    /// Whether there is nothing to report.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Errors and warnings together.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// How many of them are errors.
    pub fn errors(&self) -> usize {
        self.0
            .iter()
            .filter(|problem| problem.severity == Severity::Error)
            .count()
    }

    /// Whether the configuration must not be used.
    pub fn refuse(&self) -> bool {
        self.errors() > 0
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// One line per problem and a line with the sums.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.0 {
            writeln!(f, "{problem}")?;
        }
        let errors = self.errors();
        write!(f, "{errors} error(s), {} warning(s)", self.0.len() - errors)
    }
}

impl std::error::Error for Problems {}

/// Collects problems while a configuration is read. Shared by reference, hence the cell.
#[derive(Debug, Default)]
pub(crate) struct Report(RefCell<Vec<Problem>>);

impl Report {
    pub fn error(&self, file: &str, path: &JsonPath, message: impl Into<String>) {
        self.add(Severity::Error, file, path, None, message.into());
    }

    pub fn warn(&self, file: &str, path: &JsonPath, message: impl Into<String>) {
        self.add(Severity::Warning, file, path, None, message.into());
    }

    pub fn error_at(&self, file: &str, line: usize, message: impl Into<String>) {
        self.add(
            Severity::Error,
            file,
            &JsonPath::default(),
            Some(line),
            message.into(),
        );
    }

    pub fn warn_at(&self, file: &str, line: usize, message: impl Into<String>) {
        self.add(
            Severity::Warning,
            file,
            &JsonPath::default(),
            Some(line),
            message.into(),
        );
    }

    fn add(
        &self,
        severity: Severity,
        file: &str,
        path: &JsonPath,
        line: Option<usize>,
        message: String,
    ) {
        let (file, path) = (file.to_owned(), path.clone());
        self.0.borrow_mut().push(Problem {
            severity,
            file,
            path,
            line,
            message,
        });
    }

    pub fn has_errors(&self) -> bool {
        self.0
            .borrow()
            .iter()
            .any(|problem| problem.severity == Severity::Error)
    }

    /// Whether something was reported about this place, or about something inside it.
    pub fn knows(&self, file: &str, path: &JsonPath) -> bool {
        self.0
            .borrow()
            .iter()
            .any(|problem| problem.file == file && problem.path.begins_with(path))
    }

    /// Adds the lines: `text_of` gives the text of a file.
    pub fn locate<'t>(&self, text_of: impl Fn(&str) -> Option<&'t str>) {
        for problem in self.0.borrow_mut().iter_mut() {
            if problem.line.is_none() && !problem.path.is_empty() {
                problem.line = text_of(&problem.file)
                    .and_then(|text| crate::locate::line_of(text, &problem.path));
            }
        }
    }

    pub fn into_problems(self) -> Problems {
        let mut all = self.0.into_inner();
        all.sort_by(|a, b| a.order().cmp(&b.order()));
        all.dedup();
        Problems(all)
    }
}
