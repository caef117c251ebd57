//! Reading and writing XML, as far as it comes from strangers.

use std::collections::HashSet;

use roxmltree::{Document, Node, ParsingOptions};

/// Messages of providers have a few hundred nodes.
const MAX_NODES: u32 = 10_000;
const MAX_ATTRIBUTES: usize = 3_000;
/// Each one is copied to all elements below it.
const MAX_NAMESPACES: usize = 300;
const MAX_DEPTH: usize = 50;
/// Of very long names the tree does not know where they stand in the text.
const MAX_NAME: usize = 200;

/// Why a message is not believed. Says what is wrong with it, never what is in it.
pub type Fault = &'static str;

/// Parses a message. What no provider sends, and what lets two readers see two things, is refused:
/// document types, comments, processing instructions, an id that stands twice.
pub fn parse(text: &str) -> Result<Document<'_>, Fault> {
    let count = |what: &str| text.matches(what).count();
    if count("=") > MAX_ATTRIBUTES || count("xmlns") > MAX_NAMESPACES {
        return Err("it has too many attributes");
    }
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: MAX_NODES,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(text, options)
        .map_err(|_| "it is no XML, or has a document type, or is too long")?;
    let mut ids = HashSet::new();
    check(document.root(), 0, &mut ids)?;
    Ok(document)
}

fn check<'a>(node: Node<'a, '_>, depth: usize, ids: &mut HashSet<&'a str>) -> Result<(), Fault> {
    if depth > MAX_DEPTH {
        return Err("its elements are nested too deeply");
    }
    if node.is_comment() || node.is_pi() {
        return Err("it has a comment or a processing instruction");
    }
    let prefixes = node.namespaces().filter_map(roxmltree::Namespace::name);
    let names = node.attributes().map(|attribute| attribute.name());
    let mut names = names.chain(prefixes).chain([node.tag_name().name()]);
    if names.any(|name| name.len() > MAX_NAME) {
        return Err("a name in it is too long");
    }
    for attribute in node.attributes() {
        let is_id = attribute.name().eq_ignore_ascii_case("id");
        if is_id && !ids.insert(attribute.value()) {
            return Err("an id stands twice in it");
        }
    }
    node.children()
        .try_for_each(|child| check(child, depth + 1, ids))
}

/// The child elements.
pub fn elements<'a, 'input>(node: Node<'a, 'input>) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children().filter(Node::is_element)
}

/// The only child with this name; an error if there are several.
pub fn only<'a, 'input>(
    node: Node<'a, 'input>,
    name: (&str, &str),
) -> Result<Option<Node<'a, 'input>>, Fault> {
    let mut found = elements(node).filter(|child| child.has_tag_name(name));
    match (found.next(), found.next()) {
        (first, None) => Ok(first),
        _ => Err("an element stands twice in it"),
    }
}

/// The only child with this name, which has to be there.
pub fn needed<'a, 'input>(
    node: Node<'a, 'input>,
    name: (&str, &str),
) -> Result<Node<'a, 'input>, Fault> {
    only(node, name)?.ok_or("an element is missing in it")
}

/// The whole text of an element that has nothing else.
pub fn text(node: Node<'_, '_>) -> Result<String, Fault> {
    let mut text = String::new();
    for child in node.children() {
        // Comments were refused; elements inside a value would hide half of it.
        text.push_str(
            child
                .text()
                .filter(|_| child.is_text())
                .ok_or("there is an element where a text belongs")?,
        );
    }
    Ok(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use sdk::template::html::escape;

    use super::*;

    #[test]
    fn what_two_readers_may_read_differently_is_refused() {
        let deep = format!("{}{}", "<a>".repeat(60), "</a>".repeat(60));
        let wide = format!("<a {}/>", "xmlns:b='c' ".repeat(400));
        for text in [
            "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
            "<!DOCTYPE a><a/>",
            "<a>b<!-- c -->d</a>",
            "<!-- c --><a/>",
            "<a><?b c?></a>",
            "<a ID='1'><b ID='1'/></a>",
            "<a ID='1'><b id='1'/></a>",
            "<a><b></a></b>",
            "<a/><b/>",
            "",
            deep.as_str(),
            wide.as_str(),
            format!("<a {}ü='1'/>", "b".repeat(70_000)).as_str(),
            format!("<{0}:a xmlns:{0}='urn:x'/>", "ü".repeat(40_000)).as_str(),
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse("<?xml version='1.0'?><a ID='1'><b ID='2'>c</b></a>").is_ok());
    }

    #[test]
    fn a_text_is_read_whole_or_not_at_all() {
        let read = |source: &str| {
            let document = parse(source).unwrap();
            text(document.root_element()).ok()
        };
        assert_eq!(
            read("<a> b<![CDATA[<c>]]>d&amp; </a>").as_deref(),
            Some("b<c>d&")
        );
        assert_eq!(read("<a/>").as_deref(), Some(""));
        assert_eq!(read("<a>admin<b/>.evil</a>"), None);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let text = r#"a<b>&"'c"#;
        let source = format!("<a b=\"{0}\">{0}</a>", escape(text));
        let document = parse(&source).unwrap();
        let root = document.root_element();
        assert_eq!((root.attribute("b"), root.text()), (Some(text), Some(text)));
    }
}
