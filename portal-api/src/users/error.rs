//! What can go wrong with users.

use sea_orm::{DbErr, SqlErr};

use crate::ApiError;

/// Why a user was not created or changed.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    #[error("a user needs an `email`")]
    NoEmail,
    #[error("`email` is not a mail address such as name@example.org")]
    InvalidEmail,
    #[error("`{0}` is longer than it may be")]
    TooLong(&'static str),
    #[error("a user with this mail address exists already")]
    EmailTaken,
    #[error("a user with this custom id exists already")]
    CustomIdTaken,
    #[error("a user with this id exists already")]
    IdTaken,
    #[error("the mail address of an account with a password cannot be changed")]
    EmailFixed,
    #[error("the custom id of a user cannot be changed")]
    CustomIdFixed,
    #[error("only administrators may change `{0}`")]
    AdminsOnly(&'static str),
    #[error("nobody can lock himself out; let another administrator do it")]
    OwnLock,
    #[error("the user has applications; leave or delete them first")]
    HasApplications,
    #[error("the user is the only owner of a team; make another member its owner first")]
    OwnsTeam,
    #[error("the database failed")]
    Database(#[from] DbErr),
}

impl UserError {
    /// Sorts out which constraint refused a row.
    pub fn of_write(error: DbErr) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(constraint)) => {
                // SQLite names column (`users.email`), PostgreSQL the constraint (`users_email_key`).
                if constraint.contains("custom_id") {
                    Self::CustomIdTaken
                } else if constraint.contains("email") {
                    Self::EmailTaken
                } else {
                    Self::IdTaken
                }
            }
            Some(SqlErr::ForeignKeyConstraintViolation(_)) => Self::HasApplications,
            _ => Self::Database(error),
        }
    }
}

impl From<UserError> for ApiError {
    fn from(error: UserError) -> Self {
        let message = sentence(&error.to_string());
        match error {
            UserError::NoEmail => Self::invalid("email", "required", message),
            UserError::InvalidEmail => Self::invalid("email", "format", message),
            UserError::TooLong(field) => Self::invalid(field, "length", message),
            UserError::EmailTaken => Self::conflict("email-taken", message),
            UserError::CustomIdTaken => Self::conflict("custom-id-taken", message),
            UserError::IdTaken => Self::conflict("id-taken", message),
            UserError::EmailFixed => Self::invalid("email", "fixed", message),
            UserError::CustomIdFixed => Self::invalid("customId", "fixed", message),
            UserError::AdminsOnly(_) => Self::forbidden("admins-only", message),
            UserError::OwnLock => Self::conflict("own-lock", message),
            UserError::HasApplications => Self::conflict("has-applications", message),
            UserError::OwnsTeam => Self::conflict("owns-team", message),
            UserError::Database(error) => error.into(),
        }
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), letters.as_str()),
        None => String::new(),
    }
}
