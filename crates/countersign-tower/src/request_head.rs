use countersign::Head;
use http::request::Parts;

/// The core's view of a request.
pub(crate) struct RequestHead<'a>(pub(crate) &'a Parts);

impl Head for RequestHead<'_> {
    fn method(&self) -> &str {
        self.0.method.as_str()
    }

    fn target(&self) -> &str {
        self.0.uri.path_and_query().map_or("", http::uri::PathAndQuery::as_str)
    }

    fn header<'h>(&'h self, name: &str, visit: &mut dyn FnMut(&'h [u8])) {
        self.0.headers.get_all(name).iter().for_each(|value| visit(value.as_bytes()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn method_target_and_every_value_are_as_sent() {
        let request = http::Request::put("http://host/a%20b?c=%2F").header("X-A", "1").header("x-a", &b"\xff"[..]).header("b", "");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let head = RequestHead(&parts);
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
