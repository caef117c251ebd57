//! Whether the gateway has what is desired.

use kong::Kind;
use serde_json::Value;

use super::normal::{is_same_set, normal_form};
use crate::{
    entity::{Fields, text},
    target::Target,
};

/// Whether both descriptions of an entity say the same. Fields that only the gateway knows are
/// ignored: a newer one may have more.
pub fn is_same(target: &Target, kind: Kind, desired: &Fields, actual: &Fields) -> bool {
    if kind == Kind::Plugin && !target.is_embedded() {
        return is_same_plugin(target, desired, actual);
    }
    normal_form(kind, desired) == normal_form(kind, actual)
}

/// Kong's plugins have schemas of their own; what it fills in outside of `config` stays its own.
fn is_same_plugin(target: &Target, desired: &Fields, actual: &Fields) -> bool {
    let reference = |fields: &Fields, name: &str| fields.get(name)?.get("id").cloned();
    let same_place = ["service", "route", "consumer"]
        .iter()
        .all(|name| reference(desired, name) == reference(actual, name));
    let same_config = match text(desired, "name").and_then(|name| target.schema(name)) {
        Some(schema) => schema.is_same(desired.get("config"), actual.get("config")),
        None => includes(actual.get("config"), desired.get("config")),
    };
    same_place
        && same_config
        && desired.get("name") == actual.get("name")
        && desired.get("enabled") == actual.get("enabled")
        && is_same_set(desired.get("tags"), actual.get("tags"))
}

/// Without a schema: whether everything desired is there.
fn includes(actual: Option<&Value>, desired: Option<&Value>) -> bool {
    match (desired, actual) {
        (Some(Value::Object(desired)), Some(Value::Object(actual))) => desired
            .iter()
            .all(|(name, value)| includes(actual.get(name), Some(value))),
        (desired, actual) if is_null(desired) || is_null(actual) => {
            is_null(desired) && is_null(actual)
        }
        (desired, actual) => desired == actual,
    }
}

fn is_null(value: Option<&Value>) -> bool {
    value.is_none_or(Value::is_null)
}

#[cfg(test)]
mod tests {
    use kong::schema;
    use serde_json::json;

    use super::*;
    use crate::diff::fingerprint;

    /// Whether the change makes no difference, for those who compare and those who count alike.
    fn is_same_after(kind: Kind, entity: &Value, change: &dyn Fn(&mut Value)) -> bool {
        let entity = entity.as_object().unwrap().clone();
        let desired = schema::entity::examine(kind, entity).unwrap();
        let mut actual = Value::Object(desired.clone());
        change(&mut actual);
        let actual = actual.as_object().unwrap();
        let same = is_same(&Target::embedded(), kind, &desired, actual);
        assert_eq!(
            same,
            fingerprint(kind, &desired) == fingerprint(kind, actual)
        );
        same
    }

    #[test]
    fn only_real_differences_count() {
        let plugin = json!({"name": "rate-limiting", "config": {"minute": 3}, "tags": ["a", "b"]});
        let with = |change: &dyn Fn(&mut Value)| is_same_after(Kind::Plugin, &plugin, change);
        assert!(with(&|actual| actual["id"] = json!("x")));
        assert!(with(&|actual| actual["created_at"] = json!(1)));
        assert!(with(&|actual| actual["tags"] = json!(["b", "a"])));
        assert!(with(&|actual| actual["config"]["minute"] = json!(3.0)));
        assert!(with(
            &|actual| actual["config"]["from_the_future"] = json!(1)
        ));
        assert!(with(&|actual| {
            actual.as_object_mut().unwrap().remove("instance_name");
        }));
        assert!(!with(&|actual| actual["config"]["minute"] = json!(4)));
        assert!(!with(&|actual| actual["config"]["hour"] = json!(100)));
        assert!(!with(&|actual| actual["tags"] = json!(["a"])));
        assert!(!with(&|actual| actual["enabled"] = json!(false)));
        assert!(!with(&|actual| actual["service"] = json!({"id": "x"})));
    }

    #[test]
    fn order_counts_where_it_means_something() {
        let route = json!({
            "service": {"id": "00000000-0000-0000-0000-000000000001"},
            "paths": ["/a", "/b"], "hosts": ["a.test", "b.test"], "headers": {"x": ["1", "2"]}
        });
        let with = |change: &dyn Fn(&mut Value)| is_same_after(Kind::Route, &route, change);
        assert!(with(&|actual| actual["paths"] = json!(["/b", "/a"])));
        assert!(with(&|actual| actual["hosts"] = json!(["b.test", "a.test"])));
        assert!(!with(&|actual| actual["paths"] = json!(["/a"])));
        assert!(!with(&|actual| actual["paths"] = json!(["/a", "/b", "/c"])));
        assert!(!with(&|actual| actual["headers"] = json!({"y": ["1", "2"]})));
        assert!(!with(&|actual| actual["strip_path"] = json!("true")));
        assert!(with(&|actual| {
            actual["service"] = json!({"id": actual["service"]["id"], "name": "more"});
        }));
    }
}
