/// Why there is no answer. What clients are told says nothing of the statement or its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The database does not take connections.
    Away,
    /// A connection that was in use has ended.
    Broken,
    /// All connections were in use for too long.
    Busy,
    Late,
    /// The answer is larger than allowed.
    TooLarge,
    /// A value does not fit the type of its column.
    Range,
    /// There is such a row already, or one that refers to it, or none that it refers to.
    Conflict,
    /// A rule of the table is broken.
    Rule,
    /// The statement cannot run; the reason is for the log.
    Statement(String),
    /// Something is wrong in here.
    Wrong,
}

impl Fault {
    /// An error that does not come from the database itself.
    pub fn of_connection(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Io(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::WorkerCrashed => Self::Broken,
            other => Self::Statement(other.to_string()),
        }
    }
}
