//! Exclusive XML Canonicalization 1.0: the one form of an element that its signature is about.

use roxmltree::{Attribute, Node};

/// The canonical form of `apex`, without the element `omitted`. `inclusive`: prefixes that are written
/// wherever they are declared, whether they are used or not.
pub fn canonical(apex: Node<'_, '_>, omitted: Option<Node<'_, '_>>, inclusive: &[&str]) -> String {
    let mut writer = Writer {
        omitted,
        inclusive,
        declared: Vec::new(),
        output: String::new(),
    };
    writer.element(apex);
    writer.output
}

struct Writer<'a, 'input, 'p> {
    omitted: Option<Node<'a, 'input>>,
    inclusive: &'p [&'p str],
    /// Prefix and namespace of the declarations above, the nearest last. An empty prefix is the default.
    declared: Vec<(&'p str, &'p str)>,
    output: String,
}

impl<'p, 'a: 'p, 'input: 'p> Writer<'a, 'input, 'p> {
    /// The depth was limited when the document was read.
    fn element(&mut self, node: Node<'a, 'input>) {
        let above = self.declared.len();
        let name = qualified_name(node);
        self.output.push('<');
        self.output.push_str(name);
        self.namespaces(node, name);
        self.attributes(node);
        self.output.push('>');
        for child in node.children() {
            if child.is_text() {
                escape_text(child.text().unwrap_or_default(), &mut self.output);
            } else if child.is_element() && Some(child) != self.omitted {
                self.element(child);
            }
        }
        self.output.push_str("</");
        self.output.push_str(name);
        self.output.push('>');
        self.declared.truncate(above);
    }

    /// Declares the prefixes that the element uses itself and that are not declared alike above.
    fn namespaces(&mut self, node: Node<'a, 'input>, name: &'p str) {
        let used = node
            .attributes()
            .filter_map(|attribute| prefix_of(attribute_name(node, &attribute)));
        let mut prefixes: Vec<&'p str> = used
            .chain([prefix_of(name).unwrap_or_default()])
            .chain(self.inclusive.iter().copied())
            .filter(|prefix| *prefix != "xml")
            .collect();
        prefixes.sort_unstable();
        prefixes.dedup();
        for prefix in prefixes {
            let key = (!prefix.is_empty()).then_some(prefix);
            let uri: &'p str = node.lookup_namespace_uri(key).unwrap_or_default();
            let mut above = self.declared.iter().rev();
            let above = above.find(|(declared, _)| *declared == prefix);
            let above = above.map_or("", |(_, uri)| *uri);
            if uri == above {
                continue;
            }
            self.declared.push((prefix, uri));
            self.output.push_str(" xmlns");
            if !prefix.is_empty() {
                self.output.push(':');
                self.output.push_str(prefix);
            }
            self.value(uri);
        }
    }

    /// By namespace and name; those without a namespace come first.
    fn attributes(&mut self, node: Node<'a, 'input>) {
        let mut attributes: Vec<Attribute<'a, 'input>> = node.attributes().collect();
        attributes
            .sort_by_key(|attribute| (attribute.namespace().unwrap_or_default(), attribute.name()));
        for attribute in attributes {
            self.output.push(' ');
            self.output.push_str(attribute_name(node, &attribute));
            self.value(attribute.value());
        }
    }

    fn value(&mut self, value: &str) {
        self.output.push_str("=\"");
        for character in value.chars() {
            match character {
                '&' => self.output.push_str("&amp;"),
                '<' => self.output.push_str("&lt;"),
                '"' => self.output.push_str("&quot;"),
                '\t' => self.output.push_str("&#x9;"),
                '\n' => self.output.push_str("&#xA;"),
                '\r' => self.output.push_str("&#xD;"),
                other => self.output.push(other),
            }
        }
        self.output.push('"');
    }
}

