//! The table `auth_revocations`.

use sea_orm::entity::prelude::*;
use service::revocations::{Revocation, Revoked};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "auth_revocations")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub seq: i64,
    #[sea_orm(unique)]
    pub jti: Option<String>,
    #[sea_orm(unique)]
    pub sid: Option<String>,
    pub sub: Option<String>,
    /// Unix seconds.
    pub not_before: Option<i64>,
    pub created_at: DateTimeUtc,
    pub expires_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// What the row says; nothing for one of a later release.
    pub fn into_revocation(self) -> Option<Revocation> {
        let what = match (self.jti, self.sid, self.sub.zip(self.not_before)) {
            (Some(jti), _, _) => Revoked::Token { jti },
            (_, Some(sid), _) => Revoked::Session { sid },
            (_, _, Some((sub, not_before))) => Revoked::User { sub, not_before },
            _ => return None,
        };
        Some(Revocation {
            what,
            expires_at: self.expires_at.timestamp(),
        })
    }
}
