//! One operation as its page shows it.

use serde_json::Value;
use ui::{Html, Lang, texts};

use super::{
    Credential, Definition, Operation, Request, example, highlight, refs,
    schema::{Builder, SchemaRow},
};
use crate::markdown;

/// Answers shown; a longer list helps nobody.
const MAX_RESPONSES: usize = 30;

/// Everything on the page of an operation.
pub struct OperationView {
    pub description: Html,
    pub deprecated: bool,
    pub scopes: Vec<String>,
    /// Parameters by place: path, query, header, cookie, form.
    pub parameters: Vec<(&'static str, Vec<SchemaRow>)>,
    pub body: Option<Body>,
    pub responses: Vec<ResponseView>,
    pub request: Request,
    /// What a trial asks for.
    pub inputs: Vec<Input>,
    /// Media type and example of a body that is written by hand.
    pub trial_body: Option<(String, String)>,
}

/// A parameter as a field of a form.
#[derive(Clone, Debug)]
pub struct Input {
    /// Of the field: `path.id`.
    pub name: String,
    pub label: String,
    /// The word for where it goes.
    pub place: &'static str,
    pub required: bool,
    /// Stands in the field; empty where nothing has to be said.
    pub example: String,
    /// Those that are possible, if they are few.
    pub values: Vec<String>,
}

/// A request body.
pub struct Body {
    pub media: String,
    pub description: Html,
    pub rows: Vec<SchemaRow>,
}

/// One answer.
pub struct ResponseView {
    pub status: String,
    pub description: String,
    pub media: String,
    pub rows: Vec<SchemaRow>,
    pub example: Option<Value>,
    /// Name and value of each, where the definition has several.
    pub examples: Vec<(String, Html)>,
}

impl ResponseView {
    pub fn class(&self) -> &'static str {
        if self.status.starts_with('2') {
            "code-status code-status-2"
        } else {
            "code-status"
        }
    }
}

/// Reads one operation.
pub fn view(
    definition: &Definition,
    operation: &Operation,
    credential: &Credential,
    lang: Lang,
) -> Option<OperationView> {
    let written = definition.source(operation)?;
    let source = written.operation();
    let reader = Reader {
        definition,
        root: definition.root(),
        item: written.item(),
        source,
        t: texts::Reference(lang),
    };
    let mut builder = Builder::new(reader.root, lang);
    let body = reader.body();
    Some(OperationView {
        inputs: reader.inputs(),
        trial_body: body.map(|(media, content, _)| {
            let example = example::of_media(reader.root, content);
            let text = match example {
                Some(Value::String(text)) if !is_json(media) => text,
                Some(value) => serde_json::to_string_pretty(&value).unwrap_or_default(),
                None => String::new(),
            };
            (media.to_owned(), text)
        }),
        description: source
            .get("description")
            .and_then(Value::as_str)
            .map(markdown::render)
            .unwrap_or_default(),
        deprecated: source
            .get("deprecated")
            .and_then(Value::as_bool)
            .unwrap_or_default(),
        scopes: reader.scopes(),
        parameters: reader.parameter_groups(&mut builder),
        body: body.map(|(media, content, description)| Body {
            media: reader.body_medias().unwrap_or_else(|| media.to_owned()),
            description: description.map(markdown::render).unwrap_or_default(),
            rows: content
                .get("schema")
                .map(|schema| builder.top(schema))
                .unwrap_or_default(),
        }),
        responses: reader.responses(&mut builder),
        request: reader.request(
            operation,
            credential,
            body.map(|(media, content, _)| (media, content)),
        ),
    })
}

struct Reader<'a> {
    definition: &'a Definition,
    root: &'a Value,
    item: &'a Value,
    source: &'a Value,
    t: texts::Reference,
}

