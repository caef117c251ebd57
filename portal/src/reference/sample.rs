//! Code samples.

use ui::Html;

use super::{Language, Request, highlight};

/// A sample as pages show it.
#[derive(Clone, Debug)]
pub struct SampleView {
    pub language: Language,
    pub code: Html,
}

/// The request in a language, in our words.
pub fn sample_text(request: &Request, language: Language) -> String {
    match language {
        Language::Curl => curl(request),
        Language::JavaScript => javascript(request),
        Language::Python => python(request),
        Language::Java => java(request),
        Language::CSharp => csharp(request),
        Language::Go => go(request),
        Language::Rust => rust(request),
        Language::Php => php(request),
        Language::Json => request.json().unwrap_or_default(),
    }
}

/// A string literal that all C-like languages read alike: JSON's.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// In single quotes for a shell.
pub(super) fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn indent(text: &str, by: usize) -> String {
    text.replace('\n', &format!("\n{}", " ".repeat(by)))
}

/// A body up to this length stays on one line.
const SHORT: usize = 60;

fn curl(request: &Request) -> String {
    let mut lines = vec![match request.method.as_str() {
        "GET" => format!("curl {}", quoted_url(&request.url)),
        method => format!("curl -X {method} {}", quoted_url(&request.url)),
    }];
    // Double quotes, so that the shell puts the reader's variable in.
    lines.extend(
        request
            .headers
            .iter()
            .map(|(name, value)| format!("  -H \"{name}: {value}\"")),
    );
    if let Some(body) = &request.body {
        let line = body.to_string();
        let body = match line.len() {
            ..=SHORT => line,
            _ => indent(&request.json().unwrap_or(line), 2),
        };
        lines.push(format!("  -d {}", shell(&body)));
    }
    lines.join(" \\\n")
}

/// How a program gets a token for itself (RFC 6749 4.4), for curl; the reader's variables have its id
/// and its secret.
pub fn token_call(url: &str, scopes: &[&str]) -> SampleView {
    let mut lines = vec![
        format!("curl {}", quoted_url(url)),
        "  -u \"$CLIENT_ID:$CLIENT_SECRET\"".to_owned(),
        "  -d grant_type=client_credentials".to_owned(),
    ];
    if !scopes.is_empty() {
        lines.push(format!(
            "  -d {}",
            shell(&format!("scope={}", scopes.join(" ")))
        ));
    }
    SampleView {
        language: Language::Curl,
        code: highlight::code(Language::Curl, &lines.join(" \\\n")),
    }
}

/// Quotes only where the shell would read more into it.
fn quoted_url(url: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || ":/.-_~%".contains(c);
    if url.chars().all(harmless) {
        url.to_owned()
    } else {
        shell(url)
    }
}

fn javascript(request: &Request) -> String {
    let url = quoted(&request.url);
    let mut options = Vec::new();
    if request.method != "GET" {
        options.push(format!("    method: {},", quoted(&request.method)));
    }
    if !request.headers.is_empty() {
        options.push("    headers: {".to_owned());
        let headers = request.headers.iter();
        options.extend(
            headers.map(|(name, value)| format!("      {}: {},", quoted(name), quoted(value))),
        );
        options.push("    },".to_owned());
    }
    if let Some(body) = request.json() {
        options.push(format!("    body: JSON.stringify({}),", indent(&body, 4)));
    }
    let call = if options.is_empty() {
        format!("const response = await fetch({url});")
    } else {
        format!(
            "const response = await fetch(\n  {url},\n  {{\n{}\n  }},\n);",
            options.join("\n")
        )
    };
    format!("{call}\nconsole.log(response.status, await response.text());")
}

fn python(request: &Request) -> String {
    let mut arguments = vec![format!("    {},", quoted(&request.url))];
    if !request.headers.is_empty() {
        arguments.push("    headers={".to_owned());
        arguments.extend(
            request
                .headers
                .iter()
                .map(|(name, value)| format!("        {}: {},", quoted(name), quoted(value))),
        );
        arguments.push("    },".to_owned());
    }
    if let Some(body) = &request.body {
        arguments.push(format!("    json={},", indent(&python_value(body), 4)));
    }
    let method = request.method.to_lowercase();
    format!(
        "import requests\n\nresponse = requests.{method}(\n{}\n)\nprint(response.status_code, response.text)",
        arguments.join("\n")
    )
}

/// JSON with Python's words for true, false and null, outside of strings.
fn python_value(value: &serde_json::Value) -> String {
    use serde_json::Value;
    let join = |parts: Vec<String>, open: &str, close: &str| {
        if parts.is_empty() {
            format!("{open}{close}")
        } else {
            format!("{open}\n    {}\n{close}", indent(&parts.join(",\n"), 4))
        }
    };
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Array(items) => join(items.iter().map(python_value).collect(), "[", "]"),
        Value::Object(map) => join(
            map.iter()
                .map(|(key, value)| format!("{}: {}", quoted(key), python_value(value)))
                .collect(),
            "{",
            "}",
        ),
        other => other.to_string(),
    }
}

