//! The one place that turns what went wrong into a status code and a body.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use sea_orm::{DbErr, RuntimeErr, SqlErr};
use service::{keys::MissingKey, problem::Problem};

/// Why a request was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Refused by a rule of the domain; built by the constructors below.
    #[error("{}", .0.message)]
    Refused(Box<Problem>),
    #[error("the database failed")]
    Database(#[from] DbErr),
    #[error(transparent)]
    Key(#[from] MissingKey),
    /// Our own fault; answered without detail, logged with it.
    #[error("internal failure")]
    Internal(#[from] anyhow::Error),
}

impl ApiError {
    fn refused(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self::Refused(Box::new(Problem::new(status, kind, message)))
    }

    /// 400 that names a field of the request.
    pub fn invalid(field: &str, rule: &'static str, message: impl Into<String>) -> Self {
        Self::Refused(Box::new(Problem::invalid(field, rule, message)))
    }

    /// 400 without a particular field.
    pub fn bad_request(kind: &'static str, message: impl Into<String>) -> Self {
        Self::refused(StatusCode::BAD_REQUEST, kind, message)
    }

    /// 401: the credentials that came along are not valid.
    pub fn unauthorized(message: impl Into<String>) -> Self {
        let problem = Problem::new(StatusCode::UNAUTHORIZED, "invalid-token", message).with_header(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Bearer error=\"invalid_token\""),
        );
        Self::Refused(Box::new(problem))
    }

    /// 403: the caller may not do this.
    pub fn forbidden(kind: &'static str, message: impl Into<String>) -> Self {
        Self::refused(StatusCode::FORBIDDEN, kind, message)
    }

    /// 403 in the form of a missing scope or an internal operation, with `code` (portal-api 4.2).
    pub fn forbidden_with_code(kind: &'static str, message: impl Into<String>) -> Self {
        let problem = Problem::new(StatusCode::FORBIDDEN, kind, message).with_code();
        Self::Refused(Box::new(problem))
    }

    /// 404; `message` names what was not found.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::refused(StatusCode::NOT_FOUND, "not-found", message)
    }

    /// 409: the state of things forbids it.
    pub fn conflict(kind: &'static str, message: impl Into<String>) -> Self {
        Self::refused(StatusCode::CONFLICT, kind, message)
    }

    /// 429: too many tries; `seconds` until the next one counts.
    pub fn too_many(message: impl Into<String>, seconds: u64) -> Self {
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", message)
            .with_header(header::RETRY_AFTER, HeaderValue::from(seconds));
        Self::Refused(Box::new(problem))
    }

    /// 503 with `Retry-After`: something that this request needs is away.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::Refused(Box::new(Problem::unavailable(message)))
    }
}

/// Whether `error` says that a unique constraint was violated. Unique constraints decide races:
/// stores insert and map this, instead of asking first.
pub fn is_duplicate(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

/// Whether `error` says that a foreign key was violated: what the row refers to is gone.
pub fn is_dangling(error: &DbErr) -> bool {
    matches!(
        error.sql_err(),
        Some(SqlErr::ForeignKeyConstraintViolation(_))
    )
}

/// Whether the database is away, as opposed to refusing a statement.
fn is_away(error: &DbErr) -> bool {
    use sea_orm::sqlx::Error as Sqlx;
    let cause = match error {
        DbErr::ConnectionAcquire(_) => return true,
        DbErr::Conn(RuntimeErr::SqlxError(cause))
        | DbErr::Exec(RuntimeErr::SqlxError(cause))
        | DbErr::Query(RuntimeErr::SqlxError(cause)) => cause,
        _ => return false,
    };
    match &**cause {
        Sqlx::Io(_)
        | Sqlx::Tls(_)
        | Sqlx::PoolTimedOut
        | Sqlx::PoolClosed
        | Sqlx::WorkerCrashed => true,
        // Class 57P: the server is shutting down, has crashed, or is starting.
        Sqlx::Database(error) => error.code().is_some_and(|code| code.starts_with("57P")),
        _ => false,
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        match self {
            Self::Refused(problem) => problem.into_response(),
            Self::Database(error) if is_away(&error) => {
                tracing::warn!(%error, "the database does not answer");
                Problem::unavailable("The data cannot be reached right now. Try again shortly.")
                    .into_response()
            }
            error => {
                let cause = anyhow::Error::from(error);
                tracing::error!("request failed: {cause:#}");
                Problem::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "internal",
                    "Something went wrong here. The operators find the cause by the correlation id.",
                )
                .into_response()
            }
        }
    }
}
