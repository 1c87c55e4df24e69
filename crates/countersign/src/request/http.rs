use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Request, Uri, Version};

use crate::request::head::RequestHead;
use crate::request::header_index::HeaderIndex;

impl RequestHead for Parts {
    fn method(&self) -> &str {
        self.method.as_str()
    }

    fn target(&self) -> &str {
        target(&self.uri)
    }

    fn headers<'h>(&'h self, index: &mut HeaderIndex<'_, 'h>) {
        index.extend(&self.headers);
    }

    fn is_multiplexed(&self) -> bool {
        self.version >= Version::HTTP_2
    }
}

impl<B> RequestHead for Request<B> {
    fn method(&self) -> &str {
        self.method().as_str()
    }

    fn target(&self) -> &str {
        target(self.uri())
    }

    fn headers<'h>(&'h self, index: &mut HeaderIndex<'_, 'h>) {
        index.extend(self.headers());
    }

    fn is_multiplexed(&self) -> bool {
        self.version() >= Version::HTTP_2
    }
}

fn target(uri: &Uri) -> &str {
    uri.path_and_query().map_or("", PathAndQuery::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn method_target_and_every_value_are_as_sent() {
        let request = Request::put("http://host/a%20b?c=%2F").header("X-A", "1").header("x-a", &b"\xff"[..]).header("b", "");
        let request = request.body("body").unwrap();
        let (parts, _) = request.clone().into_parts();
        for head in [&request as &dyn RequestHead, &parts] {
            assert_eq!((head.method(), head.target(), head.original_target()), ("PUT", "/a%20b?c=%2F", "/a%20b?c=%2F"));
            let values = |name| {
                let mut values = Vec::new();
                head.header(name, &mut |value| values.push(value));
                values
            };
            assert_eq!(values("X-a"), [&b"1"[..], b"\xff"]);
            assert_eq!(values("B"), [b""]);
            assert!(values("c").is_empty() && values("not a name").is_empty());
        }
    }

    #[test]
    fn http2_and_http3_requests_are_multiplexed() {
        for (version, expected) in [(Version::HTTP_10, false), (Version::HTTP_11, false), (Version::HTTP_2, true), (Version::HTTP_3, true)]
        {
            let request = Request::builder().version(version).body(()).unwrap();
            assert_eq!((request.is_multiplexed(), request.into_parts().0.is_multiplexed()), (expected, expected));
        }
    }
}
