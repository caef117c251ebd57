//! The OpenAPI file of an API.

use axum::{extract::Path, response::Response};
use http::StatusCode;
use serde_json::Value;
use ui::{Html, Kind, texts};

use super::{
    fields,
    general::put_text,
    shell::{Opened, Tab},
};
use crate::{failure::Failure, form::Form, visitor::Visitor};

/// A draft has no more room.
const MAX_MIB: usize = 5;

/// `GET /publish/apis/{api}/definition`
pub async fn show(visitor: Visitor, path: Path<String>) -> Result<Response, Failure> {
    let mut opened = Opened::new(&visitor, path).await?;
    let file = opened.file("swagger.json");
    let text = opened.desk.text(&file).await?.unwrap_or_default();
    page(&visitor, opened, text).await
}

async fn page(visitor: &Visitor, opened: Opened, text: String) -> Result<Response, Failure> {
    let t = texts::Publish(visitor.lang());
    let parts = vec![
        fields::file(t.openapi_file(), "text", ".json,application/json"),
        fields::optional(
            fields::code("text", t.openapi(), text),
            visitor.lang(),
            Some(t.openapi_hint()),
        ),
    ];
    opened
        .page(visitor, Tab::Definition, parts, Html::default())
        .await
}

/// `POST /publish/apis/{api}/definition`: `text`, or what is in `file`. A text may be unfinished, since
/// it goes on being edited here; a file has to be a definition.
pub async fn save(visitor: Visitor, path: Path<String>, form: Form) -> Result<Response, Failure> {
    let mut opened = Opened::new(&visitor, path).await?;
    let file = opened.file("swagger.json");
    let text = form.text("text");
    let Some(uploaded) = form.optional("file") else {
        put_text(&mut opened, &file, text).await?;
        return opened.saved(&visitor, Tab::Definition).await;
    };
    if let Err(fault) = check(uploaded, texts::Publish(visitor.lang())) {
        if visitor.wants_json {
            return Err(Failure::BadRequest(format!("`file`: {fault}")));
        }
        visitor.leave(Kind::Bad, fault);
        let mut again = page(&visitor, opened, text.to_owned()).await?;
        *again.status_mut() = StatusCode::BAD_REQUEST;
        return Ok(again);
    }
    put_text(&mut opened, &file, uploaded).await?;
    opened.saved(&visitor, Tab::Definition).await
}

/// What is wrong with a file, if it cannot be a definition.
fn check(text: &str, t: texts::Publish) -> Result<(), String> {
    if text.len() > MAX_MIB << 20 {
        return Err(t.openapi_too_large(MAX_MIB));
    }
    let document: Value =
        serde_json::from_str(text).map_err(|error| t.openapi_no_json(error.to_string()))?;
    let begins = |member: &str, with: &str| {
        let text = document.get(member).and_then(Value::as_str);
        text.is_some_and(|text| text.starts_with(with))
    };
    if begins("openapi", "3") || begins("swagger", "2") || begins("href", "http") {
        return Ok(());
    }
    Err(t.openapi_unknown().to_owned())
}

#[cfg(test)]
mod tests {
    use ui::Lang;

    use super::*;

    #[test]
    fn files_that_are_no_definitions_are_refused_with_the_place() {
        let t = texts::Publish(Lang::EN);
        for good in [
            r#"{"openapi": "3.2.0"}"#,
            r#"{"swagger": "2.0"}"#,
            r#"{"href": "https://a.example/openapi.json"}"#,
        ] {
            assert_eq!(check(good, t), Ok(()), "{good}");
        }
        let deep = format!("{{\"openapi\": {}", "[".repeat(100_000));
        let long = format!(
            "{{\"openapi\": \"3\", \"x\": \"{}\"}}",
            "x".repeat(MAX_MIB << 20)
        );
        for (bad, fault) in [
            ("{\n\"openapi\": 3.1.0}", "line 2 column"),
            ("openapi: 3.1.0\n", "line 1 column"),
            (&deep, "recursion limit"),
            (&long, "more than 5 MiB"),
            ("[]", "neither"),
            (r#"{"openapi": 3}"#, "neither"),
            (r#"{"href": "javascript:alert(1)"}"#, "neither"),
        ] {
            let error = check(bad, t).unwrap_err();
            assert!(error.contains(fault), "{error}");
        }
    }
}