fn java(request: &Request) -> String {
    let mut lines = vec![
        "var request = HttpRequest.newBuilder()".to_owned(),
        format!("    .uri(URI.create({}))", quoted(&request.url)),
    ];
    lines.extend(
        request
            .headers
            .iter()
            .map(|(name, value)| format!("    .header({}, {})", quoted(name), quoted(value))),
    );
    let body = match request.json() {
        Some(body) => format!(
            "HttpRequest.BodyPublishers.ofString(\"\"\"\n        {}\"\"\")",
            indent(&body.replace('\\', r"\\"), 8)
        ),
        None => "HttpRequest.BodyPublishers.noBody()".to_owned(),
    };
    lines.push(format!("    .method({}, {body})", quoted(&request.method)));
    lines.push("    .build();".to_owned());
    lines.push("var response = HttpClient.newHttpClient()".to_owned());
    lines.push("    .send(request, HttpResponse.BodyHandlers.ofString());".to_owned());
    lines.push("System.out.println(response.body());".to_owned());
    lines.join("\n")
}

fn csharp(request: &Request) -> String {
    let mut lines = vec![
        "using var client = new HttpClient();".to_owned(),
        format!(
            "var request = new HttpRequestMessage(new HttpMethod({}), {});",
            quoted(&request.method),
            quoted(&request.url)
        ),
    ];
    let own_headers = request
        .headers
        .iter()
        .filter(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
    lines.extend(own_headers.map(|(name, value)| {
        format!(
            "request.Headers.TryAddWithoutValidation({}, {});",
            quoted(name),
            quoted(value)
        )
    }));
    if let Some(body) = request.json() {
        lines.push(format!(
            "request.Content = new StringContent(\"\"\"\n    {}\n    \"\"\",\n    System.Text.Encoding.UTF8, \"application/json\");",
            indent(&body, 4)
        ));
    }
    lines.push("var response = await client.SendAsync(request);".to_owned());
    lines.push("Console.WriteLine(await response.Content.ReadAsStringAsync());".to_owned());
    lines.join("\n")
}

fn go(request: &Request) -> String {
    let body = match request.json() {
        // A raw string cannot hold its own quote.
        Some(body) if !body.contains('`') => format!("strings.NewReader(`{body}`)"),
        Some(body) => format!("strings.NewReader({})", quoted(&body)),
        None => "nil".to_owned(),
    };
    let mut lines = vec![format!(
        "request, _ := http.NewRequest({}, {}, {body})",
        quoted(&request.method),
        quoted(&request.url)
    )];
    lines.extend(
        request.headers.iter().map(|(name, value)| {
            format!("request.Header.Set({}, {})", quoted(name), quoted(value))
        }),
    );
    lines.push("response, err := http.DefaultClient.Do(request)".to_owned());
    lines.push("if err != nil {\n    log.Fatal(err)\n}".to_owned());
    lines.push("defer response.Body.Close()".to_owned());
    lines.push("io.Copy(os.Stdout, response.Body)".to_owned());
    lines.join("\n")
}

fn rust(request: &Request) -> String {
    let mut lines = vec![
        "let response = reqwest::Client::new()".to_owned(),
        format!(
            "    .request(reqwest::Method::{}, {})",
            request.method,
            quoted(&request.url)
        ),
    ];
    lines.extend(
        request
            .headers
            .iter()
            .map(|(name, value)| format!("    .header({}, {})", quoted(name), quoted(value))),
    );
    if let Some(body) = request.json() {
        lines.push(format!("    .body(r##\"{}\"##)", indent(&body, 4)));
    }
    lines.push("    .send()\n    .await?;".to_owned());
    lines.push("println!(\"{}\", response.text().await?);".to_owned());
    lines.join("\n")
}

fn php(request: &Request) -> String {
    let mut lines = vec![
        format!("$call = curl_init({});", php_quoted(&request.url)),
        format!(
            "curl_setopt($call, CURLOPT_CUSTOMREQUEST, {});",
            php_quoted(&request.method)
        ),
        "curl_setopt($call, CURLOPT_RETURNTRANSFER, true);".to_owned(),
    ];
    if !request.headers.is_empty() {
        lines.push("curl_setopt($call, CURLOPT_HTTPHEADER, [".to_owned());
        lines.extend(
            request
                .headers
                .iter()
                .map(|(name, value)| format!("    {},", php_quoted(&format!("{name}: {value}")))),
        );
        lines.push("]);".to_owned());
    }
    if let Some(body) = request.json() {
        lines.push(format!(
            "curl_setopt($call, CURLOPT_POSTFIELDS, {});",
            php_quoted(&body)
        ));
    }
    lines.push("echo curl_exec($call);".to_owned());
    lines.join("\n")
}

/// Single quotes: nothing inside is read as a variable.
fn php_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::reference::{Credential, Samples};

    fn request() -> Request {
        let mut request = Request::new(
            "post",
            "https://api.example.org/v1/it's?a=1&b=2".into(),
            &Credential::Token,
        );
        request
            .headers
            .push(("Content-Type".into(), "application/json".into()));
        request.body = Some(json!({"name": "O'Hara \"x\"", "ok": true}));
        request
    }

    #[test]
    fn quotes_in_values_cannot_leave_their_string() {
        let curl = curl(&request());
        assert!(
            curl.contains(r"'https://api.example.org/v1/it'\''s?a=1&b=2'"),
            "{curl}"
        );
        assert!(curl.contains(r"O'\''Hara"), "{curl}");
        assert!(python(&request()).contains("True"));
        assert!(php(&request()).contains(r"O\'Hara"));
    }

    #[test]
    fn every_language_shows_method_address_and_credential() {
        for language in Language::ALL {
            let html = Samples::default()
                .view(&request(), language)
                .code
                .to_string();
            assert!(
                html.contains("api.example.org") && html.contains("$TOKEN"),
                "{language:?}: {html}"
            );
        }
    }
}
