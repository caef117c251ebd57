//! User groups (`groups/groups.json`).

use serde_json::{Value, json};

use crate::{
    catalog::{Catalog, Entry},
    problem::Report,
    read::Object,
    render::Rendered,
};

pub(crate) const FILE: &str = "groups/groups.json";

/// A group of users and what its members may do.
#[derive(Debug)]
pub struct Group {
    pub id: String,
    pub name: String,
    /// Members are administrators.
    pub admin_group: bool,
    /// Members decide subscription requests for APIs of their groups.
    pub approver_group: bool,
    /// Old names of the same group in a directory; they count for approvers only.
    pub alt_ids: Vec<String>,
    /// The object as configured.
    pub json: Value,
}

impl Entry for Group {
    fn id(&self) -> &str {
        &self.id
    }
}

/// All groups of users.
#[derive(Debug)]
pub struct Groups {
    pub all: Catalog<Group>,
    /// Answer of `GET /groups`.
    pub rendered: Rendered,
}

impl Groups {
    /// Whether one of a user's groups makes him an administrator.
    pub fn is_admin<G: AsRef<str>>(&self, groups: &[G]) -> bool {
        groups.iter().any(|id| {
            self.all
                .get(id.as_ref())
                .is_some_and(|group| group.admin_group)
        })
    }

    /// Whether one of a user's groups makes him an approver.
    pub fn is_approver<G: AsRef<str>>(&self, groups: &[G]) -> bool {
        groups.iter().any(|id| {
            self.all
                .get(id.as_ref())
                .is_some_and(|group| group.approver_group)
        })
    }

    pub(crate) fn read(document: &Value, report: &Report) -> Self {
        let mut groups = Vec::new();
        if let Some(root) = Object::root(FILE, document, report) {
            root.require_list("groups");
            groups.extend(root.objects("groups").iter().filter_map(read_group));
        }
        let (all, duplicates) = Catalog::new(groups);
        for group in duplicates {
            report.error(
                FILE,
                &crate::path::JsonPath::default().key("groups"),
                format!("group `{}` is there twice", group.id),
            );
        }
        if !all.iter().any(|group| group.admin_group) {
            let path = crate::path::JsonPath::default().key("groups");
            report.error(
                FILE,
                &path,
                "no group has `adminGroup: true`, so nobody can administer",
            );
        }
        let list = document.get("groups").cloned().unwrap_or_else(|| json!([]));
        let served = json!({"groups": list, "_links": {"self": {"href": "/groups"}}});
        Self {
            all,
            rendered: Rendered::json(&served),
        }
    }
}

fn read_group(object: &Object) -> Option<Group> {
    let id = object.required("id")?;
    Some(Group {
        name: object.text_or("name", &id),
        admin_group: object.flag("adminGroup"),
        approver_group: object.flag("approverGroup"),
        alt_ids: object.texts("alt_ids"),
        json: Value::Object(object.map.clone()),
        id,
    })
}
