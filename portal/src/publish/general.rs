//! Name, description, owner and topics of an API.

use axum::{extract::Path, response::Response};
use sdk::types::Group;
use ui::{Html, texts};

use super::{
    desk::Members,
    fields::{self, Choice},
    shell::{Opened, Tab},
};
use crate::{failure::Failure, form::Form, visitor::Visitor};

/// `GET /publish/apis/{api}`
pub async fn show(visitor: Visitor, path: Path<String>) -> Result<Response, Failure> {
    let mut opened = Opened::new(&visitor, path).await?;
    let t = texts::Publish(visitor.lang());
    let description = opened.file("desc.md");
    let description = opened.desk.text(&description).await?.unwrap_or_default();
    let owners = owners(&opened, t).await?;
    let lang = visitor.lang();
    let parts = vec![
        fields::line("name", t.name(), opened.text("name")).html(),
        fields::with_hint(
            fields::markdown("desc", t.short_description(), opened.text("desc"), lang),
            t.short_hint(),
        ),
        fields::select("ownerGroup", t.owner(), Some(t.owner_hint()), &owners),
        fields::optional(
            fields::line("tags", t.tags(), opened.list("tags").join(", ")),
            lang,
            Some(t.tags_hint()),
        ),
        fields::optional(
            fields::markdown("description", t.long_description(), description, lang),
            lang,
            Some(t.markdown_hint()),
        ),
    ];
    opened
        .page(&visitor, Tab::General, parts, Html::default())
        .await
}

/// Groups that may own the API; its own one is always among them.
async fn owners(opened: &Opened, t: texts::Publish) -> Result<Vec<Choice>, Failure> {
    let own = opened.text("ownerGroup");
    let groups = opened.desk.client.groups().await?.groups;
    let may = |group: &&Group| match opened.desk.groups() {
        Some(groups) => groups.contains(&group.id) || group.id == own,
        None => true,
    };
    let nobody = Choice::new("", t.administrators(), own.is_empty());
    let is_admin = opened.desk.groups().is_none();
    let groups = groups.iter().filter(may);
    let named = groups.map(|group| Choice::new(&group.id, label(group), group.id == own));
    Ok(Some(nobody)
        .filter(|nobody| is_admin || nobody.is_chosen)
        .into_iter()
        .chain(named)
        .collect())
}

/// Name and id of a group.
pub fn label(group: &Group) -> String {
    if group.name.is_empty() || group.name == group.id {
        return group.id.clone();
    }
    format!("{} ({})", group.name, group.id)
}

/// `POST /publish/apis/{api}`: `name`, `desc`, `ownerGroup`, `tags`, `description`.
pub async fn save(visitor: Visitor, path: Path<String>, form: Form) -> Result<Response, Failure> {
    let mut opened = Opened::new(&visitor, path).await?;
    let mut members = Members::of_api(&mut opened.desk, &opened.api).await?;
    for member in ["name", "desc", "ownerGroup"] {
        if form.has(member) {
            members.text(&[member], &lines(form.text(member))).await?;
        }
    }
    if form.has("tags") {
        let tags = form.all("tags").flat_map(fields::words).collect();
        members.list(&["tags"], tags).await?;
    }
    if form.has("description") {
        let file = opened.file("desc.md");
        put_text(&mut opened, &file, form.text("description")).await?;
    }
    opened.saved(&visitor, Tab::General).await
}

/// Another text for a file, which ends its last line.
pub async fn put_text(opened: &mut Opened, path: &str, text: &str) -> Result<(), Failure> {
    let text = lines(text);
    let before = opened.desk.original(path).await?;
    // Nothing but white space at the ends is no change.
    if before.as_deref().map(str::trim) == Some(text.as_str()) {
        return opened.desk.put(path, before).await;
    }
    let text = (!text.is_empty()).then(|| format!("{text}\n"));
    opened.desk.put(path, text).await
}

/// Browsers end lines as mail does.
pub fn lines(text: &str) -> String {
    text.replace("\r\n", "\n")
}