impl<'a> Reader<'a> {
    /// Parameters of the path and of the operation; the operation's win.
    fn parameters(&self) -> Vec<&'a Value> {
        let mut found: Vec<&Value> = Vec::new();
        for list in [self.source, self.item] {
            let list = list.get("parameters").and_then(Value::as_array);
            for parameter in list.into_iter().flatten() {
                let Some((parameter, _)) = refs::resolve(self.root, parameter) else {
                    continue;
                };
                let key = |value: &Value| (value.get("name").cloned(), value.get("in").cloned());
                if !found.iter().any(|known| key(known) == key(parameter)) {
                    found.push(parameter);
                }
            }
        }
        found
    }

    fn parameter_groups(&self, builder: &mut Builder<'a>) -> Vec<(&'static str, Vec<SchemaRow>)> {
        let places = [
            ("path", self.t.path()),
            ("query", self.t.query()),
            ("header", self.t.header()),
            ("cookie", self.t.cookie()),
            ("formData", self.t.form()),
        ];
        let parameters = self.parameters();
        places
            .into_iter()
            .map(|(place, label)| {
                let here = parameters
                    .iter()
                    .filter(|parameter| text(parameter, "in") == place);
                (
                    label,
                    here.map(|parameter| parameter_row(builder, parameter))
                        .collect::<Vec<_>>(),
                )
            })
            .filter(|(_, rows)| !rows.is_empty())
            .collect()
    }

    /// Parameters as fields. Cookies are the browser's business.
    fn inputs(&self) -> Vec<Input> {
        const MAX_VALUES: usize = 100;
        let places = [
            ("path", "path", self.t.path()),
            ("query", "query", self.t.query()),
            ("header", "header", self.t.header()),
            ("formData", "form", self.t.form()),
        ];
        let all = self.parameters();
        let of_place = |(place, prefix, word): (&str, &str, &'static str)| -> Vec<Input> {
            let here = all.iter().filter(|one| text(one, "in") == place);
            here.map(|parameter| {
                let name = text(parameter, "name");
                let required = place == "path"
                    || parameter.get("required").and_then(Value::as_bool) == Some(true);
                let schema = parameter_schema(parameter);
                let schema = refs::resolve(self.root, schema).map_or(schema, |(found, _)| found);
                let values = schema.get("enum").and_then(Value::as_array);
                let values = values.filter(|values| values.len() <= MAX_VALUES);
                Input {
                    name: format!("{prefix}.{name}"),
                    label: name.to_owned(),
                    place: word,
                    required,
                    example: if required {
                        self.example_of(parameter)
                    } else {
                        String::new()
                    },
                    values: values.into_iter().flatten().map(plain).collect(),
                }
            })
            .collect()
        };
        places.into_iter().flat_map(of_place).collect()
    }

    fn example_of(&self, parameter: &Value) -> String {
        plain(
            &example::of_media(self.root, parameter)
                .unwrap_or_else(|| example::of_schema(self.root, parameter_schema(parameter))),
        )
    }

    /// Media type, media type object and description of the body.
    fn body(&self) -> Option<(&'a str, &'a Value, Option<&'a str>)> {
        if self.definition.is_swagger_2() {
            let body = self
                .parameters()
                .into_iter()
                .find(|parameter| text(parameter, "in") == "body")?;
            let consumes = [self.source, self.root]
                .into_iter()
                .find_map(|value| value.pointer("/consumes/0")?.as_str());
            let description = body.get("description").and_then(Value::as_str);
            return Some((consumes.unwrap_or("application/json"), body, description));
        }
        let (body, _) = refs::resolve(self.root, self.source.get("requestBody")?)?;
        let (media, content) = preferred(body.get("content"))?;
        Some((
            media,
            content,
            body.get("description").and_then(Value::as_str),
        ))
    }

    /// All media types that a body may have.
    fn body_medias(&self) -> Option<String> {
        let (body, _) = refs::resolve(self.root, self.source.get("requestBody")?)?;
        medias(body.get("content"))
    }

    fn responses(&self, builder: &mut Builder<'a>) -> Vec<ResponseView> {
        let responses = self.source.get("responses").and_then(Value::as_object);
        responses
            .into_iter()
            .flatten()
            .filter(|(status, _)| !status.starts_with("x-"))
            .take(MAX_RESPONSES)
            .filter_map(|(status, response)| Some((status, refs::resolve(self.root, response)?.0)))
            .map(|(status, response)| {
                let content = if self.definition.is_swagger_2() {
                    response
                        .get("schema")
                        .map(|_| ("application/json", response))
                } else {
                    preferred(response.get("content"))
                };
                ResponseView {
                    status: status.clone(),
                    description: text(response, "description").to_owned(),
                    media: medias(response.get("content"))
                        .or_else(|| content.map(|(media, _)| media.to_owned()))
                        .unwrap_or_default(),
                    examples: content
                        .map(|(_, content)| example::named(self.root, content))
                        .unwrap_or_default()
                        .into_iter()
                        .map(|(name, value)| (name, highlight::json(&value)))
                        .collect(),
                    rows: content
                        .and_then(|(_, content)| content.get("schema"))
                        .map(|schema| builder.top(schema))
                        .unwrap_or_default(),
                    example: content
                        .filter(|(media, _)| is_json(media))
                        .and_then(|(_, content)| example::of_media(self.root, content)),
                }
            })
            .collect()
    }

    fn scopes(&self) -> Vec<String> {
        // What an operation does not say the file says for all.
        let mut said = [self.source, self.root].into_iter();
        let security = said.find_map(|one| one.get("security"));
        let security = security.and_then(Value::as_array);
        let alternatives = security
            .into_iter()
            .flatten()
            .filter_map(Value::as_object)
            .flatten();
        let mut scopes: Vec<String> = alternatives
            .filter_map(|(_, scopes)| scopes.as_array())
            .flatten()
            .filter_map(|scope| scope.as_str().map(str::to_owned))
            .collect();
        scopes.dedup();
        scopes
    }

    /// A call with example values: path and required query parameters, and the body.
    fn request(
        &self,
        operation: &Operation,
        credential: &Credential,
        body: Option<(&str, &Value)>,
    ) -> Request {
        let base = self.definition.base_url().unwrap_or_default();
        let mut path = operation.path.clone();
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for parameter in self.parameters() {
            let (name, place) = (text(parameter, "name"), text(parameter, "in"));
            let required = parameter
                .get("required")
                .and_then(Value::as_bool)
                .unwrap_or_default();
            let value =
                || {
                    plain(&example::of_media(self.root, parameter).unwrap_or_else(|| {
                        example::of_schema(self.root, parameter_schema(parameter))
                    }))
                };
            match place {
                "path" => path = path.replace(&format!("{{{name}}}"), &encoded(&value())),
                "query" if required => {
                    query.append_pair(name, &value());
                }
                _ => {}
            }
        }
        let query = query.finish();
        let url = if query.is_empty() {
            format!("{base}{path}")
        } else {
            format!("{base}{path}?{query}")
        };
        let mut request = Request::new(operation.method, url, credential);
        if let Some((media, content)) = body.filter(|(media, _)| is_json(media)) {
            request
                .headers
                .push(("Content-Type".to_owned(), media.to_owned()));
            request.body = example::of_media(self.root, content);
        }
        request
    }
}

