//! The tables `usage_minutes`, `usage_windows` and `usage_batches`.

pub mod minute {
    use sea_orm::{FromJsonQueryResult, entity::prelude::*};
    use serde::{Deserialize, Serialize};

    /// The calls of one minute that agree in everything else. Unknown dimensions are empty.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "usage_minutes")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub subscription_id: String,
        /// Unix seconds of its beginning.
        #[sea_orm(primary_key, auto_increment = false)]
        pub minute: i64,
        #[sea_orm(primary_key, auto_increment = false)]
        pub credential_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub operation: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub status: String,
        pub calls: i64,
        pub errors: i64,
        pub request_bytes: i64,
        pub response_bytes: i64,
        pub histogram: Counts,
    }

    /// Calls per latency bucket.
    #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
    pub struct Counts(pub Vec<u64>);

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod window {
    use sea_orm::entity::prelude::*;

    /// What a subscription has used of one limit of its plan, in the window that ran last.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "usage_windows")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub subscription_id: String,
        /// `minute`, `hour`, `day`, `month` or `year`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub name: String,
        /// Unix seconds.
        pub begins_at: i64,
        /// The limit that `told` is about.
        pub allowed: i64,
        pub used: i64,
        /// Percent of which listeners were told.
        pub told: i64,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod batch {
    use sea_orm::entity::prelude::*;

    /// A batch that was counted, kept as long as it may arrive again.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "usage_batches")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub received_at: DateTimeUtc,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
