use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use http::{Method, StatusCode};

/// Metrics of requests by route, method and status. The recorder finds a metric by its labels; that
/// costs as much as a small answer, so what it found is kept here.
pub struct Series<T>(RwLock<HashMap<Box<str>, ByKind<T>>>);

type ByKind<T> = HashMap<(Method, StatusCode), Arc<T>>;

impl<T> Default for Series<T> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<T> Series<T> {
    /// The metrics of such requests; `make` finds them for the method as it is labelled.
    ///
    /// Methods beyond the known ones are one: a client chooses them, and metrics stay for ever.
    pub fn of(
        &self,
        route: &str,
        method: &Method,
        status: StatusCode,
        make: impl FnOnce(&Method) -> T,
    ) -> Arc<T> {
        let kind = (labelled(method), status);
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(route).and_then(|kinds| kinds.get(&kind)) {
            return found.clone();
        }
        drop(known);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let metrics = Arc::new(make(&kind.0));
        let kinds = known.entry(route.into()).or_default();
        kinds.entry(kind).or_insert(metrics).clone()
    }
}

fn labelled(method: &Method) -> Method {
    const KNOWN: [Method; 9] = [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::HEAD,
        Method::OPTIONS,
        Method::CONNECT,
        Method::TRACE,
    ];
    if KNOWN.contains(method) {
        method.clone()
    } else {
        Method::from_bytes(b"OTHER").expect("this is a token")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_request_is_made_once_and_invented_methods_are_one() {
        let series = Series::default();
        let of = |method: &str, status| {
            let method = method.parse().unwrap();
            series.of("/users", &method, status, ToString::to_string)
        };
        assert_eq!(*of("GET", StatusCode::OK), "GET");
        assert!(Arc::ptr_eq(
            &of("GET", StatusCode::OK),
            &of("GET", StatusCode::OK)
        ));
        assert!(!Arc::ptr_eq(
            &of("GET", StatusCode::OK),
            &of("GET", StatusCode::CREATED)
        ));
        assert_eq!(*of("INVENTED", StatusCode::OK), "OTHER");
        assert!(Arc::ptr_eq(
            &of("INVENTED", StatusCode::OK),
            &of("ANEW", StatusCode::OK)
        ));
    }
}
