use std::borrow::Cow;
use std::cell::Cell;
use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;

use countersign::RequestHead;
use countersign::adapter::{HeaderIndex, VerifierSource};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use warp::Filter;
use warp::filters::log::Info;

/// A request head, copied from the values of warp's filters.
#[derive(Default)]
pub(crate) struct CopiedHead {
    method: Method,
    /// Path and query. Empty with [`HeadScope::Fields`]: the verifier does not read the target.
    target: String,
    fields: Fields,
    /// The tenant found by the application.
    pub(crate) tenant: Option<String>,
}

enum Fields {
    All(HeaderMap),
    /// Only the fields read by the verifier.
    Some(Vec<(&'static str, HeaderValue)>),
}

/// The part of a head to copy. Most verifiers read few fields. Copying all fields would take longer
/// than verifying.
#[derive(Clone)]
pub(crate) enum HeadScope {
    Whole,
    Fields(Arc<[&'static str]>),
}

impl Default for Fields {
    fn default() -> Self {
        Self::Some(Vec::new())
    }
}

impl HeadScope {
    /// Returns the part read by these verifiers.
    pub(crate) fn of(verifiers: &VerifierSource) -> Self {
        verifiers.fields().map_or(Self::Whole, |mut fields| {
            for name in ["content-length", "transfer-encoding", "expect"] {
                if !fields.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                    fields.push(name);
                }
            }
            Self::Fields(fields.into())
        })
    }
}

impl CopiedHead {
    fn whole(info: &Info<'_>) -> Self {
        let (method, headers) = (info.method().clone(), info.request_headers().clone());
        Self { method, target: info.path().to_owned(), fields: Fields::All(headers), tenant: None }
    }

    fn of_fields(info: &Info<'_>, names: &[&'static str]) -> Self {
        let named = |(key, value): (&HeaderName, &HeaderValue)| {
            let name = names.iter().find(|name| name.eq_ignore_ascii_case(key.as_str()));
            name.map(|name| (*name, value.clone()))
        };
        let mut fields = Vec::with_capacity(names.len());
        fields.extend(info.request_headers().iter().filter_map(named));
        Self { method: info.method().clone(), target: String::new(), fields: Fields::Some(fields), tenant: None }
    }
}

/// Creates a filter that extracts the head. The body stays in the request.
pub(crate) fn filter(
    scope: HeadScope,
) -> impl Filter<Extract = (Box<CopiedHead>,), Error = Infallible, Future: Send> + Clone + Send + Sync + 'static {
    // warp's filter rejects a request without a query. An empty string stands for a missing query.
    let query = warp::query::raw().map(|query| format!("?{query}")).or(warp::any().map(String::new)).unify();
    let whole = copied(|info| Some(CopiedHead::whole(info))).and(query).map(|head: Option<Box<CopiedHead>>, query: String| {
        // The head is always `Some`. The default has no header fields, so a verifier would reject
        // the default.
        let mut head = head.unwrap_or_default();
        head.target += &query;
        head
    });
    let fields = copied(move |info| match &scope {
        HeadScope::Whole => None,
        HeadScope::Fields(names) => Some(CopiedHead::of_fields(info, names)),
    });
    let fields = fields.and_then(|head: Option<_>| ready(head.ok_or_else(warp::reject::reject)));
    fields.or(whole).unify()
}

/// Creates a filter that extracts the return value of `copy`.
///
/// warp calls a log filter with the request, before the next filter runs. A log filter reads single
/// fields without a copy of all fields. A log filter also reads the path of every form of target.
// Boxed, because warp moves an extracted value from future to future.
fn copied(
    copy: impl Fn(&Info<'_>) -> Option<CopiedHead> + Clone + Send + Sync + 'static,
) -> impl Filter<Extract = (Option<Box<CopiedHead>>,), Error = Infallible, Future: Send> + Clone + Send + Sync + 'static {
    thread_local! {
        static COPIED: Cell<Option<Box<CopiedHead>>> = const { Cell::new(None) };
    }
    let log = warp::log::custom(move |info| COPIED.set(copy(&info).map(Box::new)));
    warp::any().map(|| StatusCode::OK).with(log).map(|_| COPIED.take())
}

impl RequestHead for CopiedHead {
    fn method(&self) -> &str {
        self.method.as_str()
    }

    fn target(&self) -> &str {
        &self.target
    }

    fn tenant(&self) -> Option<Cow<'_, str>> {
        self.tenant.as_deref().map(Cow::Borrowed)
    }

    fn headers<'h>(&'h self, index: &mut HeaderIndex<'_, 'h>) {
        match &self.fields {
            Fields::All(headers) => index.extend(headers),
            Fields::Some(fields) => index.extend(fields.iter().map(|(name, value)| (*name, value))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn method_target_and_every_value_are_as_sent() {
        let request = warp::test::request().method("PUT").path("http://host/a%20b?c=%2F").header("X-A", &b"\xff"[..]);
        let head = request.header("b", "").filter(&filter(HeadScope::Whole)).await.unwrap();
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
    async fn target_keeps_its_question_mark_and_the_matched_path() {
        for target in ["/", "/a", "/a?", "/a?b", "/a/b/?c?d"] {
            let behind = warp::path("a").and(filter(HeadScope::Whole)).or(filter(HeadScope::Whole)).unify();
            assert_eq!(warp::test::request().path(target).filter(&behind).await.unwrap().target(), target);
        }
    }

    #[tokio::test]
    async fn only_requested_fields_are_copied_as_sent() {
        let request = warp::test::request().method("PUT").path("/a?b").header("X-A", &b"\xff"[..]).header("x-b", "2");
        let head = request.filter(&filter(HeadScope::Fields(["X-A", "absent"].into()))).await.unwrap();
        assert_eq!((head.method(), head.target()), ("PUT", ""));
        let values = |name| {
            let mut values = Vec::new();
            head.header(name, &mut |value| values.push(value));
            values
        };
        assert_eq!(values("x-a"), [b"\xff"]);
        assert!(values("x-b").is_empty() && values("absent").is_empty());
    }
}
