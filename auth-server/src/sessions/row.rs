//! The tables `auth_sessions` and `auth_logins`.

pub mod session {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "auth_sessions")]
    pub struct Model {
        /// Digest of the cookie.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id_hash: String,
        #[sea_orm(unique)]
        pub sid: String,
        pub created_at: DateTimeUtc,
        pub seen_at: DateTimeUtc,
        pub expires_at: DateTimeUtc,
        pub address: Option<String>,
        pub agent: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(has_many = "super::login::Entity")]
        Login,
    }

    impl Related<super::login::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Login.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod login {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "auth_logins")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub session: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub method: String,
        pub user_id: String,
        pub auth_time: DateTimeUtc,
        /// JSON.
        pub identity: Option<String>,
        pub proof: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::session::Entity",
            from = "Column::Session",
            to = "super::session::Column::IdHash"
        )]
        Session,
    }

    impl Related<super::session::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Session.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}
