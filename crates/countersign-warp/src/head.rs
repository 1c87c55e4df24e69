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

/// The core's view of a request, of what warp's filters hand out.
#[derive(Default)]
pub(crate) struct CopiedHead {
    method: Method,
    /// Empty where nobody looks at it.
    target: String,
    fields: Fields,
    /// What the application says of the tenant.
    pub(crate) tenant: Option<String>,
}

enum Fields {
    All(HeaderMap),
    /// Those that are asked for.
    Some(Vec<(&'static str, HeaderValue)>),
}

/// What of a head is copied. Of most verifiers few fields are looked at, and copying all would take longer than judging them.
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
    /// As much as these look at.
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

/// Extracts the head, and leaves the body alone.
pub(crate) fn filter(
    extent: HeadScope,
) -> impl Filter<Extract = (Box<CopiedHead>,), Error = Infallible, Future: Send> + Clone + Send + Sync + 'static {
    // Rejects where there is no query, which is as good as an empty one.
    let query = warp::query::raw().map(|query| format!("?{query}")).or(warp::any().map(String::new)).unify();
    let whole = told(|info| Some(CopiedHead::whole(info))).and(query).map(|head: Option<Box<CopiedHead>>, query: String| {
        // There is one; without any field, it would be rejected.
        let mut head = head.unwrap_or_default();
        head.target += &query;
        head
    });
    let fields = told(move |info| match &extent {
        HeadScope::Whole => None,
        HeadScope::Fields(names) => Some(CopiedHead::of_fields(info, names)),
    });
    let fields = fields.and_then(|head: Option<_>| ready(head.ok_or_else(warp::reject::reject)));
    fields.or(whole).unify()
}

/// Extracts what `take` makes of what warp tells a log of the request, which is before the next filter goes on. So the fields are had without a
/// copy of all, and the path whatever the form of the target.
// Boxed, as warp moves what a filter extracts from one future to the next.
fn told(
    take: impl Fn(&Info<'_>) -> Option<CopiedHead> + Clone + Send + Sync + 'static,
) -> impl Filter<Extract = (Option<Box<CopiedHead>>,), Error = Infallible, Future: Send> + Clone + Send + Sync + 'static {
    thread_local! {
        static TAKEN: Cell<Option<Box<CopiedHead>>> = const { Cell::new(None) };
    }
    let tell = warp::log::custom(move |info| TAKEN.set(take(&info).map(Box::new)));
    warp::any().map(|| StatusCode::OK).with(tell).map(|_| TAKEN.take())
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
    async fn a_target_keeps_its_question_mark_and_the_path_that_was_matched_already() {
        for target in ["/", "/a", "/a?", "/a?b", "/a/b/?c?d"] {
            let behind = warp::path("a").and(filter(HeadScope::Whole)).or(filter(HeadScope::Whole)).unify();
            assert_eq!(warp::test::request().path(target).filter(&behind).await.unwrap().target(), target);
        }
    }

    #[tokio::test]
    async fn of_the_fields_that_are_asked_for_every_value_is_as_sent_and_of_others_none() {
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
