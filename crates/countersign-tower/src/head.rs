use std::borrow::Cow;

use countersign::RequestHead;
use countersign::adapter::HeaderIndex;
use http::request::Parts;
use http::uri::PathAndQuery;

use crate::settings::TenantBy;

/// The core's view of a request.
pub(crate) struct PartsHead<'a> {
    parts: &'a Parts,
    tenant_by: Option<&'a TenantBy>,
}

impl<'a> PartsHead<'a> {
    pub(crate) const fn new(parts: &'a Parts, tenant_by: Option<&'a TenantBy>) -> Self {
        Self { parts, tenant_by }
    }
}

impl RequestHead for PartsHead<'_> {
    fn method(&self) -> &str {
        self.parts.method.as_str()
    }

    fn target(&self) -> &str {
        self.parts.uri.path_and_query().map_or("", PathAndQuery::as_str)
    }

    /// axum's routers keep it in the extensions.
    #[cfg(feature = "axum")]
    fn original_target(&self) -> &str {
        let original = self.parts.extensions.get::<axum::extract::OriginalUri>().map_or(&self.parts.uri, |original| &original.0);
        original.path_and_query().map_or("", PathAndQuery::as_str)
    }

    fn tenant(&self) -> Option<Cow<'_, str>> {
        self.tenant_by.and_then(|find| find(self.parts)).map(Cow::Owned)
    }

    fn headers<'h>(&'h self, index: &mut HeaderIndex<'_, 'h>) {
        index.extend(&self.parts.headers);
    }

    fn header<'h>(&'h self, name: &str, visit: &mut dyn FnMut(&'h [u8])) {
        self.parts.headers.get_all(name).iter().for_each(|value| visit(value.as_bytes()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn method_target_and_every_value_are_as_sent() {
        let request = http::Request::put("http://host/a%20b?c=%2F").header("X-A", "1").header("x-a", &b"\xff"[..]).header("b", "");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let head = PartsHead::new(&parts, None);
        assert_eq!((head.method(), head.target()), ("PUT", "/a%20b?c=%2F"));
        let values = |name| {
            let mut values = Vec::new();
            head.header(name, &mut |value| values.push(value));
            values
        };
        assert_eq!(values("X-a"), [&b"1"[..], b"\xff"]);
        assert_eq!(values("B"), [b""]);
        assert!(values("c").is_empty());
        assert!(values("not a name").is_empty());
    }
}
