//! The tables of the event bus.

pub mod event {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "events")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub seq: i64,
        pub id: String,
        pub entity: String,
        pub action: String,
        pub occurred_at: DateTimeUtc,
        pub ordering_key: String,
        pub application_id: Option<String>,
        pub data: Json,
        pub sealed: Option<String>,
        pub correlation_id: Option<String>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod listener {
    use sea_orm::{FromJsonQueryResult, entity::prelude::*};
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "listeners")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub url: String,
        /// `explicit` or `ack` (events-and-adapters B1).
        pub mode: String,
        pub batch_size: i32,
        pub timeout_ms: i32,
        pub events: Option<Filter>,
        pub sensitive: bool,
        pub enabled: bool,
        pub disabled_at: Option<DateTimeUtc>,
        pub disabled_reason: Option<String>,
        pub created_at: DateTimeUtc,
        pub changed_at: DateTimeUtc,
    }

    /// Kinds a listener wants: `<entity>.<action>`, either part may be `*`.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
    pub struct Filter(pub Vec<String>);

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        /// Whether 2xx acknowledges (events-and-adapters B4).
        pub fn acknowledges_by_response(&self) -> bool {
            self.mode == "ack"
        }
    }
}

pub mod delivery {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "deliveries")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub listener_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub event_seq: i64,
        /// `pending`, `in_flight`, `acked` or `dead`.
        pub state: String,
        pub attempts: i32,
        pub next_attempt_at: DateTimeUtc,
        pub lease_until: Option<DateTimeUtc>,
        pub last_attempt_at: Option<DateTimeUtc>,
        pub last_status: Option<i32>,
        pub last_error: Option<String>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
