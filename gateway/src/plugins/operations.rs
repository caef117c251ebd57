//! Which of its operations a call is for that a plugin answers in the backend's place.

use http::{HeaderValue, Method, StatusCode, header::ALLOW};
use kong::plugins::operations::{Others, PathTemplate};
use percent_encoding::percent_decode;

use crate::proxy::{Answer, Exchange};

/// The calls that a plugin answers.
pub struct Calls {
    /// Method and path with the position of the operation; those that say more come first.
    list: Vec<(Method, PathTemplate, usize)>,
    others: Others,
}

/// An operation with the values of the parameters in its path.
pub type Found = (usize, Vec<(String, String)>);

impl Calls {
    pub fn new<'a>(
        operations: impl Iterator<Item = (&'a str, &'a str)>,
        others: Others,
    ) -> Result<Self, String> {
        let list = operations.enumerate().map(|(position, (method, path))| {
            let method =
                Method::from_bytes(method.as_bytes()).map_err(|error| error.to_string())?;
            Ok((method, PathTemplate::parse(path)?, position))
        });
        let mut list = list.collect::<Result<Vec<_>, String>>()?;
        list.sort_by(|(_, one, _), (_, other, _)| one.order(other));
        Ok(Self { list, others })
    }

    /// The operation that a call is for; nothing if the API's backend is to answer it.
    pub fn find(&self, exchange: &Exchange<'_>) -> Result<Option<Found>, Answer> {
        let path = &exchange.path[exchange
            .matched
            .unwrap_or_default()
            .min(exchange.path.len())..];
        let method = &exchange.head.method;
        let fitting: Vec<_> = self
            .list
            .iter()
            .filter_map(|(known, template, position)| {
                Some((known, template, *position, template.find(path)?))
            })
            .collect();
        let of = |wanted: &Method| fitting.iter().find(|(known, ..)| *known == wanted);
        let chosen = of(method).or_else(|| of(&Method::GET).filter(|_| method == Method::HEAD));
        let Some((_, template, position, parts)) = chosen else {
            let methods: Vec<&str> = fitting.iter().map(|(known, ..)| known.as_str()).collect();
            return self.other(&methods);
        };
        let values = template.names().zip(parts).map(|(name, part)| {
            let text = percent_decode(part).decode_utf8().ok()?;
            Some((name.to_owned(), text.into_owned()))
        });
        match values.collect::<Option<Vec<_>>>() {
            Some(values) => Ok(Some((*position, values))),
            None => Err(Answer::new(
                StatusCode::BAD_REQUEST,
                "The path is not UTF-8",
            )),
        }
    }

    /// A call that no operation is for.
    fn other(&self, methods: &[&str]) -> Result<Option<Found>, Answer> {
        if self.others == Others::Pass {
            return Ok(None);
        }
        if methods.is_empty() {
            return Err(Answer::new(
                StatusCode::NOT_FOUND,
                "There is no such operation",
            ));
        }
        let allow = HeaderValue::from_str(&methods.join(", "));
        let answer = Answer::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed");
        Err(answer.header(ALLOW, allow.unwrap_or(HeaderValue::from_static("GET"))))
    }
}
