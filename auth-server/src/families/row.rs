//! The tables `auth_families`, `auth_refresh_tokens`, `auth_access_tokens`.

pub mod family {
    use sea_orm::entity::prelude::*;

    use crate::{factors::Proof, families::Family, scopes, subject::KeptProfile};

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "auth_families")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub client_id: String,
        pub api: String,
        pub method: String,
        pub user_id: String,
        pub namespace: Option<String>,
        pub scope: String,
        pub sid: Option<String>,
        pub auth_time: Option<DateTimeUtc>,
        pub created_at: DateTimeUtc,
        pub expires_at: DateTimeUtc,
        pub revoked_at: Option<DateTimeUtc>,
        pub revoked_reason: Option<String>,
        pub authenticated_userid: Option<String>,
        /// JSON.
        pub profile: Option<String>,
        pub proof: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    impl From<Model> for Family {
        fn from(row: Model) -> Self {
            Self {
                id: row.id,
                client_id: row.client_id,
                api: row.api,
                method: row.method,
                user_id: row.user_id,
                namespace: row.namespace,
                scope: scopes::split(&row.scope),
                sid: row.sid,
                auth_time: row.auth_time,
                began_at: row.auth_time.unwrap_or(row.created_at),
                expires_at: row.expires_at,
                revoked: row.revoked_at.is_some(),
                verbatim: row.authenticated_userid,
                profile: row.profile.as_deref().and_then(KeptProfile::parse),
                proof: Proof::parse(row.proof.as_deref()),
            }
        }
    }
}

pub mod refresh_token {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "auth_refresh_tokens")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub token_hash: String,
        pub family: String,
        pub generation: i64,
        pub created_at: DateTimeUtc,
        pub replaced_at: Option<DateTimeUtc>,
        pub repeated_at: Option<DateTimeUtc>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod access_token {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "auth_access_tokens")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub jti: String,
        pub family: String,
        pub expires_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
