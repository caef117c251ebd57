//! Text that already is HTML.

use std::fmt;

use askama::{FastWritable, Values, filters::HtmlSafe};

/// HTML that templates print as it is.
///
/// Only for output of a template or of the Markdown sanitiser; anything else a page shows is a
/// plain string and gets escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Html(String);

impl Html {
    /// Wraps text that is known to be safe HTML.
    pub fn trusted(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Renders a component. Failing to write into a string is the only error, and it cannot happen.
    pub fn of(component: &impl askama::Template) -> Self {
        Self(component.render().unwrap_or_default())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FastWritable for Html {
    fn write_into(&self, dest: &mut dyn fmt::Write, _: &dyn Values) -> askama::Result<()> {
        dest.write_str(&self.0).map_err(askama::Error::from)
    }
}

impl HtmlSafe for Html {}
