//! Languages of code samples.

/// Kept in a cookie, chosen by link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    #[default]
    Curl,
    JavaScript,
    Python,
    Java,
    CSharp,
    Go,
    Rust,
    Php,
    /// Of texts; no sample is written in it.
    Json,
}

impl Language {
    pub const ALL: [Self; 8] = [
        Self::Curl,
        Self::JavaScript,
        Self::Python,
        Self::Java,
        Self::CSharp,
        Self::Go,
        Self::Rust,
        Self::Php,
    ];

    /// Value in addresses and in the cookie.
    pub fn value(self) -> &'static str {
        match self {
            Self::Curl => "curl",
            Self::JavaScript => "javascript",
            Self::Python => "python",
            Self::Java => "java",
            Self::CSharp => "csharp",
            Self::Go => "go",
            Self::Rust => "rust",
            Self::Php => "php",
            Self::Json => "json",
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Curl => "curl",
            Self::JavaScript => "JavaScript",
            Self::Python => "Python",
            Self::Java => "Java",
            Self::CSharp => "C#",
            Self::Go => "Go",
            Self::Rust => "Rust",
            Self::Php => "PHP",
            Self::Json => "JSON",
        }
    }

    pub fn from_value(value: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|language| language.value() == value)
    }

    /// What a fence of a Markdown text calls it.
    pub fn of_fence(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "curl" | "sh" | "bash" | "shell" | "console" => Self::Curl,
            "js" | "ts" | "typescript" => Self::JavaScript,
            "py" => Self::Python,
            "cs" | "c#" => Self::CSharp,
            "golang" => Self::Go,
            "rs" => Self::Rust,
            "json" | "jsonc" => Self::Json,
            name => Self::from_value(name)?,
        })
    }

    /// Words that are drawn as keywords.
    pub(super) fn keywords(self) -> &'static [&'static str] {
        match self {
            Self::Curl => &["curl"],
            Self::JavaScript => &["const", "await", "new"],
            Self::Python => &["import", "print"],
            Self::Java => &["var", "new", "import"],
            Self::CSharp => &["using", "var", "new", "await"],
            Self::Go => &["package", "import", "func", "defer", "nil"],
            Self::Rust => &["let", "use", "async", "fn", "await"],
            Self::Php => &["echo", "true"],
            Self::Json => &["true", "false", "null"],
        }
    }
}
