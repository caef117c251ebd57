use std::sync::OnceLock;

use sea_orm::{DbBackend, QueryTrait, Statement, Value};

/// A query of a hot path whose text is made once: to write it out of the names of all columns costs
/// about as much as to run it.
#[derive(Debug)]
pub struct Prepared {
    sqlite: OnceLock<Statement>,
    postgres: OnceLock<Statement>,
}

impl Prepared {
    #[expect(
        clippy::new_without_default,
        reason = "it stands in statics, which need a constant"
    )]
    pub const fn new() -> Self {
        Self {
            sqlite: OnceLock::new(),
            postgres: OnceLock::new(),
        }
    }

    /// The query that `make` returns, with `values` instead of the first ones it was made with.
    /// `make` always returns the same query.
    pub fn with<Q: QueryTrait, const N: usize>(
        &self,
        backend: DbBackend,
        make: impl FnOnce() -> Q,
        values: [Value; N],
    ) -> Statement {
        let prepared = match backend {
            DbBackend::Postgres => &self.postgres,
            _ => &self.sqlite,
        };
        let mut statement = prepared.get_or_init(|| make().build(backend)).clone();
        let places = statement.values.iter_mut().flat_map(|values| &mut values.0);
        for (place, value) in places.zip(values) {
            *place = value;
        }
        statement
    }
}
