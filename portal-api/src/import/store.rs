//! Writing one row: new ones are inserted, older ones replaced, newer ones left alone.

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, DatabaseTransaction, DbErr, EntityTrait,
    FromQueryResult, IntoActiveModel, ModelTrait,
};

use super::report::Fate;

/// `changed_at` decides between what is here and what was found.
pub async fn save<M>(
    txn: &DatabaseTransaction,
    here: Option<&M>,
    found: M,
    changed_at: impl Fn(&M) -> DateTime<Utc>,
) -> Result<Fate, DbErr>
where
    M: ModelTrait
        + PartialEq
        + FromQueryResult
        + IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel>,
    M::Entity: EntityTrait<Model = M>,
    <M::Entity as EntityTrait>::ActiveModel:
        ActiveModelTrait<Entity = M::Entity> + ActiveModelBehavior + Send,
{
    let Some(here) = here else {
        M::Entity::insert(found.into_active_model().reset_all())
            .exec_without_returning(txn)
            .await?;
        return Ok(Fate::Added);
    };
    if *here == found {
        return Ok(Fate::Unchanged);
    }
    if changed_at(here) > changed_at(&found) {
        return Ok(Fate::Kept);
    }
    found.into_active_model().reset_all().update(txn).await?;
    Ok(Fate::Updated)
}