/// Version 2.0 has the type beside the name, later ones inside `schema` or `content`.
fn parameter_row<'a>(builder: &mut Builder<'a>, parameter: &'a Value) -> SchemaRow {
    let required = parameter
        .get("required")
        .and_then(Value::as_bool)
        .unwrap_or_default();
    let row = builder.row(
        text(parameter, "name"),
        parameter_schema(parameter),
        required,
    );
    let own = parameter
        .get("description")
        .and_then(Value::as_str)
        .map(markdown::render);
    SchemaRow {
        description: own.unwrap_or_else(|| row.description.clone()),
        ..row
    }
}

fn parameter_schema(parameter: &Value) -> &Value {
    let content = || preferred(parameter.get("content"))?.1.get("schema");
    parameter
        .get("schema")
        .or_else(content)
        .unwrap_or(parameter)
}

/// JSON where there is a choice, else the first media type.
fn preferred(content: Option<&Value>) -> Option<(&str, &Value)> {
    let content = content?.as_object()?;
    let json = content.iter().find(|(media, _)| is_json(media));
    json.or_else(|| content.iter().next())
        .map(|(media, value)| (media.as_str(), value))
}

/// All media types, the one that is shown first.
fn medias(content: Option<&Value>) -> Option<String> {
    let (shown, _) = preferred(content)?;
    let others = content?.as_object()?.keys().map(String::as_str);
    let others = others.filter(|media| *media != shown).take(9);
    let all: Vec<&str> = std::iter::once(shown).chain(others).collect();
    Some(all.join(", "))
}

