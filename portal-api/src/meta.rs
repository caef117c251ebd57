//! Table `meta`: single values of the whole installation, by name.

use sea_orm::{ConnectionTrait, DbErr};

use crate::sql;

pub async fn get(db: &impl ConnectionTrait, name: &str) -> Result<Option<String>, DbErr> {
    let select = sql::statement(db, "select value from meta where name = $1", [name.into()]);
    let row = db.query_one_raw(select).await?;
    row.map(|row| row.try_get_by_index(0)).transpose()
}

pub async fn set(db: &impl ConnectionTrait, name: &str, value: &str) -> Result<(), DbErr> {
    let upsert = "insert into meta (name, value) values ($1, $2) \
                  on conflict (name) do update set value = excluded.value";
    sql::run(db, upsert, [name.into(), value.into()]).await?;
    Ok(())
}

/// Keeps the value that is there already. Of two instances that start together exactly one stores
/// its own.
pub async fn set_once(db: &impl ConnectionTrait, name: &str, value: &str) -> Result<(), DbErr> {
    let insert = "insert into meta (name, value) values ($1, $2) on conflict (name) do nothing";
    sql::run(db, insert, [name.into(), value.into()]).await?;
    Ok(())
}
