//! Database settings and the users that exist from the start.

use crate::read::Object;

/// `globals.storage` of type `postgres`. Any other type means the built-in SQLite file.
#[derive(Clone)]
pub struct PostgresStorage {
    pub host: String,
    pub port: u16,
    pub user: String,
    pub password: String,
    pub database: String,
}

impl std::fmt::Debug for PostgresStorage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "postgres://{}@{}:{}/{}",
            self.user, self.host, self.port, self.database
        )
    }
}

/// A user that is created at start unless the id exists.
pub struct InitialUser {
    pub id: String,
    pub email: String,
    /// Clear text, as it stands in the file.
    pub password: Option<String>,
    pub custom_id: Option<String>,
    pub groups: Vec<String>,
}

impl std::fmt::Debug for InitialUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InitialUser")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

pub(super) fn read(root: &Object) -> Option<PostgresStorage> {
    let storage = root.object("storage")?;
    if storage.text("type").as_deref() != Some("postgres") {
        return None;
    }
    let port = storage.number("pgPort").unwrap_or(5432);
    Some(PostgresStorage {
        host: storage.required("pgHost")?,
        port: u16::try_from(port).unwrap_or_else(|_| {
            storage.error("pgPort", "this is no port number");
            5432
        }),
        user: storage.text_or("pgUser", "kong"),
        password: storage.text_or("pgPassword", ""),
        database: storage.text_or("pgDatabase", "wicked"),
    })
}

pub(super) fn initial_users(root: &Object) -> Vec<InitialUser> {
    root.objects("initialUsers")
        .iter()
        .filter_map(initial_user)
        .collect()
}

fn initial_user(object: &Object) -> Option<InitialUser> {
    let mut user = InitialUser {
        id: object.required("id")?,
        email: object.text_or("email", "").to_lowercase(),
        password: object.text("password"),
        custom_id: object.text("customId"),
        groups: object.texts("groups"),
    };
    if user.password.is_some() && user.custom_id.is_some() {
        object.error("customId", "a user has either a `password` or a `customId`");
    }
    // Known to everybody, and the reason for many open installations.
    if user.password.as_deref() == Some("wicked") {
        let message = "this is the well-known default password; the user gets none, set one with \
                       `wicketgate admin reset-password`";
        object.warn("password", message);
        user.password = None;
    }
    Some(user)
}