fn is_json(media: &str) -> bool {
    let media = media.split(';').next().unwrap_or_default().trim();
    media == "application/json" || media.ends_with("+json")
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value
        .get(member)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// As one segment of a path.
fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn first(root: &Value) -> OperationView {
        let definition = Definition::new(root);
        let operation = definition.operations()[0].clone();
        view(
            &definition,
            &operation,
            &Credential::Key("X-ApiKey".into()),
            Lang::EN,
        )
        .unwrap()
    }

    #[test]
    fn version_3_is_read() {
        let view = first(
            &json!({"openapi": "3.0.3", "servers": [{"url": "http://api/pets"}],
            "components": {"parameters": {"Id": {"name": "id", "in": "path", "required": true, "schema": {"type": "string", "example": "a b"}}}},
            "paths": {"/{id}": {"parameters": [{"$ref": "#/components/parameters/Id"}], "put": {
                "parameters": [{"name": "dry", "in": "query", "required": true, "schema": {"type": "boolean"}}],
                "requestBody": {"content": {"text/plain": {}, "application/json": {"schema": {"type": "object", "properties": {"name": {"type": "string"}}}}}},
                "responses": {"200": {"description": "Done", "content": {"application/json": {"example": {"a": 1}}}}, "x-y": {}}}}}}),
        );
        assert_eq!(
            view.parameters
                .iter()
                .map(|(place, _)| *place)
                .collect::<Vec<_>>(),
            ["Path", "Query"]
        );
        assert_eq!(view.request.url, "http://api/pets/a%20b?dry=true");
        assert_eq!(view.request.body, Some(json!({"name": "text"})));
        assert_eq!(view.responses.len(), 1);
        assert_eq!(view.body.unwrap().media, "application/json, text/plain");
        assert_eq!(view.responses[0].example, Some(json!({"a": 1})));
    }

    #[test]
    fn scopes_of_the_file_hold_where_an_operation_says_nothing() {
        let scopes = |own: Value| {
            let mut get = json!({"responses": {}});
            if !own.is_null() {
                get["security"] = own;
            }
            first(&json!({"openapi": "3.0.3", "security": [{"oauth": ["read"]}], "paths": {"/": {"get": get}}})).scopes
        };
        assert_eq!(scopes(Value::Null), ["read"]);
        assert_eq!(scopes(json!([{"oauth": ["write"]}])), ["write"]);
        assert!(scopes(json!([])).is_empty());
    }

    #[test]
    fn several_examples_are_all_shown() {
        let view = first(&json!({"openapi": "3.0.3",
            "components": {"examples": {"None": {"summary": "Nothing found", "value": []}}},
            "paths": {"/": {"get": {"responses": {"200": {"description": "A list", "content": {"application/json": {"examples": {
                "one": {"value": [1]}, "none": {"$ref": "#/components/examples/None"}}}}}}}}}}));
        let names: Vec<_> = view.responses[0]
            .examples
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(names, ["one", "Nothing found"]);
    }

    #[test]
    fn version_2_is_read() {
        let view = first(
            &json!({"swagger": "2.0", "host": "api", "basePath": "/v1", "schemes": ["https"],
            "definitions": {"Pet": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}},
            "paths": {"/pets": {"post": {"parameters": [
                {"name": "limit", "in": "query", "type": "integer", "maximum": 10},
                {"name": "pet", "in": "body", "schema": {"$ref": "#/definitions/Pet"}}],
                "responses": {"201": {"description": "Made", "schema": {"$ref": "#/definitions/Pet"}}}}}}}),
        );
        assert_eq!(view.parameters[0].1[0].notes, ["to 10"]);
        assert_eq!(view.body.unwrap().rows[0].name, "name");
        assert_eq!(view.request.url, "https://api/v1/pets");
        assert_eq!(view.responses[0].rows[0].name, "name");
    }
}
