use std::borrow::Cow;

use actix_web::dev::ServiceRequest;
use actix_web::http::Version;
use actix_web::http::uri::PathAndQuery;
use countersign::RequestHead;
use countersign::adapter::HeaderIndex;

use crate::settings::TenantBy;

/// Gives the core access to a request head. actix-web keeps the target as sent, also under a
/// `scope`.
pub(crate) struct ServiceRequestHead<'a> {
    request: &'a ServiceRequest,
    tenant_by: Option<&'a TenantBy>,
}

impl<'a> ServiceRequestHead<'a> {
    pub(crate) const fn new(request: &'a ServiceRequest, tenant_by: Option<&'a TenantBy>) -> Self {
        Self { request, tenant_by }
    }
}

impl RequestHead for ServiceRequestHead<'_> {
    fn method(&self) -> &str {
        self.request.method().as_str()
    }

    fn target(&self) -> &str {
        self.request.uri().path_and_query().map_or("", PathAndQuery::as_str)
    }

    fn tenant(&self) -> Option<Cow<'_, str>> {
        self.tenant_by.and_then(|find| find(self.request)).map(Cow::Owned)
    }

    fn headers<'h>(&'h self, index: &mut HeaderIndex<'_, 'h>) {
        index.extend(self.request.headers());
    }

    fn is_multiplexed(&self) -> bool {
        self.request.version() >= Version::HTTP_2
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::Method;
    use actix_web::http::header::HeaderValue;
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn method_target_and_every_value_are_as_sent() {
        let request = TestRequest::with_uri("http://host/a%20b?c=%2F")
            .method(Method::PUT)
            .append_header(("X-A", "1"))
            .append_header(("x-a", HeaderValue::from_bytes(b"\xff").unwrap()))
            .append_header(("b", ""))
            .to_srv_request();
        let head = ServiceRequestHead::new(&request, None);
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
