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
