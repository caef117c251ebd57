//! The table `approvals`. Names are copies from the time of the request.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "approvals")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub subscription_id: String,
    pub user_id: String,
    pub user_email: String,
    pub application_id: String,
    pub application_name: String,
    pub application_description: Option<String>,
    pub api_id: String,
    pub api_name: String,
    pub api_group: Option<String>,
    pub plan_id: String,
    pub plan_name: String,
    /// The wish for a trusted subscription.
    pub trusted: bool,
    /// What the requester wrote for the approver.
    pub purpose: Option<String>,
    /// `open`, `approved`, `declined` or `withdrawn`.
    pub state: String,
    pub requested_at: DateTimeUtc,
    pub decided_at: Option<DateTimeUtc>,
    pub decided_by: Option<String>,
    pub reason: Option<String>,
    /// Id of the user who takes care of it.
    pub assignee: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What was said about a request. The address is a copy, so that it outlives the user.
pub mod comment {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "approval_comments")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub approval_id: String,
        pub user_id: String,
        pub user_email: String,
        pub text: String,
        pub created_at: DateTimeUtc,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
