//! Search words, filters and sorting of the list, read from the query and written back into links.

use sdk::types::{Api, apis::LifecycleState};
use ui::{Lang, texts};
use url::form_urlencoded;

use super::card::{Auth, LifeCycle, auth, name};

const MAX_PARAMETERS: usize = 200;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// As the configuration has them.
    #[default]
    Configured,
    Name,
}

/// What the visitor asked for.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub text: String,
    pub sort: Sort,
    pub page: usize,
    /// Topics; an API with any of them is shown. Old links name them as parameters of their own:
    /// `?filter=on&<tag>=on`.
    tags: Vec<String>,
    auth: Vec<String>,
    state: Vec<String>,
}

impl Filter {
    /// Reads a query. Parameters that are neither known nor topics of an API are ignored.
    pub fn parse(query: &str, apis: &[Api]) -> Self {
        let mut filter = Self {
            page: 1,
            ..Self::default()
        };
        for (key, value) in form_urlencoded::parse(query.as_bytes()).take(MAX_PARAMETERS) {
            match key.as_ref() {
                // Topics come first: one may be called like another parameter.
                tag if value == "on" && has_tag(apis, tag) => filter.tags.push(tag.to_owned()),
                "q" => filter.text = value.trim().chars().take(200).collect(),
                "page" => filter.page = value.parse().unwrap_or(1),
                "sort" if value == "name" => filter.sort = Sort::Name,
                "auth" => filter.auth.push(value.into_owned()),
                "state" => filter.state.push(value.into_owned()),
                _ => {}
            }
        }
        filter
    }

    pub fn accepts(&self, api: &Api) -> bool {
        let any = |wanted: &[String], has: &dyn Fn(&str) -> bool| {
            wanted.is_empty() || wanted.iter().any(|value| has(value))
        };
        any(&self.tags, &|tag| api.tags.iter().any(|own| own == tag))
            && any(&self.auth, &|value| value == auth_value(api))
            && any(&self.state, &|value| value == state_value(api))
            && self.text_matches(api)
    }

    /// Every word has to occur somewhere in name, id, description or topics.
    fn text_matches(&self, api: &Api) -> bool {
        let haystack = format!(
            "{} {} {} {}",
            api.id,
            name(api),
            api.desc,
            api.tags.join(" ")
        )
        .to_lowercase();
        let text = self.text.to_lowercase();
        text.split_whitespace().all(|word| haystack.contains(word))
    }

    /// Whether any box is ticked.
    pub fn is_filtered(&self) -> bool {
        !(self.tags.is_empty() && self.auth.is_empty() && self.state.is_empty())
    }

    pub fn by_name(&self) -> bool {
        self.sort == Sort::Name
    }

    /// The same list at another page.
    pub fn page_url(&self, page: usize) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if !self.text.is_empty() {
            query.append_pair("q", &self.text);
        }
        if self.is_filtered() {
            query.append_pair("filter", "on");
        }
        for tag in &self.tags {
            query.append_pair(tag, "on");
        }
        for value in &self.auth {
            query.append_pair("auth", value);
        }
        for value in &self.state {
            query.append_pair("state", value);
        }
        if self.by_name() {
            query.append_pair("sort", "name");
        }
        query.append_pair("page", &page.to_string());
        format!("/apis?{}", query.finish())
    }
}

fn has_tag(apis: &[Api], tag: &str) -> bool {
    apis.iter().any(|api| api.tags.iter().any(|own| own == tag))
}

fn auth_value(api: &Api) -> &'static str {
    match auth(api) {
        Auth::Token => "oauth2",
        Auth::Key => "key-auth",
        Auth::None => "none",
    }
}

fn state_value(api: &Api) -> &'static str {
    match LifeCycle::of(api).state {
        LifecycleState::Created => "preview",
        LifecycleState::Published => "current",
        LifecycleState::Deprecated => "deprecated",
        LifecycleState::Retired => "retired",
    }
}

/// One checkbox.
#[derive(Clone, Debug)]
pub struct Choice {
    pub parameter: String,
    pub value: String,
    pub label: String,
    pub count: usize,
    pub checked: bool,
}

/// A group of checkboxes.
#[derive(Clone, Debug)]
pub struct Group {
    pub label: &'static str,
    pub choices: Vec<Choice>,
}

