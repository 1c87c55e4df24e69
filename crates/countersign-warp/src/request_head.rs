use std::cell::Cell;
use std::convert::Infallible;

use countersign::Head;
use http::{HeaderMap, Method, StatusCode};
use warp::Filter;

use crate::headers;

/// The core's view of a request, of the pieces that warp's filters hand out.
pub(crate) struct RequestHead {
    method: Method,
    target: String,
    headers: HeaderMap,
    /// What the application says of the tenant.
    pub(crate) tenant: Option<String>,
}

/// Extracts the head, and leaves the body alone.
pub(crate) fn filter() -> impl Filter<Extract = (RequestHead,), Error = Infallible> + Clone {
    // Rejects where there is no query, which is as good as an empty one.
    let query = warp::query::raw().map(|query| format!("?{query}")).or(warp::any().map(String::new)).unify();
    warp::method()
        .and(path())
        .and(query)
        .and(warp::header::headers_cloned())
        .map(|method, path: String, query: String, headers| RequestHead { method, target: path + &query, headers, tenant: None })
}

/// The whole path, or nothing where the target is a host alone.
///
/// [`warp::path::full`] panics there, as of 0.4.3. What a log is told does not, and is told before the next filter goes on.
fn path() -> impl Filter<Extract = (String,), Error = Infallible> + Clone {
    thread_local! {
        static PATH: Cell<String> = const { Cell::new(String::new()) };
    }
    let tell = warp::log::custom(|info| PATH.set(info.path().to_owned()));
    warp::any().map(|| StatusCode::OK).with(tell).map(|_| PATH.take())
}

impl Head for RequestHead {
    fn method(&self) -> &str {
        self.method.as_str()
    }

    fn target(&self) -> &str {
        &self.target
    }

    fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    fn header<'h>(&'h self, name: &str, visit: &mut dyn FnMut(&'h [u8])) {
        headers::visit(&self.headers, name, visit);
    }

    fn headers<'h>(&'h self, names: &[&str], visit: &mut dyn FnMut(usize, &'h [u8])) {
        headers::visit_each(&self.headers, names, visit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn method_target_and_every_value_are_as_sent() {
        let request = warp::test::request().method("PUT").path("http://host/a%20b?c=%2F").header("X-A", &b"\xff"[..]);
        let head = request.header("b", "").filter(&filter()).await.unwrap();
        assert_eq!((head.method(), head.target()), ("PUT", "/a%20b?c=%2F"));
        let values = |name| {
            let mut values = Vec::new();
            head.header(name, &mut |value| values.push(value));
            values
        };
        assert_eq!(values("X-a"), [b"\xff"]);
        assert_eq!(values("B"), [b""]);
        assert!(values("c").is_empty());
        assert!(values("not a name").is_empty());
    }

    #[tokio::test]
    async fn a_target_keeps_its_question_mark_and_the_path_that_was_matched_already() {
        for target in ["/", "/a", "/a?", "/a?b", "/a/b/?c?d"] {
            let behind = warp::path("a").and(filter()).or(filter()).unify();
            assert_eq!(warp::test::request().path(target).filter(&behind).await.unwrap().target(), target);
        }
    }
}
