//! axe-core, where `WICKETGATE_TEST_AXE` names its file. It is not vendored: CI fetches it.

use serde_json::Value;

use crate::tab::Tab;

const RUN: &str = r#"axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
    violations.flatMap(({ id, help, nodes }) => nodes.map(({ target, failureSummary }) =>
        `${id} (${help}) at ${target.join(" ")}: ${failureSummary.replace(/\s+/g, " ")}`)))"#;

/// What axe has to say about the page as it is shown now.
pub async fn findings(tab: &Tab) -> Vec<String> {
    let Some(file) = service::settings::var("WICKETGATE_TEST_AXE") else {
        return Vec::new();
    };
    if tab.try_evaluate("typeof axe").await != Ok(Value::from("object")) {
        let source =
            std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
        tab.try_evaluate(&format!("{source}; true")).await.unwrap();
    }
    tab.evaluate(RUN).await
}
