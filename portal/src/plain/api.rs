//! An API as Markdown.

use std::fmt::Write as _;

use sdk::types::Api;
use ui::texts;

use super::{address, line, lists::titled, operation};
use crate::{
    apis::{guide_url, guides_of, urls},
    catalogue::{LifeCycle, auth_name, name},
    failure::Failure,
    links, markdown, plans,
    reference::{Definition, operation_url},
    visitor::Visitor,
};

/// `/apis/{api}`
pub async fn overview(visitor: &Visitor, id: &str) -> Result<String, Failure> {
    let api = visitor.client().api(id).await?;
    let mut text = head(visitor, &api).await?;
    let definitions = visitor.app.definitions();
    if let Some(definition) = definitions.get(&visitor.client(), id).await? {
        text.push_str(&operations(visitor, &api, &definition));
    }
    let guides = guides_of(visitor, id).await?;
    if !guides.is_empty() {
        let _ = write!(text, "\n## {}\n\n", texts::Apis(visitor.lang()).guides());
        for guide in guides {
            let url = address(visitor, &format!("{}.md", guide_url(id, &guide.path)));
            let _ = writeln!(text, "- [{}]({url})", guide.title);
        }
    }
    Ok(text)
}

/// What the overview says, and all operations in full.
pub async fn everything(visitor: &Visitor, api: &Api) -> Result<String, Failure> {
    let mut text = head(visitor, api).await?;
    let definitions = visitor.app.definitions();
    if let Some(definition) = definitions.get(&visitor.client(), &api.id).await? {
        for one in definition.operations().iter().take(200) {
            if let Some(shown) = operation::text(visitor, api, &definition, one, 2) {
                text.push('\n');
                text.push_str(&shown);
            }
        }
    }
    Ok(text)
}

async fn head(visitor: &Visitor, api: &Api) -> Result<String, Failure> {
    let client = visitor.client();
    let (description, config, all_plans) = tokio::try_join!(
        client.api_description(&api.id),
        client.api_config(&api.id),
        client.plans(),
    )?;
    let lang = visitor.lang();
    let (t, tp) = (texts::Apis(lang), texts::Plans(lang));
    let mut text = format!("# {}\n\n", name(api));
    if !api.desc.is_empty() {
        let _ = write!(text, "{}\n\n", api.desc.trim());
    }
    let access = auth_name(api, texts::Shared(lang));
    let _ = writeln!(text, "- {}: {}", t.status(), LifeCycle::of(api).label(lang));
    let _ = writeln!(text, "- {}: {access}", t.access());
    for url in urls(&visitor.installation.gateway, &config) {
        let _ = writeln!(text, "- {}: <{url}>", t.base_url());
    }
    let definition = address(visitor, &format!("{}/swagger", links::api(&api.id)));
    let _ = writeln!(text, "- {}: <{definition}>", t.definition());
    let offered = plans::of_api(api, &all_plans.plans, None, lang);
    if !offered.is_empty() {
        let _ = write!(text, "\n## {}\n\n", tp.plans());
        for plan in offered {
            let _ = writeln!(text, "- {}: {} {}", plan.name, plan.words(), plan.price);
        }
    }
    if !description.trim().is_empty() {
        let _ = write!(text, "\n{}\n", description.trim());
    }
    Ok(text)
}

/// `/apis/{api}/reference`
pub async fn reference(visitor: &Visitor, id: &str) -> Result<String, Failure> {
    let client = visitor.client();
    let api = client.api(id).await?;
    let definition = visitor.app.definitions().get(&client, id).await?;
    let definition = definition.ok_or(Failure::NotFound)?;
    let list = operations(visitor, &api, &definition);
    Ok(format!("# {}\n{list}", name(&api)))
}

fn operations(visitor: &Visitor, api: &Api, definition: &Definition) -> String {
    let t = texts::Reference(visitor.lang());
    let mut text = format!("\n## {}\n\n", t.operations());
    for one in definition.operations() {
        let url = address(visitor, &format!("{}.md", operation_url(&api.id, one)));
        let method = one.method.to_uppercase();
        let title = line(&markdown::plain(&one.title));
        let _ = writeln!(text, "- `{method} {}`: [{title}]({url})", one.path);
    }
    text
}

/// `/apis/{api}/docs`
pub async fn guides(visitor: &Visitor, id: &str) -> Result<String, Failure> {
    let api = visitor.client().api(id).await?;
    let guides = guides_of(visitor, id).await?;
    let mut text = format!("# {}\n\n", name(&api));
    for guide in guides {
        let url = address(visitor, &format!("{}.md", guide_url(id, &guide.path)));
        let _ = writeln!(text, "- [{}]({url})", guide.title);
    }
    Ok(text)
}

/// `/apis/{api}/docs/{path}`: as it was written.
pub async fn guide(visitor: &Visitor, id: &str, path: &str) -> Result<String, Failure> {
    let page = visitor.client().guide(id, path).await?;
    let source = String::from_utf8_lossy(&page.body).into_owned();
    let title = page.metadata.and_then(|metadata| metadata.title);
    Ok(titled(title, source))
}
