//! The tables of the event bus.

use sea_orm::{ConnectionTrait, DbErr, EntityTrait, QueryOrder, QuerySelect};

pub mod event {
    use sea_orm::entity::prelude::*;
    use serde::Deserialize;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Deserialize)]
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
        /// About as many bytes as it takes in a request.
        pub size: i32,
        /// Digest of what the sealed members open, and until when they do.
        pub sealed_digest: Option<String>,
        pub sealed_until: Option<DateTimeUtc>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// The number of the last event, 0 without any.
pub async fn last_seq(db: &impl ConnectionTrait) -> Result<i64, DbErr> {
    let newest = event::Entity::find()
        .select_only()
        .column(event::Column::Seq)
        .order_by_desc(event::Column::Seq)
        .limit(1);
    let seq = newest.into_tuple().one(db).await?;
    Ok(seq.unwrap_or_default())
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
        /// `explicit`, `ack` or `pull` (events-and-adapters B1).
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
        /// `wicked`, `standard` or `cloudevents`.
        pub format: String,
        /// `batch` or `single`.
        pub delivery: String,
        /// `none` or `entity`.
        pub ordering: String,
        pub max_attempts: Option<i32>,
        pub max_age_hours: Option<i32>,
        pub max_queue: i64,
        /// `dead` or `collapse`.
        pub overflow: String,
        pub sealed_headers: Option<String>,
        /// The application that it belongs to, if it belongs to one.
        pub application_id: Option<String>,
        /// Requests that failed in a row, and since when.
        pub failures: i32,
        pub failing_since: Option<DateTimeUtc>,
        /// No request before; absent: whenever something is due.
        pub next_attempt_at: Option<DateTimeUtc>,
        /// The instance that sends to it.
        pub sender: Option<String>,
        pub sender_until: Option<DateTimeUtc>,
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

        pub fn is_single(&self) -> bool {
            self.delivery == "single"
        }

        /// Whether events of one thing are delivered one after the other (events-and-adapters B9).
        pub fn is_ordered(&self) -> bool {
            self.ordering == "entity"
        }

        pub fn timeout(&self) -> std::time::Duration {
            std::time::Duration::from_millis(u64::try_from(self.timeout_ms).unwrap_or(15_000))
        }
    }
}

pub mod secret {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "listener_secrets")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub listener_id: String,
        pub sealed: String,
        pub created_at: DateTimeUtc,
        /// When it stops to sign, once a newer one has taken its place.
        pub ends_at: Option<DateTimeUtc>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod attempt {
    use sea_orm::entity::prelude::*;

    /// One request to a listener.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "delivery_attempts")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub listener_id: String,
        pub first_seq: i64,
        pub last_seq: i64,
        /// The numbers of the events in it.
        pub seqs: Json,
        pub message_id: String,
        pub started_at: DateTimeUtc,
        pub duration_ms: i32,
        pub status: Option<i32>,
        pub error: Option<String>,
        /// The beginning of the answer's body.
        pub answer: Option<String>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
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
        /// Of the event, for listeners that want order.
        pub ordering_key: Option<String>,
        /// Queued again on request.
        pub replay: bool,
        /// When it was acknowledged or given up.
        pub ended_at: Option<DateTimeUtc>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
