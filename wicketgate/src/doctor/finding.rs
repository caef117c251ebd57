//! What was found.

use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Good,
    /// Works, and somebody should look at it.
    Odd,
    /// Does not work, or not for long.
    Bad,
}

#[derive(Debug)]
pub struct Finding {
    pub level: Level,
    what: &'static str,
    text: String,
    /// What to do.
    advice: Option<String>,
}

impl Finding {
    pub fn good(what: &'static str, text: impl Into<String>) -> Self {
        Self {
            level: Level::Good,
            what,
            text: text.into(),
            advice: None,
        }
    }

    pub fn odd(what: &'static str, text: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            level: Level::Odd,
            advice: Some(advice.into()),
            ..Self::good(what, text)
        }
    }

    pub fn bad(what: &'static str, text: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            level: Level::Bad,
            ..Self::odd(what, text, advice)
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.level {
            Level::Good => "ok",
            Level::Odd => "look",
            Level::Bad => "WRONG",
        };
        write!(f, "{mark:<6}{:<14}{}", self.what, self.text)?;
        match &self.advice {
            Some(advice) => write!(f, "\n{:20}→ {advice}", ""),
            None => Ok(()),
        }
    }
}