/// The filter panel: only what distinguishes APIs, with counts over all that are visible.
#[derive(Clone, Debug, Default)]
pub struct Facets {
    tags: Vec<Choice>,
    auth: Vec<Choice>,
    state: Vec<Choice>,
}

impl Facets {
    pub fn count(apis: &[Api], filter: &Filter) -> Self {
        let mut facets = Self::default();
        for api in apis {
            for tag in &api.tags {
                add(&mut facets.tags, tag, "on", tag, &filter.tags, tag);
            }
            let (auth, state) = (auth_value(api), state_value(api));
            add(&mut facets.auth, "auth", auth, auth, &filter.auth, auth);
            add(
                &mut facets.state,
                "state",
                state,
                state,
                &filter.state,
                state,
            );
        }
        facets
    }

    pub fn groups(&self, lang: Lang) -> Vec<Group> {
        let (t, shared) = (texts::Catalogue(lang), texts::Shared(lang));
        let word = |value: &str| match value {
            "oauth2" => shared.oauth(),
            "key-auth" => shared.api_key(),
            "none" => t.none(),
            "preview" => t.preview(),
            "deprecated" => t.deprecated(),
            "retired" => t.retired(),
            _ => t.current(),
        };
        let named = |choices: &[Choice]| -> Vec<Choice> {
            choices
                .iter()
                .map(|choice| Choice {
                    label: word(&choice.value).to_owned(),
                    ..choice.clone()
                })
                .collect()
        };
        [
            Group {
                label: t.topic(),
                choices: self.tags.clone(),
            },
            Group {
                label: t.credentials(),
                choices: named(&self.auth),
            },
            Group {
                label: t.life_cycle(),
                choices: named(&self.state),
            },
        ]
        .into_iter()
        .filter(|group| {
            group.choices.len() > 1 || group.choices.iter().any(|choice| choice.checked)
        })
        .collect()
    }
}

fn add(
    choices: &mut Vec<Choice>,
    parameter: &str,
    value: &str,
    label: &str,
    chosen: &[String],
    key: &str,
) {
    let known = choices
        .iter_mut()
        .find(|choice| choice.parameter == parameter && choice.value == value);
    match known {
        Some(choice) => choice.count += 1,
        None => choices.push(Choice {
            parameter: parameter.to_owned(),
            value: value.to_owned(),
            label: label.to_owned(),
            count: 1,
            checked: chosen.iter().any(|other| other == key),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apis() -> Vec<Api> {
        serde_json::from_str(
            r#"[{"id": "ship", "name": "Shipments", "desc": "Book parcels", "auth": "oauth2", "tags": ["Logistics & more", "Core"]},
                {"id": "rates", "name": "Rates", "desc": "Prices", "auth": "key-auth", "tags": ["Core"]},
                {"id": "old", "name": "Old", "desc": "", "auth": "none", "tags": [], "deprecated": true}]"#,
        )
        .unwrap()
    }

    fn ids(query: &str) -> Vec<String> {
        let apis = apis();
        let filter = Filter::parse(query, &apis);
        apis.iter()
            .filter(|api| filter.accepts(api))
            .map(|api| api.id.clone())
            .collect()
    }

    #[test]
    fn any_ticked_topic_is_enough_and_untagged_apis_disappear() {
        assert_eq!(ids(""), ["ship", "rates", "old"]);
        assert_eq!(ids("filter=on&Core=on"), ["ship", "rates"]);
        assert_eq!(
            ids("filter=on&Logistics+%26+more=on&Core=on"),
            ["ship", "rates"]
        );
        assert_eq!(ids("filter=on&Unknown=on"), ["ship", "rates", "old"]);
    }

    #[test]
    fn words_and_properties_narrow_the_list() {
        assert_eq!(ids("q=book+PARCEL"), ["ship"]);
        assert_eq!(ids("auth=key-auth&auth=none"), ["rates", "old"]);
        assert_eq!(ids("state=deprecated"), ["old"]);
        assert!(ids("q=book+rates").is_empty());
    }

    #[test]
    fn a_page_link_keeps_the_question() {
        let apis = apis();
        let filter = Filter::parse("q=a%26b&Logistics+%26+more=on&sort=name", &apis);
        assert_eq!(
            filter.page_url(2),
            "/apis?q=a%26b&filter=on&Logistics+%26+more=on&sort=name&page=2"
        );
    }
}