fn escape_text(text: &str, output: &mut String) {
    for character in text.chars() {
        match character {
            '&' => output.push_str("&amp;"),
            '<' => output.push_str("&lt;"),
            '>' => output.push_str("&gt;"),
            '\r' => output.push_str("&#xD;"),
            other => output.push(other),
        }
    }
}

/// As written: the tree knows namespaces only, but the prefix is part of the canonical form. Without
/// document types every element stands in the text itself.
fn qualified_name<'a>(node: Node<'a, '_>) -> &'a str {
    let text = &node.document().input_text()[node.range()];
    let name = text.strip_prefix('<').unwrap_or(text);
    let end = name.find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>'));
    &name[..end.unwrap_or(name.len())]
}

fn attribute_name<'a>(node: Node<'a, '_>, attribute: &Attribute<'_, '_>) -> &'a str {
    &node.document().input_text()[attribute.range_qname()]
}

fn prefix_of(name: &str) -> Option<&str> {
    name.split_once(':').map(|(prefix, _)| prefix)
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::*;

    /// The element `e` of `text`.
    fn of(text: &str, inclusive: &[&str]) -> String {
        let document = Document::parse(text).unwrap();
        let apex = document
            .descendants()
            .find(|node| node.has_tag_name("e") || node.tag_name().name() == "e");
        canonical(apex.unwrap(), None, inclusive)
    }

    #[test]
    fn only_namespaces_that_are_used_are_written_and_attributes_are_in_order() {
        for (text, expected) in [
            // Not used: not written. Order of attributes: no namespace, then by namespace.
            (
                "<a xmlns:x='urn:x' xmlns:y='urn:a'><e  b=\"2\"\n a='1' x:c='4' y:c='3' /></a>",
                "<e xmlns:x=\"urn:x\" xmlns:y=\"urn:a\" a=\"1\" b=\"2\" y:c=\"3\" x:c=\"4\"></e>",
            ),
            (
                "<a xmlns:x='urn:x' xmlns='urn:d'><e><x:f/><x:f><x:g/></x:f></e></a>",
                "<e xmlns=\"urn:d\"><x:f xmlns:x=\"urn:x\"></x:f><x:f xmlns:x=\"urn:x\"><x:g></x:g></x:f></e>",
            ),
            // Two prefixes of one namespace keep their names.
            (
                "<p:e xmlns:p='urn:x' xmlns:q='urn:x'><q:f/></p:e>",
                "<p:e xmlns:p=\"urn:x\"><q:f xmlns:q=\"urn:x\"></q:f></p:e>",
            ),
            // The default is taken back below.
            (
                "<e xmlns='urn:d'><f xmlns=''><g xmlns='urn:d'/></f></e>",
                "<e xmlns=\"urn:d\"><f xmlns=\"\"><g xmlns=\"urn:d\"></g></f></e>",
            ),
            (
                "<e a='&#xA;&quot;&lt;&amp;>&apos;'>&gt;&lt;&amp;\"&#xD;<![CDATA[<x>]]>\r\n</e>",
                "<e a=\"&#xA;&quot;&lt;&amp;>'\">&gt;&lt;&amp;\"&#xD;&lt;x&gt;\n</e>",
            ),
            ("<e xml:lang='de'>ü</e>", "<e xml:lang=\"de\">ü</e>"),
        ] {
            assert_eq!(of(text, &[]), expected);
        }
        assert_eq!(
            of("<a xmlns:x='urn:x'><e><f t='x:y'/></e></a>", &["x"]),
            "<e xmlns:x=\"urn:x\"><f t=\"x:y\"></f></e>"
        );
    }

    #[test]
    fn what_is_left_out_is_left_out_whole() {
        let document = Document::parse("<e>1<s>2<t/></s>3</e>").unwrap();
        let apex = document.root_element();
        let omitted = apex.first_element_child();
        assert_eq!(canonical(apex, omitted, &[]), "<e>13</e>");
    }
}
